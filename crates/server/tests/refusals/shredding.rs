//! A key takes its secrets with it: at once when it is disabled, for ever when it is deleted.

use std::{fs, path::Path, sync::Arc};

use yaoku_crypto::envelope::{DataKey, SecretPlace};
use yaoku_model::ids::KeyId;

use crate::support::{
    Database, Party, World,
    things::{CONTEXT, SECRET, Things},
};

on_both!(a_disabled_key_closes_its_secrets_at_once, a_deleted_key_takes_its_secrets_with_it);

async fn value(world: &World, by: &Party, version: &str) -> (u16, String) {
    let params = [("SecretName", SECRET), ("VersionId", version)];
    let answer = world.call(by, "GetSecretValue", &params).await;
    assert_eq!(answer.status == 200, answer.body.contains("SecretData"), "{answer:?}");
    (answer.status, answer.code())
}

async fn a_disabled_key_closes_its_secrets_at_once(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let disabled = (409, "Rejected.Disabled".to_owned());
    assert_eq!(value(&world, &root, "v1").await.0, 200);
    world.done(&root, "DisableKey", &[("KeyId", &things.key)]).await;
    for version in ["v1", "v2"] {
        // The first was opened before, so its data key is in memory; the second never was.
        assert_eq!(value(&world, &root, version).await, disabled, "{version}");
    }
    let blob = [("CiphertextBlob", things.blob.as_str()), ("EncryptionContext", CONTEXT)];
    assert_eq!(world.call(&root, "Decrypt", &blob).await.code(), disabled.1);
    let put = [("SecretName", SECRET), ("VersionId", "v3"), ("SecretData", "three")];
    assert_eq!(world.call(&root, "PutSecretValue", &put).await.code(), disabled.1);
    world.done(&root, "EnableKey", &[("KeyId", &things.key)]).await;
    assert_eq!(value(&world, &root, "v2").await.0, 200);
    world.stop().await.events_equal_answers().await;
}

async fn a_deleted_key_takes_its_secrets_with_it(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    world.done(&root, "DeleteAlias", &[("AliasName", "alias/app")]).await;
    assert_eq!(value(&world, &root, "v1").await.0, 200);
    let key: KeyId = things.key.parse().unwrap();
    let mut tx = world.node.store.write().await.unwrap();
    let sealed = tx.key_versions(&key).await.unwrap().remove(0).sealed;
    tx.delete_key(&key).await.unwrap();
    world.node.caches.apply(&tx.commit().await.unwrap().changes);
    is_unreadable(&world, &root, &things).await;
    let stopped = world.stop().await;
    if let Database::Sqlite = database {
        let copy = Arc::new(tempfile::tempdir().unwrap());
        copy_all(stopped.data.path(), copy.path());
        for file in fs::read_dir(copy.path()).unwrap().map(|it| it.unwrap().path()) {
            let bytes = if file.is_file() { fs::read(&file).unwrap() } else { Vec::new() };
            let left = bytes.windows(sealed.len()).any(|it| it == sealed);
            assert!(!left, "the sealed key is still in {}", file.display());
        }
        let url = format!("sqlite:{}", copy.path().join("yaoku.db").display());
        let world = World::open(copy, url, stopped.clock).await;
        is_unreadable(&world, &root, &things).await;
    } else {
        let world = stopped.again().await;
        is_unreadable(&world, &root, &things).await;
    }
}

/// Neither through the API, nor with any key that is left.
async fn is_unreadable(world: &World, root: &Party, things: &Things) {
    for version in ["v1", "v2"] {
        assert_eq!(value(world, root, version).await, (404, "Forbidden.KeyNotFound".to_owned()));
    }
    let blob = [("CiphertextBlob", things.blob.as_str()), ("EncryptionContext", CONTEXT)];
    assert_eq!(world.call(root, "Decrypt", &blob).await.code(), "Forbidden.KeyNotFound");
    let mut tx = world.node.store.read().await.unwrap();
    let (account, name) = (&root.account, SECRET.parse().unwrap());
    let (secret, _) = tx.secret(account, &name).await.unwrap().unwrap();
    let versions = tx.secret_versions(account, &name).await.unwrap();
    assert_eq!(versions.len(), 2);
    let service = "alias/acs/secretsmanager".parse().unwrap();
    let left = tx.alias(account, &service).await.unwrap().unwrap().key;
    drop(tx);
    let left = world.node.caches.key(&left).await.unwrap().unwrap();
    for version in &versions {
        for (_, handle) in &left.versions {
            let instance = secret.instance.as_ref();
            let place = SecretPlace { account, instance, name: &name, version: &version.id };
            let sealed = &version.sealed_data_key;
            assert!(DataKey::open(&*world.node.backend, handle, &place, sealed).is_err());
        }
    }
}

/// Copies a directory and what is in it.
pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
