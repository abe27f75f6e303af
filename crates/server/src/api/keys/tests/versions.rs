//! Tests of versions and of rotation.

use yaoku_wire::{error::Code, fields::Fields};

use crate::{node::Limits, testing::Kms};

const DAY: i64 = 86_400;

async fn rotate(kms: &Kms, key: &str, interval: &str) -> Result<(), Code> {
    let params =
        [("KeyId", key), ("EnableAutomaticRotation", "true"), ("RotationInterval", interval)];
    kms.call("UpdateRotationPolicy", params).await.map(drop)
}

async fn metadata(kms: &Kms, key: &str) -> Fields {
    kms.call("DescribeKey", [("KeyId", key)]).await.unwrap()
}

/// The ids of a key's versions, as they are listed.
async fn versions(kms: &Kms, key: &str) -> Vec<String> {
    let reply = kms.call("ListKeyVersions", [("KeyId", key)]).await.unwrap();
    let at = |it: usize| format!("KeyVersions.KeyVersion.{it}.KeyVersionId");
    let count = reply.count("KeyVersions.KeyVersion").unwrap();
    (0..count).map(|it| reply.get(&at(it)).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_new_version_is_the_first_in_the_list_and_the_one_that_encrypts() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let sealed = kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", "old")]).await.unwrap();
    let first = versions(&kms, &key).await;
    kms.clock.advance_seconds(1);
    let made = kms.call("CreateKeyVersion", [("KeyId", &*key)]).await.unwrap();
    let new = made.get("KeyVersion.KeyVersionId").unwrap();
    assert_eq!(made.get("KeyVersion.CreationDate"), Some("2026-01-02T03:04:06Z"));
    assert_eq!(versions(&kms, &key).await, [new, &first[0]]);
    let found = metadata(&kms, &key).await;
    assert_eq!(found.get("KeyMetadata.PrimaryKeyVersion"), Some(new));
    assert_eq!(found.get("KeyMetadata.LastRotationDate"), Some("2026-01-02T03:04:06Z"));
    let again = kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", "new")]).await.unwrap();
    assert_eq!(again.get("KeyVersionId"), Some(new));
    for (sealed, text) in [(sealed, "old"), (again, "new")] {
        let blob = [("CiphertextBlob", sealed.get("CiphertextBlob").unwrap())];
        assert_eq!(kms.call("Decrypt", blob).await.unwrap().get("Plaintext"), Some(text));
    }
    let described = [("KeyId", &*key), ("KeyVersionId", new)];
    assert_eq!(kms.call("DescribeKeyVersion", described).await.unwrap(), made);
}

#[tokio::test]
async fn a_version_that_is_not_the_keys_is_unknown() {
    let kms = Kms::new().await;
    let (key, other) = (kms.key().await.to_string(), kms.key().await.to_string());
    let others = versions(&kms, &other).await.remove(0);
    for (version, expected) in [
        (&*others, Code::KeyVersionNotFound),
        ("86a9efd9-3d16-4894-bd4f-1fc43f3f2abf", Code::KeyVersionNotFound),
        ("none", Code::KeyVersionNotFound),
        ("", Code::MissingParameter),
    ] {
        let params = [("KeyId", &*key), ("KeyVersionId", version)];
        assert_eq!(kms.call("DescribeKeyVersion", params).await, Err(expected), "{version}");
    }
}

#[tokio::test]
async fn keys_of_other_kinds_take_no_version_and_no_schedule() {
    let kms = Kms::new().await;
    let made = kms.call("CreateKey", [("Origin", "EXTERNAL")]).await.unwrap();
    let imported = made.get("KeyMetadata.KeyId").unwrap();
    let service = kms.call("DescribeKey", [("KeyId", "alias/acs/secretsmanager")]).await.unwrap();
    let service = service.get("KeyMetadata.KeyId").unwrap();
    for key in [imported, service] {
        let refused = Err(Code::RejectedUnsupportedOperation);
        let reply = kms.call("CreateKeyVersion", [("KeyId", key)]).await.map(drop);
        assert_eq!(reply, refused, "{key}");
        assert_eq!(rotate(&kms, key, "7d").await, refused, "{key}");
    }
}

#[tokio::test]
async fn a_key_has_so_many_versions_made_by_hand_and_no_more() {
    let kms = Kms::with_limits(Limits { key_versions: 3, ..Limits::default() }).await;
    let key = kms.key().await.to_string();
    for expected in [Ok(()), Ok(()), Err(Code::LimitExceeded)] {
        let reply = kms.call("CreateKeyVersion", [("KeyId", &*key)]).await;
        assert_eq!(reply.map(drop), expected);
    }
    kms.clock.advance_seconds(8 * DAY);
    rotate(&kms, &key, "7d").await.unwrap();
    assert_eq!(versions(&kms, &key).await.len(), 4, "a schedule is not held up");
}

#[tokio::test]
async fn every_kind_of_key_is_made_and_only_pairs_have_no_primary_version() {
    use yaoku_model::key::KeySpec;
    let kms = Kms::new().await;
    let home = kms.instance_id.to_string();
    for spec in KeySpec::ALL.iter().filter(|it| it.modulus_len().is_none_or(|it| it == 256)) {
        for home in [&[][..], &[("DKMSInstanceId", &*home)]] {
            let params = [home, &[("KeySpec", spec.as_str())]].concat();
            let made = kms.call_with("CreateKey", &params).await.unwrap();
            let key = made.get("KeyMetadata.KeyId").unwrap();
            let newest = versions(&kms, key).await;
            let primary = (!spec.is_asymmetric()).then_some(newest[0].as_str());
            let found = metadata(&kms, key).await;
            assert_eq!(found.get("KeyMetadata.PrimaryKeyVersion"), primary, "{spec}");
            let usage = found.get("KeyMetadata.KeyUsage");
            assert_eq!(usage, Some(spec.default_usage().as_str()), "{spec}");
        }
    }
}

/// Nothing is made for a call that will be refused: there is no room to make anything.
#[tokio::test]
async fn a_refusal_costs_no_pair() {
    let kms = Kms::with_limits(Limits { instance_keys: 1, ..Limits::default() }).await;
    let params = [("KeySpec", "RSA_2048"), ("DKMSInstanceId", kms.instance_id.as_str())];
    let made = kms.call("CreateKey", params).await.unwrap();
    let pair = made.get("KeyMetadata.KeyId").unwrap();
    kms.clock.advance_seconds(8 * DAY);
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (heavy, account) = (kms.node.heavy.clone(), kms.account.clone());
    let first = tokio::spawn(async move { heavy.run(&account, move || wait.recv()).await });
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (heavy, account) = (kms.node.heavy.clone(), kms.account.clone());
        waiting.spawn(async move { heavy.run(&account, || ()).await });
        tokio::task::yield_now().await;
    }
    let reply = kms.call("CreateKey", [("KeySpec", "RSA_2048")]).await;
    assert_eq!(reply, Err(Code::ServiceUnavailableTemporary));
    assert_eq!(kms.call("CreateKey", params).await, Err(Code::LimitExceeded));
    let reply = kms.call("CreateKeyVersion", [("KeyId", pair)]).await;
    assert_eq!(reply, Err(Code::LimitExceeded));
    go.send(()).unwrap();
    first.await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_pair_takes_a_version_a_week_and_a_code_takes_none() {
    let kms = Kms::new().await;
    let make = async |spec: &str| {
        let made = kms.call("CreateKey", [("KeySpec", spec)]).await.unwrap();
        made.get("KeyMetadata.KeyId").unwrap().to_owned()
    };
    let refused = Err(Code::RejectedUnsupportedOperation);
    let add = async |key: &str| kms.call("CreateKeyVersion", [("KeyId", key)]).await.map(drop);
    let (pair, code) = (make("EC_P256").await, make("Aliyun_HMAC_SHA_256").await);
    assert_eq!(add(&code).await, refused);
    kms.clock.advance_seconds(7 * DAY - 1);
    assert_eq!(add(&pair).await, refused);
    kms.clock.advance_seconds(1);
    add(&pair).await.unwrap();
    assert_eq!(add(&pair).await, refused, "it counts from the newest one");
    assert_eq!(versions(&kms, &pair).await.len(), 2);
    let found = metadata(&kms, &pair).await;
    assert_eq!(found.get("KeyMetadata.LastRotationDate"), Some("2026-01-09T03:04:05Z"));
    for key in [pair, code] {
        assert_eq!(rotate(&kms, &key, "7d").await, refused);
    }
}

#[tokio::test]
async fn an_interval_is_seven_to_730_days() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    for (interval, expected) in [
        ("", Err(Code::InvalidParameter)),
        ("6d", Err(Code::InvalidParameter)),
        ("731d", Err(Code::InvalidParameter)),
        ("1w", Err(Code::InvalidParameter)),
        ("604799s", Err(Code::InvalidParameter)),
        ("7d", Ok("604800s")),
        ("168h", Ok("604800s")),
        ("730d", Ok("63072000s")),
    ] {
        assert_eq!(rotate(&kms, &key, interval).await, expected.map(drop), "{interval}");
        if let Ok(seconds) = expected {
            let found = metadata(&kms, &key).await;
            assert_eq!(found.get("KeyMetadata.RotationInterval"), Some(seconds));
        }
    }
    let params = [("KeyId", &*key), ("EnableAutomaticRotation", "False")];
    kms.call("UpdateRotationPolicy", params).await.unwrap();
    let found = metadata(&kms, &key).await;
    assert_eq!(found.get("KeyMetadata.AutomaticRotation"), Some("Disabled"));
    assert_eq!(found.get("KeyMetadata.NextRotationDate"), None);
    let reply = kms.call("UpdateRotationPolicy", [("KeyId", &*key)]).await;
    assert_eq!(reply, Err(Code::MissingParameter), "whether is not a thing to guess");
}

#[tokio::test]
async fn a_key_that_is_overdue_rotates_as_soon_as_it_may() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    rotate(&kms, &key, "30d").await.unwrap();
    assert_eq!(versions(&kms, &key).await.len(), 1, "it is not due yet");
    kms.clock.advance_seconds(8 * DAY);
    rotate(&kms, &key, "7d").await.unwrap();
    assert_eq!(versions(&kms, &key).await.len(), 2, "it was due yesterday");
    let found = metadata(&kms, &key).await;
    assert_eq!(found.get("KeyMetadata.NextRotationDate"), Some("2026-01-17T03:04:05Z"));
    kms.call("DisableKey", [("KeyId", &*key)]).await.unwrap();
    kms.clock.advance_seconds(8 * DAY);
    let found = metadata(&kms, &key).await;
    assert_eq!(found.get("KeyMetadata.AutomaticRotation"), Some("Suspended"));
    kms.call("EnableKey", [("KeyId", &*key)]).await.unwrap();
    assert_eq!(versions(&kms, &key).await.len(), 3, "it was due while it was disabled");
    kms.call("ScheduleKeyDeletion", [("KeyId", &*key), ("PendingWindowInDays", "30")])
        .await
        .unwrap();
    kms.clock.advance_seconds(8 * DAY);
    kms.call("CancelKeyDeletion", [("KeyId", &*key)]).await.unwrap();
    kms.call("EnableKey", [("KeyId", &*key)]).await.unwrap();
    assert_eq!(versions(&kms, &key).await.len(), 4, "it was due while it waited for its deletion");
    let events = kms.events().await;
    let rotated = events.iter().filter(|it| it.action == "yaoku:RotateKey");
    assert_eq!(rotated.filter(|it| it.resources[0].ends_with(&key)).count(), 3, "each is told");
}
