//! The processor time of the program.

use std::time::Duration;

use anyhow::Context as _;

/// The program, by its process id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process(u32);

impl Process {
    pub(super) fn of(id: u32) -> Self {
        Self(id)
    }

    /// What all its threads have taken, those that ended too, to a hundredth of a second.
    pub(super) fn time(self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // Source: proc(5): after the name in brackets, the 12th and 13th are `utime` and `stime`.
        let (_, fields) = stat.rsplit_once(") ").context("no process has no name")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u32>);
        let ticks: u32 = ticks.sum::<Result<u32, _>>()?;
        let second = u32::try_from(rustix::param::clock_ticks_per_second())?;
        Ok(Duration::from_secs(ticks.into()) / second)
    }
}

/// How much of all processors such a time is, in hundredths.
pub(super) fn share(time: Duration, of: Duration) -> f64 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let processors = f64::from(u32::try_from(processors).unwrap_or(u32::MAX));
    100.0 * time.as_secs_f64() / of.as_secs_f64() / processors
}
