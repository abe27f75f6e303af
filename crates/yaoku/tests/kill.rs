//! What was answered is kept, even if the program is killed the next moment.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
mod support;

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use support::{Dev, call, number};
use tokio::{sync::Notify, task::JoinSet};

const ROUNDS: u64 = 10;
const WRITERS: u64 = 4;

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
        let value = call(dev.http, &dev.key, "GetSecretValue", &[("SecretName", name)]).await;
        assert_eq!(value.unwrap().text("/SecretData"), *name);
    }
    dev.kill();
}

#[tokio::test]
async fn calls_go_on_while_the_root_key_is_rotated_and_a_kill_stops_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut dev = Dev::start(data.path());
    let secret = [("SecretName", "kept"), ("VersionId", "v1"), ("SecretData", "kept")];
    assert_eq!(call(dev.http, &dev.key, "CreateSecret", &secret).await.unwrap().status, 200);
    for generation in 2..6 {
        let (address, key) = (dev.http, dev.key.clone());
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
        let value = call(dev.http, &dev.key, "GetSecretValue", &[("SecretName", "kept")]).await;
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
        let (address, key) = (dev.http, dev.key.clone());
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
