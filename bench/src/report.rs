//! What is reported: one row for each server, operation and number of connections.

use std::{fmt, time::Duration};

use serde::Serialize;

/// The rounds of one server.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    /// Requests, and what they took: on the clock, and of the processor.
    each: Vec<(usize, Duration, Duration)>,
    waits: Vec<Duration>,
}

impl Rounds {
    /// Adds one.
    pub(crate) fn add(&mut self, took: Duration, cpu: Duration, waits: Vec<Duration>) {
        self.each.push((waits.len(), took, cpu));
        self.waits.extend(waits);
    }

    fn rates(&self) -> Vec<f64> {
        self.each.iter().map(|(count, took, _)| whole(*count) / took.as_secs_f64()).collect()
    }

    fn costs(&self) -> Vec<f64> {
        self.each.iter().map(|(count, _, cpu)| cpu.as_secs_f64() * 1e6 / whole(*count)).collect()
    }

    /// The wait, in microseconds, that so many of a thousand do not exceed.
    fn wait(&self, of_thousand: usize) -> f64 {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let at = waits.len() * of_thousand / 1000;
        waits.get(at).map_or(0.0, |it| it.as_secs_f64() * 1e6)
    }
}

/// One row. Ratios are medians over pairs of neighbouring rounds, so that what slows the machine
/// for a while slows both.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) operation: &'static str,
    pub(crate) connections: usize,
    pub(crate) tls: bool,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) cpu_us_per_request: f64,
    /// Our throughput over the bare server's.
    pub(crate) ratio: f64,
    /// The bare server's processor time over ours. This one decides.
    pub(crate) cpu_ratio: f64,
}

impl Row {
    /// Of `ours` against `base`, round by round.
    pub(crate) fn of(
        operation: &'static str,
        connections: usize,
        ours: &Rounds,
        base: &Rounds,
    ) -> Self {
        let over = |one: Vec<f64>, other: Vec<f64>| {
            median(one.into_iter().zip(other).map(|(one, other)| one / other).collect())
        };
        Self {
            operation,
            connections,
            tls: false,
            requests_per_second: median(ours.rates()),
            p50_us: ours.wait(500),
            p99_us: ours.wait(990),
            cpu_us_per_request: median(ours.costs()),
            ratio: over(ours.rates(), base.rates()),
            cpu_ratio: over(base.costs(), ours.costs()),
        }
    }
}

/// What stands above the rows.
pub(crate) const HEADER: &str = "\
| server | operation | connections | TLS | requests/s | p50 µs | p99 µs | CPU µs/request | ratio | CPU ratio |
|--------|-----------|------------:|-----|-----------:|-------:|-------:|---------------:|------:|----------:|";

/// A row of the table; `.0` is the server's name.
pub(crate) struct Line<'a>(pub(crate) &'a str, pub(crate) &'a Row);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(server, it) = self;
        let tls = if it.tls { "yes" } else { "no" };
        write!(f, "| {server} | {} | {} | {tls} ", it.operation, it.connections)?;
        write!(f, "| {:.0} | {:.0} | {:.0} ", it.requests_per_second, it.p50_us, it.p99_us)?;
        write!(f, "| {:.2} | {:.2} | {:.2} |", it.cpu_us_per_request, it.ratio, it.cpu_ratio)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn whole(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Rounds, Row};

    #[test]
    fn ratios_are_those_of_neighbouring_rounds() {
        let rounds = |slow: &[u64]| {
            let mut rounds = Rounds::default();
            for it in slow {
                let took = Duration::from_millis(*it);
                rounds.add(took, took / 2, vec![took / 10; 10]);
            }
            rounds
        };
        let (base, ours) = (rounds(&[100, 400, 100]), rounds(&[200, 800, 200]));
        let row = Row::of("Encrypt", 1, &ours, &base);
        assert!((row.ratio - 0.5).abs() < 1e-9 && (row.cpu_ratio - 0.5).abs() < 1e-9, "{row:?}");
        assert!((row.requests_per_second - 50.0).abs() < 1e-9, "{row:?}");
        assert!((row.cpu_us_per_request - 10_000.0).abs() < 1e-6, "{row:?}");
    }
}
