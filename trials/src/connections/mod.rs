//! The trial of connections: 1,000 hostile ones of each kind, then a flood of anonymous calls, while
//! a known caller makes paced calls. Its goodput is the part of its scheduled calls that were
//! answered rightly within [`victim::PATIENCE`]; the abusers' rate is limited, because on one machine
//! they would otherwise take the processor that the server needs.

mod abuse;
mod disk;
mod victim;

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{task::JoinSet, time::sleep};

use self::{
    abuse::{Abuse, Target},
    disk::SmallDisk,
    victim::{Goodput, Victim},
};
use crate::{program::Dev, report::Report};

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Connections {
    /// How long the flood of anonymous calls lasts, on a disk of 1 GB.
    #[arg(long, value_name = "M", default_value_t = 1)]
    minutes: u64,
    /// How long each of the other kinds lasts.
    #[arg(long, value_name = "S", default_value_t = 6)]
    seconds: u64,
    /// Hostile connections at once.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    at_once: u64,
    /// What all of them together may begin in a second.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    rate: u64,
    /// Only the kind of this name (`flood` is one).
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// The least part of its unloaded goodput that the known caller must keep.
const GOODPUT: f64 = 0.9;

/// What the data directory may grow by in a minute of flood, in bytes: counts of strangers are
/// bounded (some 2 MB a minute), and the known caller's events come besides.
const GROWTH: u64 = 8 * 1024 * 1024;

/// Descriptors that may be left over when all abusers have gone.
const SPARE_FILES: usize = 32;

impl Connections {
    /// Runs it.
    pub(crate) async fn run(
        self,
        program: &Path,
        seed: u64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let files = yaoku_server::process::raise_open_files();
        anyhow::ensure!(files > 2 * self.at_once, "only {files} files may be open");
        let disk = SmallDisk::mount()?;
        report.say(format_args!("data on {disk}"));
        let dev = Dev::start(program, &disk.path().join("data"), None)?;
        let mut trial = Trial { options: self, seed, dev: &dev, report };
        let usual = trial.usual().await?;
        for abuse in Abuse::ALL {
            if trial.has(abuse.name()) {
                let time = Duration::from_secs(trial.options.seconds);
                trial.abuse(*abuse, time, usual).await?;
            }
        }
        if trial.has("flood") {
            trial.flood(&disk, usual).await?;
        }
        Ok(())
    }
}

struct Trial<'a> {
    options: Connections,
    seed: u64,
    dev: &'a Dev,
    report: &'a mut Report,
}

impl Trial<'_> {
    fn has(&self, name: &str) -> bool {
        self.options.only.as_deref().is_none_or(|it| it == name)
    }

    /// The known caller alone.
    async fn usual(&mut self) -> anyhow::Result<f64> {
        let mut victim = Victim::of(self.dev)?;
        // What is first is slow: caches are filled.
        victim.calls_for(Duration::from_secs(1)).await;
        let alone = victim.calls_for(Duration::from_secs(5)).await;
        self.report.say(Goodput::HEADING);
        self.say_line("(nobody)", &alone)?;
        self.report.check(alone.ratio() >= 0.99, "calls fail before anybody does harm");
        Ok(alone.ratio())
    }

    async fn abuse(&mut self, abuse: Abuse, time: Duration, usual: f64) -> anyhow::Result<()> {
        let before = self.open_files()?;
        let mut victim = Victim::of(self.dev)?;
        // Known before the abuse begins, as a caller is that was there.
        victim.calls_for(Duration::from_millis(500)).await;
        let target = Arc::new(Target::of(self.dev, self.options.rate)?);
        let mut abusers = JoinSet::new();
        for n in 0..self.options.at_once {
            abusers.spawn(abuse.run(Arc::clone(&target), self.seed.wrapping_add(n)));
        }
        // Half of them stand before it is measured.
        sleep(Duration::from_millis(500)).await;
        let seen = victim.calls_for(time).await;
        self.say_line(abuse.name(), &seen)?;
        abusers.shutdown().await;
        let name = abuse.name();
        self.report.check(seen.ratio() >= GOODPUT * usual, format_args!("{name}: {seen}"));
        self.report.check(seen.refused == 0, format_args!("{name}: {} refused", seen.refused));
        let after = victim.calls_for(Duration::from_secs(1)).await;
        self.report.check(after.ratio() >= 0.99, format_args!("after {name}: {after}"));
        self.settles(name, before).await
    }

    /// All that the abusers opened is closed.
    async fn settles(&mut self, name: &str, before: usize) -> anyhow::Result<()> {
        const TRIES: u32 = 150;
        for _ in 0..TRIES {
            if self.open_files()? <= before + SPARE_FILES {
                self.report.check(true, name);
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        let now = self.open_files()?;
        self.report.check(false, format_args!("{name}: {before} files before, {now} after"));
        Ok(())
    }

    async fn flood(&mut self, disk: &SmallDisk, usual: f64) -> anyhow::Result<()> {
        let minutes = self.options.minutes;
        let before = disk.used()?;
        self.abuse(Abuse::Flood, Duration::from_secs(60 * minutes), usual).await?;
        let grown = disk.used()?.saturating_sub(before);
        self.report.say(format_args!("the disk grew by {} KiB in {minutes} min", grown / 1024));
        let what = format_args!("the disk grew by {grown} bytes");
        self.report.check(grown <= GROWTH * (minutes + 1), what);
        Ok(())
    }

    fn say_line(&mut self, name: &str, seen: &Goodput) -> anyhow::Result<()> {
        let (files, memory) = (self.open_files()?, self.memory()?);
        self.report.say(format_args!("{name:<22} {seen} {memory:>8} {files:>6}"));
        Ok(())
    }

    fn open_files(&self) -> anyhow::Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.dev.pid()))?.count())
    }

    /// Its resident memory in MiB.
    fn memory(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.dev.pid()))?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let kib = line.and_then(|it| it.trim().strip_suffix(" kB")).context("no VmRSS")?;
        Ok(kib.trim().parse::<u64>()? / 1024)
    }
}
