//! Programs as hooks: a shell script that shows what it was told, and does not end before it may.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use rustls::RootCertStore;
use serde_json::Value;
use tempfile::TempDir;
use yaoku_wire::error::Code;

use super::{ROLE, at, hooks, kms, notices, over, rotate, secret, session, work};
use crate::testing::Kms;

/// Writes down what it is told and finds; ends with what somebody writes into `done`.
const SCRIPT: &str = r#"#!/bin/sh
cat > "$1/event.new"
env > "$1/environment"
echo "$2" > "$1/argument"
echo said; echo said >&2
mv "$1/event.new" "$1/event"
while ! mv "$1/done" "$1/code" 2> /dev/null; do sleep 0.02; done
exit "$(cat "$1/code")"
"#;

/// A program, and what it was told last.
struct Program {
    place: TempDir,
}

impl Program {
    fn new() -> Self {
        let it = Self { place: tempfile::tempdir().unwrap() };
        fs::write(it.path(), SCRIPT).unwrap();
        fs::set_permissions(it.path(), fs::Permissions::from_mode(0o700)).unwrap();
        it
    }

    fn path(&self) -> PathBuf {
        self.place.path().join("rotate")
    }

    fn hooks(&self) -> super::Hooks {
        hooks(&[self.path().to_str().unwrap()], RootCertStore::empty())
    }

    /// A node with this hook on `db`.
    async fn kms(&self) -> Kms {
        let kms = kms(self.hooks()).await;
        self.put(&kms, &[]).await;
        kms
    }

    async fn put(&self, kms: &Kms, more: &[(&str, &str)]) {
        let (path, place) = (self.path(), self.place.path().to_str().unwrap());
        let mut params = vec![
            ("SecretName", "db"),
            ("Role", ROLE),
            ("Command.1", path.to_str().unwrap()),
            ("Command.2", place),
            ("Command.3", "$(reboot); a b"),
        ];
        params.extend(more);
        kms.as_operator().call_with("PutHook", &params).await.unwrap();
    }

    /// What it is told next.
    async fn told(&self) -> Value {
        let event = self.place.path().join("event");
        for _ in 0..1000 {
            if let Ok(text) = fs::read(&event) {
                fs::remove_file(&event).unwrap();
                return serde_json::from_slice(&text).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it is not called");
    }

    /// Lets it end with this status.
    fn ends(&self, code: u8) {
        let new = self.place.path().join("done.new");
        fs::write(&new, code.to_string()).unwrap();
        fs::rename(new, self.place.path().join("done")).unwrap();
    }

    /// Does all steps from the next one on; answers their names.
    async fn works(&self, kms: &Kms) -> Vec<String> {
        let mut steps = Vec::new();
        while steps.last().is_none_or(|it| it != "end") {
            let event = self.told().await;
            work(kms, &event).await;
            steps.push(event["Step"].as_str().unwrap().to_owned());
            self.ends(0);
        }
        over(kms).await;
        steps
    }

    fn found(&self, name: &str) -> String {
        fs::read_to_string(self.place.path().join(name)).unwrap()
    }
}

#[tokio::test]
async fn what_its_session_is_not_for_is_refused() {
    let program = Program::new();
    let kms = program.kms().await;
    secret(&kms, "other", "not yours").await;
    rotate(&kms, "v2").await.unwrap();
    let event = program.told().await;
    let hook = session(&kms, &event).await.unwrap();
    let key = kms.key().await;
    for (action, params) in [
        ("GetSecretValue", &[("SecretName", "other")][..]),
        ("DescribeSecret", &[("SecretName", "other")]),
        ("PutSecretValue", &[("SecretName", "other"), ("VersionId", "v2"), ("SecretData", "x")]),
        ("ListSecretVersionIds", &[("SecretName", "other")]),
        ("DeleteSecret", &[("SecretName", "db")]),
        ("UpdateSecret", &[("SecretName", "db"), ("Description", "x")]),
        ("RotateSecret", &[("SecretName", "db"), ("VersionId", "v3")]),
        ("GetSecretPolicy", &[("SecretName", "db")]),
        ("CreateSecret", &[("SecretName", "db2"), ("VersionId", "v1"), ("SecretData", "x")]),
        ("ListSecrets", &[]),
        ("ListKeys", &[]),
        ("Encrypt", &[("KeyId", key.as_str()), ("Plaintext", "eA==")]),
        ("GetHook", &[("SecretName", "db")]),
    ] {
        assert_eq!(
            hook.call_with(action, params).await.unwrap_err(),
            Code::NoPermission,
            "{action}"
        );
    }
    let users = hook.ram("ListUsers", []).await.unwrap_err();
    assert_eq!(users, Code::RamNoPermission);
    for action in ["GetSecretValue", "DescribeSecret", "ListSecretVersionIds"] {
        hook.call(action, [("SecretName", "db")]).await.unwrap();
    }
    hook.call("GetRandomPassword", []).await.unwrap();
    kms.clock.advance_seconds(60);
    let late = session(&kms, &event).await.err();
    assert_eq!(late, Some(Code::SecurityTokenExpired));
}

#[tokio::test]
async fn a_session_may_no_more_than_its_role() {
    let program = Program::new();
    let kms = program.kms().await;
    let policy = [("PolicyType", "System"), ("PolicyName", "AdministratorAccess")];
    kms.ram("DetachPolicyFromRole", [policy[0], policy[1], ("RoleName", ROLE)]).await.unwrap();
    rotate(&kms, "v2").await.unwrap();
    let hook = session(&kms, &program.told().await).await.unwrap();
    let refused = hook.call("GetSecretValue", [("SecretName", "db")]).await.unwrap_err();
    assert_eq!(refused, Code::NoPermission);
}

#[tokio::test]
async fn a_program_that_the_configuration_names_no_more_is_not_run() {
    let program = Program::new();
    let kms = program.kms().await;
    let kms = kms.started_again_with(Vec::new(), hooks(&[], RootCertStore::empty())).await;
    rotate(&kms, "v2").await.unwrap();
    over(&kms).await;
    assert_eq!(notices(&kms).await[0]["content"]["failureInfo"]["errorCode"], "HookNotAllowed");
    assert!(!program.place.path().join("environment").exists());
}

#[tokio::test]
async fn a_program_that_others_may_change_is_not_run_until_they_may_not() {
    let program = Program::new();
    let kms = program.kms().await;
    fs::set_permissions(program.path(), fs::Permissions::from_mode(0o722)).unwrap();
    rotate(&kms, "v2").await.unwrap();
    let failures = async || {
        let got = kms.call("GetHook", [("SecretName", "db")]).await.unwrap();
        got.get("Rotation.Failures").map(str::to_owned)
    };
    while failures().await.as_deref() == Some("0") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!program.place.path().join("environment").exists());
    fs::set_permissions(program.path(), fs::Permissions::from_mode(0o700)).unwrap();
    kms.clock.advance_seconds(2);
    assert_eq!(program.works(&kms).await, ["new", "set", "test", "end"]);
}

#[tokio::test]
async fn a_version_that_is_not_current_in_the_end_is_a_failure() {
    let program = Program::new();
    let kms = program.kms().await;
    rotate(&kms, "v2").await.unwrap();
    for _ in 0..4 {
        program.told().await;
        program.ends(0);
    }
    over(&kms).await;
    assert_eq!(at(&kms, "ACSCurrent").await.unwrap(), "v1");
    let told = notices(&kms).await;
    assert_eq!((told.len(), &told[0]["name"]), (1, &Value::from("Secret:RotateSecret:Failure")));
    assert_eq!(told[0]["content"]["secretType"], "Generic");
    assert_eq!(told[0]["content"]["failureInfo"]["errorCode"], "VersionNotCurrent");
    // The same version may be asked for again, and is finished.
    rotate(&kms, "v2").await.unwrap();
    program.works(&kms).await;
    assert_eq!(at(&kms, "ACSCurrent").await.unwrap(), "v2");
}

#[tokio::test]
async fn a_rotation_fails_when_a_step_fails_for_too_long() {
    let program = Program::new();
    let kms = program.kms().await;
    rotate(&kms, "v2").await.unwrap();
    let mut failures = 0;
    while notices(&kms).await.is_empty() {
        assert_eq!(program.told().await["Step"], "new");
        program.ends(3);
        failures += 1;
        let tries =
            |it: &yaoku_wire::fields::Fields| it.get("Rotation.Failures").map(str::to_owned);
        let count = failures.to_string();
        loop {
            let got = kms.call("GetHook", [("SecretName", "db")]).await.unwrap();
            if tries(&got).is_none_or(|it| it == count) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        kms.clock.advance_seconds(600);
    }
    assert!(failures >= 5, "{failures}");
    let told = notices(&kms).await;
    assert_eq!(told[0]["level"], "CRITICAL");
    let info = &told[0]["content"]["failureInfo"];
    assert_eq!(
        (&info["errorCode"], &info["errorMessage"]),
        (&"HookFailed".into(), &"the program ended with exit status: 3".into())
    );
    assert_eq!(at(&kms, "ACSCurrent").await.unwrap(), "v1");
}

#[tokio::test]
async fn a_program_rotates_a_secret_step_by_step() {
    let program = Program::new();
    let kms = program.kms().await;
    rotate(&kms, "v2").await.unwrap();
    let event = program.told().await;
    let arn = format!("acs:kms:cn-hangzhou:{}:secret/db", kms.account);
    for (name, value) in [
        ("Step", "new"),
        ("SecretName", "db"),
        ("Arn", &*arn),
        ("VersionId", "v2"),
        ("AccountId", kms.account.as_str()),
        ("RegionId", "cn-hangzhou"),
        ("Endpoint", "https://kms.example:8443"),
        ("Ca", "the CA"),
    ] {
        assert_eq!(event[name], value, "{name}");
    }
    assert_eq!(program.found("argument"), "$(reboot); a b\n", "no shell reads it");
    let found = program.found("environment");
    let mut names: Vec<_> = found.lines().filter_map(|it| it.split('=').next()).collect();
    names.retain(|it| !["PWD", "SHLVL", "_", "OLDPWD"].contains(it));
    assert_eq!(names, [""; 0], "it has nothing of ours");
    assert_eq!(rotate(&kms, "v3").await.unwrap_err(), Code::ResourceInUse);
    rotate(&kms, "v2").await.unwrap();
    work(&kms, &event).await;
    program.ends(0);
    assert_eq!(program.works(&kms).await, ["set", "test", "end"]);
    assert_eq!(at(&kms, "ACSCurrent").await.unwrap(), "v2");
    assert_eq!(at(&kms, "ACSPrevious").await.unwrap(), "v1");
    assert_eq!(at(&kms, "ACSPending").await.unwrap_err(), Code::ResourceNotFound);
    let told = notices(&kms).await;
    assert_eq!((told.len(), &told[0]["name"]), (1, &Value::from("Secret:RotateSecret:Success")));
    let described = kms.call("DescribeSecret", [("SecretName", "db")]).await.unwrap();
    for name in ["AutomaticRotation", "RotationInterval", "NextRotationDate", "LastRotationDate"] {
        assert_eq!(described.get(name), None, "{name}");
    }
    let hook = kms.call("GetHook", [("SecretName", "db")]).await.unwrap();
    assert!(hook.get("Hook.LastRotationDate").is_some());
    rotate(&kms, "v2").await.unwrap();
    rotate(&kms, "v1").await.unwrap();
    assert!(
        kms.call("GetHook", [("SecretName", "db")]).await.unwrap().get("Rotation.Step").is_none()
    );
}

#[tokio::test]
async fn a_step_that_a_stop_cut_short_is_done_again() {
    let program = Program::new();
    let kms = program.kms().await;
    rotate(&kms, "v2").await.unwrap();
    let new = program.told().await;
    work(&kms, &new).await;
    // What was done is done, and nobody knows.
    let kms = kms.started_again_with(Vec::new(), program.hooks()).await;
    kms.clock.advance_seconds(100);
    let again = program.told().await;
    assert_eq!((&again["Step"], &again["VersionId"]), (&new["Step"], &new["VersionId"]));
    assert_ne!(again["Credentials"], new["Credentials"]);
    work(&kms, &again).await;
    program.ends(0);
    assert_eq!(program.works(&kms).await, ["set", "test", "end"]);
    assert_eq!(at(&kms, "ACSCurrent").await.unwrap(), "v2");
    assert_eq!(notices(&kms).await.len(), 1);
}

#[tokio::test]
async fn one_with_an_interval_is_called_by_itself_when_its_date_has_come() {
    let program = Program::new();
    let kms = kms(program.hooks()).await;
    program.put(&kms, &[("RotationInterval", "6h")]).await;
    let next = async || {
        let got = kms.call("GetHook", [("SecretName", "db")]).await.unwrap();
        got.get("Hook.NextRotationDate").unwrap().to_owned()
    };
    assert_eq!(next().await, "2026-01-02T09:04:05Z");
    kms.clock.advance_seconds(21_600);
    assert_eq!(program.works(&kms).await, ["new", "set", "test", "end"]);
    assert_ne!(at(&kms, "ACSCurrent").await.unwrap(), "v1");
    assert!(next().await.as_str() >= "2026-01-02T15:04:05Z", "{}", next().await);
}

#[tokio::test]
async fn a_value_under_the_customers_own_key_is_rotated_too() {
    let program = Program::new();
    let kms = kms(program.hooks()).await;
    let key = kms.key().await;
    let instance = kms.instance_id.to_string();
    kms.call("DeleteSecret", [("SecretName", "db"), ("ForceDeleteWithoutRecovery", "true")])
        .await
        .unwrap();
    let params = [
        ("SecretName", "db"),
        ("VersionId", "v1"),
        ("SecretData", "x"),
        ("EncryptionKeyId", key.as_str()),
        ("DKMSInstanceId", instance.as_str()),
    ];
    kms.call("CreateSecret", params).await.unwrap();
    program.put(&kms, &[]).await;
    rotate(&kms, "v2").await.unwrap();
    program.works(&kms).await;
    assert_eq!(at(&kms, "ACSCurrent").await.unwrap(), "v2");
}
