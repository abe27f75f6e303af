//! Tests of deletion, of its protection, and of dates that come.

use yaoku_model::key::KeyState;
use yaoku_wire::error::Code;

use super::one;
use crate::testing::Kms;

const DAY: i64 = 86_400;

async fn field(kms: &Kms, key: &str, name: &str) -> Option<String> {
    let reply = kms.call("DescribeKey", [("KeyId", key)]).await.unwrap();
    reply.get(&format!("KeyMetadata.{name}")).map(str::to_owned)
}

async fn schedule(kms: &Kms, key: &str, days: &str) -> Result<(), Code> {
    let params = [("KeyId", key), ("PendingWindowInDays", days)];
    kms.call("ScheduleKeyDeletion", params).await.map(drop)
}

#[tokio::test]
async fn text_that_no_answer_could_carry_is_refused_before_it_is_kept() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let named = ("KeyId", &*key);
    for text in ["\u{1b}", "a\0b", "\u{fffe}", "\u{ffff}"] {
        let policy = format!(
            r#"{{"Version":"1","Statement":[{{"Sid":"{text}","Effect":"Allow","Principal":{{"RAM":["*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#
        );
        let tags = format!(r#"[{{"TagKey":"a","TagValue":"{text}"}}]"#);
        for (action, params) in [
            ("CreateKey", vec![("Description", text)]),
            (
                "CreateSecret",
                vec![
                    ("SecretName", "a"),
                    ("VersionId", "1"),
                    ("SecretData", "x"),
                    ("Description", text),
                ],
            ),
            ("UpdateKeyDescription", vec![named, ("Description", text)]),
            (
                "SetDeletionProtection",
                vec![
                    named,
                    ("EnableDeletionProtection", "true"),
                    ("DeletionProtectionDescription", text),
                ],
            ),
            ("SetKeyPolicy", vec![named, ("Policy", &policy)]),
            ("TagResource", vec![named, ("Tags", &tags)]),
        ] {
            let reply = kms.call_with(action, &params).await;
            assert_eq!(reply, Err(Code::InvalidParameter), "{action} {text:?}");
        }
    }
    kms.call("UpdateKeyDescription", [named, ("Description", "a\tb\r\nc")]).await.unwrap();
}

#[tokio::test]
async fn a_deletion_is_waited_for_seven_to_366_days() {
    let kms = Kms::new().await;
    for (days, expected) in [
        ("6", Err(Code::InvalidParameter)),
        ("367", Err(Code::InvalidParameter)),
        ("-7", Err(Code::InvalidParameter)),
        ("a week", Err(Code::InvalidParameter)),
        ("7", Ok("2026-01-09T03:04:05Z")),
        ("366", Ok("2027-01-03T03:04:05Z")),
        ("", Ok("2026-02-01T03:04:05Z")),
    ] {
        let key = kms.key().await.to_string();
        let reply = schedule(&kms, &key, days).await;
        assert_eq!(reply, expected.map(drop), "{days} days");
        let date = field(&kms, &key, "DeleteDate").await;
        assert_eq!(date.as_deref(), Some(expected.unwrap_or("")), "{days} days");
    }
}

#[tokio::test]
async fn a_key_whose_date_has_come_is_gone_also_from_the_caches() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    kms.call("CreateAlias", [("KeyId", &*key), ("AliasName", "alias/app")]).await.unwrap();
    let sealed = kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", "x")]).await.unwrap();
    let blob = sealed.get("CiphertextBlob").unwrap();
    schedule(&kms, &key, "7").await.unwrap();
    kms.clock.advance_seconds(7 * DAY - 1);
    let decrypted = kms.call("Decrypt", [("CiphertextBlob", blob)]).await;
    assert_eq!(decrypted, Err(Code::KeyPendingDeletion), "it is cached and still there");
    let filter = one("KeyId", &key);
    let listed = async || kms.call("ListKeys", [("Filters", &*filter)]).await.unwrap();
    assert_eq!(listed().await.get("TotalCount"), Some("1"));
    kms.clock.advance_seconds(1);
    for (action, params) in [
        ("Decrypt", &[("CiphertextBlob", blob)][..]),
        ("Encrypt", &[("KeyId", "alias/app"), ("Plaintext", "x")]),
        ("DescribeKey", &[("KeyId", &key)]),
        ("ListKeyVersions", &[("KeyId", &key)]),
        ("CancelKeyDeletion", &[("KeyId", &key)]),
        ("CreateAlias", &[("KeyId", &key), ("AliasName", "alias/late")]),
    ] {
        assert_eq!(kms.call_with(action, params).await, Err(Code::KeyNotFound), "{action}");
    }
    assert_eq!(listed().await.get("TotalCount"), Some("0"));
}

#[tokio::test]
async fn a_key_is_called_back_as_an_enabled_one_and_rotates_again() {
    let kms = Kms::new().await;
    let params = [("EnableAutomaticRotation", "true"), ("RotationInterval", "30d")];
    let made = kms.call("CreateKey", params).await.unwrap();
    let key = made.get("KeyMetadata.KeyId").unwrap();
    kms.call("DisableKey", [("KeyId", key)]).await.unwrap();
    schedule(&kms, key, "60").await.unwrap();
    assert_eq!(field(&kms, key, "AutomaticRotation").await.as_deref(), Some("Suspended"));
    assert_eq!(schedule(&kms, key, "7").await, Err(Code::StateModifiedFailed));
    kms.clock.advance_seconds(31 * DAY);
    let old = field(&kms, key, "PrimaryKeyVersion").await;
    kms.call("CancelKeyDeletion", [("KeyId", key)]).await.unwrap();
    for (name, expected) in [
        ("KeyState", "Enabled"),
        ("DeleteDate", ""),
        ("AutomaticRotation", "Enabled"),
        ("LastRotationDate", "2026-02-02T03:04:05Z"),
        ("NextRotationDate", "2026-03-04T03:04:05Z"),
    ] {
        assert_eq!(field(&kms, key, name).await.as_deref(), Some(expected), "{name}");
    }
    assert_ne!(field(&kms, key, "PrimaryKeyVersion").await, old, "it was due meanwhile");
}

#[tokio::test]
async fn a_key_without_material_is_called_back_to_wait_for_some() {
    let kms = Kms::new().await;
    let made = kms.call("CreateKey", [("Origin", "EXTERNAL")]).await.unwrap();
    let key = made.get("KeyMetadata.KeyId").unwrap();
    schedule(&kms, key, "7").await.unwrap();
    kms.call("CancelKeyDeletion", [("KeyId", key)]).await.unwrap();
    assert_eq!(field(&kms, key, "KeyState").await.as_deref(), Some("PendingImport"));
}

#[tokio::test]
async fn material_that_has_expired_is_none_at_once() {
    let kms = Kms::new().await;
    let id = kms.key().await;
    let key = id.to_string();
    let sealed = kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", "x")]).await.unwrap();
    let blob = sealed.get("CiphertextBlob").unwrap();
    kms.edit_key(&id, |it| it.material_expires = Some(it.created.plus_seconds(60))).await;
    let found = async |state: &str| {
        let reply = kms.call("ListKeys", [("Filters", &*one("KeyState", state))]).await.unwrap();
        reply.get("TotalCount").unwrap().to_owned()
    };
    kms.call("Decrypt", [("CiphertextBlob", blob)]).await.unwrap();
    assert_eq!(found("PendingImport").await, "0");
    kms.clock.advance_seconds(60);
    let reply = kms.call("Decrypt", [("CiphertextBlob", blob)]).await;
    assert_eq!(reply, Err(Code::KeyPendingImport));
    assert_eq!(kms.call("EnableKey", [("KeyId", &*key)]).await, Err(Code::StateModifiedFailed));
    assert_eq!(field(&kms, &key, "KeyState").await.as_deref(), Some("PendingImport"));
    assert_eq!(field(&kms, &key, "MaterialExpireTime").await.as_deref(), Some(""));
    assert_eq!(found("PendingImport").await, "1");
}

#[tokio::test]
async fn what_is_protected_is_not_deleted() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let arn = super::arn(&kms, "cn-hangzhou", &key);
    let set = async |params: &[(&str, &str)], on: &str| {
        let on = [("EnableDeletionProtection", on), ("DeletionProtectionDescription", "prod")];
        kms.call_with("SetDeletionProtection", &[&on, params].concat()).await.map(drop)
    };
    for selector in [[("KeyId", &*key)], [("ProtectedResourceArn", &*arn)]] {
        set(&selector, "true").await.unwrap();
        assert_eq!(schedule(&kms, &key, "7").await, Err(Code::RejectedUnsupportedOperation));
        assert_eq!(field(&kms, &key, "DeletionProtection").await.as_deref(), Some("Enabled"));
        let why = field(&kms, &key, "DeletionProtectionDescription").await;
        assert_eq!(why.as_deref(), Some("prod"));
        set(&selector, "false").await.unwrap();
        assert_eq!(field(&kms, &key, "DeletionProtectionDescription").await, None);
    }
    schedule(&kms, &key, "7").await.unwrap();
    let instance = kms.instance_id.to_string();
    for on in ["true", "false"] {
        set(&[("KmsInstanceId", &instance)], on).await.unwrap();
        let found = kms.call("GetKmsInstance", [("KmsInstanceId", &*instance)]).await.unwrap();
        assert_eq!(found.get("KmsInstance.DeletionProtection"), Some(on));
    }
}

#[tokio::test]
async fn a_protection_names_one_thing() {
    let kms = Kms::new().await;
    let (key, other) = (kms.key().await.to_string(), kms.key().await.to_string());
    let arn = super::arn(&kms, "cn-hangzhou", &key);
    let none = super::arn(&kms, "cn-hangzhou", "none");
    let instance = kms.instance_id.to_string();
    let on = ("EnableDeletionProtection", "true");
    for (params, expected) in [
        (&[on][..], Err(Code::MissingParameter)),
        (&[("KeyId", &*key)], Err(Code::MissingParameter)),
        (&[on, ("ProtectedResourceArn", &*key)], Err(Code::InvalidParameter)),
        (&[on, ("ProtectedResourceArn", &arn), ("KeyId", &other)], Err(Code::InvalidParameter)),
        (&[on, ("KmsInstanceId", &instance), ("KeyId", &key)], Err(Code::InvalidParameter)),
        (&[on, ("KeyId", "alias/app")], Err(Code::UnsupportedAlias)),
        (&[on, ("ProtectedResourceArn", &none)], Err(Code::KeyNotFound)),
        (&[on, ("KmsInstanceId", "kst-none")], Err(Code::DkmsInstanceNotFound)),
        (&[on, ("ProtectedResourceArn", &arn), ("KeyId", &key)], Ok(())),
    ] {
        let reply = kms.call_with("SetDeletionProtection", params).await.map(drop);
        assert_eq!(reply, expected, "{params:?}");
    }
}

#[tokio::test]
async fn a_key_of_an_instance_that_is_away_is_called_back_to_stay_away() {
    let kms = Kms::new().await;
    let id = kms.key().await;
    let key = id.to_string();
    schedule(&kms, &key, "7").await.unwrap();
    let mut tx = kms.node.store.write().await.unwrap();
    let mut home = tx.instance(&kms.instance_id).await.unwrap().unwrap();
    home.status = yaoku_model::instance::InstanceStatus::Disconnected;
    tx.update_instance(&home).await.unwrap();
    kms.node.caches.apply(&tx.commit().await.unwrap().changes);
    kms.call("CancelKeyDeletion", [("KeyId", &*key)]).await.unwrap();
    let state = field(&kms, &key, "KeyState").await;
    assert_eq!(state.as_deref(), Some(KeyState::Unavailable.as_str()));
}

#[tokio::test]
async fn what_looks_like_an_alias_and_can_be_none_is_an_unknown_alias() {
    let kms = Kms::new().await;
    let named = [("KeyId", "alias/a b")];
    assert_eq!(kms.call("DescribeKey", named).await, Err(Code::AliasNotFound));
    assert_eq!(kms.call("DisableKey", named).await, Err(Code::UnsupportedAlias));
    let params = [named[0], ("Plaintext", "x")];
    assert_eq!(kms.call("Encrypt", params).await, Err(Code::AliasNotFound));
}

#[tokio::test]
async fn keys_are_listed_by_either_name_of_their_spec() {
    let kms = Kms::new().await;
    let params = [("KeySpec", "HMAC_SM3"), ("KeyUsage", "GENERATE/VERIFY")];
    let instance = ("DKMSInstanceId", kms.instance_id.as_str());
    kms.call_with("CreateKey", &[params[0], params[1], instance]).await.unwrap();
    for spec in ["HMAC_SM3", "Aliyun_HMAC_SM3"] {
        let filters = format!(r#"[{{"Key":"KeySpec","Values":["{spec}"]}}]"#);
        let listed = kms.call("ListKeys", [("Filters", &*filters)]).await.unwrap();
        assert_eq!(listed.get("TotalCount"), Some("1"), "{spec}");
    }
}
