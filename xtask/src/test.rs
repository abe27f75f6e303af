//! `test`: all Rust tests, on both databases.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::run::{Tally, cargo, counted};

const POSTGRESQL: &str = "/usr/lib/postgresql";

/// Runs them. A machine without PostgreSQL fails here, at once and loudly: nothing is skipped.
pub(crate) fn run() -> Result<Tally> {
    ensure!(
        has_initdb(Path::new(POSTGRESQL)),
        "no initdb in {POSTGRESQL}/*/bin: `apt-get install postgresql`, or `cargo xtask ci`"
    );
    // First, so that the program which is left is the usual one.
    let clock = ["test", "-p", "yaoku", "--features", "test-clock", "--test", "clock"];
    let tallies = [
        counted("test of months", &mut cargo(&clock), count)?,
        counted("test", &mut cargo(&["test", "--workspace", "--no-fail-fast"]), count)?,
    ];
    Ok(tallies.into_iter().sum())
}

fn has_initdb(versions: &Path) -> bool {
    let Ok(versions) = versions.read_dir() else { return false };
    versions.flatten().any(|it| it.path().join("bin/initdb").exists())
}

/// What a line of `cargo test` counts. A test that is ignored did not pass.
pub(crate) fn count(line: &str) -> Option<Tally> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| -> Option<u64> {
        counts.split(';').find_map(|it| it.trim().strip_suffix(what)?.trim().parse().ok())
    };
    Some(Tally { passed: number("passed")?, failed: number("failed")? + number("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cargo_test_are_counted_and_others_are_not() {
        let failed = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(count(failed), Some(Tally { passed: 12, failed: 3 }));
        assert_eq!(count("test a::b ... ok"), None);
    }

    #[test]
    fn a_machine_without_postgresql_is_noticed() {
        assert!(!has_initdb(Path::new("/nowhere")));
    }
}
