//! `yaoku doctor limits`: how many calls a configuration lets through, of whom.

use std::{io::Write as _, num::NonZeroU32, process::ExitCode};

use clap::Args;
use serde::Serialize;
use yaoku_server::throttle::{self, Class, PerClass};

use crate::{screen::lines, settings::Settings};

/// Shows the limits on calls that a configuration sets, those of single callers too.
///
/// It reads the configuration alone; how near a running server is to them, its operations listener tells
/// (`yaoku_throttle_limit`, `yaoku_throttled_total`). Exit status: 1 if the configuration cannot be read.
#[derive(Debug, Args)]
pub(super) struct Limits {
    #[command(flatten)]
    settings: Settings,
    /// Writes JSON.
    #[arg(long)]
    json: bool,
}

/// All limits.
#[derive(Debug, Serialize)]
struct Shown {
    burst_seconds: u16,
    /// Failed proofs of who calls, from one address; `null`: no bound.
    failures_a_minute: Option<NonZeroU32>,
    limits: Vec<Limit>,
}

/// One of them.
#[derive(Debug, Serialize)]
struct Limit {
    /// `account` (each of them), `principal` (each of them), or one principal's ARN.
    of: String,
    class: &'static str,
    /// `null`: no bound, or one by the hour.
    calls_a_second: Option<NonZeroU32>,
    /// Of what is counted by the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_an_hour: Option<NonZeroU32>,
}

impl Limits {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let shown = Shown::of(&self.settings.read()?.throttle);
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &shown)?;
            writeln!(out)?;
        } else {
            out.write_all(shown.in_words().as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Shown {
    /// What bounds all, and what single callers have otherwise.
    fn of(limits: &throttle::Limits) -> Self {
        let usual = limits.principal;
        let bounded = |of: &str, all: PerClass| rows(of, all, |class| all.of(class).is_some());
        let mut rows_of_all = bounded("account", limits.account);
        rows_of_all.extend(bounded("principal", usual));
        for it in &limits.overrides {
            let differs = |class| it.calls.of(class) != usual.of(class);
            rows_of_all.extend(rows(&it.of.to_string(), it.calls, differs));
        }
        Self {
            burst_seconds: limits.burst_seconds,
            failures_a_minute: limits.failures_a_minute,
            limits: rows_of_all,
        }
    }

    fn in_words(&self) -> String {
        let bound = |it: Option<NonZeroU32>| it.map_or("no bound".to_owned(), |it| it.to_string());
        let heading = ["WHOSE", "CLASS", "CALLS A SECOND"].map(str::to_owned).to_vec();
        let row = |it: &Limit| {
            let of = match &*it.of {
                "account" => "each account",
                "principal" => "each principal",
                one => one,
            };
            let hourly = it.calls_an_hour.map(|it| format!("{it} an hour"));
            let calls = hourly.unwrap_or_else(|| bound(it.calls_a_second));
            vec![of.to_owned(), it.class.to_owned(), calls]
        };
        let rows: Vec<_> = [heading].into_iter().chain(self.limits.iter().map(row)).collect();
        format!(
            "{}\nAs many at once as come in {} s. All other calls: no bound.\nFailed proofs of who \
             calls, a minute, from one address: {}.\n",
            lines(&rows),
            self.burst_seconds,
            bound(self.failures_a_minute),
        )
    }
}

fn rows(of: &str, calls: PerClass, shown: impl Fn(Class) -> bool) -> Vec<Limit> {
    let limit = |class: Class| Limit {
        of: of.to_owned(),
        class: class.word(),
        calls_a_second: calls.of(class).filter(|_| !class.is_hourly()),
        calls_an_hour: calls.of(class).filter(|_| class.is_hourly()),
    };
    Class::ALL.into_iter().filter(|it| shown(*it)).map(limit).collect()
}
