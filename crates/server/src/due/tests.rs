//! Tests of what falls due. The node looks too, each second: so they count what was done, not who did it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use yaoku_model::{
    ids::KeyId,
    key::{CreatorType, Key, KeyState},
};
use yaoku_store::StoreError;
use yaoku_wire::error::Code;

use super::{AT_ONCE, Due, Instant, waits};
use crate::{
    audit::Event,
    disk::testing::{FaultyDisk, Trouble},
    error::ApiError,
    node::Node,
    testing::{Kms, NOW},
};

const DAY: i64 = 86_400;

async fn run(node: &Node) -> Result<usize, ApiError> {
    let done = Due::default().run(node, Instant::now()).await?;
    // What the node's own look did in the same group is not committed before the group is.
    let mut tx = node.store.write().await?;
    tx.put_setting("looked", "").await?;
    tx.commit().await?;
    Ok(done)
}

/// Keys whose time came first, and which cannot rotate: their instance has no wrapping key.
#[tokio::test]
async fn many_that_fail_hold_up_nobody() {
    let kms = Kms::new().await;
    let mut tx = kms.node.store.write().await.unwrap();
    const { assert!(AT_ONCE < 300) };
    for nth in 0..300 {
        let id: KeyId = format!("00000000-0000-4000-8000-{nth:012}").parse().unwrap();
        let creator = CreatorType::User;
        tx.insert_key(&Key {
            instance: Some("kst-hzz0000000000000000000".parse().unwrap()),
            last_rotation: Some(NOW.plus_seconds(-DAY)),
            rotation_seconds: Some(7 * DAY),
            ..Key::aes_256(id, kms.account.clone(), None, creator, NOW)
        })
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let id = rotating(&kms).await;
    kms.clock.advance_seconds(7 * DAY);
    let (mut due, mut at) = (Due::default(), Instant::now());
    due.run(&kms.node, at).await.unwrap();
    assert_eq!(versions(&kms, &id).await, 2);
    assert_eq!(due.failed.len(), 300);
    for seconds in [1, 2, 4] {
        at += Duration::from_secs(seconds);
        due.run(&kms.node, at).await.unwrap();
        let next = due.failed.values().map(|it| it.until.duration_since(at)).max();
        assert_eq!(next, Some(Duration::from_secs(2 * seconds)), "twice as long each time");
    }
}

#[test]
fn a_row_that_cannot_be_read_is_no_reason_to_wait() {
    assert!(waits(&StoreError::Conflict.into()));
    assert!(waits(&StoreError::Failed("away".to_owned()).into()));
    assert!(!waits(&StoreError::Unreadable { table: "keys" }.into()));
    assert!(!waits(&Code::InternalFailure.into()));
}

/// A key that rotates every seven days.
async fn rotating(kms: &Kms) -> KeyId {
    let params = [
        ("DKMSInstanceId", kms.instance_id.as_str()),
        ("EnableAutomaticRotation", "true"),
        ("RotationInterval", "7d"),
    ];
    let made = kms.call("CreateKey", params).await.unwrap();
    made.get("KeyMetadata.KeyId").unwrap().parse().unwrap()
}

async fn versions(kms: &Kms, key: &KeyId) -> usize {
    kms.node.store.read().await.unwrap().key_versions(key).await.unwrap().len()
}

#[tokio::test]
async fn months_pass_and_every_version_still_opens_what_it_sealed() {
    let kms = Kms::new().await;
    let id = rotating(&kms).await;
    let mut blobs = Vec::new();
    for week in 0..50 {
        let params = [("KeyId", id.as_str()), ("Plaintext", "hello")];
        let sealed = kms.call("Encrypt", params).await.unwrap();
        blobs.push(sealed.get("CiphertextBlob").unwrap().to_owned());
        kms.clock.advance_seconds(7 * DAY - 1);
        run(&kms.node).await.unwrap();
        assert_eq!(versions(&kms, &id).await, week + 1);
        kms.clock.advance_seconds(1);
        for _ in 0..2 {
            run(&kms.node).await.unwrap();
            assert_eq!(versions(&kms, &id).await, week + 2);
        }
    }
    for blob in blobs {
        let opened = kms.call("Decrypt", [("CiphertextBlob", &*blob)]).await.unwrap();
        assert_eq!(opened.get("Plaintext"), Some("hello"));
    }
    let described = kms.call("DescribeKey", [("KeyId", id.as_str())]).await.unwrap();
    let at = kms.clock_now().to_string();
    assert_eq!(described.get("KeyMetadata.LastRotationDate"), Some(&*at));
    let rotated: Vec<_> = kms.events().await;
    assert_eq!(rotated.iter().filter(|it| it.action == "yaoku:RotateKey").count(), 50);
}

#[tokio::test]
async fn a_key_that_is_off_rotates_when_it_is_on_again() {
    let kms = Kms::new().await;
    let id = rotating(&kms).await;
    kms.call("DisableKey", [("KeyId", id.as_str())]).await.unwrap();
    kms.clock.advance_seconds(30 * DAY);
    run(&kms.node).await.unwrap();
    assert_eq!(versions(&kms, &id).await, 1);
    kms.call("EnableKey", [("KeyId", id.as_str())]).await.unwrap();
    run(&kms.node).await.unwrap();
    assert_eq!(versions(&kms, &id).await, 2);
    let described = kms.call("DescribeKey", [("KeyId", id.as_str())]).await.unwrap();
    let next = kms.clock_now().plus_seconds(7 * DAY).to_string();
    assert_eq!(described.get("KeyMetadata.NextRotationDate"), Some(&*next));
}

#[tokio::test]
async fn a_key_is_gone_at_its_date_with_its_aliases() {
    let kms = Kms::new().await;
    let id = kms.key().await;
    let alias = [("KeyId", id.as_str()), ("AliasName", "alias/app")];
    kms.call("CreateAlias", alias).await.unwrap();
    let window = [("KeyId", id.as_str()), ("PendingWindowInDays", "7")];
    kms.call("ScheduleKeyDeletion", window).await.unwrap();
    kms.clock.advance_seconds(7 * DAY - 1);
    run(&kms.node).await.unwrap();
    kms.call("DescribeKey", [("KeyId", id.as_str())]).await.unwrap();
    kms.clock.advance_seconds(1);
    run(&kms.node).await.unwrap();
    let gone = kms.call("DescribeKey", [("KeyId", id.as_str())]).await;
    assert_eq!(gone, Err(Code::KeyNotFound));
    let gone = kms.call("DescribeKey", [("KeyId", "alias/app")]).await;
    assert_eq!(gone, Err(Code::AliasNotFound));
    let mut tx = kms.node.store.read().await.unwrap();
    assert_eq!(tx.key(&id).await.unwrap(), None);
}

#[tokio::test]
async fn expired_material_is_wiped_from_the_store() {
    let kms = Kms::new().await;
    let id = kms.key().await;
    kms.edit_key(&id, |it| {
        it.origin = yaoku_model::key::Origin::External;
        it.material_expires = Some(NOW.plus_seconds(60));
    })
    .await;
    kms.clock.advance_seconds(60);
    run(&kms.node).await.unwrap();
    let mut tx = kms.node.store.read().await.unwrap();
    assert_eq!(tx.key(&id).await.unwrap().unwrap().state, KeyState::PendingImport);
    assert!(tx.key_versions(&id).await.unwrap().iter().all(|it| it.sealed.is_empty()));
}

/// A secret with two versions and a tag, which is deleted in seven days.
async fn dying(kms: &Kms, name: &str) {
    let params = [
        ("SecretName", name),
        ("VersionId", "v1"),
        ("SecretData", "a value"),
        ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#),
    ];
    kms.call("CreateSecret", params).await.unwrap();
    let params = [("SecretName", name), ("VersionId", "v2"), ("SecretData", "another")];
    kms.call("PutSecretValue", params).await.unwrap();
    let params = [("SecretName", name), ("RecoveryWindowInDays", "7")];
    kms.call("DeleteSecret", params).await.unwrap();
}

/// How many rows there are of secrets, their versions and their tags.
async fn rows(kms: &Kms) -> [usize; 3] {
    let dump = yaoku_store::testing::dump(&kms.url()).await;
    ["secrets", "secret_versions", "tags"].map(|it| dump[it].len())
}

#[tokio::test]
async fn a_secret_is_gone_at_its_date_with_its_values_and_tags() {
    let kms = Kms::new().await;
    dying(&kms, "one").await;
    dying(&kms, "two").await;
    kms.clock.advance_seconds(7 * DAY - 1);
    run(&kms.node).await.unwrap();
    assert_eq!(rows(&kms).await, [2, 4, 2]);
    kms.call("RestoreSecret", [("SecretName", "two")]).await.unwrap();
    kms.clock.advance_seconds(1);
    let (one, other) = tokio::join!(run(&kms.node), run(&kms.node));
    one.and(other).unwrap();
    assert_eq!(rows(&kms).await, [1, 2, 1]);
    // Once it is gone, it is gone, whatever the clock says.
    kms.clock.advance_seconds(-DAY);
    let restored = kms.call("RestoreSecret", [("SecretName", "one")]).await;
    assert_eq!(restored, Err(Code::ResourceNotFound));
    kms.call("GetSecretValue", [("SecretName", "two")]).await.unwrap();
    let events = kms.events().await;
    let deleted: Vec<_> = events.iter().filter(|it| it.action == "yaoku:DeleteSecret").collect();
    assert_eq!(deleted.len(), 1);
    assert!(deleted[0].resources[0].ends_with(":secret/one"), "{:?}", deleted[0]);
    assert_eq!((&*deleted[0].principal, deleted[0].count), ("service", 1));
}

#[tokio::test]
async fn whose_name_is_taken_again_first_is_told_of_too_and_the_new_one_stays() {
    let kms = Kms::new().await;
    dying(&kms, "one").await;
    kms.clock.advance_seconds(7 * DAY);
    let params = [("SecretName", "one"), ("VersionId", "v1"), ("SecretData", "a new life")];
    kms.call("CreateSecret", params).await.unwrap();
    run(&kms.node).await.unwrap();
    assert_eq!(rows(&kms).await, [1, 1, 0]);
    let events = kms.events().await;
    let deleted = events.iter().filter(|it| it.action == "yaoku:DeleteSecret");
    assert_eq!(deleted.count(), 1);
}

#[tokio::test]
async fn nothing_is_done_while_the_journal_refuses_and_all_of_it_after() {
    let disk = Arc::new(FaultyDisk::default());
    let kms = Kms::on_disk(disk.clone()).await;
    let id = rotating(&kms).await;
    dying(&kms, "one").await;
    disk.set(Some(Trouble::Full));
    let refused = kms.call("DescribeKey", [("KeyId", id.as_str())]).await;
    assert_eq!(refused, Err(Code::ServiceUnavailableTemporary));
    kms.clock.advance_seconds(7 * DAY);
    for _ in 0..2 {
        assert_eq!(run(&kms.node).await.unwrap(), 0);
        assert_eq!((versions(&kms, &id).await, rows(&kms).await), (1, [1, 2, 1]));
    }
    disk.set(None);
    kms.node.journal.sync().unwrap();
    run(&kms.node).await.unwrap();
    assert_eq!((versions(&kms, &id).await, rows(&kms).await), (2, [0, 0, 0]));
    let events = kms.events().await;
    for action in ["yaoku:RotateKey", "yaoku:DeleteSecret"] {
        assert_eq!(events.iter().filter(|it| it.action == action).count(), 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_on_one_store_remove_each_secret_once() {
    let (one, two) = Kms::two().await;
    let mut left = BTreeSet::new();
    for nth in 0..24 {
        let name = format!("secret-{nth}");
        dying(&one, &name).await;
        left.insert(format!("acs:kms:cn-hangzhou:{}:secret/{name}", one.account));
    }
    one.clock.advance_seconds(7 * DAY);
    two.clock.advance_seconds(7 * DAY);
    while rows(&one).await[0] > 0 {
        let looks = [&one, &two].map(|it| {
            let node = Arc::clone(&it.node);
            tokio::spawn(async move {
                let mut due = Due::default();
                let done = due.run(&node, Instant::now()).await;
                (done.map_err(|it| it.to_string()), due.failed.len())
            })
        });
        for look in looks {
            let (done, failed) = look.await.unwrap();
            assert!(done.is_ok() && failed == 0, "{done:?} {failed}");
        }
    }
    assert_eq!(rows(&one).await, [0, 0, 0]);
    // What a transaction of another test holds back comes a little later.
    let told = || [one.told(), two.told()].concat();
    let deleted = |it: &Event| it.action == "yaoku:DeleteSecret";
    while told().into_iter().filter(deleted).count() < left.len() {
        tokio::task::yield_now().await;
    }
    let events = [one.events().await, two.events().await].concat();
    for event in events.into_iter().filter(deleted) {
        assert!(left.remove(&event.resources[0]), "told twice: {event:?}");
    }
    assert!(left.is_empty(), "never told of: {left:?}");
}

/// It comes before the others, in the order of their dates.
#[tokio::test]
async fn a_row_that_cannot_be_read_holds_up_nobody() {
    let kms = Kms::new().await;
    let id = rotating(&kms).await;
    let bad = kms.key().await;
    dying(&kms, "one").await;
    dying(&kms, "bad").await;
    for change in [
        format!("UPDATE keys SET due = 1, id = '' WHERE id = '{bad}'"),
        "UPDATE secrets SET delete_at = 1, stages = '?' WHERE name = 'bad'".to_owned(),
    ] {
        let text = format!("PRAGMA foreign_keys = OFF; {change}");
        yaoku_store::testing::execute(&kms.url(), &text).await;
    }
    kms.clock.advance_seconds(7 * DAY);
    let mut due = Due::default();
    due.run(&kms.node, Instant::now()).await.unwrap();
    assert_eq!(versions(&kms, &id).await, 2);
    assert_eq!(rows(&kms).await[0], 1, "only the one that cannot be read");
    assert_eq!(due.failed.len(), 2);
}

/// What a rotation that lost a race leaves: nothing.
#[tokio::test]
async fn two_that_rotate_at_once_rotate_once() {
    let kms = Kms::new().await;
    let ids = [rotating(&kms).await, rotating(&kms).await, rotating(&kms).await];
    kms.clock.advance_seconds(7 * DAY);
    let (one, other) = tokio::join!(run(&kms.node), run(&kms.node));
    one.and(other).unwrap();
    for id in &ids {
        assert_eq!(versions(&kms, id).await, 2);
    }
}
