//! The nonces in memory.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasherDefault, DefaultHasher, Hash as _, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed},
    },
};

use yaoku_model::time::Timestamp;

use super::{Holder, Refused, Used};

/// Locks, so that connections seldom wait for each other.
const SHARDS: usize = 16;

/// A table of fewer is not made smaller.
const LEAST: usize = 64;

/// Nonces, and how many of them each holder has.
#[derive(Debug)]
pub(super) struct Live {
    bound: usize,
    shards: [Mutex<Shard>; SHARDS],
    holders: RwLock<HashMap<u64, Arc<AtomicUsize>, Ready>>,
    total: AtomicUsize,
    /// The most nonces that one holder has; found anew at each sweep.
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

/// What stands for a holder here. Two that meet would only be counted together.
pub(super) fn number(holder: &Holder<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    holder.hash(&mut hasher);
    hasher.finish()
}

impl Live {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
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
            _ = self.insert(nonce, |_, _| true);
        }
    }

    /// Takes a nonce, once.
    ///
    /// Up to half of the bound everybody is served; up to the bound, who has less than half of what
    /// the busiest holder has; and always, whoever has less than an equal part of the half: with `n`
    /// that hold nonces, `bound / 2 / n`, at least 1. Nothing is dropped before its time.
    ///
    /// So there are at most `bound + bound / 2 * (1/1 + 1/2 + … + 1/n)`. Those whose last nonce was
    /// taken within the bound are within it together. Put the others in the order of their last
    /// nonces: at the k-th's there were k holders or more, so that it had less than `bound / 2 / k`.
    pub(super) fn remember(&self, nonce: Used, now: Timestamp) -> Result<(), Refused> {
        self.sweep(now);
        let half = self.bound / 2;
        let fits = |held, holders: usize| {
            let total = self.len();
            total < half
                || held < (half / holders.max(1)).max(1)
                || (total < self.bound && held < self.busiest.load(Relaxed) / 2)
        };
        self.insert(nonce, fits)
    }

    fn insert(&self, nonce: Used, fits: impl FnOnce(usize, usize) -> bool) -> Result<(), Refused> {
        let (held, holders) = self.held(nonce.holder);
        let mut shard = self.shard(nonce.hash);
        if nonce.second < shard.oldest {
            return Err(Refused::TooEarly);
        }
        if shard.hashes.contains(&nonce.hash) {
            return Err(Refused::Seen);
        }
        if !fits(held.load(Relaxed), holders) {
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
            // After a rush, its memory goes back.
            if shard.hashes.capacity() / 8 > shard.hashes.len().max(LEAST) {
                let twice = shard.hashes.len() * 2;
                shard.hashes.shrink_to(twice);
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

    /// How many a holder has, and how many holders there are.
    fn held(&self, holder: u64) -> (Arc<AtomicUsize>, usize) {
        let known = self.holders.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = known.get(&holder) {
            return (Arc::clone(held), known.len());
        }
        drop(known);
        let mut holders = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        let held = Arc::clone(holders.entry(holder).or_default());
        (held, holders.len())
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
