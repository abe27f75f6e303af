//! The audit trial: somebody changes the journal of the real program, while it runs and while it
//! does not. It must be noticed, calls must go on, and an operator must have a way on.

mod attacks;
mod clock;
mod key;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use anyhow::ensure;
use fastrand::Rng;
use tokio::time::Instant;
use yaoku_server::audit::Tail;

use self::attacks::Attack;
use crate::{client::Client, program::Dev, report::Report};

/// Small, so that a few calls make several segments.
const SEGMENT: [&str; 2] = ["--audit-segment-bytes", "6000"];

/// Compressed segments that there must be before an attack.
const OLD: usize = 3;

/// How long is waited for a notice; a second is promised.
const PATIENCE: Duration = Duration::from_secs(3);

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Audit {
    /// How often the journal is attacked. Every kind of attack, on old and open segments, running
    /// and stopped, takes 32.
    #[arg(long, default_value_t = 32)]
    rounds: usize,
}

/// When and where.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Case {
    running: bool,
    open: bool,
}

/// What came of the attacks of one kind.
#[derive(Debug, Default)]
struct Row {
    tries: u32,
    noticed: u32,
    slowest: Duration,
}

impl Audit {
    /// Runs it.
    pub(crate) async fn run(
        self,
        program: &Path,
        seed: u64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut dice = Rng::with_seed(seed);
        let mut deck = Vec::new();
        let mut table: BTreeMap<(Case, &str), Row> = BTreeMap::new();
        for _ in 0..self.rounds {
            if deck.is_empty() {
                deck = all();
                dice.shuffle(&mut deck);
            }
            let Some((case, attack)) = deck.pop() else { break };
            let row = table.entry((case, attack.name)).or_default();
            let mut round = Round { program, data: tempfile::tempdir()?, attack, dice: &mut dice };
            round.run(case, row, report).await?;
        }
        print(&table, report);
        key::attacks(program, report).await?;
        clock::jumps(report).await
    }
}

fn all() -> Vec<(Case, Attack)> {
    let both = [false, true];
    let cases = both.map(|running| both.map(|open| Case { running, open }));
    let with_all = |case| attacks::ALL.map(|it| (case, it));
    cases.into_iter().flatten().flat_map(with_all).collect()
}

fn print(table: &BTreeMap<(Case, &str), Row>, report: &Report) {
    report.say(format_args!("{:<10}{:<6}{:<34}tries noticed slowest", "program", "on", "attack"));
    for ((case, attack), row) in table {
        let when = if case.running { "running" } else { "stopped" };
        let which = if case.open { "open" } else { "old" };
        let slowest = if case.running {
            format!("{} ms", row.slowest.as_millis())
        } else {
            "at start".to_owned()
        };
        let Row { tries, noticed, .. } = row;
        report
            .say(format_args!("{when:<10}{which:<6}{attack:<34}{tries:>5} {noticed:>7} {slowest}"));
    }
}

/// One attack, on a journal of its own.
struct Round<'a> {
    program: &'a Path,
    data: tempfile::TempDir,
    attack: Attack,
    dice: &'a mut Rng,
}

impl Round<'_> {
    async fn run(&mut self, case: Case, row: &mut Row, report: &mut Report) -> anyhow::Result<()> {
        let what = format!("{} {case:?}", self.attack.name);
        let mut dev = self.start()?;
        let client = client(&dev)?;
        self.grow(&client).await?;
        row.tries += 1;
        if case.running {
            self.attack(case)?;
            let took = self.notice().await?;
            report.check(
                took.is_some_and(|it| it <= Duration::from_secs(1)),
                format_args!("{what}: noticed after {took:?}"),
            );
            row.noticed += u32::from(took.is_some());
            row.slowest = row.slowest.max(took.unwrap_or(PATIENCE));
            for _ in 0..3 {
                let served = call(&client).await?;
                report.check(served, format_args!("{what}: calls are not served"));
            }
            dev.kill()?;
        } else {
            // Its head must be in the store: what came after that may go unnoticed.
            tokio::time::sleep(Duration::from_millis(2500)).await;
            dev.kill()?;
            self.attack(case)?;
        }
        let starts = self.start();
        if !case.running {
            row.noticed += u32::from(starts.is_err());
        }
        report.check(starts.is_err(), format_args!("{what}: it starts as if nothing were"));
        drop(starts);
        self.go_on(&what, report).await
    }

    /// The operator accepts, and all is well but for the gap.
    async fn go_on(&self, what: &str, report: &mut Report) -> anyhow::Result<()> {
        let proof = self.say(&["audit", "verify"])?;
        report.check(
            proof.status.code() == Some(1),
            format_args!("{what}: the proof fails to see it"),
        );
        let accepted = self.say(&["audit", "accept", "--reason", "a trial"])?;
        report.check(accepted.status.success(), format_args!("{what}: {accepted:?}"));
        let mut dev = self.start()?;
        let served = call(&client(&dev)?).await?;
        report.check(served, format_args!("{what}: not served after it was accepted"));
        tokio::time::sleep(Duration::from_millis(200)).await;
        dev.kill()?;
        let proof = self.say(&["audit", "verify"])?;
        let shown = String::from_utf8_lossy(&proof.stdout).contains("ACCEPTED GAPS");
        report.check(proof.status.success() && shown, format_args!("{what}: {proof:?}"));
        Ok(())
    }

    fn start(&self) -> anyhow::Result<Dev> {
        Dev::start_with(self.program, self.data.path(), None, &SEGMENT)
    }

    fn say(&self, words: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(self.program);
        command.args(words).arg("--data").arg(self.data.path()).env_remove("YAOKU_STORE");
        Ok(command.stdin(Stdio::null()).output()?)
    }

    fn home(&self) -> PathBuf {
        self.data.path().join("audit").join(crate::node::NAME)
    }

    /// Calls until there are some compressed segments and a few records in the open one.
    async fn grow(&self, client: &Client) -> anyhow::Result<()> {
        let until = Instant::now() + Duration::from_mins(2);
        loop {
            ensure!(Instant::now() < until, "the journal does not grow");
            for _ in 0..5 {
                ensure!(call(client).await?, "a call is not served");
            }
            let files = attacks::files(&self.home())?;
            let packed = files.iter().filter(|it| is_packed(it));
            let open = files.last().map_or(0, |it| it.metadata().map_or(0, |it| it.len()));
            if packed.count() >= OLD && open > 2500 && open < 5000 {
                return Ok(());
            }
        }
    }

    fn attack(&mut self, case: Case) -> anyhow::Result<()> {
        let files = attacks::files(&self.home())?;
        // What lies plain beside its compressed file is about to go.
        let old: Vec<_> = files.iter().filter(|it| is_packed(it)).take(OLD).collect();
        let number = self.dice.usize(..OLD);
        let (file, other) = (old[number], old[(number + 1) % OLD]);
        let open = files.last().filter(|_| case.open);
        self.attack.on(open.unwrap_or(file), other)
    }

    /// How long it took until the journal says that it was changed.
    async fn notice(&self) -> anyhow::Result<Option<Duration>> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            // The files may be anything now: what cannot be read is passed over.
            let events = Tail::last(&self.home(), 100).map(|it| it.0).unwrap_or_default();
            if events.iter().any(|it| it.event.action == "audit:Noticed") {
                return Ok(Some(since.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(None)
    }
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "gz")
}

fn client(dev: &Dev) -> anyhow::Result<Client> {
    Ok(Client { address: dev.http()?, key: dev.root_key()? })
}

async fn call(client: &Client) -> anyhow::Result<bool> {
    let answer = client.call("ListKeys", &[]).await?;
    Ok(answer.is_some_and(|it| it.status == 200))
}
