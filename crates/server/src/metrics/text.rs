//! The text that Prometheus reads (its exposition format, version 0.0.4).
//!
//! Written here, because the libraries for it bring their own counters: those of one lock for each
//! histogram, those of the other look every counter up by its labels.

use std::fmt::Write as _;

use super::{BOUNDS_US, Histogram};

/// The content type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What kind of number a family holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets.
    Histogram,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One page of families.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    name: &'static str,
}

impl Page {
    /// Begins a family.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        self.name = name;
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {}", kind.word()));
    }

    /// The family's only sample.
    pub fn value(&mut self, value: impl std::fmt::Display) {
        let name = self.name;
        self.line(format_args!("{name} {value}"));
    }

    /// One of the family's samples. Labels and their values are words of ours: they need no escaping.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<_> = labels.iter().map(|(name, it)| format!("{name}=\"{it}\"")).collect();
        let (name, labels) = (self.name, labels.join(","));
        self.line(format_args!("{name}{{{labels}}} {value}"));
    }

    /// A histogram of the family, in seconds.
    pub fn histogram(&mut self, label: (&str, &str), histogram: &Histogram) {
        let (sums, total_us) = histogram.sums();
        let ((label, value), name) = (label, self.name);
        let bounds = BOUNDS_US.iter().map(|it| seconds(*it)).chain(["+Inf".to_owned()]);
        for (bound, sum) in bounds.zip(sums) {
            self.line(format_args!("{name}_bucket{{{label}=\"{value}\",le=\"{bound}\"}} {sum}"));
        }
        self.line(format_args!("{name}_sum{{{label}=\"{value}\"}} {}", seconds(total_us)));
        let all = sums.last().copied().unwrap_or_default();
        self.line(format_args!("{name}_count{{{label}=\"{value}\"}} {all}"));
    }

    /// The whole text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        _ = writeln!(self.text, "{line}");
    }
}

/// Microseconds as seconds, exactly: `0.00005`.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Histogram, Kind, Page};

    #[test]
    fn a_page_reads_as_prometheus_wants_it() {
        let mut page = Page::default();
        page.family("calls_total", Kind::Counter, "Calls.");
        page.sample(&[("action", "kms:Encrypt"), ("class", "2xx")], 3);
        page.family("up", Kind::Gauge, "Up.");
        page.value(1);
        let histogram = Histogram::default();
        histogram.observe(Duration::from_micros(75));
        page.family("took_seconds", Kind::Histogram, "Took.");
        page.histogram(("effect", "use"), &histogram);
        let text = page.finish();
        let start = "# HELP calls_total Calls.\n# TYPE calls_total counter\n\
                     calls_total{action=\"kms:Encrypt\",class=\"2xx\"} 3\n\
                     # HELP up Up.\n# TYPE up gauge\nup 1\n\
                     # HELP took_seconds Took.\n# TYPE took_seconds histogram\n\
                     took_seconds_bucket{effect=\"use\",le=\"0.00005\"} 0\n\
                     took_seconds_bucket{effect=\"use\",le=\"0.0001\"} 1\n";
        assert!(text.starts_with(start), "{text}");
        let end = "le=\"10\"} 1\ntook_seconds_bucket{effect=\"use\",le=\"+Inf\"} 1\n\
                   took_seconds_sum{effect=\"use\"} 0.000075\ntook_seconds_count{effect=\"use\"} 1\n";
        assert!(text.ends_with(end), "{text}");
    }
}
