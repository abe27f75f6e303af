//! Months pass for the real program: `yaoku dev clock advance`. Built with the feature `test-clock`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[expect(dead_code, reason = "of the other tests of the real program")]
#[path = "production/harness.rs"]
mod harness;
#[expect(dead_code, reason = "of the other tests of `yaoku dev`")]
mod support;

use std::{path::Path, time::Duration};

use harness::{Deployment, Said, run, yaoku};
use support::{
    Dev, call,
    client::{Answer, Scheme, exchange},
    signed,
};
use yaoku_server::api::Product;

// Where the harness looks for them.
use support::{client, mortal};

fn advance(data: &Path, by: &str) -> Said {
    let mut command = yaoku(&["dev", "clock", "advance", by, "--data"]);
    command.arg(data);
    run(command)
}

/// A success, or the test fails.
async fn done(dev: &Dev, action: &str, params: &[(&str, &str)]) -> Answer {
    let answer = call(dev.http, &dev.key, action, params).await.unwrap();
    assert_eq!(answer.status, 200, "{action}: {answer:?}");
    answer
}

#[tokio::test]
async fn nobody_moves_it_over_the_network() {
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(data.path());
    let version = Product::Yaoku.version();
    let request = signed(Scheme::V3, &dev.key, version, "AdvanceClock", &[("By", "1d")]);
    let answer = exchange(dev.http, &request).await.unwrap();
    assert_eq!((answer.status, &*answer.code()), (403, "Forbidden.NoPermission"));
}

#[test]
fn a_server_that_is_no_dev_refuses() {
    let deployment = Deployment::with_key_files().made();
    let _server = deployment.serve();
    let said = advance(&deployment.path("data"), "1d");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.error.starts_with("UnsupportedOperation: "), "{said:?}");
}

#[test]
fn it_does_not_go_back_nor_past_the_years_of_four_digits() {
    let data = tempfile::tempdir().unwrap();
    let _dev = Dev::start(data.path());
    for by in ["-1d", "soon", "9999999d"] {
        let said = advance(data.path(), by);
        assert_ne!(said.code, Some(0), "{by}: {said:?}");
    }
}

#[tokio::test]
async fn what_falls_due_is_done_and_calls_signed_today_go_on() {
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(data.path());
    let instance = dev.file["instance_id"].as_str().unwrap();
    let rotating = [
        ("DKMSInstanceId", instance),
        ("EnableAutomaticRotation", "true"),
        ("RotationInterval", "365d"),
    ];
    let key = done(&dev, "CreateKey", &rotating).await.text("/KeyMetadata/KeyId");
    let text = [("KeyId", &*key), ("Plaintext", "hello")];
    let old = done(&dev, "Encrypt", &text).await;
    let said = advance(data.path(), "365d");
    assert_eq!(said.code, Some(0), "{said:?}");
    rotated(&dev, &key).await;
    let new = done(&dev, "Encrypt", &text).await;
    assert_ne!(new.text("/KeyVersionId"), old.text("/KeyVersionId"));
    for sealed in [&old, &new] {
        let blob = sealed.text("/CiphertextBlob");
        let opened = done(&dev, "Decrypt", &[("CiphertextBlob", &blob)]).await;
        assert_eq!(opened.text("/KeyVersionId"), sealed.text("/KeyVersionId"));
        assert_eq!(opened.text("/Plaintext"), "hello");
    }
    let window = [("KeyId", &*key), ("PendingWindowInDays", "7")];
    done(&dev, "ScheduleKeyDeletion", &window).await;
    assert_eq!(advance(data.path(), "7d").code, Some(0));
    let gone = call(dev.http, &dev.key, "DescribeKey", &[("KeyId", &key)]).await.unwrap();
    assert_eq!((gone.status, &*gone.code()), (404, "Forbidden.KeyNotFound"));
}

/// Waits until the key has its second version: the engine looks each second.
async fn rotated(dev: &Dev, key: &str) {
    for _ in 0..600 {
        let listed = done(dev, "ListKeyVersions", &[("KeyId", key)]).await;
        if listed.json()["TotalCount"] == 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the key did not rotate");
}
