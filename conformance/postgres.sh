#!/usr/bin/env bash
# A throw-away PostgreSQL for tests: on a loopback port, data in a directory of its own.
#   postgres.sh start DIR   starts one and prints its URL; DIR must not exist
#   postgres.sh stop DIR    stops it and removes DIR
# Needs Debian's package postgresql (any version). initdb refuses root, so root becomes the user postgres.
set -euo pipefail

command=${1:?start or stop} dir=${2:?directory}

bin() {
    local found
    found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    [ -x "$found/$1" ] || { echo "postgres.sh: no $1; apt-get install postgresql" >&2; exit 1; }
    echo "$found/$1"
}

as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start() {
    local port
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; fi
    port=$(free_port)
    cd "$dir"
    as_postgres "$(bin initdb)" --pgdata "$dir/data" --username yaoku --auth trust --encoding UTF8 --no-sync \
        >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
    as_postgres "$(bin pg_ctl)" --pgdata "$dir/data" --log "$dir/data/server.log" --wait --silent \
        --options "-c listen_addresses=127.0.0.1 -p $port -c unix_socket_directories=$dir/data" start \
        >"$dir/start.log" 2>&1 || { cat "$dir/data/server.log" >&2; exit 1; }
    "$(bin psql)" --host 127.0.0.1 --port "$port" --username yaoku --dbname postgres --quiet \
        --command "CREATE DATABASE yaoku" >&2
    echo "postgres://yaoku@127.0.0.1:$port/yaoku"
}

stop() {
    dir=$(cd "$dir" && pwd)
    cd "$dir"
    as_postgres "$(bin pg_ctl)" --pgdata "$dir/data" --mode fast --wait --silent stop
    cd /
    rm -rf "$dir"
}

case $command in
    start) start ;;
    stop) stop ;;
    *) echo "postgres.sh: start or stop" >&2; exit 2 ;;
esac
