//! Who may do what. Source: secrets.md §1.7; identity.md §4.1 to §4.3.

use yaoku_wire::error::Code;

use super::{create, create_under, put, rows, value};
use crate::testing::Kms;

fn allow(actions: &str, resources: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":[{resources}]}}]}}"#
    )
}

#[tokio::test]
async fn a_refusal_does_not_say_what_exists() {
    let kms = Kms::new().await;
    create(&kms, "a", "x").await;
    let before = rows(&kms, "a").await;
    for (action, rest) in [
        ("DescribeSecret", &[][..]),
        ("GetSecretValue", &[]),
        ("PutSecretValue", &[("VersionId", "v1"), ("SecretData", "y")]),
        ("ListSecretVersionIds", &[]),
        ("UpdateSecret", &[("Description", "d")]),
        ("UpdateSecretVersionStage", &[("VersionStage", "x"), ("MoveToVersion", "v1")]),
        ("DeleteSecret", &[]),
        ("RestoreSecret", &[]),
        ("CreateSecret", &[("VersionId", "v1"), ("SecretData", "y")]),
    ] {
        let user = kms.without(&format!("kms:{action}"));
        let stranger = kms.as_stranger().await;
        let arn = format!("acs:kms:cn-hangzhou:{}:secret/a", kms.account);
        for name in ["a", "none"] {
            let params = [&[("SecretName", name)], rest].concat();
            let reply = user.call_with(action, &params).await;
            assert_eq!(reply, Err(Code::NoPermission), "{action} {name}");
        }
        if action != "CreateSecret" {
            let params = [&[("SecretName", &*arn)], rest].concat();
            let reply = stranger.call_with(action, &params).await;
            assert_eq!(reply, Err(Code::NoPermission), "{action} by a stranger");
        }
    }
    for action in ["ListSecrets", "GetRandomPassword"] {
        let user = kms.without(&format!("kms:{action}"));
        assert_eq!(user.call(action, []).await, Err(Code::NoPermission), "{action}");
    }
    assert_eq!(rows(&kms, "a").await, before);
}

#[tokio::test]
async fn a_secret_under_a_customers_key_needs_that_key_too() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    create_under(&kms, "a", "x", &key).await.unwrap();
    create(&kms, "b", "y").await;
    let before = (rows(&kms, "a").await, rows(&kms, "c").await);

    let user = kms.without("kms:GenerateDataKey");
    assert_eq!(create_under(&user, "c", "x", &key).await, Err(Code::NoPermission));
    assert_eq!(put(&user, "a", "v2", "y", "").await, Err(Code::NoPermission));
    assert_eq!(put(&user, "a", "v1", "x", "").await, Err(Code::NoPermission));
    assert_eq!((rows(&kms, "a").await, rows(&kms, "c").await), before);
    value(&user, "a").await.unwrap();
    // The service's key asks for nothing.
    put(&user, "b", "v2", "z", "").await.unwrap();
    create(&user, "d", "x").await;

    let user = kms.without("kms:Decrypt");
    // Also when its data key was opened for somebody else.
    value(&kms, "a").await.unwrap();
    assert_eq!(value(&user, "a").await, Err(Code::NoPermission));
    assert_eq!(value(&user, "b").await.unwrap(), "z");
    put(&user, "a", "v2", "y", "").await.unwrap();
}

#[tokio::test]
async fn the_container_or_the_item_will_do() {
    let kms = Kms::new().await;
    for (resources, may_create, may_list) in [
        (r#""acs:kms:*:*:secret""#, true, true),
        (r#""acs:kms:*:*:secret/*""#, true, true),
        (r#""acs:kms:*:*:secret/a""#, true, false),
        (r#""acs:kms:*:*:secret/b""#, false, false),
        (r#""acs:kms:*:*:key/*""#, false, false),
    ] {
        let actions = r#""kms:CreateSecret","kms:ListSecrets""#;
        let user = kms.as_user(&[&allow(actions, resources)]);
        let params = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "x")];
        let made = user.call("CreateSecret", params).await;
        assert_eq!(made.is_ok(), may_create, "{resources}");
        assert_eq!(user.call("ListSecrets", []).await.is_ok(), may_list, "{resources}");
        if may_create {
            let force = [("SecretName", "a"), ("ForceDeleteWithoutRecovery", "true")];
            kms.call("DeleteSecret", force).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_batch_is_judged_item_by_item() {
    let kms = Kms::new().await;
    create(&kms, "a", "x").await;
    create(&kms, "b", "y").await;
    let user = kms.as_user(&[&allow(r#""kms:GetSecretValue""#, r#""acs:kms:*:*:secret/a""#)]);
    let list = r#"[{"SecretName":"a"},{"SecretName":"b"},{"SecretName":"none"}]"#;
    let reply = user.call("BatchGetSecretValue", [("SecretsList", list)]).await.unwrap();
    assert_eq!(reply.get("SecretValues.0.SecretData"), Some("x"));
    for at in 0..2 {
        let code = reply.get(&format!("Errors.{at}.Code"));
        assert_eq!(code, Some("Forbidden.NoPermission"), "{at}");
    }
    assert_eq!((reply.count("SecretValues"), reply.count("Errors")), (Some(1), Some(2)));
}

#[tokio::test]
async fn a_tag_decides_where_a_policy_asks_for_it() {
    let kms = Kms::new().await;
    for (name, tags) in [("a", r#"[{"TagKey":"team","TagValue":"x"}]"#), ("b", "")] {
        let params =
            [("SecretName", name), ("VersionId", "v1"), ("SecretData", "x"), ("Tags", tags)];
        kms.call("CreateSecret", params).await.unwrap();
    }
    let if_tagged = |key: &str| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"kms:*",
                "Resource":"*","Condition":{{"StringEquals":{{"{key}":["x"]}}}}}}]}}"#
        )
    };
    let user = kms.as_user(&[&if_tagged("acs:ResourceTag/team")]);
    value(&user, "a").await.unwrap();
    assert_eq!(value(&user, "b").await, Err(Code::NoPermission));
    // That is of keys alone. Source: identity.md §4.4.
    let user = kms.as_user(&[&if_tagged("kms:tag/team")]);
    assert_eq!(value(&user, "a").await, Err(Code::NoPermission));
}

#[tokio::test]
async fn an_event_names_the_secret_and_the_key_once() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    create_under(&kms, "a", "x", &key).await.unwrap();
    value(&kms, "a").await.unwrap();
    let account = kms.account.clone();
    let events = kms.events().await;
    let resources = |action: &str| {
        events.iter().find(|it| it.action == action).map(|it| it.resources.clone()).unwrap()
    };
    let of = |path: &str| format!("acs:kms:cn-hangzhou:{account}:{path}");
    let key = of(&format!("key/{key}"));
    assert_eq!(resources("kms:CreateSecret"), [of("secret"), key.clone(), of("secret/a")]);
    assert_eq!(resources("kms:GetSecretValue"), [of("secret/a"), key]);
}

crate::testing::on_postgres_too!(
    a_refusal_does_not_say_what_exists,
    a_secret_under_a_customers_key_needs_that_key_too,
    the_container_or_the_item_will_do,
    a_batch_is_judged_item_by_item,
    a_tag_decides_where_a_policy_asks_for_it,
    an_event_names_the_secret_and_the_key_once,
);
