//! `CreateSecret`. Source: secrets.md §4.1, §9 items 1 and 2.

use yaoku_model::instance::InstanceStatus;
use yaoku_wire::error::Code;

use super::{commit, create, create_under, rows, value};
use crate::testing::Kms;

#[tokio::test]
async fn create_secret_refuses_what_breaks_a_limit() {
    let kms = Kms::new().await;
    let ok = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "x")];
    let with = |name: &'static str, value: String| {
        let mut params: Vec<_> = ok.map(|(k, v)| (k, v.to_owned())).into();
        params.retain(|(it, _)| *it != name);
        params.push((name, value));
        params
    };
    for (name, value, expected) in [
        ("SecretName", "n".repeat(193), Code::InvalidParameter),
        ("SecretName", "a b".to_owned(), Code::InvalidParameter),
        ("SecretName", "acs/x".to_owned(), Code::InvalidParameter),
        ("SecretName", "$Auto".to_owned(), Code::InvalidParameter),
        ("SecretName", String::new(), Code::MissingParameter),
        ("VersionId", "v".repeat(65), Code::InvalidParameter),
        ("VersionId", String::new(), Code::MissingParameter),
        ("SecretData", "x".repeat(30_721), Code::InvalidParameter),
        ("SecretData", "密".repeat(10_241), Code::InvalidParameter),
        ("SecretData", String::new(), Code::MissingParameter),
        ("SecretDataType", "Text".to_owned(), Code::InvalidParameter),
        ("SecretType", "generic".to_owned(), Code::InvalidParameter),
        ("SecretType", "Rds".to_owned(), Code::MissingParameter),
        ("SecretType", "ECS".to_owned(), Code::MissingParameter),
        ("SecretType", "RAMCredentials".to_owned(), Code::MissingParameter),
        ("Description", "d".repeat(8193), Code::InvalidParameter),
        ("Tags", "{}".to_owned(), Code::InvalidParameter),
        ("Tags", r#"[{"TagKey":"acs:x","TagValue":""}]"#.to_owned(), Code::InvalidParameter),
        ("Policy", "{}".to_owned(), Code::InvalidParameter),
    ] {
        let params = with(name, value);
        let params: Vec<_> = params.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let reply = kms.call_with("CreateSecret", &params).await;
        assert_eq!(reply.map(drop), Err(expected), "{name} of {params:?}");
    }
    assert_eq!(rows(&kms, "a").await, None);
}

#[tokio::test]
async fn create_secret_takes_the_longest_of_everything() {
    let kms = Kms::new().await;
    let (name, version) = ("n".repeat(192), "v".repeat(64));
    let (data, description) = ("x".repeat(30_720), "d".repeat(8192));
    kms.call(
        "CreateSecret",
        [
            ("SecretName", &*name),
            ("VersionId", &version),
            ("SecretData", &data),
            ("Description", &description),
        ],
    )
    .await
    .unwrap();
    assert_eq!(value(&kms, &name).await.unwrap(), data);
}

#[tokio::test]
async fn create_secret_answers_every_field() {
    let kms = Kms::new().await;
    let params = [
        ("SecretName", "db/orders"),
        ("VersionId", "v1"),
        ("SecretData", "x"),
        // For other types alone.
        ("EnableAutomaticRotation", "true"),
        ("RotationInterval", "7d"),
        ("ExtendedConfig", "{}"),
    ];
    let reply = kms.call("CreateSecret", params).await.unwrap();
    let arn = format!("acs:kms:cn-hangzhou:{}:secret/db/orders", kms.account);
    assert_eq!(reply.names().collect::<Vec<_>>(), ["Arn", "SecretName", "VersionId", "SecretType"]);
    assert_eq!(reply.get("Arn"), Some(&*arn));
    assert_eq!(reply.get("SecretName"), Some("db/orders"));
    assert_eq!(reply.get("VersionId"), Some("v1"));
    assert_eq!(reply.get("SecretType"), Some("Generic"));
    let described = kms.call("DescribeSecret", [("SecretName", "db/orders")]).await.unwrap();
    assert_eq!(described.get("EncryptionKeyId"), None, "the service's key is not shown");
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_nothing_changes() {
    let kms = Kms::new().await;
    create(&kms, "a", "first").await;
    let before = rows(&kms, "a").await;
    for data in ["first", "second"] {
        let params = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", data)];
        let reply = kms.call("CreateSecret", params).await;
        assert_eq!(reply, Err(Code::ResourceExist), "{data}");
    }
    kms.call("DeleteSecret", [("SecretName", "a")]).await.unwrap();
    let params = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "x")];
    assert_eq!(kms.call("CreateSecret", params).await, Err(Code::ResourceInDeleteWindow));
    kms.call("RestoreSecret", [("SecretName", "a")]).await.unwrap();
    assert_eq!(rows(&kms, "a").await, before);
}

#[tokio::test]
async fn two_accounts_may_use_the_same_name() {
    let kms = Kms::new().await;
    let stranger = kms.as_stranger().await;
    create(&kms, "a", "mine").await;
    create(&stranger, "a", "theirs").await;
    assert_eq!(value(&kms, "a").await.unwrap(), "mine");
    assert_eq!(value(&stranger, "a").await.unwrap(), "theirs");
}

#[tokio::test]
async fn a_secret_lives_where_its_key_lives() {
    let kms = Kms::new().await;
    let inside = kms.key().await;
    let made = kms.call("CreateKey", []).await.unwrap();
    let outside = made.get("KeyMetadata.KeyId").unwrap();
    let instance = kms.instance_id.to_string();
    let all = [
        (inside.as_str(), instance.as_str(), Ok(Some(&*instance))),
        (inside.as_str(), "", Ok(Some(&*instance))),
        (outside, "", Ok(None)),
        ("", "", Ok(None)),
        ("", &instance, Err(Code::MissingParameter)),
        (outside, &instance, Err(Code::InvalidParameter)),
        (inside.as_str(), "kst-none", Err(Code::DkmsInstanceNotFound)),
        (outside, "kst-none", Err(Code::DkmsInstanceNotFound)),
        ("none", "", Err(Code::KeyNotFound)),
        ("alias/none", "", Err(Code::AliasNotFound)),
    ];
    for (at, (key, home, expected)) in all.into_iter().enumerate() {
        let name = format!("s{at}");
        let params = [
            ("SecretName", &*name),
            ("VersionId", "v1"),
            ("SecretData", "x"),
            ("EncryptionKeyId", key),
            ("DKMSInstanceId", home),
        ];
        let reply = kms.call("CreateSecret", params).await;
        let home_of = reply.as_ref().map(|it| it.get("DKMSInstanceId")).map_err(|it| *it);
        assert_eq!(home_of, expected, "key {key:?} in {home:?}");
        if let Ok(home_of_key) = expected {
            let reply = kms.call("DescribeSecret", [("SecretName", &*name)]).await.unwrap();
            assert_eq!(reply.get("DKMSInstanceId"), home_of_key);
            assert_eq!(reply.get("EncryptionKeyId"), Some(key).filter(|it| !it.is_empty()));
            assert_eq!(value(&kms, &name).await.unwrap(), "x");
        } else {
            assert_eq!(rows(&kms, &name).await, None);
        }
    }
}

#[tokio::test]
async fn an_instance_must_be_its_owners_running_and_have_room() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    let mut tx = kms.node.store.write().await.unwrap();
    let mut instance = tx.instance(&kms.instance_id).await.unwrap().unwrap();
    instance.secret_quota = 1;
    tx.update_instance(&instance).await.unwrap();
    commit(&kms, tx).await;
    create_under(&kms, "a", "x", &key).await.unwrap();
    assert_eq!(create_under(&kms, "b", "x", &key).await, Err(Code::LimitExceeded));

    let mut tx = kms.node.store.write().await.unwrap();
    instance.status = InstanceStatus::Disconnected;
    instance.secret_quota = 2;
    tx.update_instance(&instance).await.unwrap();
    commit(&kms, tx).await;
    let reply = create_under(&kms, "b", "x", &key).await;
    assert_eq!(reply, Err(Code::DkmsInstanceStateInvalid));
    assert_eq!(rows(&kms, "b").await, None);

    let stranger = kms.as_stranger().await;
    let theirs = stranger.call("CreateKey", []).await.unwrap();
    let params = [
        ("SecretName", "b"),
        ("VersionId", "v1"),
        ("SecretData", "x"),
        ("EncryptionKeyId", theirs.get("KeyMetadata.KeyId").unwrap()),
        ("DKMSInstanceId", kms.instance_id.as_str()),
    ];
    assert_eq!(stranger.call("CreateSecret", params).await, Err(Code::DkmsInstanceNotFound));
}

#[tokio::test]
async fn a_policy_needs_an_instance() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    let policy = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Principal":{{"RAM":["acs:ram::{}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#,
        kms.account
    );
    let params = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "x")];
    let params = [&params[..], &[("Policy", &policy)]].concat();
    let reply = kms.call_with("CreateSecret", &params).await;
    assert_eq!(reply, Err(Code::RejectedUnsupportedOperation));
    let params = [&params[..], &[("EncryptionKeyId", key.as_str())]].concat();
    kms.call_with("CreateSecret", &params).await.unwrap();
    assert_eq!(rows(&kms, "a").await.unwrap().0.policy, Some(policy));
}

crate::testing::on_postgres_too!(
    create_secret_refuses_what_breaks_a_limit,
    create_secret_takes_the_longest_of_everything,
    create_secret_answers_every_field,
    a_name_that_is_taken_is_refused_and_nothing_changes,
    two_accounts_may_use_the_same_name,
    a_secret_lives_where_its_key_lives,
    an_instance_must_be_its_owners_running_and_have_room,
    a_policy_needs_an_instance,
);
