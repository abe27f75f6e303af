//! The configuration, its documents, and what is refused.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{Config, Layers, Purpose};

fn read(text: &str) -> Result<Config, Vec<String>> {
    Config::read(Layers::text(text).unwrap())
}

/// The faults of reading, then of checking.
fn faults(text: &str) -> Vec<String> {
    match read(text) {
        Ok(it) => it.check(Purpose::Init).faults,
        Err(faults) => faults,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The least that will do, with `more`.
fn with(more: &str) -> String {
    let seal = "[[seal]]\nname = \"main\"\nkind = \"key-file\"\npath = \"/etc/yaoku/root.key\"\n";
    format!("data = \"/var/lib/yaoku\"\nlisten.https = \"127.0.0.1:0\"\n{more}\n{seal}")
}

fn has(faults: &[String], starts: &str) {
    assert!(faults.iter().any(|it| it.starts_with(starts)), "no {starts} in {faults:#?}");
}

#[test]
fn the_least_that_will_do_has_no_faults() {
    assert_eq!(faults(&with("")), [""; 0]);
}

#[test]
fn a_setting_that_is_not_there_is_named() {
    let found = faults(&with("nmae = \"one\"\nlimits.head = 1\nlisten.htps = \"x\""));
    assert_eq!(found.len(), 3, "{found:#?}");
    for key in ["nmae: there is no", "limits.head: there is no", "listen.htps: there is no"] {
        has(&found, key);
    }
}

#[test]
fn every_fault_is_told_at_once() {
    let text = "listen.http = \"0.0.0.0:80\"\nname = \"A B\"\nlog.format = \"xml\"\n\
                limits.grace_s = -1\n[[seal]]\nkind = \"shares\"\nneeded = 9\n";
    let found = faults(text);
    for key in ["name: ", "data: is needed", "log.format: ", "limits.grace_s: ", "seal.name: "] {
        has(&found, key);
    }
    has(&found, "seal.needed: ");
}

#[test]
fn unsafe_addresses_are_refused() {
    let found = faults(&with("listen.http = \"0.0.0.0:8080\"\nlisten.operations = \"[::]:9090\""));
    assert_eq!(found.len(), 2, "{found:#?}");
    has(&found, "listen.http: plain HTTP is served on loopback only");
    has(&found, "listen.operations: is not on loopback");
    let meant = "listen.operations = \"[::]:9090\"\nlisten.operations_anywhere = true";
    assert_eq!(faults(&with(meant)), [""; 0]);
}

#[test]
fn two_listeners_at_one_address_are_refused() {
    let check = |http: &str, operations: &str| {
        let more = format!("listen.http = \"{http}\"\nlisten.operations = \"{operations}\"");
        faults(&with(&more).replace("127.0.0.1:0\"\nlisten.http", "0.0.0.0:8443\"\nlisten.http"))
    };
    let (http, same) = ("listen.http: is the same address", "as listen.https: each has its own");
    assert_eq!(check("127.0.0.1:8443", "127.0.0.1:9"), [format!("{http} {same}")]);
    has(&check("127.0.0.1:9", "127.0.0.1:9"), "listen.operations: is the same address as listen.h");
    has(&check("127.0.0.1:9", "[::]:8443"), "listen.operations: is the same address as listen.ht");
    assert_eq!(check("[::1]:8443", "127.0.0.1:9"), [""; 0]);
}

#[test]
fn limits_of_a_caller_that_is_not_named_rightly_or_twice_are_refused() {
    let of = |principal: &str, more: &str| {
        let principal = if principal.is_empty() {
            String::new()
        } else {
            format!("principal = \"{principal}\"\n")
        };
        format!("[[throttle.override]]\n{principal}{more}\n")
    };
    let (ci, key) = ("acs:ram::1000000000000001:user/ci", "throttle.override.");
    for (text, told) in [
        (of("", "read = 5"), "principal: is needed: whose limits these are, acs:ram::ACCOUNT:root"),
        (of("user/ci", "read = 5"), "principal: must be acs:ram::ACCOUNT:root, or …:user/NAME"),
        (of(ci, ""), "principal: has no limit of its own: add one, as in symmetric = 100"),
        (of(ci, "reed = 5"), "reed: there is no such setting"),
        (of(ci, "read = -1"), "read: must be a whole number from 0"),
        (
            of(ci, "read = 5") + &of(ci, "sts = 5"),
            "principal: acs:ram::1000000000000001:user/ci has",
        ),
    ] {
        let found = faults(&with(&text));
        assert_eq!(found.len(), 1, "{found:#?}");
        has(&found, &format!("{key}{told}"));
    }
}

#[test]
fn a_named_caller_has_its_own_limits_over_those_of_all() {
    use yaoku_server::throttle::Class;
    let text = "[throttle.principal]\nread = 7\nsts = 3\n[[throttle.override]]\n\
                principal = \"acs:ram::1000000000000001:role/job\"\nread = 0\nsymmetric = 50\n";
    let limits = read(&with(text)).unwrap().throttle;
    let [job] = &limits.overrides[..] else { panic!("{limits:?}") };
    assert_eq!(job.of.to_string(), "acs:ram::1000000000000001:role/job");
    let calls = |class| job.calls.of(class).map_or(0, std::num::NonZeroU32::get);
    let read = [Class::Read, Class::Sts, Class::Symmetric, Class::Ram].map(calls);
    assert_eq!(read, [0, 3, 50, 250], "the last is what all have");
}

#[test]
fn a_webhook_that_could_not_be_told_is_refused() {
    let of = |url: &str, more: &str| format!("[[webhook]]\nurl = \"{url}\"\n{more}\n");
    let (url, secret) = ("https://a.example/b?token=c", "secret_file = \"/etc/yaoku/hook\"");
    for (text, told) in [
        (of("http://a.example", secret), "url: must be https://"),
        (of("https://a:b@a.example", secret), "url: must be https://"),
        (of(url, ""), "secret_file: is needed"),
        (of(url, "secret_file = \"hook\""), "secret_file: must be a path from the root"),
        (
            of(url, &format!("{secret}\nnames = [\"Key:*\", \"Kye:*\"]")),
            "names: no notice fits \"Kye",
        ),
        (of(url, &format!("{secret}\nnames = [\"*:*\"]")), "names: no notice fits"),
        (of(url, &format!("{secret}\nprivate = true")), "private: there is no such setting"),
        (of(url, secret) + &of(url, secret), "url: is that of another [[webhook]] too"),
    ] {
        let found = faults(&with(&text));
        assert_eq!(found.len(), 1, "{found:#?}");
        has(&found, &format!("webhook.{told}"));
    }
    let good = of(url, &format!("{secret}\nnames = [\"*:Failure\"]\nallow_private = true"));
    assert_eq!(faults(&with(&good)), [""; 0]);
    assert!(!format!("{:?}", read(&with(&good)).unwrap()).contains("token=c"));
}

#[test]
fn a_webhooks_secret_is_read_before_the_server_starts() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("hook");
    let path = file.display();
    let text = with(&format!("[[webhook]]\nurl = \"https://a.example\"\nsecret_file = \"{path}\""));
    let now = yaoku_model::time::Timestamp::from_unix_seconds(1_767_323_045);
    let serve = || read(&text).unwrap().check(Purpose::Serve { now }).faults;
    has(&serve(), "webhook: ");
    for (secret, mode, told) in [
        ("sixteen bytes or more", 0o644, "webhook.secret_file: "),
        ("fifteen bytes..", 0o600, "webhook: with the secret in "),
        ("", 0o600, "webhook: "),
    ] {
        fs::write(&file, secret).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        has(&serve(), told);
    }
    fs::write(&file, "sixteen bytes or more\n").unwrap();
    assert!(!serve().iter().any(|it| it.starts_with("webhook")), "{:#?}", serve());
}

#[test]
fn a_password_stays_out_of_settings() {
    for url in ["postgres://me:secret@db/kms", "postgres://db/kms?user=me&password=secret"] {
        let found = faults(&with(&format!("store.url = \"{url}\"")));
        has(&found, "store.url: holds a password");
        assert!(!format!("{found:?}").contains("secret@"), "{found:?}");
    }
    assert_eq!(faults(&with("store.url = \"postgres://db/kms\"")), [""; 0]);
}

#[test]
fn a_root_key_is_never_beside_its_backup_or_its_other_copy() {
    let seal = |name: &str, path: &Path| {
        let path = path.display();
        format!("[[seal]]\nname = \"{name}\"\nkind = \"key-file\"\npath = \"{path}\"\n")
    };
    let home = tempfile::tempdir().unwrap();
    let [data, keys] = ["data", "keys"].map(|it| home.path().join(it));
    let base = format!(
        "data = \"{}\"\nlisten.https = \"127.0.0.1:0\"\nstore.url = \"sqlite:{}\"\n",
        data.display(),
        home.path().join("db/yaoku.db").display(),
    );
    let check = |seals: String| faults(&format!("{base}{seals}"));
    has(&check(seal("a", &data.join("sub/k"))), "seal a: is in the data directory");
    has(&check(seal("a", &home.path().join("db/k"))), "seal a: is beside the database");
    has(&check(seal("a", &home.path().join("db/sub/k"))), "seal a: is beside the database");
    let two = seal("a", &keys.join("a")) + &seal("b", &keys.join("b"));
    has(&check(two), "seal b: is in the directory of seal a");
    // A link hides nothing.
    fs::create_dir(&data).unwrap();
    std::os::unix::fs::symlink(&data, home.path().join("link")).unwrap();
    has(&check(seal("a", &home.path().join("link/k"))), "seal a: is in the data directory");
    let apart = seal("a", &keys.join("a")) + &seal("b", &home.path().join("usb/b"));
    assert_eq!(check(apart), [""; 0]);
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("url");
    fs::write(&file, "postgres://me:secret@db/kms").unwrap();
    let text = with(&format!("store.url_file = \"{}\"", file.display()));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    has(&faults(&text), "store.url_file: ");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(faults(&text), [""; 0]);
}

#[test]
fn the_environment_is_over_the_file_and_set_is_over_both() {
    let layers = Layers::text(&with("name = \"file\"\nregion = \"cn-beijing\"")).unwrap();
    let environment = [
        ("YAOKU_NAME", "environment"),
        ("YAOKU_LISTEN__HTTPS", "127.0.0.1:1"),
        ("YAOKU_LIMITS__GRACE_S", "3"),
        ("HOME", "/root"),
    ];
    let layers = layers.environment(environment.map(|(a, b)| (a.into(), b.into())).into_iter());
    let layers = layers.set(&["name=set".to_owned(), "log.format=text".to_owned()]).unwrap();
    let config = Config::read(layers).unwrap();
    assert_eq!((config.name.as_str(), config.region.as_str()), ("set", "cn-beijing"));
    assert_eq!(config.listen.https.unwrap().port(), 1);
    assert_eq!(config.limits.grace.as_secs(), 3);
    assert!(!config.log.json);
    assert!(Layers::default().set(&["name".to_owned()]).is_err());
}

#[test]
fn the_documents_know_every_setting() {
    let known = Config::known();
    let page = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let rows = page.lines().filter_map(|it| it.strip_prefix("| `")?.split('`').next());
    let told: BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(told, known, "docs/configuration.md");
}

#[test]
fn the_example_is_read_as_it_is_and_names_every_setting() {
    let text = fs::read_to_string(root().join("docs/yaoku.toml")).unwrap();
    assert_eq!(faults(&text), [""; 0]);
    // What is commented out reads well too.
    let whole: Vec<&str> = text
        .lines()
        .map(|it| it.strip_prefix("# ").filter(|it| is_setting(it)).unwrap_or(it))
        .collect();
    let table: toml::Table = whole.join("\n").parse().unwrap();
    let mut there = BTreeSet::new();
    names("", &toml::Value::Table(table), &mut there);
    assert_eq!(there, Config::known(), "docs/yaoku.toml");
}

/// `key = value`, or a section's head.
fn is_setting(line: &str) -> bool {
    let name = line.split(" = ").next().unwrap_or_default();
    let is_name = name.chars().all(|it| it.is_ascii_lowercase() || it == '_' || it == '.');
    line.starts_with('[') || (line.contains(" = ") && is_name)
}

fn names(path: &str, value: &toml::Value, into: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                let dot = if path.is_empty() { "" } else { "." };
                names(&format!("{path}{dot}{name}"), value, into);
            }
        }
        toml::Value::Array(entries) if entries.iter().any(toml::Value::is_table) => {
            for entry in entries {
                names(path, entry, into);
            }
        }
        _ => _ = into.insert(path.to_owned()),
    }
}
