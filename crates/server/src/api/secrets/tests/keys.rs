//! A secret and the key that seals it. Source: architecture.md, "Keys at rest"; secrets.md §1.7.

use yaoku_model::{
    ids::KeyId,
    key::KeyState,
    secret::{Secret, SecretVersion},
};
use yaoku_wire::error::Code;

use super::{commit, create, create_under, put, rows, rows_of, set_state, value};
use crate::testing::Kms;

#[tokio::test]
async fn who_disables_a_key_takes_its_secrets_with_it_at_once() {
    use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport, Unavailable};
    let kms = Kms::new().await;
    let key = kms.key().await;
    for name in ["a", "b"] {
        create_under(&kms, name, name, &key).await.unwrap();
        assert_eq!(value(&kms, name).await.unwrap(), name);
    }
    let before = rows(&kms, "a").await;
    for (state, expected) in [
        (Disabled, Code::KeyDisabled),
        (PendingDeletion, Code::KeyPendingDeletion),
        (PendingImport, Code::KeyPendingImport),
        (Unavailable, Code::KeyUnavailable),
    ] {
        set_state(&kms, &key, state).await;
        for name in ["a", "b"] {
            assert_eq!(value(&kms, name).await, Err(expected), "{state}");
        }
        assert_eq!(put(&kms, "a", "v2", "x", "").await, Err(expected), "{state}");
        assert_eq!(put(&kms, "a", "v1", "a", "").await, Err(expected), "{state}");
        assert_eq!(create_under(&kms, "c", "x", &key).await, Err(expected), "{state}");
        set_state(&kms, &key, Enabled).await;
        assert_eq!(value(&kms, "a").await.unwrap(), "a");
    }
    assert_eq!((rows(&kms, "a").await, rows(&kms, "c").await), (before, None));
}

#[tokio::test]
async fn a_service_key_that_is_disabled_takes_its_secrets_with_it() {
    let kms = Kms::new().await;
    create(&kms, "a", "x").await;
    let service = rows(&kms, "a").await.unwrap().0.key;
    set_state(&kms, &service, KeyState::Disabled).await;
    assert_eq!(value(&kms, "a").await, Err(Code::KeyDisabled));
    set_state(&kms, &service, KeyState::Enabled).await;
    assert_eq!(value(&kms, "a").await.unwrap(), "x");
}

#[tokio::test]
async fn no_secret_outlives_its_key() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    create_under(&kms, "a", "x", &key).await.unwrap();
    create(&kms, "b", "y").await;
    value(&kms, "a").await.unwrap();
    let mut tx = kms.node.store.write().await.unwrap();
    tx.delete_key(&key).await.unwrap();
    commit(&kms, tx).await;
    assert_eq!(value(&kms, "a").await, Err(Code::KeyNotFound));
    assert_eq!(put(&kms, "a", "v2", "x", "").await, Err(Code::KeyNotFound));
    assert_eq!(value(&kms, "b").await.unwrap(), "y");
}

#[tokio::test]
async fn a_version_opens_with_the_key_version_that_sealed_it() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    create_under(&kms, "a", "one", &key).await.unwrap();
    let mut tx = kms.node.store.write().await.unwrap();
    let mut row = tx.key(&key).await.unwrap().unwrap();
    let (node, now) = (&kms.node, row.created.plus_seconds(1));
    crate::versions::add(node, tx.tx(), &mut row, now).await.unwrap();
    commit(&kms, tx).await;
    put(&kms, "a", "v2", "two", "").await.unwrap();
    let (_, versions) = rows(&kms, "a").await.unwrap();
    assert_ne!(versions[0].key_version, versions[1].key_version);
    for (version, expected) in [("v1", "one"), ("v2", "two")] {
        let params = [("SecretName", "a"), ("VersionId", version)];
        let reply = kms.call("GetSecretValue", params).await.unwrap();
        assert_eq!(reply.get("SecretData"), Some(expected));
    }
}

#[tokio::test]
async fn what_was_sealed_under_a_key_that_changed_since_is_not_kept() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    create_under(&kms, "a", "x", &key).await.unwrap();
    let before = rows(&kms, "a").await;
    // As on another node: the row changes, and this node's caches do not know yet.
    let mut tx = kms.node.store.write().await.unwrap();
    let mut row = tx.key(&key).await.unwrap().unwrap();
    row.state = KeyState::Disabled;
    tx.update_key(&row).await.unwrap();
    drop(tx.commit().await.unwrap());
    let stale = [Err(Code::ServiceUnavailableTemporary), Err(Code::KeyDisabled)];
    assert!(stale.contains(&create_under(&kms, "b", "x", &key).await));
    assert!(stale.contains(&put(&kms, "a", "v2", "x", "").await));
    assert_eq!((rows(&kms, "a").await, rows(&kms, "b").await), (before, None));
}

type Blobs = (Vec<u8>, Vec<u8>);

fn blobs(version: &SecretVersion) -> Blobs {
    (version.sealed_data_key.clone(), version.sealed_value.clone())
}

/// Puts other bytes into the row of the newest version.
async fn overwrite(kms: &Kms, secret: &Secret, version: &SecretVersion, (key, value): Blobs) {
    let changed = SecretVersion { sealed_data_key: key, sealed_value: value, ..version.clone() };
    let mut tx = kms.node.store.write().await.unwrap();
    let versions = tx.secret_versions(&secret.account, &secret.name).await.unwrap();
    tx.delete_secret(&secret.account, &secret.name).await.unwrap();
    tx.insert_secret(secret).await.unwrap();
    for it in &versions {
        let it = if it.id == version.id { &changed } else { it };
        tx.insert_secret_version(&secret.account, &secret.name, it).await.unwrap();
    }
    commit(kms, tx).await;
}

#[tokio::test]
async fn a_value_in_the_place_of_another_does_not_open() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    for name in ["a", "b"] {
        create_under(&kms, name, "one", &key).await.unwrap();
        put(&kms, name, "v2", "two", "").await.unwrap();
    }
    let (a, of_a) = rows(&kms, "a").await.unwrap();
    let (b, of_b) = rows(&kms, "b").await.unwrap();
    let current = |blobs: Blobs| async {
        overwrite(&kms, &a, &of_a[1], blobs).await;
        value(&kms, "a").await
    };
    // Another version's, another secret's, and a mix of two.
    assert_eq!(current(blobs(&of_a[0])).await, Err(Code::InternalFailure));
    assert_eq!(current(blobs(&of_b[1])).await, Err(Code::InternalFailure));
    let mixed = (blobs(&of_a[1]).0, blobs(&of_b[1]).1);
    assert_eq!(current(mixed).await, Err(Code::InternalFailure));
    assert_eq!(current(blobs(&of_a[1])).await.unwrap(), "two");
    // The other side of the swap.
    overwrite(&kms, &b, &of_b[1], blobs(&of_a[1])).await;
    assert_eq!(value(&kms, "b").await, Err(Code::InternalFailure));
}

#[tokio::test]
async fn a_value_in_the_row_of_another_account_does_not_open() {
    let kms = Kms::new().await;
    let stranger = kms.as_stranger().await;
    create(&kms, "a", "mine").await;
    create(&stranger, "a", "theirs").await;
    let (mine, of_mine) = rows(&kms, "a").await.unwrap();
    let (theirs, of_theirs) = rows_of(&kms, &stranger.account, "a").await.unwrap();
    overwrite(&kms, &mine, &of_mine[0], blobs(&of_theirs[0])).await;
    overwrite(&kms, &theirs, &of_theirs[0], blobs(&of_mine[0])).await;
    assert_eq!(value(&kms, "a").await, Err(Code::InternalFailure));
    assert_eq!(value(&stranger, "a").await, Err(Code::InternalFailure));

    // Nor with the other account's key in the row.
    let whole =
        SecretVersion { id: mine.stages.values().next().unwrap().clone(), ..of_theirs[0].clone() };
    overwrite(&kms, &mine, &whole, blobs(&of_theirs[0])).await;
    use_key(&kms, &mine, &theirs.key).await;
    assert_eq!(value(&kms, "a").await, Err(Code::KeyNotFound));
}

async fn use_key(kms: &Kms, secret: &Secret, key: &KeyId) {
    let mut tx = kms.node.store.write().await.unwrap();
    tx.update_secret(&Secret { key: key.clone(), ..secret.clone() }).await.unwrap();
    commit(kms, tx).await;
}

#[tokio::test]
async fn no_value_is_in_the_database_or_in_an_event() {
    let kms = Kms::new().await;
    create(&kms, "a", "canary-in-the-mine").await;
    value(&kms, "a").await.unwrap();
    let (secret, versions) = rows(&kms, "a").await.unwrap();
    assert!(!format!("{secret:?}").contains("canary"));
    let sealed = &versions[0].sealed_value;
    assert!(!sealed.windows(6).any(|it| it == b"canary"));
    let events = kms.events().await;
    assert!(!events.is_empty());
    assert!(!format!("{events:?}").contains("canary"));
}

crate::testing::on_postgres_too!(
    who_disables_a_key_takes_its_secrets_with_it_at_once,
    a_service_key_that_is_disabled_takes_its_secrets_with_it,
    no_secret_outlives_its_key,
    a_version_opens_with_the_key_version_that_sealed_it,
    what_was_sealed_under_a_key_that_changed_since_is_not_kept,
    a_value_in_the_place_of_another_does_not_open,
    a_value_in_the_row_of_another_account_does_not_open,
    no_value_is_in_the_database_or_in_an_event,
);
