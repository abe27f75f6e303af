//! The other nodes on a shared store: who they are, and how far each has followed what was changed.
//!
//! What a call changed must hold on every node before the call is answered. So a node enters itself
//! in the store before it caches anything, writes there how far it has followed the feed (its mark), and
//! an answer waits for the marks of all others; but never longer than their leases last, for a node that
//! does not follow may not use its caches then. No two clocks are ever compared.

use std::{collections::HashMap, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use yaoku_model::random::{NoRandomness, Random};
use yaoku_store::{Mark, NodeRow, Place, Store, StoreError};

use crate::{audit::NodeName, claim, lease::Lease};

/// How long an answer waits at most: a lease, and a tenth of one for clocks that do not run alike.
/// Source: architecture.md, "Revocation".
pub(crate) const BOUND: Duration = Duration::from_millis(Lease::MS.cast_unsigned() * 11 / 10);

/// How often a node that enters looks whether the others have seen it.
const LOOK: Duration = Duration::from_millis(10);

/// How often it tries to enter: a node that takes its row for dead may come first.
const TRIES: usize = 5;

/// A row that has not moved for so many looks is of a node that is gone. [`crate::prune::EVERY`] lies
/// between looks, which is longer than any lease; so a row that was taken from its node goes at the next one.
const LOOKS: u32 = 3;

/// What a node knows of the others.
pub struct Peers {
    /// Which process this is.
    run: Run,
    /// The rows of the others, as the last answered poll had them.
    others: watch::Sender<Vec<NodeRow>>,
    /// Wakes the task that polls.
    look: Notify,
    /// Wakes the task that tells the others of news.
    news: Notify,
}

/// Which process is a node: where it works, and a text that no other has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Run(String);

impl Run {
    /// This process.
    pub(crate) fn new(place: &claim::Place, random: &dyn Random) -> Result<Self, NoRandomness> {
        let once = yaoku_model::ids::upper_uuid(random)?;
        Ok(Self(format!("{once} {}", place.as_str())))
    }

    /// As the store has it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the process that left `text` may still run: whoever works in the same place has
    /// locked it, so there that one is gone.
    fn may_run_beside(&self, text: &str) -> bool {
        let place = |it: &str| it.split_once(' ').map(|(_, place)| place.to_owned());
        place(text) != place(&self.0)
    }
}

/// What a poll said of this node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// The others wait for it.
    In,
    /// They took it for dead: what it has cached may be past.
    Out,
    /// Another process is this node now.
    Replaced,
}

impl Peers {
    /// Of a node that has entered.
    pub(crate) fn new(run: Run) -> Self {
        Self { run, others: watch::Sender::default(), look: Notify::new(), news: Notify::new() }
    }

    /// Which process this is.
    pub(crate) const fn run(&self) -> &Run {
        &self.run
    }

    /// How many other nodes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.others.borrow().len()
    }

    /// Whether somebody here waits for the marks of others.
    pub(crate) fn is_awaited(&self) -> bool {
        self.others.receiver_count() > 0
    }

    /// Takes in what a poll said of the nodes. Before the lease is renewed by the same poll: whoever
    /// finds that it holds knows all who entered before it began.
    pub(crate) fn see(&self, name: &NodeName, mut rows: Vec<NodeRow>) -> Standing {
        let own = rows.iter().position(|it| it.name == name.as_str());
        let own = own.map(|it| rows.remove(it).run);
        self.others.send_replace(rows);
        match own {
            Some(run) if run == self.run.0 => Standing::In,
            Some(run) if !run.is_empty() => Standing::Replaced,
            _ => Standing::Out,
        }
    }

    /// Waits until every other node has seen what was committed at `place` a moment ago, or may not
    /// use its caches any longer.
    ///
    /// While the own lease does not hold, others may have entered that are not known here: then only
    /// a new poll can tell. Answers whether it waited, and all have seen it.
    pub async fn wait_until_seen(&self, place: Place, lease: &Lease) -> Option<bool> {
        if self.count() == 0 && lease.holds() {
            return None;
        }
        let mut others = self.others.subscribe();
        self.news.notify_one();
        if !lease.holds() {
            self.wake();
        }
        let seen = async {
            loop {
                let all = others.borrow_and_update().iter().all(|it| it.mark.has_seen(place));
                if (all && lease.holds()) || others.changed().await.is_err() {
                    return;
                }
            }
        };
        // At the bound it is over with whoever has not seen it.
        Some(timeout(BOUND, seen).await.is_ok())
    }

    /// Wakes the poll: something may have changed.
    pub(crate) fn wake(&self) {
        self.look.notify_one();
    }

    /// Until somebody says that there may be something to see.
    pub(crate) async fn woken(&self) {
        self.look.notified().await;
    }

    /// Until a call waits for others to see what it changed.
    pub(crate) async fn has_news(&self) {
        self.news.notified().await;
    }
}

/// Enters a node in the store and waits until every other one knows, or may not answer any longer: from
/// then on what others change waits for this node. Answers where it is to follow the feed from; nothing that
/// was read before may be kept.
pub(crate) async fn enter(
    store: &dyn Store,
    name: &NodeName,
    run: &Run,
) -> Result<Mark, StoreError> {
    let mut tries = 1;
    let (before, place) = loop {
        match write_row(store, name, run).await {
            Err(StoreError::Conflict) if tries < TRIES => tries += 1,
            done => break done?,
        }
    };
    // The process whose row it was may still use its caches, and nobody waits for it any longer.
    let is_alone = !before.is_some_and(|it| !it.is_empty() && run.may_run_beside(&it));
    if let Some(place) = place {
        let until = Instant::now() + BOUND;
        store.tell(name.as_str()).await?;
        while Instant::now() < until {
            let rows = store.read().await?.nodes().await?;
            let others = rows.iter().filter(|it| it.name != name.as_str());
            if is_alone && others.into_iter().all(|it| it.mark.has_seen(place)) {
                break;
            }
            sleep(LOOK).await;
        }
    }
    store.mark().await
}

async fn write_row(
    store: &dyn Store,
    name: &NodeName,
    run: &Run,
) -> Result<(Option<String>, Option<Place>), StoreError> {
    let mut tx = store.write_one().await?;
    let before = tx.enter_node(name.as_str(), &run.0).await?;
    Ok((before, tx.commit().await?.place))
}

/// Looks now and then at the rows of other nodes, and removes those of nodes that are gone.
///
/// In two steps, so that no clock has to be trusted: first the row is taken from the node, which, should it
/// live, uses its caches no longer than its lease lasts, and enters again; the others wait for it still. When
/// that is long past, the row goes.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Run, beat, and for how many looks they have stood.
    known: HashMap<String, (String, i64, u32)>,
}

impl Census {
    /// One look.
    pub(crate) async fn look(
        &mut self,
        store: &dyn Store,
        name: &NodeName,
    ) -> Result<(), StoreError> {
        let rows = store.read().await?.nodes().await?;
        let others = rows.into_iter().filter(|it| it.name != name.as_str());
        for row in self.unmoved(others.collect()) {
            let mut tx = store.write_one().await?;
            let done = if row.run.is_empty() {
                tx.delete_node(&row.name, "").await?
            } else {
                tx.condemn_node(&row).await?
            };
            tx.commit().await?;
            if done && !row.run.is_empty() {
                tracing::warn!(node = row.name, "this node is not heard of any longer");
            }
        }
        Ok(())
    }

    /// Those that have not moved for some looks.
    fn unmoved(&mut self, rows: Vec<NodeRow>) -> Vec<NodeRow> {
        let before = std::mem::take(&mut self.known);
        let looks = |it: &NodeRow| match before.get(&it.name) {
            Some((run, beat, looks)) if (run, beat) == (&it.run, &it.beat) => looks + 1,
            _ => 0,
        };
        let looked: Vec<_> = rows.into_iter().map(|it| (looks(&it), it)).collect();
        let kept = looked.iter().map(|(n, it)| (it.name.clone(), (it.run.clone(), it.beat, *n)));
        self.known = kept.collect();
        let is_still = |it: &(u32, NodeRow)| it.0 >= if it.1.run.is_empty() { 1 } else { LOOKS };
        looked.into_iter().filter(is_still).map(|(_, it)| it).collect()
    }
}

#[cfg(test)]
mod tests {
    use yaoku_store::{Mark, NodeRow};

    use super::{Census, LOOKS, Peers, Run, Standing};
    use crate::testing::Kms;

    fn row(name: &str, run: &str, beat: i64) -> NodeRow {
        NodeRow { name: name.to_owned(), run: run.to_owned(), mark: Mark::default(), beat }
    }

    #[test]
    fn a_row_says_whether_the_others_wait_for_this_process() {
        let (peers, name) = (Peers::new(Run("AB here".to_owned())), "one".parse().unwrap());
        assert_eq!(peers.see(&name, vec![row("two", "x", 1)]), Standing::Out);
        assert_eq!(peers.see(&name, vec![row("one", "", 1)]), Standing::Out);
        assert_eq!(peers.see(&name, vec![row("one", "CD here", 1)]), Standing::Replaced);
        let rows = vec![row("one", "AB here", 1), row("two", "x", 1)];
        assert_eq!(peers.see(&name, rows), Standing::In);
        assert_eq!(peers.count(), 1);
    }

    #[test]
    fn only_a_process_that_worked_elsewhere_may_run_still() {
        let run = Run("AB here".to_owned());
        assert!(!run.may_run_beside("CD here"));
        assert!(run.may_run_beside("CD there"));
    }

    #[test]
    fn a_row_is_unmoved_after_some_looks_and_a_beat_begins_them_anew() {
        let mut census = Census::default();
        for _ in 0..LOOKS {
            assert_eq!(census.unmoved(vec![row("two", "x", 1)]), []);
        }
        assert_eq!(census.unmoved(vec![row("two", "x", 1)]), [row("two", "x", 1)]);
        assert_eq!(census.unmoved(vec![row("two", "x", 2)]), []);
        assert_eq!(census.unmoved(vec![row("two", "x", 2)]), []);
    }

    #[tokio::test]
    async fn a_node_that_is_gone_loses_its_row_in_two_steps() {
        let kms = Kms::new().await;
        let (store, name) = (&*kms.node.store, &kms.node.name);
        let mut tx = store.write().await.unwrap();
        tx.enter_node("two", "a run").await.unwrap();
        tx.commit().await.unwrap();
        let mut census = Census::default();
        let mut seen = Vec::new();
        for _ in 0..LOOKS + 3 {
            census.look(store, name).await.unwrap();
            let rows = store.read().await.unwrap().nodes().await.unwrap();
            let two = rows.into_iter().find(|it| it.name == "two");
            seen.push(two.map(|it| it.run));
        }
        seen.dedup();
        assert_eq!(seen, [Some("a run".to_owned()), Some(String::new()), None]);
        let rows = store.read().await.unwrap().nodes().await.unwrap();
        assert_eq!(rows.len(), 1, "its own is there, however seldom it beats");
    }
}
