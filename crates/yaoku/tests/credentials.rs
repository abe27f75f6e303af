//! `yaoku credentials serve`: short-lived credentials for the programs of this machine.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[expect(dead_code, reason = "other tests start it again")]
#[path = "support/cli.rs"]
mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Stdio},
};

use serde_json::{Value, json};
use support::{Said, Server, command};

/// It, until it is dropped.
struct Serving {
    process: Child,
    address: String,
    path: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

impl Serving {
    fn start(server: &Server, key: &str, words: &[&str]) -> Self {
        let mut serve = command(server.home());
        serve.args(["credentials", "serve", "--access-key", key]).args(words);
        let mut process = serve.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("ALIBABA_CLOUD_CREDENTIALS_URI=http://").unwrap();
        let (address, path) = url.split_once('/').unwrap();
        Self { process, address: address.to_owned(), path: format!("/{path}") }
    }

    /// Asks; the status and the body.
    fn ask(&self, method: &str, path: &str, host: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

/// A role that whoever may take it on, and the access key file of a user who may.
fn role_and_user(server: &Server) -> (String, String) {
    let account = server.text("account_id");
    let trust = json!({"Version": "1", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"RAM": [format!("acs:ram::{account}:root")]}}]});
    let trust = server.write("trust.json", &trust.to_string());
    let made = server.json(&[
        "ram",
        "CreateRole",
        "--RoleName",
        "program",
        "--AssumeRolePolicyDocument-FILE",
        &trust,
    ]);
    for (operation, name, value, policy) in [
        ("AttachPolicyToUser", "--UserName", "app", "AliyunSTSAssumeRoleAccess"),
        ("AttachPolicyToRole", "--RoleName", "program", "AliyunKMSCryptoUserAccess"),
    ] {
        let policy = ["--PolicyType", "System", "--PolicyName", policy];
        server.good(&[&["ram", operation, name, value][..], &policy].concat());
    }
    let key = json!({
        "access_key_id": server.text("user_access_key_id"),
        "access_key_secret": server.text("user_access_key_secret"),
        "endpoint": server.text("endpoint"),
        "ca": server.text("ca"),
    });
    (made["Role"]["Arn"].as_str().unwrap().to_owned(), server.write("app.json", &key.to_string()))
}

#[test]
fn what_would_be_served_to_others_or_to_nobody_is_refused_at_once() {
    let server = Server::start();
    let (role, key) = role_and_user(&server);
    let say = |words: &[&str], key: &str| {
        let mut serve = command(server.home());
        serve.args(["credentials", "serve", "--access-key", key]).args(words);
        Said::of(serve.output().unwrap())
    };
    for (words, told) in [
        (&["--role-arn", &role, "--listen", "0.0.0.0:0"][..], "loopback"),
        (&["--role-arn", &role, "--path", "no slash"], "--path"),
        (&["--role-arn", &role, "--duration", "60"], "--duration"),
        (&[], "--role-arn"),
    ] {
        let said = say(words, &key);
        assert_eq!((said.code, &*said.out), (Some(2), ""), "{words:?}");
        assert!(said.error.contains(told), "{words:?}: {}", said.error);
    }
    let root = format!("{}/dev.json", server.data());
    let said = say(&["--role-arn", &role], &root);
    assert_eq!((said.code, &*said.out), (Some(1), ""), "{}", said.error);
    assert!(said.error.contains("ErrorCode: NoPermission"), "{}", said.error);
    for hint in ["root", "AliyunSTSAssumeRoleAccess", "trust policy"] {
        assert!(said.error.contains(hint), "{}", said.error);
    }
}

#[test]
fn whoever_only_holds_connections_keeps_nobody_out() {
    let server = Server::start();
    let (role, key) = role_and_user(&server);
    let serving = Serving::start(&server, &key, &["--role-arn", &role]);
    let idle: Vec<_> = (0..200).map(|_| TcpStream::connect(&serving.address).unwrap()).collect();
    assert_eq!(serving.ask("GET", &serving.path, &serving.address).0, 200);
    // Who says nothing is hung up on.
    let mut last = idle.last().unwrap();
    assert_eq!(last.read(&mut [0; 1]).unwrap_or(0), 0);
}

#[test]
fn programs_are_given_a_session_of_the_role() {
    let server = Server::start();
    let (role, key) = role_and_user(&server);
    let serving = Serving::start(&server, &key, &["--role-arn", &role, "--duration", "900"]);
    let (path, here) = (&*serving.path, &*serving.address);
    assert!(path.len() > 30, "{path}");
    for (method, path, host, status) in [
        ("GET", "/", here, 404),
        ("GET", &*format!("{path}/"), here, 404),
        ("GET", path, "evil.example", 404),
        ("POST", path, here, 405),
    ] {
        let expected = (status, String::new());
        assert_eq!(serving.ask(method, path, host), expected, "{method} {path} {host}");
    }
    let (status, body) = serving.ask("GET", path, here);
    let given: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, given["Code"].as_str()), (200, Some("Success")));
    assert_eq!(serving.ask("GET", path, here).1, body, "the same until half its time is over");
    let text = |name: &str| given[name].as_str().unwrap();
    assert!(text("Expiration").ends_with('Z') && text("Expiration").len() == 20, "{body}");
    let mut who = command(server.home());
    who.args(["sts", "GetCallerIdentity", "--endpoint", &server.text("endpoint")])
        .args(["--ca", &server.text("ca")])
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", text("AccessKeyId"))
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", text("AccessKeySecret"))
        .env("ALIBABA_CLOUD_SECURITY_TOKEN", text("SecurityToken"));
    let said = Said::of(who.output().unwrap());
    let who: Value = serde_json::from_str(&said.out).unwrap();
    let expected =
        format!("acs:ram::{}:assumed-role/program/yaoku-credentials", server.text("account_id"));
    assert_eq!(who["Arn"].as_str(), Some(&*expected), "{}", said.error);
    // As every official client does, and so does ours.
    let mut who = command(server.home());
    who.args(["sts", "GetCallerIdentity", "--endpoint", &server.text("endpoint")])
        .args(["--ca", &server.text("ca"), "--query", "Arn", "-o", "table"])
        .env("ALIBABA_CLOUD_CREDENTIALS_URI", format!("http://{here}{path}"));
    let said = Said::of(who.output().unwrap());
    assert_eq!(said.out.trim(), expected, "{}", said.error);
    let config = json!({"current": "taken", "profiles": [{"name": "taken", "mode": "RamRoleArn",
        "access_key_id": server.text("user_access_key_id"),
        "access_key_secret": server.text("user_access_key_secret"),
        "ram_role_arn": role, "ram_session_name": "me"}]});
    let config = server.write("config.json", &config.to_string());
    let mut who = command(server.home());
    who.args(["sts", "GetCallerIdentity", "--endpoint", &server.text("endpoint")]).args([
        "--ca",
        &server.text("ca"),
        "--config-path",
        &config,
        "--profile",
        "taken",
    ]);
    let said = Said::of(who.output().unwrap());
    assert!(said.out.contains("assumed-role/program/me"), "{}", said.error);
}

#[test]
fn the_journal_shows_who_is_behind_a_session() {
    let server = Server::start();
    let (role, key) = role_and_user(&server);
    let say = |words: &[&str], environment: &[(&str, &str)]| {
        let mut call = command(server.home());
        call.args(words).envs(environment.iter().copied());
        let said = Said::of(call.output().unwrap());
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.error);
        said.out
    };
    let begin = ["sts", "AssumeRole", "--RoleArn", &role, "--RoleSessionName", "night"];
    let named = ["--SourceIdentity", "alice@corp", "--access-key", &key];
    let given: Value = serde_json::from_str(&say(&[&begin[..], &named].concat(), &[])).unwrap();
    let text = |name: &str| given["Credentials"][name].as_str().unwrap();
    let environment = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", text("AccessKeyId")),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", text("AccessKeySecret")),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", text("SecurityToken")),
    ];
    let (endpoint, ca) = (server.text("endpoint"), server.text("ca"));
    let place = ["--endpoint", &*endpoint, "--ca", &ca];
    let encrypt = ["kms", "Encrypt", "--KeyId", "alias/dev", "--Plaintext", "x"];
    say(&[&encrypt[..], &place].concat(), &environment);
    let tail = ["audit", "tail", "-n", "1", "--data", server.data()];
    let shown = say(&tail, &[]);
    assert!(shown.contains("  assumed-role/program/night (alice@corp)  "), "{shown}");
    let event: Value = serde_json::from_str(&say(&[&tail[..], &["--json"]].concat(), &[])).unwrap();
    assert_eq!(event["source_identity"], "alice@corp", "{event}");
    let verified = say(&["audit", "verify", "--data", server.data()], &[]);
    assert!(verified.starts_with("node one: whole"), "{verified}");
}

#[test]
fn nobody_needs_an_access_key_to_show_a_token() {
    let server = Server::start();
    let mut anonymous = command(server.home());
    anonymous
        .args([
            "sts",
            "AssumeRoleWithOIDC",
            "--OIDCToken",
            "a.b.c",
            "--RoleArn",
            "acs:ram::1:role/r",
        ])
        .args(["--OIDCProviderArn", "acs:ram::1:oidc-provider/none", "--RoleSessionName", "me"])
        .args(["--endpoint", &server.text("endpoint"), "--ca", &server.text("ca")])
        .current_dir("/");
    let said = Said::of(anonymous.output().unwrap());
    assert!(said.error.contains("AuthenticationFail.OIDCToken.Invalid"), "{}", said.error);
}
