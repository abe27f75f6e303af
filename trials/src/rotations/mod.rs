//! The trial of rotations: the credentials of thousands of managed secrets, on real servers of every
//! kind, fall due in one minute while callers encrypt. How soon is each current and does it work, how
//! much of the processors does it take, and what do the callers notice?
//!
//! The servers run on the same machine, and so does this. They stand for other machines, so where times
//! count they have what the program and the callers leave of the processors, if the system can do
//! that ([`Spare`]); else what they take is taken from the callers too. Only the program's own processor
//! time is counted as its.

mod callers;
mod fleet;
mod operator;
mod process;
mod secrets;
mod spare;

use std::{fmt, path::Path, time::Duration};

use tokio::time::Instant;
use yaoku_model::time::Clock as _;
use yaoku_store::Store;

use self::{callers::Callers, fleet::Fleet, process::Process, secrets::Secrets, spare::Spare};
use crate::{node::MachineClock, program::Dev, report::Report};

/// After its date, each is to be current within so many seconds. Source: secrets.md (clients cache a
/// value for so long).
const PATIENCE: i64 = 300;

/// How long is waited for the last of them before the trial gives up: what is late is to be seen.
const LONGEST: Duration = Duration::from_mins(20);

/// How often the store is asked whether all is done.
const LOOK: Duration = Duration::from_secs(1);

/// The time over which the processors are measured.
const WINDOW: Duration = Duration::from_secs(10);

/// In hundredths: as much of the processors as rotation may take while calls are served.
const SHARE: f64 = 25.0;

/// As many times as long an Encrypt may take, at the 99th percentile, as when nothing is due.
const TIMES: f64 = 3.0;

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Rotations {
    /// How many secrets there are: of 200, 80 are access keys, 80 of Redis, 30 of `MariaDB`, 9 of
    /// PostgreSQL and 1 of SSH; at least two of each.
    #[arg(long, default_value_t = 10_000)]
    secrets: usize,
    /// In so many seconds all of them fall due.
    #[arg(long, default_value_t = 60)]
    over: u32,
    /// How many Encrypt calls there are in a second.
    #[arg(long, default_value_t = 200)]
    calls: u32,
    /// For so many seconds the calls are measured before anything is due.
    #[arg(long, default_value_t = 60)]
    idle: u64,
    /// The store: a PostgreSQL server's URL. SQLite without it.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Times and shares must hold too: for a release build on a quiet machine. The servers have what is
    /// left of the processors.
    #[arg(long)]
    timed: bool,
    /// The servers have their part of the processors all the same.
    #[arg(long)]
    beside: bool,
}

/// What callers and processors were like for a while.
#[derive(Debug)]
struct Measured {
    p50: Duration,
    p99: Duration,
    calls: usize,
    /// Of all processors, in hundredths: on average, and in the busiest ten seconds.
    share: f64,
    most: f64,
}

impl Rotations {
    pub(crate) async fn run(self, program: &Path, report: &mut Report) -> anyhow::Result<()> {
        let data = tempfile::tempdir()?;
        let dev = Dev::start(program, data.path(), self.store.as_deref())?;
        let url = format!("sqlite:{}", data.path().join("yaoku.db").display());
        let store = yaoku_store::open(self.store.as_deref().unwrap_or(&url)).await?;
        let spare = if self.timed && !self.beside { Spare::make() } else { None };
        let fleet = match &spare {
            Some(spare) => spare.holding(|| Fleet::start(self.secrets))?,
            None => Fleet::start(self.secrets),
        };
        let theirs = if spare.is_some() { "what is left" } else { "their part" };
        let since = Instant::now();
        let mut secrets = Secrets::make(&fleet, program, data.path(), &dev).await?;
        until_over(&*store).await?;
        let build = if cfg!(debug_assertions) { "debug" } else { "release" };
        report
            .say(format_args!("{build}: {fleet}; made in {:.0} s", since.elapsed().as_secs_f64()));
        report.say(format_args!("the servers have {theirs} of the processors"));
        let callers =
            Callers { client: secrets.client.clone(), key: dev.text("key_id")?.to_owned() };
        let process = Process::of(dev.pid());
        let quiet = async {
            tokio::time::sleep(Duration::from_secs(self.idle)).await;
            Ok(())
        };
        let idle = self.measure(&callers, process, quiet).await?;
        secrets.age(&*store, self.over).await?;
        let busy = self.measure(&callers, process, until_over(&*store)).await?;
        self.judge(&idle, &busy, report);
        secrets.judge(&*store, report).await?;
        secrets.try_all(report).await
    }

    /// Measures calls and processors until something has happened.
    async fn measure(
        &self,
        callers: &Callers,
        process: Process,
        until: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<Measured> {
        let calling = callers.begin(self.calls).await?;
        let (start, first) = (Instant::now(), process.time()?);
        let (mut since, mut before, mut most) = (start, first, 0.0_f64);
        let mut until = std::pin::pin!(until);
        while let Err(_later) = tokio::time::timeout(WINDOW, &mut until).await {
            let now = process.time()?;
            most = most.max(process::share(now.saturating_sub(before), since.elapsed()));
            (since, before) = (Instant::now(), now);
        }
        let share = process::share(process.time()?.saturating_sub(first), start.elapsed());
        let mut times = calling.end().await?;
        times.sort_unstable();
        let at = |hundredth: usize| times.get(times.len() * hundredth / 100).copied();
        let [p50, p99] = [50, 99].map(|it| at(it).unwrap_or_default());
        Ok(Measured { p50, p99, calls: times.len(), share, most: most.max(share) })
    }

    fn judge(&self, idle: &Measured, busy: &Measured, report: &mut Report) {
        report.say(format_args!("nothing due: {idle}"));
        report.say(format_args!("rotating:    {busy}"));
        let (share, most) = (busy.share - idle.share, busy.most - idle.share);
        let times = busy.p99.as_secs_f64() / idle.p99.as_secs_f64();
        report.say(format_args!(
            "rotation takes {share:.1} % of the processors, {most:.1} % in the busiest ten seconds; \
             Encrypt's p99 is {times:.2} times what it was"
        ));
        if self.timed {
            report.check(most <= SHARE, format_args!("{most:.1} % of the processors"));
            report.check(times < TIMES, format_args!("p99 is {times:.2} times what it was"));
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls, p50 {:.2} ms, p99 {:.2} ms; the program takes {:.1} % of the processors",
            self.calls,
            self.p50.as_secs_f64() * 1000.0,
            self.p99.as_secs_f64() * 1000.0,
            self.share,
        )
    }
}

/// Waits until no secret is due and no rotation runs but those that only wait for a window's end.
async fn until_over(store: &dyn Store) -> anyhow::Result<()> {
    let since = Instant::now();
    while since.elapsed() < LONGEST {
        tokio::time::sleep(LOOK).await;
        let (now, mut tx) = (MachineClock.now(), store.read().await?);
        // Windows are two days long, and nobody holds a rotation for an hour.
        let soon = now.plus_seconds(3600);
        let due = tx.secrets_to_rotate(soon, None, 1).await?;
        if due.is_empty() && tx.due_rotations(soon, None, 1).await?.is_empty() {
            break;
        }
    }
    Ok(())
}
