//! `yaoku target` and `yaoku hook`, against `yaoku dev`.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[expect(dead_code, reason = "other tests start it again, and read JSON")]
#[path = "support/cli.rs"]
mod support;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
    time::Duration,
};

use support::{Said, Server};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":["kms.aliyuncs.com"]}}]}"#;

/// Says something as the operator; `input` is what comes by standard input.
fn operator(server: &Server, words: &[&str], input: &str) -> Said {
    let mut command = support::command(server.home());
    command.args(&words[..2]).args(["--data", server.data()]).args(&words[2..]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may not want to hear it.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Said::of(child.wait_with_output().unwrap())
}

/// Does what must succeed.
fn good(server: &Server, words: &[&str]) -> String {
    let said = operator(server, words, "");
    assert_eq!(said.code, Some(0), "{words:?}: {}{}", said.out, said.error);
    said.out
}

fn put<'a>(id: &'a str, engine: &'a str, port: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let all = ["target", "put", id, "--engine", engine, "--host", "127.0.0.1", "--port", port];
    [&all[..], &["--admin-secret", "admin"], more].concat()
}

/// What answers as a Redis does that is a master, or a replica, and lets everybody do everything.
fn redis(role: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer(stream.unwrap(), role));
        }
    });
    port
}

fn answer(mut stream: TcpStream, role: &str) {
    let mut asked = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut asked) {
        let words = String::from_utf8_lossy(&asked[..length]).into_owned();
        let said = match words.split("\r\n").nth(2) {
            Some("ROLE") => format!("*1\r\n${}\r\n{role}\r\n", role.len()),
            Some("CONFIG") => "*2\r\n$7\r\naclfile\r\n$6\r\n/users\r\n".to_owned(),
            _ => "+OK\r\n".to_owned(),
        };
        stream.write_all(said.as_bytes()).unwrap();
    }
}

/// The secret that every target here names.
fn make_admin(server: &Server) {
    let file = server.write("admin", r#"{"AccountName":"steward","AccountPassword":"x"}"#);
    server.good(&["secret", "create", "admin", "--from-file", &file]);
}

#[test]
fn what_an_engine_can_be_is_in_the_help_and_in_the_refusal() {
    let server = Server::start();
    let help = good(&server, &["target", "put", "--help"]);
    for word in ["MySQL", "PostgreSQL", "Redis", "SSH", "verify", "off"] {
        assert!(help.contains(&format!("- {word}:")), "{word}: {help}");
    }
    let said = operator(&server, &put("t", "Oracle", "1", &[]), "");
    assert_eq!(said.code, Some(2));
    assert!(
        said.error.contains("[possible values: MySQL, PostgreSQL, Redis, SSH]"),
        "{}",
        said.error
    );
    let shown = good(&server, &put("t", "mariadb", "3306", &[]));
    assert!(shown.starts_with("MySQL t\n"), "{shown}");
}

#[test]
fn a_host_key_comes_in_whatever_form_and_is_shown_by_its_fingerprint() {
    let server = Server::start();
    let rsa = server.write("rsa.pub", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== root@h\n");
    let said = operator(&server, &put("i-1", "SSH", "22", &["--host-key", &rsa]), "");
    assert_eq!(said.code, Some(1));
    for part in ["--host-key is not valid", "ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp521"] {
        assert!(said.error.contains(part), "{part}: {}", said.error);
    }
    let said = operator(&server, &put("i-1", "SSH", "22", &["--host-key", KEY]), "");
    assert!(said.code == Some(1) && said.error.contains("takes a file"), "{}", said.error);

    let known = server.write("known", &format!("# h:22\n[h]:22,192.0.2.7 {KEY} root@h\n"));
    let fingerprint =
        "host key: SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU (ssh-ed25519)\n";
    let shown = good(&server, &put("i-1", "SSH", "22", &["--host-key", &known]));
    assert!(shown.contains(fingerprint), "{shown}");
    let scanned = format!("h {KEY}\nh ssh-rsa AAAAB3NzaC1yc2E\n");
    let said = operator(&server, &put("i-2", "SSH", "22", &["--host-key", "-"]), &scanned);
    assert!(said.code == Some(0) && said.out.contains(fingerprint), "{}", said.error);

    let ca = std::fs::read_to_string(server.text("ca")).unwrap();
    let ca = server.write("ca.pem", &ca);
    good(&server, &put("rm-1", "MySQL", "3306", &["--ca", &ca]));
    let shown = good(&server, &["target", "show", "rm-1"]);
    let line = shown.lines().find_map(|it| it.strip_prefix("authority: ")).unwrap();
    assert!(line.contains("CN=") && line.contains(", SHA-256 "), "{line}");
}

#[test]
fn a_target_with_a_fault_fails_its_check() {
    let server = Server::start();
    let said = operator(&server, &["target", "check", "none"], "");
    assert_eq!(said.code, Some(1));
    assert!(said.error.starts_with("Forbidden.ResourceNotFound: "), "{}", said.error);

    let (master, replica) = (redis("master"), redis("slave"));
    good(&server, &put("r-1", "Redis", &master, &["--tls", "off"]));
    let said = operator(&server, &["target", "check", "r-1"], "");
    assert_eq!(said.code, Some(1));
    assert!(said.out.starts_with("NoAdministrator: "), "{}", said.out);
    assert!(said.out.contains("secret admin does not exist.\n  To end it: "), "{}", said.out);

    make_admin(&server);
    assert_eq!(good(&server, &["target", "check", "r-1"]), "It works.\n");
    good(&server, &put("r-1", "Redis", &replica, &["--tls", "off"]));
    for form in [&[][..], &["--json"]] {
        let said = operator(&server, &[&["target", "check", "r-1"], form].concat(), "");
        assert_eq!(said.code, Some(1), "{}", said.out);
        assert!(said.out.contains("ReadOnly") && said.out.contains("replica"), "{}", said.out);
    }
}

#[test]
fn what_is_not_there_is_removed_without_a_question() {
    let server = Server::start();
    for (words, absent) in [
        (["target", "delete", "none"], "none is not registered: nothing to remove.\n"),
        (["hook", "remove", "none"], "none has no hook: nothing to remove.\n"),
    ] {
        assert_eq!(good(&server, &words), absent);
        assert!(operator(&server, &words, "").error.is_empty(), "nobody is asked");
        let said = operator(&server, &[words[0], "show", "none"], "");
        assert_eq!(said.code, Some(1), "{}", said.error);
    }
    good(&server, &put("rm-1", "MySQL", "3306", &[]));
    assert_eq!(operator(&server, &["target", "delete", "rm-1"], "").code, Some(2));
    assert_eq!(operator(&server, &["target", "delete", "rm-1"], "y\n").code, Some(0));
    assert_eq!(operator(&server, &["target", "show", "rm-1"], "").code, Some(1));
}

#[test]
fn who_deletes_a_secret_that_a_target_needs_is_warned() {
    let server = Server::start();
    make_admin(&server);
    good(&server, &put("rm-1", "MySQL", "3306", &[]));
    let said = server.say(&["secret", "delete", "admin"]);
    assert_eq!(said.code, Some(2));
    assert!(said.error.contains("WARNING: admin logs the administrator of target rm-1 in"));
    good(&server, &["target", "delete", "rm-1", "--yes"]);
    assert!(!server.say(&["secret", "delete", "admin"]).error.contains("WARNING"));
}

#[test]
fn a_developer_tries_hooks_on_loopback() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("rotate");
    let told = place.path().join("told");
    std::fs::write(&program, format!("#!/bin/sh\ncat >{0}.new; mv {0}.new {0}\n", told.display()))
        .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let program = program.to_str().unwrap();
    let server = Server::start_with(&["--hook-program", program]);
    server.good(&["ram", "CreateRole", "--RoleName", "r", "--AssumeRolePolicyDocument", TRUST]);
    let value = server.write("value", "sixteen bytes or more");
    for name in ["db", "key"] {
        server.good(&["secret", "create", name, "--from-file", &value]);
    }
    let by_url = ["--url", "https://127.0.0.1:1/rotate", "--signing-secret", "key"];
    good(&server, &[&["hook", "set", "db", "--role", "r"], &by_url[..]].concat());
    let said = operator(&server, &["hook", "set", "db", "--role", "r", "--", "/bin/true"], "");
    assert!(said.code == Some(1) && said.error.contains("--hook-program"), "{}", said.error);
    good(&server, &["hook", "set", "db", "--role", "r", "--", program]);
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o722)).unwrap();
    let said = operator(&server, &["hook", "set", "db", "--role", "r", "--", program], "");
    assert!(
        said.code == Some(1) && said.error.contains("can be changed by others"),
        "{}",
        said.error
    );
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o700)).unwrap();

    server.good(&["secret", "rotate", "db"]);
    for _ in 0..600 {
        if told.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let event: serde_json::Value = serde_json::from_slice(&std::fs::read(&told).unwrap()).unwrap();
    assert_eq!(event["SecretName"], "db");
    let endpoint = event["Endpoint"].as_str().unwrap();
    assert!(endpoint.starts_with("https://localhost:"), "{endpoint}");
}
