//! `yaoku secret` and `yaoku run`, against `yaoku dev`.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[expect(dead_code, reason = "other tests start it again")]
#[path = "support/cli.rs"]
mod support;

use std::{
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, Stdio},
};

use support::{Said, Server};

const CANARY: &str = "c4n4ry";

/// The program as the account's owner. Options come first: after `--` they would be the child's.
fn owner(server: &Server, verb: &[&str], words: &[&str]) -> Command {
    let mut command = support::command(server.home());
    command.args(verb).args(["--access-key", &format!("{}/dev.json", server.data())]).args(words);
    command
}

/// Makes a secret of a value.
fn create(server: &Server, name: &str, value: &str) {
    let file = server.write("value", value);
    server.good(&["secret", "create", name, "--from-file", &file]);
}

fn put(server: &Server, name: &str, value: &str) -> String {
    let file = server.write("value", value);
    server.good(&["secret", "put", name, "--from-file", &file])
}

fn reveal(server: &Server, name: &str) -> String {
    server.good(&["secret", "get", name, "--reveal"])
}

#[test]
fn a_value_comes_from_a_file_or_standard_input_and_never_from_the_command_line() {
    let server = Server::start();
    for words in [
        &["create", "a"][..],
        &["create", "a", "x"],
        &["put", "a"],
        &["put", "a", "x"],
        &["create", "a", "--tag", "x", "--from-file", "-"],
        &["delete", "a", "--days", "6"],
        &["delete", "a", "--days", "7", "--force"],
    ] {
        let said = server.say(&[&["secret"], words].concat());
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{words:?}: {}", said.error);
    }
    let mut command = owner(&server, &["secret"], &["create", "a", "--from-file", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"from\na pipe\n").unwrap();
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(0), "{}", said.error);
    assert_eq!(reveal(&server, "a"), "from\na pipe\n");
    // Nothing that is no text is sent.
    let path = server.write("bytes", "");
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    let said = server.say(&["secret", "put", "a", "--from-file", &path]);
    assert!(said.code == Some(2) && said.error.contains("is no text"), "{}", said.error);
}

#[test]
fn values_are_masked_unless_they_are_asked_for() {
    let server = Server::start();
    create(&server, "db/orders", &format!(r#"{{"user":"app","password":"{CANARY}1"}}"#));
    let said = put(&server, "db/orders", &format!(r#"{{"user":"app","password":"{CANARY}2"}}"#));
    assert!(
        said.starts_with("db/orders: version ") && said.ends_with(" is at ACSCurrent.\n"),
        "{said}"
    );
    for words in [
        &["get", "db/orders"][..],
        &["get", "db/orders", "--output", "json"],
        &["get", "db/orders", "--output", "yaml"],
        &["get", "db/orders", "--query", "SecretData"],
        &["get", "db/orders", "--stage", "ACSPrevious"],
        &["diff", "db/orders"],
        &["diff", "db/orders", "--output", "json"],
    ] {
        let said = server.say(&[&["secret"], words].concat());
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.error);
        assert!(!said.out.contains(CANARY) && said.out.contains("***"), "{words:?}: {}", said.out);
        assert!(!said.error.contains(CANARY), "{}", said.error);
        let words = [&["secret"], words, &["--reveal"]].concat();
        assert!(server.good(&words).contains(CANARY), "{words:?}");
    }
    for words in [&["list"][..], &["show", "db/orders"], &["versions", "db/orders"]] {
        assert!(!server.good(&[&["secret"], words].concat()).contains(CANARY), "{words:?}");
    }
}

#[test]
fn a_secret_is_made_listed_changed_and_rolled_back() {
    let server = Server::start();
    let file = server.write("value", "one");
    let of_first =
        ["--secret-version", "v1", "--description", "a\u{202e}b", "--tag", "team=orders"];
    server.good(&[&["secret", "create", "db/a", "--from-file", &file][..], &of_first].concat());
    create(&server, "other", "x");
    let listed = server.good(&["secret", "list"]);
    assert!(listed.contains("db/a") && listed.ends_with("\n2 secrets\n"), "{listed}");
    let listed = server.good(&["secret", "list", "db/*"]);
    assert!(!listed.contains("other") && listed.ends_with("\n1 secret\n"), "{listed}");
    assert!(server.good(&["secret", "list", "--limit", "1"]).ends_with("\n1 of 2 secrets\n"));
    assert_eq!(server.good(&["secret", "list", "none*"]), "0 secrets\n");
    let shown = server.good(&["secret", "show", "db/a"]);
    assert!(shown.contains("team=orders") && shown.contains(r"a\u{202e}b"), "{shown}");
    let said = server.say(&["secret", "rollback", "db/a", "--yes"]);
    assert!(said.code == Some(2) && said.error.contains("no previous value"), "{}", said.error);

    put(&server, "db/a", "two\u{1b}[2J");
    let diff = server.good(&["secret", "diff", "db/a", "--reveal"]);
    assert!(diff.starts_with("--- v1\n+++ "), "{diff}");
    assert!(diff.ends_with("\n- one\n+ two\\u{1b}[2J\n"), "{diff}");
    assert_eq!(reveal(&server, "db/a"), "two\u{1b}[2J", "a program gets it as it is");
    let versions = server.good(&["secret", "versions", "db/a"]);
    assert_eq!(versions.lines().count(), 3, "a heading and two: {versions}");
    let stages: Vec<_> = versions.lines().filter_map(|it| it.split_whitespace().nth(2)).collect();
    assert_eq!(stages, ["VersionStages", "ACSPrevious", "ACSCurrent"], "words: {versions}");
    let got = server.good(&["secret", "get", "db/a"]);
    assert!(got.contains("VersionStages.VersionStage  ACSCurrent\n"), "{got}");

    let said = server.say(&["secret", "rollback", "db/a"]);
    assert_eq!(said.code, Some(2), "nobody said yes");
    assert!(said.error.contains("make v1 current again"), "{}", said.error);
    let said = server.good(&["secret", "rollback", "db/a", "--yes"]);
    assert!(said.starts_with("db/a: v1 is current, "), "{said}");
    assert_eq!(reveal(&server, "db/a"), "one");
    let file = server.write("value", "next");
    let stage = ["put", "db/a", "--stage", "next", "--from-file", &file];
    server.good(&[&["secret"], &stage[..]].concat());
    assert_eq!(reveal(&server, "db/a"), "one");
    assert_eq!(server.good(&["secret", "get", "db/a", "--stage", "next", "--reveal"]), "next");
    let said = server.say(&["secret", "rotate", "db/a"]);
    assert!(said.code == Some(1) && said.error.contains("a hook rotates it"), "{}", said.error);
}

#[test]
fn a_deletion_shows_what_goes_asks_and_may_be_asked_for_twice() {
    let server = Server::start();
    create(&server, "a", "x");
    let said = server.say(&["secret", "delete", "a"]);
    assert_eq!(said.code, Some(2));
    assert!(said.error.contains(":secret/a (Generic)"), "{}", said.error);
    assert!(said.error.contains("Delete a in 30 days") && said.error.contains("Nothing was done"));
    let said = server.good(&["secret", "delete", "a", "--days", "7", "--yes"]);
    assert!(said.starts_with("a is deleted on ") && said.contains("secret restore"), "{said}");
    // Without asking, for there is nothing to do.
    assert!(server.good(&["secret", "delete", "a"]).ends_with(" already.\n"));
    assert_eq!(server.good(&["secret", "restore", "a"]), "a is restored.\n");
    assert_eq!(server.good(&["secret", "restore", "a"]), "a was not being deleted.\n");
    assert_eq!(reveal(&server, "a"), "x");
    assert_eq!(server.good(&["secret", "delete", "a", "--force", "--yes"]), "a is deleted.\n");
    for _ in 0..2 {
        let said = server.good(&["secret", "delete", "a"]);
        assert_eq!(said, "a does not exist: nothing to delete.\n");
    }
    let said = server.say(&["secret", "restore", "a"]);
    assert_eq!(said.code, Some(1));
    assert!(said.error.contains("ErrorCode: Forbidden.ResourceNotFound"), "{}", said.error);
}

/// Edits a secret by a command, in a directory of our own in memory.
fn edit(server: &Server, memory: &Path, editor: &str) -> Said {
    let mut command = owner(server, &["secret"], &["edit", "a"]);
    command.env("EDITOR", editor).env("XDG_RUNTIME_DIR", memory);
    let said = Said::of(command.output().unwrap());
    assert_eq!(memory.read_dir().map_or(0, Iterator::count), 0, "{editor} left something");
    assert!(!said.out.contains(CANARY) && !said.error.contains(CANARY), "{editor}");
    said
}

#[test]
fn a_value_is_edited_in_memory_and_nothing_of_it_stays() {
    let server = Server::start();
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let edit = |editor: &str| edit(&server, memory.path(), editor);
    create(&server, "a", CANARY);
    let before = server.good(&["secret", "versions", "a"]);
    for (editor, code, told) in [
        ("false", 2, "the editor failed"),
        ("true", 0, "Nothing was changed."),
        // An editor that ends the last line has not changed it.
        ("echo >>", 0, "Nothing was changed."),
        (r"printf '\377' >", 2, "is no text"),
        // Ended while somebody edits.
        ("sh -c 'kill -TERM $PPID; exec sleep 60'", 1, "nothing was done"),
    ] {
        let said = edit(editor);
        assert_eq!(said.code, Some(code), "{editor}: {}", said.error);
        assert!(format!("{}{}", said.out, said.error).contains(told), "{editor}: {}", said.error);
        assert_eq!(server.good(&["secret", "versions", "a"]), before, "{editor}");
    }
    let note = server.home().join("note");
    let look =
        format!("sh -c 'cd $(dirname $1); stat -c %a . $1 >{}; cp $1 backup' x", note.display());
    assert_eq!(edit(&look).code, Some(0));
    assert_eq!(std::fs::read_to_string(note).unwrap(), "700\n600\n");
    let said = edit("sed -i s/4/5/");
    assert!(said.out.ends_with(" is at ACSCurrent.\n"), "{} {}", said.out, said.error);
    assert_eq!(reveal(&server, "a"), CANARY.replacen('4', "5", 1));
}

#[test]
fn a_value_is_not_edited_on_a_disk() {
    let server = Server::start();
    create(&server, "a", CANARY);
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let look = "sh -c 'case $1 in /dev/shm/*) ;; *) exit 1; esac' x";
    assert_eq!(edit(&server, disk.path(), look).code, Some(0));
}

#[test]
fn a_program_gets_secrets_in_its_environment() {
    let server = Server::start();
    create(&server, "db/password", CANARY);
    create(&server, "db/all", r#"{"AccountName":"app","Port":5432}"#);
    let run = |words: &[&str]| owner(&server, &["run"], words).output().unwrap();
    let print = |words: &[&str], variables: &str| {
        let program = ["--", "sh", "-c", &format!("echo {variables}")];
        Said::of(run(&[words, &program].concat()))
    };
    let said = print(&["--secret", "db/password"], "$DB_PASSWORD");
    assert_eq!((said.code, said.out.trim()), (Some(0), CANARY), "{}", said.error);
    let both = ["--secret", "db/password=P", "--secret", "db/all:json=DB_"];
    assert_eq!(print(&both, "$P $DB_AccountName $DB_Port").out, format!("{CANARY} app 5432\n"));
    assert_eq!(print(&["--secret", "db/all:json"], "$AccountName").out, "app\n");
    // Nothing is started, and nothing is shown, if one is not to be had or makes no variable.
    for (words, code) in [
        (&["--secret", "db/password", "--secret", "none"][..], 1),
        (&["--secret", "db/password=A", "--secret", "db/all=A"], 2),
        (&["--secret", "db/password:json"], 2),
        (&["--secret", "db/password=1"], 2),
        (&[], 2),
    ] {
        let said = print(words, "started");
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{words:?}: {}", said.error);
        assert!(!said.error.contains(CANARY), "{}", said.error);
    }
}

#[test]
fn a_program_takes_the_place_of_the_one_that_started_it() {
    let server = Server::start();
    create(&server, "a", CANARY);
    let run = |words: &[&str]| {
        let mut command = owner(&server, &["run"], &["--secret", "a", "--"]);
        command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    assert_eq!(run(&["sh", "-c", "exit 42"]).status().unwrap().code(), Some(42));
    let child = run(&["sh", "-c", "echo $$"]).spawn().unwrap();
    let id = child.id();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), id.to_string());
    // So that a signal to it is one to the program.
    let ended = run(&["sh", "-c", "kill -TERM $$"]).status().unwrap();
    assert_eq!(ended.signal(), Some(15));
    for (program, code) in [("/no/such\u{1b}", 127), ("/etc/passwd", 126)] {
        let said = Said::of(run(&[program]).output().unwrap());
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{}", said.error);
        assert!(!said.error.contains('\u{1b}') && !said.error.contains(CANARY), "{}", said.error);
    }
}

#[test]
fn a_managed_secret_is_rotated_and_not_edited() {
    let server = Server::start();
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"Service":["kms.aliyuncs.com"]}}]}"#;
    let role = ["--RoleName", "AliyunKMSManagedRAMCrendentialsRole"];
    let trust = ["--AssumeRolePolicyDocument", trust];
    server.good(&[&["ram", "CreateRole"][..], &role, &trust].concat());
    server.good(&["ram", "CreateUser", "--UserName", "ci"]);
    let key = server.json(&["ram", "CreateAccessKey", "--UserName", "ci"]);
    let text = |name: &str| key["AccessKey"][name].as_str().unwrap().to_owned();
    let (id, secret) = (text("AccessKeyId"), text("AccessKeySecret"));
    let keys =
        format!(r#"{{"AccessKeys":[{{"AccessKeyId":"{id}","AccessKeySecret":"{secret}"}}]}}"#);
    let file = server.write("keys", &keys);
    let config = r#"{"SecretSubType":"RamUserAccessKey","UserName":"ci"}"#;
    let managed = ["--type", "RAMCredentials", "--config", config, "--from-file", &file];
    let made = server.good(&[&["secret", "create", "$Auto"][..], &managed].concat());
    assert!(made.contains("acs/ram/user/ci") && !made.contains(&secret), "{made}");
    let name = "acs/ram/user/ci";
    let said = server.say(&["secret", "edit", name]);
    assert!(said.code == Some(2) && said.error.contains("is managed"), "{}", said.error);
    let said = server.good(&["secret", "rotate", name, "--every", "30d"]);
    assert_eq!(said, format!("{name} rotates by itself every 30d.\n"));
    assert!(server.good(&["secret", "show", name]).contains("2592000s"));
    let said = server.good(&["secret", "rotate", name, "--every", "off"]);
    assert_eq!(said, format!("{name} no longer rotates by itself.\n"));
    let both = ["secret", "rotate", name, "--every", "30d", "--window", "10m"];
    assert_eq!(server.say(&both).code, Some(2));
    let said = server.say(&["secret", "rotate", name, "--window", "9m"]);
    assert!(said.code == Some(1) && said.error.contains("RotationWindow"), "{}", said.error);
    assert!(server.good(&["secret", "rotate", name, "--window", "10m"]).contains("VersionId"));
    let said = server.say(&["secret", "rotate", name]);
    assert!(said.error.contains("ErrorCode: Rejected.ResourceInUse"), "{}", said.error);
    // The old key is killed by hand, which ends the window.
    server.good(&["ram", "DeleteAccessKey", "--UserName", "ci", "--UserAccessKeyId", &id]);
    assert!(server.good(&["secret", "rotate", name]).contains("VersionId"));
}

#[test]
fn what_a_generic_secret_does_not_take_is_refused_and_nothing_is_made() {
    let server = Server::start();
    let file = server.write("value", "x");
    let create = ["secret", "create", "a", "--from-file", &file];
    for (words, told) in [
        (["--rotate-every", "30d"], "rotated by a hook"),
        (["--config", "{}"], "say which by --type"),
    ] {
        let said = server.say(&[&create[..], &words].concat());
        assert!(said.code == Some(2) && said.error.contains(told), "{words:?}: {}", said.error);
    }
    assert_eq!(server.good(&["secret", "list"]), "0 secrets\n");
    server.good(&create);
    let said = server.say(&["secret", "rotate", "a", "--window", "10m"]);
    assert!(said.code == Some(2) && said.error.contains("RAMCredentials"), "{}", said.error);
}

#[test]
fn why_a_rotation_failed_is_seen() {
    let server = Server::start();
    let accounts = r#"{"Accounts":[{"AccountName":"app","AccountPassword":"p1"}]}"#;
    let file = server.write("accounts", accounts);
    let create = ["secret", "create", "a", "--type", "Rds", "--from-file", &file, "--config"];
    let said = server.say(&[&create[..], &[r#"{"SecretSubType":"SingleUser"}"#]].concat());
    assert!(said.error.contains("\"ExtendedConfig.DBInstanceId\" is not valid"), "{}", said.error);
    let config = r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#;
    let made = server.good(&[&create[..], &[config]].concat());
    assert!(made.contains("ExtendedConfig.DBInstanceId   rm-1\n"), "{made}");
    assert!(!server.good(&["secret", "show", "a"]).contains("LastFailure"));
    server.good(&["secret", "rotate", "a"]);
    let show = ["secret", "show", "a"];
    let mut shown = String::new();
    for _ in 0..300 {
        shown = server.good(&show);
        if shown.contains("LastFailure.Code") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    for told in ["Invalid", "LastFailure.Time ", "TargetNotFound\n", "no server is registered"] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    let json = server.json(&[&show[..], &["--output", "json"]].concat());
    assert_eq!(json["LastFailure"]["Code"], "TargetNotFound");
    assert_eq!(json["ExtendedConfig"].as_str().map(|it| it.starts_with('{')), Some(true));
    let notices = |words: &[&str]| {
        let mut command = support::command(server.home());
        command.args(["notices", "--data", server.data()]).args(words);
        Said::of(command.output().unwrap()).out
    };
    let told = notices(&["--secret", "a", "--name", "Secret:RotateSecret:*"]);
    assert_eq!(told.lines().count(), 2, "a heading and one: {told}");
    assert!(told.contains("  0        TargetNotFound: no server is registered"), "{told}");
    assert_eq!(notices(&["--secret", "b"]), "(none)\n");
    // Who may see the secret, and not what is told of it.
    let mut user = support::command(server.home());
    user.args(show).args(["--endpoint", &server.text("endpoint"), "--ca", &server.text("ca")]);
    user.env("ALIBABA_CLOUD_ACCESS_KEY_ID", server.text("user_access_key_id"));
    user.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", server.text("user_access_key_secret"));
    let said = Said::of(user.output().unwrap());
    assert!(said.out.contains("LastFailure") && said.out.contains("is needed"), "{}", said.error);
}

/// What the README says of the user in `dev.json`.
#[test]
fn the_user_of_dev_reads_and_uses_and_neither_lists_nor_changes() {
    let server = Server::start();
    create(&server, "a", "x");
    let (key, file) = (server.text("key_id"), server.write("note", "x"));
    let say = |words: &[&str]| {
        let mut user = support::command(server.home());
        user.args(words);
        user.args(["--endpoint", &server.text("endpoint"), "--ca", &server.text("ca")]);
        user.env("ALIBABA_CLOUD_ACCESS_KEY_ID", server.text("user_access_key_id"));
        user.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", server.text("user_access_key_secret"));
        Said::of(user.output().unwrap())
    };
    for words in [
        &["kms", "Encrypt", "--KeyId", &key, "--Plaintext-FILE", &file][..],
        &["secret", "get", "a"],
        &["secret", "show", "a"],
        &["secret", "versions", "a"],
    ] {
        let said = say(words);
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.error);
    }
    for words in [
        &["kms", "ListKeys"][..],
        &["kms", "DescribeKey", "--KeyId", &key],
        &["secret", "list"],
        &["secret", "put", "a", "--from-file", &file],
        &["secret", "create", "b", "--from-file", &file],
        &["secret", "delete", "a", "--yes"],
    ] {
        let said = say(words);
        assert!(said.error.contains("Forbidden.NoPermission"), "{words:?}: {}", said.error);
    }
}
