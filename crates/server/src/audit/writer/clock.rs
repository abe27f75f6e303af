//! Clocks that jump. The order of records is the truth, so no event is refused for its time: a jump
//! becomes an event of its own.

use std::sync::{Arc, PoisonError};

use yaoku_model::time::{Clock, Timestamp};

use super::Shared;
use crate::audit::note;

/// A clock may be set by so much, in milliseconds, without being said to jump. Our choice.
const TOLERANCE_MS: i64 = 1000;

/// The two clocks at the last look.
pub(super) struct Clocks {
    steady: Arc<dyn Clock>,
    /// The gateway's clock then.
    wall: Option<Timestamp>,
    /// The clock that never jumps; not known of the run before.
    elapsed: Option<Timestamp>,
}

impl Clocks {
    /// `latest`: the latest time in the journal, in milliseconds since 1970.
    pub(super) fn new(steady: Arc<dyn Clock>, latest: Option<i64>) -> Self {
        Self { steady, wall: latest.map(Timestamp::from_unix_ms), elapsed: None }
    }

    /// By how much the gateway's clock jumped since the last look, in milliseconds, if it did.
    fn jump(&mut self, now: Timestamp) -> Option<(Timestamp, i64)> {
        let steady = self.steady.now();
        let before = self.wall.replace(now);
        let since = self.elapsed.replace(steady).map(|it| steady.unix_ms() - it.unix_ms());
        let before = before?;
        let passed = now.unix_ms() - before.unix_ms();
        let jump = match since {
            Some(since) => passed - since,
            // Over a restart any time may have passed, but not less than none.
            None => passed.min(0),
        };
        (jump.abs() > TOLERANCE_MS).then_some((before, jump))
    }
}

impl Shared {
    pub(super) fn steady_now(&self) -> Timestamp {
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner).steady.now()
    }

    /// Writes down that the gateway's clock jumped, if it did.
    pub(super) fn watch_clock(&self, now: Timestamp) {
        let jump = self.clocks.lock().unwrap_or_else(PoisonError::into_inner).jump(now);
        let Some((before, jump)) = jump else { return };
        tracing::warn!(from = %before, to = %now, jump_ms = jump, "audit: the clock jumped");
        let event = note::clock_jumped(now, before, jump);
        if let Err(error) = self.append(&event.to_row(), None) {
            tracing::error!(?error, "audit: the clock's jump is not written");
        }
    }
}
