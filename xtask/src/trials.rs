//! `trials`: short runs of the trials in trials/, each with a seed of its own that is printed.

use anyhow::Result;

use crate::run::{Tally, cargo, step};

/// What CI runs of them: a trial and its options. Longer ones are run by hand (trials/).
const SHORT: &[&[&str]] = &[
    &["kill", "--store", "sqlite", "--rounds", "3"],
    &["kill", "--store", "postgres", "--rounds", "3"],
    &["power", "--rounds", "20"],
    &["audit", "--rounds", "8"],
    &["disk"],
    &["due"],
    &["rotations", "--secrets", "200", "--over", "5", "--idle", "3"],
    &["connections", "--seconds", "2", "--minutes", "0"],
    &["throttle", "--limit", "20", "--calls", "20000", "--rounds", "1"],
];

/// Runs all, whatever fails on the way.
pub(crate) fn run() -> Result<Tally> {
    let tallies = SHORT.iter().map(|trial| {
        let mut run = cargo(&["run", "--quiet", "-p", "yaoku-trials", "--"]);
        step(&format!("trial {}", trial.join(" ")), run.args(*trial))
    });
    Ok(tallies.collect::<Result<Vec<_>>>()?.into_iter().sum())
}
