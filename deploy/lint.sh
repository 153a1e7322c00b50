#!/bin/sh
# The checks that need no test run. With --fix, brings files into form instead of complaining about their form.
set -eu
cd "$(dirname "$0")/.."
deploy/bootstrap.sh requirements-dev.lock
PATH="$PWD/.venv/bin:$PATH"

step() { printf '\n== %s\n' "$*" >&2 && "$@"; }
templates() {
    find . -path './.*' -prune -o -path ./var -prune -o \
        -path '*/templates/*' \( -name '*.html' -o -name '*.txt' \) -print0
}
djade_check() { templates | xargs -0 djade --check; }

if [ "${1-}" = --fix ]; then
    step ruff check --fix-only --quiet .
    step ruff format .
    templates | xargs -0 djade || true # it says by its exit code that it has rewritten something
    step djade_check
    exit
fi

# What Django's own commands need to start; no part of the checks.
DATA_DIR=$(mktemp -d)
trap 'rm -rf "$DATA_DIR"' EXIT
export DATA_DIR
python manage.py write_env

step ruff check .
step ruff format --check .
step djade_check
step mypy
step python manage.py check
step python manage.py makemigrations --check --dry-run
