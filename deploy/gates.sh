#!/bin/sh
# What takes too long for every `make test`: the tests marked "gate" on PostgreSQL, then every property test
# with many more examples, other ones at each run. Minutes, not hours; the last line is pytest's own.
set -eu
cd "$(dirname "$0")/.."
say() { printf '%s\n' "$*" >&2; }

deploy/test_parts.sh

say ""
say "== gates on PostgreSQL"
if .venv/bin/python tests/fixtures/postgresql.py --is-here; then
    status=0
    .venv/bin/python tests/fixtures/postgresql.py .venv/bin/python -m pytest -m gate || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 5 ] || exit "$status" # 5: no test is marked so
elif [ "${CI-}" = true ]; then
    say "PostgreSQL is missing, and with CI=true nothing may be missing: apt-get install postgresql"
    exit 1
else
    say "skipped: PostgreSQL is not here (apt-get install postgresql)"
fi

say ""
say "== every property with many more examples"
exec env --unset=DATABASE_URL .venv/bin/python -m pytest -m "hypothesis and not gate" \
    --hypothesis-profile=gates
