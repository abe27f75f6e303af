//! Deleting, restoring, describing and changing. Source: secrets.md §3, §9 items 7, 9, 10.

use yaoku_wire::error::Code;

use super::{create, put, rows, value, versions};
use crate::testing::{Kms, NOW};

async fn kms() -> Kms {
    let kms = Kms::new().await;
    create(&kms, "a", "x").await;
    kms
}

#[tokio::test]
async fn a_window_has_seven_to_thirty_days() {
    for (force, days, expected) in [
        ("", "", Ok(30)),
        ("false", "7", Ok(7)),
        ("False", "30", Ok(30)),
        ("", "6", Err(Code::InvalidParameter)),
        ("", "31", Err(Code::InvalidParameter)),
        ("", "x", Err(Code::InvalidParameter)),
        ("maybe", "", Err(Code::InvalidParameter)),
        ("true", "", Ok(0)),
        ("True", "30", Ok(0)),
        ("true", "1", Ok(0)),
    ] {
        let kms = kms().await;
        let params = [
            ("SecretName", "a"),
            ("ForceDeleteWithoutRecovery", force),
            ("RecoveryWindowInDays", days),
        ];
        let reply = kms.call("DeleteSecret", params).await;
        let at = reply.as_ref().map(|it| it.get("PlannedDeleteTime").unwrap().to_owned());
        let expected = expected.map(|days| NOW.plus_seconds(days * 86_400).to_string());
        assert_eq!(at.map_err(|it| *it), expected, "{params:?}");
        assert_eq!(value(&kms, "a").await.is_ok(), expected.is_err(), "{params:?}");
    }
}

#[tokio::test]
async fn what_is_deleted_by_force_is_gone_and_its_name_is_free() {
    let kms = kms().await;
    put(&kms, "a", "v2", "y", "").await.unwrap();
    let force = [("SecretName", "a"), ("ForceDeleteWithoutRecovery", "true")];
    kms.call("DeleteSecret", force).await.unwrap();
    for action in ["DescribeSecret", "GetSecretValue", "DeleteSecret", "RestoreSecret"] {
        let reply = kms.call(action, [("SecretName", "a")]).await;
        assert_eq!(reply, Err(Code::ResourceNotFound), "{action}");
    }
    assert_eq!(rows(&kms, "a").await, None);
    create(&kms, "a", "anew").await;
    assert_eq!(value(&kms, "a").await.unwrap(), "anew");
    assert_eq!(versions(&kms, "a").await, "v1=ACSCurrent");
}

#[tokio::test]
async fn a_scheduled_secret_is_seen_and_not_used() {
    let kms = kms().await;
    let before = rows(&kms, "a").await;
    kms.call("DeleteSecret", [("SecretName", "a"), ("RecoveryWindowInDays", "7")]).await.unwrap();
    let name = ("SecretName", "a");
    let planned = NOW.plus_seconds(7 * 86_400).to_string();
    let described = kms.call("DescribeSecret", [name]).await.unwrap();
    assert_eq!(described.get("PlannedDeleteTime"), Some(&*planned));
    let listed = kms.call("ListSecrets", []).await.unwrap();
    assert_eq!(listed.get("SecretList.Secret.0.PlannedDeleteTime"), Some(&*planned));
    kms.call("ListSecretVersionIds", [name]).await.unwrap();
    for (action, params) in [
        ("GetSecretValue", &[name][..]),
        ("PutSecretValue", &[name, ("VersionId", "v2"), ("SecretData", "y")]),
        ("UpdateSecret", &[name, ("Description", "d")]),
        ("UpdateSecretVersionStage", &[name, ("VersionStage", "x"), ("MoveToVersion", "v1")]),
        ("DeleteSecret", &[name]),
    ] {
        let reply = kms.call_with(action, params).await;
        assert_eq!(reply, Err(Code::ResourceInDeleteWindow), "{action}");
    }
    kms.call("RestoreSecret", [name]).await.unwrap();
    assert_eq!(rows(&kms, "a").await, before);
    assert_eq!(value(&kms, "a").await.unwrap(), "x");
}

#[tokio::test]
async fn only_what_is_scheduled_is_restored_and_only_once() {
    let kms = kms().await;
    let name = [("SecretName", "a")];
    assert_eq!(kms.call("RestoreSecret", name).await, Err(Code::ResourceInUse));
    kms.call("DeleteSecret", name).await.unwrap();
    let reply = kms.call("RestoreSecret", name).await.unwrap();
    assert_eq!(reply.get("SecretName"), Some("a"));
    assert_eq!(kms.call("RestoreSecret", name).await, Err(Code::ResourceInUse));
    kms.call("DeleteSecret", name).await.unwrap();
    kms.call("DeleteSecret", [("SecretName", "a"), ("ForceDeleteWithoutRecovery", "true")])
        .await
        .unwrap();
    assert_eq!(kms.call("RestoreSecret", name).await, Err(Code::ResourceNotFound));
}

#[tokio::test]
async fn a_secret_is_gone_when_its_time_comes_removed_or_not() {
    let kms = kms().await;
    let name = ("SecretName", "a");
    kms.call("DeleteSecret", [name, ("RecoveryWindowInDays", "7")]).await.unwrap();
    kms.clock.advance_seconds(7 * 86_400 - 1);
    kms.call("DescribeSecret", [name]).await.unwrap();
    kms.clock.advance_seconds(1);
    for (action, params) in [
        ("DescribeSecret", &[name][..]),
        ("GetSecretValue", &[name]),
        ("ListSecretVersionIds", &[name]),
        ("PutSecretValue", &[name, ("VersionId", "v2"), ("SecretData", "y")]),
        ("UpdateSecret", &[name, ("Description", "d")]),
        ("UpdateSecretVersionStage", &[name, ("VersionStage", "x"), ("MoveToVersion", "v1")]),
        ("DeleteSecret", &[name]),
        ("RestoreSecret", &[name]),
    ] {
        let reply = kms.call_with(action, params).await;
        assert_eq!(reply, Err(Code::ResourceNotFound), "{action}");
    }
    let listed = kms.call("ListSecrets", []).await.unwrap();
    assert_eq!(listed.get("TotalCount"), Some("0"));
    create(&kms, "a", "anew").await;
    assert_eq!(value(&kms, "a").await.unwrap(), "anew");
    assert_eq!(versions(&kms, "a").await, "v1=ACSCurrent");
}

#[tokio::test]
async fn describe_secret_answers_every_field() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    let params = [
        ("SecretName", "a/b"),
        ("VersionId", "v1"),
        ("SecretData", "x"),
        ("Description", "for the orders"),
        ("EncryptionKeyId", key.as_str()),
        ("DKMSInstanceId", kms.instance_id.as_str()),
        ("Tags", r#"[{"TagKey":"team","TagValue":"orders"},{"TagKey":"env"}]"#),
    ];
    kms.call("CreateSecret", params).await.unwrap();
    kms.clock.advance_seconds(60);
    put(&kms, "a/b", "v2", "y", "").await.unwrap();
    for fetch in ["True", "true", "TRUE"] {
        let params = [("SecretName", "a/b"), ("FetchTags", fetch)];
        let reply = kms.call("DescribeSecret", params).await.unwrap();
        for (field, expected) in [
            ("Arn", &*format!("acs:kms:cn-hangzhou:{}:secret/a/b", kms.account)),
            ("SecretName", "a/b"),
            ("SecretType", "Generic"),
            ("Description", "for the orders"),
            ("EncryptionKeyId", key.as_str()),
            ("DKMSInstanceId", kms.instance_id.as_str()),
            ("Creator", kms.account.as_str()),
            ("CreateTime", &*NOW.to_string()),
            ("UpdateTime", &*NOW.plus_seconds(60).to_string()),
            ("Tags.Tag.0.TagKey", "env"),
            ("Tags.Tag.0.TagValue", ""),
            ("Tags.Tag.1.TagKey", "team"),
            ("Tags.Tag.1.TagValue", "orders"),
        ] {
            assert_eq!(reply.get(field), Some(expected), "{field}");
        }
        assert_eq!(reply.get("PlannedDeleteTime"), None);
    }
    let reply = kms.call("DescribeSecret", [("SecretName", "a/b")]).await.unwrap();
    assert_eq!(reply.fields("Tags"), None);
    for params in [[("SecretName", "a/b"), ("FetchTags", "1")], [("SecretName", ""), ("", "")]] {
        assert!(kms.call("DescribeSecret", params).await.is_err(), "{params:?}");
    }
}

#[tokio::test]
async fn update_secret_changes_the_description_alone() {
    let kms = kms().await;
    let describe = || async {
        let reply = kms.call("DescribeSecret", [("SecretName", "a")]).await.unwrap();
        reply.get("Description").unwrap().to_owned()
    };
    let name = ("SecretName", "a");
    // Custom data comes in four forms; a generic secret has none.
    for (params, expected) in [
        (&[name, ("Description", "one")][..], "one"),
        (
            &[
                name,
                ("ExtendedConfig.CustomData.DBName", "app"),
                ("ExtendedConfig.CustomData.a.b", "1"),
            ],
            "one",
        ),
        (
            &[name, ("ExtendedConfig.CustomData", r#"{"DBName":"app"}"#), ("Description", "two")],
            "two",
        ),
        (&[name, ("ExtendedConfig", r#"{"CustomData":{"DBName":"app"}}"#)], "two"),
        (&[name, ("Description", "")], ""),
    ] {
        let reply = kms.call_with("UpdateSecret", params).await.unwrap();
        assert_eq!(reply.names().collect::<Vec<_>>(), ["SecretName"]);
        assert_eq!(describe().await, expected, "{params:?}");
    }
    let before = rows(&kms, "a").await;
    let long = "d".repeat(8193);
    let reply = kms.call("UpdateSecret", [name, ("Description", &long)]).await;
    assert_eq!(reply, Err(Code::InvalidParameter));
    assert_eq!(rows(&kms, "a").await, before);
    assert_eq!(value(&kms, "a").await.unwrap(), "x");
}

crate::testing::on_postgres_too!(
    a_window_has_seven_to_thirty_days,
    what_is_deleted_by_force_is_gone_and_its_name_is_free,
    a_scheduled_secret_is_seen_and_not_used,
    only_what_is_scheduled_is_restored_and_only_once,
    a_secret_is_gone_when_its_time_comes_removed_or_not,
    describe_secret_answers_every_field,
    update_secret_changes_the_description_alone,
);
