//! The contract for the nodes of a deployment: who they are, and how far each has followed the feed.

use async_trait::async_trait;

use crate::{Mark, Store, StoreError};

/// A node, as it stands in the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NodeRow {
    /// Its name, unique in the deployment.
    pub name: String,
    /// Which process it is, as `server` wrote it. Empty: it is taken for dead.
    pub run: String,
    /// How far it has followed the feed.
    pub mark: Mark,
    /// Grows with every beat: whoever looks twice sees by it whether the node lives.
    pub beat: i64,
}

/// What nodes say to each other between looks at the feed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// The feed has news.
    Changed,
    /// A mark has moved.
    Followed,
}

/// Hears what the nodes say, itself included. Words may be lost.
#[async_trait]
pub trait Ears: Send {
    /// The next word, and the name of the node that said it. `None`: some may have been lost.
    async fn next(&mut self) -> Result<Option<(Word, String)>, StoreError>;
}

/// Nodes. What of this changes who there is goes into the feed ([`crate::Change::Nodes`]).
#[async_trait]
pub trait Nodes: Send {
    /// All of them, by name.
    async fn nodes(&mut self) -> Result<Vec<NodeRow>, StoreError>;

    /// Enters a node, in place of the row of its name if there is one, with a mark that has seen
    /// nothing. Answers the run that stood there.
    async fn enter_node(&mut self, name: &str, run: &str) -> Result<Option<String>, StoreError>;

    /// Notes how far a node has followed, and that it lives. `false`: it is not this run's row.
    async fn beat(&mut self, name: &str, run: &str, mark: &Mark) -> Result<bool, StoreError>;

    /// Takes a node for dead, if it has not beaten since it was looked at: it finds that its row is
    /// not its own any longer.
    async fn condemn_node(&mut self, row: &NodeRow) -> Result<bool, StoreError>;

    /// Removes this run's row.
    async fn delete_node(&mut self, name: &str, run: &str) -> Result<bool, StoreError>;

    /// Removes at most `limit` rows of the feed, of those that every node has passed; answers how
    /// many. A node that comes back later [misses](crate::Feed::missed) them.
    async fn prune_feed(&mut self, limit: i64) -> Result<u64, StoreError>;
}

/// A beat in a transaction of its own, as any engine does it.
pub(crate) async fn beat_alone<S: Store + ?Sized>(
    store: &S,
    name: &str,
    run: &str,
    mark: &Mark,
) -> Result<bool, StoreError> {
    let mut tx = store.write_one().await?;
    let beaten = tx.beat(name, run, mark).await?;
    tx.commit().await.map(|_| beaten)
}
