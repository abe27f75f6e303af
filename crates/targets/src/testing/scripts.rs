//! How each server is started. Each script makes its files in a folder of its own, says `ready` when the
//! server takes logins, and stops it when its standard input ends: when the test process does, however.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use yaoku_model::target::Engine;

use super::{ADMIN, Authority, PASSWORD, as_root, is_root, memory};

/// What all scripts begin with.
const PRELUDE: &str = r#"
set -eu
port=$1 tls_port=$2 settings=$3 admin=$4 password=$5 programs=$6
cd /
umask 077
dir=$(mktemp -d "$7/yaoku-target.XXXXXX")
server= stop=TERM
trap 'test -z "$server" || { kill "-$stop" "$server" 2>/dev/null; wait "$server" || :; }; rm -rf "$dir"' EXIT
printf %s "$8" >"$dir/ca.pem"
printf %s "$9" >"$dir/cert.pem"
printf %s "${10}" >"$dir/key.pem"
fail() { cat "$dir/log"; exit 1; }
await() {
    tries=0
    until "$@" >>"$dir/log" 2>&1; do
        kill -0 "$server" 2>/dev/null || fail
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail
        sleep 0.1
    done
}
"#;

/// What all scripts end with.
const END: &str = "\necho \"log $dir/log\"\necho ready\ncat >/dev/null\n";

const MARIADB: &str = r#"
user=$(id -un)
mariadb-install-db --no-defaults --user="$user" --datadir="$dir/data" --skip-test-db \
    --auth-root-authentication-method=normal >"$dir/log" 2>&1 || fail
PATH=$PATH:/usr/sbin
# shellcheck disable=SC2086 # words
mariadbd --no-defaults --user="$user" --datadir="$dir/data" --socket="$dir/socket" --port="$port" \
    --bind-address=127.0.0.1 --skip-name-resolve --performance-schema=off \
    --innodb-buffer-pool-size=16M --innodb-flush-log-at-trx-commit=0 --skip-log-bin \
    --ssl-ca="$dir/ca.pem" --ssl-cert="$dir/cert.pem" --ssl-key="$dir/key.pem" --max-connections=500 \
    $settings >>"$dir/log" 2>&1 &
server=$!
client() { mariadb --no-defaults --socket="$dir/socket" --user=root "$@"; }
await client --execute='SELECT 1'
quoted=$(printf %s "$password" | sed "s/'/''/g")
client --execute="SET sql_mode = 'NO_BACKSLASH_ESCAPES'; CREATE USER $admin@'%' IDENTIFIED BY '$quoted'; \
    GRANT ALL ON *.* TO $admin@'%' WITH GRANT OPTION"
"#;

const POSTGRES: &str = r#"
stop=QUIT
printf %s "$password" >"$dir/password"
"$programs/initdb" -D "$dir/data" -U "$admin" -A scram-sha-256 --pwfile="$dir/password" -E UTF8 \
    --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 || fail
if [ "$settings" = standby ]; then
    settings=
    : >"$dir/data/standby.signal"
fi
# shellcheck disable=SC2086 # words
"$programs/postgres" -D "$dir/data" -F -p "$port" -k "$dir" -c listen_addresses=127.0.0.1 -c ssl=on \
    -c ssl_cert_file="$dir/cert.pem" -c ssl_key_file="$dir/key.pem" -c max_connections=300 \
    -c log_statement=all -c logging_collector=off $settings >>"$dir/log" 2>&1 &
server=$!
await "$programs/pg_isready" -q -h 127.0.0.1 -p "$port"
"#;

const REDIS: &str = r##"
hash=$(printf %s "$password" | sha256sum | cut -d' ' -f1)
set -- --port "$port" --tls-port "$tls_port" --bind 127.0.0.1 --dir "$dir" --save '' \
    --tls-cert-file "$dir/cert.pem" --tls-key-file "$dir/key.pem" --tls-ca-cert-file "$dir/ca.pem" \
    --tls-auth-clients no
: >"$dir/users"
if [ "$settings" = none ]; then
    redis-server "$@" >>"$dir/log" 2>&1 &
else
    printf '%s\n' "$settings" | sed "s#DIR#$dir#" | tr ';' '\n' >"$dir/redis.conf"
    redis-server "$dir/redis.conf" "$@" >>"$dir/log" 2>&1 &
fi
server=$!
await redis-cli -e -p "$port" ping
redis-cli -e -p "$port" acl setuser "$admin" on "#$hash" '~*' '&*' +@all >>"$dir/log" 2>&1 || fail
redis-cli -e -p "$port" config rewrite >>"$dir/log" 2>&1 || :
redis-cli -e -p "$port" acl setuser default off >>"$dir/log" 2>&1 || fail
"##;

/// Runs in a view of the file system of its own, so that `/etc` can be another there.
const SSH: &str = r#"
chmod 755 "$dir"
cp -a /etc "$dir/etc"
mount --bind "$dir/etc" /etc
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd "$dir/home"
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
for user in deputy visitor app other; do
    useradd --create-home --home-dir "$dir/home/$user" --shell /bin/sh "$user"
    printf '%s:%s\n' "$user" "$password" | chpasswd
done
printf 'root:%s\n' "$password" | chpasswd
printf 'deputy ALL=(ALL) NOPASSWD: ALL\nDefaults !fqdn\n' >/etc/sudoers.d/yaoku
chmod 440 /etc/sudoers.d/yaoku
ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
cat >"$dir/sshd_config" <<CONFIG
Port $port
ListenAddress 127.0.0.1
HostKey $dir/host
PidFile none
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
MaxStartups 300
AcceptEnv none
$settings
CONFIG
/usr/sbin/sshd -D -e -f "$dir/sshd_config" >>"$dir/log" 2>&1 &
server=$!
await ssh-keyscan -T 2 -p "$port" 127.0.0.1
echo "key $(cut -d' ' -f1,2 "$dir/host.pub")"
echo "process $server"
"#;

/// What a script is told.
pub(super) struct Start<'a> {
    /// Where it listens.
    pub(super) port: u16,
    /// Where it listens with TLS, if that is another place.
    pub(super) tls_port: u16,
    /// Its engine's own settings.
    pub(super) settings: &'a str,
    /// Its certificate, and by whom that is.
    pub(super) authority: &'a Authority,
}

/// The command that starts a server.
pub(super) fn command(engine: Engine, start: &Start<'_>) -> Command {
    let mut programs = PathBuf::new();
    let (script, mut command) = match engine {
        Engine::MySql => (MARIADB, Command::new("sh")),
        Engine::Redis => (REDIS, Command::new("sh")),
        Engine::Postgres => {
            programs = postgres();
            // It refuses to run as root.
            let mut command = Command::new(if is_root() { "runuser" } else { "sh" });
            if is_root() {
                command.args(["-u", "postgres", "--", "sh"]);
            }
            (POSTGRES, command)
        }
        Engine::Ssh => {
            let mut command = as_root("unshare");
            command.args(["--mount", "sh"]);
            (SSH, command)
        }
    };
    let (certificate, key) = start.authority.leaf();
    command.arg("-c").arg([PRELUDE, script, END].concat()).arg("sh");
    command.arg(start.port.to_string()).arg(start.tls_port.to_string()).arg(start.settings);
    command.args([ADMIN, PASSWORD]).arg(programs).arg(memory());
    command.args([start.authority.certificate(), certificate, key]);
    command
}

/// The folder with PostgreSQL's programs: the newest, by the number it is called.
fn postgres() -> PathBuf {
    const WHERE: &str = "/usr/lib/postgresql";
    let versions = fs::read_dir(WHERE).into_iter().flatten().flatten();
    let number = |it: &fs::DirEntry| it.file_name().to_str().and_then(|it| it.parse::<u32>().ok());
    let found = versions.filter(|it| it.path().join("bin/initdb").exists()).max_by_key(number);
    found.map_or_else(|| Path::new(WHERE).to_owned(), |it| it.path().join("bin"))
}
