//! A deployment in a temporary directory, and the real program on it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, channel},
    },
    time::{Duration, SystemTime},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;
use tempfile::TempDir;
use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::Format;

use crate::{
    client::{Answer, KMS, Key, Outbound, Param, Scheme, exchange},
    mortal::Mortal,
};

/// As long as anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

/// The program, without what the test's own environment says to it.
pub(crate) fn yaoku(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yaoku"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|it| it.starts_with("YAOKU_") || it == "RUST_LOG") {
            command.env_remove(name);
        }
    }
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Said {
    let output = command.output().unwrap();
    let text = |it| String::from_utf8(it).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
}

/// A configuration, and the directories that it names.
pub(crate) struct Deployment {
    pub(crate) home: TempDir,
    settings: String,
}

impl Deployment {
    /// With these settings besides a data directory and listeners on any free port.
    pub(crate) fn new(settings: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        for name in ["one", "two"] {
            fs::create_dir(home.path().join(name)).unwrap();
        }
        let it = Self { settings: settings.replace("HOME", home.path().to_str().unwrap()), home };
        it.configure("");
        it
    }

    /// With two key files, each in a directory of its own.
    pub(crate) fn with_key_files() -> Self {
        Self::new(&format!("{}{}", key_file("first", "one"), key_file("second", "two")))
    }

    /// Writes the configuration anew, with `more` before its sections.
    pub(crate) fn configure(&self, more: &str) {
        let text = format!(
            "data = \"{}\"\nlisten.https = \"127.0.0.1:0\"\nlisten.http = \"127.0.0.1:0\"\n\
             listen.operations = \"127.0.0.1:0\"\n{more}\n{}",
            self.path("data").display(),
            self.settings
        );
        fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("yaoku.toml")
    }

    /// A file that its owner alone may read.
    pub(crate) fn private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// `yaoku VERB --config …`.
    pub(crate) fn command(&self, verb: &str, words: &[&str]) -> Command {
        let mut command = yaoku(&[verb, "--config"]);
        command.arg(self.config()).args(words);
        command
    }

    pub(crate) fn init(&self) -> Said {
        let credentials = self.path("credentials.json");
        run(self.command("init", &["--credentials", credentials.to_str().unwrap()]))
    }

    /// `init`, which must succeed.
    pub(crate) fn made(self) -> Self {
        let said = self.init();
        assert_eq!(said.code, Some(0), "{said:?}");
        self
    }

    /// Runs an admin verb on the data directory.
    pub(crate) fn admin(&self, words: &[&str]) -> Said {
        let mut command = yaoku(words);
        command.arg("--data").arg(self.path("data"));
        run(command)
    }

    /// The access key that `init` wrote down.
    pub(crate) fn key(&self) -> Key {
        let text = fs::read_to_string(self.path("credentials.json")).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Key { id: text("access_key_id"), secret: text("access_key_secret"), token: None }
    }

    /// Starts the server, and waits until it serves.
    pub(crate) fn serve(&self) -> Server {
        let mut server = self.start(|_| {});
        server.wait_for("serving");
        server
    }

    /// Starts the server, its command changed.
    pub(crate) fn start(&self, change: impl FnOnce(&mut Command)) -> Server {
        let mut command = self.command("server", &[]);
        change(&mut command);
        Server::start(command)
    }
}

/// The section of a seal with a key file.
pub(crate) fn key_file(name: &str, directory: &str) -> String {
    format!(
        "[[seal]]\nname = \"{name}\"\nkind = \"key-file\"\npath = \"HOME/{directory}/root.key\"\n"
    )
}

/// `yaoku server`, until it is stopped.
pub(crate) struct Server {
    process: Mortal,
    lines: Receiver<Value>,
    /// Everything that the log has said so far.
    pub(crate) log: Vec<Value>,
}

impl Server {
    /// Starts what is a server in the end.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = Mortal(command.stderr(Stdio::piped()).spawn().unwrap());
        let (sender, lines) = channel();
        let log = BufReader::new(process.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Self { process, lines, log: Vec::new() }
    }

    /// Waits until the log says it.
    pub(crate) fn wait_for(&mut self, message: &str) -> Value {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no {message:?} in {:#?}", self.log)
            };
            self.log.push(line.clone());
            if line["message"].as_str().is_some_and(|it| it.starts_with(message)) {
                return line;
            }
        }
    }

    /// The address that `https`, `http` or `operations` has.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        let message = format!("listening: {name}");
        let line = self.log.iter().find(|it| it["message"] == message.as_str());
        line.unwrap()["address"].as_str().unwrap().parse().unwrap()
    }

    /// What the operations view answers: its status, and the body.
    pub(crate) fn view(&self, path: &str) -> (u16, String) {
        view(self.address("operations"), path).unwrap()
    }

    /// The sample of a metric, as it stands on its line.
    pub(crate) fn metric(&self, sample: &str) -> f64 {
        let text = self.view("/metrics").1;
        let line = text.lines().find_map(|it| it.strip_prefix(sample)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {sample} in {text}")).parse().unwrap()
    }

    /// A call in the clear.
    pub(crate) async fn call(&self, key: &Key, action: &str, params: &[(&str, &str)]) -> Answer {
        let request = signed(key, action, params);
        exchange(self.address("http"), &request).await.unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Limits the size of the files that it writes, in bytes: as a full disk would.
    pub(crate) fn limit_files(&self, size: Option<u64>) {
        let limit = Rlimit { current: size, maximum: None };
        prlimit(Some(Pid::from_child(&self.process)), Resource::Fsize, limit).unwrap();
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.process.wait().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> (ExitStatus, Vec<Value>) {
        let status = self.process.wait().unwrap();
        self.log.extend(self.lines.iter());
        (status, std::mem::take(&mut self.log))
    }
}

/// What a server answers to `GET path`; `None` if it is not there.
pub(crate) fn view(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut read = String::new();
    stream.read_to_string(&mut read).ok()?;
    let (head, body) = read.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// A signed call, as bytes.
pub(crate) fn signed(key: &Key, action: &str, params: &[(&str, &str)]) -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let nonce = format!("nonce-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let params: Vec<Param> =
        params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let call = Outbound {
        scheme: Scheme::V3,
        version: KMS,
        action,
        format: Format::Json,
        params: &params,
        at: now(),
        nonce: &nonce,
    };
    call.sign(key)
}

/// Waits until something is so, however long it takes the machine.
pub(crate) fn until(what: &str, is: impl Fn() -> bool) {
    for _ in 0..600 {
        if is() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it never came: {what}");
}

/// The program reads the real clock, so its client must too.
#[expect(clippy::disallowed_methods, reason = "the program under test has the machine's clock")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap())
}

/// Whether a directory has this file.
pub(crate) fn has(directory: &Path, name: &str) -> bool {
    directory.join(name).exists()
}
