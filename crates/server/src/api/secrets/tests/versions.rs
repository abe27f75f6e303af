//! Versions and labels. Source: secrets.md §2, §4.6, §4.7, §4.9, §9 items 3 to 5.

use yaoku_model::secret::SecretType;
use yaoku_wire::error::Code;

use super::{commit, create, put, rows, texts, value, versions};
use crate::testing::Kms;

async fn kms() -> Kms {
    let kms = Kms::new().await;
    create(&kms, "a", "one").await;
    kms
}

#[tokio::test]
async fn a_put_makes_its_version_current_unless_it_says_otherwise() {
    for (stages, expected) in [
        ("", "v1=ACSPrevious v2=ACSCurrent"),
        ("[]", "v1=ACSPrevious v2=ACSCurrent"),
        (r#"["ACSCurrent"]"#, "v1=ACSPrevious v2=ACSCurrent"),
        (r#"{"VersionStage":["ACSCurrent"]}"#, "v1=ACSPrevious v2=ACSCurrent"),
        (r#"["ACSCurrent","ACSNext"]"#, "v1=ACSPrevious v2=ACSCurrent,ACSNext"),
        (r#"["x","x"]"#, "v1=ACSCurrent v2=x"),
        (r#"{"VersionStage":["x","y"]}"#, "v1=ACSCurrent v2=x,y"),
        (r#"["ACSPrevious"]"#, "v1=ACSCurrent v2=ACSPrevious"),
    ] {
        let kms = kms().await;
        let reply = put(&kms, "a", "v2", "two", stages).await.unwrap();
        let names: Vec<_> = reply.names().collect();
        assert_eq!(names, ["SecretName", "VersionId", "VersionStages"]);
        let answered = texts(&reply, "VersionStages.VersionStage").join(",");
        assert!(expected.ends_with(&format!("v2={answered}")), "{stages}: {answered}");
        assert_eq!(versions(&kms, "a").await, expected, "{stages}");
        let current = if expected.contains("v2=ACSCurrent") { "two" } else { "one" };
        assert_eq!(value(&kms, "a").await.unwrap(), current, "{stages}");
    }
}

#[tokio::test]
async fn put_secret_value_refuses_what_breaks_a_limit() {
    let kms = kms().await;
    let before = rows(&kms, "a").await;
    let (long, data) = ("v".repeat(65), "x".repeat(30_721));
    for (version, data, stages, expected) in [
        (&*long, "x", "", Code::InvalidParameter),
        ("v 2", "x", "", Code::InvalidParameter),
        ("v2", &*data, "", Code::InvalidParameter),
        ("v2", "", "", Code::MissingParameter),
        ("v2", "x", "ACSCurrent", Code::InvalidParameter),
        ("v2", "x", "1", Code::InvalidParameter),
        ("v2", "x", "[1]", Code::InvalidParameter),
        ("v2", "x", r#"["a b"]"#, Code::InvalidParameter),
        ("v2", "x", r#"["ACSCurrent","ACSPrevious"]"#, Code::InvalidParameter),
        ("v2", "x", r#"["a","b","c","d","e","f","g","h"]"#, Code::LimitExceeded),
    ] {
        assert_eq!(put(&kms, "a", version, data, stages).await, Err(expected), "{stages}");
    }
    assert_eq!(put(&kms, "none", "v2", "x", "").await, Err(Code::ResourceNotFound));
    assert_eq!(rows(&kms, "a").await, before);
}

#[tokio::test]
async fn the_same_version_again_changes_nothing() {
    let kms = kms().await;
    put(&kms, "a", "v2", "two", "").await.unwrap();
    let before = rows(&kms, "a").await;
    for (version, data, stages, expected) in [
        ("v1", "one", "", Ok("ACSPrevious")),
        ("v1", "one", r#"["x"]"#, Ok("ACSPrevious")),
        ("v2", "two", r#"["ACSCurrent"]"#, Ok("ACSCurrent")),
        ("v1", "two", "", Err(Code::ResourceExist)),
        ("v2", "twp", "", Err(Code::ResourceExist)),
        ("v2", "two ", "", Err(Code::ResourceExist)),
    ] {
        let reply = put(&kms, "a", version, data, stages).await;
        let reply = reply.map(|it| texts(&it, "VersionStages.VersionStage").join(","));
        assert_eq!(reply.as_deref().map_err(|it| *it), expected, "{version}, {data}");
    }
    let params = [
        ("SecretName", "a"),
        ("VersionId", "v1"),
        ("SecretData", "one"),
        ("SecretDataType", "binary"),
    ];
    assert_eq!(kms.call("PutSecretValue", params).await, Err(Code::ResourceExist));
    assert_eq!(rows(&kms, "a").await, before);
}

#[tokio::test]
async fn ten_versions_are_kept() {
    let kms = kms().await;
    for n in 2..=11 {
        kms.clock.advance_seconds(1);
        put(&kms, "a", &format!("v{n}"), &format!("value {n}"), "").await.unwrap();
    }
    let expected = "v2= v3= v4= v5= v6= v7= v8= v9= v10=ACSPrevious v11=ACSCurrent";
    assert_eq!(versions(&kms, "a").await, expected);
    let read = |version: &'static str| {
        kms.call("GetSecretValue", [("SecretName", "a"), ("VersionId", version)])
    };
    assert_eq!(read("v1").await, Err(Code::ResourceNotFound));
    assert_eq!(read("v2").await.unwrap().get("SecretData"), Some("value 2"));
    // The id of a version that was removed is free again.
    put(&kms, "a", "v1", "another", "").await.unwrap();
    assert_eq!(read("v1").await.unwrap().get("SecretData"), Some("another"));
}

#[tokio::test]
async fn a_version_with_a_label_is_kept() {
    let kms = kms().await;
    let keep = [("SecretName", "a"), ("VersionStage", "keep"), ("MoveToVersion", "v1")];
    kms.call("UpdateSecretVersionStage", keep).await.unwrap();
    for n in 2..=12 {
        put(&kms, "a", &format!("v{n}"), "x", "").await.unwrap();
    }
    let expected = "v1=keep v4= v5= v6= v7= v8= v9= v10= v11=ACSPrevious v12=ACSCurrent";
    assert_eq!(versions(&kms, "a").await, expected);
}

#[tokio::test]
async fn versions_are_listed_page_by_page() {
    let kms = kms().await;
    for n in 2..=12 {
        kms.clock.advance_seconds(1);
        put(&kms, "a", &format!("v{n}"), "x", "").await.unwrap();
    }
    for (all, number, size, expected, total) in [
        ("", "", "", "v11 v12", "2"),
        ("false", "", "", "v11 v12", "2"),
        ("True", "", "", "v3 v4 v5 v6 v7 v8 v9 v10 v11 v12", "10"),
        ("true", "1", "4", "v3 v4 v5 v6", "10"),
        ("true", "3", "4", "v11 v12", "10"),
        ("true", "4", "4", "", "10"),
        ("", "2", "1", "v12", "2"),
    ] {
        let params = [
            ("SecretName", "a"),
            ("IncludeDeprecated", all),
            ("PageNumber", number),
            ("PageSize", size),
        ];
        let reply = kms.call("ListSecretVersionIds", params).await.unwrap();
        let count = reply.count("VersionIds.VersionId").unwrap();
        let id = |at| reply.get(&format!("VersionIds.VersionId.{at}.VersionId")).unwrap();
        let ids: Vec<_> = (0..count).map(id).collect();
        assert_eq!(ids.join(" "), expected, "{params:?}");
        assert_eq!(reply.get("TotalCount"), Some(total));
        assert_eq!(reply.get("SecretName"), Some("a"));
        let default = |it: &'static str, default| if it.is_empty() { default } else { it };
        assert_eq!(reply.get("PageNumber"), Some(default(number, "1")));
        assert_eq!(reply.get("PageSize"), Some(default(size, "20")));
    }
    for (name, value) in [("PageSize", "0"), ("PageSize", "101"), ("PageNumber", "0")] {
        let params = [("SecretName", "a"), (name, value)];
        let reply = kms.call("ListSecretVersionIds", params).await;
        assert_eq!(reply, Err(Code::InvalidParameter), "{name} {value}");
    }
}

#[tokio::test]
async fn a_label_moves_by_the_rules() {
    // Source: secrets.md §2, rows "Update": label, from, to. v1 was previous, v2 current, v3 `x`.
    let before = "v1=ACSPrevious v2=ACSCurrent v3=x";
    for (stage, from, to, expected) in [
        ("ACSCurrent", "", "v1", Ok("v1=ACSCurrent v2=ACSPrevious v3=x")),
        ("ACSCurrent", "v2", "v3", Ok("v1= v2=ACSPrevious v3=ACSCurrent,x")),
        ("ACSCurrent", "", "v2", Ok(before)),
        ("ACSCurrent", "v1", "v2", Ok(before)),
        ("ACSCurrent", "v1", "v3", Err(Code::InvalidParameter)),
        ("ACSCurrent", "v2", "", Err(Code::InvalidParameter)),
        ("ACSPrevious", "", "v3", Ok("v1= v2=ACSCurrent v3=ACSPrevious,x")),
        ("ACSPrevious", "", "v2", Err(Code::InvalidParameter)),
        ("ACSPrevious", "v1", "", Err(Code::InvalidParameter)),
        ("x", "", "v1", Ok("v1=ACSPrevious,x v2=ACSCurrent v3=")),
        ("x", "v3", "v2", Ok("v1=ACSPrevious v2=ACSCurrent,x v3=")),
        ("x", "v3", "", Ok("v1=ACSPrevious v2=ACSCurrent v3=")),
        ("x", "v2", "", Err(Code::InvalidParameter)),
        ("x", "v2", "v1", Err(Code::InvalidParameter)),
        ("x", "", "", Err(Code::MissingParameter)),
        ("", "", "v1", Err(Code::MissingParameter)),
        ("x", "", "v9", Err(Code::ResourceNotFound)),
        ("x", "v9", "", Err(Code::ResourceNotFound)),
        ("ACSCurrent", "", "v9", Err(Code::ResourceNotFound)),
    ] {
        let kms = kms().await;
        put(&kms, "a", "v2", "two", "").await.unwrap();
        put(&kms, "a", "v3", "three", r#"["x"]"#).await.unwrap();
        let params = [
            ("SecretName", "a"),
            ("VersionStage", stage),
            ("RemoveFromVersion", from),
            ("MoveToVersion", to),
        ];
        let reply = kms.call("UpdateSecretVersionStage", params).await;
        let name = reply.as_ref().map(|it| it.get("SecretName")).map_err(|it| *it);
        assert_eq!(name, expected.map(|_| Some("a")), "{params:?}");
        assert_eq!(versions(&kms, "a").await, expected.unwrap_or(before), "{params:?}");
    }
}

#[tokio::test]
async fn only_the_service_versions_other_types() {
    let kms = kms().await;
    let mut tx = kms.node.store.write().await.unwrap();
    let (mut secret, _) = tx.secret(&kms.account, &"a".parse().unwrap()).await.unwrap().unwrap();
    tx.delete_secret(&secret.account, &secret.name).await.unwrap();
    secret.kind = SecretType::Rds;
    tx.insert_secret(&secret).await.unwrap();
    commit(&kms, tx).await;
    let before = rows(&kms, "a").await;
    let label = [("SecretName", "a"), ("VersionStage", "x"), ("MoveToVersion", "v1")];
    let expected = Err(Code::RejectedUnsupportedOperation);
    assert_eq!(kms.call("UpdateSecretVersionStage", label).await, expected);
    assert_eq!(put(&kms, "a", "v2", "x", "").await, expected);
    assert_eq!(rows(&kms, "a").await, before);
}

#[tokio::test]
async fn a_ninth_label_is_refused() {
    let kms = kms().await;
    put(&kms, "a", "v2", "x", r#"["b","c","d","e","f","g"]"#).await.unwrap();
    let label = |stage: &'static str| {
        let params = [("SecretName", "a"), ("VersionStage", stage), ("MoveToVersion", "v2")];
        kms.call("UpdateSecretVersionStage", params)
    };
    label("h").await.unwrap();
    let before = versions(&kms, "a").await;
    // The ninth would be `i`, or ACSPrevious.
    assert_eq!(label("i").await, Err(Code::LimitExceeded));
    assert_eq!(label("ACSCurrent").await, Err(Code::LimitExceeded));
    assert_eq!(put(&kms, "a", "v3", "x", "").await, Err(Code::LimitExceeded));
    assert_eq!(versions(&kms, "a").await, before);
}

#[tokio::test]
async fn a_rotation_by_functions_can_be_repeated_at_every_step() {
    // Source: secrets.md §7.
    let kms = kms().await;
    let pending = [("SecretName", "a"), ("VersionId", "v2"), ("VersionStage", "ACSPending")];
    assert_eq!(kms.call("GetSecretValue", pending).await, Err(Code::ResourceNotFound));
    for _ in 0..2 {
        put(&kms, "a", "v2", "two", r#"["ACSPending"]"#).await.unwrap();
    }
    kms.call("GetSecretValue", pending).await.unwrap();
    assert_eq!(value(&kms, "a").await.unwrap(), "one");
    let finish = [
        ("SecretName", "a"),
        ("VersionStage", "ACSCurrent"),
        ("MoveToVersion", "v2"),
        ("RemoveFromVersion", "v1"),
    ];
    for _ in 0..2 {
        kms.call("UpdateSecretVersionStage", finish).await.unwrap();
    }
    assert_eq!(value(&kms, "a").await.unwrap(), "two");
    assert_eq!(versions(&kms, "a").await, "v1=ACSPrevious v2=ACSCurrent,ACSPending");
}

crate::testing::on_postgres_too!(
    a_put_makes_its_version_current_unless_it_says_otherwise,
    put_secret_value_refuses_what_breaks_a_limit,
    the_same_version_again_changes_nothing,
    ten_versions_are_kept,
    a_version_with_a_label_is_kept,
    versions_are_listed_page_by_page,
    a_label_moves_by_the_rules,
    only_the_service_versions_other_types,
    a_ninth_label_is_refused,
    a_rotation_by_functions_can_be_repeated_at_every_step,
);
