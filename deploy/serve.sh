#!/bin/sh
# Brings this checkout to the point where it can run, then runs it in the foreground.
set -eu
cd "$(dirname "$0")/.."
deploy/bootstrap.sh requirements.lock
manage() { .venv/bin/python manage.py "$@"; }

manage write_env
manage migrate --no-input --verbosity 0
manage createcachetable --verbosity 0
manage collectstatic --no-input --verbosity 0
exec .venv/bin/python deploy/serve.py
