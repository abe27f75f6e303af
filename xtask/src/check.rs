//! `check`: what needs no test to be seen.

use anyhow::Result;

use crate::{
    run::{Tally, cargo, faultless, step},
    tidy,
};

/// Format, clippy, tidy, rustdoc, licences, bans and sources. Does all, whatever fails.
pub(crate) fn run() -> Result<Tally> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    // What is off by default is compiled nowhere else.
    let otel =
        ["clippy", "-p", "yaoku", "--features", "otel", "--all-targets", "--", "-D", "warnings"];
    let deny =
        ["deny", "--offline", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    let steps = [
        step("fmt", &mut cargo(&["fmt", "--all", "--check"]))?,
        faultless("tidy", tidy::faults)?,
        step("clippy", &mut cargo(&clippy))?,
        step("clippy with otel", &mut cargo(&otel))?,
        step(
            "doc",
            cargo(&["doc", "--workspace", "--no-deps", "--quiet"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )?,
        step("deny", cargo(&deny).env("PATH", crate::ci::path_with_tools()?))?,
    ];
    Ok(steps.into_iter().sum())
}
