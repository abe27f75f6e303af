//! The nonces in memory.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasherDefault, DefaultHasher, Hash as _, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed},
    },
};

use yaoku_model::{ids::AccessKeyId, time::Timestamp};

use super::{Refused, Used};

/// Locks, so that connections seldom wait for each other.
const SHARDS: usize = 16;

/// Nonces, and how many of them each access key holds.
#[derive(Debug)]
pub(super) struct Live {
    max: usize,
    shards: [Mutex<Shard>; SHARDS],
    holders: RwLock<HashMap<u64, Arc<AtomicUsize>, Ready>>,
    total: AtomicUsize,
    /// The most nonces that one access key holds; found anew at each sweep.
    busiest: AtomicUsize,
    /// The second of the last sweep.
    swept: AtomicI64,
}

#[derive(Debug, Default)]
struct Shard {
    hashes: HashSet<u64, Ready>,
    /// By timestamp: the hash and the holder of each.
    seconds: BTreeMap<i64, Vec<(u64, u64)>>,
    /// Nonces of earlier seconds have been dropped.
    oldest: i64,
}

/// What stands for an access key here. Two that meet would only be counted together.
pub(super) fn holder(access_key: &AccessKeyId) -> u64 {
    let mut hasher = DefaultHasher::new();
    access_key.hash(&mut hasher);
    hasher.finish()
}

impl Live {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            shards: Default::default(),
            holders: RwLock::default(),
            total: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
            swept: AtomicI64::new(i64::MIN),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.total.load(Relaxed)
    }

    /// Takes up a nonce of before the start, whatever the bound.
    pub(super) fn load(&self, nonce: Used, now: Timestamp) {
        if !Used::is_over(nonce.second, now) {
            // It may be there already: then it is counted once.
            _ = self.insert(nonce, |_| true);
        }
    }

    /// Takes a nonce, once.
    ///
    /// At the bound the access key that holds most is refused. Others may go on, until a quarter
    /// more is held: from there on all are refused. Nothing is dropped before its time.
    pub(super) fn remember(&self, nonce: Used, now: Timestamp) -> Result<(), Refused> {
        self.sweep(now);
        self.insert(nonce, |held| {
            let total = self.len();
            total < self.max
                || (total < self.max + self.max / 4 && held < self.busiest.load(Relaxed))
        })
    }

    fn insert(&self, nonce: Used, fits: impl FnOnce(usize) -> bool) -> Result<(), Refused> {
        let held = self.held(nonce.holder);
        let mut shard = self.shard(nonce.hash);
        if nonce.second < shard.oldest {
            return Err(Refused::TooEarly);
        }
        if shard.hashes.contains(&nonce.hash) {
            return Err(Refused::Seen);
        }
        if !fits(held.load(Relaxed)) {
            return Err(Refused::Full);
        }
        shard.hashes.insert(nonce.hash);
        shard.seconds.entry(nonce.second).or_default().push((nonce.hash, nonce.holder));
        drop(shard);
        self.total.fetch_add(1, Relaxed);
        self.busiest.fetch_max(held.fetch_add(1, Relaxed) + 1, Relaxed);
        Ok(())
    }

    /// Drops what is over, once a second.
    fn sweep(&self, now: Timestamp) {
        let second = now.unix_seconds();
        if self.swept.fetch_max(second, Relaxed) >= second {
            return;
        }
        let oldest = Used::oldest(now);
        let mut over = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.oldest = shard.oldest.max(oldest);
            let kept = shard.seconds.split_off(&oldest);
            for (hash, holder) in
                std::mem::replace(&mut shard.seconds, kept).into_values().flatten()
            {
                shard.hashes.remove(&hash);
                over.push(holder);
            }
        }
        self.total.fetch_sub(over.len(), Relaxed);
        let mut holders = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        for holder in over {
            if let Some(held) = holders.get(&holder) {
                held.fetch_sub(1, Relaxed);
            }
        }
        // One that is being counted up at this moment has a second owner.
        holders.retain(|_, held| held.load(Relaxed) > 0 || Arc::strong_count(held) > 1);
        let most = holders.values().map(|it| it.load(Relaxed)).max();
        self.busiest.store(most.unwrap_or(0), Relaxed);
    }

    fn held(&self, holder: u64) -> Arc<AtomicUsize> {
        let known = self.holders.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = known.get(&holder) {
            return Arc::clone(held);
        }
        drop(known);
        let mut holders = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(holders.entry(holder).or_default())
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        // Bits from the middle: the tables use the lowest and the highest ones.
        let index = usize::from(hash.to_be_bytes()[2]) % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For keys that are hashes already.
type Ready = BuildHasherDefault<AsIs>;

/// Takes a hash as it is.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
