#!/bin/sh
# Brings this checkout to the point where it can run, then runs it in the foreground.
set -eu
cd "$(dirname "$0")/.."
deploy/bootstrap.sh requirements.lock
grep -qs '^SECRET_KEY=' "${DATA_DIR:-var}/.env" || .venv/bin/python manage.py write_env
.venv/bin/python deploy/prepare.py
exec .venv/bin/python deploy/serve.py
