//! The nonces in memory.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
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
    holders: RwLock<Holders>,
    total: AtomicUsize,
    /// The most nonces that one account has; found anew at each sweep.
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

/// Who has how many.
#[derive(Debug, Default)]
struct Holders {
    each: HashMap<u64, Arc<Held>, Ready>,
    accounts: HashMap<u64, Arc<OfAccount>, Ready>,
}

/// The nonces of one identity.
#[derive(Debug, Default)]
struct Held {
    count: AtomicUsize,
    account: Arc<OfAccount>,
}

/// Those of an account.
#[derive(Debug, Default)]
struct OfAccount {
    count: AtomicUsize,
    /// How many of its identities have some.
    identities: AtomicUsize,
    /// The most that one of them has; found anew at each sweep.
    busiest: AtomicUsize,
}

/// What stands for a holder here: its account above, its identity below. Two that meet would only be
/// counted together.
pub(super) fn number(&Holder(account, identity): &Holder<'_>) -> u64 {
    const LOWER: u64 = u32::MAX as u64;
    hash(account) & !LOWER | hash(identity) & LOWER
}

fn hash(it: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

/// The account of a holder.
const fn account_of(holder: u64) -> u64 {
    holder >> 32
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
    /// Up to half of the bound everybody is served. Up to the bound, who has less than half of what
    /// the busiest has: an account of the accounts, or an identity of those of its account. And always
    /// whoever has less than an equal part: an account of the half, with `a` that hold nonces
    /// `bound / 2 / a`, or an identity of its account's part; at least 1. So nobody's part depends on
    /// how many users another account has. Nothing is dropped before its time.
    ///
    /// With at most `m` identities in each, there are at most
    /// `bound + bound / 2 * (1/1 + … + 1/a) * (1/1 + … + 1/m)`. Those whose last nonce was taken within
    /// the bound are within it together. Put the other accounts in the order in which they came to
    /// that, and the identities of each in the order of their last nonces: at that of the i-th of the
    /// j-th account there were j accounts and i identities or more, so that it had less than
    /// `bound / 2 / j / i`, or its whole account less than `bound / 2 / j`.
    pub(super) fn remember(&self, nonce: Used, now: Timestamp) -> Result<(), Refused> {
        self.sweep(now);
        let half = self.bound / 2;
        let fits = |held: &Held, accounts: usize| {
            let (total, account) = (self.len(), &held.account);
            let part = half / accounts.max(1);
            let has_less = |count: &AtomicUsize, part: usize, busiest: &AtomicUsize| {
                let count = count.load(Relaxed);
                count < part.max(1) || (total < self.bound && count < busiest.load(Relaxed) / 2)
            };
            total < half
                || has_less(&account.count, part, &self.busiest)
                || has_less(
                    &held.count,
                    part / account.identities.load(Relaxed).max(1),
                    &account.busiest,
                )
        };
        self.insert(nonce, fits)
    }

    fn insert(&self, nonce: Used, fits: impl FnOnce(&Held, usize) -> bool) -> Result<(), Refused> {
        let (held, accounts) = self.held(nonce.holder);
        let mut shard = self.shard(nonce.hash);
        if nonce.second < shard.oldest {
            return Err(Refused::TooEarly);
        }
        if shard.hashes.contains(&nonce.hash) {
            return Err(Refused::Seen);
        }
        if !fits(&held, accounts) {
            return Err(Refused::Full);
        }
        shard.hashes.insert(nonce.hash);
        shard.seconds.entry(nonce.second).or_default().push((nonce.hash, nonce.holder));
        drop(shard);
        self.total.fetch_add(1, Relaxed);
        let account = &held.account;
        account.busiest.fetch_max(held.count.fetch_add(1, Relaxed) + 1, Relaxed);
        self.busiest.fetch_max(account.count.fetch_add(1, Relaxed) + 1, Relaxed);
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
            if let Some(held) = holders.each.get(&holder) {
                held.count.fetch_sub(1, Relaxed);
                held.account.count.fetch_sub(1, Relaxed);
            }
        }
        self.busiest.store(holders.look(), Relaxed);
    }

    /// How many a holder has, and how many accounts have some.
    fn held(&self, holder: u64) -> (Arc<Held>, usize) {
        let known = self.holders.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = known.each.get(&holder) {
            return (Arc::clone(held), known.accounts.len());
        }
        drop(known);
        let mut holders = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        (holders.add(holder), holders.accounts.len())
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        // Bits from the middle: the tables use the lowest and the highest ones.
        let index = usize::from(hash.to_be_bytes()[2]) % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holders {
    fn add(&mut self, holder: u64) -> Arc<Held> {
        let account = self.accounts.entry(account_of(holder)).or_default();
        let held = self.each.entry(holder).or_insert_with(|| {
            account.identities.fetch_add(1, Relaxed);
            Arc::new(Held { count: AtomicUsize::new(0), account: Arc::clone(account) })
        });
        Arc::clone(held)
    }

    /// Forgets who has none, and finds out who has most: answers what that account has.
    fn look(&mut self) -> usize {
        // One that is being counted up at this moment has a second owner.
        self.each.retain(|_, it| it.count.load(Relaxed) > 0 || Arc::strong_count(it) > 1);
        for account in self.accounts.values() {
            account.identities.store(0, Relaxed);
            account.busiest.store(0, Relaxed);
        }
        for held in self.each.values() {
            held.account.identities.fetch_add(1, Relaxed);
            held.account.busiest.fetch_max(held.count.load(Relaxed), Relaxed);
        }
        self.accounts.retain(|_, it| it.identities.load(Relaxed) > 0);
        self.accounts.values().map(|it| it.count.load(Relaxed)).max().unwrap_or(0)
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
