#!/bin/sh
# Installs Debian packages where that is possible without asking: as root, or with sudo that needs no password.
# Usage: deploy/packages.sh PACKAGE…        Ends with 1 when they cannot be installed.
set -eu

missing=
for package in "$@"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || exit 1
if [ "$(id -u)" -eq 0 ]; then
    run() { env DEBIAN_FRONTEND=noninteractive "$@"; }
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    run() { sudo -n env DEBIAN_FRONTEND=noninteractive "$@"; }
else
    exit 1
fi
printf 'Installing Debian packages:%s\n' "$missing" >&2
run apt-get -o DPkg::Lock::Timeout=500 -qq update
# shellcheck disable=SC2086 # the names are words of their own
run apt-get -o DPkg::Lock::Timeout=500 -qq install -y --no-install-recommends $missing >/dev/null
