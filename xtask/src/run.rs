//! How a word runs other programs, and counts what passed.

use std::{
    fmt,
    io::{BufRead, BufReader, Write},
    iter::Sum,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// What passed and what failed: the closing line of every word.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    /// How many tests, steps or cells passed.
    pub(crate) passed: u64,
    /// How many did not.
    pub(crate) failed: u64,
}

impl Tally {
    /// One thing that passed or failed.
    pub(crate) fn of(ok: bool) -> Self {
        Self { passed: u64::from(ok), failed: u64::from(!ok) }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, it| Self {
            passed: sum.passed + it.passed,
            failed: sum.failed + it.failed,
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// A program of the repository's or the machine's, started in the repository's root.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Cargo, in the repository's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    command("cargo", arguments)
}

/// Tells the developer something.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell that standard output is closed.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Runs `command` as one step that passes or fails, and says how long it took.
pub(crate) fn step(name: &str, command: &mut Command) -> Result<Tally> {
    say(&format!("== {name}"));
    let start = now();
    let status = command.status().with_context(|| format!("{name}: {command:?}"))?;
    Ok(close(name, start, Tally::of(status.success())))
}

/// Runs `command`, whose lines say what passed; it fails also by its exit code alone.
pub(crate) fn counted(
    name: &str,
    command: &mut Command,
    count: fn(&str) -> Option<Tally>,
) -> Result<Tally> {
    say(&format!("== {name}"));
    let start = now();
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("{name}: {command:?}"))?;
    let mut tally = Tally::default();
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let line = line?;
        say(&line);
        tally = [tally, count(&line).unwrap_or_default()].into_iter().sum();
    }
    if !child.wait()?.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(close(name, start, tally))
}

/// Runs `work` as one step that passes if it finds no fault; the faults are said.
pub(crate) fn faultless(name: &str, work: impl FnOnce() -> Result<Vec<String>>) -> Result<Tally> {
    say(&format!("== {name}"));
    let start = now();
    let faults = work()?;
    for fault in &faults {
        say(fault);
    }
    Ok(close(name, start, Tally::of(faults.is_empty())))
}

/// How long it is since `start`.
pub(crate) fn since(start: Instant) -> Duration {
    now().saturating_duration_since(start)
}

/// The time, for measuring how long a step takes.
#[expect(clippy::disallowed_methods, reason = "a developer's tool times its own steps")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn close(name: &str, start: Instant, tally: Tally) -> Tally {
    say(&format!("== {name}: {tally}, {} s", since(start).as_secs()));
    tally
}
