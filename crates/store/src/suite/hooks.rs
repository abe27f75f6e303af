//! Hooks.

use yaoku_model::{
    hook::{Hook, Way},
    secret::{Rotation, Secret, Step},
};

use super::{Place, at, id, secret, write};
use crate::DueSecret;

fn hook(name: &str) -> Hook {
    Hook {
        account: id("1000"),
        secret: id(name),
        way: Way::Webhook { url: "https://hooks.example/a".to_owned(), key: id("hook/key") },
        role: id("rotate"),
        interval: Some(86_400),
        last_rotation: Some(at(3)),
        next_rotation: Some(at(4)),
        created: at(1),
        updated: at(2),
    }
}

fn names(due: &[DueSecret]) -> Vec<&str> {
    due.iter().map(|it| it.name.as_str()).collect()
}

pub(super) async fn hooks_are_put_listed_and_deleted_and_go_with_their_secret(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let account = id("1000");
    for name in ["b", "a", "c"] {
        tx.insert_secret(&secret(name, 1)).await.unwrap();
    }
    assert_eq!(tx.hook(&account, &id("a")).await.unwrap(), None);
    for name in ["b", "a"] {
        tx.put_hook(&hook(name)).await.unwrap();
    }
    assert_eq!(tx.hooks(&account).await.unwrap(), [hook("a"), hook("b")]);
    assert_eq!(tx.hooks(&id("2000")).await.unwrap(), []);
    let changed = Hook {
        way: Way::Command(id("/usr/bin/rotate\n--of\n说 明")),
        role: id("other"),
        interval: None,
        last_rotation: None,
        next_rotation: None,
        updated: at(9),
        ..hook("a")
    };
    tx.put_hook(&Hook { created: at(8), ..changed.clone() }).await.unwrap();
    assert_eq!(tx.hook(&account, &id("a")).await.unwrap(), Some(changed));
    assert!(tx.delete_hook(&account, &id("a")).await.unwrap());
    assert!(!tx.delete_hook(&account, &id("a")).await.unwrap());
    tx.delete_secret(&account, &id("b")).await.unwrap();
    assert_eq!(tx.hooks(&account).await.unwrap(), []);
}

pub(super) async fn hooks_are_due_when_their_date_has_come_and_nothing_was_begun(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for (name, due) in
        [("b", Some(2)), ("a", Some(2)), ("first", Some(1)), ("later", Some(9)), ("asked", None)]
    {
        tx.insert_secret(&secret(name, 1)).await.unwrap();
        tx.put_hook(&Hook { next_rotation: due.map(at), ..hook(name) }).await.unwrap();
    }
    let leaving = Secret { delete_at: Some(at(99)), ..secret("leaving", 1) };
    for it in [leaving, secret("begun", 1)] {
        tx.insert_secret(&it).await.unwrap();
        tx.put_hook(&hook(it.name.as_str())).await.unwrap();
    }
    let begun = Rotation {
        account: id("1000"),
        secret: id("begun"),
        version: id("v3"),
        candidate: None,
        step: Step::HookTest,
        started: at(1),
        tries: 0,
        next_try: at(5),
        held_until: None,
        dying: None,
    };
    tx.put_rotation(&begun).await.unwrap();
    assert_eq!(tx.rotation(&begun.account, &begun.secret).await.unwrap(), Some(begun));
    let first = tx.due_hooks(at(5), None, 2).await.unwrap();
    assert_eq!((names(&first), first[0].at), (vec!["first", "a"], at(1)));
    let rest = tx.due_hooks(at(5), first.last(), 2).await.unwrap();
    assert_eq!(names(&rest), ["b"]);
}
