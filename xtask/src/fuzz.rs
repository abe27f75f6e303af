//! `fuzz`: libFuzzer gives every reader of strangers' bytes hostile ones, guided by what they reach.
//!
//! On stable Rust: our own crates are compiled with LLVM's coverage pass (`fuzz/cover.sh`), libFuzzer
//! itself comes with `libfuzzer-sys`. No sanitizer: there is no unsafe code where bytes are read.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::run::{Tally, cargo, command, root, say, step};

/// The targets, as fuzz/src/lib.rs lists them.
const TARGETS: &[&str] = &[
    "arns",
    "audit",
    "blobs",
    "heads",
    "imports",
    "json",
    "jwts",
    "operations",
    "policies",
    "requests",
    "signatures",
    "signed",
    "tokens",
];

/// What CI gives all targets together.
pub(crate) const SMOKE_SECONDS: u64 = 78;

/// The longest input: larger ones are slow and find little more.
const MAX_LENGTH: &str = "-max_len=8192";

/// Longer than this on one input is a finding, in seconds. Thousands run in one on an idle machine.
const PATIENCE: &str = "-timeout=5";

/// How to fuzz.
#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// For how many seconds, all targets together.
    #[arg(default_value_t = 60)]
    pub(crate) seconds: u64,
    /// Only this target.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// What chance goes by. Without it, another each time; it is always printed.
    #[arg(long)]
    pub(crate) seed: Option<u32>,
}

/// Runs each target for its share of the time. What breaks one is kept in `target/fuzz/<target>`.
pub(crate) fn run(options: &Options) -> Result<Tally> {
    let one = options.target.as_deref();
    let targets: Vec<&str> =
        TARGETS.iter().copied().filter(|it| one.is_none_or(|one| one == *it)).collect();
    ensure!(!targets.is_empty(), "no such target; there are {}", TARGETS.join(", "));
    let build = step("fuzz build", &mut build())?;
    ensure!(build.failed == 0, "the fuzzer does not build");
    let seed = options.seed.unwrap_or_else(clock);
    let seconds = (options.seconds / targets.len() as u64).max(1);
    say(&format!("seed {seed}, {seconds} s each"));
    let tallies = targets.iter().map(|it| fuzz(it, seconds, seed)).collect::<Result<Vec<_>>>()?;
    Ok(tallies.into_iter().sum())
}

/// Compiles our crates anew, with coverage; those of others as all else here has them.
fn build() -> std::process::Command {
    let mut build =
        cargo(&["build", "-p", "yaoku-fuzz", "--features", "libfuzzer", "--bin", "yaoku-fuzz"]);
    build.env("RUSTC_WORKSPACE_WRAPPER", root().join("fuzz/cover.sh"));
    build.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1").env("CARGO_INCREMENTAL", "0");
    build
}

fn fuzz(target: &str, seconds: u64, seed: u32) -> Result<Tally> {
    let home = root().join("target/fuzz").join(target);
    let [corpus, seeds] = ["corpus", "seeds"].map(|it| home.join(it));
    for directory in [&corpus, &seeds] {
        fs::create_dir_all(directory)?;
    }
    let log = home.join("log");
    let limits = [
        format!("-seed={}", seed.max(1)),
        format!("-max_total_time={seconds}"),
        format!("-artifact_prefix={}/", home.display()),
    ];
    let mut fuzzer = command("target/debug/yaoku-fuzz", &[MAX_LENGTH, PATIENCE]);
    fuzzer.args(limits).args(["-rss_limit_mb=1024", "-print_final_stats=1"]);
    fuzzer.arg(&corpus).arg(&seeds);
    fuzzer.env("YAOKU_FUZZ_TARGET", target).env("YAOKU_FUZZ_SEEDS", &seeds);
    let errors = fs::File::create(&log)?;
    let status = fuzzer.stdout(Stdio::null()).stderr(errors).status().context("the fuzzer")?;
    report(target, &home, &fs::read(&log)?, status.success())
}

/// One line of what was seen, and of what broke it all.
fn report(target: &str, home: &Path, log: &[u8], held: bool) -> Result<Tally> {
    let log = String::from_utf8_lossy(log);
    let seen = Seen::of(&log);
    let broken: Vec<PathBuf> = artifacts(home)?;
    say(&format!(
        "{target}: {} executions, coverage {}, features {}, crashes {}",
        seen.executions,
        seen.coverage,
        seen.features,
        u64::from(!held),
    ));
    if !held {
        let lines: Vec<&str> = log.lines().collect();
        for line in &lines[lines.len().saturating_sub(40)..] {
            say(line);
        }
        for path in broken {
            say(&format!("keep it: cp {} fuzz/regressions/{target}/", path.display()));
        }
    }
    Ok(Tally::of(held))
}

fn artifacts(home: &Path) -> Result<Vec<PathBuf>> {
    let kinds = ["crash-", "timeout-", "oom-", "slow-unit-"];
    let paths = fs::read_dir(home)?.map(|it| Ok(it?.path())).collect::<Result<Vec<_>>>()?;
    let name = |it: &Path| it.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(paths.into_iter().filter(|it| kinds.iter().any(|kind| name(it).starts_with(kind))).collect())
}

/// What libFuzzer says of itself.
#[derive(Debug, Default, Eq, PartialEq)]
struct Seen {
    executions: u64,
    coverage: u64,
    features: u64,
}

impl Seen {
    /// Of its last words: `#4096 DONE cov: 812 ft: 2930 corp: …`.
    fn of(log: &str) -> Self {
        let number = |line: &str, name: &str| -> Option<u64> {
            let mut words = line.split_whitespace().skip_while(|it| *it != name);
            words.nth(1)?.parse().ok()
        };
        let mut seen = Self::default();
        for line in log.lines() {
            seen.coverage = number(line, "cov:").unwrap_or(seen.coverage);
            seen.features = number(line, "ft:").unwrap_or(seen.features);
            let done = number(line, "stat::number_of_executed_units:");
            seen.executions = done.unwrap_or(seen.executions);
        }
        seen
    }
}

/// A seed that is another each second.
#[expect(clippy::disallowed_methods, reason = "a developer's tool; the seed is printed")]
fn clock() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() % u64::from(u32::MAX)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::{Seen, TARGETS};

    #[test]
    fn what_the_fuzzer_says_is_read() {
        let log = "#2\tINITED cov: 5 ft: 6 corp: 1/1b\n#4096\tDONE   cov: 812 ft: 2930 corp: 9/1Kb\n\
                   stat::number_of_executed_units: 4096\n";
        assert_eq!(Seen::of(log), Seen { executions: 4096, coverage: 812, features: 2930 });
    }

    #[test]
    fn every_target_of_the_fuzzer_is_run() {
        let text = std::fs::read_to_string(crate::run::root().join("fuzz/src/lib.rs")).unwrap();
        let named = |line: &str| Some(line.split_once("name: \"")?.1.split_once('"')?.0.to_owned());
        assert_eq!(text.lines().filter_map(named).collect::<Vec<_>>(), TARGETS);
    }
}
