//! The record of who used a key for what.

use super::{Place, at, id, key, page, write};
use crate::{KeyUse, Transaction};

fn used(caller: &str, day: i64, count: i64, last: i64) -> KeyUse {
    let (caller, action) = (caller.to_owned(), "Encrypt".to_owned());
    KeyUse { key: id("k"), caller, action, day, count, last: at(last) }
}

async fn uses(tx: &mut dyn Transaction, since: i64, limit: i64) -> Vec<KeyUse> {
    tx.key_uses(&id("k"), since, page(1, limit)).await.unwrap().items
}

pub(super) async fn uses_are_added_up_and_forgotten_with_time_or_key(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.add_key_use(&used("nobody", 1, 1, 1)).await.unwrap();
    assert_eq!(uses(&mut *tx, 0, 9).await, [], "there is no such key");
    tx.insert_key(&key("k", 1)).await.unwrap();
    for it in [used("b", 1, 3, 5), used("b", 1, 4, 4), used("b", 2, 1, 6), used("a", 2, 2, 9)] {
        tx.add_key_use(&it).await.unwrap();
    }
    assert_eq!(uses(&mut *tx, 0, 9).await, [used("a", 2, 2, 9), used("b", 1, 8, 6)]);
    assert_eq!(uses(&mut *tx, 2, 9).await, [used("a", 2, 2, 9), used("b", 2, 1, 6)]);
    assert_eq!(uses(&mut *tx, 0, 1).await, [used("a", 2, 2, 9)]);
    let second = tx.key_uses(&id("k"), 0, page(2, 1)).await.unwrap();
    assert_eq!((second.items, second.total), (vec![used("b", 1, 8, 6)], 2));

    assert_eq!(tx.delete_key_uses(2, 9).await.unwrap(), 1);
    assert_eq!(tx.delete_key_uses(9, 1).await.unwrap(), 1);
    assert_eq!(uses(&mut *tx, 0, 9).await.len(), 1);
    tx.delete_key(&id("k")).await.unwrap();
    tx.insert_key(&key("k", 1)).await.unwrap();
    assert_eq!(uses(&mut *tx, 0, 9).await, []);
}
