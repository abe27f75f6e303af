//! `cargo xtask WORD`: everything a developer or CI does to this repository. One word, one file.

use std::process::ExitCode;

use clap::Parser;

mod bench;
mod check;
mod ci;
mod conformance;
mod docs;
mod fuzz;
mod instructions;
mod run;
mod test;
mod tidy;
mod trials;

use run::Tally;

/// The words.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Word {
    /// Format, clippy, tidy, rustdoc, licences and bans.
    Check,
    /// All Rust tests. Needs PostgreSQL's programs.
    Test,
    /// The official clients against a live server; a full run rewrites COMPATIBILITY.md.
    Conformance(conformance::Options),
    /// Hostile bytes for whatever reads those of strangers, guided by coverage.
    Fuzz(fuzz::Options),
    /// How many instructions the parts of a call take, against those that are kept.
    Instructions {
        /// Keeps them.
        #[arg(long)]
        write: bool,
    },
    /// Short runs of the trials.
    Trials,
    /// Measures the hot path.
    Bench {
        /// Also writes the figures there.
        #[arg(long)]
        json: Option<std::path::PathBuf>,
    },
    /// Writes docs/operations.json, docs/operations.md and COMPATIBILITY.md.
    Docs {
        /// Writes nothing; fails where a file is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Installs what is missing, then check, test, docs --check, conformance, instructions,
    /// trials and a short fuzz: what CI runs.
    Ci,
}

fn main() -> ExitCode {
    let done = match Word::parse() {
        Word::Check => check::run(),
        Word::Test => test::run(),
        Word::Conformance(options) => conformance::run(&options, docs::Mode::Write),
        Word::Fuzz(options) => fuzz::run(&options),
        Word::Instructions { write } => instructions::run(write),
        Word::Trials => trials::run(),
        Word::Bench { json } => bench::run(json.as_deref()),
        Word::Docs { check } => docs::run(docs::Mode::of(check)),
        Word::Ci => ci::run(),
    };
    match done {
        Ok(tally) => {
            run::say(&tally.to_string());
            if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            run::say(&format!("xtask: {error:#}"));
            run::say(&Tally::of(false).to_string());
            ExitCode::FAILURE
        }
    }
}
