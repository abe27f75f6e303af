//! What one server takes on at once, and how long it waits.

use std::{fmt, ops::RangeInclusive, time::Duration};

/// What one server takes on at once, and how long it waits. All listeners share the counts. The
/// defaults are our choice.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From a connection's start, or from a head's first byte, to the head's end. Default 10 s.
    pub head_timeout: Duration,
    /// Between an answer and the next head's first byte. Default 2 min: a handshake costs a hundred
    /// times what a call does (dependencies.md §3).
    pub idle_timeout: Duration,
    /// The same on a connection that has carried no call of a known caller yet. Default 5 s.
    pub stranger_timeout: Duration,
    /// From a head's end to its body's end. Large ones must come at 64 KiB/s besides. Default 20 s.
    pub body_timeout: Duration,
    /// For the client to take any more of an answer. Default 30 s.
    pub write_timeout: Duration,
    /// For the TLS handshake, waiting for its turn included. Default 10 s.
    pub handshake_timeout: Duration,
    /// For calls in flight at shutdown. Default 10 s.
    pub grace: Duration,
    /// Connections served at once. No source (an IPv4 address, an IPv6 network of 56 bits) may have
    /// more than half of them. For one more, the connection that has been idle for longest and has
    /// carried no call of a known caller is cut; if there is none, it waits in the kernel's queue,
    /// or, if its source has its share, is turned away. Default 4096.
    pub max_connections: usize,
    /// TLS handshakes computed at once; more wait, those of one source behind each other. A client
    /// that keeps a handshake waiting keeps no other from its turn. Default 16.
    pub max_handshakes: usize,
    /// A body's bytes. Default 1 MiB: the longest that KMS knows has some 100 KB.
    pub body_bytes: usize,
    /// Heads and bodies over 64 KiB held at once; more are refused with [`Fault::Busy`]. Connections
    /// that have carried no call of a known caller may hold three quarters of them together, and a
    /// quarter for each source. Default 64.
    ///
    /// [`Fault::Busy`]: super::Fault::Busy
    pub large: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(2),
            stranger_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(20),
            write_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            max_connections: 4096,
            max_handshakes: 16,
            body_bytes: 1024 * 1024,
            large: 64,
        }
    }
}

/// A limit that would not work.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{name} must be between {least} and {most}")]
pub struct OutOfRange {
    name: &'static str,
    least: String,
    most: String,
}

impl Limits {
    /// Refuses what would not work: each time between 100 ms and an hour (`grace` may be 0), 16 to
    /// 1,000,000 connections, 1 to 1024 handshakes, bodies of 64 KiB to 64 MiB, 1 to 4096 large
    /// requests, and strangers kept idle for no longer than others. The ranges are our choice.
    pub fn check(&self) -> Result<(), OutOfRange> {
        const TIME: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(1);
        within("head_timeout", &self.head_timeout, &TIME)?;
        within("idle_timeout", &self.idle_timeout, &TIME)?;
        let before_idle = Duration::from_millis(100)..=self.idle_timeout;
        within("stranger_timeout", &self.stranger_timeout, &before_idle)?;
        within("body_timeout", &self.body_timeout, &TIME)?;
        within("write_timeout", &self.write_timeout, &TIME)?;
        within("handshake_timeout", &self.handshake_timeout, &TIME)?;
        within("grace", &self.grace, &(Duration::ZERO..=Duration::from_hours(1)))?;
        within("max_connections", &self.max_connections, &(16..=1_000_000))?;
        within("max_handshakes", &self.max_handshakes, &(1..=1024))?;
        within("body_bytes", &self.body_bytes, &(64 * 1024..=64 * 1024 * 1024))?;
        within("large", &self.large, &(1..=4096))
    }

    /// The same with so many connections that, of `open_files` that this process may have open, a
    /// quarter stays for its own files and the store.
    #[must_use]
    pub fn within(mut self, open_files: u64) -> Self {
        let most = usize::try_from(open_files - open_files / 4).unwrap_or(usize::MAX);
        self.max_connections = self.max_connections.min(most).max(1);
        self
    }
}

fn within<T: fmt::Debug + PartialOrd>(
    name: &'static str,
    value: &T,
    range: &RangeInclusive<T>,
) -> Result<(), OutOfRange> {
    if range.contains(value) {
        return Ok(());
    }
    let [least, most] = [range.start(), range.end()].map(|it| format!("{it:?}"));
    Err(OutOfRange { name, least, most })
}

#[cfg(test)]
mod tests {
    use super::{Duration, Limits};

    #[test]
    fn what_would_not_work_is_refused_by_name() {
        type Spoil = fn(&mut Limits);
        let hour = Duration::from_hours(1);
        let cases: [(&str, Spoil); 6] = [
            ("head_timeout must be between 100ms and 3600s", |it| it.head_timeout = Duration::ZERO),
            ("stranger_timeout must be between 100ms and 120s", |it| {
                it.stranger_timeout = Duration::from_secs(121);
            }),
            ("grace must be between 0ns and 3600s", |it| it.grace = Duration::from_secs(3601)),
            ("max_connections must be between 16 and 1000000", |it| it.max_connections = 15),
            ("body_bytes must be between 65536 and 67108864", |it| it.body_bytes = 1024),
            ("large must be between 1 and 4096", |it| it.large = 0),
        ];
        for (expected, spoil) in cases {
            let mut limits = Limits::default();
            spoil(&mut limits);
            assert_eq!(limits.check().unwrap_err().to_string(), expected);
        }
        assert_eq!(Limits { idle_timeout: hour, ..Limits::default() }.check(), Ok(()));
        assert_eq!(Limits::default().check(), Ok(()));
    }

    #[test]
    fn connections_leave_files_for_the_store() {
        assert_eq!(Limits::default().within(1024).max_connections, 768);
        assert_eq!(Limits::default().within(1_048_576).max_connections, 4096);
        assert_eq!(Limits::default().within(0).max_connections, 1);
    }
}
