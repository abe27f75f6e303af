//! Tests of administration, through the pipeline.

use yaoku_model::arn::Arn;
use yaoku_wire::error::Code;

use crate::{
    api::{Product, operation},
    testing::Kms,
};

const ALICE: (&str, &str) = ("UserName", "alice");
const ORDERS: (&str, &str) = ("PolicyName", "Orders");
const DOCUMENT: (&str, &str) = (
    "PolicyDocument",
    r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:Encrypt","Resource":"*"}]}"#,
);

#[tokio::test]
async fn each_operation_takes_its_own_permission() {
    let kms = Kms::new().await;
    for entry in super::OPERATIONS {
        let denied = kms.without(&format!("yaoku:{}", entry.spec.name));
        let reply = denied.call_with(entry.spec.name, entry.spec.example).await;
        assert_eq!(reply.err(), Some(Code::NoPermission), "{}", entry.spec.name);
    }
}

#[tokio::test]
async fn a_kms_policy_gives_no_right_to_administer() {
    let kms = Kms::new().await;
    let user = kms.as_user(&[
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:*","ram:*"],"Resource":"*"}]}"#,
    ]);
    assert_eq!(user.call("DescribeAccount", []).await.err(), Some(Code::NoPermission));
}

#[tokio::test]
async fn only_the_operator_reaches_across_accounts() {
    let kms = Kms::new().await;
    for action in [
        "AddRootKeyWrap",
        "CreateAccount",
        "CreateInstance",
        "DescribeRootKey",
        "ListAccounts",
        "OpenRootKeyWrap",
        "RemoveRootKeyWrap",
        "RotateRootKey",
    ] {
        let example = operation(Product::Yaoku, action).unwrap().spec.example;
        for caller in [&kms, &kms.without("kms:Nothing")] {
            let reply = caller.call_with(action, example).await;
            assert_eq!(reply.err(), Some(Code::NoPermission), "{action}");
        }
    }
    let operator = kms.as_operator();
    let made = operator.call("CreateAccount", []).await.unwrap();
    let id = made.get("Account.AccountId").unwrap();
    assert_eq!(id.len(), 16);
    let listed = operator.call("ListAccounts", []).await.unwrap();
    assert_eq!(listed.count("Accounts.Account"), Some(2));
    // Both were made in the same moment: the order is that of their ids.
    let made = |nth: u8| listed.get(&format!("Accounts.Account.{nth}.AccountId")) == Some(id);
    assert!(made(0) != made(1));
}

#[tokio::test]
async fn an_account_is_described_with_what_it_has() {
    let kms = Kms::new().await;
    kms.ram("CreateUser", [ALICE]).await.unwrap();
    kms.ram("CreatePolicy", [ORDERS, DOCUMENT]).await.unwrap();
    let stranger = kms.as_stranger().await;
    for (kms, count) in [(&kms, "1"), (&stranger, "0")] {
        let found = kms.call("DescribeAccount", []).await.unwrap();
        assert_eq!(found.get("Account.AccountId"), Some(kms.account.as_str()));
        assert_eq!(found.get("Account.KmsOpen"), Some("true"));
        assert_eq!(found.get("Account.Users"), Some(count));
        assert_eq!(found.get("Account.Policies"), Some(count));
        assert_eq!(found.get("Account.Roles"), Some("0"));
    }
}

#[tokio::test]
async fn an_instance_is_in_service_at_once() {
    let kms = Kms::new().await;
    let made = kms.as_operator().call("CreateInstance", []).await.unwrap();
    assert_eq!(made.get("Instance.Status"), Some("Connected"));
    let id = made.get("Instance.InstanceId").unwrap();
    kms.call("CreateKey", [("DKMSInstanceId", id)]).await.unwrap();
}

#[tokio::test]
async fn what_the_operator_did_is_written_down() {
    let kms = Kms::new().await;
    let account = kms.account.clone();
    kms.as_operator().ram("CreateUser", [ALICE]).await.unwrap();
    let events = kms.events().await;
    let last = events.last().unwrap();
    assert_eq!(last.principal, "operator");
    assert_eq!(
        last.resources,
        ["user/*", "user/alice"].map(|it| Arn::ram_resource(account.as_str(), it).to_string())
    );
}

#[tokio::test]
async fn whatever_is_made_is_named_by_the_event_of_its_making() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let secret = [("SecretName", "a"), ("SecretData", "x"), ("VersionId", "1")];
    let made = [
        ("CreateKey", vec![], "KeyMetadata.KeyId", "key/"),
        ("CreateAlias", vec![("KeyId", &*key), ("AliasName", "alias/app")], "", "alias/app"),
        ("CreateSecret", secret.to_vec(), "SecretName", "secret/"),
        (
            "CreateManagedDataKeyVersion",
            vec![("DataKeyName", "a")],
            "DataKeyVersionName",
            "secret/",
        ),
        ("CreateInstance", vec![], "Instance.InstanceId", "keystore/"),
        ("CreateUser", vec![ALICE], "User.UserName", "user/"),
        ("CreateAccessKey", vec![ALICE], "AccessKey.AccessKeyId", "accesskey/"),
        ("CreatePolicy", vec![ORDERS, DOCUMENT], "Policy.PolicyName", "policy/"),
        ("CreateAccount", vec![], "Account.AccountId", ":"),
    ];
    let mut expected = Vec::new();
    for (action, params, id, path) in made {
        let entry = operation(Product::Kms, action).or(operation(Product::Ram, action));
        let entry = entry.or(operation(Product::Yaoku, action)).unwrap();
        let answer = kms.as_operator().call_entry(entry, &params).await.unwrap();
        let id = answer.get(id).unwrap_or_default();
        expected.push((format!(":{action}"), format!("{path}{id}")));
    }
    let events = kms.events().await;
    for (action, end) in expected {
        let event = events.iter().rfind(|it| it.action.ends_with(&action)).unwrap();
        assert!(event.resources.iter().any(|it| it.contains(&end)), "{action}: {event:?}");
    }
}
