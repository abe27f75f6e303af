//! Tests of keys outside instances: those of products, and the account's own.

use yaoku_wire::error::Code;

use crate::{node::Limits, testing::Kms};

#[tokio::test]
async fn the_key_of_a_product_is_made_when_it_is_first_asked_for() {
    for (action, more) in [
        ("Encrypt", ("Plaintext", "x")),
        ("DescribeKey", ("", "")),
        ("ListKeyVersions", ("", "")),
        ("GenerateDataKey", ("", "")),
    ] {
        let kms = Kms::new().await;
        let named = ("KeyId", "alias/acs/mse");
        kms.call(action, [named, more]).await.unwrap();
        let found = kms.call("DescribeKey", [named]).await.unwrap();
        let id = found.get("KeyMetadata.KeyId").unwrap();
        assert_eq!(id.len(), 36);
        kms.call(action, [named, more]).await.unwrap();
        let filter = r#"[{"Key":"CreatorType","Values":["Service"]}]"#;
        let listed = kms.call("ListKeys", [("Filters", filter)]).await.unwrap();
        assert_eq!(listed.get("TotalCount"), Some("2"), "{action}: this and that of secrets");
        let aliases = kms.call("ListAliasesByKeyId", [("KeyId", id)]).await.unwrap();
        assert_eq!(aliases.get("Aliases.Alias.0.AliasName"), Some("alias/acs/mse"));
    }
}

#[tokio::test]
async fn nobody_makes_the_key_of_a_product_by_a_call_that_is_refused() {
    let kms = Kms::new().await;
    let before = kms.call("ListKeys", []).await.unwrap();
    for (user, alias, expected) in [
        (kms.as_user(&[]), "alias/acs/oss", Code::NoPermission),
        (kms.without("kms:DescribeKey"), "alias/acs/oss", Code::NoPermission),
        (kms.as_operator(), "alias/acs/unheard-of", Code::AliasNotFound),
    ] {
        let reply = user.call("DescribeKey", [("KeyId", alias)]).await;
        assert_eq!(reply, Err(expected), "{alias}");
    }
    for action in ["EnableKey", "ScheduleKeyDeletion"] {
        let reply = kms.call(action, [("KeyId", "alias/acs/oss")]).await;
        assert_eq!(reply, Err(Code::UnsupportedAlias), "{action}");
    }
    let version = ("KeyVersionId", "2ab1a983-7072-4bbc-a582-584b5bd8abcd");
    let (mac, message) = (("Algorithm", "HMAC_SHA_256"), ("Message", "eA=="));
    for (action, more, expected) in [
        ("GetPublicKey", [version, message], Code::KeyVersionNotFound),
        ("GenerateMac", [mac, message], Code::RejectedUnsupportedOperation),
    ] {
        let params = [&[("KeyId", "alias/acs/oss")][..], &more].concat();
        assert_eq!(kms.call_with(action, &params).await, Err(expected), "{action}");
        let user = kms.without(&format!("kms:{action}"));
        assert_eq!(user.call_with(action, &params).await, Err(Code::NoPermission), "{action}");
    }
    assert_eq!(kms.call("ListKeys", []).await.unwrap(), before, "nothing was made");
}

#[tokio::test]
async fn a_dry_run_makes_no_key_for_a_product() {
    let kms = Kms::new().await;
    let before = kms.call("ListKeys", []).await.unwrap();
    for (action, more, expected) in [
        ("Encrypt", ("Plaintext", "x"), Code::DryRunOperationError),
        ("GenerateDataKey", ("", ""), Code::DryRunOperationError),
        ("GenerateMac", ("", ""), Code::ValidationError),
    ] {
        let named = ("KeyId", "alias/acs/mse");
        let mac = [("Algorithm", "HMAC_SHA_256"), ("Message", "aGk=")];
        let params = [&[named, more, ("DryRun", "true")][..], &mac].concat();
        assert_eq!(kms.call_with(action, &params).await, Err(expected), "{action}");
    }
    assert_eq!(kms.call("ListKeys", []).await.unwrap(), before, "nothing was made");
}

#[tokio::test]
async fn the_making_of_a_products_key_is_written_down_and_names_it() {
    let kms = Kms::new().await;
    let params = [("KeyId", "alias/acs/mse"), ("Plaintext", "x")];
    let made = kms.call("Encrypt", params).await.unwrap();
    kms.call("Encrypt", params).await.unwrap();
    let id = made.get("KeyId").unwrap().to_owned();
    let events = kms.events().await;
    let makings: Vec<_> = events.iter().filter(|it| it.action == "yaoku:CreateKey").collect();
    assert_eq!(makings.len(), 1);
    assert!(makings[0].resources[0].ends_with(&id));
    assert_eq!(makings[0].principal, "service");
}

#[tokio::test]
async fn a_node_that_lost_its_lease_makes_no_key_for_a_product() {
    let kms = Kms::new().await;
    kms.node.lease.lose();
    let params = [("KeyId", "alias/acs/mse"), ("Plaintext", "x")];
    let reply = kms.call("Encrypt", params).await;
    assert_eq!(reply, Err(Code::ServiceUnavailableTemporary));
    let alias = "alias/acs/mse".parse().unwrap();
    let found = kms.node.store.read().await.unwrap().alias(&kms.account, &alias).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn callers_who_come_at_once_get_one_key() {
    let kms = Kms::new().await;
    let ask = async || kms.call("DescribeKey", [("KeyId", "alias/acs/rds")]).await.unwrap();
    let found = tokio::join!(ask(), ask(), ask(), ask());
    assert_eq!(found.0, found.1);
    assert_eq!(found.0, found.2);
    assert_eq!(found.0, found.3);
}

#[tokio::test]
async fn the_services_key_is_not_to_be_deleted_protected_or_shared() {
    let kms = Kms::new().await;
    let found = kms.call("DescribeKey", [("KeyId", "alias/acs/ecs")]).await.unwrap();
    let id = found.get("KeyMetadata.KeyId").unwrap();
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Principal":{"RAM":["acs:ram::1:root"]},"Action":["kms:*"],"Resource":["*"]}]}"#;
    let params = [("KeyId", id), ("EnableDeletionProtection", "true"), ("Policy", policy)];
    for action in
        ["ScheduleKeyDeletion", "CancelKeyDeletion", "SetDeletionProtection", "SetKeyPolicy"]
    {
        assert_eq!(kms.call(action, params).await, Err(Code::UnsupportedOperation), "{action}");
    }
}

#[tokio::test]
async fn an_account_has_one_key_of_its_own_outside_instances_where_that_is_the_rule() {
    let limits = Limits { more_default_keys: false, ..Limits::default() };
    let kms = Kms::with_limits(limits).await;
    let create = async |params: &[(&str, &str)]| {
        kms.call_with("CreateKey", params)
            .await
            .map(|it| it.get("KeyMetadata.KeyId").unwrap().to_owned())
    };
    assert_eq!(create(&[("KeySpec", "Aliyun_SM4")]).await, Err(Code::UnsupportedOperation));
    let first = create(&[]).await.unwrap();
    assert_eq!(create(&[]).await, Err(Code::LimitExceeded));
    kms.key().await;
    kms.call("ScheduleKeyDeletion", [("KeyId", &*first)]).await.unwrap();
    assert_eq!(create(&[]).await, Err(Code::LimitExceeded), "it may be called back");
    let generous = Kms::new().await;
    for spec in ["Aliyun_AES_256", "Aliyun_AES_256", "Aliyun_SM4", "Aliyun_AES_128"] {
        generous.call("CreateKey", [("KeySpec", spec)]).await.unwrap();
    }
}
