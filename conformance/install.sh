#!/usr/bin/env bash
# Installs the official clients at exact versions under .conformance/ at the root of the repository.
# Each part is installed again only if the files that pin it have changed. Fails at the first error.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
home=${here%/conformance}/.conformance
mkdir -p "$home"

# part NAME FILE... -- COMMAND...: runs COMMAND unless it has run for these very FILEs.
part() {
    local name=$1 files=()
    shift
    while [ "$1" != -- ]; do files+=("$1"); shift; done
    shift
    local stamp="$home/$name.stamp" now
    now=$(cat "${files[@]}" | sha256sum)
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then
        return
    fi
    echo "conformance: installing $name"
    rm -f "$stamp"
    "$@"
    echo "$now" >"$stamp"
}

venv() {
    rm -rf "$home/$1"
    python3 -m venv "$home/$1"
    "$home/$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/python/requirements-$1.txt"
}

node_modules() {
    mkdir -p "$home/node"
    cp "$here"/node/package*.json "$home/node/"
    npm ci --prefix "$home/node" --ignore-scripts --no-audit --no-fund --loglevel=error
}

java_classes() {
    rm -rf "$home/java"
    mvn --quiet --batch-mode --file "$here/java/pom.xml" compile
}

go_program() {
    (cd "$here/go" && go build -mod=readonly -o "$home/go/tea-rpc" .)
}

for name in kms-2.4.0 kms-3.3.1 ram sts v1 secrets-v2 rotations managed; do
    part "$name" "$here/python/requirements-$name.txt" -- venv "$name"
done
part interop "$here/python/requirements-interop.txt" "$here/python/requirements-kms-3.3.1.txt" -- venv interop
part node "$here/node/package-lock.json" -- node_modules
part java "$here/java/pom.xml" "$here"/java/src/main/java/yaoku/conformance/*.java -- java_classes
part go "$here/go/go.mod" "$here/go/go.sum" "$here/go/main.go" -- go_program
