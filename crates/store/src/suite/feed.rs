//! The change feed.

use yaoku_model::{identity::CustomPolicy, key::Alias, tag::TagKind};

use super::{
    Place, account, at, id, instance, key,
    members::{group, role},
    rootkey::wrap,
    secret, tag, user, write,
};
use crate::{Change, Mark, NodeRow, Store, Word};

/// What is new since `done`, and the next mark.
async fn news(store: &dyn Store, done: &Mark) -> (Vec<Change>, Mark) {
    let feed = store.changes(done).await.unwrap();
    (feed.changes, feed.next)
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
    tx.enter_node("n", "run").await.unwrap();
    tx.delete_access_key(&id("none")).await.unwrap();
    let committed = tx.commit().await.unwrap().changes;
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
        Change::Nodes,
    ];
    assert_eq!(committed, expected);
    let (told, next) = news(&*store, &start).await;
    assert_eq!(told, expected);

    let mut tx = write(&*store).await;
    tx.insert_key(&key("l", 1)).await.unwrap();
    tx.commit().await.unwrap();
    let (told, next) = news(&*store, &next).await;
    assert_eq!(told, [Change::Key(id("l"))], "only what is new");
    assert_eq!(store.changes(&next).await.unwrap().changes, []);
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
    assert_eq!(tx.commit().await.unwrap().changes, [Change::Key(id("kept"))]);
    assert_eq!(news(&*store, &start).await.0, [Change::Key(id("kept"))]);
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
    let (told, next) = news(&*store, &start).await;
    assert_eq!(told, [Change::Key(id("late"))], "what is open holds nothing back");
    early.insert_secret(&secret("early", 1)).await.unwrap();
    early.commit().await.unwrap();
    let (told, next) = news(&*store, &next).await;
    assert_eq!(told, [Change::Secret(id("1000"), id("early"))], "each once");
    assert_eq!(news(&*store, &next).await.0, []);
}

pub(super) async fn a_mark_shows_which_commits_its_reader_has_seen(place: Place) {
    if place.is_sqlite() {
        return; // Nobody else has to hear of a commit there.
    }
    let store = place.open().await;
    let mut early = write(&*store).await;
    early.insert_key(&key("early", 1)).await.unwrap();
    let late = committed(&*store, "late").await.unwrap();
    let mark = store.mark().await.unwrap();
    assert!(mark.has_seen(late));
    let early = early.commit().await.unwrap().place.unwrap();
    assert!(!mark.has_seen(early), "it was open");
    assert!(early < late);
    let mark = store.changes(&mark).await.unwrap().next;
    assert!(mark.has_seen(early) && mark.has_seen(late));
    assert!(!mark.has_seen(committed(&*store, "next").await.unwrap()));
}

/// Keeps a new key.
async fn committed(store: &dyn Store, name: &str) -> Option<crate::Place> {
    let mut tx = write(store).await;
    tx.insert_key(&key(name, 1)).await.unwrap();
    tx.insert_event("n", b"made").await.unwrap();
    tx.use_nonce(name.as_bytes(), at(5)).await.unwrap();
    tx.commit().await.unwrap().place
}

pub(super) async fn nobody_has_to_hear_of_what_nobody_caches(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_event("n", b"refused").await.unwrap();
    assert_eq!(tx.commit().await.unwrap().place, None);
    assert_eq!(committed(&*store, "k").await.is_some(), store.is_shared());
}

pub(super) async fn nodes_enter_beat_and_go(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    assert_eq!(tx.enter_node("b", "first").await.unwrap(), None);
    assert_eq!(tx.enter_node("a", "only").await.unwrap(), None);
    assert_eq!(tx.enter_node("b", "second").await.unwrap().as_deref(), Some("first"));
    tx.commit().await.unwrap();
    let mark = store.mark().await.unwrap();
    assert!(!store.beat("b", "first", &mark).await.unwrap(), "another run is there now");
    assert!(store.beat("b", "second", &mark).await.unwrap());
    let row = |name: &str, run: &str, mark: &Mark, beat| NodeRow {
        name: name.to_owned(),
        run: run.to_owned(),
        mark: mark.clone(),
        beat,
    };
    let fresh = row("a", "only", &Mark::default(), 0);
    let rows = store.changes(&mark).await.unwrap().nodes;
    assert_eq!(rows, [fresh.clone(), row("b", "second", &mark, 1)]);

    let mut tx = write(&*store).await;
    let past = row("b", "second", &mark, 0);
    assert!(!tx.condemn_node(&past).await.unwrap(), "it has beaten since");
    assert!(tx.condemn_node(&rows[1]).await.unwrap());
    assert!(!tx.beat("b", "second", &mark).await.unwrap());
    assert!(!tx.delete_node("b", "second").await.unwrap());
    assert!(tx.delete_node("b", "").await.unwrap());
    assert_eq!(tx.nodes().await.unwrap(), [fresh]);
    assert_eq!(tx.commit().await.unwrap().changes, [Change::Nodes]);
}

pub(super) async fn nodes_hear_each_other_where_they_can(place: Place) {
    let store = place.open().await;
    let Some(mut ears) = store.ears().await.unwrap() else {
        assert!(!store.is_shared());
        return store.tell("a").await.unwrap();
    };
    let mut tx = write(&*store).await;
    tx.enter_node("b", "run").await.unwrap();
    tx.commit().await.unwrap();
    store.tell("a").await.unwrap();
    store.beat("b", "another", &Mark::default()).await.unwrap();
    store.beat("b", "run", &Mark::default()).await.unwrap();
    assert_eq!(ears.next().await.unwrap(), Some((Word::Changed, "a".to_owned())));
    assert_eq!(ears.next().await.unwrap(), Some((Word::Followed, "b".to_owned())));
}

pub(super) async fn rows_that_every_node_has_passed_are_removed_and_who_was_away_is_told(
    place: Place,
) {
    let store = place.open().await;
    let away = store.mark().await.unwrap();
    for name in ["a", "b", "c"] {
        committed(&*store, name).await;
    }
    let mark = until_passed(&*store, &away, 3).await;
    let mut tx = write(&*store).await;
    assert_eq!(tx.prune_feed(9).await.unwrap(), 0, "there is no node");
    for name in ["away", "here"] {
        tx.enter_node(name, "run").await.unwrap();
    }
    tx.beat("here", "run", &mark).await.unwrap();
    assert_eq!(tx.prune_feed(9).await.unwrap(), 0, "one may still need them");
    tx.beat("away", "run", &mark).await.unwrap();
    assert_eq!(tx.prune_feed(2).await.unwrap(), 2, "a few at a time");
    tx.commit().await.unwrap();
    let mut tx = write(&*store).await;
    assert_eq!(tx.prune_feed(2).await.unwrap(), 1);
    assert_eq!(tx.prune_feed(2).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert!(store.changes(&away).await.unwrap().missed);
    assert!(!store.changes(&mark).await.unwrap().missed);
}

/// A mark that is past so many changes, and all that was open meanwhile: on PostgreSQL other tests
/// share the server.
async fn until_passed(store: &dyn Store, since: &Mark, changes: usize) -> Mark {
    let feed = store.changes(since).await.unwrap();
    assert_eq!(feed.changes.len(), changes);
    let end = feed.next.end();
    loop {
        let mark = store.mark().await.unwrap();
        if mark.open() >= end {
            return mark;
        }
        tokio::task::yield_now().await;
    }
}
