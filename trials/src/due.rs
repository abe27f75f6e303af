//! The trial of dates: two nodes on one PostgreSQL, many keys due at once, and `kill -9` of one of
//! the nodes in the middle. Each key rotates exactly once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::ensure;
use tokio::time::Instant;
use yaoku_model::{ids::KeyId, time::Timestamp};
use yaoku_server::{
    audit::{self, Tail},
    disk::RealDisk,
    root,
    start::Running,
};
use yaoku_store::{Store, testing::TestPostgres};

use crate::{
    client::Client,
    node::{self, NAME},
    program::Dev,
    report::Report,
};

/// How long all of it may take, before and after the kill together.
const PATIENCE: Duration = Duration::from_mins(2);

const DAY: i64 = 86_400;

/// The name of the other node.
const OTHER: &str = "two";

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Due {
    /// How many keys are due at once.
    #[arg(long, default_value_t = 200)]
    keys: usize,
}

impl Due {
    /// Runs it.
    pub(crate) async fn run(
        self,
        program: &Path,
        seed: u64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let (here, there) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let url = TestPostgres::shared().new_database().await;
        let mut dev = Dev::start(program, here.path(), Some(&url))?;
        let client = Client { address: dev.http()?, key: dev.root_key()? };
        let keys = self.make(&client, dev.text("instance_id")?).await?;
        let store = yaoku_store::open(&url).await?;
        let other = other(here.path().join(root::KEY_FILE), there.path(), &url).await?;
        age(&*store, &keys).await?;
        let kill_at = fastrand::Rng::with_seed(seed).usize(1..self.keys);
        let before = until(&*store, &keys, kill_at).await?;
        dev.kill()?;
        report.say(format_args!("node {NAME} is killed when {before} of {} are done", keys.len()));
        dev = Dev::start(program, here.path(), Some(&url))?;
        let after = until(&*store, &keys, keys.len()).await?;
        report.check(after == keys.len(), format_args!("{after} of {} are done", keys.len()));
        // A look more than it takes.
        tokio::time::sleep(Duration::from_secs(3)).await;
        once(&*store, &keys, report).await?;
        dev.kill()?;
        dev = Dev::start(program, here.path(), Some(&url))?;
        other.stop().await?;
        dev.kill()?;
        told([(here.path(), NAME), (there.path(), OTHER)], &keys, report)
    }

    /// Keys that rotate, as a client makes them.
    async fn make(&self, client: &Client, instance: &str) -> anyhow::Result<BTreeSet<KeyId>> {
        let params = [
            ("DKMSInstanceId", instance),
            ("EnableAutomaticRotation", "true"),
            ("RotationInterval", "7d"),
        ];
        let mut keys = BTreeSet::new();
        while keys.len() < self.keys {
            let Some(made) = client.call("CreateKey", &params).await? else { continue };
            ensure!(made.status == 200, "no key is made: {:?}", made.body);
            keys.insert(made.body["KeyMetadata"]["KeyId"].as_str().unwrap_or_default().parse()?);
        }
        Ok(keys)
    }
}

/// Another node on the same store, in this process.
async fn other(key_file: PathBuf, data: &Path, url: &str) -> anyhow::Result<Running> {
    let store = yaoku_store::open(url).await?;
    let (disk, boot) = (Arc::new(RealDisk), "boot".to_owned());
    let setup = node::setup(OTHER, key_file, data, store, disk, boot).await?;
    Ok(Running::start(setup).await?)
}

/// Makes all of them due at once: each rotated eight days ago.
async fn age(store: &dyn Store, keys: &BTreeSet<KeyId>) -> anyhow::Result<()> {
    let mut tx = store.write().await?;
    for id in keys {
        if let Some(mut key) = tx.key(id).await? {
            key.last_rotation = key.last_rotation.map(|it: Timestamp| it.plus_seconds(-8 * DAY));
            tx.update_key(&key).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Waits until so many of the keys have a second version; answers how many have.
async fn until(store: &dyn Store, keys: &BTreeSet<KeyId>, wanted: usize) -> anyhow::Result<usize> {
    let since = Instant::now();
    loop {
        let done = versions(store, keys).await?.values().filter(|it| **it > 1).count();
        if done >= wanted || since.elapsed() > PATIENCE {
            return Ok(done);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn versions(
    store: &dyn Store,
    keys: &BTreeSet<KeyId>,
) -> anyhow::Result<BTreeMap<KeyId, usize>> {
    let (mut tx, mut found) = (store.read().await?, BTreeMap::new());
    for id in keys {
        found.insert(id.clone(), tx.key_versions(id).await?.len());
    }
    Ok(found)
}

async fn once(
    store: &dyn Store,
    keys: &BTreeSet<KeyId>,
    report: &mut Report,
) -> anyhow::Result<()> {
    for (id, count) in versions(store, keys).await? {
        report.check(count == 2, format_args!("{id} has {count} versions"));
    }
    Ok(())
}

/// Each rotation is told once, by one of the nodes.
fn told(
    nodes: [(&Path, &str); 2],
    keys: &BTreeSet<KeyId>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for (data, name) in nodes {
        let events = Tail::last(&audit::directory(data, &name.parse()?), usize::MAX)?.0;
        let rotations = events.into_iter().filter(|it| it.event.action == "yaoku:RotateKey");
        let mut by_this = 0;
        for resource in rotations.flat_map(|it| it.event.resources) {
            let key = resource.rsplit('/').next().unwrap_or_default();
            *told.entry(key.to_owned()).or_default() += 1;
            by_this += 1;
        }
        report.say(format_args!("node {name} has told of {by_this}"));
    }
    for key in keys {
        let count = told.get(key.as_str()).copied().unwrap_or_default();
        report.check(count == 1, format_args!("{key} was told of {count} times"));
    }
    Ok(())
}
