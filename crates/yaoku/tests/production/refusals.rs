//! What `init` and `server` refuse, with a message that says what to do.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::harness::{Deployment, has, key_file, run, yaoku};

/// `--check-config`, and a start, both refuse, and say why.
fn refuses(it: &Deployment, why: &[&str]) {
    for words in [&["--check-config"][..], &[]] {
        let said = run(it.command("server", words));
        assert_eq!(said.code, Some(1), "{said:?}");
        for why in why {
            assert!(said.error.contains(why), "no {why:?} in {}", said.error);
        }
    }
}

#[test]
fn unsafe_settings_are_refused_all_at_once() {
    let it = Deployment::with_key_files().made();
    it.configure("listen.http = \"0.0.0.0:0\"\nlisten.operations = \"0.0.0.0:0\"\nnmae = \"x\"");
    let said = run(it.command("server", &["--check-config"]));
    // The same key twice is not TOML.
    assert!(said.error.contains("line 5"), "{said:?}");
    it.configure("limits.grace = 1\nnmae = \"x\"");
    refuses(&it, &["nmae: there is no such setting", "limits.grace: there is no such setting"]);
    it.configure("");
    let words = ["--set", "listen.http=0.0.0.0:0", "--set", "listen.operations=0.0.0.0:0"];
    let said = run(it.command("server", &[&words[..], &["--check-config"]].concat()));
    assert_eq!(said.code, Some(1));
    for why in ["listen.http: plain HTTP is served on loopback", "listen.operations: is not on"] {
        assert!(said.error.contains(why), "{}", said.error);
    }
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    let it = Deployment::with_key_files().made();
    let key = it.path("one/root.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    refuses(&it, &["seal first: ", "may be opened by others (mode 0644)"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let said = run(it.command("server", &["--check-config"]));
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_root_key_beside_its_backup_is_refused_before_anything_is_made() {
    let it = Deployment::new(&key_file("main", "data"));
    let said = it.init();
    assert_eq!(said.code, Some(1));
    assert!(said.error.contains("beside its backup"), "{}", said.error);
    assert!(!has(it.home.path(), "data") && !has(it.home.path(), "credentials.json"));
}

#[test]
fn two_key_files_in_one_directory_are_refused() {
    let second = key_file("second", "one").replace("root.key", "other.key");
    let it = Deployment::new(&format!("{}{second}", key_file("first", "one")));
    let said = it.init();
    assert!(said.error.contains("seal second: is in the directory of seal first"), "{said:?}");
}

#[test]
fn init_runs_once_and_leaves_what_is_there() {
    let it = Deployment::with_key_files().made();
    let before = fs::read(it.path("one/root.key")).unwrap();
    let again = it.init();
    assert_eq!(again.code, Some(1));
    assert!(again.error.contains("--credentials"), "the file is there: {again:?}");
    fs::rename(it.path("credentials.json"), it.path("kept.json")).unwrap();
    let again = it.init();
    assert_eq!(again.code, Some(1));
    assert!(again.error.contains("has a root key already"), "{again:?}");
    assert!(!has(it.home.path(), "credentials.json"));
    assert_eq!(fs::read(it.path("one/root.key")).unwrap(), before);
}

/// `init` whose standard output takes nothing.
fn into_nothing(it: &Deployment, words: &[&str]) {
    let mut command = it.command("init", words);
    command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
    let said = run(command);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.error.contains("No space left"), "{said:?}");
    assert!(!has(it.home.path(), "credentials.json"));
}

#[test]
fn an_init_that_cannot_show_its_shares_makes_nothing_and_is_done_again() {
    let shares = "[[seal]]\nname = \"safe\"\nkind = \"shares\"\nneeded = 2\nof = 3\n";
    let it = Deployment::new(&format!("{}{shares}", key_file("first", "one")));
    let credentials = it.path("credentials.json");
    into_nothing(&it, &["--credentials", credentials.to_str().unwrap()]);
    let said = it.init();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out.lines().filter(|it| it.starts_with("yaoku-share")).count(), 3, "{said:?}");
    assert!(it.serve().stop().success());
}

#[test]
fn an_init_that_cannot_show_the_access_key_is_done_again() {
    let it = Deployment::with_key_files();
    into_nothing(&it, &["--show-credentials"]);
    let it = it.made();
    assert_eq!(it.key().secret.len(), 30);
    assert!(it.serve().stop().success());
}

#[test]
fn credentials_are_the_owners_alone_and_shown_only_if_asked_for() {
    let it = Deployment::with_key_files();
    assert_eq!(run(it.command("init", &[])).code, Some(2), "somewhere they must go");
    let said = it.init();
    let file = it.path("credentials.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = it.key().secret;
    assert!(!said.out.contains(&secret) && !said.error.contains(&secret));
}

#[test]
fn a_server_makes_no_root_key() {
    let it = Deployment::with_key_files();
    fs::create_dir(it.path("data")).unwrap();
    fs::set_permissions(it.path("data"), fs::Permissions::from_mode(0o700)).unwrap();
    refuses_to_start(&it, "every file is missing");
    for name in ["one/root.key", "two/root.key"] {
        it.private(name, "not a key");
    }
    refuses_to_start(&it, "run yaoku init");
}

#[test]
fn a_check_looks_into_the_files_and_directories_that_are_named() {
    let it = Deployment::with_key_files().made();
    let check = |words: &[&str]| run(it.command("server", &[&["--check-config"], words].concat()));
    let said = check(&[]);
    assert_eq!(said.error, "The configuration is in order. The store was not opened.\n");
    it.private("one/root.key", "not a key");
    let said = check(&[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.error.starts_with("warning: seal first: it cannot be used: "), "{said:?}");
    it.private("two/root.key", "not a key");
    let said = check(&[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.error.contains("no seal can be opened:\n  seal first: "), "{said:?}");
    let said = check(&["--set", "store.url=sqlite:/proc/none/yaoku.db"]);
    assert!(said.error.contains("store: /proc/none cannot be written: No such file"), "{said:?}");
    let [chain, key] = ["tls.certificate", "tls.key"].map(|it| format!("{it}=/proc/none.pem"));
    let said = check(&["--set", &chain, "--set", &key]);
    assert!(said.error.contains("tls: /proc/none.pem: No such file"), "{said:?}");
}

fn refuses_to_start(it: &Deployment, why: &str) {
    let (status, log) = it.start(|_| {}).ended();
    assert_eq!(status.code(), Some(1));
    assert!(format!("{log:?}").contains(why), "no {why:?} in {log:#?}");
}

#[test]
fn a_damaged_journal_is_shown_and_accepted_by_the_configuration_alone() {
    let it = Deployment::with_key_files().made();
    assert!(it.serve().stop().success());
    let config = it.config();
    let audit = |words: &[&str]| {
        let mut command = yaoku(&[&["audit"], words].concat());
        command.arg("--config").arg(&config);
        run(command)
    };
    assert_eq!(audit(&["verify"]).code, Some(0));
    fs::remove_file(it.path("data/audit/one/00000001.log")).unwrap();
    let accept = format!("audit accept --config {}", config.display());
    refuses_to_start(&it, &accept);
    assert_eq!(audit(&["verify"]).code, Some(1));
    let said = audit(&["accept", "--reason", "it went"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(it.serve().stop().success());
    let said = audit(&["verify"]);
    assert!(said.code == Some(0) && said.out.contains("ACCEPTED GAPS"), "{said:?}");
}

#[test]
fn a_second_server_is_refused() {
    let it = Deployment::with_key_files().made();
    let first = it.serve();
    refuses_to_start(&it, "another yaoku is running on");
    assert!(first.stop().success());
}
