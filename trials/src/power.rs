//! The trial of power cuts: what was not synced is gone, of the database and of our own files.

use std::{path::Path, sync::Arc, time::Duration};

use fastrand::Rng;
use tokio::time::Instant;
use yaoku_server::{
    audit::NodeName,
    disk::{Disk, testing::FaultyDisk},
    start::known_head,
};
use yaoku_store::{Sqlite, Store, testing::Files};

use crate::{
    node::{self, Node},
    report::Report,
    stream::{Stream, left},
};

/// How long the events of calls on the caches may be unsynced, and as long again for a machine that
/// has much to do. Source: architecture.md, "Audit".
const UNSYNCED: Duration = Duration::from_millis(100 + 100);

/// After so many cuts requests are sent again that were served before.
const REPLAYS: usize = 5;

/// How long a machine is away at least, when its power was cut: nonces that were not synced are
/// doubted by the second.
const REBOOT: Duration = Duration::from_secs(2);

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Power {
    /// How often the power is cut.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
}

impl Power {
    /// Runs it.
    pub(crate) async fn run(
        self,
        _program: &Path,
        seed: u64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let data = tempfile::tempdir()?;
        let name: NodeName = node::NAME.parse()?;
        let (files, disk) = (Files::new(), Arc::new(FaultyDisk::default()));
        let mut dice = Rng::with_seed(seed);
        let mut node = start(data.path(), &files, &disk, 0).await?;
        let mut stream = Stream::new(seed, &node.client, &node.account.instance).await?;
        let mut forgiven = 0;
        for round in 1..=self.rounds {
            let (count, pause) = (dice.usize(1..120), Duration::from_micros(dice.u64(..20_000)));
            let mut since = Instant::now();
            let cut = async || {
                since = Instant::now() - UNSYNCED;
                files.cut_power();
                disk.cut_power();
                Ok(())
            };
            stream.write(&node.client.clone(), count, pause, cut).await?;
            forgiven += stream.forgive(since);
            // It cannot write down what it would.
            _ = node.stop().await;
            while files.in_use() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            disk.power_on(dice.u64(..))?;
            files.power_on(dice.u64(..))?;
            let known = {
                let store = open(data.path(), &files).await?;
                left::check(&*store, report).await?;
                known_head(&*store, &name).await?
            };
            let replays = round.is_multiple_of(REPLAYS) || round == self.rounds;
            if replays {
                tokio::time::sleep(REBOOT).await;
            }
            node = start(data.path(), &files, &disk, round).await?;
            if replays {
                stream.check_replays(&node.client, report).await?;
            }
            stream.check(round == self.rounds, &node.client, report).await?;
            stream.check_journal(data.path(), &name, known, report)?;
        }
        let (rounds, answers) = (self.rounds, stream.answers());
        report.say(format_args!(
            "the power was cut {rounds} times in a stream of {answers} answered calls; the events \
             of {forgiven} that need no database were allowed to be lost"
        ));
        node.stop().await
    }
}

async fn open(data: &Path, files: &Files) -> anyhow::Result<Arc<dyn Store>> {
    Ok(Arc::new(Sqlite::open_on(data.join("yaoku.db"), files).await?))
}

/// Starts a node after the `boot`th power cut.
async fn start(
    data: &Path,
    files: &Files,
    disk: &Arc<FaultyDisk>,
    boot: usize,
) -> anyhow::Result<Node> {
    let disk: Arc<dyn Disk> = Arc::<FaultyDisk>::clone(disk);
    Node::start(data, open(data, files).await?, disk, format!("boot {boot}")).await
}
