//! Secrets and their versions.

use yaoku_model::{
    secret::{DataType, Secret, SecretType, SecretVersion},
    tag::TagKind,
};

use super::{
    Place, all, at, id, key, key_version, page, rotations::managed, secret, secret_version, tag,
    texts, write,
};
use crate::{Match, SecretFilter, Transaction};

/// A secret that differs from [`secret`] in everything.
fn odd(name: &str) -> Secret {
    Secret {
        kind: SecretType::RamCredentials,
        instance: Some(id("kst-a")),
        customer_key: true,
        description: "100% of it_all 说明".to_owned(),
        updated: at(10),
        delete_at: Some(at(11)),
        policy: Some("{}".to_owned()),
        stages: [(id("ACSCurrent"), id("v2")), (id("ACSPrevious"), id("v1"))].into(),
        managed: Some(managed()),
        ..secret(name, 9)
    }
}

async fn list(tx: &mut dyn Transaction, filter: &SecretFilter) -> Vec<String> {
    let listed = tx.list_secrets(&id("1000"), filter, all()).await.unwrap();
    assert_eq!(listed.total, i64::try_from(listed.items.len()).unwrap());
    listed.items.iter().map(|it| it.name.to_string()).collect()
}

pub(super) async fn secrets_keep_what_they_were_given(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for it in [secret("plain", 1), odd("odd")] {
        assert!(tx.insert_secret(&it).await.unwrap());
        assert!(!tx.insert_secret(&it).await.unwrap());
        assert_eq!(tx.secret(&it.account, &it.name).await.unwrap(), Some((it, vec![])));
    }
    let changed =
        Secret { created: at(1), kind: SecretType::Generic, instance: None, ..odd("plain") };
    tx.update_secret(&changed).await.unwrap();
    let found = tx.secret(&changed.account, &changed.name).await.unwrap();
    assert_eq!(found, Some((changed, vec![])));
    assert_eq!(tx.secret(&id("1000"), &id("Plain")).await.unwrap(), None);
    assert_eq!(tx.secret(&id("2000"), &id("plain")).await.unwrap(), None);
    assert_eq!(tx.count_secrets(&id("kst-a"), at(0)).await.unwrap(), 1);
}

pub(super) async fn versions_are_listed_as_they_were_added(place: Place) {
    let store = place.open().await;
    let (account, name) = (id("1000"), id("s"));
    let mut tx = write(&*store).await;
    tx.insert_secret(&secret("s", 1)).await.unwrap();
    let binary = SecretVersion {
        data_type: DataType::Binary,
        created: at(-5),
        sealed_data_key: vec![],
        sealed_value: vec![0; 70_000],
        ..secret_version("a")
    };
    let versions = [secret_version("b"), binary];
    for it in &versions {
        tx.insert_secret_version(&account, &name, it).await.unwrap();
    }
    assert_eq!(tx.secret_versions(&account, &name).await.unwrap(), versions);
    let changed = Secret { description: "changed".to_owned(), ..secret("s", 1) };
    tx.put_secret_version(&changed, &secret_version("c"), Some(&id("b"))).await.unwrap();
    tx.put_secret_version(&changed, &secret_version("b"), None).await.unwrap();
    let ids = tx.secret_version_ids(&account, &name).await.unwrap();
    assert_eq!(ids, ["a", "c", "b"].map(id));
    assert_eq!(tx.secret(&account, &name).await.unwrap(), Some((changed, vec![])));
}

pub(super) async fn a_secret_deleted_leaves_its_name_free(place: Place) {
    let store = place.open().await;
    let (account, name) = (id("1000"), id("s"));
    let mut tx = write(&*store).await;
    tx.insert_secret(&odd("s")).await.unwrap();
    tx.insert_secret_version(&account, &name, &secret_version("v1")).await.unwrap();
    tx.put_tag(&account, TagKind::Secret, "s", &tag("a", "b")).await.unwrap();
    tx.put_tag(&account, TagKind::Secret, "s", &tag("0", "")).await.unwrap();
    tx.put_tag(&account, TagKind::Key, "s", &tag("a", "b")).await.unwrap();
    let tags = vec![tag("0", ""), tag("a", "b")];
    assert_eq!(tx.secret(&account, &name).await.unwrap(), Some((odd("s"), tags)));
    tx.delete_secret(&account, &name).await.unwrap();
    assert!(tx.insert_secret(&secret("s", 2)).await.unwrap());
    assert_eq!(tx.secret_versions(&account, &name).await.unwrap(), []);
    assert_eq!(tx.tags(&account, TagKind::Secret, "s").await.unwrap(), []);
    assert_eq!(tx.tags(&account, TagKind::Key, "s").await.unwrap().len(), 1);
}

pub(super) async fn secrets_are_filtered_by_every_field(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_secret(&odd("odd")).await.unwrap();
    tx.insert_secret(&secret("plain", 1)).await.unwrap();
    tx.put_tag(&id("1000"), TagKind::Secret, "odd", &tag("a", "x")).await.unwrap();
    tx.put_tag(&id("1000"), TagKind::Secret, "plain", &tag("b", "x")).await.unwrap();
    let none = SecretFilter::default();
    let exact = |it: &str| vec![Match::Exact("none".to_owned()), Match::Exact(it.to_owned())];
    let both = SecretFilter { tag_keys: texts(&["a"]), tag_values: texts(&["x"]), ..none.clone() };
    for filter in [
        SecretFilter { names: exact("odd"), ..none.clone() },
        SecretFilter { descriptions: texts(&["none", "0% of it_"]), ..none.clone() },
        SecretFilter { tag_keys: texts(&["a"]), ..none.clone() },
        both,
        SecretFilter { instances: texts(&["kst-a"]), ..none.clone() },
        SecretFilter { kinds: texts(&["RAMCredentials", "Rds"]), ..none.clone() },
        SecretFilter {
            kinds: texts(&["RAMCredentials"]),
            creators: texts(&["1000"]),
            ..none.clone()
        },
    ] {
        assert_eq!(list(&mut *tx, &filter).await, ["odd"], "{filter:?}");
    }
    for filter in [
        SecretFilter { names: exact("ODD"), ..none.clone() },
        SecretFilter { descriptions: texts(&["OF IT"]), ..none.clone() },
        SecretFilter { descriptions: texts(&["100_ of"]), ..none.clone() },
        SecretFilter { creators: texts(&["2000"]), ..none.clone() },
        SecretFilter { tag_keys: texts(&["b"]), instances: texts(&["kst-a"]), ..none.clone() },
    ] {
        assert_eq!(list(&mut *tx, &filter).await, Vec::<String>::new(), "{filter:?}");
    }
    let values = SecretFilter { tag_values: texts(&["x"]), ..none.clone() };
    assert_eq!(list(&mut *tx, &values).await, ["plain", "odd"], "in order of creation");
    for (now, expected) in [(10, vec!["plain", "odd"]), (11, vec!["plain"]), (12, vec!["plain"])] {
        let alive = SecretFilter { alive_at: Some(at(now)), ..none.clone() };
        assert_eq!(list(&mut *tx, &alive).await, expected, "at {now}");
    }
    let second = tx.list_secrets(&id("1000"), &none, page(2, 1)).await.unwrap();
    assert_eq!((second.items, second.total), (vec![odd("odd")], 2));
}

pub(super) async fn a_prefix_is_no_pattern_and_regards_case(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for name in ["a_b", "aXb", "A_b", "a_", "xa_b"] {
        tx.insert_secret(&secret(name, 1)).await.unwrap();
    }
    for (prefix, expected) in [
        ("a_", vec!["a_", "a_b"]),
        ("a", vec!["aXb", "a_", "a_b"]),
        ("a%", vec![]),
        ("a_b_", vec![]),
    ] {
        let names = vec![Match::Prefix(prefix.to_owned())];
        let filter = SecretFilter { names, ..SecretFilter::default() };
        assert_eq!(list(&mut *tx, &filter).await, expected, "{prefix}");
    }
}

pub(super) async fn key_seals_secrets_sees_secrets_and_versions(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for name in ["key", "old"] {
        tx.insert_key(&key(name, 1)).await.unwrap();
        assert!(!tx.key_seals_secrets(&id(name)).await.unwrap());
    }
    tx.insert_secret(&secret("s", 1)).await.unwrap();
    assert!(tx.key_seals_secrets(&id("key")).await.unwrap());
    assert!(!tx.key_seals_secrets(&id("old")).await.unwrap());
    tx.insert_key_version(&key_version("v", "old", 1)).await.unwrap();
    tx.insert_secret_version(&id("1000"), &id("s"), &secret_version("v1")).await.unwrap();
    assert!(tx.key_seals_secrets(&id("old")).await.unwrap());
}

pub(super) async fn secrets_are_due_page_by_page_when_their_date_has_come(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let due = |name: &str, account: &str, ms: Option<i64>| Secret {
        account: id(account),
        delete_at: ms.map(at),
        ..secret(name, 1)
    };
    for (name, account, ms) in [
        ("e", "1000", Some(1)),
        ("b", "2000", Some(2)),
        ("c", "1000", Some(2)),
        ("a", "1000", Some(2)),
        ("later", "1000", Some(10)),
        ("never", "1000", None),
    ] {
        assert!(tx.insert_secret(&due(name, account, ms)).await.unwrap());
    }
    assert_eq!(tx.due_secrets(at(0), None, 9).await.unwrap(), []);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = tx.due_secrets(at(9), after.as_ref(), 2).await.unwrap();
        seen.extend(page.iter().map(|it| (it.at, format!("{}/{}", it.account, it.name))));
        let Some(last) = page.into_iter().next_back() else { break };
        after = Some(last);
    }
    let expected = [(1, "1000/e"), (2, "1000/a"), (2, "1000/c"), (2, "2000/b")];
    assert_eq!(seen, expected.map(|(ms, name)| (at(ms), name.to_owned())));
}
