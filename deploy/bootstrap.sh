#!/bin/sh
# Makes .venv and installs a lock file into it; does nothing when that is done already.
# Usage: deploy/bootstrap.sh [requirements.lock | requirements-dev.lock]
set -eu
cd "$(dirname "$0")/.."
lock=${1:-requirements.lock}

say() { printf '%s\n' "$*" >&2; }

python_is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null
}

find_python() {
    for candidate in python3.13 python3.12 python3 \
        "$HOME"/.pyenv/versions/3.1[3-9]*/bin/python3 "$HOME"/.pyenv/versions/3.12*/bin/python3; do
        if python_is_new_enough "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    say "FastLinkIt needs Python 3.12 or newer, and none was found (looked for python3.13, python3.12,"
    say "python3 and ~/.pyenv/versions). Install one: on Debian 13 and newer 'apt-get install python3 python3-venv',"
    say "elsewhere 'pyenv install 3.13'."
    return 1
}

make_venv() {
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        deploy/packages.sh python3-venv || {
            say "$python cannot make virtual environments. Install them: apt-get install python3-venv"
            exit 1
        }
    fi
    say "Making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}

# A lock counts as installed when the note in .venv holds its checksum.
note() { printf '.venv/.installed-%s' "$1"; }
checksum() { sha256sum "$1" | cut -d ' ' -f 1; }
installed() { [ "$(cat "$(note "$1")" 2>/dev/null)" = "$(checksum "$1")" ]; }

.venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || make_venv
if ! installed "$lock"; then
    say "Installing $lock"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
        --requirement "$lock"
    checksum "$lock" >"$(note "$lock")"
    # The development lock holds everything that the other one does, at the same versions.
    [ "$lock" = requirements.lock ] || checksum requirements.lock >"$(note requirements.lock)"
fi
