//! Calls refused before the caller is known: counted, not written one by one, so that a flood
//! of them cannot fill the disk.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use yaoku_model::time::Timestamp;

use super::event::{Event, Source, UserAgent};

/// The networks that are told apart: a /24 of IPv4, a /64 of IPv6. Source: architecture.md, Audit.
const V4_PREFIX: u8 = 24;
/// See [`V4_PREFIX`].
const V6_PREFIX: u8 = 64;

/// What is counted together.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Row {
    /// Minutes since 1970.
    minute: i64,
    source: Source,
    code: &'static str,
    status: u16,
    tls: bool,
}

/// Counts per source network, code and minute. About 100 bytes a row.
///
/// When the table is full, networks that have no row yet are counted together, code by code.
#[derive(Debug)]
pub struct Unknown {
    max_rows: usize,
    rows: Mutex<BTreeMap<Row, u64>>,
}

impl Unknown {
    /// As many rows as a server usually needs.
    pub const DEFAULT_ROWS: usize = 4096;

    /// A table of `max_rows` rows for networks, and as many for what does not fit there; past both,
    /// one more for each code, status and transport.
    #[must_use]
    pub fn new(max_rows: usize) -> Self {
        Self { max_rows, rows: Mutex::default() }
    }

    /// Counts one refusal, as it was answered.
    pub fn count(&self, from: IpAddr, code: &'static str, status: u16, tls: bool, now: Timestamp) {
        let minute = now.unix_seconds().div_euclid(60);
        let mut row = Row { minute, source: network(from), code, status, tls };
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= self.max_rows && !rows.contains_key(&row) {
            row.source = Source::Anywhere;
        }
        if rows.len() >= self.max_rows * 2 && !rows.contains_key(&row) {
            // Nobody collects: of no minute of its own, so that this too stays bounded.
            row.minute = i64::MIN;
        }
        let count = rows.entry(row).or_default();
        *count = count.saturating_add(1);
    }

    /// Takes the counts of the minutes that have ended, as events. Call it every few seconds.
    #[must_use]
    pub fn take_ended(&self, now: Timestamp) -> Vec<Event> {
        let minute = now.unix_seconds().div_euclid(60);
        self.take(|row| row.minute < minute, now)
    }

    /// Takes all counts: at the end.
    #[must_use]
    pub fn take_all(&self, now: Timestamp) -> Vec<Event> {
        self.take(|_| true, now)
    }

    fn take(&self, ended: impl Fn(&Row) -> bool, now: Timestamp) -> Vec<Event> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.extract_if(.., |row, _| ended(row))
            .map(|(row, count)| event(row, count, now))
            .collect()
    }
}

fn event(row: Row, count: u64, now: Timestamp) -> Event {
    let minute = Timestamp::from_unix_seconds(row.minute.saturating_mul(60));
    Event {
        at: if row.minute == i64::MIN { now } else { minute },
        request_id: String::new(),
        account: None,
        principal: "unknown".to_owned(),
        access_key: None,
        source_identity: None,
        source: row.source,
        user_agent: UserAgent::default(),
        action: "".into(),
        resources: Vec::new(),
        code: Some(row.code.into()),
        status: row.status,
        tls: row.tls,
        count,
    }
}

fn network(from: IpAddr) -> Source {
    match from.to_canonical() {
        IpAddr::V4(it) => {
            let first = Ipv4Addr::from_bits(it.to_bits() & (u32::MAX << (32 - V4_PREFIX)));
            Source::Network(first.into(), V4_PREFIX)
        }
        IpAddr::V6(it) => {
            let first = Ipv6Addr::from_bits(it.to_bits() & (u128::MAX << (128 - V6_PREFIX)));
            Source::Network(first.into(), V6_PREFIX)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use yaoku_model::time::Timestamp;

    use super::{Source, Unknown};

    const CODE: &str = "SignatureDoesNotMatch";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(6_000_000 + seconds)
    }

    fn count(table: &Unknown, from: &str, code: &'static str, seconds: i64) {
        table.count(from.parse().unwrap(), code, 400, false, at(seconds));
    }

    fn summary(table: &Unknown, seconds: i64) -> Vec<(String, u64)> {
        table
            .take_ended(at(seconds))
            .into_iter()
            .map(|it| (it.source.to_string(), it.count))
            .collect()
    }

    #[test]
    fn one_event_for_each_network_code_and_minute() {
        let table = Unknown::new(100);
        count(&table, "192.0.2.7", CODE, 0);
        count(&table, "192.0.2.250", CODE, 59);
        count(&table, "::ffff:192.0.2.9", CODE, 59);
        count(&table, "192.0.2.7", "InvalidAccessKeyId.NotFound", 30);
        count(&table, "198.51.100.1", CODE, 1);
        count(&table, "2001:db8::1", CODE, 1);
        count(&table, "2001:db8::2:0:0:1", CODE, 1);
        count(&table, "192.0.2.7", CODE, 60);
        assert_eq!(summary(&table, 59), [], "the minute has not ended");
        let expected = [("192.0.2.0/24", 1), ("192.0.2.0/24", 3), ("198.51.100.0/24", 1)];
        let mut seen = summary(&table, 60);
        let last = seen.pop();
        assert_eq!(last, Some(("2001:db8::/64".to_owned(), 2)));
        assert_eq!(seen, expected.map(|(from, count)| (from.to_owned(), count)));
        assert_eq!(summary(&table, 120), [("192.0.2.0/24".to_owned(), 1)]);
        assert_eq!(summary(&table, 9999), [], "what was taken is gone");
    }

    #[test]
    fn a_flood_from_everywhere_for_hours_stays_bounded_and_nothing_goes_uncounted() {
        let table = Unknown::new(10);
        for n in 0..10_000_u32 {
            let from = IpAddr::V4(Ipv4Addr::from_bits(n << 8));
            table.count(from, CODE, 400, false, at(i64::from(n)));
        }
        let events = table.take_all(at(10_000));
        assert_eq!(events.len(), 21);
        assert_eq!(events.iter().map(|it| it.count).sum::<u64>(), 10_000);
        assert_eq!(events.iter().filter(|it| it.source == Source::Anywhere).count(), 11);
    }
}
