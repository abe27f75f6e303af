//! For tests, of this crate and of others: a real PostgreSQL server, one for each test process, and
//! a look at (or a hand in) the tables behind the store's back.
#![expect(clippy::panic, reason = "a test that cannot have its server must say so loudly")]

mod files;
mod vfs;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

pub use files::{Files, Trouble};

const WHERE: &str = "/usr/lib/postgresql";

/// Starts a server and stops it when its standard input ends: when the test process does, however.
///
/// Its collation is not byte order, so that a forgotten `COLLATE "C"` shows.
const SCRIPT: &str = r#"
set -e
bin=$1 port=$2 settings=$3
cd /
dir=$(mktemp -d "$4/yaoku-postgres.XXXXXX")
trap '"$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U yaoku -A trust -E UTF8 --no-sync \
    --locale=C.UTF-8 --locale-provider=icu --icu-locale=en >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w \
    -o "$settings -p $port -k $dir -c listen_addresses=127.0.0.1 -c max_connections=500" \
    start >/dev/null 2>&1 || { cat "$dir/log"; exit 1; }
echo "ready $dir"
cat >/dev/null
"#;

/// A PostgreSQL server of this process. What it keeps is for tests.
#[derive(Debug)]
pub struct TestPostgres {
    port: u16,
    /// Where its socket is, if that is how it is asked.
    socket: Option<String>,
    databases: AtomicU32,
    /// Holds the standard input that keeps the server running.
    _server: Child,
}

impl TestPostgres {
    /// The server that tests share. It does not sync. Started the first time (about two seconds, blocking).
    ///
    /// # Panics
    /// If there is no server to start. It never answers that a test may be skipped.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestPostgres> = OnceLock::new();
        SHARED.get_or_init(|| Self { socket: None, ..Self::start("-F") })
    }

    /// A server of its own, which syncs, and takes so long for it (`commit_delay`, at most 100 ms).
    ///
    /// The first of those who commit holds the lock on the write-ahead log so long, and then writes
    /// what all have added; the others wait for it, and for the next if they came too late. That is
    /// what a slow disk under PostgreSQL does, whose commits are always written together; the disk
    /// that there is must be fast beside it, so the files lie in memory where there is such a place.
    ///
    /// # Panics
    /// If there is no server to start.
    #[must_use]
    pub fn with_slow_commits(delay: Duration) -> Self {
        let delay = delay.as_micros();
        Self::start(&format!("-c fsync=on -c commit_siblings=0 -c commit_delay={delay}"))
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
        let asked = self.socket.as_ref().map(|it| format!("?host={it}")).unwrap_or_default();
        format!("postgres://yaoku:not-checked@127.0.0.1:{}/{database}{asked}", self.port)
    }

    fn start(settings: &str) -> Self {
        let port = free_port();
        let mut server =
            match command(port, settings).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
                Ok(server) => server,
                Err(error) => panic!("the test server does not start: {error}"),
            };
        let mut said = Vec::new();
        for line in server.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
            let line = line.unwrap_or_default();
            if let Some(socket) = line.strip_prefix("ready ") {
                let (socket, databases) = (Some(socket.to_owned()), AtomicU32::new(0));
                return Self { port, socket, databases, _server: server };
            }
            said.push(line);
        }
        panic!("the test server does not start:\n{}", said.join("\n"))
    }
}

/// The lines of every table of a database, in no order that means anything: bytes as hexadecimal.
///
/// # Panics
/// If the database cannot be read.
pub async fn dump(url: &str) -> BTreeMap<String, Vec<String>> {
    let dumped = match url.strip_prefix("sqlite:") {
        Some(path) => dump_sqlite(path).await,
        None => dump_postgres(url).await,
    };
    dumped.unwrap_or_else(|error| panic!("{url} is not read: {error}"))
}

/// Does what no store would: runs any SQL on its database.
///
/// # Panics
/// If the database does not do it.
pub async fn execute(url: &str, statement: &str) {
    let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    let done = async {
        match url.strip_prefix("sqlite:") {
            Some(path) => SqliteConnection::connect(path).await?.execute(statement).await.map(drop),
            None => PgConnection::connect(url).await?.execute(statement).await.map(drop),
        }
    };
    if let Err(error) = done.await {
        panic!("{url} does not do it: {error}")
    }
}

type Dump = BTreeMap<String, Vec<String>>;

async fn dump_sqlite(path: &str) -> sqlx::Result<Dump> {
    const TABLES: &str = "SELECT name, (SELECT group_concat('quote(\"' || name || '\")', \
                          ' || '', '' || ') FROM pragma_table_info(m.name)) \
                          FROM sqlite_master m WHERE type = 'table'";
    let mut connection = SqliteConnection::connect(path).await?;
    let mut dump = Dump::new();
    let tables: Vec<(String, String)> = sqlx::query_as(TABLES).fetch_all(&mut connection).await?;
    for (table, columns) in tables {
        let lines = AssertSqlSafe(format!("SELECT {columns} FROM \"{table}\" ORDER BY 1"));
        dump.insert(table, sqlx::query_scalar(lines).fetch_all(&mut connection).await?);
    }
    Ok(dump)
}

async fn dump_postgres(url: &str) -> sqlx::Result<Dump> {
    const TABLES: &str = "SELECT CAST(tablename AS TEXT) FROM pg_tables \
                          WHERE schemaname = 'public'";
    let mut connection = PgConnection::connect(url).await?;
    let mut dump = Dump::new();
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut connection).await?;
    for table in tables {
        let lines = format!("SELECT CAST(t AS TEXT) FROM \"{table}\" t ORDER BY 1");
        let lines = sqlx::query_scalar(AssertSqlSafe(lines)).fetch_all(&mut connection).await?;
        dump.insert(table, lines);
    }
    Ok(dump)
}

/// PostgreSQL refuses to run as root.
fn command(port: u16, settings: &str) -> Command {
    let root = fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0);
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command.args(["-c", SCRIPT, "sh"]).arg(programs()).arg(port.to_string()).arg(settings);
    command.arg(memory().unwrap_or_else(|| Path::new("/tmp")));
    command
}

/// Where files lie in memory, if there is such a place: what others do to the disk is not felt there.
#[must_use]
pub fn memory() -> Option<&'static Path> {
    let memory = Path::new("/dev/shm");
    memory.is_dir().then_some(memory)
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
