#!/bin/sh
# Sets up what the tests need, then runs the checks and all tests. The last line is pytest's own.
# Without Debian's parts, what needs them is skipped; with CI=true a missing part is a failure.
set -eu
cd "$(dirname "$0")/.."
say() { printf '%s\n' "$*" >&2; }

# nginx proves HTTP/2. Installing it starts a web server on port 80, which is for a CI machine only.
[ "${CI-}" = true ] && nginx=nginx || nginx=
# shellcheck disable=SC2086 # no word when empty
deploy/packages.sh firefox-esr chromium dbus-daemon libnotify4 postgresql $nginx ||
    say "What the tests need of Debian's packages could not be installed here."
deploy/bootstrap.sh requirements-dev.lock

deploy/lint.sh

say ""
say "== pytest on PostgreSQL"
if .venv/bin/python tests/fixtures/postgresql.py --is-here; then
    # The commands and the layout are the same on every database: once is enough.
    .venv/bin/python tests/fixtures/postgresql.py .venv/bin/python -m pytest -m "not browser" \
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
