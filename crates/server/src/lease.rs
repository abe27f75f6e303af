//! How long a node may trust its caches without hearing from a store that other nodes write to.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use yaoku_model::time::{Clock, Timestamp};

/// A lease, renewed by every poll of the change feed. Source: architecture.md, "Revocation".
pub struct Lease {
    /// A clock that never jumps and goes on while the machine sleeps (`CLOCK_BOOTTIME`).
    clock: Arc<dyn Clock>,
    /// The start of the last poll that was answered, in milliseconds of that clock.
    polled: AtomicI64,
    /// Whether other nodes may write to the store: else nothing has to be heard of.
    shared: bool,
    /// Whether another process is this node now.
    lost: AtomicBool,
}

impl Lease {
    /// How long, in milliseconds. Source: architecture.md, "Revocation" (default 2 s).
    pub const MS: i64 = 2_000;

    /// A lease that runs from now.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, shared: bool) -> Self {
        let polled = AtomicI64::new(clock.now().unix_ms());
        Self { clock, polled, shared, lost: AtomicBool::new(false) }
    }

    /// The moment to give to [`Lease::renew`]: take it before the poll is sent.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A poll that was sent at `sent` was answered, and the caches have moved.
    pub fn renew(&self, sent: Timestamp) {
        self.polled.fetch_max(sent.unix_ms(), Ordering::SeqCst);
    }

    /// Ends it for good: another process is this node now.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
    }

    /// Whether the node may still serve at all.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// How long ago, in milliseconds, the last poll that was answered was sent.
    #[must_use]
    pub fn age_ms(&self) -> i64 {
        self.clock.now().unix_ms() - self.polled.load(Ordering::SeqCst)
    }

    /// Whether the caches may be used.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.is_lost() && (!self.shared || self.age_ms() <= Self::MS)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use yaoku_model::time::{ManualClock, Timestamp};

    use super::Lease;

    #[test]
    fn a_lease_ends_two_seconds_after_the_start_of_the_last_answered_poll() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(5)));
        let lease = Lease::new(clock.clone(), true);
        let sent = lease.now();
        clock.advance_seconds(2);
        assert!(lease.holds());
        clock.advance_seconds(1);
        assert!(!lease.holds());
        lease.renew(sent);
        assert!(!lease.holds(), "the answer came too late");
        lease.renew(lease.now());
        assert!(lease.holds());
    }

    #[test]
    fn a_store_of_ones_own_needs_no_lease() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(5)));
        let lease = Lease::new(clock.clone(), false);
        clock.advance_seconds(1_000);
        assert!(lease.holds());
    }
}
