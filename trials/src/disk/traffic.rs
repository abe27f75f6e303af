//! Calls of several clients, and what became of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};
use yaoku_server::audit::Tail;

use crate::{
    client::{Answer, Client},
    report::Report,
};

/// The one answer that a disk's trouble may have.
const REFUSAL: (u16, &str) = (503, "ServiceUnavailableTemporary");

/// How many call at once.
pub(super) const CLIENTS: usize = 4;

/// How long may pass until it is served again, by itself.
const RECOVERY: Duration = Duration::from_secs(10);

/// What became of calls.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Secrets whose making was acknowledged.
    made: BTreeSet<String>,
    /// Secrets whose making was refused.
    refused: BTreeSet<String>,
    /// The request ids of all that was served.
    served: BTreeSet<String>,
    /// How often each answer came that is neither a success nor the refusal.
    others: BTreeMap<String, u32>,
    refusals: u32,
}

/// All calls to one deployment.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    pub(super) client: Client,
    key: String,
    facts: Arc<Mutex<Facts>>,
    next: Arc<AtomicU64>,
}

impl Traffic {
    /// `key`: a key to encrypt under.
    pub(super) fn new(client: Client, key: &str) -> Self {
        Self { client, key: key.to_owned(), facts: Arc::default(), next: Arc::default() }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls without end while `work` lasts.
    pub(super) async fn during(
        &self,
        work: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let ended = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (it, ended) = (self.clone(), Arc::clone(&ended));
            clients.spawn(async move {
                while !ended.load(Relaxed) {
                    it.round().await?;
                }
                anyhow::Ok(())
            });
        }
        let worked = work.await;
        ended.store(true, Relaxed);
        while let Some(it) = clients.join_next().await {
            it??;
        }
        worked
    }

    /// One write and two calls on the caches. How many were served, how many refused.
    pub(super) async fn round(&self) -> anyhow::Result<(u32, u32)> {
        let name = format!("disk/{}", self.next.fetch_add(1, Relaxed));
        let made = [("SecretName", &*name), ("VersionId", "v1"), ("SecretData", &*name)];
        let made = self.call("CreateSecret", &made).await?;
        match made {
            Some(true) => _ = self.facts().made.insert(name.clone()),
            Some(false) => _ = self.facts().refused.insert(name.clone()),
            None => {}
        }
        let mut all = vec![made];
        all.push(self.call("Encrypt", &[("KeyId", &*self.key), ("Plaintext", "aGVsbG8=")]).await?);
        if made == Some(true) {
            all.push(self.call("GetSecretValue", &[("SecretName", &*name)]).await?);
        }
        let count = |what| all.iter().map(|it| u32::from(*it == Some(what))).sum();
        Ok((count(true), count(false)))
    }

    /// Whether it was served; `None`: something else came, or nothing.
    async fn call(&self, action: &str, params: &[(&str, &str)]) -> anyhow::Result<Option<bool>> {
        let answer = self.client.call(action, params).await?;
        let mut facts = self.facts();
        let Some(answer) = answer else {
            *facts.others.entry(format!("{action}: no answer")).or_default() += 1;
            return Ok(None);
        };
        Ok(match (answer.status, answer.text("Code")) {
            (200, _) => {
                facts.served.insert(answer.text("RequestId").to_owned());
                Some(true)
            }
            REFUSAL => {
                facts.refusals += 1;
                Some(false)
            }
            (status, code) => {
                *facts.others.entry(format!("{action}: {status} {code}")).or_default() += 1;
                None
            }
        })
    }

    /// Waits until so many more calls were refused, if they ever are.
    pub(super) async fn refused(&self, count: u32) -> bool {
        let (before, since) = (self.facts().refusals, Instant::now());
        while since.elapsed() < RECOVERY {
            if self.facts().refusals >= before + count {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        false
    }

    /// How long it takes until everything is served again.
    pub(super) async fn recovered(&self) -> anyhow::Result<Option<Duration>> {
        let since = Instant::now();
        while since.elapsed() < RECOVERY {
            if self.round().await? == (3, 0) {
                return Ok(Some(since.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(None)
    }

    /// Nothing that was acknowledged is lost, nothing that was refused is half there; and of that no more
    /// than `in_flight` is there as a whole.
    pub(super) async fn check(
        &self,
        what: &str,
        in_flight: usize,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let (made, refused) = {
            let facts = self.facts();
            report.check(facts.others.is_empty(), format_args!("{what}: {:?}", facts.others));
            (facts.made.clone(), facts.refused.clone())
        };
        for name in &made {
            let kept = self.value(name).await?;
            let right = kept.as_ref().is_some_and(|it| it.text("SecretData") == name);
            report.check(right, format_args!("{what}: {name} was acknowledged: {kept:?}"));
        }
        let mut there = 0;
        for name in &refused {
            let kept = self.value(name).await?;
            let half = kept.as_ref().is_some_and(|it| match it.status {
                200 => it.text("SecretData") != name,
                _ => it.text("Code") != "Forbidden.ResourceNotFound",
            });
            there += usize::from(kept.is_some_and(|it| it.status == 200));
            report.check(!half, format_args!("{what}: {name} was refused, and is half there"));
        }
        report.check(there <= in_flight, format_args!("{what}: {there} refused writes were done"));
        Ok(())
    }

    async fn value(&self, name: &str) -> anyhow::Result<Option<Answer>> {
        self.client.call("GetSecretValue", &[("SecretName", name)]).await
    }

    /// Every call that was served has its one event.
    pub(super) fn check_events(
        &self,
        home: &Path,
        what: &str,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut events: BTreeMap<String, u32> = BTreeMap::new();
        for entry in Tail::last(home, usize::MAX)?.0 {
            *events.entry(entry.event.request_id).or_default() += 1;
        }
        let facts = self.facts();
        let wrong = facts.served.iter().filter(|it| events.get(*it) != Some(&1)).count();
        report.check(wrong == 0, format_args!("{what}: {wrong} served calls without their event"));
        Ok(())
    }

    /// One line of the summary.
    pub(super) fn summary(&self) -> String {
        let facts = self.facts();
        let (served, refused) = (facts.served.len(), facts.refusals);
        format!(
            "{served} calls served, {} writes kept, {refused} refused with 503",
            facts.made.len()
        )
    }
}
