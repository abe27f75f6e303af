//! `bench`: hands over to the package in bench/.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::run::{Tally, cargo, root, step};

/// Runs it, optimised, on this machine.
pub(crate) fn run(json: Option<&Path>) -> Result<Tally> {
    ensure!(
        root().join("bench/Cargo.toml").exists(),
        "there is no bench/ yet: nothing to measure with"
    );
    let mut bench = cargo(&["run", "--release", "-p", "yaoku-bench"]);
    if let Some(json) = json {
        bench.arg("--").arg("--json").arg(json);
    }
    step("bench", &mut bench)
}
