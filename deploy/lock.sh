#!/bin/sh
# Resolves pyproject.toml into the two lock files, for every platform and Python from 3.12 on.
set -eu
cd "$(dirname "$0")/.."

lock() {
    output=$1
    shift
    .venv/bin/uv pip compile pyproject.toml "$@" --output-file "$output" --quiet \
        --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
        --custom-compile-command "make lock"
}

lock requirements.lock
lock requirements-dev.lock --extra dev --constraints requirements.lock
