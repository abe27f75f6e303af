//! `yaoku dev` as a child process, and calls of it.

#[path = "../../../server/tests/support/canaries.rs"]
pub(crate) mod canaries;
#[path = "../../../server/tests/support/client.rs"]
pub(crate) mod client;
pub(crate) mod mortal;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use client::{Answer, KMS, Key, Outbound, Param, Scheme, exchange};
use mortal::Mortal;
use serde_json::Value;
use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::Format;

/// `yaoku dev`, running.
pub(crate) struct Dev {
    pub(crate) process: Mortal,
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    /// The certificate that it is to be trusted by.
    pub(crate) ca: PathBuf,
    pub(crate) key: Key,
    /// What `dev.json` says.
    pub(crate) file: Value,
}

impl Dev {
    /// Starts it, and waits until it says that it runs.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_yaoku")), data)
    }

    /// As [`Self::start`], by a command that ends in the program's path.
    pub(crate) fn start_by(mut command: Command, data: &Path) -> Self {
        let process = command
            .args(["dev", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
            .arg(data)
            .env_remove("YAOKU_STORE")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut process = Mortal(process);
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|it| it.unwrap().contains("Stop with Ctrl-C")), "it does not start");
        let file: Value =
            serde_json::from_slice(&fs::read(data.join("dev.json")).unwrap()).unwrap();
        let text = |name: &str| file[name].as_str().unwrap().to_owned();
        Self {
            process,
            http: text("http_endpoint").parse().unwrap(),
            https: text("endpoint").parse().unwrap(),
            ca: text("ca").into(),
            key: Key { id: text("access_key_id"), secret: text("access_key_secret"), token: None },
            file,
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(self) {
        drop(self.process);
    }
}

/// `None`: it was killed before it answered.
pub(crate) async fn call(
    address: SocketAddr,
    key: &Key,
    action: &str,
    params: &[(&str, &str)],
) -> Option<Answer> {
    exchange(address, &signed(Scheme::V3, key, KMS, action, params)).await
}

/// A call as bytes on the wire, signed now.
pub(crate) fn signed(
    scheme: Scheme,
    key: &Key,
    version: &str,
    action: &str,
    params: &[(&str, &str)],
) -> Vec<u8> {
    let params: Vec<Param> =
        params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let nonce = format!("nonce-{}", number());
    let format = Format::Json;
    let call =
        Outbound { scheme, version, action, format, params: &params, at: now(), nonce: &nonce };
    call.sign(key)
}

/// The program reads the real clock, so its client must too.
#[expect(clippy::disallowed_methods, reason = "the program under test has the machine's clock")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap())
}

/// Another each time.
pub(crate) fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
