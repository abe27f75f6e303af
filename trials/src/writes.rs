//! The trial of writes: each waits for a sync, and syncs take 2 ms. Do they share them?

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use tokio::{net::TcpStream, task::JoinSet, time::Instant};
use yaoku_server::disk::RealDisk;
use yaoku_store::{
    Sqlite, Store,
    testing::{self, Files, TestPostgres},
};

use crate::{
    client::{Client, exchange},
    node::Node,
    report::Report,
};

/// How long a sync takes.
const SYNC: Duration = Duration::from_millis(2);

/// How many clients there are.
const CLIENTS: usize = 16;

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Writes {
    /// Which store.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Engine,
    /// How long each round lasts, in seconds.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// How many rounds of each kind there are, in turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// A kind of store.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// What one kind of round has come to.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    writes: u64,
    syncs: u64,
    took: Duration,
}

impl Writes {
    /// Runs it.
    pub(crate) async fn run(self, report: &mut Report) -> anyhow::Result<()> {
        // Syncs are as slow as is said here, and not as the disk is just now.
        let data = testing::memory().map_or_else(tempfile::tempdir, tempfile::tempdir_in)?;
        let files = Files::new();
        // It runs as long as this lives.
        let server =
            (self.store == Engine::Postgres).then(|| TestPostgres::with_slow_commits(SYNC));
        let store: Arc<dyn Store> = match &server {
            None => Arc::new(Sqlite::open_on(data.path().join("yaoku.db"), &files).await?),
            Some(server) => yaoku_store::open(&server.new_database().await).await?,
        };
        let node = Node::start(data.path(), store, Arc::new(RealDisk), "boot".to_owned()).await?;
        let mut lanes = Vec::new();
        for number in 0..CLIENTS {
            lanes.push(Lane::new(node.client.clone(), number).await?);
        }
        files.set_delay(SYNC);
        let (mut one, mut all) = (Tally::default(), Tally::default());
        for _ in 0..self.rounds {
            one.add(self.round(&mut lanes[..1], &files).await?);
            all.add(self.round(&mut lanes, &files).await?);
        }
        files.set_delay(Duration::ZERO);
        self.judge(one, all, report);
        node.stop().await
    }

    fn judge(&self, one: Tally, all: Tally, report: &mut Report) {
        let build = if cfg!(debug_assertions) { "debug" } else { "release" };
        let times = all.rate() / one.rate();
        report.say(format_args!(
            "{:?}, {build}: 1 client {:.0}/s, {CLIENTS} clients {:.0}/s: {times:.1} times as much",
            self.store,
            one.rate(),
            all.rate(),
        ));
        report.check(times >= 8.0, format_args!("{times:.1} times as much, and not 8"));
        if self.store == Engine::Sqlite {
            let share = all.share();
            report.say(format_args!("syncs per write: {:.2} and {share:.2}", one.share()));
            report.check(share <= 0.2, format_args!("{share:.2} syncs per write"));
        }
    }

    async fn round(&self, lanes: &mut [Lane], files: &Files) -> anyhow::Result<Tally> {
        let (start, before) = (Instant::now(), files.syncs());
        let end = start + Duration::from_secs(self.seconds);
        let mut running = JoinSet::new();
        for lane in lanes.iter_mut() {
            let mut own = lane.take();
            running.spawn(async move {
                let done = own.put_until(end).await;
                (own, done)
            });
        }
        let mut tally = Tally::default();
        while let Some(ended) = running.join_next().await {
            let (lane, writes) = ended?;
            tally.writes += writes?;
            let number = lane.number;
            lanes[number] = lane;
        }
        (tally.took, tally.syncs) = (start.elapsed(), files.syncs() - before);
        Ok(tally)
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.writes += other.writes;
        self.syncs += other.syncs;
        self.took += other.took;
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
    fn rate(&self) -> f64 {
        self.writes as f64 / self.took.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "a share is no exact number")]
    fn share(&self) -> f64 {
        self.syncs as f64 / self.writes as f64
    }
}

/// One client, with its own secret and its own connection.
#[derive(Debug)]
struct Lane {
    client: Client,
    number: usize,
    version: u64,
    stream: Option<TcpStream>,
}

impl Lane {
    async fn new(client: Client, number: usize) -> anyhow::Result<Self> {
        let (name, stream) = (name(number), Some(TcpStream::connect(client.address).await?));
        let mut it = Self { client, number, version: 0, stream };
        let params = [("SecretName", &*name), ("VersionId", "first"), ("SecretData", "a value")];
        it.call("CreateSecret", &params).await?;
        Ok(it)
    }

    fn take(&mut self) -> Self {
        let (client, stream) = (self.client.clone(), self.stream.take());
        Self { client, stream, ..*self }
    }

    /// Puts values until then; answers how many.
    async fn put_until(&mut self, end: Instant) -> anyhow::Result<u64> {
        let mut count = 0;
        while Instant::now() < end {
            self.version += 1;
            count += 1;
            let (name, version) = (name(self.number), format!("v{}", self.version));
            let params =
                [("SecretName", &*name), ("VersionId", &*version), ("SecretData", "a new value")];
            self.call("PutSecretValue", &params).await?;
        }
        Ok(count)
    }

    async fn call(&mut self, action: &str, params: &[(&str, &str)]) -> anyhow::Result<()> {
        let request = self.client.sign(action, params, false);
        let stream = self.stream.as_mut().context("its connection is elsewhere")?;
        let answer = exchange(stream, &request).await?;
        ensure!(answer.starts_with("HTTP/1.1 200 "), "{action}: {answer}");
        Ok(())
    }
}

fn name(number: usize) -> String {
    format!("lane/{number}")
}
