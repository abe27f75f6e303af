//! A stream of mixed writes from several clients, and what must be left of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};
use yaoku_server::audit::{self, NodeName, PublicKey, Tail};

use self::writer::Writer;
use crate::{client::Client, report::Report};

mod calls;
mod facts;
pub(crate) mod left;
mod writer;

/// How many clients write at once.
const WRITERS: usize = 6;

/// The stream: it goes on from round to round.
#[derive(Debug)]
pub(crate) struct Stream {
    writers: Vec<Writer>,
    answers: usize,
}

impl Stream {
    /// Makes what the writers need.
    pub(crate) async fn new(seed: u64, client: &Client, instance: &str) -> anyhow::Result<Self> {
        let writers = (0..WRITERS).map(|it| Writer::new(it, seed, client, instance));
        let mut it = Self { writers: writers.collect(), answers: 0 };
        it.writers[0].calls.call("CreateUser", &[("UserName", facts::USER)]).await?;
        Ok(it)
    }

    /// How many calls of writers were answered so far.
    pub(crate) const fn answers(&self) -> usize {
        self.answers
    }

    /// Writes until `end` is called, which must let no more calls be answered: after `count`
    /// answers and `pause` more.
    pub(crate) async fn write(
        &mut self,
        client: &Client,
        count: usize,
        pause: Duration,
        end: impl AsyncFnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let answers = Arc::new(AtomicUsize::new(0));
        let mut running = JoinSet::new();
        for mut writer in self.writers.drain(..) {
            writer.calls.go_to(client);
            let answers = Arc::clone(&answers);
            running.spawn(async move {
                let ended = writer.write(answers).await;
                (writer, ended)
            });
        }
        let patience = Instant::now() + Duration::from_mins(2);
        while answers.load(Ordering::SeqCst) < count && Instant::now() < patience {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        tokio::time::sleep(pause).await;
        end().await?;
        while let Some(ended) = running.join_next().await {
            let (writer, ended) = ended?;
            ended?;
            self.writers.push(writer);
        }
        self.answers += answers.load(Ordering::SeqCst);
        Ok(())
    }

    /// Whether what was served before is refused when it comes again.
    pub(crate) async fn check_replays(
        &mut self,
        client: &Client,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        for writer in &mut self.writers {
            writer.calls.go_to(client);
            let served = writer.calls.replay().await?;
            report.check(served == 0, format_args!("{served} replays were served"));
        }
        Ok(())
    }

    /// Whether all that was answered is so, and the rest all or nothing. `all`: not only what is new.
    pub(crate) async fn check(
        &mut self,
        all: bool,
        client: &Client,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        for writer in &mut self.writers {
            writer.calls.go_to(client);
            writer.ledger.check(all, &mut writer.calls, report).await?;
            writer.tidy().await?;
        }
        Ok(())
    }

    /// Whether the journal is whole and its events are the answers.
    pub(crate) fn check_journal(
        &self,
        data: &Path,
        node: &NodeName,
        known: Option<audit::Head>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let segments = audit::directory(data, node);
        if let Some(key) = PublicKey::beside(&segments)? {
            let proof = audit::verify(&segments, node, &key, known)?;
            report.check(proof.problems.is_empty(), format_args!("{:?}", proof.problems));
        }
        let mut events: BTreeMap<String, usize> = BTreeMap::new();
        for entry in Tail::last(&segments, usize::MAX)?.0 {
            if entry.event.count == 1 && !entry.event.request_id.is_empty() {
                *events.entry(entry.event.request_id).or_default() += 1;
            }
        }
        let doubled = events.values().filter(|it| **it > 1).count();
        report.check(doubled == 0, format_args!("{doubled} calls have two events"));
        let mut answered = BTreeSet::new();
        let mut missing = 0;
        for id in self.writers.iter().flat_map(|it| it.calls.answered.keys()) {
            answered.insert(id);
            missing += usize::from(!events.contains_key(id));
        }
        report.check(missing == 0, format_args!("{missing} answers have no event"));
        let others = events.keys().filter(|it| !answered.contains(it)).count();
        let open: usize = self.writers.iter().map(|it| it.calls.open).sum();
        report.check(others <= open, format_args!("{others} events, {open} unanswered calls"));
        Ok(())
    }

    /// The events of calls on the caches that were answered since then may be lost.
    pub(crate) fn forgive(&mut self, since: Instant) -> usize {
        let mut forgiven = 0;
        for calls in self.writers.iter_mut().map(|it| &mut it.calls) {
            let before = calls.answered.len();
            calls.answered.retain(|_, at| at.is_none_or(|it| it < since));
            calls.open += before - calls.answered.len();
            forgiven += before - calls.answered.len();
        }
        forgiven
    }
}
