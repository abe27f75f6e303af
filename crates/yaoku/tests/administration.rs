//! The verbs of administration and audit, against `yaoku dev`.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "support/mortal.rs"]
mod mortal;

use std::{
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use mortal::Mortal;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// What a verb said.
struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

fn yaoku(data: &Path, words: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yaoku"));
    let output = command.args(words).arg("--data").arg(data).stdin(Stdio::null()).output().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `yaoku dev`, until it is stopped.
struct Server {
    process: Mortal,
    data: TempDir,
}

impl Server {
    fn start() -> Self {
        Self::start_on(tempfile::tempdir().unwrap())
    }

    fn start_on(data: TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yaoku"));
        command.args(["dev", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        command.arg("--data").arg(data.path()).env_remove("YAOKU_STORE").stdout(Stdio::piped());
        let mut process = Mortal(command.spawn().unwrap());
        let lines = BufReader::new(process.stdout.as_mut().unwrap()).lines();
        // It announces itself once calls queue.
        assert!(lines.map_while(Result::ok).any(|it| it.contains("Yaoku is running")));
        Self { process, data }
    }

    fn say(&self, words: &[&str]) -> Said {
        yaoku(self.data.path(), words)
    }

    /// Does what must succeed.
    fn good(&self, words: &[&str]) -> String {
        let said = self.say(words);
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.error);
        said.out
    }

    fn stop(mut self) -> (ExitStatus, TempDir) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        (self.process.wait().unwrap(), self.data)
    }
}

#[test]
fn without_a_server_a_verb_says_so() {
    let data = tempfile::tempdir().unwrap();
    let said = yaoku(data.path(), &["user", "list"]);
    assert_eq!(said.code, Some(1));
    assert!(said.error.contains("no yaoku is running on"), "{}", said.error);
    assert_eq!(yaoku(data.path(), &["user", "frobnicate"]).code, Some(2));
}

#[test]
fn verbs_do_what_they_say_and_the_journal_proves_it() {
    let server = Server::start();
    refusals(&server);
    users_and_policies(&server);
    access_keys(&server);
    accounts(&server);
    oidc_providers(&server);
    root_key(&server);
    journal(server);
}

fn refusals(server: &Server) {
    let said = server.say(&["user", "delete", "nobody", "--yes"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert!(said.error.starts_with("EntityNotExist.User: "), "{}", said.error);
    assert!(said.error.contains("RequestId: "), "{}", said.error);
    let said = server.say(&["user", "delete", "nobody", "--yes", "--json"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["Code"], "EntityNotExist.User");
}

fn users_and_policies(server: &Server) {
    assert_eq!(server.good(&["user", "create", "alice"]), "alice\n");
    assert!(server.good(&["user", "list"]).contains("alice"));
    let file = server.data.path().join("policy.json");
    let create = ["policy", "create", "Orders", "--file", file.to_str().unwrap()];
    assert_eq!(server.say(&create).code, Some(1));
    std::fs::write(&file, "{}").unwrap();
    let said = server.say(&create);
    assert!(said.error.starts_with("MalformedPolicyDocument: "), "{}", said.error);
    let document =
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}"#;
    std::fs::write(&file, document).unwrap();
    server.good(&create);
    server.good(&["policy", "attach", "Orders", "--user", "alice"]);
    server.good(&["policy", "attach", "AliyunKMSFullAccess", "--user", "alice"]);
    let listed = server.good(&["policy", "list", "--user", "alice"]);
    assert!(listed.contains("Orders") && listed.contains("AliyunKMSFullAccess"), "{listed}");
    assert_eq!(server.say(&["policy", "delete", "Orders", "--yes"]).code, Some(1));
    server.good(&["policy", "detach", "Orders", "--user", "alice"]);
    // Nobody can be asked here.
    assert_eq!(server.say(&["policy", "delete", "Orders"]).code, Some(2));
    server.good(&["policy", "delete", "Orders", "--yes"]);
}

fn access_keys(server: &Server) {
    let made = server.good(&["access-key", "create", "--user", "alice", "--json"]);
    let made: Value = serde_json::from_str(&made).unwrap();
    let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let secret = made["AccessKey"]["AccessKeySecret"].as_str().unwrap();
    assert_eq!(secret.len(), 30);
    server.good(&["access-key", "disable", id, "--user", "alice"]);
    let listed = server.good(&["access-key", "list", "--user", "alice"]);
    assert!(listed.contains(id) && listed.contains("Inactive"), "{listed}");
    assert!(!listed.contains(secret));
    server.good(&["access-key", "enable", id, "--user", "alice"]);
    server.good(&["access-key", "delete", id, "--user", "alice", "--yes"]);
    // With all that it has.
    server.good(&["access-key", "create", "--user", "alice"]);
    server.good(&["user", "delete", "alice", "--yes"]);
    assert_eq!(server.say(&["policy", "list", "--user", "alice"]).code, Some(1));
}

fn oidc_providers(server: &Server) {
    let put = ["oidc-provider", "put", "cluster", "--client-id", "a", "--client-id", "b"];
    let said = server.say(&[&put[..], &["--issuer", "http://issuer.example"]].concat());
    assert!(said.error.starts_with("InvalidParameter: "), "{}", said.error);
    let issuer = ["--issuer", "https://issuer.example"];
    let file = server.data.path().join("keys.json");
    std::fs::write(&file, r#"{"keys":[]}"#).unwrap();
    let keys = ["--keys", file.to_str().unwrap()];
    assert_eq!(server.say(&[&put[..], &issuer, &keys].concat()).code, Some(1));
    let made = server.good(&[&put[..], &issuer].concat());
    assert!(made.ends_with(":oidc-provider/cluster\n"), "{made}");
    let shown = server.good(&["oidc-provider", "show", "cluster"]);
    assert!(shown.contains("client ids: a, b\nkeys: fetched\n"), "{shown}");
    assert!(server.good(&["oidc-provider", "list"]).contains("https://issuer.example"));
    server.good(&["oidc-provider", "delete", "cluster", "--yes"]);
    assert_eq!(server.say(&["oidc-provider", "show", "cluster"]).code, Some(1));
}

fn root_key(server: &Server) {
    let status = || server.good(&["root-key", "status"]);
    assert!(status().starts_with("Generation 1. No rotation is under way.\n"), "{}", status());
    let file = |name: &str, text: &str| {
        let path = server.data.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let words = file("words", "too short\nand not this line\n");
    let add = ["root-key", "add-wrap", "words", "--passphrase-file", &words];
    std::fs::set_permissions(&words, PermissionsExt::from_mode(0o640)).unwrap();
    assert!(server.say(&add).error.contains("may be opened by others"));
    file("words", "too short\nand not this line\n");
    assert!(server.say(&add).error.contains("at least 12 bytes"));
    file("words", "correct horse battery staple\n");
    server.good(&add);
    let open = ["root-key", "open-wrap", "words", "--passphrase-file", &words];
    server.good(&open);
    file("words", "correct horse battery stapler\n");
    assert!(server.say(&open).error.starts_with("InvalidParameter: "));
    // On a command line, everybody would see it.
    assert_eq!(server.say(&["root-key", "add-wrap", "x", "--passphrase", "y"]).code, Some(2));

    let made = server.good(&["root-key", "add-wrap", "split", "--shares", "2/3"]);
    let shares: Vec<_> = made.lines().filter(|it| it.starts_with("yaoku-share-1:split:")).collect();
    assert_eq!(shares.len(), 3, "{made}");
    let shares = file("shares", &shares[..2].join("\n"));
    server.good(&["root-key", "open-wrap", "split", "--shares-file", &shares]);

    let rotated = server.good(&["root-key", "rotate", "--wait", "--drop", "split"]);
    assert!(rotated.ends_with("Generation 2. No rotation is under way.\n"), "{rotated}");
    assert_eq!(server.say(&["root-key", "remove-wrap", "words"]).code, Some(2), "nobody said yes");
    let listed = status();
    assert!(listed.contains("words") && listed.contains("Open") && !listed.contains("split"));
    server.good(&["root-key", "remove-wrap", "words", "--yes"]);
    assert_eq!(server.say(&["root-key", "remove-wrap", "key-file", "--yes"]).code, Some(1));
}

fn accounts(server: &Server) {
    let made = server.good(&["account", "create"]);
    let id = made.trim();
    assert!(server.good(&["account", "list"]).contains(id));
    let shown = server.good(&["account", "show", "--account", id]);
    assert!(shown.contains(id) && shown.contains("users         0"), "{shown}");
    assert!(server.good(&["instance", "create", "--account", id]).starts_with("kst-"));
    assert_eq!(server.good(&["user", "list", "--account", id]), "(none)\n");
    let said = server.say(&["user", "list", "--account", "1"]);
    assert!(said.error.starts_with("InvalidParameter"), "{}", said.error);
    a_new_account_reaches_its_own_alone(server, id);
}

fn a_new_account_reaches_its_own_alone(server: &Server, id: &str) {
    let made = server.good(&["access-key", "create", "--account", id, "--json"]);
    let key: Value = serde_json::from_str(&made).unwrap();
    let dev: Value =
        serde_json::from_slice(&std::fs::read(server.data.path().join("dev.json")).unwrap())
            .unwrap();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let call = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yaoku"));
        let place = ["--endpoint", &text(&dev["endpoint"]), "--ca", &text(&dev["ca"])];
        let key = &key["AccessKey"];
        command.args(words).args(place).env("HOME", server.data.path());
        command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", text(&key["AccessKeyId"]));
        command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", text(&key["AccessKeySecret"]));
        let output = command.current_dir(server.data.path()).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let me = call(&["sts", "GetCallerIdentity"]);
    assert!(me.contains(id) && me.contains("\"Account\""), "{me}");
    // It has a default key of its own.
    let (listed, key) = (call(&["kms", "ListKeys"]), text(&dev["key_id"]));
    let json: Value = serde_json::from_str(&listed).unwrap();
    assert!(json["TotalCount"] == 1 && !listed.contains(&key), "{listed}");
    let of = format!("acs:kms:cn-hangzhou:{}:key/", text(&dev["account_id"]));
    let arn = of + &key;
    let told = call(&["kms", "DescribeKey", "--KeyId", &arn]);
    assert!(told.contains("ErrorCode: Forbidden.NoPermission"), "{told}");
}

fn journal(server: Server) {
    let said = server.good(&["audit", "verify"]);
    assert!(said.starts_with("node one: whole\n"), "{said}");
    let (status, data) = server.stop();
    assert!(status.success());
    let said = yaoku(data.path(), &["audit", "verify", "--json"]);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &report["whole"]), (Some(0), &Value::Bool(true)), "{report}");
    assert_eq!(report["compared_with_store"], true);
    let said = yaoku(data.path(), &["audit", "tail", "--json", "-n", "1000"]);
    let events: Vec<Value> = said.out.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let made = events.iter().find(|it| it["action"] == "ram:CreateUser").unwrap();
    assert_eq!((&made["principal"], &made["status"]), (&"operator".into(), &200.into()));
    assert!(made.get("code").is_none());
    assert_eq!(yaoku(data.path(), &["audit", "tail", "-n", "3"]).out.lines().count(), 3);
    cut(data.path());
    let said = yaoku(data.path(), &["audit", "verify"]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("NOT WHOLE"), "{}", said.out);
    let refused = yaoku(data.path(), &["dev", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    for verb in ["audit verify --data ", "audit accept --data ", "the audit journal was changed"] {
        assert!(refused.error.contains(verb), "{}", refused.error);
    }
    let said = yaoku(data.path(), &["audit", "accept", "--reason", "the disk broke"]);
    assert_eq!(said.code, Some(0), "{}", said.error);
    assert!(said.out.contains("accepted the loss of segments 1 to 1"), "{}", said.out);
    let server = Server::start_on(data);
    let busy = server.say(&["audit", "accept", "--reason", "again"]);
    assert!(busy.code == Some(1) && busy.error.contains("stop the server"), "{}", busy.error);
    let (_, data) = server.stop();
    let said = yaoku(data.path(), &["audit", "verify"]);
    assert!(said.code == Some(0) && said.out.contains("the disk broke"), "{}", said.out);
    assert!(said.out.starts_with("node one: WHOLE BUT FOR ACCEPTED GAPS\n"), "{}", said.out);
    let said = yaoku(data.path(), &["audit", "accept", "--reason", "again"]);
    assert_eq!(said.code, Some(1), "{}", said.out);
}

#[test]
fn what_was_deleted_of_devs_user_and_keys_is_made_again_at_the_next_start() {
    let server = Server::start();
    let dev = |data: &Path| -> Value {
        serde_json::from_slice(&std::fs::read(data.join("dev.json")).unwrap()).unwrap()
    };
    let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
    let before = dev(server.data.path());
    server.good(&["access-key", "delete", &text(&before, "access_key_id"), "--yes"]);
    server.good(&["user", "delete", "app", "--yes"]);
    let (_, data) = server.stop();
    let server = Server::start_on(data);
    let after = dev(server.data.path());
    for id in ["access_key_id", "user_access_key_id"] {
        assert_ne!(text(&before, id), text(&after, id));
    }
    let keys = server.good(&["access-key", "--user", "app", "list"]);
    assert!(keys.contains(&text(&after, "user_access_key_id")), "{keys}");
    assert_eq!(text(&before, "key_id"), text(&after, "key_id"));
    let (_, data) = server.stop();
    let server = Server::start_on(data);
    let again = dev(server.data.path());
    for id in ["access_key_secret", "user_access_key_secret"] {
        assert_eq!(text(&again, id), text(&after, id), "and it stays so");
    }
}

/// Cuts the end off the journal, as somebody would who has something to hide.
fn cut(data: &Path) {
    let home = data.join("audit/one");
    let files = std::fs::read_dir(home).unwrap().map(|it| it.unwrap().path());
    let segment = files.max_by_key(|it| it.metadata().unwrap().len()).unwrap();
    let text = std::fs::read_to_string(&segment).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(segment, lines[..lines.len() / 2].join("\n") + "\n").unwrap();
}
