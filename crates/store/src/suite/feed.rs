//! The change feed.

use yaoku_model::{identity::CustomPolicy, key::Alias, tag::TagKind};

use super::{
    Place, account, at, id, instance, key,
    members::{group, role},
    rootkey::wrap,
    secret, tag, user, write,
};
use crate::{Change, Mark, Store};

/// Reads on from `done` until something has come. On PostgreSQL other tests share the server,
/// and what they have open holds back the feed.
async fn news(store: &dyn Store, done: Mark) -> (Vec<Change>, Mark) {
    loop {
        let feed = store.changes(done).await.unwrap();
        if !feed.changes.is_empty() {
            return (feed.changes, feed.next);
        }
        tokio::task::yield_now().await;
    }
}

pub(super) async fn every_kind_of_change_is_told(place: Place) {
    let store = place.open().await;
    let start = store.mark().await.unwrap();
    let account_id = account().id;
    let mut tx = write(&*store).await;
    tx.insert_account(&account()).await.unwrap();
    tx.insert_user(&user("u", 1)).await.unwrap();
    let policy = CustomPolicy::new(account_id.clone(), id("p"), at(1));
    tx.insert_custom_policy(&policy, "{}").await.unwrap();
    tx.insert_group(&group("g")).await.unwrap();
    tx.insert_role(&role("r")).await.unwrap();
    tx.insert_instance(&instance("kst-a", 1)).await.unwrap();
    tx.insert_key(&key("k", 1)).await.unwrap();
    tx.put_tag(&account_id, TagKind::Key, "k", &tag("a", "b")).await.unwrap();
    let alias = id("alias/a");
    let alias = Alias { account: account_id.clone(), name: alias, key: id("k"), created: at(1) };
    tx.insert_alias(&alias).await.unwrap();
    tx.insert_secret(&secret("s", 1)).await.unwrap();
    tx.insert_wrap(&wrap("w", 1)).await.unwrap();
    tx.delete_access_key(&id("none")).await.unwrap();
    let committed = tx.commit().await.unwrap();
    let expected = [
        Change::Account(account_id.clone()),
        Change::User(account_id.clone(), id("u")),
        Change::Policy(account_id.clone(), id("p")),
        Change::Group(account_id.clone(), id("g")),
        Change::Role(account_id.clone(), id("r")),
        Change::Instance(id("kst-a")),
        Change::Key(id("k")),
        Change::Alias(account_id.clone(), id("alias/a")),
        Change::Secret(account_id, id("s")),
        Change::RootKey,
    ];
    assert_eq!(committed, expected);
    let (told, next) = news(&*store, start).await;
    assert_eq!(told, expected);

    let mut tx = write(&*store).await;
    tx.insert_key(&key("l", 1)).await.unwrap();
    tx.commit().await.unwrap();
    let (told, next) = news(&*store, next).await;
    assert_eq!(told, [Change::Key(id("l"))], "only what is new");
    assert_eq!(store.changes(next).await.unwrap().changes, []);
    assert!(store.mark().await.unwrap() >= next);
}

pub(super) async fn nothing_is_told_of_what_was_undone_or_dropped(place: Place) {
    let store = place.open().await;
    let start = store.mark().await.unwrap();
    let mut tx = write(&*store).await;
    tx.insert_key(&key("dropped", 1)).await.unwrap();
    drop(tx);
    let mut tx = write(&*store).await;
    tx.insert_key(&key("undone", 1)).await.unwrap();
    tx.insert_event("n", b"undone").await.unwrap();
    tx.undo().await.unwrap();
    tx.insert_key(&key("kept", 1)).await.unwrap();
    assert_eq!(tx.commit().await.unwrap(), [Change::Key(id("kept"))]);
    assert_eq!(news(&*store, start).await.0, [Change::Key(id("kept"))]);
}

pub(super) async fn a_commit_that_began_earlier_and_ended_later_is_not_missed(place: Place) {
    if place.is_sqlite() {
        return; // One writer at a time: there is no other order.
    }
    let store = place.open().await;
    let start = store.mark().await.unwrap();
    let (mut early, mut late) = (write(&*store).await, write(&*store).await);
    early.put_setting("early", "any").await.unwrap();
    late.insert_key(&key("late", 1)).await.unwrap();
    late.commit().await.unwrap();
    let feed = store.changes(start).await.unwrap();
    assert_eq!(feed.changes, [], "nothing may be told past what is open");
    early.insert_secret(&secret("early", 1)).await.unwrap();
    early.commit().await.unwrap();
    let (mut told, mut next) = (Vec::new(), feed.next);
    while told.len() < 2 {
        let (more, done) = news(&*store, next).await;
        told.extend(more);
        next = done;
    }
    assert_eq!(told, [Change::Secret(id("1000"), id("early")), Change::Key(id("late"))]);
}

pub(super) async fn rows_that_every_living_node_has_passed_are_removed_and_who_was_away_is_told(
    place: Place,
) {
    let store = place.open().await;
    let away = store.mark().await.unwrap();
    let mut mark = away;
    for name in ["a", "b", "c"] {
        let mut tx = write(&*store).await;
        tx.insert_key(&key(name, 1)).await.unwrap();
        tx.commit().await.unwrap();
        mark = news(&*store, mark).await.1;
    }
    let mut tx = write(&*store).await;
    assert_eq!(tx.prune_feed(at(0), 9).await.unwrap(), 0, "nobody has said how far it is");
    tx.put_mark("away", away, at(5)).await.unwrap();
    tx.put_mark("here", mark, at(10)).await.unwrap();
    assert_eq!(tx.prune_feed(at(5), 9).await.unwrap(), 0, "one may still need them");
    assert_eq!(tx.prune_feed(at(6), 2).await.unwrap(), 2, "a few at a time");
    tx.commit().await.unwrap();
    let mut tx = write(&*store).await;
    assert_eq!(tx.prune_feed(at(6), 2).await.unwrap(), 1);
    assert_eq!(tx.prune_feed(at(6), 2).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert!(store.changes(away).await.unwrap().missed);
    let feed = store.changes(mark).await.unwrap();
    assert!(!feed.missed);
    assert_eq!(feed.changes, []);
}
