//! Tests of the simulator: it says what calls are told, and why.

use yaoku_wire::{error::Code, fields::Fields};

use crate::testing::Kms;

const NO_DECRYPT: &str = r#"{"Version":"1","Statement":[
    {"Effect":"Allow","Action":"kms:*","Resource":"*"},
    {"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}"#;
const FROM_HOME: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*",
    "Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"192.0.2.0/24"}}}]}"#;

/// A key in an instance, and the users alice (who may not decrypt), bob (from home) and carol (whom
/// the key's policy lets encrypt).
async fn with_users() -> (Kms, String) {
    let kms = Kms::new().await;
    let key = kms.key().await;
    for (user, policy) in [("alice", NO_DECRYPT), ("bob", FROM_HOME), ("carol", "")] {
        kms.ram("CreateUser", [("UserName", user)]).await.unwrap();
        if !policy.is_empty() {
            let params = [("PolicyName", user), ("PolicyDocument", policy)];
            kms.ram("CreatePolicy", params).await.unwrap();
            let params = [("PolicyName", user), ("PolicyType", "Custom"), ("UserName", user)];
            kms.ram("AttachPolicyToUser", params).await.unwrap();
        }
    }
    let policy = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Principal":{{"RAM":["acs:ram::{}:user/carol","acs:ram::1000:user/dave","acs:ram::2000:*"]}},"Action":["kms:Encrypt"],"Resource":["*"]}}]}}"#,
        kms.account
    );
    let params = [("KeyId", key.as_str()), ("Policy", &*policy)];
    kms.call("SetKeyPolicy", params).await.unwrap();
    let arn = format!("acs:kms:cn-hangzhou:{}:key/{key}", kms.account);
    (kms, arn)
}

async fn simulate(kms: &Kms, who: &str, action: &str, arn: &str) -> Result<Fields, Code> {
    let params = [("Principal", who), ("AuthAction", action), ("AuthResource", arn)];
    kms.call("SimulatePolicy", params).await
}

#[tokio::test]
async fn who_is_not_there_is_not_simulated() {
    let (kms, arn) = with_users().await;
    for (who, code) in [
        ("user/nobody", Code::NoUser),
        ("role/nobody", Code::NoRole),
        ("alice", Code::InvalidParameter),
        ("acs:ram::1000:user/alice", Code::InvalidParameter),
    ] {
        let reply = simulate(&kms, who, "kms:Encrypt", &arn).await;
        assert_eq!(reply.err(), Some(code), "{who}");
    }
    let reply = simulate(&kms, "user/alice", "Encrypt", &arn).await;
    assert_eq!(reply.err(), Some(Code::InvalidParameter), "an action has a service");
    let narrowed = [
        ("Principal", "user/alice"),
        ("AuthAction", "kms:Encrypt"),
        ("AuthResource", &*arn),
        ("SessionPolicy", NO_DECRYPT),
    ];
    let reply = kms.call("SimulatePolicy", narrowed).await;
    assert_eq!(reply.err(), Some(Code::InvalidParameter), "a user has no session");
}

#[tokio::test]
async fn the_simulator_says_which_statement_decides() {
    let (kms, arn) = with_users().await;
    for (who, action, decision, layer, policy, statement) in [
        (
            "user/alice",
            "kms:Decrypt",
            "ExplicitDeny",
            "AccountLevelIdentityBasedPolicy",
            "alice",
            "2",
        ),
        ("user/alice", "kms:Encrypt", "Allow", "AccountLevelIdentityBasedPolicy", "alice", "1"),
        ("user/carol", "kms:Encrypt", "Allow", "ResourceBasedPolicy", "default", "1"),
        ("user/carol", "kms:Decrypt", "ImplicitDeny", "", "", ""),
        ("user/bob", "kms:Encrypt", "ImplicitDeny", "", "", ""),
        ("root", "kms:Decrypt", "Allow", "", "", ""),
    ] {
        let told = simulate(&kms, who, action, &arn).await.unwrap();
        let decided = |name: &str| told.get(&format!("DecidedBy.{name}")).unwrap_or_default();
        assert_eq!(told.get("Decision"), Some(decision), "{who} {action}");
        let by = (decided("Layer"), decided("PolicyName"), decided("Statement"));
        assert_eq!(by, (layer, policy, statement), "{who} {action}");
    }
    let params = [
        ("Principal", "user/bob"),
        ("AuthAction", "kms:Encrypt"),
        ("AuthResource", &*arn),
        ("Context.1.Key", "acs:SourceIp"),
        ("Context.1.Value", "192.0.2.9"),
    ];
    let told = kms.call("SimulatePolicy", params).await.unwrap();
    assert_eq!(told.get("Decision"), Some("Allow"), "from home");
}

/// Source: identity.md §4.3.
#[tokio::test]
async fn what_the_key_of_a_secret_takes_is_part_of_the_decision() {
    let (kms, key) = with_users().await;
    let id = key.rsplit('/').next().unwrap();
    let params =
        [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "x"), ("EncryptionKeyId", id)];
    kms.call("CreateSecret", params).await.unwrap();
    let secret = format!("acs:kms:cn-hangzhou:{}:secret/s", kms.account);
    let told = simulate(&kms, "user/alice", "kms:GetSecretValue", &secret).await.unwrap();
    assert_eq!(told.get("Decision"), Some("ExplicitDeny"));
    assert_eq!(told.get("AlsoAsked.AuthAction"), Some("kms:Decrypt"));
    assert_eq!(told.get("AlsoAsked.AuthResource"), Some(&*key));
    assert_eq!(told.get("DecidedBy.Statement"), Some("2"));
    let told = simulate(&kms, "user/alice", "kms:PutSecretValue", &secret).await.unwrap();
    assert_eq!((told.get("Decision"), told.get("AlsoAsked.AuthAction")), (Some("Allow"), None));
    let params = [("AuthAction", "kms:GetSecretValue"), ("AuthResource", &*secret)];
    let told = kms.call("ListWhoCan", params).await.unwrap();
    assert_eq!(told.count("Principals.Principal"), Some(1), "root alone");
}

#[tokio::test]
async fn another_accounts_thing_is_not_looked_at() {
    let (kms, arn) = with_users().await;
    let other = kms.as_stranger().await;
    let told = simulate(&other, "root", "kms:Encrypt", &arn).await.unwrap();
    assert_eq!(told.get("Decision"), Some("ImplicitDeny"));
    let params = [("AuthAction", "kms:Encrypt"), ("AuthResource", &*arn)];
    let told = other.call("ListWhoCan", params).await.unwrap();
    assert_eq!(told.count("Principals.Principal"), Some(0));
    assert_eq!(told.count("OtherAccounts.Principal"), Some(0));
}

#[tokio::test]
async fn everybody_who_may_is_listed() {
    let (kms, arn) = with_users().await;
    let params = [("AuthAction", "kms:Encrypt"), ("AuthResource", &*arn)];
    let told = kms.call("ListWhoCan", params).await.unwrap();
    let all: Vec<_> = (0..told.count("Principals.Principal").unwrap())
        .map(|at| told.get(&format!("Principals.Principal.{at}.Principal")).unwrap())
        .collect();
    assert_eq!(all, ["root", "user/alice", "user/carol"]);
    let others: Vec<_> = (0..told.count("OtherAccounts.Principal").unwrap())
        .map(|at| told.get(&format!("OtherAccounts.Principal.{at}")).unwrap())
        .collect();
    assert_eq!(others, ["acs:ram::1000:user/dave", "acs:ram::2000:*"]);
}
