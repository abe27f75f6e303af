//! What people are told of managed secrets: by the documentation, by refusals, and by notices.

use yaoku_wire::error::Code;

use super::{
    create,
    managed::{ACCOUNTS, RDS, rds, with_user},
};
use crate::{
    api::{Product, operation},
    testing::Kms,
};

const DOCUMENT: &str = include_str!("../../../../../../docs/managed-secrets.md");

/// The examples of the documentation: type, config and value of each.
fn examples() -> Vec<[&'static str; 3]> {
    let after = |name| {
        let lines = DOCUMENT.lines();
        lines.filter_map(move |it| it.strip_prefix("    ")?.strip_prefix(name).map(str::trim))
    };
    let (kinds, configs) = (after("Type "), after("ExtendedConfig "));
    let all = kinds.zip(configs).zip(after("SecretData "));
    all.map(|((kind, config), data)| [kind, config, data]).collect()
}

#[tokio::test]
async fn every_example_of_the_documentation_is_taken() {
    let (kms, key) = with_user().await;
    let examples = examples();
    let kinds: Vec<_> = examples.iter().map(|it| it[0]).collect();
    assert_eq!(
        kinds,
        ["Rds", "Rds", "Redis", "PolarDB", "PolarDB", "ECS", "ECS", "RAMCredentials"]
    );
    for (nth, [kind, config, data]) in examples.into_iter().enumerate() {
        let name = match kind {
            "ECS" => format!("acs/ecs/{nth}"),
            "RAMCredentials" => "$Auto".to_owned(),
            _ => format!("s{nth}"),
        };
        let data = data.replace(r#"{"AccessKeyId":"LTAI…","AccessKeySecret":"…"}"#, &key);
        let params = [
            ("SecretName", &*name),
            ("VersionId", "v1"),
            ("SecretType", kind),
            ("SecretData", &data),
            ("ExtendedConfig", config),
        ];
        let made = kms.call("CreateSecret", params).await;
        assert!(made.is_ok(), "{kind} {config}: {:?}", made.err());
    }
}

/// What is said of a secret of accounts that cannot be made.
fn refused(name: &str, wrong: &str) -> String {
    let good = [
        ("SecretName", "a"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("SecretData", ACCOUNTS),
        ("ExtendedConfig", RDS),
    ];
    let sent = good.into_iter().map(|it| if it.0 == name { (name, wrong) } else { it });
    let refused = operation(Product::Kms, "CreateSecret").unwrap().parse(&mut sent.collect());
    refused.err().unwrap().refusal().message().to_owned()
}

#[test]
fn a_refusal_names_the_member_and_what_it_should_be() {
    for (name, wrong, expected) in [
        (
            "ExtendedConfig",
            r#"{"SecretSubType":"DoubleUsers"}"#,
            "The specified parameter \"ExtendedConfig.DBInstanceId\" is not valid: expected the id \
             of a target: 1 to 128 letters, digits and . _ -.",
        ),
        (
            "ExtendedConfig",
            r#"{"SecretSubType":"Password","DBInstanceId":"rm-1"}"#,
            "The specified parameter \"ExtendedConfig.SecretSubType\" is not valid: expected \
             SingleUser or DoubleUsers.",
        ),
        (
            "ExtendedConfig",
            "rm-1",
            "The specified parameter \"ExtendedConfig\" is not valid: expected a JSON object of at \
             most 1024 characters.",
        ),
        (
            "SecretData",
            r#"{"Accounts":[{"AccountName":"app"}]}"#,
            "The specified parameter \"SecretData.Accounts.AccountPassword\" is not valid: expected \
             a text that is not empty.",
        ),
        (
            "SecretData",
            "c4n4ry",
            "The specified parameter \"SecretData\" is not valid: expected \
             {\"Accounts\":[{\"AccountName\":\"…\",\"AccountPassword\":\"…\"}]}.",
        ),
    ] {
        assert_eq!(refused(name, wrong), expected);
    }
    let said = refused("SecretType", "ECS");
    assert!(said.contains("\"ExtendedConfig.SecretSubType\""), "of its own type: {said}");
}

#[tokio::test]
async fn what_is_told_of_one_secret_is_told_to_whoever_may_ask_about_it() {
    let kms = Kms::new().await;
    for name in ["a", "b"] {
        create(&kms, name, "x").await;
        kms.call("DeleteSecret", [("SecretName", name)]).await.unwrap();
        kms.clock.advance_seconds(1);
    }
    let allow = |resource: &str| {
        let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"yaoku:ListNotices",
            "Resource":"RESOURCE"}]}"#;
        kms.as_user(&[&policy.replace("RESOURCE", resource)])
    };
    let about = async |by: &Kms, name: &str| {
        let listed = by.call("ListNotices", [("SecretName", name)]).await?;
        Ok(listed.count("Notices.Notice").unwrap())
    };
    let arn = format!("acs:kms:cn-hangzhou:{}:secret/", kms.account);
    let (of_a, of_all) = (allow(&format!("{arn}a")), allow("*"));
    assert_eq!(about(&of_a, "b").await, Err(Code::NoPermission));
    assert_eq!(of_a.call("ListNotices", []).await.err(), Some(Code::NoPermission));
    for (by, name, expected) in
        [(&of_a, "a", 1), (&of_a, &*format!("{arn}a"), 1), (&of_all, "b", 1), (&of_all, "none", 0)]
    {
        assert_eq!(about(by, name).await, Ok(expected), "{name}");
    }
    let of_another = "acs:kms:cn-hangzhou:1:secret/a";
    assert_eq!(about(&kms, of_another).await, Err(Code::NoPermission));
    let gone = [("SecretName", "a"), ("ForceDeleteWithoutRecovery", "true")];
    kms.call("DeleteSecret", gone).await.unwrap();
    assert_eq!(about(&of_a, "a").await, Ok(2), "also when it is gone");
    for (name, expected) in [
        ("Secret:DeleteSecret:*", Ok(3)),
        ("Secret:DeleteSecret:Success", Ok(1)),
        ("Secret:", Ok(0)),
        ("Secret%", Err(Code::InvalidParameter)),
        ("*:Success", Err(Code::InvalidParameter)),
    ] {
        let listed = kms.call("ListNotices", [("Name", name)]).await;
        assert_eq!(listed.map(|it| it.count("Notices.Notice").unwrap()), expected, "{name}");
    }
}

#[tokio::test]
async fn a_rotation_that_failed_says_why_in_its_notice() {
    let kms = Kms::new().await;
    rds(&kms, "a").await.unwrap();
    kms.call("RotateSecret", [("SecretName", "a"), ("VersionId", "v2")]).await.unwrap();
    // What is missing may be on its way: for two minutes it is tried again.
    for _ in 0..2 {
        kms.settle().await;
        kms.clock.advance_seconds(130);
    }
    kms.settle().await;
    let last = [("SecretName", "a"), ("Name", "Secret:RotateSecret:*"), ("PageSize", "1")];
    let listed = kms.call("ListNotices", last).await.unwrap();
    assert_eq!(listed.get("Notices.Notice.0.Name"), Some("Secret:RotateSecret:Failure"));
    let event = listed.get("Notices.Notice.0.Event").unwrap();
    assert!(event.contains(r#""errorCode":"TargetNotFound""#), "{event}");
}

crate::testing::on_postgres_too!(
    every_example_of_the_documentation_is_taken,
    what_is_told_of_one_secret_is_told_to_whoever_may_ask_about_it,
    a_rotation_that_failed_says_why_in_its_notice,
);
