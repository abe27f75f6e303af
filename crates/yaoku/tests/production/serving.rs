//! Serving: over TLS and in the clear, its view, and how it stops.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    client::KMS,
    harness::{Deployment, Server, run, signed, until, view, yaoku},
    tls,
};

#[tokio::test]
async fn what_init_made_is_served_over_tls() {
    let it = Deployment::with_key_files().made();
    let server = it.serve();
    let key = it.key();
    let trusted = fs::read_to_string(it.path("data/ca.pem")).unwrap();
    let request = signed(&key, "ListKeys", &[]);
    let answer = tls::exchange(server.address("https"), &trusted, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let made = server.call(&key, "CreateKey", &[]).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert!(server.stop().success());
    // Everything is still there after a restart: that key, and the one that secrets are sealed under.
    let server = it.serve();
    let listed = server.call(&key, "ListKeys", &[]).await;
    assert_eq!(listed.json()["TotalCount"], 2, "{listed:?}");
    assert!(server.stop().success());
}

#[tokio::test]
async fn a_call_in_flight_is_answered_before_it_stops() {
    let it = Deployment::with_key_files().made();
    let server = it.serve();
    let request = signed(&it.key(), "ListKeys", &[("PageSize", "10")]);
    let mut call = TcpStream::connect(server.address("http")).unwrap();
    // Its head is whole, its body lacks a byte.
    let (first, rest) = request.split_at(request.len() - 1);
    call.write_all(first).unwrap();
    until("the connection is served", || server.metric("yaoku_connections") >= 1.0);
    let operations = server.address("operations");
    server.signal(Signal::TERM);
    let stopping = |it: &(u16, String)| it.0 == 503 && it.1.contains("\"stopping\"");
    until("readyz says so", || view(operations, "/readyz").as_ref().is_some_and(stopping));
    call.write_all(rest).unwrap();
    let mut answer = String::new();
    call.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(server.ended().0.success());
}

#[tokio::test]
async fn the_view_tells_how_it_is_and_no_more() {
    let it = Deployment::with_key_files().made();
    let server = it.serve();
    assert_eq!(server.view("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(server.view("/readyz"), (200, "{\"ready\":true,\"reasons\":[]}\n".to_owned()));
    assert_eq!(server.view("/").0, 404);
    let secret = ("Name-of-nothing", "value-of-nothing");
    server
        .call(
            &it.key(),
            "CreateSecret",
            &[("SecretName", secret.0), ("SecretData", secret.1), ("VersionId", "v1")],
        )
        .await;
    let text = server.view("/metrics").1;
    assert!(text.contains("yaoku_calls_total{action=\"kms:CreateSecret\",class=\"2xx\"} 1\n"));
    assert!(text.contains("yaoku_root_key_generation 1\n"), "{text}");
    for word in [secret.0, secret.1, &it.key().id] {
        assert!(!text.contains(word), "{word}");
    }
    documented(&text);
}

/// docs/operations-view.md and what is served name the same metrics.
fn documented(text: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations-view.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|it| it.strip_prefix("| `")?.split('`').next());
    let metric = |it: &&str| it.starts_with("yaoku_") || it.starts_with("process_");
    let told: BTreeSet<&str> = rows.filter(metric).collect();
    let lines = text.lines().filter_map(|it| it.strip_prefix("# TYPE ")?.split(' ').next());
    assert_eq!(told, lines.collect(), "docs/operations-view.md");
}

#[tokio::test]
async fn the_hot_path_does_without_the_store_once_it_is_warm() {
    const READS: &str = "yaoku_store_transactions_total{kind=\"read\"}";
    const WRITES: &str = "yaoku_store_transactions_total{kind=\"write\"}";
    let it = Deployment::with_key_files().made();
    let (server, key) = (it.serve(), it.key());
    let made = server.call(&key, "CreateKey", &[]).await.text("/KeyMetadata/KeyId");
    let encrypt = [("KeyId", &*made), ("Plaintext", "aGVsbG8=")];
    server.call(&key, "Encrypt", &encrypt).await;
    let before = (server.metric(READS), server.metric(WRITES));
    for _ in 0..20 {
        assert_eq!(server.call(&key, "Encrypt", &encrypt).await.status, 200);
    }
    assert_eq!((server.metric(READS), server.metric(WRITES)), before);
}

#[tokio::test]
async fn the_log_has_a_line_for_each_call_if_asked_for_and_never_a_parameter() {
    let it = Deployment::with_key_files().made();
    let mut server = it.start(|it| _ = it.args(["--set", "log.calls=true"]));
    server.wait_for("serving");
    let plaintext = "c2VjcmV0LXBsYWludGV4dA==";
    let params = [("KeyId", "alias/none"), ("Plaintext", plaintext)];
    let answer = server.call(&it.key(), "Encrypt", &params).await;
    let line = server.wait_for("call");
    assert_eq!(line["request_id"], answer.request_id().as_str(), "{line}");
    assert_eq!((&line["action"], &line["source"]), (&"Encrypt".into(), &"127.0.0.1".into()));
    assert_eq!(line["code"], answer.code().as_str());
    assert!(line["duration_us"].is_u64(), "{line}");
    server.signal(Signal::TERM);
    let (status, log) = server.ended();
    assert!(status.success());
    let log = Value::from(log).to_string();
    assert!(!log.contains(plaintext) && !log.contains(&it.key().secret) && !log.contains(KMS));
}

#[tokio::test]
async fn while_the_journal_cannot_be_written_calls_are_refused_and_it_recovers_by_itself() {
    let it = Deployment::with_key_files().made();
    // Writing past the limit on a file's size shall fail, and not kill.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_yaoku"), "server"]);
    command.arg("--config").arg(it.config());
    let mut server = Server::start(command);
    server.wait_for("serving");
    let key = it.key();
    let made = server.call(&key, "CreateKey", &[]).await.text("/KeyMetadata/KeyId");
    let encrypt = [("KeyId", &*made), ("Plaintext", "aGVsbG8=")];
    assert_eq!(server.call(&key, "Encrypt", &encrypt).await.status, 200);
    // The journal is as long as a file may be; the nonces' file is much shorter.
    let journal = fs::read_dir(it.path("data/audit/one")).unwrap();
    let longest = journal.map(|it| it.unwrap().metadata().unwrap().len()).max();
    server.limit_files(longest);
    for _ in 0..20 {
        let refused = server.call(&key, "Encrypt", &encrypt).await;
        assert_eq!((refused.status, &*refused.code()), (503, "ServiceUnavailableTemporary"));
    }
    let (status, body) = server.view("/readyz");
    assert_eq!(status, 503);
    assert!(body.contains("\"audit_down\""), "{body}");
    assert!(server.metric("yaoku_audit_refusals_total") >= 1.0);
    server.limit_files(None);
    until("it writes again", || server.view("/readyz").0 == 200);
    assert_eq!(server.call(&key, "Encrypt", &encrypt).await.status, 200);
    server.signal(Signal::TERM);
    let (status, log) = server.ended();
    assert!(status.success());
    let failed = |it: &&Value| it["message"].as_str().unwrap_or("").starts_with("call failed");
    let told = log.iter().filter(failed).count();
    assert!((1..=3).contains(&told), "20 calls failed of few causes: {log:#?}");
}

#[tokio::test]
async fn a_seal_is_lost_the_second_opens_and_the_root_key_is_rotated_while_serving() {
    let it = Deployment::with_key_files().made();
    let (server, key) = (it.serve(), it.key());
    let made = server.call(&key, "CreateKey", &[]).await.text("/KeyMetadata/KeyId");
    let encrypt = [("KeyId", &*made), ("Plaintext", "aGVsbG8=")];
    let blob = server.call(&key, "Encrypt", &encrypt).await.text("/CiphertextBlob");
    assert!(server.stop().success());

    fs::remove_file(it.path("one/root.key")).unwrap();
    let server = it.serve();
    assert!(server.log.iter().any(|it| it["level"] == "WARN"), "{:#?}", server.log);
    let opened = server.call(&key, "Decrypt", &[("CiphertextBlob", &blob)]).await;
    assert_eq!(opened.text("/Plaintext"), "aGVsbG8=", "{opened:?}");

    let rotating = async {
        let data = it.path("data");
        let mut rotate = yaoku(&["root-key", "rotate", "--wait", "--drop", "first", "--data"]);
        rotate.arg(data);
        tokio::task::spawn_blocking(|| run(rotate)).await.unwrap()
    };
    let done = AtomicBool::new(false);
    let calling = async {
        let mut count = 0;
        while !done.load(Relaxed) {
            let opened = server.call(&key, "Decrypt", &[("CiphertextBlob", &blob)]).await;
            assert_eq!(opened.text("/Plaintext"), "aGVsbG8=", "{opened:?}");
            count += 1;
        }
        count
    };
    let rotating = async {
        let said = rotating.await;
        done.store(true, Relaxed);
        said
    };
    let (said, calls) = tokio::join!(rotating, calling);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("Generation 2. No rotation is under way."), "{said:?}");
    assert!(calls > 0);
    until("it is counted", || server.metric("yaoku_root_key_generation") >= 2.0);
    assert!(server.stop().success());

    let server = it.serve();
    let opened = server.call(&key, "Decrypt", &[("CiphertextBlob", &blob)]).await;
    assert_eq!(opened.text("/Plaintext"), "aGVsbG8=", "{opened:?}");
}
