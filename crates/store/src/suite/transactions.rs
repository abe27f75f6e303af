//! How transactions begin, end and meet each other.

use std::{
    task::{Context, Waker},
    time::Duration,
};

use super::{Place, at, id, key, read, secret, secret_version, write};
use crate::{Change, Store, StoreError, Transaction};

pub(super) async fn a_dropped_transaction_leaves_nothing(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_key(&key("a", 1)).await.unwrap();
    drop(tx);
    let mut tx = write(&*store).await;
    assert_eq!(tx.key(&id("a")).await.unwrap(), None);
    tx.insert_key(&key("a", 1)).await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) async fn undo_keeps_the_transaction_open_for_its_event(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_event("n", b"before").await.unwrap();
    tx.insert_key(&key("a", 1)).await.unwrap();
    tx.undo().await.unwrap();
    tx.insert_event("n", b"after").await.unwrap();
    tx.put_setting("seen", "yes").await.unwrap();
    assert_eq!(tx.commit().await.unwrap().changes, []);

    let found = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let found = read(&*store).await.events("n", 0, 9).await.unwrap();
            if !found.is_empty() {
                return found;
            }
        }
    });
    let found = found.await.unwrap();
    assert_eq!(found.iter().map(|it| it.event.as_slice()).collect::<Vec<_>>(), [b"after"]);
    let mut tx = read(&*store).await;
    assert_eq!(tx.key(&id("a")).await.unwrap(), None);
    assert_eq!(tx.setting("seen").await.unwrap().as_deref(), Some("yes"));
}

pub(super) async fn a_transaction_given_up_while_it_begins_is_not_left_open(place: Place) {
    let store = place.open().await;
    for polls in 0..40 {
        let mut begun = store.read();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            if begun.as_mut().poll(&mut context).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begun);
        let mut tx = write(&*store).await;
        tx.put_setting("a", &polls.to_string()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub(super) async fn a_failed_statement_is_not_committed_in_silence(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_key(&key("a", 1)).await.unwrap();
    assert!(matches!(tx.insert_key(&key("a", 1)).await, Err(StoreError::Failed(_))));
    assert!(matches!(tx.commit().await, Err(StoreError::Failed(_))));
    let mut tx = write(&*store).await;
    assert_eq!(tx.key(&id("a")).await.unwrap(), None);
    tx.insert_key(&key("a", 1)).await.unwrap();
    assert!(tx.insert_key(&key("a", 1)).await.is_err());
    tx.undo().await.unwrap();
    tx.insert_key(&key("b", 1)).await.unwrap();
    assert_eq!(
        tx.commit().await.unwrap().changes,
        [Change::Key(id("b"))],
        "undo makes it sound again"
    );
}

pub(super) async fn a_reader_cannot_write(place: Place) {
    let store = place.open().await;
    let mut tx = read(&*store).await;
    assert!(matches!(tx.insert_key(&key("a", 1)).await, Err(StoreError::Failed(_))));
}

pub(super) async fn a_snapshot_stands_still(place: Place) {
    let store = place.open().await;
    let mut snapshot = read(&*store).await;
    assert_eq!(snapshot.key(&id("a")).await.unwrap(), None);
    let mut tx = write(&*store).await;
    tx.insert_key(&key("a", 1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(snapshot.key(&id("a")).await.unwrap(), None);
    assert!(read(&*store).await.key(&id("a")).await.unwrap().is_some());
}

pub(super) async fn a_conflict_is_reported_as_one(place: Place) {
    if place.is_sqlite() {
        return sqlite_locked_by_another_process(place).await;
    }
    let store = place.open().await;
    // Each reads what the other writes: run one after the other, one of them would see it.
    let (mut one, mut two) = (write(&*store).await, write(&*store).await);
    let account = id("1000");
    assert_eq!(one.count_keys(&account, at(0)).await.unwrap(), 0);
    assert_eq!(two.count_keys(&account, at(0)).await.unwrap(), 0);
    one.insert_key(&key("one", 1)).await.unwrap();
    two.insert_key(&key("two", 1)).await.unwrap();
    one.commit().await.unwrap();
    assert!(matches!(two.commit().await, Err(StoreError::Conflict)));

    let (mut one, mut two) = (write(&*store).await, write(&*store).await);
    assert!(two.key(&id("one")).await.unwrap().is_some());
    one.update_key(&key("one", 2)).await.unwrap();
    one.commit().await.unwrap();
    assert!(matches!(two.update_key(&key("one", 3)).await, Err(StoreError::Conflict)));
    assert!(matches!(two.commit().await, Err(StoreError::Conflict)));
}

async fn sqlite_locked_by_another_process(place: Place) {
    let (store, other) = (place.open().await, place.open().await);
    let _open = write(&*other).await;
    assert!(matches!(store.write().await, Err(StoreError::Conflict)));
}

pub(super) async fn many_writers_all_get_their_turn(place: Place) {
    let store = place.open().await;
    let writers = (0..16).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for turn in 0..5 {
                while !add(&*store, &format!("{writer}-{turn}")).await {}
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(read(&*store).await.count_keys(&id("1000"), at(0)).await.unwrap(), 80);
}

/// Adds a key; `false` if another transaction came first.
async fn add(store: &dyn Store, name: &str) -> bool {
    let mut tx = write(store).await;
    match tx.insert_key(&key(name, 1)).await {
        Ok(()) => match tx.commit().await {
            Ok(_) => true,
            Err(StoreError::Conflict) => false,
            Err(error) => panic!("{error}"),
        },
        Err(StoreError::Conflict) => false,
        Err(error) => panic!("{error}"),
    }
}

pub(super) async fn writes_of_one_thing_conflict_and_those_of_different_things_do_not(
    place: Place,
) {
    if place.is_sqlite() {
        return; // One writer at a time.
    }
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for name in ["one", "two"] {
        tx.insert_secret(&secret(name, 1)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (mut one, mut two) = (store.write_one().await.unwrap(), store.write_one().await.unwrap());
    put_version(&mut *one, "one", "v1").await.unwrap();
    put_version(&mut *two, "two", "v1").await.unwrap();
    one.commit().await.unwrap();
    two.commit().await.unwrap();

    let (mut one, mut two) = (store.write_one().await.unwrap(), store.write_one().await.unwrap());
    assert_eq!(two.secret_versions(&id("1000"), &id("one")).await.unwrap().len(), 1);
    put_version(&mut *one, "one", "v2").await.unwrap();
    one.commit().await.unwrap();
    assert!(matches!(put_version(&mut *two, "one", "v3").await, Err(StoreError::Conflict)));
    assert!(matches!(two.commit().await, Err(StoreError::Conflict)));
}

/// Reads what putting a value reads, and writes what it writes.
async fn put_version(
    tx: &mut dyn Transaction,
    name: &str,
    version: &str,
) -> Result<(), StoreError> {
    let account = id("1000");
    let (secret, _) = tx.secret(&account, &id(name)).await?.unwrap();
    tx.secret_version_ids(&account, &secret.name).await?;
    tx.put_secret_version(&secret, &secret_version(version), None).await?;
    tx.insert_event("n", version.as_bytes()).await
}
