//! For tests, of this crate and of others: a real PostgreSQL server, one for each test process.
#![expect(clippy::panic, reason = "a test that cannot have its server must say so loudly")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

const WHERE: &str = "/usr/lib/postgresql";

/// Starts a server and stops it when its standard input ends: when the test process does, however.
///
/// Its collation is not byte order, so that a forgotten `COLLATE "C"` shows.
const SCRIPT: &str = r#"
set -e
bin=$1 port=$2
cd /
dir=$(mktemp -d /tmp/yaoku-postgres.XXXXXX)
trap '"$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U yaoku -A trust -E UTF8 --no-sync \
    --locale=C.UTF-8 --locale-provider=icu --icu-locale=en >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w \
    -o "-F -p $port -k $dir -c listen_addresses=127.0.0.1 -c max_connections=500" \
    start >/dev/null 2>&1 || { cat "$dir/log"; exit 1; }
echo ready
cat >/dev/null
"#;

/// A PostgreSQL server of this process. It does not sync: what it keeps is for tests.
#[derive(Debug)]
pub struct TestPostgres {
    port: u16,
    databases: AtomicU32,
    /// Holds the standard input that keeps the server running.
    _server: Child,
}

impl TestPostgres {
    /// The server, started the first time (about two seconds, blocking).
    ///
    /// # Panics
    /// If there is no server to start. It never answers that a test may be skipped.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestPostgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Makes an empty database. Answers its URL.
    ///
    /// # Panics
    /// If the server does not do it.
    pub async fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        let made = async {
            let mut connection = PgConnection::connect(&self.url("postgres")).await?;
            sqlx::raw_sql(create).execute(&mut connection).await?;
            connection.close().await
        };
        match made.await {
            Ok(()) => self.url(&name),
            Err(error) => panic!("the test server makes no database: {error}"),
        }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://yaoku:not-checked@127.0.0.1:{}/{database}", self.port)
    }

    fn start() -> Self {
        let port = free_port();
        let mut server = match command(port).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            Ok(server) => server,
            Err(error) => panic!("the test server does not start: {error}"),
        };
        let mut said = Vec::new();
        for line in server.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
            said.push(line.unwrap_or_default());
            if said.last().is_some_and(|it| it == "ready") {
                return Self { port, databases: AtomicU32::new(0), _server: server };
            }
        }
        panic!("the test server does not start:\n{}", said.join("\n"))
    }
}

/// PostgreSQL refuses to run as root.
fn command(port: u16) -> Command {
    let root = fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0);
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command.args(["-c", SCRIPT, "sh"]).arg(programs()).arg(port.to_string());
    command
}

/// The folder with `initdb`: the newest, by the number it is called.
fn programs() -> PathBuf {
    let versions = fs::read_dir(WHERE).into_iter().flatten().flatten();
    let number = |it: &fs::DirEntry| it.file_name().to_str().and_then(|it| it.parse::<u32>().ok());
    let found = versions.filter(|it| it.path().join("bin/initdb").exists()).max_by_key(number);
    match found {
        Some(version) => version.path().join("bin"),
        None => panic!("no initdb in {WHERE}/*/bin: `apt-get install postgresql` (15 or newer)"),
    }
}

fn free_port() -> u16 {
    match TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()) {
        Ok(address) => address.port(),
        Err(error) => panic!("no free port on 127.0.0.1: {error}"),
    }
}
