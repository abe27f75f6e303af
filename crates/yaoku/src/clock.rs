//! The machine's clocks, and what else it says of itself: read here, and nowhere else.

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

/// The machine's name.
pub(crate) fn hostname() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

/// What tells this run of the machine from others.
pub(crate) fn boot_id() -> std::io::Result<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
}

/// The environment: settings, and where systemd puts credentials.
pub(crate) fn environment() -> std::env::VarsOs {
    std::env::vars_os()
}
