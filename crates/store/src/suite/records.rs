//! Settings, events, heads, nonces.

use super::{Place, at, key, read, write};
use crate::Store;

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
    assert_eq!(tx.commit().await.unwrap(), [], "no node keeps these");
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
    let mut tx = write(&*store).await;
    assert!(tx.insert_nonce(b"old", at(10)).await.unwrap());
    assert!(tx.insert_nonce(b"new", at(11)).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = write(&*store).await;
    assert!(!tx.insert_nonce(b"old", at(20)).await.unwrap());
    tx.delete_nonces(at(11)).await.unwrap();
    assert!(tx.insert_nonce(b"old", at(20)).await.unwrap());
    assert!(!tx.insert_nonce(b"new", at(20)).await.unwrap());
}
