//! What a trial saw: lines for the reader, and the count of what must not be.

use std::{fmt, io::Write as _, process::ExitCode};

/// A trial's report. It is printed as it grows.
#[derive(Debug)]
pub(crate) struct Report {
    seed: u64,
    checks: u64,
    violations: u64,
}

impl Report {
    /// Begins with the seed, so that it is known even if the trial does not end.
    pub(crate) fn of(seed: u64) -> Self {
        let it = Self { seed, checks: 0, violations: 0 };
        it.say(format_args!("seed {seed}"));
        it
    }

    /// A line of the summary.
    #[expect(clippy::unused_self, reason = "only who reports may print")]
    pub(crate) fn say(&self, line: impl fmt::Display) {
        // Nobody is left to tell that standard output is closed.
        _ = writeln!(std::io::stdout(), "{line}");
    }

    /// Something that must hold; `what` is said if it does not.
    pub(crate) fn check(&mut self, holds: bool, what: impl fmt::Display) {
        self.checks += 1;
        if !holds {
            self.violations += 1;
            self.say(format_args!("VIOLATION: {what}"));
        }
    }

    /// The last line: `N passed, N failed`, as every word of `cargo xtask` ends.
    pub(crate) fn close(self) -> ExitCode {
        let (seed, failed) = (self.seed, self.violations);
        self.say(format_args!("seed {seed}: {} passed, {failed} failed", self.checks - failed));
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
