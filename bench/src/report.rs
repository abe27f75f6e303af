//! What is reported: a row for each server, operation, number of connections and scheme; and costs.

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

    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        median(self.rates())
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
        tls: bool,
        ours: &Rounds,
        base: &Rounds,
    ) -> Self {
        Self {
            operation,
            connections,
            tls,
            requests_per_second: ours.rate(),
            p50_us: ours.wait(500),
            p99_us: ours.wait(990),
            cpu_us_per_request: median(ours.costs()),
            ratio: over(ours.rates(), base.rates()),
            cpu_ratio: over(base.costs(), ours.costs()),
        }
    }
}

/// How much more processor time a request takes at `other` than at `base`, in percent: the median of
/// neighbouring rounds.
pub(crate) fn over_percent(base: &Rounds, other: &Rounds) -> f64 {
    (over(other.costs(), base.costs()) - 1.0) * 100.0
}

/// The throughput of `other` in percent of that of `base`: the median of neighbouring rounds.
pub(crate) fn rate_percent(base: &Rounds, other: &Rounds) -> f64 {
    over(other.rates(), base.rates()) * 100.0
}

/// One figure that stands for itself.
#[derive(Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// What it should not exceed, if there is such a bound.
    pub(crate) at_most: Option<f64>,
}

impl Cost {
    /// A figure without a bound.
    pub(crate) fn of(what: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self { what: what.into(), value, unit, at_most: None }
    }

    /// A figure with one.
    pub(crate) fn at_most(
        what: impl Into<String>,
        unit: &'static str,
        value: f64,
        at_most: f64,
    ) -> Self {
        Self { at_most: Some(at_most), ..Self::of(what, unit, value) }
    }
}

/// What stands above the costs.
pub(crate) const COSTS_HEADER: &str = "\
| what | value | at most |
|------|------:|--------:|";

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, value, unit, at_most } = self;
        let bound = at_most.map_or_else(String::new, |it| format!("{it:.0} {unit}"));
        write!(f, "| {what} | {value:.1} {unit} | {bound} |")
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

/// The median of the quotients, pair by pair.
fn over(one: Vec<f64>, other: Vec<f64>) -> f64 {
    median(one.into_iter().zip(other).map(|(one, other)| one / other).collect())
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
        let row = Row::of("Encrypt", 1, false, &ours, &base);
        assert!((row.ratio - 0.5).abs() < 1e-9 && (row.cpu_ratio - 0.5).abs() < 1e-9, "{row:?}");
        assert!((row.requests_per_second - 50.0).abs() < 1e-9, "{row:?}");
        assert!((row.cpu_us_per_request - 10_000.0).abs() < 1e-6, "{row:?}");
    }
}
