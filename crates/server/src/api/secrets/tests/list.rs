//! `ListSecrets`. Source: secrets.md §4.3, §9 item 8.

use yaoku_wire::error::Code;

use super::create_under;
use crate::testing::Kms;

/// Three secrets, a second apart: `db/orders` (tag team=x), `db/users` (in an instance), `other`.
async fn kms() -> Kms {
    let kms = Kms::new().await;
    let make = |params: Vec<(&'static str, &'static str)>| {
        let rest = [("VersionId", "v1"), ("SecretData", "x")];
        let params = [&params[..], &rest].concat();
        let kms = &kms;
        async move {
            kms.call_with("CreateSecret", &params).await.unwrap();
            kms.clock.advance_seconds(1);
        }
    };
    let tags = r#"[{"TagKey":"team","TagValue":"x"},{"TagKey":"env","TagValue":"y"}]"#;
    make(vec![("SecretName", "db/orders"), ("Tags", tags)]).await;
    let key = kms.key().await;
    create_under(&kms, "db/users", "x", &key).await.unwrap();
    kms.clock.advance_seconds(1);
    make(vec![("SecretName", "a-newer"), ("Description", "50% for the orders")]).await;
    kms
}

async fn list(kms: &Kms, params: &[(&str, &str)]) -> Result<(String, String), Code> {
    let reply = kms.call_with("ListSecrets", params).await?;
    let name = |at| reply.get(&format!("SecretList.Secret.{at}.SecretName")).unwrap();
    let names: Vec<_> = (0..reply.count("SecretList.Secret").unwrap()).map(name).collect();
    Ok((names.join(" "), reply.get("TotalCount").unwrap().to_owned()))
}

#[tokio::test]
async fn filters_of_one_key_are_alternatives_and_of_several_are_all_asked() {
    let kms = kms().await;
    let instance = format!(r#"[{{"Key":"DKMSInstanceId","Values":["{}"]}}]"#, kms.instance_id);
    let creator = format!(r#"[{{"Key":"Creator","Values":["{}"]}}]"#, kms.account);
    for (filters, expected) in [
        ("", "db/orders db/users a-newer"),
        ("[]", "db/orders db/users a-newer"),
        (r#"[{"Key":"SecretName","Values":["db/orders","a-newer"]}]"#, "db/orders a-newer"),
        (r#"[{"Key":"SecretName","Values":["db/*"]}]"#, "db/orders db/users"),
        (r#"[{"Key":"SecretName","Values":["*"]}]"#, "db/orders db/users a-newer"),
        (r#"[{"Key":"SecretName","Values":["DB/*"]}]"#, ""),
        (r#"[{"Key":"SecretName","Values":[]}]"#, "db/orders db/users a-newer"),
        (
            r#"[{"Key":"SecretName","Values":["a-newer"]},{"Key":"SecretName","Values":["db/users"]}]"#,
            "db/users a-newer",
        ),
        (r#"[{"Key":"Description","Values":["50% for"]}]"#, "a-newer"),
        (r#"[{"Key":"TagKey","Values":["team"]}]"#, "db/orders"),
        (r#"[{"Key":"TagValue","Values":["x"]}]"#, "db/orders"),
        (r#"[{"Key":"TagKey","Values":["team"]},{"Key":"TagValue","Values":["y"]}]"#, ""),
        (&*instance, "db/users"),
        (&*creator, "db/orders db/users a-newer"),
        (r#"[{"Key":"SecretType","Values":["GENERIC"]}]"#, "db/orders db/users a-newer"),
        (r#"[{"Key":"SecretType","Values":["RDS"]}]"#, ""),
        (
            r#"[{"Key":"SecretName","Values":["db/*"]},{"Key":"TagKey","Values":["team"]}]"#,
            "db/orders",
        ),
    ] {
        let (names, total) = list(&kms, &[("Filters", filters)]).await.unwrap();
        assert_eq!(names, expected, "{filters}");
        assert_eq!(total, names.split_whitespace().count().to_string(), "{filters}");
    }
}

#[tokio::test]
async fn filters_that_are_none_are_refused() {
    let kms = kms().await;
    let one = r#"{"Key":"SecretName","Values":["a"]}"#;
    let eleven = format!("[{}]", [one; 11].join(","));
    let long =
        |key: &str, len: usize| format!(r#"[{{"Key":"{key}","Values":["{}"]}}]"#, "n".repeat(len));
    for filters in [
        one,
        &eleven,
        r#"[{"Key":"Name","Values":["a"]}]"#,
        r#"[{"Key":"SecretName","Values":["a b"]}]"#,
        r#"[{"Key":"SecretName","Values":["a*b"]}]"#,
        r#"[{"Key":"SecretName","Values":[""]}]"#,
        &long("SecretName", 193),
        &long("Description", 257),
    ] {
        let reply = list(&kms, &[("Filters", filters)]).await;
        assert_eq!(reply, Err(Code::InvalidParameter), "{filters}");
    }
    list(&kms, &[("Filters", &long("SecretName", 192))]).await.unwrap();
}

#[tokio::test]
async fn secrets_are_listed_page_by_page_oldest_first() {
    let kms = kms().await;
    for (number, size, expected) in [
        ("1", "2", Ok("db/orders db/users")),
        ("2", "2", Ok("a-newer")),
        ("3", "2", Ok("")),
        ("1", "100", Ok("db/orders db/users a-newer")),
        ("1", "0", Err(Code::InvalidParameter)),
        ("1", "101", Err(Code::InvalidParameter)),
        ("0", "1", Err(Code::InvalidParameter)),
    ] {
        let reply = list(&kms, &[("PageNumber", number), ("PageSize", size)]).await;
        let expected = expected.map(|it| (it.to_owned(), "3".to_owned()));
        assert_eq!(reply, expected, "page {number} of {size}");
    }
}

#[tokio::test]
async fn an_item_has_its_times_and_where_asked_its_tags() {
    let kms = kms().await;
    let reply = kms.call("ListSecrets", [("FetchTags", "true")]).await.unwrap();
    let item = reply.fields("SecretList.Secret.0").unwrap();
    let names: Vec<_> = item.names().collect();
    assert_eq!(names, ["SecretName", "SecretType", "CreateTime", "UpdateTime", "Tags"]);
    assert_eq!(item.get("Tags.Tag.0.TagKey"), Some("env"));
    assert_eq!(reply.count("SecretList.Secret.1.Tags.Tag"), Some(0), "the wrapper stays");
    assert_eq!((reply.get("PageNumber"), reply.get("PageSize")), (Some("1"), Some("10")));
    let reply = kms.call("ListSecrets", []).await.unwrap();
    assert_eq!(reply.fields("SecretList.Secret.0.Tags"), None);
}

#[tokio::test]
async fn no_account_sees_another_ones_secrets() {
    let kms = kms().await;
    let stranger = kms.as_stranger().await;
    assert_eq!(list(&stranger, &[]).await.unwrap(), (String::new(), "0".to_owned()));
    let creator = format!(r#"[{{"Key":"Creator","Values":["{}"]}}]"#, kms.account);
    let reply = list(&stranger, &[("Filters", &creator)]).await.unwrap();
    assert_eq!(reply.1, "0");
}

crate::testing::on_postgres_too!(
    filters_of_one_key_are_alternatives_and_of_several_are_all_asked,
    filters_that_are_none_are_refused,
    secrets_are_listed_page_by_page_oldest_first,
    an_item_has_its_times_and_where_asked_its_tags,
    no_account_sees_another_ones_secrets,
);
