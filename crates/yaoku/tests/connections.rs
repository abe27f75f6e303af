//! The program at the limits that the machine sets it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
mod support;

use std::{process::Command, time::Duration};

use support::{Dev, call};
use tokio::net::TcpStream;

#[tokio::test]
async fn with_few_files_it_keeps_some_for_itself_and_answers_the_known() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 128; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_yaoku")]);
    let dev = Dev::start_by(command, data.path());
    let mut idle = Vec::new();
    for round in 0..3 {
        for to in [dev.http, dev.https].repeat(100) {
            let connecting = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(to));
            idle.push(connecting.await.unwrap().unwrap());
        }
        // Who comes while strangers still pour in may have to make room before he is known.
        settled(dev.process.id()).await;
        let name = format!("files/{round}");
        let secret = [("SecretName", &*name), ("VersionId", "v1"), ("SecretData", "value")];
        let made = call(dev.http, &dev.key, "CreateSecret", &secret).await.unwrap();
        assert_eq!(made.status, 200, "{made:?}");
        let files = files(dev.process.id());
        assert!(files < 128, "{files} files are open");
    }
    dev.kill();
}

/// Waits until all that came were let in, or sent away.
async fn settled(process: u32) {
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = files(process);
        if now == before {
            return;
        }
        before = now;
    }
}

fn files(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}
