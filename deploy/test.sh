#!/bin/sh
# Sets up what the tests need, then runs the checks and all tests. The last line is pytest's own.
set -eu
cd "$(dirname "$0")/.."
say() { printf '%s\n' "$*" >&2; }

deploy/test_parts.sh
deploy/lint.sh

say ""
say "== pytest on PostgreSQL"
if .venv/bin/python tests/fixtures/postgresql.py --is-here; then
    # The commands and the layout are the same on every database: once is enough.
    .venv/bin/python tests/fixtures/postgresql.py .venv/bin/python -m pytest -m "not browser and not gate" \
        --ignore=tests/test_house.py --ignore=tests/test_structure.py
elif [ "${CI-}" = true ]; then
    say "PostgreSQL is missing, and with CI=true nothing may be missing: apt-get install postgresql"
    exit 1
else
    say "skipped: PostgreSQL is not here (apt-get install postgresql)"
fi

say ""
say "== pytest on SQLite"
exec env --unset=DATABASE_URL .venv/bin/python -m pytest
