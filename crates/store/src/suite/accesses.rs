//! Whom the policies in an instance let in, and did until lately.

use yaoku_model::{key::Key, policy::Object, secret::Secret};

use super::{Place, at, id, key, read, secret, write};
use crate::{PolicyText, Release, Transaction};

fn release(instance: &str, object: Object, account: &str, released: i64) -> Release {
    let name = "one".to_owned();
    Release { instance: id(instance), object, name, account: id(account), at: at(released) }
}

/// What an instance has released since, as account and time.
async fn found(tx: &mut dyn Transaction, instance: &str, since: i64) -> Vec<Release> {
    let mut found = tx.releases_in(&id(instance), at(since)).await.unwrap();
    found.sort_by_key(|it| it.at);
    found
}

pub(super) async fn the_policies_in_an_instance_are_found_together(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let of = |name: &str, home: &str, policy: Option<&str>| Key {
        instance: Some(id(home)),
        policy: policy.map(str::to_owned),
        ..key(name, 1)
    };
    let (none, other) = (of("none", "kst-a", None), of("other", "kst-b", Some("3")));
    for it in [of("one", "kst-a", Some("1")), none, other] {
        tx.insert_key(&it).await.unwrap();
    }
    let mut dying =
        Secret { instance: Some(id("kst-a")), policy: Some("2".to_owned()), ..secret("one", 1) };
    dying.delete_at = Some(at(5));
    assert!(tx.insert_secret(&dying).await.unwrap());
    let text = |object, text: &str| {
        let name = "one".to_owned();
        PolicyText { object, name, text: text.to_owned() }
    };
    let (a_key, a_secret) = (text(Object::Key, "1"), text(Object::Secret, "2"));
    for (since, expected) in [(4, vec![a_key.clone(), a_secret]), (5, vec![a_key])] {
        let mut all = tx.policies_in(&id("kst-a"), at(since)).await.unwrap();
        all.sort_by(|a, b| a.text.cmp(&b.text));
        assert_eq!(all, expected);
    }
}

pub(super) async fn releases_are_found_until_they_are_old_and_forgotten_a_few_at_a_time(
    place: Place,
) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let all = [
        release("kst-a", Object::Key, "2000", 1),
        release("kst-a", Object::Secret, "2000", 2),
        release("kst-a", Object::Key, "3000", 3),
        release("kst-b", Object::Key, "2000", 4),
    ];
    for it in &all {
        tx.put_release(it).await.unwrap();
    }
    assert_eq!(found(&mut *tx, "kst-a", 0).await, all[..3]);
    assert_eq!(found(&mut *tx, "kst-a", 1).await, all[1..3]);
    assert_eq!(found(&mut *tx, "kst-b", 0).await, all[3..]);
    // Released again, it counts from then on.
    let again = release("kst-a", Object::Key, "2000", 9);
    tx.put_release(&again).await.unwrap();
    assert_eq!(tx.commit().await.unwrap().changes, [], "no node keeps these");
    drop(store);
    let store = place.open().await;
    let kept = [all[1].clone(), all[2].clone(), again.clone()];
    assert_eq!(found(&mut *read(&*store).await, "kst-a", 0).await, kept);

    let mut tx = write(&*store).await;
    assert_eq!(tx.delete_releases(at(1), 9).await.unwrap(), 0);
    assert_eq!(tx.delete_releases(at(4), 2).await.unwrap(), 2);
    assert_eq!(tx.delete_releases(at(4), 2).await.unwrap(), 1);
    assert_eq!(found(&mut *tx, "kst-a", 0).await, [again]);
    assert_eq!(found(&mut *tx, "kst-b", 0).await, []);
}
