//! Keys, versions, aliases.

use yaoku_model::{
    key::{
        Alias, CreatorType, Key, KeySpec, KeyState, KeyUsage, KeyVersion, Origin, ProtectionLevel,
    },
    tag::TagKind,
};

use super::{Place, all, at, id, key, key_version, page, read, tag, texts, write};
use crate::{Change, DueKey, KeyFilter, TagQuery, Transaction};

fn alias(name: &str, key: &str, created: i64) -> Alias {
    Alias { account: id("1000"), name: id(name), key: id(key), created: at(created) }
}

/// A key that differs from [`key`] in everything.
fn odd(name: &str) -> Key {
    Key {
        instance: Some(id("kst-a")),
        spec: KeySpec::EcP256,
        usage: KeyUsage::SignVerify,
        origin: Origin::External,
        protection: ProtectionLevel::Hsm,
        state: KeyState::PendingDeletion,
        creator: CreatorType::Service,
        description: "说明 '; --".to_owned(),
        primary: Some(id(&"p".repeat(36))),
        last_rotation: Some(at(3)),
        rotation_seconds: Some(4),
        delete_at: Some(at(5)),
        deletion_protection: Some("why".to_owned()),
        material_expires: Some(at(6)),
        policy: Some("{ }".to_owned()),
        ..key(name, 9)
    }
}

async fn list(tx: &mut dyn Transaction, filter: &KeyFilter) -> Vec<String> {
    let listed = tx.list_keys(&id("1000"), filter, at(0), all()).await.unwrap();
    assert_eq!(listed.total, i64::try_from(listed.items.len()).unwrap());
    listed.items.iter().map(ToString::to_string).collect()
}

pub(super) async fn keys_keep_what_they_were_given(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for it in [key("plain", 1), odd("odd")] {
        tx.insert_key(&it).await.unwrap();
        assert_eq!(tx.key(&it.id).await.unwrap(), Some(it));
    }
    let fixed = Key { created: at(9), ..key("odd", 9) };
    let changed = Key {
        instance: Some(id("kst-a")),
        spec: KeySpec::EcP256,
        usage: KeyUsage::SignVerify,
        origin: Origin::External,
        protection: ProtectionLevel::Hsm,
        creator: CreatorType::Service,
        ..fixed
    };
    tx.update_key(&changed).await.unwrap();
    assert_eq!(tx.key(&changed.id).await.unwrap(), Some(changed));
    assert_eq!(tx.key(&id("none")).await.unwrap(), None);
    assert_eq!(
        tx.count_keys(&id("1000"), at(0)).await.unwrap(),
        1,
        "the service's are not counted"
    );
}

pub(super) async fn keys_are_listed_in_order_of_creation_then_id(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for (name, created) in [("b", 1), ("_", 1), ("B", 1), ("a", 1), ("0", 2)] {
        tx.insert_key(&key(name, created)).await.unwrap();
    }
    tx.insert_key(&Key { account: id("2000"), ..key("other", 1) }).await.unwrap();
    assert_eq!(list(&mut *tx, &KeyFilter::default()).await, ["B", "_", "a", "b", "0"]);
    for (number, expected) in [(1, vec!["B", "_"]), (3, vec!["0"]), (4, vec![])] {
        let filter = KeyFilter::default();
        let listed = tx.list_keys(&id("1000"), &filter, at(0), page(number, 2)).await.unwrap();
        let ids: Vec<_> = listed.items.iter().map(yaoku_model::ids::KeyId::as_str).collect();
        assert_eq!((ids, listed.total), (expected, 5), "page {number}");
    }
}

pub(super) async fn keys_are_filtered_by_every_field(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_key(&key("plain", 1)).await.unwrap();
    tx.insert_key(&odd("odd")).await.unwrap();
    tx.insert_alias(&alias("alias/a", "odd", 1)).await.unwrap();
    tx.put_tag(&id("1000"), TagKind::Key, "odd", &tag("env", "prod")).await.unwrap();
    let none = KeyFilter::default();
    for filter in [
        KeyFilter { states: texts(&["PendingDeletion", "Disabled"]), ..none.clone() },
        KeyFilter { specs: texts(&["EC_P256"]), ..none.clone() },
        KeyFilter { usages: texts(&["SIGN/VERIFY"]), ..none.clone() },
        KeyFilter { protections: texts(&["HSM"]), ..none.clone() },
        KeyFilter { creator_types: texts(&["Service"]), ..none.clone() },
        KeyFilter { instances: texts(&["kst-a", "kst-b"]), ..none.clone() },
        KeyFilter { ids: texts(&["odd", "none"]), ..none.clone() },
        KeyFilter { aliases: texts(&["alias/a", "alias/b"]), ..none.clone() },
        KeyFilter { tag_keys: texts(&["env"]), ..none.clone() },
        KeyFilter { tag_values: texts(&["prod"]), ..none.clone() },
        KeyFilter { specs: texts(&["EC_P256"]), creators: texts(&["1000"]), ..none.clone() },
    ] {
        assert_eq!(list(&mut *tx, &filter).await, ["odd"], "{filter:?}");
    }
    for filter in [
        KeyFilter { creators: texts(&["2000"]), ..none.clone() },
        KeyFilter { states: texts(&["enabled"]), ..none.clone() },
        KeyFilter { ids: texts(&["plain"]), aliases: texts(&["alias/a"]), ..none.clone() },
    ] {
        assert_eq!(list(&mut *tx, &filter).await, Vec::<String>::new(), "{filter:?}");
    }
}

pub(super) async fn keys_are_listed_as_they_are_at_the_time(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let expiring = Key { material_expires: Some(at(20)), ..key("expiring", 2) };
    let leaving = Key { delete_at: Some(at(10)), ..odd("leaving") };
    for it in [&key("plain", 1), &expiring, &leaving] {
        tx.insert_key(it).await.unwrap();
    }
    let of = |state: &str| KeyFilter { states: texts(&[state]), ..KeyFilter::default() };
    for (now, filter, expected) in [
        (9, KeyFilter::default(), vec!["plain", "expiring", "leaving"]),
        (10, KeyFilter::default(), vec!["plain", "expiring"]),
        (19, of("Enabled"), vec!["plain", "expiring"]),
        (20, of("Enabled"), vec!["plain"]),
        (19, of("PendingImport"), vec![]),
        (20, of("PendingImport"), vec!["expiring"]),
    ] {
        let listed = tx.list_keys(&id("1000"), &filter, at(now), all()).await.unwrap();
        let ids: Vec<_> = listed.items.iter().map(yaoku_model::ids::KeyId::as_str).collect();
        assert_eq!(ids, expected, "{filter:?} at {now}");
    }
}

pub(super) async fn keys_are_counted_with_and_without_an_instance(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_key(&Key { instance: Some(id("kst-a")), ..key("one", 1) }).await.unwrap();
    tx.insert_key(&key("default", 1)).await.unwrap();
    assert_eq!(tx.count_keys(&id("1000"), at(0)).await.unwrap(), 2);
    assert_eq!(tx.count_default_keys(&id("1000"), at(0)).await.unwrap(), 1);
}

pub(super) async fn one_tag_must_satisfy_key_and_value(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let account = id("1000");
    for (name, tags) in [("one", [("a", "x"), ("b", "y")]), ("two", [("a", "y"), ("b", "x")])] {
        tx.insert_key(&key(name, 1)).await.unwrap();
        for (key, value) in tags {
            tx.put_tag(&account, TagKind::Key, name, &tag(key, value)).await.unwrap();
        }
    }
    tx.put_tag(&account, TagKind::Secret, "two", &tag("a", "x")).await.unwrap();
    let filter = KeyFilter {
        tag_keys: texts(&["a"]),
        tag_values: texts(&["x", "z"]),
        ..KeyFilter::default()
    };
    assert_eq!(list(&mut *tx, &filter).await, ["one"]);
}

pub(super) async fn versions_are_listed_oldest_first_or_a_page_newest_first(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_key(&odd("odd")).await.unwrap();
    let versions = ["z", "y", "x"].map(|it| key_version(it, "odd", 1));
    for it in &versions {
        tx.insert_key_version(it).await.unwrap();
    }
    assert_eq!(tx.key_versions(&id("odd")).await.unwrap(), versions);
    let [z, y, x] = versions.clone();
    let listed = tx.list_key_versions(&id("odd"), page(1, 2)).await.unwrap();
    assert_eq!((listed.items, listed.total), (vec![x, y.clone()], 3));
    assert_eq!(tx.key_version(&id("odd"), &y.id).await.unwrap(), Some(y));
    assert_eq!(tx.key_version(&id("none"), &z.id).await.unwrap(), None);
    assert_eq!(tx.key_of_version(&versions[0].id).await.unwrap(), Some(id("odd")));
    assert_eq!(tx.key_of_version(&id(&"n".repeat(36))).await.unwrap(), None);
    assert_eq!(tx.count_key_versions(&id("kst-a"), at(0)).await.unwrap(), 3);
    assert_eq!(tx.count_key_versions(&id("kst-b"), at(0)).await.unwrap(), 0);
}

pub(super) async fn material_is_replaced_and_deleted(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_key(&key("k", 1)).await.unwrap();
    let imported = KeyVersion { fingerprint: Some(vec![0, 1]), ..key_version("v", "k", 1) };
    tx.insert_key_version(&imported).await.unwrap();
    let again = KeyVersion { sealed: vec![8; 9], ..imported };
    let gone = KeyVersion { sealed: Vec::new(), ..again.clone() };
    for changed in [again, gone] {
        tx.update_key_version(&changed).await.unwrap();
        assert_eq!(tx.key_versions(&id("k")).await.unwrap(), [changed]);
    }
    assert_eq!(tx.commit().await.unwrap().changes, [Change::Key(id("k"))]);
}

pub(super) async fn seals_are_reserved_once(place: Place) {
    let store = place.open().await;
    let version = key_version("v", "k", 1);
    let mut tx = write(&*store).await;
    tx.insert_key(&key("k", 1)).await.unwrap();
    tx.insert_key_version(&version).await.unwrap();
    for sum in [1 << 24, 2 << 24] {
        assert_eq!(tx.reserve_seals(&version.id, 1 << 24).await.unwrap(), Some(sum));
    }
    assert_eq!(tx.reserve_seals(&id(&"n".repeat(36)), 1).await.unwrap(), None);
}

pub(super) async fn keys_are_due_when_the_first_thing_happens(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let rotates = Key { rotation_seconds: Some(4), last_rotation: Some(at(1)), ..key("r", 1) };
    let keys = [
        key("never", 1),
        Key { delete_at: Some(at(2)), state: KeyState::PendingDeletion, ..key("deleted", 1) },
        Key { material_expires: Some(at(3)), ..key("expires", 1) },
        Key { material_expires: Some(at(3)), state: KeyState::PendingImport, ..key("empty", 1) },
        Key { state: KeyState::Disabled, ..rotates.clone() },
    ];
    for it in &keys {
        tx.insert_key(it).await.unwrap();
    }
    for (now, limit, expected) in
        [(1, 9, vec![]), (2, 9, vec!["deleted"]), (9_999, 9, vec!["deleted", "expires"])]
    {
        assert_eq!(due(&mut *tx, now, limit).await, expected, "{now}");
    }
    tx.update_key(&Key { id: id("r"), ..rotates.clone() }).await.unwrap();
    let at_last = rotates.next_rotation().unwrap().unix_ms();
    assert_eq!(due(&mut *tx, at_last - 1, 9).await, ["deleted", "expires"]);
    assert_eq!(due(&mut *tx, at_last, 9).await, ["deleted", "expires", "r"]);
    assert_eq!(due(&mut *tx, at_last, 1).await, ["deleted"]);
}

pub(super) async fn keys_are_due_page_by_page(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for (name, due) in [("e", 1), ("b", 2), ("a", 2), ("c", 2), ("d", 3)] {
        let state = KeyState::PendingDeletion;
        tx.insert_key(&Key { delete_at: Some(at(due)), state, ..key(name, 1) }).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = tx.due_keys(at(9), after.as_ref(), 2).await.unwrap();
        seen.extend(page.iter().map(|it| (it.at, it.id.clone())));
        let Some(last) = page.into_iter().next_back() else { break };
        after = Some(last);
    }
    let expected = [(1, "e"), (2, "a"), (2, "b"), (2, "c"), (3, "d")];
    assert_eq!(seen, expected.map(|(due, name)| (at(due), name.to_owned())));
}

pub(super) async fn keys_are_found_whose_material_expires(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for (name, expires) in [("now", 5), ("b", 6), ("a", 6), ("c", 7), ("later", 8)] {
        let material_expires = Some(at(expires));
        tx.insert_key(&Key { material_expires, ..key(name, 1) }).await.unwrap();
    }
    let goes = Key { delete_at: Some(at(6)), material_expires: Some(at(7)), ..key("goes", 1) };
    tx.insert_key(&goes).await.unwrap();
    let turns = Key { last_rotation: Some(at(0)), rotation_seconds: Some(0), ..key("turns", 1) };
    tx.insert_key(&turns).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = tx.expiring_keys(at(5), at(7), after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(DueKey { at: last.material_expires.unwrap(), id: last.id.to_string() });
        seen.extend(page.iter().map(|it| it.id.to_string()));
    }
    assert_eq!(seen, ["a", "b", "c"]);
}

async fn due(tx: &mut dyn Transaction, now: i64, limit: i64) -> Vec<String> {
    let due = tx.due_keys(at(now), None, limit).await.unwrap();
    due.into_iter().map(|it| it.id).collect()
}

pub(super) async fn deleting_a_key_takes_versions_aliases_and_tags(place: Place) {
    let store = place.open().await;
    let account = id("1000");
    let mut tx = write(&*store).await;
    for name in ["gone", "kept"] {
        tx.insert_key(&key(name, 1)).await.unwrap();
        tx.insert_key_version(&key_version(&name[..1], name, 1)).await.unwrap();
        tx.insert_alias(&alias(&format!("alias/{name}"), name, 1)).await.unwrap();
        tx.put_tag(&account, TagKind::Key, name, &tag("a", "b")).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut tx = write(&*store).await;
    tx.delete_key(&id("gone")).await.unwrap();
    let changes = tx.commit().await.unwrap().changes;
    let told = [Change::Alias(account.clone(), id("alias/gone")), Change::Key(id("gone"))];
    assert_eq!(changes, told);
    let mut tx = read(&*store).await;
    for (name, left) in [("gone", 0), ("kept", 1)] {
        assert_eq!(tx.key(&id(name)).await.unwrap().iter().count(), left);
        assert_eq!(tx.key_versions(&id(name)).await.unwrap().len(), left);
        assert_eq!(tx.tags(&account, TagKind::Key, name).await.unwrap().len(), left);
        let alias = tx.alias(&account, &id(&format!("alias/{name}"))).await.unwrap();
        assert_eq!(alias.iter().count(), left);
    }
}

pub(super) async fn what_is_gone_is_not_counted_though_it_was_not_removed_yet(place: Place) {
    let store = place.open().await;
    let account = id("1000");
    let mut tx = write(&*store).await;
    let dying = |name, home: Option<&str>| Key {
        instance: home.map(id),
        policy: Some("1".to_owned()),
        delete_at: Some(at(5)),
        ..key(name, 1)
    };
    tx.insert_key(&dying("one", Some("kst-a"))).await.unwrap();
    tx.insert_key(&dying("two", None)).await.unwrap();
    tx.insert_key_version(&key_version("v", "one", 1)).await.unwrap();
    tx.insert_alias(&alias("alias/a", "one", 2)).await.unwrap();
    tx.put_tag(&account, TagKind::Key, "one", &tag("a", "x")).await.unwrap();
    for (now, left) in [(at(4), 1), (at(5), 0)] {
        assert_eq!(tx.count_keys(&account, now).await.unwrap(), 2 * left);
        assert_eq!(tx.count_default_keys(&account, now).await.unwrap(), left);
        assert_eq!(tx.count_key_versions(&id("kst-a"), now).await.unwrap(), left);
        assert_eq!(tx.count_aliases(&account, now).await.unwrap(), left);
        assert_eq!(tx.list_aliases(&account, None, now, all()).await.unwrap().total, left);
        let policies = tx.policies_in(&id("kst-a"), now).await.unwrap();
        let query =
            TagQuery { kind: TagKind::Key, resources: &[], tags: &[], now, after: None, limit: 9 };
        let tags = tx.list_tags(&account, &query).await.unwrap();
        assert_eq!((policies.len(), tags.len()), (usize::from(left > 0), usize::from(left > 0)));
    }
}

pub(super) async fn aliases_are_unique_listed_and_moved(place: Place) {
    let store = place.open().await;
    let (account, a) = (id("1000"), id("alias/a"));
    let mut tx = write(&*store).await;
    tx.insert_key(&key("one", 1)).await.unwrap();
    tx.insert_key(&key("two", 1)).await.unwrap();
    assert!(tx.insert_alias(&alias("alias/b", "one", 2)).await.unwrap());
    assert!(tx.insert_alias(&alias("alias/a", "one", 2)).await.unwrap());
    assert!(tx.insert_alias(&alias("alias/A", "one", 3)).await.unwrap());
    assert!(!tx.insert_alias(&alias("alias/a", "two", 9)).await.unwrap());
    assert_eq!(tx.count_aliases(&account, at(0)).await.unwrap(), 3);
    assert_eq!(tx.alias(&account, &a).await.unwrap(), Some(alias("alias/a", "one", 2)));

    assert!(tx.move_alias(&account, &a, &id("two")).await.unwrap());
    assert!(!tx.move_alias(&account, &id("alias/none"), &id("two")).await.unwrap());
    let listed = tx.list_aliases(&account, None, at(0), page(1, 2)).await.unwrap();
    let expected = vec![alias("alias/a", "two", 2), alias("alias/b", "one", 2)];
    assert_eq!((listed.items, listed.total), (expected, 3));
    let listed = tx.list_aliases(&account, Some(&id("one")), at(0), all()).await.unwrap();
    let expected = vec![alias("alias/b", "one", 2), alias("alias/A", "one", 3)];
    assert_eq!((listed.items, listed.total), (expected, 2));

    assert!(tx.delete_alias(&account, &a).await.unwrap());
    assert!(!tx.delete_alias(&account, &a).await.unwrap());
}
