//! The wraps of the root key, and the wrapping keys under it.

use yaoku_model::wrap::WrapKind;

use super::{Place, at, id, write};
use crate::{Change, WrapRow, WrappingKeyRow};

pub(super) fn wrap(name: &str, generation: u32) -> WrapRow {
    WrapRow {
        name: id(name),
        kind: WrapKind::Shares,
        parameters: "p".to_owned(),
        generation,
        sealed: vec![0, 1, 255],
        created: at(1),
    }
}

pub(super) async fn wraps_are_kept_by_name_and_generation(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for (name, generation) in [("b", 2), ("a", u32::MAX), ("b", 1), ("a", 2)] {
        tx.insert_wrap(&wrap(name, generation)).await.unwrap();
    }
    let all = [wrap("a", 2), wrap("a", u32::MAX), wrap("b", 1), wrap("b", 2)];
    assert_eq!(tx.wraps().await.unwrap(), all);
    assert_eq!(tx.commit().await.unwrap().changes, [Change::RootKey]);

    let mut tx = write(&*store).await;
    assert!(tx.insert_wrap(&wrap("a", 2)).await.is_err());
    drop(tx);
    let mut tx = write(&*store).await;
    tx.delete_wrapped_generation(2).await.unwrap();
    assert_eq!(tx.wraps().await.unwrap(), [wrap("a", u32::MAX), wrap("b", 1)]);
    assert!(tx.delete_wrap(&id("a")).await.unwrap());
    assert!(!tx.delete_wrap(&id("a")).await.unwrap());
    assert_eq!(tx.wraps().await.unwrap(), [wrap("b", 1)]);
}

pub(super) async fn wrapping_keys_are_one_for_each_place(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let default = WrappingKeyRow { account: id("1000"), instance: None, sealed: vec![1] };
    let own = WrappingKeyRow { instance: Some(id("kst-a")), sealed: vec![2], ..default.clone() };
    tx.insert_wrapping_key(&own).await.unwrap();
    tx.insert_wrapping_key(&default).await.unwrap();
    assert_eq!(tx.wrapping_keys().await.unwrap(), [default.clone(), own]);
    assert!(tx.insert_wrapping_key(&default).await.is_err());
}

pub(super) async fn a_wrapping_key_is_sealed_again_once(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let default = WrappingKeyRow { account: id("1000"), instance: None, sealed: vec![1] };
    let own = WrappingKeyRow { instance: Some(id("kst-a")), ..default.clone() };
    for row in [&default, &own] {
        tx.insert_wrapping_key(row).await.unwrap();
    }
    assert!(tx.reseal_wrapping_key(&own, &[2]).await.unwrap());
    assert!(!tx.reseal_wrapping_key(&own, &[3]).await.unwrap(), "it is another by now");
    let own = WrappingKeyRow { sealed: vec![2], ..own };
    assert_eq!(tx.wrapping_keys().await.unwrap(), [default, own]);
}
