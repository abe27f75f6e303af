//! `yaoku policy simulate` and `who-can`: what they say is what a call is told.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[expect(dead_code, reason = "other tests start it again")]
#[path = "support/cli.rs"]
mod support;

use serde_json::{Value, json};
use support::{Said, Server, command};

/// Asks through the admin socket.
fn policy(server: &Server, words: &[&str]) -> Said {
    let mut policy = command(server.home());
    policy.arg("policy").args(words).args(["--data", server.data()]);
    Said::of(policy.output().unwrap())
}

fn asked(server: &Server, words: &[&str]) -> String {
    let said = policy(server, words);
    assert_eq!(said.code, Some(0), "{words:?}: {}", said.error);
    said.out
}

fn statement(effect: &str, action: &str) -> Value {
    json!({"Effect": effect, "Action": action, "Resource": "*"})
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "1", "Statement": statements}).to_string()
}

/// The user app gets a policy that allows all of KMS but decrypting, and there is a role that may do all
/// of it and trusts the account. Gives the ARN of dev's key.
fn rights(server: &Server) -> String {
    let no_decrypt = [statement("Allow", "kms:*"), statement("Deny", "kms:Decrypt")];
    let file = server.write("no-decrypt.json", &document(&no_decrypt));
    asked(server, &["create", "NoDecrypt", "--file", &file]);
    asked(server, &["attach", "NoDecrypt", "--user", "app"]);
    let account = server.text("account_id");
    let trust = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"RAM": [format!("acs:ram::{account}:root")]}});
    let trust = server.write("trust.json", &document(&[trust]));
    let role = ["--RoleName", "deploy", "--AssumeRolePolicyDocument-FILE", &trust];
    server.good(&[&["ram", "CreateRole"], &role[..]].concat());
    asked(server, &["attach", "AliyunKMSFullAccess", "--role", "deploy"]);
    format!("acs:kms:cn-hangzhou:{account}:key/{}", server.text("key_id"))
}

/// Says whether the user may do what is asked, as the server tells it.
fn is_served(server: &Server, words: &[&str]) -> bool {
    let key = json!({
        "access_key_id": server.text("user_access_key_id"),
        "access_key_secret": server.text("user_access_key_secret"),
        "endpoint": server.text("endpoint"),
        "ca": server.text("ca"),
    });
    let key = server.write("app.json", &key.to_string());
    let mut call = command(server.home());
    let said = Said::of(call.args(words).args(["--access-key", &key]).output().unwrap());
    let refused = said.error.contains("ErrorCode: Forbidden.NoPermission");
    assert_ne!(said.code == Some(0), refused, "{words:?}: {}", said.error);
    !refused
}

#[test]
fn the_verbs_tell_who_may_do_what_and_which_statement_decides() {
    let server = Server::start();
    let arn = rights(&server);
    what_is_no_question_is_refused(&server, &arn);
    simulated(&server, &arn);
    found(&server, &arn);
}

fn what_is_no_question_is_refused(server: &Server, arn: &str) {
    let simulate = |who: &str, action: &str, more: &[&str]| {
        let words = ["simulate", "--principal", who, "--action", action, "--resource", arn];
        policy(server, &[&words, more].concat())
    };
    let file = server.write("broken.json", "{}");
    for (who, action, more, told) in [
        ("user/nobody", "kms:Encrypt", &[][..], "EntityNotExist.User: "),
        ("nobody", "kms:Encrypt", &[], "InvalidParameter: "),
        ("user/app", "Encrypt", &[], "InvalidParameter: "),
        ("user/app", "kms:Encrypt", &["--session-policy", &file], "InvalidParameter: "),
        ("role/deploy", "kms:Encrypt", &["--session-policy", &file], "InvalidParameter: "),
        (
            "user/app",
            "kms:Encrypt",
            &["--context", "acs:SourceIp"],
            "yaoku: --context is KEY=VALUE",
        ),
    ] {
        let said = simulate(who, action, more);
        assert_eq!((said.code, &*said.out), (Some(1), ""), "{who} {action}");
        assert!(said.error.starts_with(told), "{who} {action}: {}", said.error);
    }
    assert_eq!(policy(server, &["who-can", "--resource", arn]).code, Some(2));
}

fn simulated(server: &Server, arn: &str) {
    let simulate = |who: &str, action: &str, more: &[&str]| {
        let words = ["simulate", "--principal", who, "--action", action, "--resource", arn];
        asked(server, &[&words, more].concat())
    };
    let said = simulate("user/app", "kms:Decrypt", &[]);
    let expected = "ExplicitDeny\n\nLAYER                            VERDICT       POLICY     STATEMENT  ATTACHED TO\n\
                    AccountLevelIdentityBasedPolicy  ExplicitDeny  NoDecrypt  2          user/app\n";
    assert!(said.starts_with(expected), "{said}");
    assert!(simulate("user/app", "kms:Encrypt", &[]).starts_with("Allow\n"));
    let sealed = ["kms", "Encrypt", "--KeyId", "alias/dev", "--Plaintext", "x"];
    assert!(is_served(server, &sealed));
    let blob = server.json(&sealed)["CiphertextBlob"].as_str().unwrap().to_owned();
    assert!(!is_served(server, &["kms", "Decrypt", "--CiphertextBlob", &blob]));
    // A session has what its role and its own policy both allow.
    assert!(simulate("role/deploy", "kms:Decrypt", &[]).starts_with("Allow\n"));
    let narrow = server.write("narrow.json", &document(&[statement("Allow", "kms:Encrypt")]));
    let narrowed = ["--session-policy", &*narrow];
    assert!(simulate("role/deploy", "kms:Encrypt", &narrowed).starts_with("Allow\n"));
    let said = simulate("role/deploy", "kms:Decrypt", &narrowed);
    assert!(said.starts_with("ImplicitDeny\n") && said.contains("SessionPolicy"), "{said}");
    let json = simulate("user/app", "kms:Decrypt", &["--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["DecidedBy"]["PolicyName"], "NoDecrypt", "{json}");
    // What conditions look at can be supposed.
    let home = json!({"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"NotIpAddress": {"acs:SourceIp": "192.0.2.0/24"}}});
    let file = server.write("home.json", &document(&[home]));
    asked(server, &["create", "FromHome", "--file", &file]);
    asked(server, &["attach", "FromHome", "--role", "deploy"]);
    for (from, decision) in [("192.0.2.7", "Allow\n"), ("198.51.100.7", "ExplicitDeny\n")] {
        let context = format!("acs:SourceIp={from}");
        let said = simulate("role/deploy", "kms:Encrypt", &["--context", &context]);
        assert!(said.starts_with(decision), "{from}: {said}");
    }
    asked(server, &["detach", "FromHome", "--role", "deploy"]);
}

fn found(server: &Server, arn: &str) {
    let who = |action: &str| {
        let said = asked(server, &["who-can", "--action", action, "--resource", arn]);
        assert!(said.starts_with("WHO"), "{said}");
        let lines = said.lines().skip(1).map(|it| it.split_whitespace().next().unwrap());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(who("kms:Encrypt"), ["root", "user/app", "role/deploy"]);
    assert_eq!(who("kms:Decrypt"), ["root", "role/deploy"]);
    let said = asked(server, &["who-can", "--action", "kms:Encrypt", "--resource", arn]);
    let line = said.lines().find(|it| it.starts_with("user/app")).unwrap();
    assert!(
        line.contains("AccountLevelIdentityBasedPolicy") && line.ends_with("1          user/app"),
        "{line}"
    );
}
