//! Rotations that somebody asks for: how many an hour, and none while one runs. Source: secrets.md §1.5,
//! §4.11, §9 items 7 and 12.

use yaoku_server::{
    api::{Product, operation},
    throttle::Limits,
};

use crate::{
    params,
    support::{Database, Party, World, client::Answer},
};

on_both!(
    the_fifty_first_call_within_an_hour_is_refused,
    a_deletion_is_refused_and_taken_back_in_the_documented_words,
    while_both_access_keys_work_the_refusal_has_the_documented_words,
);

async fn rotate(world: &World, by: &Party, name: &str, version: &str) -> Answer {
    world.call(by, "RotateSecret", &[("SecretName", name), ("VersionId", version)]).await
}

/// Every call counts, also one that asks for a version there is.
async fn the_fifty_first_call_within_an_hour_is_refused(database: Database) {
    let world = World::throttled(database, Limits::generous()).await;
    let (root, other) = (world.account().await, world.account().await);
    for by in [&root, &other] {
        let made = [
            ("SecretName", "a"),
            ("VersionId", "v1"),
            ("SecretType", "Rds"),
            ("SecretData", r#"{"Accounts":[{"AccountName":"app","AccountPassword":"p1"}]}"#),
            ("ExtendedConfig", r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#),
        ];
        world.done(by, "CreateSecret", &made).await;
    }
    for nth in 1..=50 {
        let answer = rotate(&world, &root, "a", "v1").await;
        assert_eq!(answer.status, 200, "{nth}: {answer:?}");
    }
    let answer = rotate(&world, &root, "a", "v1").await;
    assert_eq!((answer.status, &*answer.code()), (429, "Rejected.Throttling"));
    assert_eq!(answer.retry_after, Some(72_000));
    assert_eq!(rotate(&world, &other, "a", "v1").await.status, 200, "an account of its own");
    world.done(&root, "DescribeSecret", &[("SecretName", "a")]).await;
    world.clock.advance_seconds(3600);
    // On a shared store, the node has to hear of it again before it answers anybody.
    while world.call(&root, "DescribeSecret", &[("SecretName", "a")]).await.status == 503 {
        tokio::task::yield_now().await;
    }
    let answer = rotate(&world, &root, "a", "v1").await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn while_both_access_keys_work_the_refusal_has_the_documented_words(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let ram = async |action, sent: &[(&str, &str)]| {
        let spec = operation(Product::Ram, action).unwrap().spec;
        let answer = world.call_of(&root, spec, &params(sent)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    };
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["kms.aliyuncs.com"]}}]}"#;
    let role = "AliyunKMSManagedRAMCrendentialsRole";
    ram("CreateRole", &[("RoleName", role), ("AssumeRolePolicyDocument", trust)]).await;
    ram("CreateUser", &[("UserName", "ci")]).await;
    let key = ram("CreateAccessKey", &[("UserName", "ci")]).await;
    let text = |name: &str| key.text(&format!("/AccessKey/{name}"));
    let (id, secret) = (text("AccessKeyId"), text("AccessKeySecret"));
    let data =
        format!(r#"{{"AccessKeys":[{{"AccessKeyId":"{id}","AccessKeySecret":"{secret}"}}]}}"#);
    let made = [
        ("SecretName", "$Auto"),
        ("VersionId", "v1"),
        ("SecretType", "RAMCredentials"),
        ("SecretData", &data),
        ("ExtendedConfig", r#"{"SecretSubType":"RamUserAccessKey","UserName":"ci"}"#),
    ];
    world.done(&root, "CreateSecret", &made).await;
    let name = "acs/ram/user/ci";
    assert_eq!(rotate(&world, &root, name, "v2").await.status, 200);
    let policy =
        [("SecretName", name), ("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    for answer in [
        rotate(&world, &root, name, "v3").await,
        world.call(&root, "UpdateSecretRotationPolicy", &policy).await,
    ] {
        assert_eq!((answer.status, &*answer.code()), (409, "Rejected.ResourceInUse"));
        assert_eq!(answer.message(), "Your secret is being rotated, please try again later.");
    }
}

/// Each of two codes has other words in another place.
async fn a_deletion_is_refused_and_taken_back_in_the_documented_words(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let (name, make) = (("SecretName", "a"), [("VersionId", "v1"), ("SecretData", "x")]);
    let make = [&[name][..], &make].concat();
    let refused = async |action, sent: &[(&str, &str)]| {
        let answer = world.call(&root, action, sent).await;
        assert_eq!(answer.status, 409, "{answer:?}");
        (answer.code(), answer.message())
    };
    let texts = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    world.done(&root, "CreateSecret", &make).await;
    let (exists, said) = refused("CreateSecret", &make).await;
    assert_eq!((&*exists, &*said), ("Rejected.ResourceExist", "The resource already exists."));
    let unneeded = texts("Rejected.ResourceInUse", "restore normal secret");
    assert_eq!(refused("RestoreSecret", &[name]).await, unneeded);
    world.done(&root, "DeleteSecret", &[name]).await;
    let code = "Rejected.ResourceInDeleteWindow";
    assert_eq!(refused("DeleteSecret", &[name]).await, texts(code, "secret in delete peroid"));
    let planned = texts(code, "The secret is planned to be deleted.");
    assert_eq!(refused("CreateSecret", &make).await, planned);
    assert_eq!(refused("GetSecretValue", &[name]).await, planned);
    world.done(&root, "RestoreSecret", &[name]).await;
    assert_eq!(refused("RestoreSecret", &[name]).await, unneeded);
    world.stop().await.events_equal_answers().await;
}
