//! Tests of administration, through the pipeline.

use yaoku_model::{
    arn::Arn,
    identity::Identity,
    ids::{AccessKeyId, UserName},
};
use yaoku_wire::error::Code;

use crate::{
    api::{Product, operation},
    auth::Credentials as _,
    testing::Kms,
};

const ALICE: (&str, &str) = ("UserName", "alice");
const ORDERS: (&str, &str) = ("PolicyName", "Orders");
const DOCUMENT: (&str, &str) = (
    "PolicyDocument",
    r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:Encrypt","Resource":"*"}]}"#,
);

async fn with_alice() -> Kms {
    let kms = Kms::new().await;
    kms.call("CreateUser", [ALICE]).await.unwrap();
    kms
}

async fn with_key_of_alice() -> (Kms, String) {
    let kms = with_alice().await;
    let made = kms.call("CreateAccessKey", [ALICE]).await.unwrap();
    let id = made.get("AccessKey.AccessKeyId").unwrap().to_owned();
    (kms, id)
}

#[tokio::test]
async fn each_operation_takes_its_own_permission() {
    let kms = with_alice().await;
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
    assert_eq!(user.call("CreateUser", [ALICE]).await.err(), Some(Code::NoPermission));
}

#[tokio::test]
async fn only_the_operator_reaches_across_accounts() {
    let kms = Kms::new().await;
    for action in [
        "AddRootKeyWrap",
        "CreateAccount",
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
async fn another_account_has_users_and_keys_of_its_own() {
    let (kms, id) = with_key_of_alice().await;
    let stranger = kms.as_stranger().await;
    assert_eq!(stranger.call("DeleteUser", [ALICE]).await.err(), Some(Code::ResourceNotFound));
    let key = ("UserAccessKeyId", id.as_str());
    for params in [vec![key], vec![ALICE, key]] {
        let reply = stranger.call_with("DeleteAccessKey", &params).await;
        assert_eq!(reply.err(), Some(Code::ResourceNotFound), "{params:?}");
    }
    assert_eq!(stranger.call("ListUsers", []).await.unwrap().count("Users.User"), Some(0));
    stranger.call("CreateUser", [ALICE]).await.unwrap();
}

#[tokio::test]
async fn a_name_is_taken_once_and_must_be_one() {
    let kms = with_alice().await;
    assert_eq!(kms.call("CreateUser", [ALICE]).await.err(), Some(Code::ResourceExist));
    for (name, code) in [
        ("", Code::MissingParameter),
        ("a b", Code::InvalidParameter),
        (&"x".repeat(65), Code::InvalidParameter),
    ] {
        assert_eq!(kms.call("CreateUser", [("UserName", name)]).await.err(), Some(code), "{name}");
    }
    let listed = kms.call("ListUsers", []).await.unwrap();
    assert_eq!(listed.get("Users.User.0.UserName"), Some("alice"));
    assert_eq!(listed.get("Users.User.0.UserId").map(str::len), Some(18));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let kms = Kms::new().await;
    let key = ("UserAccessKeyId", "LTAInone");
    let off = ("Status", "Inactive");
    let administrator = ("PolicyName", "AdministratorAccess");
    for (action, params) in [
        ("DeleteUser", vec![ALICE]),
        ("CreateAccessKey", vec![ALICE]),
        ("ListAccessKeys", vec![ALICE]),
        ("DeleteAccessKey", vec![key]),
        ("SetAccessKeyStatus", vec![key, off]),
        ("DeletePolicy", vec![ORDERS]),
        ("DeletePolicy", vec![administrator]),
        ("AttachPolicy", vec![administrator, ALICE]),
        ("ListAttachedPolicies", vec![ALICE]),
    ] {
        let reply = kms.call_with(action, &params).await;
        assert_eq!(reply.err(), Some(Code::ResourceNotFound), "{action} {params:?}");
    }
}

#[tokio::test]
async fn an_access_key_works_until_it_is_switched_off() {
    let (kms, id) = with_key_of_alice().await;
    let key: AccessKeyId = id.parse().unwrap();
    let known = kms.node.credential(&key, None).await.unwrap();
    assert_eq!(known.identity, Identity::User("alice".parse().unwrap()));
    assert!(known.active);
    let status = |word| [ALICE, ("UserAccessKeyId", id.as_str()), ("Status", word)];
    assert_eq!(
        kms.call("SetAccessKeyStatus", status("Off")).await.err(),
        Some(Code::InvalidParameter)
    );
    kms.call("SetAccessKeyStatus", status("Inactive")).await.unwrap();
    assert!(!kms.node.credential(&key, None).await.unwrap().active);
    let listed = kms.call("ListAccessKeys", [ALICE]).await.unwrap();
    assert_eq!(listed.get("AccessKeys.AccessKey.0.Status"), Some("Inactive"));
    assert_eq!(listed.get("AccessKeys.AccessKey.0.AccessKeySecret"), None);
    kms.call("SetAccessKeyStatus", status("Active")).await.unwrap();
    assert!(kms.node.credential(&key, None).await.unwrap().active);
    kms.call("DeleteAccessKey", [ALICE, ("UserAccessKeyId", &id)]).await.unwrap();
    assert!(kms.node.credential(&key, None).await.is_err());
}

#[tokio::test]
async fn a_removed_user_takes_its_access_keys_along() {
    let (kms, id) = with_key_of_alice().await;
    let key: AccessKeyId = id.parse().unwrap();
    kms.node.credential(&key, None).await.unwrap();
    kms.call("DeleteUser", [ALICE]).await.unwrap();
    assert!(kms.node.credential(&key, None).await.is_err());
}

#[tokio::test]
async fn a_user_who_names_nobody_means_itself_and_never_the_account() {
    let (kms, own) = with_key_of_alice().await;
    let made = kms.call("CreateAccessKey", []).await.unwrap();
    let root = made.get("AccessKey.AccessKeyId").unwrap();
    let alice = kms.without("kms:Nothing");
    let listed = alice.call("ListAccessKeys", []).await.unwrap();
    assert_eq!(listed.count("AccessKeys.AccessKey"), Some(1));
    assert_eq!(listed.get("AccessKeys.AccessKey.0.AccessKeyId"), Some(own.as_str()));
    let reply = alice.call("DeleteAccessKey", [("UserAccessKeyId", root)]).await;
    assert_eq!(reply.err(), Some(Code::ResourceNotFound));
}

#[tokio::test]
async fn there_is_room_for_two_access_keys() {
    let (kms, _) = with_key_of_alice().await;
    kms.call("CreateAccessKey", [ALICE]).await.unwrap();
    assert_eq!(kms.call("CreateAccessKey", [ALICE]).await.err(), Some(Code::LimitExceeded));
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_is_not_kept_and_the_reason_is_told() {
    let kms = Kms::new().await;
    let entry = operation(Product::Yaoku, "CreatePolicy").unwrap();
    let mut params = [ORDERS, ("PolicyDocument", "{}")].into_iter().collect();
    let error = entry.parse(&mut params).err().unwrap();
    assert_eq!(error.code(), Code::InvalidParameter);
    let start = "The specified parameter \"PolicyDocument\" is not valid. ";
    let message = error.refusal().message();
    assert!(message.starts_with(start) && message.len() > start.len(), "{message}");
    assert_eq!(kms.call("CreatePolicy", [ORDERS]).await.err(), Some(Code::MissingParameter));
}

#[tokio::test]
async fn a_policy_name_is_taken_once_and_never_the_system_s() {
    let kms = Kms::new().await;
    let system = ("PolicyName", "AdministratorAccess");
    let reply = kms.call("CreatePolicy", [system, DOCUMENT]).await;
    assert_eq!(reply.err(), Some(Code::ResourceExist));
    kms.call("CreatePolicy", [ORDERS, DOCUMENT]).await.unwrap();
    let reply = kms.call("CreatePolicy", [ORDERS, DOCUMENT]).await;
    assert_eq!(reply.err(), Some(Code::ResourceExist));
}

#[tokio::test]
async fn an_attached_policy_counts_at_once_and_cannot_be_deleted() {
    let kms = with_alice().await;
    let alice: UserName = "alice".parse().unwrap();
    kms.call("CreatePolicy", [ORDERS, DOCUMENT]).await.unwrap();
    let policies = async || {
        let rights =
            kms.node.caches.rights(&kms.account, &Identity::User(alice.clone())).await.unwrap();
        rights.unwrap().policies.documents()
    };
    assert_eq!(policies().await, 0);
    let system = ("PolicyName", "AliyunKMSFullAccess");
    kms.call("AttachPolicy", [ORDERS, ALICE]).await.unwrap();
    kms.call("AttachPolicy", [system, ALICE]).await.unwrap();
    assert_eq!(kms.call("AttachPolicy", [ORDERS, ALICE]).await.err(), Some(Code::ResourceExist));
    assert_eq!(policies().await, 2);
    assert_eq!(kms.call("DeletePolicy", [ORDERS]).await.err(), Some(Code::ResourceInUse));
    let listed = kms.call("ListAttachedPolicies", [ALICE]).await.unwrap();
    assert_eq!(listed.count("Policies.Policy"), Some(2));
    kms.call("DetachPolicy", [ORDERS, ALICE]).await.unwrap();
    assert_eq!(kms.call("DetachPolicy", [ORDERS, ALICE]).await.err(), Some(Code::ResourceNotFound));
    assert_eq!(policies().await, 1);
    kms.call("DeletePolicy", [ORDERS]).await.unwrap();
}

#[tokio::test]
async fn a_type_that_does_not_fit_the_name_finds_nothing() {
    let kms = with_alice().await;
    let params = [("PolicyName", "AliyunKMSFullAccess"), ("PolicyType", "Custom"), ALICE];
    assert_eq!(kms.call("AttachPolicy", params).await.err(), Some(Code::ResourceNotFound));
}

#[tokio::test]
async fn a_user_has_room_for_ten_policies_of_the_account() {
    let kms = with_alice().await;
    for nth in 0..=10 {
        let name = format!("Orders-{nth}");
        let policy = ("PolicyName", name.as_str());
        kms.call("CreatePolicy", [policy, DOCUMENT]).await.unwrap();
        let expected = if nth < 10 { None } else { Some(Code::LimitExceeded) };
        assert_eq!(kms.call("AttachPolicy", [policy, ALICE]).await.err(), expected, "{nth}");
    }
}

#[tokio::test]
async fn policies_of_the_system_and_of_the_account_are_listed() {
    let kms = Kms::new().await;
    let before = kms.call("ListPolicies", []).await.unwrap().count("Policies.Policy").unwrap();
    kms.call("CreatePolicy", [ORDERS, DOCUMENT]).await.unwrap();
    let listed = kms.call("ListPolicies", []).await.unwrap();
    assert_eq!(listed.count("Policies.Policy"), Some(before + 1));
    let last = format!("Policies.Policy.{before}");
    assert_eq!(listed.get(&format!("{last}.PolicyName")), Some("Orders"));
    assert_eq!(listed.get(&format!("{last}.PolicyType")), Some("Custom"));
}

#[tokio::test]
async fn an_instance_is_in_service_at_once() {
    let kms = Kms::new().await;
    let made = kms.call("CreateInstance", []).await.unwrap();
    assert_eq!(made.get("Instance.Status"), Some("Connected"));
    let id = made.get("Instance.InstanceId").unwrap();
    kms.call("CreateKey", [("DKMSInstanceId", id)]).await.unwrap();
}

#[tokio::test]
async fn what_the_operator_did_is_written_down() {
    let kms = Kms::new().await;
    let account = kms.account.clone();
    kms.as_operator().call("CreateUser", [ALICE]).await.unwrap();
    let events = kms.events().await;
    let last = events.last().unwrap();
    assert_eq!(last.principal, "operator");
    assert_eq!(
        last.resources,
        [Arn::any(), Arn::ram(&account, "user/alice")].map(|it| it.to_string())
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
        let answer = kms.as_operator().call_with(action, &params).await.unwrap();
        let id = answer.get(id).unwrap_or_default();
        expected.push((format!(":{action}"), format!("{path}{id}")));
    }
    let events = kms.events().await;
    for (action, end) in expected {
        let event = events.iter().rfind(|it| it.action.ends_with(&action)).unwrap();
        assert!(event.resources.iter().any(|it| it.contains(&end)), "{action}: {event:?}");
    }
}
