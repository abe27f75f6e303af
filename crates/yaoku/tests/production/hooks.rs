//! A program that rotates a generic secret, in the session that it is given, with ours as its client.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use crate::harness::{Deployment, Said, Server, key_file, run, yaoku};

/// What anybody could write by the documentation.
const SCRIPT: &str = r#"#!/bin/sh
set -e
event=$(cat)
get() { printf %s "$event" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
export HOME=PLACE
export ALIBABA_CLOUD_ACCESS_KEY_ID="$(get AccessKeyId)"
export ALIBABA_CLOUD_ACCESS_KEY_SECRET="$(get AccessKeySecret)"
export ALIBABA_CLOUD_SECURITY_TOKEN="$(get SecurityToken)"
secret=$(get SecretName) version=$(get VersionId)
kms() { "PROGRAM" kms "$@" --SecretName "$secret" --endpoint "$(cat PLACE/endpoint)"; }
pending() { kms GetSecretValue --VersionId "$version" --VersionStage ACSPending; }
case $(get Step) in
new)
    pending && exit
    printf changed > PLACE/value
    kms PutSecretValue --VersionId "$version" --SecretData-FILE PLACE/value \
        --VersionStages '["ACSPending"]' ;;
set | test) pending ;;
end) kms UpdateSecretVersionStage --VersionStage ACSCurrent --MoveToVersion "$version" ;;
esac
"#;

const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":["kms.aliyuncs.com"]}}]}"#;

fn deployment() -> Deployment {
    let settings = key_file("first", "one") + "[hooks]\ncommands = [\"HOME/rotate\"]\n";
    let it = Deployment::new(&settings).made();
    let script = SCRIPT.replace("PLACE", it.home.path().to_str().unwrap());
    let script = script.replace("PROGRAM", env!("CARGO_BIN_EXE_yaoku"));
    fs::write(it.path("rotate"), script).unwrap();
    fs::set_permissions(it.path("rotate"), fs::Permissions::from_mode(0o700)).unwrap();
    it
}

/// Runs the program as a client, as the account's root.
fn client(it: &Deployment, server: &Server, words: &[&str]) -> Said {
    let mut command = yaoku(words);
    command.arg("--access-key").arg(it.path("credentials.json"));
    command.arg("--endpoint").arg(format!("http://{}", server.address("http")));
    run(command)
}

fn hook(it: &Deployment, words: &[&str]) -> Said {
    let data = it.path("data");
    run(yaoku(&[&["hook", "--data", data.to_str().unwrap()][..], words].concat()))
}

#[test]
fn a_server_does_not_start_with_a_program_that_others_may_change() {
    let it = deployment();
    fs::set_permissions(it.path("rotate"), fs::Permissions::from_mode(0o720)).unwrap();
    let said = run(it.command("server", &["--check-config"]));
    assert_ne!(said.code, Some(0));
    assert!(said.error.contains("can be changed by others than its owner"), "{said:?}");
    fs::remove_file(it.path("rotate")).unwrap();
    let said = run(it.command("server", &["--check-config"]));
    assert!(said.error.contains("hooks.commands: "), "{said:?}");
}

#[tokio::test]
async fn a_program_rotates_a_secret() {
    let it = deployment();
    let server = it.serve();
    fs::write(it.path("endpoint"), format!("http://{}", server.address("http"))).unwrap();
    let key = it.key();
    let create = [("SecretName", "db"), ("VersionId", "v1"), ("SecretData", "first")];
    assert_eq!(server.call(&key, "CreateSecret", &create).await.status, 200);
    let role = ["ram", "CreateRole", "--RoleName", "rotate", "--AssumeRolePolicyDocument", TRUST];
    assert_eq!(client(&it, &server, &role).code, Some(0));
    let attach = ["ram", "AttachPolicyToRole", "--PolicyType", "System", "--RoleName", "rotate"];
    let attach = [&attach[..], &["--PolicyName", "AliyunKMSFullAccess"]].concat();
    assert_eq!(client(&it, &server, &attach).code, Some(0));

    let said = hook(&it, &["set", "db", "--role", "rotate", "--", "/bin/true"]);
    assert!(said.code == Some(1) && said.error.contains("hooks.commands"), "{said:?}");
    let loopback = ["--url", "https://127.0.0.1/x", "--signing-secret", "db"];
    let said = hook(&it, &[&["set", "db", "--role", "rotate"], &loopback[..]].concat());
    assert!(said.code == Some(1) && said.error.contains("hooks.allow_private"), "{said:?}");
    assert_eq!(hook(&it, &["set", "db", "--role", "rotate"]).code, Some(2));
    let script = it.path("rotate");
    let said = hook(&it, &["set", "db", "--role", "rotate", "--", script.to_str().unwrap(), "-x"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(hook(&it, &["list"]).out.contains("rotate"));

    let rotate = [("SecretName", "db"), ("VersionId", "v2")];
    let answer = server.call(&key, "RotateSecret", &rotate).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut value = String::new();
    for _ in 0..600 {
        let answer = server.call(&key, "GetSecretValue", &[("SecretName", "db")]).await;
        answer.json()["SecretData"].as_str().unwrap().clone_into(&mut value);
        if value == "changed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(value, "changed", "{:?}", hook(&it, &["show", "db"]));
    let said = hook(&it, &["show", "db"]);
    assert!(said.out.contains("-x\nas: role rotate\n"), "{said:?}");
    assert!(!said.out.contains("last failure"), "{said:?}");

    // Without its role it cannot be called, and why is seen.
    let detach = ["ram", "DetachPolicyFromRole", "--PolicyType", "System", "--RoleName", "rotate"];
    let detach = [&detach[..], &["--PolicyName", "AliyunKMSFullAccess"]].concat();
    assert_eq!(client(&it, &server, &detach).code, Some(0));
    let role = ["ram", "DeleteRole", "--RoleName", "rotate"];
    assert_eq!(client(&it, &server, &role).code, Some(0));
    let answer = server.call(&key, "RotateSecret", &[rotate[0], ("VersionId", "v3")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut said = hook(&it, &["show", "db"]);
    for _ in 0..600 {
        if said.out.contains("last failure: ") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        said = hook(&it, &["show", "db"]);
    }
    assert!(said.out.ends_with("the role that the hook is to have does not exist\n"), "{said:?}");
    assert!(said.out.contains(", RoleNotFound: "), "{said:?}");
    let said = hook(&it, &["show", "db", "--json"]);
    assert!(said.out.contains(r#""Code":"RoleNotFound""#), "{said:?}");
    assert_eq!(hook(&it, &["remove", "db", "--yes"]).code, Some(0));
    let answer = server.call(&key, "RotateSecret", &[rotate[0], ("VersionId", "v4")]).await;
    assert_eq!(answer.json()["Code"], "Rejected.UnsupportedOperation", "{answer:?}");
    assert!(server.stop().success());
}
