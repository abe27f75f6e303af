//! Tests of managed data keys, through the pipeline.

use yaoku_wire::error::Code;

use crate::testing::Kms;

async fn make(kms: &Kms, name: &str) -> String {
    let made = kms.call("CreateManagedDataKeyVersion", [("DataKeyName", name)]).await.unwrap();
    made.get("DataKeyVersionId").unwrap().to_owned()
}

#[tokio::test]
async fn without_a_version_the_oldest_is_answered_and_the_newest_if_asked_for() {
    let kms = Kms::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(make(&kms, "orders").await);
        kms.clock.advance_seconds(1);
    }
    make(&kms, "orders2").await;
    let name = ("DataKeyName", "orders");
    for (params, expected) in [
        (vec![name], &ids[0]),
        (vec![name, ("UseLatest", "false")], &ids[0]),
        (vec![name, ("UseLatest", "true")], &ids[2]),
        (vec![name, ("DataKeyVersionId", &ids[1]), ("UseLatest", "true")], &ids[1]),
    ] {
        let reply = kms.call_with("GetManagedDataKey", &params).await.unwrap();
        assert_eq!(reply.get("DataKeyVersionId"), Some(&**expected), "{params:?}");
        let secret = format!("kms-datakeyversion!orders!{expected}");
        assert_eq!(reply.get("DataKeyVersionName"), Some(&*secret));
        assert_eq!(reply.get("Plaintext").unwrap().len(), 44, "32 bytes in Base64");
        let value = kms.call("GetSecretValue", [("SecretName", &*secret)]).await.unwrap();
        assert_eq!(value.get("SecretData"), reply.get("Plaintext"));
    }
    let params = [name, ("PageSize", "2"), ("PageNumber", "2")];
    let reply = kms.call_with("ListManagedDataKeyVersions", &params).await.unwrap();
    assert_eq!(
        reply.get("ManagedDataKeyVersions.ManagedDataKeyVersion.0.DataKeyVersionId"),
        Some(&*ids[2])
    );
    assert_eq!(reply.get("TotalCount"), Some("3"));
}

#[tokio::test]
async fn an_unknown_data_key_is_not_found_and_nobody_makes_one_by_another_door() {
    let kms = Kms::new().await;
    make(&kms, "orders").await;
    for params in [
        vec![("DataKeyName", "none")],
        vec![("DataKeyName", "order")],
        vec![("DataKeyName", "orders"), ("DataKeyVersionId", "xH6OPUmz")],
    ] {
        let reply = kms.call_with("GetManagedDataKey", &params).await;
        assert_eq!(reply, Err(Code::ResourceNotFound), "{params:?}");
    }
    let params = [
        ("SecretName", "kms-datakeyversion!orders!xH6OPUmz"),
        ("VersionId", "v1"),
        ("SecretData", "x"),
    ];
    assert_eq!(kms.call("CreateSecret", params).await, Err(Code::InvalidParameter));
    let made = make(&kms, "kept").await;
    let before = kms.call("GetManagedDataKey", [("DataKeyName", "kept")]).await.unwrap();
    let name = format!("kms-datakeyversion!kept!{made}");
    for (action, more) in [
        ("PutSecretValue", [("VersionId", "v2"), ("SecretData", "x")]),
        ("UpdateSecret", [("Description", "x"), ("VersionId", "")]),
        ("DeleteSecret", [("ForceDeleteWithoutRecovery", "true"), ("VersionId", "")]),
        ("UpdateSecretVersionStage", [("VersionStage", "mine"), ("MoveToVersion", &made)]),
        ("TagResource", [("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#), ("VersionId", "")]),
    ] {
        let params = [&[("SecretName", &*name)][..], &more].concat();
        assert_eq!(kms.call_with(action, &params).await, Err(Code::NoPermission), "{action}");
    }
    let after = kms.call("GetManagedDataKey", [("DataKeyName", "kept")]).await.unwrap();
    assert_eq!(after.get("Plaintext"), before.get("Plaintext"));
    let reply = kms.call("GetManagedDataKey", [("DataKeyName", "a!b")]).await;
    assert_eq!(reply, Err(Code::InvalidParameter));
}

#[tokio::test]
async fn a_data_key_is_not_read_as_a_secret_without_its_own_permission() {
    let kms = Kms::new().await;
    let id = make(&kms, "orders").await;
    let user = kms.without("kms:GetManagedDataKey");
    let there = format!("kms-datakeyversion!orders!{id}");
    let arn = format!("acs:kms:cn-hangzhou:{}:secret/{there}", kms.account);
    for name in [&*there, &*arn, "kms-datakeyversion!none!xH6OPUmz"] {
        let reply = user.call("GetSecretValue", [("SecretName", name)]).await;
        assert_eq!(reply, Err(Code::NoPermission), "{name}");
        let batch = format!(r#"[{{"SecretName":"{name}"}}]"#);
        let reply = user.call("BatchGetSecretValue", [("SecretsList", &*batch)]).await.unwrap();
        assert_eq!(reply.get("Errors.0.Code"), Some(Code::NoPermission.wire()), "{name}");
        assert_eq!(reply.count("SecretValues"), Some(0));
    }
    kms.call("GetSecretValue", [("SecretName", &*there)]).await.unwrap();
}

#[tokio::test]
async fn a_data_key_needs_its_permission_and_that_of_its_secret() {
    let kms = Kms::new().await;
    make(&kms, "orders").await;
    let params = [("DataKeyName", "orders")];
    for action in ["kms:GetManagedDataKey", "kms:GetSecretValue"] {
        let reply = kms.without(action).call("GetManagedDataKey", params).await;
        assert_eq!(reply, Err(Code::NoPermission), "{action}");
    }
    let user = kms.without("kms:ListManagedDataKeyVersions");
    let reply = user.call("ListManagedDataKeyVersions", params).await;
    assert_eq!(reply, Err(Code::NoPermission));
    let user = kms.without("yaoku:CreateManagedDataKeyVersion");
    let reply = user.call("CreateManagedDataKeyVersion", params).await;
    assert_eq!(reply, Err(Code::NoPermission));
}

#[tokio::test]
async fn a_data_key_goes_version_by_version_or_whole_and_only_if_that_is_said() {
    let kms = Kms::new().await;
    let ids = [make(&kms, "orders").await, make(&kms, "orders").await];
    make(&kms, "kept").await;
    let (name, force) = (("DataKeyName", "orders"), ("ForceDeleteWithoutRecovery", "true"));
    let version = ("DataKeyVersionId", &*ids[0]);
    for (params, code) in [
        (vec![name], Code::MissingParameter),
        (vec![name, (force.0, "false")], Code::InvalidParameter),
        (vec![("DataKeyName", "none"), force], Code::ResourceNotFound),
        (vec![name, force, ("DataKeyVersionId", "xH6OPUmz")], Code::ResourceNotFound),
    ] {
        assert_eq!(kms.call_with("DeleteManagedDataKey", &params).await, Err(code), "{params:?}");
    }
    let user = kms.without("yaoku:DeleteManagedDataKey");
    let reply = user.call("DeleteManagedDataKey", [name, force]).await;
    assert_eq!(reply, Err(Code::NoPermission));

    let reply = kms.call("DeleteManagedDataKey", [name, version, force]).await.unwrap();
    assert_eq!(reply.get("DeletedVersions"), Some("1"));
    let reply = kms.call("GetManagedDataKey", [name]).await.unwrap();
    assert_eq!(reply.get("DataKeyVersionId"), Some(&*ids[1]), "the oldest that is left");
    let reply = kms.call("GetManagedDataKey", [name, version]).await;
    assert_eq!(reply, Err(Code::ResourceNotFound), "not from a cache either");
    kms.call("DeleteManagedDataKey", [name, force]).await.unwrap();
    for action in ["GetManagedDataKey", "ListManagedDataKeyVersions"] {
        assert_eq!(kms.call(action, [name]).await, Err(Code::ResourceNotFound), "{action}");
    }
    kms.call("GetManagedDataKey", [("DataKeyName", "kept")]).await.unwrap();
}

#[tokio::test]
async fn an_instance_that_is_full_of_secrets_takes_no_data_key() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    let mut tx = kms.node.store.write().await.unwrap();
    let mut instance = tx.instance(&kms.instance_id).await.unwrap().unwrap();
    instance.secret_quota = 1;
    tx.update_instance(&instance).await.unwrap();
    tx.commit().await.unwrap();
    let params = [("DataKeyName", "orders"), ("EncryptionKeyId", key.as_str())];
    kms.call("CreateManagedDataKeyVersion", params).await.unwrap();
    let reply = kms.call("CreateManagedDataKeyVersion", params).await;
    assert_eq!(reply, Err(Code::LimitExceeded));
}
