#!/bin/sh
# The checks that need no test run. With --fix, brings files into form instead of complaining about their form.
set -eu
cd "$(dirname "$0")/.."
deploy/bootstrap.sh requirements-dev.lock
PATH="$PWD/.venv/bin:$PATH"

step() { printf '\n== %s\n' "$*" >&2 && "$@"; }
templates() { find templates -name '*.html' -o -name '*.txt' | sort; }

if [ "${1-}" = --fix ]; then
    step ruff check --fix-only --quiet .
    step ruff format .
    # djade ends with 1 when it has rewritten a file
    # shellcheck disable=SC2046 # no template has a space in its name
    djade $(templates) || djade --check $(templates)
    exit
fi

# What Django's own commands need to start; no part of the checks.
DATA_DIR=$(mktemp -d)
trap 'rm -rf "$DATA_DIR"' EXIT
export DATA_DIR
python manage.py write_env

step ruff check .
step ruff format --check .
# shellcheck disable=SC2046
step djade --check $(templates)
step mypy
step python manage.py check
step python manage.py makemigrations --check --dry-run
