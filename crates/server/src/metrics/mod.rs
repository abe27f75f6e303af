//! What a node counts, for the operations view. On the path of a call these are relaxed additions
//! to places that are known beforehand: no look-up by name, no lock.
//!
//! Never a secret, a parameter or the name of a resource: labels are words of ours.

pub mod text;

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use yaoku_store::StoreError;
use yaoku_wire::error::Code;

use crate::{
    api::{self, Effect, Entry},
    audit::AuditError,
    error::ApiError,
};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One less: for what comes and goes.
    pub fn take_one(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// As it is now.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Upper bounds of the buckets of durations, in microseconds. Our choice: a call on the caches
/// takes tens of microseconds, a write some milliseconds.
pub const BOUNDS_US: [u64; 12] =
    [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 10_000_000];

/// How long something took, in buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound, and one for what is above all.
    buckets: [Counter; BOUNDS_US.len() + 1],
    total_us: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let nth = BOUNDS_US.iter().position(|it| us <= *it).unwrap_or(BOUNDS_US.len());
        if let Some(bucket) = self.buckets.get(nth) {
            bucket.add_one();
        }
        self.total_us.fetch_add(us, Relaxed);
    }

    /// As many as took no longer than each bound, and all; then the microseconds of all together.
    #[must_use]
    pub fn sums(&self) -> ([u64; BOUNDS_US.len() + 1], u64) {
        let mut so_far = 0;
        let sums = self.buckets.each_ref().map(|it| {
            so_far += it.value();
            so_far
        });
        (sums, self.total_us.load(Relaxed))
    }
}

/// The calls of one operation, by how they ended.
#[derive(Debug, Default)]
pub struct Calls {
    /// Answered.
    pub served: Counter,
    /// Refused for something the client did: 4xx.
    pub refused: Counter,
    /// Failed for something of ours: 5xx.
    pub failed: Counter,
}

/// What one node counts.
#[derive(Debug)]
pub struct Metrics {
    /// By place in [`api::operations`].
    calls: Box<[Calls]>,
    durations: [Histogram; 3],
    /// By place in [`Code::ALL`].
    strangers: Box<[Counter]>,
    /// Transactions that calls opened to read.
    pub store_reads: Counter,
    /// Transactions that calls opened to write.
    pub store_writes: Counter,
    /// Writes that began again because another came first.
    pub store_conflicts: Counter,
    /// Writes that waited until every other node had seen them.
    pub waits_seen: Counter,
    /// Writes that waited for some other node as long as there is need to.
    pub waits_bound: Counter,
    /// Calls that failed because the store did.
    pub store_errors: Counter,
    /// Calls that were refused because their event could not be written.
    pub audit_refusals: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            calls: api::operations().map(|_| Calls::default()).collect(),
            durations: Default::default(),
            strangers: Code::ALL.iter().map(|_| Counter::default()).collect(),
            store_reads: Counter::default(),
            store_writes: Counter::default(),
            store_conflicts: Counter::default(),
            waits_seen: Counter::default(),
            waits_bound: Counter::default(),
            store_errors: Counter::default(),
            audit_refusals: Counter::default(),
        }
    }
}

impl Metrics {
    /// Counts a call of a known caller.
    pub fn call(&self, entry: &Entry, error: Option<&ApiError>, took: Duration) {
        if let Some(calls) = self.calls.get(entry.nth()) {
            match error {
                None => calls.served.add_one(),
                Some(it) if it.code().status() < 500 => calls.refused.add_one(),
                Some(_) => calls.failed.add_one(),
            }
        }
        self.duration(entry.spec.effect).observe(took);
    }

    /// Counts the cause of a failure of ours.
    pub fn failure(&self, error: &ApiError) {
        match error.cause() {
            Some(it) if it.is::<StoreError>() => self.store_errors.add_one(),
            Some(it) if it.is::<AuditError>() => self.audit_refusals.add_one(),
            _ => {}
        }
    }

    /// Counts a refusal of somebody who is not known.
    pub fn stranger(&self, code: Code) {
        // The variants are in the order of the list.
        if let Some(it) = self.strangers.get(code as usize) {
            it.add_one();
        }
    }

    /// The durations of calls with this effect.
    #[must_use]
    pub const fn duration(&self, effect: Effect) -> &Histogram {
        let [caches, read, write] = &self.durations;
        match effect {
            Effect::Use => caches,
            Effect::Read => read,
            Effect::Write => write,
        }
    }

    /// The calls of each operation.
    pub fn calls(&self) -> impl Iterator<Item = (&'static Entry, &Calls)> {
        api::operations().zip(&self.calls)
    }

    /// The refusals of strangers, by code.
    pub fn strangers(&self) -> impl Iterator<Item = (Code, &Counter)> {
        Code::ALL.iter().copied().zip(&self.strangers)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use yaoku_wire::error::Code;

    use super::{Counter, Effect, Histogram, Metrics};
    use crate::api::{self, Product};

    #[test]
    fn a_duration_is_in_every_bucket_from_its_own_on() {
        let it = Histogram::default();
        for us in [50, 51, 20_000_000] {
            it.observe(Duration::from_micros(us));
        }
        let (sums, total) = it.sums();
        assert_eq!((sums[0], sums[1], sums[11], sums[12]), (1, 2, 2, 3));
        assert_eq!(total, 20_000_101);
    }

    #[test]
    fn a_call_is_counted_with_its_operation_by_how_it_ended() {
        let metrics = Metrics::default();
        let entry = api::operation(Product::Kms, "Encrypt").unwrap();
        let took = Duration::from_micros(10);
        metrics.call(entry, None, took);
        metrics.call(entry, Some(&Code::NoPermission.into()), took);
        metrics.call(entry, Some(&Code::InternalFailure.into()), took);
        for (other, calls) in metrics.calls() {
            let counts = [&calls.served, &calls.refused, &calls.failed].map(Counter::value);
            let expected = u64::from(other.spec.name == "Encrypt");
            assert_eq!(counts, [expected; 3], "{}", other.spec.name);
        }
        assert_eq!(metrics.duration(Effect::Use).sums().0[12], 3);
    }

    #[test]
    fn each_code_has_its_own_counter() {
        let metrics = Metrics::default();
        for code in Code::ALL {
            metrics.stranger(*code);
        }
        assert!(metrics.strangers().all(|(_, it)| it.value() == 1));
    }
}
