//! `GetSecretValue` and `BatchGetSecretValue`. Source: secrets.md §4.4, §4.5, §9 items 6, 9, 20.

use yaoku_wire::error::Code;

use super::{create, put, texts, value};
use crate::testing::{Kms, NOW};

#[tokio::test]
async fn a_version_is_chosen_by_id_by_label_by_both_or_by_neither() {
    let kms = Kms::new().await;
    create(&kms, "a", "one").await;
    put(&kms, "a", "v2", "two", r#"["ACSCurrent","x"]"#).await.unwrap();
    put(&kms, "a", "v3", "three", r#"["y"]"#).await.unwrap();
    put(&kms, "a", "v4", "four", r#"["y"]"#).await.unwrap();
    for (version, stage, expected) in [
        ("", "", Ok("two")),
        ("v1", "", Ok("one")),
        ("v3", "", Ok("three")),
        ("", "ACSCurrent", Ok("two")),
        ("", "ACSPrevious", Ok("one")),
        ("", "y", Ok("four")),
        ("v2", "x", Ok("two")),
        ("v2", "ACSCurrent", Ok("two")),
        ("v1", "ACSCurrent", Err(Code::ResourceNotFound)),
        ("v3", "y", Err(Code::ResourceNotFound)),
        ("v9", "", Err(Code::ResourceNotFound)),
        ("", "z", Err(Code::ResourceNotFound)),
        ("v9", "ACSCurrent", Err(Code::ResourceNotFound)),
        ("", "a b", Err(Code::InvalidParameter)),
    ] {
        let params = [("SecretName", "a"), ("VersionId", version), ("VersionStage", stage)];
        let reply = kms.call("GetSecretValue", params).await;
        let data = reply.as_ref().map(|it| it.get("SecretData").unwrap()).map_err(|it| *it);
        assert_eq!(data, expected, "{version:?} with {stage:?}");
    }
}

#[tokio::test]
async fn get_secret_value_answers_every_field() {
    let kms = Kms::new().await;
    create(&kms, "a", "one").await;
    kms.clock.advance_seconds(60);
    put(&kms, "a", "v2", "two", r#"["ACSCurrent","x"]"#).await.unwrap();
    let arn = format!("acs:kms:cn-hangzhou:{}:secret/a", kms.account);
    for name in ["a", &*arn] {
        let params = [("SecretName", name), ("FetchExtendedConfig", "True")];
        let reply = kms.call("GetSecretValue", params).await.unwrap();
        for (field, expected) in [
            ("SecretName", "a"),
            ("SecretType", "Generic"),
            ("VersionId", "v2"),
            ("SecretData", "two"),
            ("SecretDataType", "text"),
            ("CreateTime", &*NOW.to_string()),
        ] {
            assert_eq!(reply.get(field), Some(expected), "{field}");
        }
        assert_eq!(texts(&reply, "VersionStages.VersionStage"), ["ACSCurrent", "x"]);
        assert_eq!(reply.names().count(), 7);
    }
}

#[tokio::test]
async fn a_value_comes_back_exactly_as_sent() {
    let kms = Kms::new().await;
    create(&kms, "a", "x").await;
    let all =
        ["aGVsbG8=", "not base64", "密钥 \n", "{\"a\":1}", "\u{0}\u{feff}", &"y".repeat(30_720)];
    for (at, data) in all.into_iter().enumerate() {
        let version = format!("v{}", at + 2);
        let params = [
            ("SecretName", "a"),
            ("VersionId", &*version),
            ("SecretData", data),
            ("SecretDataType", "binary"),
        ];
        kms.call("PutSecretValue", params).await.unwrap();
        // Twice: once with a data key that was opened before.
        for _ in 0..2 {
            let reply = kms.call("GetSecretValue", [("SecretName", "a")]).await.unwrap();
            assert_eq!(reply.get("SecretData"), Some(data));
            assert_eq!(reply.get("SecretDataType"), Some("binary"));
        }
    }
    put(&kms, "a", "v99", "x", "").await.unwrap();
    let reply = kms.call("GetSecretValue", [("SecretName", "a")]).await.unwrap();
    assert_eq!(reply.get("SecretDataType"), Some("text"), "the type is not inherited");
}

#[tokio::test]
async fn a_secret_of_another_region_or_a_recipient_is_refused() {
    let kms = Kms::new().await;
    create(&kms, "a", "x").await;
    let elsewhere = format!("acs:kms:cn-beijing:{}:secret/a", kms.account);
    for (name, recipient, expected) in [
        (&*elsewhere, "", Code::ResourceNotFound),
        ("none", "", Code::ResourceNotFound),
        ("a b", "", Code::InvalidParameter),
        ("", "", Code::MissingParameter),
        ("a", "a document", Code::RejectedUnsupportedOperation),
    ] {
        let params = [("SecretName", name), ("Recipient", recipient)];
        assert_eq!(kms.call("GetSecretValue", params).await, Err(expected), "{name}");
    }
    let params = [("SecretName", "a"), ("FetchExtendedConfig", "yes")];
    assert_eq!(kms.call("GetSecretValue", params).await, Err(Code::InvalidParameter));
    assert_eq!(value(&kms, "a").await.unwrap(), "x");
}

#[tokio::test]
async fn a_value_that_xml_cannot_carry_is_refused_there_and_its_event_says_so() {
    let kms = Kms::new().await;
    create(&kms, "a", "\u{1b}[0m").await;
    create(&kms, "b", "plain").await;
    let named = ("SecretName", "a");
    let reply = kms.in_xml().call("GetSecretValue", [named]).await;
    assert_eq!(reply, Err(Code::InvalidFormat));
    kms.in_xml().call("GetSecretValue", [("SecretName", "b")]).await.unwrap();
    assert_eq!(value(&kms, "a").await.unwrap(), "\u{1b}[0m");
    let events = kms.events().await;
    let codes: Vec<_> = events
        .iter()
        .filter(|it| it.action == "kms:GetSecretValue")
        .map(|it| it.code.as_deref())
        .collect();
    assert_eq!(codes, [Some("InvalidParameter.Format"), None, None]);
}

#[tokio::test]
async fn a_dry_run_never_succeeds() {
    let kms = Kms::new().await;
    create(&kms, "a", "x").await;
    let denied = kms.without("kms:GetSecretValue");
    for (kms, name, expected) in [
        (&kms, "a", Code::DryRunOperationError),
        (&kms, "none", Code::ValidationError),
        (&kms, "a b", Code::ValidationError),
        (&denied, "a", Code::AccessDeniedError),
        (&denied, "none", Code::AccessDeniedError),
    ] {
        let params = [("SecretName", name), ("DryRun", "true")];
        assert_eq!(kms.call("GetSecretValue", params).await, Err(expected), "{name}");
    }
}

#[tokio::test]
async fn a_batch_answers_what_it_can() {
    let kms = Kms::new().await;
    for name in ["a", "b", "c"] {
        create(&kms, name, &format!("value of {name}")).await;
    }
    kms.call("DeleteSecret", [("SecretName", "b")]).await.unwrap();
    let list = r#"[{"SecretName":"c","VersionStage":"ACSCurrent"},{"SecretName":"none"},
        {"SecretName":"b"},{"SecretName":"a","VersionId":"v1","FetchExtendedConfig":"true"}]"#;
    let flat = [
        ("SecretsList.1.SecretName", "c"),
        ("SecretsList.2.SecretName", "none"),
        ("SecretsList.3.SecretName", "b"),
        ("SecretsList.4.SecretName", "a"),
    ];
    for params in [&[("SecretsList", list)][..], &flat] {
        let reply = kms.call_with("BatchGetSecretValue", params).await.unwrap();
        assert_eq!(reply.names().collect::<Vec<_>>(), ["SecretValues", "Errors"]);
        assert_eq!((reply.count("SecretValues"), reply.count("Errors")), (Some(2), Some(2)));
        for (path, expected) in [
            ("SecretValues.0.SecretName", "c"),
            ("SecretValues.0.SecretData", "value of c"),
            ("SecretValues.1.SecretName", "a"),
            ("SecretValues.1.VersionStages.VersionStage.0", "ACSCurrent"),
            ("Errors.0.SecretName", "none"),
            ("Errors.0.Code", "Forbidden.ResourceNotFound"),
            ("Errors.0.HttpStatus", "404"),
            ("Errors.1.SecretName", "b"),
            ("Errors.1.Code", "Rejected.ResourceInDeleteWindow"),
            ("Errors.1.HttpStatus", "409"),
        ] {
            assert_eq!(reply.get(path), Some(expected), "{path}");
        }
        let id = |at| reply.get(&format!("SecretValues.{at}.RequestId")).unwrap();
        assert_eq!(id(0).len(), 36);
        assert_eq!(id(0), id(0).to_uppercase());
        assert_ne!(id(0), id(1));
        assert!(reply.get("Errors.0.Message").is_some());
    }
}

#[tokio::test]
async fn a_batch_has_one_to_twenty_different_secrets() {
    let kms = Kms::new().await;
    let list = |count: usize| {
        let items: Vec<_> = (0..count).map(|n| format!(r#"{{"SecretName":"s{n}"}}"#)).collect();
        format!("[{}]", items.join(","))
    };
    for (list, expected) in [
        (list(20), Ok(Some(20))),
        (list(21), Err(Code::InvalidParameter)),
        (list(0), Err(Code::InvalidParameter)),
        (r#"[{"SecretName":"a"},{"SecretName":"a"}]"#.to_owned(), Err(Code::InvalidParameter)),
        (r#"{"SecretName":"a"}"#.to_owned(), Err(Code::InvalidParameter)),
        (r#"[{"VersionId":"v1"}]"#.to_owned(), Err(Code::MissingParameter)),
        (r#"[{"SecretName":"a b"}]"#.to_owned(), Err(Code::InvalidParameter)),
        (r#"["a"]"#.to_owned(), Err(Code::InvalidParameter)),
    ] {
        let reply = kms.call("BatchGetSecretValue", [("SecretsList", &*list)]).await;
        assert_eq!(reply.map(|it| it.count("Errors")), expected, "{list}");
    }
    let reply = kms.call("BatchGetSecretValue", []).await;
    assert_eq!(reply, Err(Code::MissingParameter));
}

crate::testing::on_postgres_too!(
    a_version_is_chosen_by_id_by_label_by_both_or_by_neither,
    get_secret_value_answers_every_field,
    a_value_comes_back_exactly_as_sent,
    a_secret_of_another_region_or_a_recipient_is_refused,
    a_value_that_xml_cannot_carry_is_refused_there_and_its_event_says_so,
    a_dry_run_never_succeeds,
    a_batch_answers_what_it_can,
    a_batch_has_one_to_twenty_different_secrets,
);
