//! The machine's clocks: read here, and nowhere else.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use yaoku_model::time::{Clock, Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is passed around")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Time since the machine was started, sleep included: it never jumps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyClock;

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let since = clock_gettime(ClockId::Boottime);
        Timestamp::from_unix_ms(since.tv_sec.saturating_mul(1000) + since.tv_nsec / 1_000_000)
    }
}
