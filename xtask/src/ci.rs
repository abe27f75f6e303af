//! `ci`: what CI runs, and the one command that tests a fresh clone on a fresh machine.

use std::{env, ffi::OsString};

use anyhow::{Result, ensure};

use crate::{
    check, conformance,
    docs::{self, Mode},
    fuzz, instructions,
    run::{self, Tally, command, root},
    test, trials,
};

/// Where `xtask/install.sh` puts programs that are no part of the machine.
const TOOLS: &str = "target/tools/bin";

/// Installs what is missing, then does everything, whatever fails on the way.
pub(crate) fn run() -> Result<Tally> {
    let install = run::step("install", &mut command("xtask/install.sh", &[]))?;
    ensure!(install.failed == 0, "xtask/install.sh failed");
    let all = conformance::Options::default();
    let smoke = fuzz::Options { seconds: fuzz::SMOKE_SECONDS, ..fuzz::Options::default() };
    let words = [
        ("check", check::run()),
        ("test", test::run()),
        ("docs", docs::run(Mode::Check)),
        ("conformance", conformance::run(&all, Mode::Check)),
        ("trials", trials::run()),
        ("fuzz", fuzz::run(&smoke)),
        ("instructions", instructions::run(false)),
    ];
    Ok(words.into_iter().map(said).sum())
}

/// A word that could not even run has failed, and the next one still runs.
fn said((word, done): (&str, Result<Tally>)) -> Tally {
    let tally = done.unwrap_or_else(|error| {
        run::say(&format!("xtask {word}: {error:#}"));
        Tally::of(false)
    });
    run::say(&format!("{word}: {tally}"));
    tally
}

/// The search path, with our own tools first.
pub(crate) fn path_with_tools() -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths([root().join(TOOLS)].into_iter().chain(env::split_paths(&path)))?)
}
