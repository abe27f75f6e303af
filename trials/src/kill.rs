//! The trial of kills: `kill -9` in a stream of mixed writes, round after round on the same data.

use std::{path::Path, time::Duration};

use fastrand::Rng;
use yaoku_server::{audit::NodeName, start::known_head};
use yaoku_store::testing::TestPostgres;

use crate::{
    client::Client,
    node,
    program::Dev,
    report::Report,
    stream::{Stream, left},
    writes::Engine,
};

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Kill {
    /// Which store.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Engine,
    /// How often it is killed.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
}

impl Kill {
    /// Runs it.
    pub(crate) async fn run(
        self,
        program: &Path,
        seed: u64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let data = tempfile::tempdir()?;
        let (file, name): (_, NodeName) = (data.path().join("yaoku.db"), node::NAME.parse()?);
        let url = match self.store {
            Engine::Sqlite => format!("sqlite:{}", file.display()),
            Engine::Postgres => TestPostgres::shared().new_database().await,
        };
        let start = || Dev::start(program, data.path(), Some(&url));
        let mut dice = Rng::with_seed(seed);
        let mut dev = start()?;
        let mut stream = Stream::new(seed, &client(&dev)?, dev.text("instance_id")?).await?;
        for round in 1..=self.rounds {
            let (count, pause) = (dice.usize(1..120), Duration::from_micros(dice.u64(..20_000)));
            stream.write(&client(&dev)?, count, pause, async || dev.kill()).await?;
            let known = {
                let store = yaoku_store::open(&url).await?;
                left::check(&*store, report).await?;
                known_head(&*store, &name).await?
            };
            dev = start()?;
            stream.check(round == self.rounds, &client(&dev)?, report).await?;
            stream.check_journal(data.path(), &name, known, report)?;
        }
        let (rounds, answers) = (self.rounds, stream.answers());
        report.say(format_args!(
            "{:?}: killed {rounds} times in a stream of {answers} answered calls",
            self.store
        ));
        dev.kill()
    }
}

fn client(dev: &Dev) -> anyhow::Result<Client> {
    Ok(Client { address: dev.http()?, key: dev.root_key()? })
}
