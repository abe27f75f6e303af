//! `check`: what needs no test to be seen.

use std::fs;

use anyhow::Result;

use crate::{
    run::{Tally, cargo, faultless, root, step},
    tidy,
};

/// The feature that only builds with debug assertions take.
const TEST_CLOCK: &str = "the feature test-clock is never in a release";

/// Format, clippy, tidy, rustdoc, licences, bans and sources. Does all, whatever fails.
pub(crate) fn run() -> Result<Tally> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    // What is off by default is compiled nowhere else.
    let features = ["clippy", "-p", "yaoku", "--features", "otel,test-clock", "--all-targets"];
    let features = [&features[..], &["--", "-D", "warnings"]].concat();
    let deny =
        ["deny", "--offline", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    let steps = [
        step("fmt", &mut cargo(&["fmt", "--all", "--check"]))?,
        faultless("tidy", tidy::faults)?,
        step("clippy", &mut cargo(&clippy))?,
        step("clippy with features", &mut cargo(&features))?,
        faultless("no test-clock in a release", test_clock)?,
        step(
            "doc",
            cargo(&["doc", "--workspace", "--no-deps", "--quiet"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )?,
        step("deny", cargo(&deny).env("PATH", crate::ci::path_with_tools()?))?,
    ];
    Ok(steps.into_iter().sum())
}

/// Builds the server as a release does, in the one thing that counts: it must not build.
fn test_clock() -> Result<Vec<String>> {
    let as_release = "profile.dev.package.yaoku-server.debug-assertions=false";
    let check = ["check", "-p", "yaoku-server", "--features", "test-clock", "--config", as_release];
    let built = cargo(&check).output()?;
    let mut faults = Vec::new();
    if built.status.success() || !String::from_utf8_lossy(&built.stderr).contains(TEST_CLOCK) {
        faults.push(format!("without debug assertions, it is not so that {TEST_CLOCK}"));
    }
    if fs::read_to_string(root().join("Cargo.toml"))?.contains("debug-assertions") {
        faults.push("Cargo.toml: a profile changes debug-assertions".to_owned());
    }
    Ok(faults)
}
