//! A domain clock that can be moved on, so that real clients can be used while months pass.
//!
//! Only with the feature `test-clock`, which no build without debug assertions takes. `yaoku dev`
//! alone hands it to a node. Source: architecture.md, "Two clocks".

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use yaoku_model::time::{Clock, Timestamp};

#[cfg(not(debug_assertions))]
compile_error!(
    "the feature test-clock is never in a release: a clock that can be moved ends windows early"
);

/// The last year whose moments are written with four digits.
const END: Timestamp = Timestamp::from_unix_seconds(253_402_300_799);

/// Another clock, and what it was moved on since.
pub struct TestClock {
    behind: Arc<dyn Clock>,
    ahead_seconds: AtomicI64,
}

impl TestClock {
    /// As `behind` says, until it is moved.
    #[must_use]
    pub fn new(behind: Arc<dyn Clock>) -> Self {
        Self { behind, ahead_seconds: AtomicI64::new(0) }
    }

    /// Moves it on, and answers its time then; `None`, and it stays, past the year 9999.
    pub(crate) fn advance(&self, seconds: i64) -> Option<Timestamp> {
        let there = self.now().plus_seconds(seconds);
        if there > END {
            return None;
        }
        self.ahead_seconds.fetch_add(seconds, Ordering::SeqCst);
        Some(self.now())
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.behind.now().plus_seconds(self.ahead_seconds.load(Ordering::SeqCst))
    }
}
