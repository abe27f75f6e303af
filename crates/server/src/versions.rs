//! New versions of keys: their material is made first, with no transaction held, then it is kept.

use yaoku_crypto::backend::{Backend, BackendError, KeyPlace};
use yaoku_model::{
    ids::KeyVersionId,
    key::{Key, KeyVersion},
    random::Random,
    time::Timestamp,
};
use yaoku_store::Tx;

use crate::{due, error::ApiError, node::Node};

/// Makes a version of `key`, and keeps it nowhere. What takes long does not stall other calls.
pub async fn make(node: &Node, key: &Key, now: Timestamp) -> Result<KeyVersion, ApiError> {
    let id = KeyVersionId::generate(&key.id, key.instance.as_ref(), &*node.random)?;
    let takes_long = key.spec.modulus_len().is_some();
    let sealed = if takes_long {
        let (backend, random) = (node.backend.clone(), node.random.clone());
        let (of, id) = (key.clone(), id.clone());
        let make = move || material(&*backend, &*random, &of, &id);
        node.heavy.run(&key.account, make).await??
    } else {
        material(&*node.backend, &*node.random, key, &id)?
    };
    Ok(KeyVersion { id, key: key.id.clone(), created: now, sealed, fingerprint: None })
}

fn material(
    backend: &dyn Backend,
    random: &dyn Random,
    key: &Key,
    version: &KeyVersionId,
) -> Result<Vec<u8>, BackendError> {
    let place =
        KeyPlace { account: &key.account, instance: key.instance.as_ref(), key: &key.id, version };
    Ok(backend.create(key.spec, &place, random)?.0)
}

/// Keeps a version of a key that is in the store already: the primary one from now on, unless the
/// key is a pair, whose callers always name a version. Source: keys.md §8.1.
pub async fn keep(tx: &mut dyn Tx, key: &mut Key, version: &KeyVersion) -> Result<(), ApiError> {
    tx.insert_key_version(version).await?;
    key.primary = (!key.spec.is_asymmetric()).then(|| version.id.clone());
    key.last_rotation = Some(version.created);
    Ok(tx.update_key(key).await?)
}

/// Makes and keeps one at once: only for keys whose material takes no time to make.
pub async fn add(
    node: &Node,
    tx: &mut dyn Tx,
    key: &mut Key,
    now: Timestamp,
) -> Result<(), ApiError> {
    let version = make(node, key, now).await?;
    keep(tx, key, &version).await
}

/// Gives a key the version that nobody called for, with its event.
pub async fn rotate(
    node: &Node,
    tx: &mut dyn Tx,
    key: &mut Key,
    now: Timestamp,
) -> Result<(), ApiError> {
    add(node, tx, key, now).await?;
    Ok(due::leave_event(node, tx, key, due::ROTATE).await?)
}

/// Rotates a key whose time has come ([`Key::may_rotate`]); answers whether it did. With its event,
/// whoever does it. Neither the
/// number of its versions nor its instance's quota stands in the way of a schedule (our choice).
pub async fn rotate_if_due(
    node: &Node,
    tx: &mut dyn Tx,
    key: &mut Key,
    now: Timestamp,
) -> Result<bool, ApiError> {
    if !key.may_rotate(now) {
        return Ok(false);
    }
    rotate(node, tx, key, now).await?;
    Ok(true)
}
