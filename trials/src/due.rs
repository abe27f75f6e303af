//! The trial of dates: two nodes on one PostgreSQL, many keys and secrets due at once, and `kill -9`
//! of one of the nodes in the middle. Each key rotates, and each secret is removed, exactly once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;
use yaoku_model::{
    ids::{AccountId, KeyId, SecretName},
    time::Timestamp,
};
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
    /// How many secrets are due with them. Their turn comes after the keys'.
    #[arg(long, default_value_t = 60)]
    secrets: usize,
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
        let things = self.make(&client, dev.text("instance_id")?).await?;
        let store = yaoku_store::open(&url).await?;
        let other = other(here.path().join(root::KEY_FILE), there.path(), &url).await?;
        things.age(&*store).await?;
        let all = things.count();
        let kill_at = fastrand::Rng::with_seed(seed).usize(1..all);
        let before = things.until(&*store, kill_at).await?;
        dev.kill()?;
        report.say(format_args!("node {NAME} is killed when {before} of {all} are done"));
        dev = Dev::start(program, here.path(), Some(&url))?;
        let after = things.until(&*store, all).await?;
        report.check(after == all, format_args!("{after} of {all} are done"));
        // A look more than it takes.
        tokio::time::sleep(Duration::from_secs(3)).await;
        things.once(&*store, report).await?;
        dev.kill()?;
        dev = Dev::start(program, here.path(), Some(&url))?;
        other.stop().await?;
        dev.kill()?;
        things.told([(here.path(), NAME), (there.path(), OTHER)], report)
    }

    /// Keys that rotate and secrets that wait for their deletion, as a client makes them.
    async fn make(&self, client: &Client, instance: &str) -> anyhow::Result<Things> {
        let params = [
            ("DKMSInstanceId", instance),
            ("EnableAutomaticRotation", "true"),
            ("RotationInterval", "7d"),
        ];
        let mut keys = BTreeSet::new();
        while keys.len() < self.keys {
            let made = client.done("CreateKey", &params).await?;
            keys.insert(made["KeyMetadata"]["KeyId"].as_str().unwrap_or_default().parse()?);
        }
        let (mut secrets, mut arn) = (BTreeSet::new(), String::new());
        for nth in 0..self.secrets {
            let name = format!("secret-{nth}");
            let named = ("SecretName", &*name);
            let params = [named, ("VersionId", "v1"), ("SecretData", "a value")];
            let made = client.done("CreateSecret", &params).await?;
            client.done("DeleteSecret", &[named, ("RecoveryWindowInDays", "7")]).await?;
            made["Arn"].as_str().unwrap_or_default().clone_into(&mut arn);
            secrets.insert(name.parse()?);
        }
        let account = arn.split(':').nth(3).unwrap_or_default().parse().ok();
        Ok(Things { keys, secrets, account })
    }
}

/// What is due.
struct Things {
    keys: BTreeSet<KeyId>,
    secrets: BTreeSet<SecretName>,
    /// The account of the secrets, if there are any.
    account: Option<AccountId>,
}

impl Things {
    fn count(&self) -> usize {
        self.keys.len() + self.secrets.len()
    }

    /// Makes all of them due at once: each key rotated eight days ago, and each secret's deletion
    /// date came yesterday.
    async fn age(&self, store: &dyn Store) -> anyhow::Result<()> {
        let mut tx = store.write().await?;
        for id in &self.keys {
            if let Some(mut key) = tx.key(id).await? {
                let aged = |it: Timestamp| it.plus_seconds(-8 * DAY);
                key.last_rotation = key.last_rotation.map(aged);
                tx.update_key(&key).await?;
            }
        }
        for (account, name) in self.secrets() {
            if let Some((mut secret, _)) = tx.secret(account, name).await? {
                let aged = |it: Timestamp| it.plus_seconds(-8 * DAY);
                secret.delete_at = secret.delete_at.map(aged);
                tx.update_secret(&secret).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    fn secrets(&self) -> impl Iterator<Item = (&AccountId, &SecretName)> {
        self.account.iter().flat_map(|account| self.secrets.iter().map(move |it| (account, it)))
    }

    /// Waits until so much is done: keys have a second version, secrets are gone. Answers how much is.
    async fn until(&self, store: &dyn Store, wanted: usize) -> anyhow::Result<usize> {
        let since = Instant::now();
        loop {
            let rotated = self.versions(store).await?.values().filter(|it| **it > 1).count();
            let done = rotated + self.gone(store).await?;
            if done >= wanted || since.elapsed() > PATIENCE {
                return Ok(done);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn versions(&self, store: &dyn Store) -> anyhow::Result<BTreeMap<KeyId, usize>> {
        let (mut tx, mut found) = (store.read().await?, BTreeMap::new());
        for id in &self.keys {
            found.insert(id.clone(), tx.key_versions(id).await?.len());
        }
        Ok(found)
    }

    async fn gone(&self, store: &dyn Store) -> anyhow::Result<usize> {
        let (mut tx, mut gone) = (store.read().await?, 0);
        for (account, name) in self.secrets() {
            gone += usize::from(tx.secret(account, name).await?.is_none());
        }
        Ok(gone)
    }

    async fn once(&self, store: &dyn Store, report: &mut Report) -> anyhow::Result<()> {
        for (id, count) in self.versions(store).await? {
            report.check(count == 2, format_args!("{id} has {count} versions"));
        }
        Ok(())
    }

    /// Each rotation and each deletion is told once, by one of the nodes.
    fn told(&self, nodes: [(&Path, &str); 2], report: &mut Report) -> anyhow::Result<()> {
        let mut told: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (data, name) in nodes {
            let events = Tail::last(&audit::directory(data, &name.parse()?), usize::MAX)?.0;
            let mut by_this = 0;
            for event in events.into_iter().map(|it| it.event) {
                if !["yaoku:RotateKey", "yaoku:DeleteSecret"].contains(&&*event.action) {
                    continue;
                }
                for resource in &event.resources {
                    let thing = resource.rsplit('/').next().unwrap_or_default().to_owned();
                    *told.entry((event.action.to_string(), thing)).or_default() += 1;
                    by_this += 1;
                }
            }
            report.say(format_args!("node {name} has told of {by_this}"));
        }
        let keys = self.keys.iter().map(|it| ("yaoku:RotateKey", it.as_str()));
        let secrets = self.secrets.iter().map(|it| ("yaoku:DeleteSecret", it.as_str()));
        for (action, thing) in keys.chain(secrets) {
            let count = told.get(&(action.to_owned(), thing.to_owned())).copied();
            let count = count.unwrap_or_default();
            report.check(count == 1, format_args!("{action} of {thing} was told {count} times"));
        }
        Ok(())
    }
}

/// Another node on the same store, in this process.
async fn other(key_file: PathBuf, data: &Path, url: &str) -> anyhow::Result<Running> {
    let store = yaoku_store::open(url).await?;
    let (disk, boot) = (Arc::new(RealDisk), "boot".to_owned());
    let setup = node::setup(OTHER, key_file, data, store, disk, boot).await?;
    Ok(Running::start(setup).await?)
}
