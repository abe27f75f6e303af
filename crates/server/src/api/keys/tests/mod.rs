//! Tests of the operations on keys, through the pipeline.

use yaoku_wire::error::Code;

use crate::testing::Kms;

mod cipher;
mod defaults;
mod export;
mod life;
mod policies;
mod versions;

/// A blob of the right form, of a key version that nobody has.
pub(super) const FOREIGN: &str = super::blob::EXAMPLE;

fn arn(kms: &Kms, region: &str, id: &str) -> String {
    format!("acs:kms:{region}:{}:key/{id}", kms.account)
}

#[tokio::test]
async fn a_refusal_does_not_say_what_exists() {
    let kms = Kms::new().await;
    let id = kms.key().await.to_string();
    kms.call("CreateAlias", [("KeyId", &*id), ("AliasName", "alias/app")]).await.unwrap();
    for action in [
        "DescribeKey",
        "EnableKey",
        "DisableKey",
        "UpdateKeyDescription",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "ListAliasesByKeyId",
        "ListResourceTags",
    ] {
        let user = kms.without(&format!("kms:{action}"));
        let takes_alias = matches!(action, "DescribeKey" | "Encrypt") || action.starts_with("Gen");
        let (mine, none) = (arn(&kms, "cn-hangzhou", &id), arn(&kms, "cn-hangzhou", "none"));
        let names = [id.as_str(), "none", &mine, &none, "alias/app", "alias/none"];
        for name in &names[..if takes_alias { 6 } else { 4 }] {
            let params = [("KeyId", *name), ("Plaintext", "x"), ("Description", "x")];
            assert_eq!(user.call(action, params).await, Err(Code::NoPermission), "{action} {name}");
        }
    }
    assert_eq!(
        kms.call("DescribeKey", [("KeyId", &*id)]).await.unwrap().get("KeyMetadata.Description"),
        Some("")
    );
}

#[tokio::test]
async fn another_account_is_refused_whatever_there_is() {
    let kms = Kms::new().await;
    let id = kms.key().await.to_string();
    let stranger = kms.as_stranger().await;
    for name in [arn(&kms, "cn-hangzhou", &id), arn(&kms, "cn-hangzhou", "none")] {
        for action in ["DescribeKey", "DisableKey"] {
            let reply = stranger.call(action, [("KeyId", &*name)]).await;
            assert_eq!(reply, Err(Code::NoPermission), "{action} {name}");
        }
    }
    assert_eq!(stranger.call("DisableKey", [("KeyId", &*id)]).await, Err(Code::KeyNotFound));
    kms.call("Encrypt", [("KeyId", &*id), ("Plaintext", "x")]).await.unwrap();
}

#[tokio::test]
async fn who_may_use_a_key_learns_that_there_is_none() {
    let kms = Kms::new().await;
    let id = kms.key().await.to_string();
    let elsewhere = arn(&kms, "cn-beijing", &id);
    for (name, expected) in [
        ("none", Code::KeyNotFound),
        ("alias/none", Code::AliasNotFound),
        (elsewhere.as_str(), Code::KeyNotFound),
        ("", Code::MissingParameter),
        (&"x".repeat(257), Code::InvalidParameter),
    ] {
        let reply = kms.call("DescribeKey", [("KeyId", name)]).await;
        assert_eq!(reply, Err(expected), "{name}");
    }
}

#[tokio::test]
async fn an_alias_is_refused_where_only_an_id_will_do() {
    let kms = Kms::new().await;
    let id = kms.key().await.to_string();
    kms.call("CreateAlias", [("KeyId", &*id), ("AliasName", "alias/app")]).await.unwrap();
    let alias_arn = format!("acs:kms:cn-hangzhou:{}:alias/app", kms.account);
    for action in [
        "EnableKey",
        "DisableKey",
        "UpdateKeyDescription",
        "CreateAlias",
        "UpdateAlias",
        "TagResource",
        "UntagResource",
        "ListAliasesByKeyId",
        "ListResourceTags",
    ] {
        for name in ["alias/app", "alias/none", &alias_arn] {
            let params = [
                ("KeyId", name),
                ("Description", "x"),
                ("AliasName", "alias/other"),
                ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#),
                ("TagKeys", "a"),
            ];
            let reply = kms.call(action, params).await;
            assert_eq!(reply, Err(Code::UnsupportedAlias), "{action} {name}");
        }
    }
}

#[tokio::test]
async fn answers_name_the_id_whatever_the_client_named() {
    let kms = Kms::new().await;
    let id = kms.key().await.to_string();
    kms.call("CreateAlias", [("KeyId", &*id), ("AliasName", "alias/app")]).await.unwrap();
    let alias_arn = format!("acs:kms:cn-hangzhou:{}:alias/app", kms.account);
    for name in [&*id, "alias/app", &arn(&kms, "cn-hangzhou", &id), &alias_arn] {
        let reply = kms.call("DescribeKey", [("KeyId", name)]).await.unwrap();
        assert_eq!(reply.get("KeyMetadata.KeyId"), Some(&*id), "{name}");
        let reply = kms.call("Encrypt", [("KeyId", name), ("Plaintext", "x")]).await.unwrap();
        assert_eq!(reply.get("KeyId"), Some(&*id), "{name}");
    }
}

#[tokio::test]
async fn disabling_twice_is_disabling_once_and_enabling_takes_it_back() {
    let kms = Kms::new().await;
    let id = kms.key().await.to_string();
    for (action, state, encrypts) in [
        ("DisableKey", "Disabled", Err(Code::KeyDisabled)),
        ("DisableKey", "Disabled", Err(Code::KeyDisabled)),
        ("EnableKey", "Enabled", Ok(())),
        ("EnableKey", "Enabled", Ok(())),
    ] {
        let reply = kms.call(action, [("KeyId", &*id)]).await.unwrap();
        assert_eq!(reply.names().count(), 0, "{action} answers nothing else");
        let reply = kms.call("DescribeKey", [("KeyId", &*id)]).await.unwrap();
        assert_eq!(reply.get("KeyMetadata.KeyState"), Some(state));
        let reply = kms.call("Encrypt", [("KeyId", &*id), ("Plaintext", "x")]).await;
        assert_eq!(reply.map(drop), encrypts);
    }
}

#[tokio::test]
async fn the_services_own_key_is_not_its_customers_to_change() {
    let kms = Kms::new().await;
    let named = [("KeyId", "alias/acs/secretsmanager")];
    let before = kms.call("DescribeKey", named).await.unwrap();
    let id = before.get("KeyMetadata.KeyId").unwrap();
    for action in [
        "EnableKey",
        "DisableKey",
        "UpdateKeyDescription",
        "CreateAlias",
        "UpdateAlias",
        "TagResource",
        "UntagResource",
    ] {
        let params = [
            ("KeyId", id),
            ("Description", "x"),
            ("AliasName", "alias/mine"),
            ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#),
            ("TagKeys", "a"),
        ];
        assert_eq!(kms.call(action, params).await, Err(Code::UnsupportedOperation), "{action}");
    }
    assert_eq!(kms.call("DescribeKey", named).await.unwrap(), before, "nothing changed");
}

#[tokio::test]
async fn a_description_has_at_most_8192_characters_and_may_be_cleared() {
    let kms = Kms::new().await;
    let id = kms.key().await.to_string();
    let (longest, too_long) = ("密".repeat(8192), "密".repeat(8193));
    for (description, expected) in [
        (Some(longest.as_str()), Ok(())),
        (Some(&too_long), Err(Code::InvalidParameter)),
        (None, Err(Code::MissingParameter)),
        (Some(""), Ok(())),
    ] {
        let mut params = vec![("KeyId", &*id)];
        params.extend(description.map(|it| ("Description", it)));
        let reply = kms.call_with("UpdateKeyDescription", &params).await;
        assert_eq!(reply.map(drop), expected);
        let kept = if expected.is_ok() { description } else { Some(&*longest) };
        let reply = kms.call("DescribeKey", [("KeyId", &*id)]).await.unwrap();
        assert_eq!(reply.get("KeyMetadata.Description"), kept);
    }
}

#[tokio::test]
async fn metadata_says_what_a_key_has_and_leaves_out_what_it_has_not() {
    let kms = Kms::new().await;
    let instance = kms.instance_id.to_string();
    let rotating = [("EnableAutomaticRotation", "True"), ("RotationInterval", "7d")];
    let imported = [("Origin", "EXTERNAL"), ("DKMSInstanceId", &*instance)];
    for (params, expected) in [
        (
            &[][..],
            &[
                ("KeyState", Some("Enabled")),
                ("AutomaticRotation", Some("Disabled")),
                ("RotationInterval", None),
                ("NextRotationDate", None),
                ("LastRotationDate", Some("2026-01-02T03:04:05Z")),
                ("DeleteDate", Some("")),
                ("MaterialExpireTime", Some("")),
                ("DKMSInstanceId", None),
            ][..],
        ),
        (
            &rotating,
            &[
                ("AutomaticRotation", Some("Enabled")),
                ("RotationInterval", Some("604800s")),
                ("NextRotationDate", Some("2026-01-09T03:04:05Z")),
            ],
        ),
        (
            &imported,
            &[
                ("KeyState", Some("PendingImport")),
                ("PrimaryKeyVersion", Some("")),
                ("LastRotationDate", None),
                ("DKMSInstanceId", Some(&*instance)),
            ],
        ),
    ] {
        let made = kms.call_with("CreateKey", params).await.unwrap();
        let id = made.get("KeyMetadata.KeyId").unwrap();
        assert_eq!(made.get("KeyMetadata.DeletionProtection"), None, "CreateKey leaves it out");
        let found = kms.call("DescribeKey", [("KeyId", id)]).await.unwrap();
        assert_eq!(found.get("KeyMetadata.DeletionProtection"), Some("Disabled"));
        for (field, expected) in expected {
            for reply in [&made, &found] {
                let value = reply.get(&format!("KeyMetadata.{field}"));
                assert_eq!(value, *expected, "{field} with {params:?}");
            }
        }
    }
}

#[tokio::test]
async fn rotation_is_suspended_while_a_key_is_disabled() {
    let kms = Kms::new().await;
    let params = [("EnableAutomaticRotation", "true"), ("RotationInterval", "604800s")];
    let made = kms.call("CreateKey", params).await.unwrap();
    let id = made.get("KeyMetadata.KeyId").unwrap();
    for (action, expected) in [("DisableKey", "Suspended"), ("EnableKey", "Enabled")] {
        kms.call(action, [("KeyId", id)]).await.unwrap();
        let reply = kms.call("DescribeKey", [("KeyId", id)]).await.unwrap();
        assert_eq!(reply.get("KeyMetadata.AutomaticRotation"), Some(expected));
        assert_eq!(reply.get("KeyMetadata.RotationInterval"), Some("604800s"));
    }
}

#[tokio::test]
async fn ids_have_the_lengths_that_clients_hard_code() {
    let kms = Kms::new().await;
    let instance = kms.instance_id.to_string();
    for (params, key_len) in [(&[][..], 36), (&[("DKMSInstanceId", &*instance)], 25)] {
        let made = kms.call_with("CreateKey", params).await.unwrap();
        assert_eq!(made.get("KeyMetadata.KeyId").unwrap().len(), key_len);
        assert_eq!(made.get("KeyMetadata.PrimaryKeyVersion").unwrap().len(), 36);
    }
}

#[tokio::test]
async fn create_key_refuses_what_it_cannot_make_and_makes_nothing() {
    let kms = Kms::new().await;
    let before = kms.call("ListKeys", []).await.unwrap();
    let rotation = ("EnableAutomaticRotation", "true");
    for (params, expected) in [
        (&[("KeySpec", "AES_256")][..], Code::InvalidParameter),
        (&[("KeyUsage", "SIGN/VERIFY")], Code::InvalidParameter),
        (&[("Origin", "external")], Code::InvalidParameter),
        (&[("ProtectionLevel", "software")], Code::InvalidParameter),
        (&[("ProtectionLevel", "HSM")], Code::UnsupportedProtectionLevel),
        (&[("KeySpec", "Aliyun_HMAC_SM3"), ("Origin", "EXTERNAL")], Code::InvalidParameter),
        (&[rotation, ("RotationInterval", "7d"), ("KeySpec", "EC_P256")], Code::InvalidParameter),
        (&[("DKMSInstanceId", "kst-none")], Code::DkmsInstanceNotFound),
        (&[("Policy", "{}")], Code::InvalidParameter),
        (&[rotation], Code::MissingParameter),
        (&[rotation, ("RotationInterval", "6d")], Code::InvalidParameter),
        (&[rotation, ("RotationInterval", "731d")], Code::InvalidParameter),
        (&[rotation, ("RotationInterval", "1w")], Code::InvalidParameter),
        (&[rotation, ("RotationInterval", "7d"), ("Origin", "EXTERNAL")], Code::InvalidParameter),
        (&[("Tags", "{}")], Code::InvalidParameter),
        (&[("Tags", r#"[{"TagKey":"acs:x","TagValue":""}]"#)], Code::InvalidParameter),
    ] {
        let reply = kms.call_with("CreateKey", params).await;
        assert_eq!(reply, Err(expected), "{params:?}");
    }
    assert_eq!(kms.call("ListKeys", []).await.unwrap(), before, "nothing changed");
}

/// The ids that `ListKeys` answers, in order, and the total.
async fn listed(kms: &Kms, params: &[(&str, &str)]) -> (Vec<String>, i64) {
    let reply = kms.call_with("ListKeys", params).await.unwrap();
    let ids = 0..reply.count("Keys.Key").unwrap();
    let ids = ids.map(|at| reply.get(&format!("Keys.Key.{at}.KeyId")).unwrap().to_owned());
    (ids.collect(), reply.get("TotalCount").unwrap().parse().unwrap())
}

#[tokio::test]
async fn keys_are_listed_by_pages_in_the_order_they_were_made() {
    let kms = Kms::new().await;
    let mut made = listed(&kms, &[]).await.0;
    for _ in 0..4 {
        kms.clock.advance_seconds(1);
        made.push(kms.key().await.to_string());
    }
    assert_eq!(listed(&kms, &[]).await, (made.clone(), 5));
    for (number, expected) in [("1", &made[..2]), ("3", &made[4..]), ("4", &[])] {
        let params = [("PageNumber", number), ("PageSize", "2")];
        assert_eq!(listed(&kms, &params).await, (expected.to_vec(), 5), "page {number}");
        let reply = kms.call("ListKeys", params).await.unwrap();
        assert_eq!((reply.get("PageNumber"), reply.get("PageSize")), (Some(number), Some("2")));
    }
    for params in [("PageSize", "0"), ("PageSize", "101"), ("PageNumber", "0")] {
        let reply = kms.call("ListKeys", [params]).await;
        assert_eq!(reply, Err(Code::InvalidParameter), "{params:?}");
    }
    let stranger = kms.as_stranger().await;
    assert_eq!(listed(&stranger, &[]).await.1, 1, "its own service key");
}

#[tokio::test]
async fn filters_are_joined_by_and_and_their_values_by_or() {
    let kms = Kms::new().await;
    let service = listed(&kms, &[]).await.0.remove(0);
    let make = async |params: &[(&str, &str)]| {
        kms.clock.advance_seconds(1);
        let made = kms.call_with("CreateKey", params).await.unwrap();
        made.get("KeyMetadata.KeyId").unwrap().to_owned()
    };
    let instance = kms.instance_id.to_string();
    let plain = make(&[("Tags", r#"[{"TagKey":"a","TagValue":"1"}]"#)]).await;
    let two_tags = r#"[{"TagKey":"a","TagValue":"2"},{"TagKey":"b","TagValue":"1"}]"#;
    let housed = make(&[("DKMSInstanceId", &*instance), ("Tags", two_tags)]).await;
    let sm4 = make(&[("KeySpec", "Aliyun_SM4")]).await;
    let all = [&*service, &*plain, &*housed, &*sm4];
    kms.call("DisableKey", [("KeyId", &*sm4)]).await.unwrap();
    kms.call("CreateAlias", [("KeyId", &*plain), ("AliasName", "alias/app")]).await.unwrap();
    let account = kms.account.to_string();
    for (filters, expected) in [
        ("[]".to_owned(), &all[..]),
        (one("KeyState", "Enabled"), &all[..3]),
        (one("KeyState", "Nonsense"), &[]),
        (r#"[{"Key":"KeyState","Values":["Enabled","Disabled"]}]"#.to_owned(), &all),
        (r#"[{"Key":"KeyState","Values":[]}]"#.to_owned(), &all),
        (both("KeyState", "Enabled", "KeyState", "Disabled"), &all),
        (both("KeyState", "Enabled", "CreatorType", "User"), &all[1..3]),
        (one("CreatorType", "Service"), &all[..1]),
        (one("KeySpec", "Aliyun_SM4"), &all[3..]),
        (one("KeyUsage", "ENCRYPT/DECRYPT"), &all),
        (one("KeyUsage", "SIGN/VERIFY"), &[]),
        (one("ProtectionLevel", "SOFTWARE"), &all),
        (one("ProtectionLevel", "HSM"), &[]),
        (one("DKMSInstanceId", &instance), &all[2..3]),
        (one("KeyId", &housed), &all[2..3]),
        (one("keyId", &housed), &all[2..3]),
        (one("AliasName", "alias/app"), &all[1..2]),
        (one("AliasName", "app"), &all[1..2]),
        (one("Creator", &account), &all),
        (one("Creator", "1"), &[]),
        (one("TagKey", "a"), &all[1..3]),
        (one("TagValue", "1"), &all[1..3]),
        (both("TagKey", "a", "TagValue", "1"), &all[1..2]),
    ] {
        let found = listed(&kms, &[("Filters", &filters)]).await;
        assert_eq!(found.0, expected, "{filters}");
        assert_eq!(found.1, i64::try_from(expected.len()).unwrap(), "{filters}");
    }
    for filters in [one("Colour", "red"), one("keystate", "Enabled"), "{}".to_owned()] {
        let reply = kms.call("ListKeys", [("Filters", &*filters)]).await;
        assert_eq!(reply, Err(Code::InvalidParameter), "{filters}");
    }
}

fn one(key: &str, value: &str) -> String {
    format!(r#"[{{"Key":"{key}","Values":["{value}"]}}]"#)
}

fn both(key: &str, value: &str, other: &str, its_value: &str) -> String {
    let (one, other) = (one(key, value), one(other, its_value));
    format!("{},{}", &one[..one.len() - 1], &other[1..])
}
