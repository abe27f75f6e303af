//! The command line as a client, against `yaoku dev`.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "support/cli.rs"]
mod support;

use serde_json::{Value, json};
use support::{Said, Server};

#[test]
fn what_is_no_rightful_command_is_refused_before_anything_is_sent() {
    let server = Server::start();
    for (words, told) in [
        (&["kms", "Encript"][..], "Encrypt"),
        (&["kms", "Encrypt", "--PlainText", "x"], "--Plaintext"),
        (&["kms", "ListKeys", "--query", "Keys["], "--query"),
        (&["kms", "ListKeys", "--endpoint", "http://kms.example"], "--insecure"),
        (&["kms", "ListKeys", "--endpoint", "a b"], "no endpoint"),
        (&["kms", "Encrypt", "--Plaintext-FILE", "x", "--Plaintext", "x"], "cannot be used with"),
    ] {
        let said = server.say(words);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{words:?}");
        assert!(said.error.contains(told), "{words:?}: {}", said.error);
    }
    // A command that lacks its own command says what there is.
    for (words, told) in [
        (&["kms"][..], "ScheduleKeyDeletion"),
        (&["ram"], "AttachPolicyToUser"),
        (&["key"], "versions"),
        (&["data-key"], "Makes a data key"),
    ] {
        let said = server.say(words);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{words:?}");
        assert!(said.error.contains(told) && said.error.lines().count() > 20, "{}", said.error);
        assert!(said.error.contains(&format!("Usage: yaoku {}", words[0])), "{}", said.error);
    }
    let nobody = support::command(server.home()).args(["kms", "ListKeys"]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("nobody to call as"));
}

#[test]
fn a_refusal_is_told_as_the_aliyun_cli_tells_it() {
    let server = Server::start();
    let said = server.say(&["kms", "Encrypt", "--KeyId", "alias/none", "--Plaintext", "c4n4ry"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    let lines: Vec<&str> = said.error.lines().collect();
    assert_eq!(lines[..2], ["ERROR: SDK.ServerError", "ErrorCode: Forbidden.AliasNotFound"]);
    assert!(lines[2].starts_with("RequestId: ") && lines[3].starts_with("Message: "), "{lines:?}");
    assert!(!said.error.contains("c4n4ry"));
    // What is missing is the server's to say.
    let said = server.say(&["kms", "Encrypt"]);
    assert_eq!(said.code, Some(1));
    let help = server.good(&["kms", "Encrypt", "--help"]);
    let [required, optional] = ["Required parameters:", "--KeyId"].map(|it| help.find(it).unwrap());
    assert!(required < optional && optional < help.find("Optional parameters:").unwrap(), "{help}");
    assert!(said.error.contains("ErrorCode: MissingParameter"), "{}", said.error);
    // The server is not trusted by the machine's own certificates.
    let said = server.say(&["kms", "ListKeys", "--ca", "/etc/ssl/certs/ca-certificates.crt"]);
    assert_ne!(said.code, Some(0), "{}", said.out);
}

#[test]
fn operations_are_called_by_their_names() {
    let server = Server::start();
    let file = server.write("note.txt", "a note\n");
    let sealed = server.json(&[
        "kms",
        "Encrypt",
        "--KeyId",
        "alias/dev",
        "--Plaintext-FILE",
        &file,
        "--EncryptionContext",
        r#"{"table":"notes"}"#,
    ]);
    let blob = sealed["CiphertextBlob"].as_str().unwrap();
    let opened = server.good(&[
        "kms",
        "Decrypt",
        "--CiphertextBlob",
        blob,
        "--EncryptionContext",
        r#"{"table":"notes"}"#,
        "--query",
        "Plaintext",
        "--output",
        "table",
    ]);
    assert_eq!(opened, "a note\n\n");
    let list = ["kms", "ListKeys", "--query", "Keys.Key[].KeyId"];
    let ids: Vec<String> = serde_json::from_str(&server.good(&list)).unwrap();
    assert!(ids.contains(&server.text("key_id")));
    let yaml = server.good(&[&list[..], &["--output", "yaml"]].concat());
    assert!(ids.iter().all(|it| yaml.contains(&format!("- {it}\n"))), "{yaml}");
    let table = server.good(&["kms", "ListKeys", "--output", "table"]);
    assert!(table.starts_with("KeyArn") && table.contains(&ids[0]), "{table}");
    let id = server.text("key_id");
    server.json(&[
        "kms",
        "TagResource",
        "--KeyId",
        &id,
        "--Tags",
        r#"[{"TagKey":"a","TagValue":"b"}]"#,
    ]);
    let two =
        ["--Tag.1.Key", "one", "--Tag.1.Value", "1", "--Tag.2.Key", "two", "--Tag.2.Value", "2"];
    let tag = ["kms", "TagResources", "--ResourceType", "key", "--ResourceId.1", &id];
    server.json(&[&tag[..], &two[..]].concat());
    let tags = server.good(&["kms", "ListResourceTags", "--KeyId", &id]);
    assert!(["one", "two", "\"a\""].iter().all(|it| tags.contains(it)), "{tags}");
}

#[test]
fn plain_http_and_profiles_of_the_aliyun_cli_will_do() {
    let server = Server::start();
    let endpoint = format!("http://{}", server.text("http_endpoint"));
    server.good(&["kms", "ListKeys", "--endpoint", &endpoint]);
    let profile = json!({"current": "yaoku", "profiles": [{
        "name": "yaoku",
        "mode": "AK",
        "access_key_id": server.text("access_key_id"),
        "access_key_secret": server.text("access_key_secret"),
        "region_id": "cn-hangzhou",
        "endpoint": server.text("endpoint"),
    }, {
        "name": "false",
        "mode": "AK",
        "access_key_id": server.text("access_key_id"),
        "access_key_secret": "c4n4ry",
        "endpoint": server.text("endpoint"),
    }]});
    let file = server.write(".aliyun/config.json", &profile.to_string());
    let as_profile = |words: &[&str]| {
        let mut command = support::command(server.home());
        command.args(words).args(["--ca", &server.text("ca")]);
        Said::of(command.output().unwrap())
    };
    // By HOME, by its path, by its name.
    let list = ["kms", "ListKeys"];
    for words in [&list[..], &["kms", "ListKeys", "--config-path", &file, "--profile", "yaoku"]] {
        let said = as_profile(words);
        assert_eq!(said.code, Some(0), "{}", said.error);
    }
    // What `yaoku dev` has written here goes before the current profile, but not off this machine.
    let dev = std::fs::read_to_string(format!("{}/dev.json", server.data())).unwrap();
    server.write("yaoku-dev/dev.json", &dev);
    let said = as_profile(&["kms", "ListKeys", "--verbose"]);
    let by = format!("as {}, from yaoku-dev/dev.json\n", server.text("access_key_id"));
    assert!(said.code == Some(0) && said.error.ends_with(&by), "{}", said.error);
    let elsewhere = dev.replace(&server.text("endpoint"), "kms.example:443");
    server.write("yaoku-dev/dev.json", &elsewhere);
    let said = as_profile(&["kms", "ListKeys"]);
    assert!(said.code == Some(2) && said.error.contains("another machine"), "{}", said.error);
    let said = as_profile(&["kms", "ListKeys", "--profile", "false"]);
    assert!(said.error.contains("SignatureDoesNotMatch"), "{}", said.error);
    assert!(!said.error.contains("c4n4ry"));
    let mut command = support::command(server.home());
    command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", server.text("user_access_key_id"));
    command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", server.text("user_access_key_secret"));
    command.args(["kms", "ListKeys", "--ca", &server.text("ca")]);
    let said = Said::of(command.args(["--endpoint", &server.text("endpoint")]).output().unwrap());
    // The user may not list keys: it was the user who called.
    assert!(said.error.contains("Forbidden.NoPermission"), "{}", said.error);
}

#[test]
fn friendly_verbs_do_what_they_say() {
    let server = Server::start();
    life(&server);
    aliases(&server);
    listed(&server);
    work(&server);
    import(&server);
    data_keys(&server);
}

fn aliases(server: &Server) {
    let before = server.good(&["key", "list"]);
    // Nothing is made if its name cannot be.
    for (alias, told) in
        [("bad", "no alias"), ("alias/acs/ecs", "only products"), ("alias/dev", "already")]
    {
        let said = server.say(&["key", "create", "--alias", alias]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{alias}");
        assert!(said.error.contains(told), "{alias}: {}", said.error);
    }
    assert_eq!(server.good(&["key", "list"]), before);
    server.good(&["key", "create", "--alias", "alias/one"]);
    // A name is taken from nobody but its key.
    let said = server.say(&["key", "alias", "alias/dev", "alias/one", "--remove"]);
    assert_eq!(said.code, Some(2));
    assert!(said.error.contains("alias/one is a name of"), "{}", said.error);
    assert!(server.good(&["key", "alias", "alias/one"]).contains("alias/one"));
    // Every verb takes it.
    for words in [
        &["disable", "alias/one"][..],
        &["enable", "alias/one"],
        &["rotate", "alias/one", "--every", "730d"],
        &["rotate", "alias/one"],
        &["versions", "alias/one"],
        &["usage", "alias/one"],
        &["alias", "alias/one", "alias/more"],
        &["alias", "alias/dev", "alias/more", "--move"],
        &["alias", "alias/dev", "alias/more", "--remove"],
        &["delete", "alias/one", "--yes"],
        &["restore", "alias/one"],
        &["alias", "alias/one", "alias/one", "--remove"],
    ] {
        server.good(&[&["key"], words].concat());
    }
}

#[test]
fn a_key_whose_alias_was_refused_is_named_with_the_way_on() {
    let server = Server::start();
    let document = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:CreateKey","Resource":"*"}]}"#;
    let document = server.write("document", document);
    let user = server.text("user_name");
    for words in
        [&["create", "maker", "--file", &document][..], &["attach", "maker", "--user", &user]]
    {
        let mut command = support::command(server.home());
        command.arg("policy").args(words).args(["--data", server.data()]);
        let said = Said::of(command.output().unwrap());
        assert_eq!(said.code, Some(0), "{}", said.error);
    }
    let mut command = support::command(server.home());
    command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", server.text("user_access_key_id"));
    command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", server.text("user_access_key_secret"));
    command.args(["key", "create", "--alias", "alias/late", "--query", "KeyMetadata.KeyId"]);
    command.args(["--ca", &server.text("ca"), "--endpoint", &server.text("endpoint")]);
    let said = Said::of(command.output().unwrap());
    assert_eq!(said.code, Some(1), "{}", said.error);
    let way_on = format!("yaoku key alias {} alias/late\n", said.out.trim());
    assert!(said.error.contains(&way_on), "{} {}", said.out, said.error);
    assert!(said.error.contains("ErrorCode: Forbidden.NoPermission"), "{}", said.error);
}

fn listed(server: &Server) {
    // The server keeps worse away; a server that is not ours need not.
    let hostile = "a\u{202e}b\nnext";
    let create = ["key", "create", "--alias", "alias/esc", "--description", hostile];
    server.good(&create);
    let id = server.good(&["key", "show", "alias/esc", "--query", "KeyMetadata.KeyId"]);
    for words in [&["show", "alias/esc"][..], &["show", "alias/esc", "--output", "yaml"]] {
        let shown = server.good(&[&["key"], words].concat());
        assert!(shown.contains("next") && !shown.contains('\u{202e}'), "{shown:?}");
    }
    let said = server.say(&["key", "delete", "alias/esc"]);
    assert!(said.error.contains(r"a\u{202e}b\nnext"), "{:?}", said.error);
    let one = ["key", "show", "alias/esc", "--query", "KeyMetadata.Description"];
    assert_eq!(server.good(&one), format!("{hostile}\n"), "a program gets it as it is");
    let table = server.good(&["key", "list"]);
    let line = table.lines().find(|it| it.contains(id.trim())).unwrap();
    let cells: Vec<&str> = line.split_whitespace().skip(1).collect();
    assert_eq!(cells, ["alias/esc", "Aliyun_AES_256", "ENCRYPT/DECRYPT", "Enabled"]);
    let total = table.lines().count() - 2;
    assert!(table.ends_with(&format!("\n{total} keys\n")), "{table}");
    let few = server.good(&["key", "list", "--limit", "2"]);
    assert!(few.lines().count() == 4 && few.ends_with(&format!("2 of {total} keys\n")), "{few}");
    let query = ["key", "list", "--query", "length(Keys.Key)", "--output", "json"];
    assert_eq!(server.good(&query).trim(), total.to_string());
}

fn data_keys(server: &Server) {
    let version = ["--query", "DataKeyVersionId"];
    let [first, last] = [["--key", "alias/dev"], ["--bytes", "16"]]
        .map(|it| server.good(&[&["data-key", "create", "orders"][..], &it, &version].concat()));
    let listed = server.good(&["data-key", "list", "orders"]);
    assert!(listed.contains(first.trim()) && listed.contains(last.trim()), "{listed}");
    let show = |words: &[&str]| server.good(&[&["data-key", "show", "orders"], words].concat());
    assert_eq!((show(&[]).trim().len(), show(&["--oldest"]).trim().len()), (24, 44));
    assert_eq!(show(&["--key-version", first.trim()]), show(&["--oldest"]));
    assert_eq!(server.say(&["data-key", "delete", "orders"]).code, Some(2), "nobody said yes");
    let delete = ["data-key", "delete", "orders", "--yes"];
    let gone = server.good(&[&delete[..], &["--key-version", first.trim()]].concat());
    assert_eq!(gone, "orders: versions deleted: 1.\n");
    assert_eq!(server.good(&delete), "orders: versions deleted: 1.\n");
    assert_eq!(server.say(&["data-key", "show", "orders"]).code, Some(1));
    let listed = server.json(&["ram", "ListUsers"]);
    assert!(listed["Users"].is_object(), "{listed}");
    let account = server.json(&["admin", "DescribeAccount"]);
    assert_eq!(account["Account"]["Users"], 1, "{account}");
}

fn life(server: &Server) {
    let made = server.json(&["key", "create", "--alias", "alias/cli", "--output", "json"]);
    let id = made["KeyMetadata"]["KeyId"].as_str().unwrap();
    assert!(server.good(&["key", "list"]).contains(id));
    assert!(server.good(&["key", "alias", id]).contains("alias/cli"));
    server.good(&["key", "disable", id]);
    assert!(server.good(&["key", "show", "alias/cli"]).contains("Disabled"));
    server.good(&["key", "enable", id]);
    server.good(&["key", "rotate", id]);
    let said = server.good(&["key", "rotate", id, "--every", "30d"]);
    assert!(said.ends_with("rotates by itself every 30d.\n"), "{said}");
    let shown = server.good(&["key", "show", id]);
    assert!(!shown.contains("KeyMetadata") && !shown.contains("RequestId"), "{shown}");
    let versions = server.good(&["key", "versions", id]);
    assert_eq!(versions.lines().count(), 3, "a heading and two: {versions}");
    let note = server.write("text", "a text");
    let blob = server.good(&["key", "encrypt", "alias/cli", "--file", &note]);
    let blob = server.write("blob", &blob);
    assert_eq!(server.good(&["key", "decrypt", "--file", &blob]), "a text");
    let usage = server.good(&["key", "usage", id]);
    let account = server.text("account_id");
    for operation in ["Encrypt", "Decrypt"] {
        let line = usage.lines().find(|it| it.contains(operation)).unwrap();
        assert!(
            line.ends_with(&format!("  1      {operation}    acs:ram::{account}:root")),
            "{usage}"
        );
    }
    let through_socket = server.good(&["key", "usage", id, "--data", server.data(), "--days", "1"]);
    assert_eq!(through_socket, usage);
    // Nobody can be asked here, but is shown who would miss it.
    let said = server.say(&["key", "delete", id]);
    assert_eq!(said.code, Some(2));
    assert!(said.error.contains("Decrypt") && said.error.contains("Nothing was done"));
    let said = server.say(&["key", "delete", "alias/cli", "--yes", "--days", "6"]);
    assert!(said.code == Some(2) && said.error.contains("7..=366"), "{}", said.error);
    server.good(&["key", "delete", "alias/cli", "--yes", "--days", "7"]);
    assert!(server.good(&["key", "show", id]).contains("PendingDeletion"));
    server.good(&["key", "restore", id]);
    server.good(&["key", "alias", id, "alias/cli", "--remove"]);
    assert_eq!(server.good(&["key", "alias", id]), "(none)\n");
}

fn work(server: &Server) {
    let message = server.write("message", "to be signed");
    for spec in ["EC_P256", "RSA_2048"] {
        let create = ["key", "create", "--spec", spec, "--usage", "SIGN/VERIFY"];
        let only = ["--query", "KeyMetadata.KeyId"];
        let id = server.good(&[&create[..], &only[..]].concat());
        let id = id.trim();
        let signature = server.good(&["key", "sign", id, "--file", &message]);
        let verify = |file: &str| {
            server.say(&["key", "verify", id, "--file", file, "--signature", &signature]).code
        };
        assert_eq!(verify(&message), Some(0), "{spec}");
        assert_eq!(verify(&server.write("other", "to be resigned")), Some(1), "{spec}");
    }
}

fn import(server: &Server) {
    let create = ["key", "create", "--external", "--query", "KeyMetadata.KeyId"];
    let id = server.good(&create);
    let id = id.trim();
    let short = server.write("short", "0123456789");
    assert_eq!(server.say(&["key", "import", id, "--material", &short]).code, Some(1));
    let material = server.write("material", "0123456789abcdef0123456789abcdef");
    server.good(&["key", "import", id, "--material", &material]);
    assert!(server.good(&["key", "show", id]).contains("Enabled"));
    for (spec, name) in [
        ("RSA_2048", "rsa-2048"),
        ("EC_P256", "ec-p256"),
        ("EC_P256K", "ec-p256k"),
        ("EC_SM2", "ec-sm2"),
    ] {
        import_pair(server, spec, name);
    }
}

/// What openssl made is the same key here: openssl's public half is ours.
fn import_pair(server: &Server, spec: &str, name: &str) {
    let vector =
        |end: &str| format!("{}/../../vectors/import/{name}{end}", env!("CARGO_MANIFEST_DIR"));
    let create = ["key", "create", "--external", "--spec", spec, "--usage", "SIGN/VERIFY"];
    let made = server.good(&[&create[..], &["--query", "KeyMetadata.KeyId"]].concat());
    let id = made.trim();
    let public = server.say(&["key", "import", id, "--material", &vector(".pub.pem")]);
    assert!(public.code == Some(2) && public.error.contains("PKCS#8"), "{}", public.error);
    let alias = format!("alias/{name}");
    server.good(&["key", "alias", id, &alias]);
    server.good(&["key", "import", &alias, "--material", &vector(".pem")]);
    let newest = "KeyVersions.KeyVersion[0].KeyVersionId";
    let version = server.good(&["key", "versions", id, "--query", newest]);
    let get = ["kms", "GetPublicKey", "--KeyId", id, "--KeyVersionId", version.trim()];
    let ours = server.good(&[&get[..], &["--query", "PublicKey", "-o", "table"]].concat());
    let openssl = std::fs::read_to_string(vector(".pub.pem")).unwrap();
    let openssl = openssl.split_once('\n').unwrap().1;
    assert_eq!(ours.trim(), openssl.trim(), "{spec}");
    let message = server.write("signed", "to be signed");
    if spec != "EC_SM2" {
        server.good(&["key", "sign", &alias, "--file", &message]);
    }
}

#[test]
fn shells_complete_operations_and_parameters() {
    for shell in ["bash", "zsh", "fish"] {
        let home = tempfile::tempdir().unwrap();
        let output = support::command(home.path()).args(["completion", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{shell}");
        for word in ["GenerateDataKey", "EncryptionContext", "ScheduleKeyDeletion"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn uses_survive_a_restart() {
    let server = Server::start();
    let text = server.write("text", "x");
    server.good(&["key", "encrypt", "alias/dev", "--file", &text]);
    let server = server.restarted();
    server.good(&["key", "encrypt", "alias/dev", "--file", &text]);
    let uses = server.json(&["key", "usage", "alias/dev", "--output", "json"]);
    let uses = uses["KeyUses"]["KeyUse"].as_array().unwrap();
    let (operations, counts): (Vec<&Value>, Vec<&Value>) =
        uses.iter().map(|it| (&it["Operation"], &it["Count"])).unzip();
    assert_eq!((operations, counts), (vec![&json!("Encrypt")], vec![&json!(2)]));
}
