//! Policies of secrets. Source: secrets.md §4.14, §9 item 18.

use yaoku_wire::error::Code;

use super::create;
use crate::testing::Kms;

const ALL: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

fn policy(effect: &str, principal: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","Principal":{{"RAM":["{principal}"]}},"Action":["{action}"],"Resource":["*"]}}]}}"#
    )
}

/// A secret in an instance.
async fn kms() -> Kms {
    let kms = Kms::new().await;
    let key = kms.key().await;
    super::create_under(&kms, "a", "x", &key).await.unwrap();
    kms
}

async fn set(kms: &Kms, name: &str, policy: &str) -> Result<(), Code> {
    kms.call("SetSecretPolicy", [("SecretName", name), ("Policy", policy)]).await.map(drop)
}

async fn get(kms: &Kms, name: &str, policy: &str) -> Result<String, Code> {
    let params = [("SecretName", name), ("PolicyName", policy)];
    let reply = kms.call("GetSecretPolicy", params).await?;
    Ok(reply.get("Policy").unwrap().to_owned())
}

#[tokio::test]
async fn a_secret_in_an_instance_has_the_default_policy_until_it_is_given_one() {
    let kms = kms().await;
    let default = policy("Allow", &format!("acs:ram::{}:*", kms.account), "kms:*");
    let shown = get(&kms, "a", "").await.unwrap();
    assert!(shown.contains("kms default secret policy"), "{shown}");
    assert!(shown.contains(&format!("acs:ram::{}:*", kms.account)));
    assert_eq!(get(&kms, "a", "default").await, Ok(shown));
    assert_eq!(get(&kms, "a", "other").await, Err(Code::ResourceNotFound));
    let own = default.replace(r#"{"Version""#, r#"{  "Version""#);
    set(&kms, "a", &own).await.unwrap();
    assert_eq!(get(&kms, "a", "default").await, Ok(own), "byte for byte");
}

#[tokio::test]
async fn what_is_no_policy_of_a_secret_is_refused() {
    let kms = kms().await;
    create(&kms, "outside", "x").await;
    let root = format!("acs:ram::{}:*", kms.account);
    let fine = policy("Allow", &root, "kms:GetSecretValue");
    for (name, text, expected) in [
        ("a", "", Code::MissingParameter),
        ("a", "{}", Code::InvalidParameter),
        ("a", &policy("Allow", &root, "oss:*"), Code::InvalidParameter),
        ("a", &policy("Maybe", &root, "kms:*"), Code::InvalidParameter),
        ("a", &format!("{fine}{}", " ".repeat(32_768)), Code::InvalidParameter),
        ("outside", &fine, Code::RejectedUnsupportedOperation),
        ("nothing", &fine, Code::ResourceNotFound),
    ] {
        assert_eq!(set(&kms, name, text).await, Err(expected), "{name} {text:.80}");
    }
    let other = [("SecretName", "a"), ("PolicyName", "mine"), ("Policy", &*fine)];
    assert_eq!(kms.call("SetSecretPolicy", other).await, Err(Code::InvalidParameter));
    assert!(get(&kms, "a", "").await.unwrap().contains("kms default secret policy"));
    assert_eq!(get(&kms, "outside", "").await, Err(Code::RejectedUnsupportedOperation));
}

#[tokio::test]
async fn a_policy_denies_and_lets_other_accounts_read() {
    let kms = kms().await;
    let stranger = kms.as_stranger().await;
    let arn = format!("acs:kms:cn-hangzhou:{}:secret/a", kms.account);
    let read = async |by: &Kms, name: &str| {
        by.call("GetSecretValue", [("SecretName", name)]).await.map(drop)
    };
    assert_eq!(read(&stranger, &arn).await, Err(Code::NoPermission));
    let alice = format!("acs:ram::{}:user/alice", kms.account);
    set(&kms, "a", &policy("Deny", &alice, "kms:DescribeSecret")).await.unwrap();
    let user = kms.as_user(&[ALL]);
    let described = user.call("DescribeSecret", [("SecretName", "a")]).await.map(drop);
    assert_eq!(described, Err(Code::NoPermission));
    assert_eq!(read(&user, "a").await, Ok(()));
    let them = format!("acs:ram::{}:*", stranger.account);
    set(&kms, "a", &policy("Allow", &them, "kms:*")).await.unwrap();
    let described = stranger.call("DescribeSecret", [("SecretName", &*arn)]).await.map(drop);
    assert_eq!(described, Ok(()));
    let deleted = stranger.call("DeleteSecret", [("SecretName", &*arn)]).await.map(drop);
    assert_eq!(deleted, Err(Code::NoPermission), "other accounts may use it and no more");
}

crate::testing::on_postgres_too!(
    a_secret_in_an_instance_has_the_default_policy_until_it_is_given_one,
    what_is_no_policy_of_a_secret_is_refused,
    a_policy_denies_and_lets_other_accounts_read,
);
