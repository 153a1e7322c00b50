#!/bin/sh
# Sets up what the tests need, for `make test` and `make gates`: Debian's parts and Python's.
# Without Debian's parts, what needs them is skipped; with CI=true a missing part is a failure.
set -eu
cd "$(dirname "$0")/.."

# nginx proves HTTP/2. Installing it starts a web server on port 80, which is for a CI machine only.
[ "${CI-}" = true ] && nginx=nginx || nginx=
# shellcheck disable=SC2086 # no word when empty
deploy/packages.sh firefox-esr chromium dbus-daemon libnotify4 postgresql $nginx ||
    printf '%s\n' "What the tests need of Debian's packages could not be installed here." >&2
deploy/bootstrap.sh requirements-dev.lock
