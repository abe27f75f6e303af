//! What is told, and of what.

use serde_json::Value;
use tokio::time::Instant;
use yaoku_model::{ids::AccountId, instance::Instance, time::Timestamp};
use yaoku_store::testing;

use super::{event_time, watch};
use crate::{
    due::Due,
    listen::{
        TlsSettings,
        ca::{Names, PrivateCa},
    },
    node::Limits,
    prune,
    testing::{Kms, NOW},
};

const DAY: i64 = 86_400;

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

#[tokio::test]
async fn an_account_that_is_told_much_loses_its_own_notices_and_no_others() {
    let kms = Kms::new().await;
    let few = kms.as_stranger().await;
    let rows = |account: &AccountId, first: i64, many: i64| {
        format!(
            "INSERT INTO notices (id, account, left_at, name, level, about, body) \
             WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
             SELECT 'n' || i, '{account}', i, 'x', 'WARN', 'x', '{{}}' FROM n",
            first + many - 1
        )
    };
    testing::execute(&kms.url(), &rows(&few.account, 0, 3)).await;
    testing::execute(&kms.url(), &rows(&kms.account, 3, 11_500)).await;
    watch::run(&kms.node).await.unwrap();
    assert_eq!(told(&few).await.len(), 3, "the oldest of all, and its own");
    let fields = kms.call("ListNotices", []).await.unwrap();
    assert_eq!(fields.get("TotalCount"), Some("10000"));
}

/// What is new since the last look at what fills up and ends, the last first.
async fn new(kms: &Kms, seen: &mut usize) -> Vec<String> {
    watch::run(&kms.node).await.unwrap();
    let told = told(kms).await;
    let new = names(&told[..told.len() - *seen]).iter().map(ToString::to_string).collect();
    *seen = told.len();
    // Two of one moment stand in order of their ids.
    kms.clock.advance_seconds(1);
    new
}

async fn make_secrets(kms: &Kms, key: &str, numbers: std::ops::RangeInclusive<i64>) {
    let instance = kms.instance_id.to_string();
    for nth in numbers {
        let name = format!("s{nth}");
        let params = [
            ("SecretName", name.as_str()),
            ("VersionId", "v1"),
            ("SecretData", "x"),
            ("DKMSInstanceId", &instance),
            ("EncryptionKeyId", key),
        ];
        kms.call("CreateSecret", params).await.unwrap();
    }
}

async fn delete_secrets(kms: &Kms, numbers: std::ops::RangeInclusive<i64>) {
    for nth in numbers {
        let name = format!("s{nth}");
        let force = [("SecretName", name.as_str()), ("ForceDeleteWithoutRecovery", "true")];
        kms.call("DeleteSecret", force).await.unwrap();
    }
}

#[tokio::test]
async fn a_quota_is_told_of_when_a_share_of_it_is_passed_and_again_after_it_was_emptier() {
    let kms = Kms::with_limits(Limits { instance_secrets: 20, ..Limits::default() }).await;
    let key = kms.key().await;
    let mut seen = 0;
    make_secrets(&kms, key.as_str(), 1..=13).await;
    assert_eq!(new(&kms, &mut seen).await, [] as [&str; 0], "65 %");
    make_secrets(&kms, key.as_str(), 14..=14).await;
    let [info, warn] = [70, 90].map(|it| format!("Instance:SecretQuota:{it}Percent"));
    assert_eq!(new(&kms, &mut seen).await, [&*info]);
    let event = told(&kms).await.remove(0);
    assert_eq!((&event["level"], &event["status"]), (&"INFO".into(), &"Normal".into()));
    assert_eq!(event["content"]["quota"], 20);
    assert_eq!((&event["content"]["used"], &event["content"]["percent"]), (&14.into(), &70.into()));
    assert_eq!(event["instanceName"], kms.instance_id.as_str());
    assert_eq!(new(&kms, &mut seen).await, [] as [&str; 0], "told once");
    make_secrets(&kms, key.as_str(), 15..=18).await;
    assert_eq!(new(&kms, &mut seen).await, [&*warn]);
    assert_eq!(told(&kms).await[0]["level"], "WARN");
    // 85 % is not enough emptier, 80 % is; and then 70 % was told.
    let deleted = "Secret:DeleteSecret:Success";
    delete_secrets(&kms, 18..=18).await;
    assert_eq!(new(&kms, &mut seen).await, [deleted]);
    make_secrets(&kms, key.as_str(), 18..=18).await;
    assert_eq!(new(&kms, &mut seen).await, [] as [&str; 0]);
    delete_secrets(&kms, 17..=18).await;
    assert_eq!(new(&kms, &mut seen).await, [deleted, deleted]);
    make_secrets(&kms, key.as_str(), 17..=18).await;
    assert_eq!(new(&kms, &mut seen).await, [&*warn]);
    delete_secrets(&kms, 13..=18).await;
    assert_eq!(new(&kms, &mut seen).await.len(), 6, "the deletions");
    make_secrets(&kms, key.as_str(), 13..=14).await;
    assert_eq!(new(&kms, &mut seen).await, [&*info]);
}

#[tokio::test]
async fn each_quota_is_told_of() {
    let limits = Limits { keys: 2, instance_keys: 1, instance_access: 1, ..Limits::default() };
    let kms = Kms::with_limits(limits).await;
    let other = kms.as_stranger().await.account;
    let instance = kms.instance_id.to_string();
    let policy = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Principal":{{"RAM":["acs:ram::{}:*","acs:ram::{other}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#,
        kms.account
    );
    kms.call("CreateKey", [("DKMSInstanceId", &*instance), ("Policy", &policy)]).await.unwrap();
    kms.call("CreateKey", []).await.unwrap();
    let mut new = new(&kms, &mut 0).await;
    new.sort();
    let expected = ["Account:KeyQuota", "Instance:AccessQuota", "Instance:KeyQuota"];
    assert_eq!(new, expected.map(|it| format!("{it}:90Percent")));
}

#[tokio::test]
async fn material_is_told_of_four_weeks_one_week_and_one_day_before_it_expires_and_then() {
    let kms = Kms::new().await;
    let (key, deleted) = (kms.key().await, kms.key().await);
    let end = NOW.plus_seconds(30 * DAY);
    for it in [&key, &deleted] {
        kms.edit_key(it, |key| key.material_expires = Some(end)).await;
    }
    // Nothing expires that is gone by then.
    let window = [("KeyId", deleted.as_str()), ("PendingWindowInDays", "7")];
    kms.call("ScheduleKeyDeletion", window).await.unwrap();
    let (mut seen, soon) = (1, "Key:KeyMaterial:Expiring");
    for (day, expected) in [
        (1, &[][..]),
        (3, &[soon]),
        (4, &[]),
        (22, &["Key:DeleteKey:Success"]),
        (23, &[soon]),
        (28, &[]),
        (29, &[soon]),
    ] {
        let now = kms.clock_now().unix_seconds() - NOW.unix_seconds();
        kms.clock.advance_seconds(day * DAY - now);
        if day == 22 {
            Due::default().run(&kms.node, Instant::now()).await.unwrap();
        }
        for expected in [expected, &[]] {
            assert_eq!(new(&kms, &mut seen).await, expected, "day {day}");
        }
    }
    let event = told(&kms).await.remove(0);
    assert_eq!(
        (&event["level"], &event["content"]["keyId"]),
        (&"CRITICAL".into(), &key.as_str().into())
    );
    assert_eq!(event["content"]["expireTime"], end.to_string());
    kms.clock.advance_seconds(DAY);
    Due::default().run(&kms.node, Instant::now()).await.unwrap();
    assert_eq!(new(&kms, &mut seen).await, ["Key:KeyMaterial:Expired"]);
}

#[tokio::test]
async fn the_first_account_is_told_that_a_certificate_ends() {
    let kms = Kms::new().await;
    let names = Names { region: "cn-hangzhou".to_owned(), ..Names::default() };
    let ca = PrivateCa::create_or_load(kms.data.path(), &names, NOW).unwrap();
    let tls = TlsSettings::new(&ca.server).unwrap();
    let end = tls.expires().unwrap();
    assert!(kms.node.tls.set(tls).is_ok());
    let mut seen = 0;
    assert_eq!(new(&kms, &mut seen).await, [] as [&str; 0]);
    let now = kms.clock_now().unix_seconds();
    kms.clock.advance_seconds(end.unix_seconds() - 28 * DAY - now);
    assert_eq!(new(&kms, &mut seen).await, ["Server:Certificate:Expiring"]);
    assert_eq!(told(&kms).await[0]["content"]["daysLeft"], 28);
    assert_eq!(new(&kms, &mut seen).await, [] as [&str; 0]);
}

#[tokio::test]
async fn two_nodes_tell_it_once() {
    let (one, two) = Kms::two().await;
    let instance = one.instance_id.clone();
    let mut tx = one.node.store.write().await.unwrap();
    let found = tx.instance(&instance).await.unwrap().unwrap();
    tx.update_instance(&Instance { key_quota: 1, ..found }).await.unwrap();
    tx.commit().await.unwrap();
    one.key().await;
    let (by_one, by_two) = tokio::join!(watch::run(&one.node), watch::run(&two.node));
    // One of them may have come in the other's way: it tells at its next look.
    assert!(by_one.is_ok() || by_two.is_ok());
    watch::run(&two.node).await.unwrap();
    assert_eq!(names(&told(&one).await), ["Instance:KeyQuota:90Percent"]);
}

crate::testing::on_postgres_too!(
    a_refused_deletion_leaves_no_notice,
    a_key_is_told_of_when_its_deletion_is_scheduled_and_when_it_is_done,
    a_secret_is_told_of_when_its_deletion_is_scheduled_and_when_it_is_done,
    notices_are_an_accounts_own_and_kept_for_ninety_days,
    a_quota_is_told_of_when_a_share_of_it_is_passed_and_again_after_it_was_emptier,
    each_quota_is_told_of,
    material_is_told_of_four_weeks_one_week_and_one_day_before_it_expires_and_then,
    the_first_account_is_told_that_a_certificate_ends,
);
