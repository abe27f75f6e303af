//! What is told, and of what.

use serde_json::Value;
use tokio::time::Instant;
use yaoku_model::time::Timestamp;

use super::event_time;
use crate::{due::Due, prune, testing::Kms};

/// The notices of the account, the last first.
async fn told(kms: &Kms) -> Vec<Value> {
    let fields = kms.call("ListNotices", []).await.unwrap();
    let count = fields.count("Notices.Notice").unwrap();
    let event = |nth| fields.get(&format!("Notices.Notice.{nth}.Event")).unwrap();
    (0..count).map(|nth| serde_json::from_str(event(nth)).unwrap()).collect()
}

fn names(told: &[Value]) -> Vec<&str> {
    told.iter().map(|it| it["name"].as_str().unwrap()).collect()
}

#[test]
fn the_time_is_written_as_the_vendors_events_have_it() {
    assert_eq!(event_time(Timestamp::from_unix_ms(1_767_323_045_007)), "20260102T030405.007+0000");
}

#[tokio::test]
async fn a_refused_deletion_leaves_no_notice() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    let key = ("KeyId", key.as_str());
    kms.call("ScheduleKeyDeletion", [key, ("PendingWindowInDays", "6")]).await.unwrap_err();
    kms.call("DeleteSecret", [("SecretName", "none")]).await.unwrap_err();
    assert_eq!(told(&kms).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_key_is_told_of_when_its_deletion_is_scheduled_and_when_it_is_done() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    kms.call("ScheduleKeyDeletion", [("KeyId", key.as_str()), ("PendingWindowInDays", "7")])
        .await
        .unwrap();
    let scheduled = &told(&kms).await[0];
    assert_eq!(scheduled["product"], "KMS");
    assert_eq!(scheduled["ver"], "1.0");
    assert_eq!(scheduled["level"], "WARN");
    assert_eq!(scheduled["status"], "Normal");
    assert_eq!(scheduled["regionId"], "cn-hangzhou");
    assert_eq!(scheduled["eventTime"], "20260102T030405.000+0000");
    assert_eq!(scheduled["instanceName"], key.as_str());
    let arn = format!("acs:kms:cn-hangzhou:{}:key/{key}", kms.account);
    assert_eq!(scheduled["resourceId"], *arn);
    assert_eq!(scheduled["content"]["plannedDeleteTime"], "2026-01-09T03:04:05Z");
    kms.clock.advance_seconds(7 * 86_400);
    Due::default().run(&kms.node, Instant::now()).await.unwrap();
    assert_eq!(names(&told(&kms).await), ["Key:DeleteKey:Success", "Key:DeleteKey:Scheduled"]);
}

#[tokio::test]
async fn a_secret_is_told_of_when_its_deletion_is_scheduled_and_when_it_is_done() {
    let kms = Kms::new().await;
    let make = [("SecretName", "a/b"), ("VersionId", "v1"), ("SecretData", "x")];
    kms.call("CreateSecret", make).await.unwrap();
    let name = ("SecretName", "a/b");
    kms.call("DeleteSecret", [name, ("RecoveryWindowInDays", "7")]).await.unwrap();
    assert_eq!(told(&kms).await[0]["instanceName"], "a/b");
    kms.clock.advance_seconds(7 * 86_400);
    // Whoever wants the name removes what is left of it, and tells so.
    kms.call("CreateSecret", make).await.unwrap();
    kms.clock.advance_seconds(1);
    kms.call("DeleteSecret", [name, ("ForceDeleteWithoutRecovery", "true")]).await.unwrap();
    let done = "Secret:DeleteSecret:Success";
    assert_eq!(names(&told(&kms).await), [done, done, "Secret:DeleteSecret:Scheduled"]);
}

#[tokio::test]
async fn notices_are_an_accounts_own_and_kept_for_ninety_days() {
    let kms = Kms::new().await;
    let make = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "x")];
    kms.call("CreateSecret", make).await.unwrap();
    let force = [("SecretName", "a"), ("ForceDeleteWithoutRecovery", "true")];
    kms.call("DeleteSecret", force).await.unwrap();
    assert_eq!(told(&kms.as_stranger().await).await, [] as [Value; 0]);
    kms.clock.advance_seconds(90 * 86_400);
    prune::run(&kms.node).await.unwrap();
    assert_eq!(told(&kms).await.len(), 1);
    kms.clock.advance_seconds(1);
    prune::run(&kms.node).await.unwrap();
    assert_eq!(told(&kms).await, [] as [Value; 0]);
}
