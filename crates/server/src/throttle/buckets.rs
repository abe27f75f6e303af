//! Buckets that fill with calls and drain with time: GCRA, one moment for each. The table is made
//! once and never grows.

use std::sync::{Mutex, PoisonError};

/// A bucket is looked for in one set of so many.
const WAYS: usize = 8;

/// How many sets there are: 32,768 buckets, half a mebibyte, whoever calls. Our choice.
const SETS: usize = 4096;

const NS_PER_MS: i64 = 1_000_000;

/// How fast a bucket drains, and how much it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rate {
    /// What one call adds, in nanoseconds of draining.
    each: i64,
    /// What it holds, in the same.
    holds: i64,
}

impl Rate {
    /// `calls` in each `every_ms`, and as many at once as come in `burst_ms`: one at least.
    pub(super) fn new(calls: u32, every_ms: i64, burst_ms: i64) -> Self {
        let each = (every_ms.saturating_mul(NS_PER_MS) / i64::from(calls.max(1))).max(1);
        Self { each, holds: burst_ms.saturating_mul(NS_PER_MS).max(each) }
    }
}

/// One bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// Whose it is: a keyed hash of it.
    whose: u64,
    /// When it will be empty, in nanoseconds of the steady clock. One that is empty is as good as none.
    empty_at: i64,
}

/// All buckets.
///
/// In a full set a new one takes the place of the one that is empty soonest. Mostly that one is empty
/// already, and nothing is lost; else its owner may have one burst more.
#[derive(Debug)]
pub(super) struct Buckets(Box<[Mutex<[Bucket; WAYS]>]>);

impl Default for Buckets {
    fn default() -> Self {
        Self((0..SETS).map(|_| Mutex::default()).collect())
    }
}

impl Buckets {
    /// Adds one call to the bucket of `whose`, unless it is full: then `Err` says in how many
    /// milliseconds there will be room for it. `now_ms` is the steady clock's.
    pub(super) fn add(&self, whose: u64, rate: Rate, now_ms: i64) -> Result<(), u64> {
        let now = now_ms.saturating_mul(NS_PER_MS);
        self.with(whose, |bucket| {
            let filled = bucket.empty_at.max(now).saturating_add(rate.each);
            let over = filled.saturating_sub(now).saturating_sub(rate.holds);
            if over > 0 {
                return Err(over.unsigned_abs().div_ceil(NS_PER_MS.unsigned_abs()));
            }
            bucket.empty_at = filled;
            Ok(())
        })
    }

    /// Takes one call out again.
    pub(super) fn take_back(&self, whose: u64, rate: Rate) {
        self.with(whose, |bucket| bucket.empty_at = bucket.empty_at.saturating_sub(rate.each));
    }

    /// Locks one set, for no longer than it takes to look at eight buckets.
    fn with<T>(&self, whose: u64, work: impl FnOnce(&mut Bucket) -> T) -> T {
        // The low bits choose the set; all of them tell its buckets apart.
        let nth = usize::try_from(whose % SETS as u64).unwrap_or_default();
        let mut spare = [Bucket::default(); WAYS];
        let mut set = self.0.get(nth).map(|it| it.lock().unwrap_or_else(PoisonError::into_inner));
        let set = set.as_deref_mut().unwrap_or(&mut spare);
        let place = set.iter().position(|it| it.whose == whose).unwrap_or_else(|| {
            let soonest = set.iter().enumerate().min_by_key(|(_, it)| it.empty_at);
            soonest.map_or(0, |(nth, _)| nth)
        });
        let mut fresh = Bucket::default();
        let bucket = set.get_mut(place).unwrap_or(&mut fresh);
        if bucket.whose != whose {
            *bucket = Bucket { whose, empty_at: 0 };
        }
        work(bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::{Buckets, Rate, SETS, WAYS};

    /// As many calls as there is room for.
    fn fill(buckets: &Buckets, whose: u64, rate: Rate, now_ms: i64) -> u64 {
        let mut added = 0;
        while buckets.add(whose, rate, now_ms).is_ok() {
            added += 1;
        }
        added
    }

    #[test]
    fn a_full_bucket_says_when_there_is_room_and_keeps_its_word() {
        let (buckets, rate) = (Buckets::default(), Rate::new(100, 1000, 1000));
        assert_eq!(fill(&buckets, 7, rate, 5000), 100);
        assert_eq!(buckets.add(7, rate, 5000), Err(10));
        assert_eq!(buckets.add(7, rate, 5009), Err(1));
        assert_eq!(buckets.add(7, rate, 5010), Ok(()));
        assert_eq!(buckets.add(7, rate, 5010), Err(10), "there was room for one");
        assert_eq!(fill(&buckets, 7, rate, 5510), 50);
        assert_eq!(fill(&buckets, 7, rate, 999_999), 100, "it holds no more for having waited");
    }

    #[test]
    fn refused_calls_do_not_fill_it() {
        let (buckets, rate) = (Buckets::default(), Rate::new(10, 1000, 1000));
        for now in 0..10_000 {
            _ = buckets.add(7, rate, now);
        }
        assert_eq!(buckets.add(7, rate, 10_100), Ok(()));
    }

    #[test]
    fn one_call_always_fits_and_rates_may_be_higher_than_the_clock_is_fine() {
        let (buckets, slow) = (Buckets::default(), Rate::new(1, 60_000, 1));
        assert_eq!(buckets.add(1, slow, 0), Ok(()));
        assert_eq!(buckets.add(1, slow, 0), Err(60_000));
        assert_eq!(fill(&buckets, 2, Rate::new(50_000, 1000, 100), 0), 5000);
        assert_eq!(fill(&buckets, 2, Rate::new(50_000, 1000, 100), 1), 50);
    }

    #[test]
    fn what_was_taken_back_may_be_added_again() {
        let (buckets, rate) = (Buckets::default(), Rate::new(1, 1000, 1));
        assert_eq!(buckets.add(1, rate, 0), Ok(()));
        buckets.take_back(1, rate);
        assert_eq!(buckets.add(1, rate, 0), Ok(()));
        assert_eq!(buckets.add(1, rate, 0), Err(1000));
    }

    #[test]
    fn a_full_set_forgets_whoever_is_empty_soonest() {
        let (buckets, rate) = (Buckets::default(), Rate::new(1, 1000, 1000));
        let of_one_set = |nth: u64| 1 + nth * SETS as u64;
        for nth in 0..WAYS as u64 {
            let now = i64::try_from(nth).unwrap();
            assert_eq!(buckets.add(of_one_set(nth), rate, now), Ok(()));
        }
        assert_eq!(buckets.add(of_one_set(99), rate, 10), Ok(()));
        assert!(buckets.add(of_one_set(1), rate, 10).is_err(), "the second is still there");
        assert_eq!(buckets.add(of_one_set(0), rate, 10), Ok(()), "the first is forgotten");
    }
}
