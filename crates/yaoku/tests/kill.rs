//! What was answered is kept, even if the program is killed the next moment.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[expect(dead_code, reason = "shared with the tests of the server, which use all of it")]
#[path = "../../server/tests/support/client.rs"]
mod client;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use client::{Answer, KMS, Key, Outbound, Param, Scheme, exchange};
use tokio::{sync::Notify, task::JoinSet};
use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::Format;

const ROUNDS: u64 = 10;
const WRITERS: u64 = 4;

/// `yaoku dev`, running.
struct Dev {
    process: Child,
    address: SocketAddr,
    key: Key,
}

impl Dev {
    /// Starts it, and waits until it says that it runs.
    fn start(data: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_yaoku"))
            .args(["dev", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
            .arg(data)
            .env_remove("YAOKU_STORE")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|it| it.unwrap().contains("Stop with Ctrl-C")), "it does not start");
        let dev: serde_json::Value =
            serde_json::from_slice(&fs::read(data.join("dev.json")).unwrap()).unwrap();
        let text = |name: &str| dev[name].as_str().unwrap().to_owned();
        let key = Key { id: text("access_key_id"), secret: text("access_key_secret"), token: None };
        Self { process, address: text("http_endpoint").parse().unwrap(), key }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// `None`: it was killed before it answered.
async fn call(
    address: SocketAddr,
    key: &Key,
    action: &str,
    params: &[(&str, &str)],
) -> Option<Answer> {
    let params: Vec<Param> =
        params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let nonce = format!("nonce-{}", number());
    let call = Outbound {
        scheme: Scheme::V3,
        version: KMS,
        action,
        format: Format::Json,
        params: &params,
        at: now(),
        nonce: &nonce,
    };
    exchange(address, &call.sign(key)).await
}

/// The program reads the real clock, so its client must too.
#[expect(clippy::disallowed_methods, reason = "the program under test has the machine's clock")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap())
}

fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    for round in 0..ROUNDS {
        let dev = Dev::start(data.path());
        let answered = write_until_killed(dev, 5 + 3 * round).await;
        assert!(answered.len() as u64 >= 5 + 3 * round);
        kept.extend(answered);
    }
    let dev = Dev::start(data.path());
    for name in &kept {
        let value = call(dev.address, &dev.key, "GetSecretValue", &[("SecretName", name)]).await;
        assert_eq!(value.unwrap().text("/SecretData"), *name);
    }
    dev.kill();
}

#[tokio::test]
async fn calls_go_on_while_the_root_key_is_rotated_and_a_kill_stops_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut dev = Dev::start(data.path());
    let secret = [("SecretName", "kept"), ("VersionId", "v1"), ("SecretData", "kept")];
    assert_eq!(call(dev.address, &dev.key, "CreateSecret", &secret).await.unwrap().status, 200);
    for generation in 2..6 {
        let (address, key) = (dev.address, dev.key.clone());
        let calls = tokio::spawn(async move {
            let mut served = 0;
            // Until it is killed.
            while let Some(answer) =
                call(address, &key, "GetSecretValue", &[("SecretName", "kept")]).await
            {
                assert_eq!((answer.status, &*answer.text("/SecretData")), (200, "kept"));
                served += 1;
            }
            served
        });
        let begun = yaoku(data.path(), &["root-key", "rotate"]).await;
        assert_eq!(begun, format!("Rotation to generation {generation} has begun.\n"));
        dev.kill();
        assert!(calls.await.unwrap() > 0);
        dev = Dev::start(data.path());
        let ended = format!("Generation {generation}. No rotation is under way.\n");
        while !yaoku(data.path(), &["root-key", "status"]).await.starts_with(&ended) {}
        let value = call(dev.address, &dev.key, "GetSecretValue", &[("SecretName", "kept")]).await;
        assert_eq!(value.unwrap().text("/SecretData"), "kept");
    }
    dev.kill();
}

/// What a verb of the program says on a server that runs.
async fn yaoku(data: &Path, words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yaoku"));
    command.args(words).arg("--data").arg(data);
    // Beside the calls.
    let said = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(said.status.success(), "{words:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

/// Writes from several sides, and kills it after `count` answers, while others are under way.
async fn write_until_killed(dev: Dev, count: u64) -> Vec<String> {
    let (answered, enough) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (address, key) = (dev.address, dev.key.clone());
        let (answered, enough) = (Arc::clone(&answered), Arc::clone(&enough));
        writers.spawn(async move {
            loop {
                let name = format!("kill/{}", number());
                let params = [("SecretName", &*name), ("VersionId", "v1"), ("SecretData", &*name)];
                let Some(answer) = call(address, &key, "CreateSecret", &params).await else {
                    return;
                };
                assert_eq!(answer.status, 200, "{answer:?}");
                let mut answered = answered.lock().unwrap();
                answered.push(name);
                if answered.len() as u64 >= count {
                    enough.notify_one();
                }
            }
        });
    }
    enough.notified().await;
    dev.kill();
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let answered = answered.lock().unwrap();
    answered.clone()
}
