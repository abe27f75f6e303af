//! Notices, and what webhooks are still to be told.

use super::{Place, all, at, id, page, write};
use crate::{Delivery, Match, NoticeFilter, NoticeRow};

fn notice(name: &str, left: i64) -> NoticeRow {
    NoticeRow {
        id: name.to_owned(),
        account: id("1000"),
        at: at(left),
        name: "Secret:DeleteSecret:Success".to_owned(),
        level: "WARN".to_owned(),
        about: "acs:kms:cn-hangzhou:1000:secret/s".to_owned(),
        body: r#"{"说":"明"}"#.to_owned(),
        waiting: 0,
    }
}

fn ids(rows: &[NoticeRow]) -> Vec<&str> {
    rows.iter().map(|it| &*it.id).collect()
}

fn of(due: &[Delivery]) -> Vec<(&str, i64)> {
    due.iter().map(|it| (&*it.notice, it.tries)).collect()
}

pub(super) async fn a_notice_is_left_once_and_listed_the_last_first(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for it in [notice("a", 2), notice("b", 3), notice("c", 1)] {
        assert!(tx.insert_notice(&it).await.unwrap());
    }
    assert!(!tx.insert_notice(&notice("a", 9)).await.unwrap(), "it is there");
    assert!(tx.has_notice("a").await.unwrap() && !tx.has_notice("e").await.unwrap());
    let other = NoticeRow { account: id("2000"), ..notice("d", 9) };
    assert!(tx.insert_notice(&other).await.unwrap());
    let listed = tx.notices(&id("1000"), &NoticeFilter::default(), all()).await.unwrap();
    assert_eq!(listed.items, [notice("b", 3), notice("a", 2), notice("c", 1)]);
    let second = tx.notices(&id("1000"), &NoticeFilter::default(), page(2, 2)).await.unwrap();
    assert_eq!((ids(&second.items), second.total), (vec!["c"], 3));
}

pub(super) async fn notices_are_found_by_what_they_are_about_and_by_how_their_names_begin(
    place: Place,
) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let failed = |it: &str, left| NoticeRow {
        name: "Secret:RotateSecret:Failure".to_owned(),
        ..notice(it, left)
    };
    let other =
        NoticeRow { about: "acs:kms:cn-hangzhou:1000:secret/s2".to_owned(), ..failed("d", 4) };
    for it in [notice("a", 1), failed("b", 2), notice("c", 3), other] {
        tx.insert_notice(&it).await.unwrap();
    }
    let rotations = || Some(Match::Prefix("Secret:RotateSecret:".to_owned()));
    let exactly = |name: &str| Some(Match::Exact(name.to_owned()));
    let about = Some(notice("", 0).about);
    for (about, name, expected) in [
        (None, rotations(), &["d", "b"][..]),
        (about.clone(), None, &["c", "b", "a"]),
        (about.clone(), rotations(), &["b"]),
        (about.clone(), exactly("Secret:DeleteSecret:Success"), &["c", "a"]),
        (about, exactly("Secret:"), &[]),
        (Some("acs:kms:cn-hangzhou:1000:secret/".to_owned()), None, &[]),
    ] {
        let filter = NoticeFilter { about, name };
        let listed = tx.notices(&id("1000"), &filter, page(1, 9)).await.unwrap();
        assert_eq!(ids(&listed.items), expected, "{filter:?}");
        assert_eq!(usize::try_from(listed.total).unwrap(), expected.len());
    }
}

pub(super) async fn a_webhook_is_told_what_is_due_until_it_arrived(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for it in [notice("a", 2), notice("b", 1)] {
        tx.insert_notice(&it).await.unwrap();
        for webhook in ["one", "two", "one"] {
            tx.insert_delivery(webhook, &it.id, at(5)).await.unwrap();
        }
    }
    let listed = tx.notices(&id("1000"), &NoticeFilter::default(), all()).await.unwrap();
    assert_eq!(listed.items.iter().map(|it| it.waiting).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(of(&tx.due_deliveries("one", at(4), 9).await.unwrap()), []);
    let due = tx.due_deliveries("one", at(5), 9).await.unwrap();
    assert_eq!(of(&due), [("b", 0), ("a", 0)], "the older first");
    assert_eq!((due[0].at, &*due[0].body), (at(1), r#"{"说":"明"}"#));
    assert_eq!(of(&tx.due_deliveries("one", at(5), 1).await.unwrap()), [("b", 0)]);
    tx.put_off_delivery("one", "b", 1, at(8)).await.unwrap();
    assert_eq!(of(&tx.due_deliveries("one", at(7), 9).await.unwrap()), [("a", 0)]);
    assert_eq!(of(&tx.due_deliveries("one", at(8), 9).await.unwrap()), [("a", 0), ("b", 1)]);
    tx.delete_delivery("one", "a").await.unwrap();
    assert_eq!(of(&tx.due_deliveries("one", at(8), 9).await.unwrap()), [("b", 1)]);
    assert_eq!(of(&tx.due_deliveries("two", at(8), 9).await.unwrap()), [("b", 0), ("a", 0)]);
}

pub(super) async fn old_notices_go_with_their_deliveries(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for (nth, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let left = i64::try_from(nth).unwrap();
        tx.insert_notice(&notice(name, left)).await.unwrap();
        tx.insert_delivery("one", name, at(5)).await.unwrap();
    }
    assert_eq!(tx.delete_notices(at(2), 1).await.unwrap(), 1, "no more than asked for");
    assert_eq!(tx.delete_notices(at(2), 9).await.unwrap(), 1);
    assert_eq!(tx.delete_notices(at(2), 9).await.unwrap(), 0);
    let listed = tx.notices(&id("1000"), &NoticeFilter::default(), all()).await.unwrap();
    assert_eq!(ids(&listed.items), ["e", "d", "c"]);
    let due = tx.due_deliveries("one", at(5), 9).await.unwrap();
    assert_eq!(of(&due), [("c", 0), ("d", 0), ("e", 0)]);
}

pub(super) async fn each_account_keeps_its_last_notices_and_what_is_critical_until_it_is_told(
    place: Place,
) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let critical = |name, left| NoticeRow { level: "CRITICAL".to_owned(), ..notice(name, left) };
    let other = |name, left| NoticeRow { account: id("2000"), ..notice(name, left) };
    let (late, told, waits) = (critical("late", 1), critical("told", 2), critical("waits", 3));
    for it in [late, told, waits, notice("warn", 4), notice("y", 5), notice("z", 6)] {
        tx.insert_notice(&it).await.unwrap();
        if it.id != "told" {
            tx.insert_delivery("one", &it.id, at(5)).await.unwrap();
        }
    }
    for it in [other("older", 0), other("old", 1)] {
        tx.insert_notice(&it).await.unwrap();
    }
    assert_eq!(tx.delete_surplus_notices(6, at(2), 9).await.unwrap(), 0);
    assert_eq!(tx.delete_surplus_notices(2, at(2), 1).await.unwrap(), 1, "no more than asked for");
    assert_eq!(tx.delete_surplus_notices(2, at(2), 9).await.unwrap(), 2);
    let listed = tx.notices(&id("1000"), &NoticeFilter::default(), all()).await.unwrap();
    assert_eq!(ids(&listed.items), ["z", "y", "waits"]);
    let listed = tx.notices(&id("2000"), &NoticeFilter::default(), all()).await.unwrap();
    assert_eq!(ids(&listed.items), ["old", "older"], "they are another account's, and few");
    let due = tx.due_deliveries("one", at(5), 9).await.unwrap();
    assert_eq!(of(&due), [("waits", 0), ("y", 0), ("z", 0)]);
}
