//! `fuzz`: the property tests, with fresh cases until the time is up.
//!
//! Not coverage-guided: it repeats the properties that `cargo test` runs once, with many more
//! cases. A case that fails is kept by proptest beside its test and is then part of `cargo test`.

use std::time::Duration;

use anyhow::Result;

use crate::run::{Tally, cargo, counted, now, since};

/// How many cases each property gets in a round, against proptest's 256.
const CASES: &str = "4096";

/// Runs rounds for `seconds`, at least one, and stops at the first that fails.
pub(crate) fn run(seconds: u64) -> Result<Tally> {
    let packages = ["-p", "yaoku-model", "-p", "yaoku-wire", "-p", "yaoku-crypto"];
    let start = now();
    let mut sum = Tally::default();
    while sum.failed == 0 && (sum.passed == 0 || since(start) < Duration::from_secs(seconds)) {
        let mut round = cargo(&["test", "--quiet"]);
        round.args(packages).env("PROPTEST_CASES", CASES);
        sum = [sum, counted("fuzz", &mut round, crate::test::count)?].into_iter().sum();
    }
    Ok(sum)
}
