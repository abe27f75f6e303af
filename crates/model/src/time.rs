//! Moments, and the clocks that give them. Nothing here reads the machine's clock.

use std::{
    any::Any,
    fmt,
    str::FromStr,
    sync::atomic::{AtomicI64, Ordering},
};

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::ids::Invalid;

/// A moment, in milliseconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// From seconds since 1970.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment and `seconds` more (or, if negative, less).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }
}

/// `YYYY-MM-DDThh:mm:ssZ`, without a fraction: clients parse just this. Source: secrets.md §1.4.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = OffsetDateTime::from_unix_timestamp(self.unix_seconds());
        let text = moment.ok().and_then(written).ok_or(fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Answers bring times too, so they are written by hand. Years have four digits.
fn written(moment: OffsetDateTime) -> Option<[u8; 20]> {
    let mut text = *b"0000-00-00T00:00:00Z";
    let mut two = |at: usize, value: u8| {
        text[at] = b'0' + value / 10;
        text[at + 1] = b'0' + value % 10;
    };
    let year = u16::try_from(moment.year()).ok().filter(|it| *it < 10_000)?;
    two(0, u8::try_from(year / 100).ok()?);
    two(2, u8::try_from(year % 100).ok()?);
    two(5, moment.month().into());
    two(8, moment.day());
    two(11, moment.hour());
    two(14, moment.minute());
    two(17, moment.second());
    Some(text)
}

/// Only the form that [`Timestamp`] is written in. Source: identity.md §1.6.
impl FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        read(raw).ok_or(Invalid)
    }
}

/// Each call brings a time, so it is read by hand: a tenth of what the general parser takes.
fn read(raw: &str) -> Option<Timestamp> {
    let raw: &[u8; 20] = raw.as_bytes().try_into().ok()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if marks.iter().any(|(at, mark)| raw[*at] != *mark) {
        return None;
    }
    let two = |at: usize| {
        let digits = [raw[at], raw[at + 1]].map(|it| it.wrapping_sub(b'0'));
        digits.iter().all(|it| *it < 10).then(|| digits[0] * 10 + digits[1])
    };
    let year = i32::from(two(0)?) * 100 + i32::from(two(2)?);
    let month = Month::try_from(two(5)?).ok()?;
    let date = Date::from_calendar_date(year, month, two(8)?).ok()?;
    let time = Time::from_hms(two(11)?, two(14)?, two(17)?).ok()?;
    let moment = PrimitiveDateTime::new(date, time).assume_utc();
    Some(Timestamp::from_unix_seconds(moment.unix_timestamp()))
}

/// A clock. A call reads it once. Which one it is, can be asked.
pub trait Clock: Any + Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// A clock that stands until it is moved: for tests and for judging captured requests.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves it on.
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use time::{PrimitiveDateTime, format_description::BorrowedFormatItem};

    use super::Timestamp;

    const FORMAT: &[BorrowedFormatItem<'_>] =
        time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

    #[test]
    fn reads_and_writes_what_the_general_code_does() {
        // 2001-09-09, then on by a prime number of seconds, over leap days and ends of years.
        for nth in 0..20_000 {
            let moment = Timestamp::from_unix_seconds(1_000_000_000 + nth * 100_003);
            let text = moment.to_string();
            let theirs = PrimitiveDateTime::parse(&text, FORMAT).unwrap().assume_utc();
            assert_eq!(text.parse(), Ok(moment), "{text}");
            assert_eq!(theirs.unix_timestamp(), moment.unix_seconds(), "{text}");
            assert_eq!(theirs.format(FORMAT).unwrap(), text);
        }
    }

    #[test]
    fn reads_what_it_writes() {
        for text in ["1970-01-01T00:00:00Z", "2026-11-21T21:05:20Z", "2024-02-29T23:59:59Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_every_other_form() {
        for text in [
            "",
            "2026-11-21T21:05:20",
            "2026-11-21 21:05:20Z",
            "2026-11-21T21:05:20.5Z",
            "2026-13-21T21:05:20Z",
            "2026-02-30T21:05:20Z",
            "2026-11-21T21:05:20+08:00",
            "+026-11-21T21:05:20Z",
            "2026-11-21t21:05:20Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T21:05:60Z",
            "2026-11-2:T21:05:20Z",
            "2026-11-21T21:05:é",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
