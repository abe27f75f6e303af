//! Tests of the operations on the service as such, through the pipeline.

use yaoku_wire::error::Code;

use crate::testing::Kms;

#[tokio::test]
async fn a_closed_account_can_only_ask_and_open() {
    let kms = Kms::new().await;
    let closed = kms.closed().await;
    for action in ["ListKeys", "CreateKey", "DescribeRegions", "Encrypt"] {
        let reply = closed.call(action, []).await;
        assert_eq!(reply, Err(Code::KmsServiceNotEnabled), "{action}");
    }
    let reply = closed.call("DescribeAccountKmsStatus", []).await.unwrap();
    assert_eq!(reply.get("AccountStatus"), Some("NotEnabled"));
    assert_eq!(closed.call("OpenKmsService", []).await.unwrap().names().count(), 0);
    assert_eq!(closed.call("OpenKmsService", []).await, Err(Code::Opened));
    let reply = kms.call("DescribeAccountKmsStatus", []).await.unwrap();
    assert_eq!(reply.get("AccountStatus"), Some("Enabled"));
}

#[tokio::test]
async fn the_service_is_judged_on_everything() {
    let kms = Kms::new().await;
    let some = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*",
        "Resource":"acs:kms:*:*:*"}]}"#;
    let all = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
    for (policy, status, open) in
        [(some, Err(Code::NoPermission), Code::NoPermission), (all, Ok(()), Code::Opened)]
    {
        let user = kms.as_user(&[policy]);
        let reply = user.call("DescribeAccountKmsStatus", []).await;
        assert_eq!(reply.map(drop), status, "{policy}");
        assert_eq!(user.call("OpenKmsService", []).await, Err(open), "{policy}");
    }
}

#[tokio::test]
async fn whoever_is_known_may_ask_for_the_regions() {
    let kms = Kms::new().await;
    let reply = kms.as_user(&[]).call("DescribeRegions", []).await.unwrap();
    assert_eq!(reply.count("Regions.Region"), Some(1));
    assert_eq!(reply.get("Regions.Region.0.RegionId"), Some("cn-hangzhou"));
    let events = kms.events().await;
    let event = events.iter().find(|it| it.action == "kms:DescribeRegions").unwrap();
    assert!(event.resources.is_empty());
}

#[tokio::test]
async fn what_has_no_meaning_here_is_refused_by_name() {
    let kms = Kms::new().await;
    for action in ["AdvanceEncrypt", "DescribeService", "GetChallenge"] {
        assert_eq!(kms.call(action, []).await, Err(Code::UnsupportedOperation), "{action}");
        let reply = kms.as_user(&[]).call(action, []).await;
        assert_eq!(reply, Err(Code::NoPermission), "{action}");
    }
}
