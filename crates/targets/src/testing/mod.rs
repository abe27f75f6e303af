//! For tests, of this crate and of others: real servers of every engine, on loopback, each started
//! once for a test process and gone with it.
//!
//! They come from Debian's packages; `xtask/install.sh` names them. Where one is missing, a test fails
//! and says so: none is skipped.
#![expect(clippy::panic, reason = "a test that cannot have its server must say so loudly")]

mod authority;
mod scripts;

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use yaoku_model::{
    target::{Engine, Target, TlsMode},
    time::Timestamp,
};

use self::scripts::Start;
use crate::{Login, Proof};

pub use authority::Authority;

/// The name of every server's administrator, but for SSH, where it is `root`.
const ADMIN: &str = "steward";

/// Every administrator's password. It has what must be quoted.
const PASSWORD: &str = r#"St3ward's \"way" `$1`%s"#;

/// A real server. What it keeps is for tests.
#[derive(Debug)]
pub struct TestServer {
    engine: Engine,
    port: u16,
    /// Another port where it speaks TLS, if it does not on the first.
    tls_port: u16,
    /// What it said at the start: SSH: its host key, and the process in whose view its files are.
    said: Vec<String>,
    authority: Authority,
    /// Holds the standard input that keeps the server running.
    _server: Child,
}

impl TestServer {
    /// The `MariaDB` server that tests share.
    ///
    /// # Panics
    /// As all of these: if it does not start.
    pub fn mariadb() -> &'static Self {
        static SHARED: OnceLock<TestServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Engine::MySql, ""))
    }

    /// The PostgreSQL server that tests share.
    pub fn postgres() -> &'static Self {
        static SHARED: OnceLock<TestServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Engine::Postgres, ""))
    }

    /// The Redis server that tests share. It keeps its accounts in its configuration file.
    pub fn redis() -> &'static Self {
        static SHARED: OnceLock<TestServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Engine::Redis, ""))
    }

    /// The SSH server that tests share. It has users of its own: what it changes in `/etc` is changed
    /// in a copy. Wants to be `root`.
    ///
    /// Its users are `root`; `deputy`, who may use `sudo`; `visitor`, who may not; `app` and `other`.
    pub fn ssh() -> &'static Self {
        static SHARED: OnceLock<TestServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Engine::Ssh, ""))
    }

    /// A server of its own, with settings as its engine's command line (Redis: its configuration file,
    /// lines parted by `;`) takes them; for Redis `none` leaves the file out, and for PostgreSQL `standby`
    /// makes a standby of nobody's.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(engine: Engine, settings: &str) -> Self {
        // A free port may be taken by another before the server has it.
        let mut tries = std::iter::repeat_with(|| Self::try_start(engine, settings)).take(3);
        let mut said = String::new();
        let started = tries.find_map(|it| it.map_err(|why| said = why).ok());
        match started {
            Some(server) => server,
            None => panic!(
                "the test server of {engine:?} does not start: is all installed that \
                 xtask/install.sh names? It said:\n{said}"
            ),
        }
    }

    fn try_start(engine: Engine, settings: &str) -> Result<Self, String> {
        let authority = Authority::new();
        let (port, tls_port) = (free_port(), free_port());
        let start = Start { port, tls_port, settings, authority: &authority };
        let mut command = scripts::command(engine, &start);
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut server = started.map_err(|error| error.to_string())?;
        let tls_port = if engine == Engine::Redis { tls_port } else { port };
        let mut said = Vec::new();
        for line in server.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
            let line = line.unwrap_or_default();
            if line == "ready" {
                return Ok(Self { engine, port, tls_port, said, authority, _server: server });
            }
            said.push(line);
        }
        Err(said.join("\n"))
    }

    /// How it is reached, without TLS.
    #[must_use]
    pub fn target(&self) -> Target {
        let host_key = (self.engine == Engine::Ssh).then(|| self.said_of("key"));
        Target { host_key, ..target(self.engine, self.port) }
    }

    /// How it is reached with TLS, by the authority that it is of.
    #[must_use]
    pub fn target_with_tls(&self) -> Target {
        let ca = Some(self.authority.certificate().to_owned());
        Target { tls: TlsMode::Verify, ca, port: self.tls_port, ..self.target() }
    }

    /// Its administrator, who may do everything.
    #[must_use]
    pub fn admin(&self) -> Login {
        login(if self.engine == Engine::Ssh { "root" } else { ADMIN }, PASSWORD)
    }

    /// Does something as its administrator, by the engine's own client: SQL, one Redis command of words
    /// parted by single spaces or by tabs, or (SSH) a shell script as `root`. Answers what it said.
    ///
    /// # Panics
    /// If it is refused.
    #[expect(clippy::must_use_candidate, reason = "most is done, not asked")]
    pub fn run(&self, what: &str) -> String {
        match self.run_as(ADMIN, PASSWORD, what) {
            Ok(said) => said,
            Err(said) => panic!("{:?} does not do {what:?}: {said}", self.engine),
        }
    }

    /// Does something as anybody, who must log in for it (but for SSH).
    ///
    /// # Panics
    /// If the engine's client is not there.
    pub fn run_as(&self, user: &str, password: &str, what: &str) -> Result<String, String> {
        let port = self.port.to_string();
        let mut command = match self.engine {
            Engine::MySql => {
                let mut it = Command::new("mariadb");
                it.args(["--no-defaults", "--host=127.0.0.1", "--batch", "--skip-column-names"]);
                it.args([format!("--port={port}"), format!("--user={user}")]);
                it.args([format!("--password={password}"), format!("--execute={what}")]);
                it
            }
            Engine::Postgres => {
                let mut it = Command::new("psql");
                it.env("PGPASSWORD", password).args(["-h", "127.0.0.1", "-d", "postgres", "-AtX"]);
                it.args(["-v", "ON_ERROR_STOP=1", "-p", &port, "-U", user, "-c", what]);
                it
            }
            Engine::Redis => {
                let mut it = Command::new("redis-cli");
                it.args(["-e", "-p", &port, "--no-auth-warning", "--user", user, "--pass"]);
                it.arg(password);
                it.args(what.split(if what.contains('\t') { '\t' } else { ' ' }));
                it
            }
            Engine::Ssh => {
                let mut it = as_root("nsenter");
                it.args(["--mount", "--target", &self.said_of("process"), "sh", "-ec", what]);
                it
            }
        };
        let done = match command.stdin(Stdio::null()).output() {
            Ok(done) => done,
            Err(error) => panic!("the client of {:?} does not start: {error}", self.engine),
        };
        let text = |it: &[u8]| String::from_utf8_lossy(it).trim().to_owned();
        if done.status.success() {
            Ok(text(&done.stdout))
        } else {
            Err(format!("{} {}", text(&done.stdout), text(&done.stderr)))
        }
    }

    /// What it has logged. PostgreSQL logs every statement here.
    ///
    /// # Panics
    /// If that cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        match std::fs::read_to_string(self.said_of("log")) {
            Ok(log) => log,
            Err(error) => panic!("the log of {:?} is not read: {error}", self.engine),
        }
    }

    /// SSH: where its files are seen from outside of it.
    ///
    /// # Panics
    /// If it is no SSH server.
    #[must_use]
    pub fn files(&self) -> String {
        format!("/proc/{}/root", self.said_of("process"))
    }

    fn said_of(&self, what: &str) -> String {
        let found = self.said.iter().find_map(|it| it.strip_prefix(what)?.strip_prefix(' '));
        match found {
            Some(said) => said.to_owned(),
            None => panic!("the test server of {:?} said nothing of its {what}", self.engine),
        }
    }
}

/// A port where somebody takes connections and never says a word, as long as the process lives.
#[must_use]
pub fn silent_port() -> u16 {
    let listener = listener();
    let port = port_of(&listener);
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    port
}

/// A port where nobody listens, yet.
#[must_use]
pub fn free_port() -> u16 {
    port_of(&listener())
}

/// A target on this machine, of no account that matters, without TLS.
///
/// # Panics
/// Never.
#[must_use]
pub fn target(engine: Engine, port: u16) -> Target {
    let (Ok(account), Ok(id), Ok(admin)) =
        ("1000000000000001".parse(), "test".parse(), "admin".parse())
    else {
        panic!("these are ids")
    };
    let now = Timestamp::from_unix_ms(0);
    Target {
        account,
        id,
        engine,
        host: "127.0.0.1".to_owned(),
        port,
        tls: TlsMode::Off,
        ca: None,
        host_key: None,
        admin,
        created: now,
        updated: now,
    }
}

/// A login by a password.
///
/// # Panics
/// If it is empty.
#[must_use]
pub fn login(user: &str, password: &str) -> Login {
    let Ok(password) = password.parse() else { panic!("{password:?} is no secret") };
    Login { user: user.to_owned(), proof: Proof::Password(password) }
}

fn listener() -> TcpListener {
    match TcpListener::bind("127.0.0.1:0") {
        Ok(listener) => listener,
        Err(error) => panic!("no free port on 127.0.0.1: {error}"),
    }
}

fn port_of(listener: &TcpListener) -> u16 {
    match listener.local_addr() {
        Ok(address) => address.port(),
        Err(error) => panic!("a listener has no address: {error}"),
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// Where files lie in memory, if there is such a place.
fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { Path::new("/tmp") }
}
