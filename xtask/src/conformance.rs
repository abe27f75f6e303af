//! `conformance`: the official clients against a live server, on both databases and both schemes.

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::{
    docs::{self, Mode, Results},
    run::{Tally, cargo, command, counted, faultless, root, step},
};

/// Which part of the matrix. Nothing said: all of it.
#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// Only this database.
    #[arg(long, value_enum)]
    store: Option<Store>,
    /// Only this scheme.
    #[arg(long, value_parser = ["http", "https"])]
    scheme: Option<String>,
    /// Only this client; may be repeated. Names are in conformance/README.md.
    #[arg(long)]
    client: Vec<String>,
}

/// A database.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Store {
    Sqlite,
    Postgres,
}

impl Store {
    const ALL: &[Self] = &[Self::Sqlite, Self::Postgres];

    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl Options {
    fn is_all(&self) -> bool {
        self.store.is_none() && self.scheme.is_none() && self.client.is_empty()
    }

    fn stores(&self) -> &[Store] {
        self.store.as_ref().map_or(Store::ALL, std::slice::from_ref)
    }
}

/// Builds the program, installs the clients, runs them. A full run without a failure is kept
/// (`Write`) or compared with what is committed (`Check`).
pub(crate) fn run(options: &Options, mode: Mode) -> Result<Tally> {
    let install = step("clients", &mut command("conformance/install.sh", &[]))?;
    ensure!(install.failed == 0, "there is nobody to run");
    let mut tallies = Vec::new();
    if options.is_all() {
        tallies.extend(moved_clocks()?);
    }
    let build = step("build", &mut cargo(&["build", "-p", "yaoku"]))?;
    ensure!(build.failed == 0, "there is nothing to run");
    for store in options.stores() {
        if options.is_all() {
            tallies.push(run_script("sessions", *store)?);
        }
        tallies.push(run_store(options, *store)?);
    }
    if options.is_all() && tallies.iter().all(|it| it.failed == 0) {
        tallies.push(faultless("results", || {
            docs::keep(&Results::of_runs(&root().join(".conformance"))?, mode)
        })?);
    }
    Ok(tallies.into_iter().sum())
}

/// A year for some of the clients, and rotations on real servers, with a program that no other step
/// should find in its place: so first.
fn moved_clocks() -> Result<Vec<Tally>> {
    let build = cargo(&["build", "--features", "yaoku/test-clock,yaoku-targets/testing"])
        .args(["-p", "yaoku", "--bin", "yaoku", "-p", "yaoku-targets", "--example", "servers"])
        .status()?;
    ensure!(build.success(), "a program with a clock that can be moved does not build");
    let all = Store::ALL.iter().flat_map(|store| ["months", "rotations"].map(|it| (it, *store)));
    all.map(|(script, store)| run_script(script, store)).collect()
}

/// A script with a server of its own.
fn run_script(name: &str, store: Store) -> Result<Tally> {
    let script = format!("conformance/{name}.py");
    let part = format!("{name} {}", store.name());
    counted(&part, &mut command(&script, &["--store", store.name()]), count)
}

fn run_store(options: &Options, store: Store) -> Result<Tally> {
    let mut clients = command("conformance/run.py", &["--no-install", "--store", store.name()]);
    if let Some(scheme) = &options.scheme {
        clients.args(["--scheme", scheme]);
    }
    for client in &options.client {
        clients.args(["--client", client]);
    }
    counted(store.name(), &mut clients, count)
}

/// The closing line of run.py. What gaps.toml lists is neither passed nor failed.
fn count(line: &str) -> Option<Tally> {
    let mut counts = line.strip_prefix("conformance: ")?.split(", ");
    let passed = counts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = counts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some(Tally { passed, failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_is_counted_and_others_are_not() {
        let line = "conformance: 40 passed, 2 failed, 1 skipped";
        assert_eq!(count(line), Some(Tally { passed: 40, failed: 2 }));
        assert_eq!(count("conformance: installing go"), None);
    }
}
