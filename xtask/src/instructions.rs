//! `instructions`: how many instructions the parts of a call take, against those that are kept.
//!
//! The benches of our crates (`crates/*/benches/parts.rs`) run once each under callgrind, which counts
//! inside their functions `counted_<name>` alone. It presents the same processor everywhere, so the
//! figures are those of the compiler and not of the machine. Our own driver of a hundred lines, and not
//! gungraun: that needs a second program of its own version to be compiled. The benches are built in
//! the profile of the tests, our crates optimised, so that CI compiles nothing of others twice: the
//! figures are to be compared with themselves.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::run::{Tally, cargo, command, root, say};

/// What is kept.
const KEPT: &str = "bench/instructions.toml";

/// What is written above it.
const ABOVE: &str = "\
# How many instructions the parts of a call take under callgrind: `cargo xtask instructions --write`.
# It fails when one grows by more than 5 %. Another compiler gives other figures: write them anew with it.

[counts]
";

/// The crates whose benches are counted.
const PACKAGES: &[&str] = &["yaoku-crypto", "yaoku-model", "yaoku-wire"];

/// By how many percent a count may grow.
const MAY_GROW: u64 = 5;

type Counts = BTreeMap<String, u64>;

#[derive(Deserialize)]
struct Kept {
    counts: Counts,
}

/// Counts, and compares with what is kept, or (`write`) keeps it.
pub(crate) fn run(write: bool) -> Result<Tally> {
    let counts = count()?;
    if write {
        let lines: Vec<_> = counts.iter().map(|(name, it)| format!("{name} = {it}\n")).collect();
        fs::write(root().join(KEPT), format!("{ABOVE}{}", lines.concat()))?;
        return Ok(Tally::of(true));
    }
    let kept: Kept = toml::from_str(&fs::read_to_string(root().join(KEPT)).context(KEPT)?)?;
    Ok(compare(&kept.counts, &counts).into_iter().map(said).sum())
}

fn said((held, line): (bool, String)) -> Tally {
    say(&line);
    Tally::of(held)
}

/// A line for each count, and whether it holds.
fn compare(kept: &Counts, now: &Counts) -> Vec<(bool, String)> {
    let gone = kept.keys().filter(|it| !now.contains_key(*it));
    let gone = gone.map(|it| (false, format!("{it}: kept in {KEPT}, and no bench any more")));
    let there = now.iter().map(|(name, count)| match kept.get(name) {
        None => (false, format!("{name}: {count}, and not in {KEPT}: --write it")),
        Some(before) => {
            let most = before + before * MAY_GROW / 100;
            (*count <= most, format!("{name}: {count} instructions, {before} kept, {most} at most"))
        }
    });
    gone.chain(there).collect()
}

fn count() -> Result<Counts> {
    let mut counts = Counts::new();
    for bench in benches()? {
        for name in names(&bench)? {
            let of = one(&bench, &name)?;
            ensure!(of > 0, "counted_{name} was not called, or is called otherwise");
            ensure!(counts.insert(name.clone(), of).is_none(), "two benches are called {name}");
        }
    }
    Ok(counts)
}

/// Builds the benches, and says where they are.
fn benches() -> Result<Vec<PathBuf>> {
    let mut build = cargo(&["test", "--bench", "parts", "--no-run", "--message-format=json"]);
    build.args(PACKAGES.iter().flat_map(|it| ["-p", it]));
    build.env("CARGO_PROFILE_DEV_OPT_LEVEL", "3").env("CARGO_INCREMENTAL", "0");
    let done = build.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(done.status.success(), "the benches do not build");
    let messages = std::str::from_utf8(&done.stdout)?.lines();
    let messages = messages.filter_map(|it| serde_json::from_str::<Value>(it).ok());
    let bench = |it: Value| -> Option<PathBuf> {
        let parts = it["target"]["name"] == "parts" && it["target"]["kind"][0] == "bench";
        if parts { Some(it["executable"].as_str()?.into()) } else { None }
    };
    Ok(messages.filter_map(bench).collect())
}

fn names(bench: &Path) -> Result<Vec<String>> {
    let listed = command(&bench.to_string_lossy(), &["--bench", "--list"]).output()?;
    let text = String::from_utf8(listed.stdout)?;
    Ok(text.lines().filter_map(|it| Some(it.strip_suffix(": benchmark")?.to_owned())).collect())
}

/// The instructions of one bench, run once.
fn one(bench: &Path, name: &str) -> Result<u64> {
    let mut valgrind = command("valgrind", &["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    // Of whatever name: functions with the same code are one, and have one name.
    valgrind.arg("--toggle-collect=parts::counted_*").arg(bench);
    let done = valgrind.args([name, "--exact", "--test"]).output();
    let done = done.context("valgrind: `apt-get install valgrind`, or `cargo xtask ci`")?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{name}: {said}");
    collected(&said).with_context(|| format!("{name}: {said}"))
}

/// What callgrind says at its end: `==7== Collected : 12345`. A child of the bench says its own before.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().rev().find_map(|it| it.split_once("Collected : "))?.1;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Counts, collected, compare};

    #[test]
    fn what_grows_by_more_than_five_percent_fails_and_so_does_what_nobody_counts() {
        let counts = |all: &[(&str, u64)]| -> Counts {
            all.iter().map(|(name, it)| ((*name).to_owned(), *it)).collect()
        };
        let kept = counts(&[("seal", 1000), ("open", 1000), ("gone", 1)]);
        let now = counts(&[("seal", 1050), ("open", 1051), ("new", 1)]);
        let failed = compare(&kept, &now).into_iter().filter(|it| !it.0).map(|it| it.1);
        let failed: Vec<_> = failed.map(|it| it.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(failed, ["gone", "new", "open"]);
    }

    #[test]
    fn what_callgrind_says_is_read() {
        assert_eq!(collected("==8== Collected : 0\n==7== Collected : 12345\n"), Some(12_345));
        assert_eq!(collected("==7== Collected :\n"), None);
    }
}
