//! How a node follows what others change: it polls the feed, drops from its caches what is named there, and
//! writes down how far it is. Words of other nodes only make it look sooner.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use yaoku_store::{Mark, StoreError, Word};

use crate::{
    node::Node,
    peers::{self, Standing},
};

/// How often the feed is asked by itself. Source: architecture.md, "Change feed".
const POLL: Duration = Duration::from_millis(250);

/// How often a node without news says that it lives.
const BEAT: Duration = Duration::from_secs(2);

/// How long after a failure it tries again to listen.
const AGAIN: Duration = Duration::from_secs(1);

/// How far the feed was followed: the caches hold nothing that changed before this mark.
#[derive(Debug)]
pub struct Followed(Mutex<Mark>);

impl Followed {
    /// From here on.
    #[must_use]
    pub const fn from(mark: Mark) -> Self {
        Self(Mutex::new(mark))
    }

    /// How far.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// So far now.
    pub(crate) fn set(&self, mark: Mark) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = mark;
    }
}

/// Follows, for as long as it is polled.
pub(crate) async fn run(node: Arc<Node>) {
    let mut so_far = SoFar::default();
    loop {
        match look(&node, &mut so_far).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "the change feed cannot be followed"),
        }
        tokio::select! {
            () = sleep(POLL) => {}
            () = node.peers.woken() => {}
        }
    }
}

/// What one look leaves for the next.
#[derive(Debug, Default)]
pub(crate) struct SoFar {
    /// When the mark was last written down.
    beaten: Option<Instant>,
    /// Whether the node was about to enter again. Its row may be there; the rest is not done.
    entering: bool,
}

/// One look at the feed. The order is the promise: the caches move, then the lease is renewed, then the
/// mark shows it.
pub(crate) async fn look(node: &Node, so_far: &mut SoFar) -> Result<(), StoreError> {
    let sent = node.lease.now();
    let feed = node.store.changes(&node.followed.mark()).await?;
    match node.peers.see(&node.name, feed.nodes) {
        Standing::In if !so_far.entering => {}
        Standing::In | Standing::Out => {
            so_far.entering = true;
            enter_again(node).await?;
            so_far.entering = false;
            return Ok(());
        }
        Standing::Replaced => {
            node.lease.lose();
            return Ok(());
        }
    }
    if feed.missed {
        tracing::warn!("this node was away for long: it forgets what it had cached");
        node.caches.clear();
    }
    node.caches.apply(&feed.changes);
    node.lease.renew(sent);
    node.followed.set(feed.next);
    // Nobody waits for the mark of one node alone.
    let is_awaited = !feed.changes.is_empty() && node.peers.count() > 0;
    let is_due = so_far.beaten.is_none_or(|it| it.elapsed() >= BEAT);
    if node.store.is_shared() && (is_awaited || is_due) {
        let (name, run) = (node.name.as_str(), node.peers.run().as_str());
        node.store.beat(name, run, &node.followed.mark()).await?;
        so_far.beaten = Some(Instant::now());
    }
    Ok(())
}

/// Other nodes took this one for dead, and did not wait for it.
async fn enter_again(node: &Node) -> Result<(), StoreError> {
    tracing::warn!("other nodes took this one for dead: it forgets what it had cached");
    let mark = peers::enter(&*node.store, &node.name, node.peers.run()).await?;
    node.caches.clear();
    node.followed.set(mark);
    node.peers.wake();
    Ok(())
}

/// Tells the others of news, once for all calls that wait meanwhile.
pub(crate) async fn tell(node: Arc<Node>) {
    loop {
        node.peers.has_news().await;
        // They look by themselves too.
        if let Err(error) = node.store.tell(node.name.as_str()).await {
            tracing::debug!(%error, "other nodes are not told of news");
        }
    }
}

/// Hears what the others say, and looks sooner.
pub(crate) async fn hear(node: Arc<Node>) {
    loop {
        match listen(&node).await {
            Ok(()) => return,
            Err(error) => tracing::debug!(%error, "other nodes are not heard"),
        }
        sleep(AGAIN).await;
    }
}

async fn listen(node: &Node) -> Result<(), StoreError> {
    let Some(mut ears) = node.store.ears().await? else { return Ok(()) };
    loop {
        let is_news = match ears.next().await? {
            Some((_, by)) if by == node.name.as_str() => false,
            Some((Word::Followed, _)) => node.peers.is_awaited(),
            Some((Word::Changed, _)) | None => true,
        };
        if is_news {
            node.peers.wake();
        }
    }
}
