//! How often the versions of keys have sealed, over restarts and on all nodes.
//!
//! Random IVs let a key seal 2^32 times (NIST SP 800-38D §8.3). A node reserves seals in the store
//! before it uses them, as many again as it has used since it loaded the key: at least 1,024, at
//! most 2^24. So what a restart or a change of the key throws away is never more than what was used,
//! and those 1,024. Smaller blocks at first than the plan's are our choice: 256 restarts would use
//! up a key. At 2^31 a key that was made here gets a new version. Source: architecture.md, "Keys at
//! rest".

use yaoku_crypto::backend::{BackendError, KeyHandle, SealLimit};
use yaoku_model::key::{Key, Origin};
use yaoku_store::Tx;
use yaoku_wire::error::Code;

use crate::{call::UsableKey, due, error::ApiError, node::Node, versions};

/// The fewest and the most seals that are reserved at once.
const BLOCK: std::ops::RangeInclusive<u64> = 1 << 10..=1 << 24;

/// From so many on, a key that was made here gets a new version.
const MANY: i64 = 1 << 31;

/// How often it is tried again when another transaction came first.
const TRIES: usize = 8;

/// Reserves seals for a key version that has none left. Fails with `Rejected.LimitExceeded` once
/// there are no more to be had.
pub(crate) async fn reserve(node: &Node, key: &UsableKey) -> Result<(), ApiError> {
    // One at a time: those that wait find what the first has reserved.
    let _turn = node.reserving.lock().await;
    for _ in 1..TRIES {
        if has_left(&key.handle) {
            return Ok(());
        }
        match try_to_reserve(node, key).await {
            Err(error) if error.is_conflict() => {}
            done => return done,
        }
    }
    try_to_reserve(node, key).await
}

/// Passes over the one error that reserving mends.
pub(crate) fn must_be_out_of_them(error: BackendError) -> Result<(), ApiError> {
    if error == BackendError::Exhausted { Ok(()) } else { Err(error.into()) }
}

fn has_left(handle: &KeyHandle) -> bool {
    handle.seals() < handle.limit().seals()
}

async fn try_to_reserve(node: &Node, key: &UsableKey) -> Result<(), ApiError> {
    let wanted = key.handle.seals().next_power_of_two();
    let block = wanted.clamp(*BLOCK.start(), *BLOCK.end()).cast_signed();
    let mut tx = node.store.write().await?;
    let reserved = tx.reserve_seals(&key.version, block).await?.ok_or(Code::KeyNotFound)?;
    let before = reserved - block;
    let left = SealLimit::MAX.seals().cast_signed().saturating_sub(before).min(block);
    let given = u64::try_from(left).ok().filter(|it| *it > 0).ok_or(Code::LimitExceeded)?;
    if reserved >= MANY {
        renew(node, tx.tx(), key).await?;
    }
    node.caches.apply(&tx.commit().await?);
    key.handle.permit(SealLimit::of(key.handle.limit().seals().saturating_add(given)));
    Ok(())
}

/// Gives a key a new version, if this one is its newest and was made here.
async fn renew(node: &Node, tx: &mut dyn Tx, used: &UsableKey) -> Result<(), ApiError> {
    let Some(mut key) = tx.key(&used.key.key.id).await? else { return Ok(()) };
    if !may_renew(&key, used) {
        return Ok(());
    }
    versions::add(node, tx, &mut key, node.domain_clock.now()).await?;
    let event = due::event(node, &key, "RotateKey").to_row();
    tx.insert_event(node.name.as_str(), &event).await?;
    node.wrote.notify_one();
    tracing::warn!(key = key.id.as_str(), "a key has sealed 2^31 times: it has a new version");
    Ok(())
}

fn may_renew(key: &Key, used: &UsableKey) -> bool {
    key.origin == Origin::Kms && key.primary.as_ref() == Some(&used.version)
}

#[cfg(test)]
mod tests {
    use yaoku_model::{
        ids::{KeyId, KeyVersionId},
        key::Origin,
    };
    use yaoku_wire::error::Code;

    use crate::testing::Kms;

    /// The first version of a key, which has `left` seals before `limit`.
    async fn spend(kms: &Kms, key: &KeyId, limit: i64, left: i64) -> KeyVersionId {
        let mut tx = kms.node.store.write().await.unwrap();
        let version = tx.key_versions(key).await.unwrap().remove(0).id;
        tx.reserve_seals(&version, limit - left).await.unwrap();
        tx.commit().await.unwrap();
        kms.node.caches.clear();
        version
    }

    async fn encrypt(kms: &Kms, key: &KeyId) -> Result<String, Code> {
        let sealed = kms.call("Encrypt", [("KeyId", key.as_str()), ("Plaintext", "x")]).await;
        sealed.map(|it| it.get("KeyVersionId").unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_restart_throws_away_a_thousand_seals_and_not_millions() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        let version = spend(&kms, &key, 0, 0).await;
        for restarts in 1..=3 {
            encrypt(&kms, &key).await.unwrap();
            kms.node.caches.clear();
            let mut tx = kms.node.store.write().await.unwrap();
            let reserved = tx.reserve_seals(&version, 0).await.unwrap();
            assert_eq!(reserved, Some(restarts * 1024));
        }
    }

    #[tokio::test]
    async fn a_dry_run_uses_up_no_seal() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        let blob = kms.call("GenerateDataKey", [("KeyId", key.as_str())]).await.unwrap();
        let blob = blob.get("CiphertextBlob").unwrap();
        let version = spend(&kms, &key, 0, 0).await;
        let named = ("KeyId", key.as_str());
        for (action, params) in [
            ("Encrypt", [named, ("Plaintext", "x")]),
            ("GenerateDataKey", [named, ("", "")]),
            ("ReEncrypt", [("CiphertextBlob", blob), ("DestinationKeyId", key.as_str())]),
        ] {
            let params = [&params[..], &[("DryRun", "true")]].concat();
            let reply = kms.call_with(action, &params).await;
            assert_eq!(reply, Err(Code::DryRunOperationError), "{action}");
        }
        let mut tx = kms.node.store.write().await.unwrap();
        assert_eq!(tx.reserve_seals(&version, 0).await.unwrap(), Some(1024), "the first call's");
    }

    #[tokio::test]
    async fn who_seals_much_reserves_much() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        let version = spend(&kms, &key, 0, 0).await;
        for _ in 0..2_049 {
            encrypt(&kms, &key).await.unwrap();
        }
        let mut tx = kms.node.store.write().await.unwrap();
        assert_eq!(tx.reserve_seals(&version, 0).await.unwrap(), Some(1024 + 1024 + 2048));
    }

    #[tokio::test]
    async fn a_key_that_sealed_too_often_gets_a_new_version_by_itself() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        let old = spend(&kms, &key, 1 << 31, 1024).await;
        let sealed = encrypt(&kms, &key).await.unwrap();
        assert_eq!(sealed, old.as_str(), "this block is still the old one's");
        assert_ne!(encrypt(&kms, &key).await.unwrap(), old.as_str());
    }

    #[tokio::test]
    async fn an_imported_key_that_sealed_too_often_is_refused_and_still_opens() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        kms.edit_key(&key, |it| it.origin = Origin::External).await;
        let params = [("KeyId", key.as_str()), ("Plaintext", "hello")];
        let sealed = kms.call("Encrypt", params).await.unwrap();
        spend(&kms, &key, 1 << 32, 1024).await;
        assert_eq!(encrypt(&kms, &key).await, Err(Code::LimitExceeded));
        let blob = sealed.get("CiphertextBlob").unwrap();
        kms.call("Decrypt", [("CiphertextBlob", blob)]).await.unwrap();
    }
}
