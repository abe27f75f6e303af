//! A server that starts sealed, and how it is opened.

use std::{io::Write as _, process::Stdio};

use crate::{
    client::exchange,
    harness::{Deployment, Server, signed, yaoku},
};

const SHARES: &str = "[[seal]]\nname = \"safe\"\nkind = \"shares\"\nneeded = 2\nof = 3\n";
const PHRASE: &str = "[[seal]]\nname = \"phrase\"\nkind = \"passphrase\"\n";

/// Made with a passphrase that was typed; in no file.
fn with_phrase() -> Deployment {
    let it = Deployment::new(&format!("{SHARES}{PHRASE}"));
    let credentials = it.path("credentials.json");
    let mut init = it.command("init", &["--credentials", credentials.to_str().unwrap()]);
    let mut init = init.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let typed = "correct horse battery\ncorrect horse battery\n";
    init.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = init.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let out = String::from_utf8(output.stdout).unwrap();
    let shares = out.lines().filter(|it| it.contains("safe") && !it.contains(' '));
    for (nth, share) in shares.enumerate() {
        it.private(&format!("share-{nth}"), &format!("{share}\n"));
    }
    it
}

fn sealed(it: &Deployment) -> Server {
    let mut server = it.start(|_| {});
    server.wait_for("sealed");
    server
}

#[tokio::test]
async fn sealed_it_answers_nothing_but_that_it_is() {
    let it = with_phrase();
    let server = sealed(&it);
    assert_eq!(server.view("/healthz").0, 200);
    assert_eq!(
        server.view("/readyz"),
        (503, "{\"ready\":false,\"reasons\":[\"sealed\"]}\n".into())
    );
    let answer = server.call(&it.key(), "ListKeys", &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "ServiceUnavailableTemporary"));
    assert!(!answer.request_id().is_empty());
    let said = it.admin(&["user", "list"]);
    assert!(
        said.error.starts_with("ServiceUnavailableTemporary: The server is sealed"),
        "{said:?}"
    );
    // Over the network nobody unseals it.
    let request = signed(&it.key(), "Unseal", &[("Share", "x")]);
    let ours = String::from_utf8(request).unwrap().replace("2016-01-20", "2026-11-21");
    let answer = exchange(server.address("http"), ours.as_bytes()).await.unwrap();
    assert_eq!(answer.code(), "ServiceUnavailableTemporary");
    assert!(server.stop().success(), "it can be stopped");
}

#[tokio::test]
async fn shares_open_it_one_by_one() {
    let it = with_phrase();
    let mut server = sealed(&it);
    let [one, two] = ["share-0", "share-2"].map(|name| it.path(name));
    let give =
        |file: &std::path::Path| it.admin(&["unseal", "--share-file", file.to_str().unwrap()]);
    let said = give(&one);
    assert_eq!(said.code, Some(0), "{said:?}");
    let more = "seal safe: 1 of 2 shares\nthe server is still sealed: it waits for more\n";
    assert_eq!(said.out, more);
    assert_eq!(give(&one).out, said.out, "the same one counts once");
    let said = give(&two);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "unsealed: the server serves\n"));
    server.wait_for("serving");
    assert_eq!(server.call(&it.key(), "ListKeys", &[]).await.status, 200);
    assert_eq!(server.view("/readyz").0, 200);
    let said = it.admin(&["unseal"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "the server is not sealed\n"));
}

#[test]
fn what_contradicts_itself_is_refused_and_leaves_it_sealed() {
    let it = with_phrase();
    let server = sealed(&it);
    let file = it.private("phrase", "correct horse battery\n");
    let [share, file] = [it.path("share-0"), file].map(|it| it.to_str().unwrap().to_owned());
    let unseal = |words: &[&str]| it.admin(&[&["unseal"], words].concat());
    for other in [["--seal", "phrase"], ["--passphrase-file", &file]] {
        let said = unseal(&["--share-file", &share, other[0], other[1]]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.error.contains("cannot be used with"), "{said:?}");
    }
    let said = unseal(&["--seal", "safe", "--passphrase-file", &file]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.error.contains("seal safe is opened with shares: give --share-file"), "{said:?}");
    assert_eq!(server.view("/readyz").0, 503);
    assert!(server.stop().success());
}

#[tokio::test]
async fn a_passphrase_opens_it_and_a_wrong_one_does_not() {
    let it = with_phrase();
    let mut server = sealed(&it);
    let wrong = it.private("wrong", "incorrect horse battery\n");
    let words = ["unseal", "--seal", "phrase", "--passphrase-file"];
    let said = it.admin(&[&words[..], &[wrong.to_str().unwrap()]].concat());
    assert_eq!(said.code, Some(1));
    assert!(said.error.contains("InvalidParameter"), "{said:?}");
    assert_eq!(server.view("/readyz").0, 503);
    // Typed (here: piped in).
    let mut command = yaoku(&["unseal", "--seal", "phrase", "--data"]);
    command.arg(it.path("data")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut command = command.spawn().unwrap();
    command.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    assert!(command.wait_with_output().unwrap().status.success());
    server.wait_for("serving");
    assert_eq!(server.call(&it.key(), "ListKeys", &[]).await.status, 200);
}
