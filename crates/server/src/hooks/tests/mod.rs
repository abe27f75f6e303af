//! Hooks, from `RotateSecret` to the new value. Source: secrets.md §7.

mod program;
mod refusals;
mod server;

use std::time::Duration;

use rustls::RootCertStore;
use serde_json::Value;
use yaoku_wire::{error::Code, fields::Fields};

use super::Hooks;
use crate::{testing::Kms, webhooks::Reach};

/// The role that hooks have here, and what it is trusted by: nobody, for nobody is asked.
const ROLE: &str = "rotate";
const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":["kms.aliyuncs.com"]}}]}"#;

/// A node on which the secret `db` is at version `v1`, and the role may do everything.
async fn kms(hooks: Hooks) -> Kms {
    let kms = Kms::with_hooks(hooks).await;
    secret(&kms, "db", r#"{"AccountName":"app","AccountPassword":"first"}"#).await;
    kms.ram("CreateRole", [("RoleName", ROLE), ("AssumeRolePolicyDocument", TRUST)]).await.unwrap();
    let attach = [("PolicyType", "System"), ("PolicyName", "AdministratorAccess")];
    let [kind, policy] = attach;
    kms.ram("AttachPolicyToRole", [kind, policy, ("RoleName", ROLE)]).await.unwrap();
    kms
}

async fn secret(kms: &Kms, name: &str, value: &str) {
    let params = [("SecretName", name), ("VersionId", "v1"), ("SecretData", value)];
    kms.call("CreateSecret", params).await.unwrap();
}

/// What may be called: these programs, and servers trusted by `roots`, wherever they are.
fn hooks(commands: &[&str], roots: RootCertStore) -> Hooks {
    let commands = commands.iter().map(ToString::to_string).collect();
    let endpoint = Some("https://kms.example:8443".to_owned());
    Hooks::new(Reach { roots, private: true }, commands, endpoint).unwrap()
}

async fn rotate(kms: &Kms, version: &str) -> Result<Fields, Code> {
    kms.call("RotateSecret", [("SecretName", "db"), ("VersionId", version)]).await
}

/// Waits until no rotation of `db` runs, and moves the clock meanwhile.
async fn over(kms: &Kms) {
    let name = "db".parse().unwrap();
    for turn in 0..6000 {
        let running = kms.node.store.read().await.unwrap().rotation(&kms.account, &name).await;
        if running.unwrap().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        // Slowly, for sessions end with it.
        kms.clock.advance_seconds(i64::from(turn % 20 == 19));
    }
    panic!("the rotation is not over");
}

/// The version that a label of `db` marks.
async fn at(kms: &Kms, stage: &str) -> Result<String, Code> {
    let got = kms.call("GetSecretValue", [("SecretName", "db"), ("VersionStage", stage)]).await?;
    Ok(got.get("VersionId").unwrap().to_owned())
}

/// The names and contents of all notices of rotations, the last first.
async fn notices(kms: &Kms) -> Vec<Value> {
    let listed = kms.call("ListNotices", []).await.unwrap();
    let body = |nth: usize| listed.get(&format!("Notices.Notice.{nth}.Event"));
    let all = (0..).map_while(body).map(|it| serde_json::from_str(it).unwrap());
    all.filter(|it: &Value| it["name"].as_str().unwrap().contains("Rotate")).collect()
}

/// The session that an event gives its hook.
async fn session(kms: &Kms, event: &Value) -> Result<Kms, Code> {
    let of = |name: &str| event["Credentials"][name].as_str().unwrap();
    assert!(!of("AccessKeySecret").is_empty());
    kms.in_session_of(of("AccessKeyId"), of("SecurityToken")).await
}

/// Does one step, as the vendor's function does: by the API alone, and so that it may be done again.
async fn work(kms: &Kms, event: &Value) {
    let hook = session(kms, event).await.unwrap();
    let of = |name: &str| event[name].as_str().unwrap();
    let (name, version) = (("SecretName", of("SecretName")), ("VersionId", of("VersionId")));
    let pending =
        hook.call("GetSecretValue", [name, version, ("VersionStage", "ACSPending")]).await;
    match of("Step") {
        "new" => {
            if pending.is_ok() {
                return;
            }
            assert_eq!(pending.unwrap_err(), Code::ResourceNotFound);
            let made = hook.call("GetRandomPassword", [("PasswordLength", "24")]).await.unwrap();
            let value = ("SecretData", made.get("RandomPassword").unwrap());
            let stages = ("VersionStages", r#"["ACSPending"]"#);
            hook.call("PutSecretValue", [name, version, value, stages]).await.unwrap();
        }
        "set" | "test" => _ = pending.unwrap(),
        "end" => {
            let current = ("VersionStage", "ACSCurrent");
            let move_to = ("MoveToVersion", of("VersionId"));
            hook.call("UpdateSecretVersionStage", [name, current, move_to]).await.unwrap();
            if pending.is_ok() {
                let remove = ("RemoveFromVersion", of("VersionId"));
                let label = ("VersionStage", "ACSPending");
                hook.call("UpdateSecretVersionStage", [name, label, remove]).await.unwrap();
            }
        }
        other => panic!("no step is called {other}"),
    }
}
