//! Settings, events, heads, nonces.

use yaoku_model::time::Timestamp;

use super::{Place, at, id, key, read, secret, write};
use crate::{Store, StoreError};

/// A node's events, once nothing that came before them is open. On PostgreSQL other tests share
/// the server, and so its transaction ids.
async fn events(store: &dyn Store, node: &str, after: i64, count: usize) -> Vec<(i64, Vec<u8>)> {
    loop {
        let found = read(store).await.events(node, after, 100).await.unwrap();
        if found.len() >= count {
            return found.into_iter().map(|it| (it.row, it.event)).collect();
        }
        tokio::task::yield_now().await;
    }
}

pub(super) async fn settings_and_heads_are_replaced(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    assert_eq!(tx.setting("a").await.unwrap(), None);
    assert_eq!(tx.audit_head("n").await.unwrap(), None);
    for value in ["1", "2"] {
        tx.put_setting("a", value).await.unwrap();
        tx.put_audit_head("n", value.as_bytes()).await.unwrap();
        assert_eq!(tx.setting("a").await.unwrap().as_deref(), Some(value));
        assert_eq!(tx.audit_head("n").await.unwrap().as_deref(), Some(value.as_bytes()));
    }
    assert_eq!(tx.commit().await.unwrap().changes, [], "no node keeps these");
}

pub(super) async fn events_are_kept_per_node_in_order(place: Place) {
    let store = place.open().await;
    for (node, event) in [("n", "1"), ("m", "2"), ("n", "3")] {
        let mut tx = write(&*store).await;
        tx.insert_event(node, event.as_bytes()).await.unwrap();
        tx.insert_event(node, b"again").await.unwrap();
        tx.commit().await.unwrap();
    }
    let found = events(&*store, "n", 0, 4).await;
    let texts: Vec<_> = found.iter().map(|(_, event)| event.as_slice()).collect();
    assert_eq!(texts, [b"1".as_slice(), b"again", b"3", b"again"]);
    assert!(found.is_sorted_by(|(a, _), (b, _)| a < b));
    assert_eq!(events(&*store, "n", found[1].0, 2).await, found[2..]);
    assert_eq!(read(&*store).await.events("n", 0, 3).await.unwrap().len(), 3);

    let mut tx = write(&*store).await;
    tx.delete_events("n", found[2].0).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(events(&*store, "n", 0, 1).await, found[3..]);
    assert_eq!(events(&*store, "m", 0, 2).await.len(), 2);
}

pub(super) async fn an_event_is_not_listed_before_an_earlier_one(place: Place) {
    if place.is_sqlite() {
        return; // One writer at a time: there is no other order.
    }
    let store = place.open().await;
    let (mut early, mut late) = (write(&*store).await, write(&*store).await);
    early.insert_key(&key("a", 1)).await.unwrap();
    late.insert_event("n", b"late").await.unwrap();
    late.commit().await.unwrap();
    assert_eq!(
        read(&*store).await.events("n", 0, 9).await.unwrap(),
        [],
        "one may still come first"
    );
    early.insert_event("n", b"early").await.unwrap();
    early.commit().await.unwrap();
    let found = events(&*store, "n", 0, 2).await;
    assert_eq!(
        found.into_iter().map(|it| it.1).collect::<Vec<_>>(),
        [b"early".to_vec(), b"late".to_vec()]
    );
}

pub(super) async fn a_nonce_is_remembered_until_its_time(place: Place) {
    let store = place.open().await;
    assert!(uses_nonce(&*store, b"old", at(10)).await);
    assert!(uses_nonce(&*store, b"new", at(11)).await);
    assert!(!uses_nonce(&*store, b"old", at(20)).await);
    let mut tx = write(&*store).await;
    assert_eq!(tx.delete_nonces(at(11), 0).await.unwrap(), 0);
    assert_eq!(tx.delete_nonces(at(11), 9).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(uses_nonce(&*store, b"old", at(20)).await);
    assert!(!uses_nonce(&*store, b"new", at(20)).await);
}

/// The clock of one node may be wrong; on PostgreSQL there is another to ask.
pub(super) async fn a_clock_that_is_ahead_forgets_no_nonces_that_others_must_know(place: Place) {
    let store = place.open().await;
    let (year_2100, year_2200) = (at(4_102_444_800_000), at(7_258_118_400_000));
    assert!(uses_nonce(&*store, b"nonce", year_2100).await);
    let mut tx = write(&*store).await;
    let removed = tx.delete_nonces(year_2200, 9).await.unwrap();
    assert_eq!(removed, u64::from(place.is_sqlite()));
}

pub(super) async fn a_write_whose_nonce_is_known_leaves_nothing(place: Place) {
    let store = place.open().await;
    assert!(uses_nonce(&*store, b"nonce", at(10)).await);
    assert!(!uses_nonce(&*store, b"nonce", at(10)).await);
    assert!(uses_nonce(&*store, b"another", at(10)).await);
    assert_eq!(events(&*store, "n", 0, 2).await.len(), 2);
}

/// Writes a secret, an event and the nonce; answers whether they were kept.
async fn uses_nonce(store: &dyn Store, nonce: &[u8], until: Timestamp) -> bool {
    let mut tx = write(store).await;
    tx.delete_secret(&id("1000"), &id("s")).await.unwrap();
    tx.insert_secret(&secret("s", 1)).await.unwrap();
    tx.insert_event("n", b"an event").await.unwrap();
    tx.use_nonce(nonce, until).await.unwrap();
    match tx.commit().await {
        Ok(_) => true,
        Err(StoreError::NonceUsed) => false,
        Err(error) => panic!("{error}"),
    }
}
