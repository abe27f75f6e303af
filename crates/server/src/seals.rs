//! How often the versions of keys have sealed, over restarts and on all nodes.
//!
//! Random IVs let a key seal 2^32 times (NIST SP 800-38D §8.3). A node reserves seals in the store
//! before it uses them, as many again as it has used since it loaded the key: at least 2^14, at
//! most 2^24. So what a restart or a change of the key throws away is never more than what was used,
//! and those 2^14: it takes 262,144 of them to use up a key. Smaller blocks at first than the plan's
//! are our choice: 256 restarts would do. At 2^31 a key that was made here gets a new version.
//! Source: architecture.md, "Keys at rest".

use std::time::Duration;

use tokio::time::timeout;
use yaoku_crypto::backend::{BackendError, KeyHandle, SealLimit};
use yaoku_model::key::{Key, Origin};
use yaoku_store::{StoreError, Tx};
use yaoku_wire::error::Code;

use crate::{call::UsableKey, error::ApiError, node::Node, pipeline::must_take_writes, versions};

/// The fewest and the most seals that are reserved at once.
const BLOCK: std::ops::RangeInclusive<u64> = 1 << 14..=1 << 24;

/// From so many on, a key that was made here gets a new version.
const MANY: i64 = 1 << 31;

/// How often it is tried again when another transaction came first.
const TRIES: usize = 8;

/// How long a call waits for seals, with all who wait before it. Our choice.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reserves seals for a key version that has none left. Fails with `Rejected.LimitExceeded` once
/// there are no more to be had.
pub(crate) async fn reserve(node: &Node, key: &UsableKey) -> Result<(), ApiError> {
    let late = || StoreError::Failed("no seals were reserved in time".to_owned());
    timeout(PATIENCE, reserve_in_turn(node, key)).await.map_err(|_| late())?
}

async fn reserve_in_turn(node: &Node, key: &UsableKey) -> Result<(), ApiError> {
    // Of each key one at a time: those that wait find what the first has reserved.
    let _turn = key.key.reserving.lock().await;
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
    // The call would be refused in the end: nothing is used up for it.
    must_take_writes(node)?;
    let mut tx = node.store.write().await?;
    let reserved = tx.reserve_seals(&key.version, block).await?.ok_or(Code::KeyNotFound)?;
    let before = reserved - block;
    let left = SealLimit::MAX.seals().cast_signed().saturating_sub(before).min(block);
    let given = u64::try_from(left).ok().filter(|it| *it > 0).ok_or(Code::LimitExceeded)?;
    if reserved >= MANY {
        renew(node, tx.tx(), key).await?;
    }
    node.caches.apply(&tx.commit().await?.changes);
    key.handle.permit(SealLimit::of(key.handle.limit().seals().saturating_add(given)));
    Ok(())
}

/// Gives a key a new version, if this one is its newest and was made here.
async fn renew(node: &Node, tx: &mut dyn Tx, used: &UsableKey) -> Result<(), ApiError> {
    let Some(mut key) = tx.key(&used.key.key.id).await? else { return Ok(()) };
    if !may_renew(&key, used) {
        return Ok(());
    }
    versions::rotate(node, tx, &mut key, node.domain_clock.now()).await?;
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

    use super::{BLOCK, PATIENCE, has_left, reserve};
    use std::sync::Arc;

    use crate::{
        call::UsableKey,
        disk::testing::{FaultyDisk, Trouble},
        testing::Kms,
    };

    /// The first block.
    const FIRST: i64 = BLOCK.start().cast_signed();

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

    /// Seals until nothing is left of what was reserved.
    async fn use_up(kms: &Kms, key: &KeyId) {
        let cached = kms.node.caches.key(key).await.unwrap().unwrap();
        let handle = &cached.versions[0].1;
        while has_left(handle) {
            kms.node.backend.seal(handle, b"", b"", &*kms.node.random).unwrap();
        }
    }

    #[tokio::test]
    async fn who_waits_for_seals_waits_no_longer_than_the_first() {
        let kms = Kms::new().await;
        let (cold, warm) = (kms.key().await, kms.key().await);
        encrypt(&kms, &warm).await.unwrap();
        let other = kms.node.store.write().await.unwrap();
        let found = kms.node.caches.key(&cold).await.unwrap().unwrap();
        let (version, handle) = found.versions[0].clone();
        let cold = UsableKey { key: found, version, handle };
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let one = async || reserve(&kms.node, &cold).await.map_err(|error| error.code());
        let replies = tokio::join!(one(), one(), one(), encrypt(&kms, &warm));
        let refused = Err(Code::ServiceUnavailableTemporary);
        assert_eq!((replies.0, replies.1, replies.2), (refused, refused, refused));
        assert!(replies.3.is_ok(), "what is reserved is used while others wait");
        assert!(began.elapsed() < 2 * PATIENCE, "{:?}: one after the other", began.elapsed());
        tokio::time::resume();
        drop(other);
        one().await.unwrap();
    }

    #[tokio::test]
    async fn calls_that_come_at_once_share_a_block() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        let version = spend(&kms, &key, 0, 0).await;
        let one = || encrypt(&kms, &key);
        tokio::try_join!(one(), one(), one(), one()).unwrap();
        let mut tx = kms.node.store.write().await.unwrap();
        assert_eq!(tx.reserve_seals(&version, 0).await.unwrap(), Some(FIRST));
    }

    #[tokio::test]
    async fn a_restart_throws_away_one_small_block_and_not_millions() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        let version = spend(&kms, &key, 0, 0).await;
        for restarts in 1..=3 {
            encrypt(&kms, &key).await.unwrap();
            kms.node.caches.clear();
            let mut tx = kms.node.store.write().await.unwrap();
            let reserved = tx.reserve_seals(&version, 0).await.unwrap();
            assert_eq!(reserved, Some(restarts * FIRST));
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
        assert_eq!(tx.reserve_seals(&version, 0).await.unwrap(), Some(FIRST), "the first call's");
    }

    #[tokio::test]
    async fn who_seals_much_reserves_much() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        let version = spend(&kms, &key, 0, 0).await;
        for _ in 0..3 {
            encrypt(&kms, &key).await.unwrap();
            use_up(&kms, &key).await;
        }
        let mut tx = kms.node.store.write().await.unwrap();
        assert_eq!(tx.reserve_seals(&version, 0).await.unwrap(), Some(FIRST + FIRST + 2 * FIRST));
    }

    #[tokio::test]
    async fn a_key_that_sealed_too_often_gets_a_new_version_by_itself() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        let old = spend(&kms, &key, 1 << 31, FIRST).await;
        let sealed = encrypt(&kms, &key).await.unwrap();
        assert_eq!(sealed, old.as_str(), "this block is still the old one's");
        assert_ne!(encrypt(&kms, &key).await.unwrap(), old.as_str());
    }

    #[tokio::test]
    async fn nothing_is_reserved_and_no_version_made_while_the_journal_refuses() {
        let disk = Arc::new(FaultyDisk::default());
        let kms = Kms::on_disk(disk.clone()).await;
        let key = kms.key().await;
        let old = spend(&kms, &key, 1 << 31, 0).await;
        disk.set(Some(Trouble::Full));
        let refused = Err(Code::ServiceUnavailableTemporary);
        assert_eq!(kms.call("ListKeys", []).await.map(drop), refused);
        let seals = async || {
            let mut tx = kms.node.store.write().await.unwrap();
            let versions = tx.key_versions(&key).await.unwrap().len();
            (versions, tx.reserve_seals(&old, 0).await.unwrap().unwrap())
        };
        for _ in 0..2 {
            assert_eq!(encrypt(&kms, &key).await.map(drop), refused);
            assert_eq!(seals().await, (1, 1 << 31));
        }
        disk.set(None);
        kms.node.journal.sync().unwrap();
        encrypt(&kms, &key).await.unwrap();
        assert_eq!(seals().await, (2, (1 << 31) + FIRST));
    }

    #[tokio::test]
    async fn an_imported_key_that_sealed_too_often_is_refused_and_still_opens() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        kms.edit_key(&key, |it| it.origin = Origin::External).await;
        let params = [("KeyId", key.as_str()), ("Plaintext", "hello")];
        let sealed = kms.call("Encrypt", params).await.unwrap();
        spend(&kms, &key, 1 << 32, FIRST).await;
        assert_eq!(encrypt(&kms, &key).await, Err(Code::LimitExceeded));
        let blob = sealed.get("CiphertextBlob").unwrap();
        kms.call("Decrypt", [("CiphertextBlob", blob)]).await.unwrap();
    }
}
