//! The contract for what the program keeps for itself: settings, events, nonces.

use async_trait::async_trait;
use yaoku_model::time::Timestamp;

use crate::StoreError;

/// An audit event of a write, kept until it is in its node's chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventRow {
    /// Its number: grows in the order of insertion, per node.
    pub row: i64,
    /// The event, as `server` wrote it.
    pub event: Vec<u8>,
}

/// Settings, events, nonces, the heads of audit chains.
#[async_trait]
pub trait Records: Send {
    /// A setting of the deployment.
    async fn setting(&mut self, name: &str) -> Result<Option<String>, StoreError>;

    /// Keeps a setting.
    async fn put_setting(&mut self, name: &str, value: &str) -> Result<(), StoreError>;

    /// Adds the event of this transaction's call.
    async fn insert_event(&mut self, node: &str, event: &[u8]) -> Result<(), StoreError>;

    /// A node's events after row `after`, oldest first, at most `limit` of them.
    async fn events(
        &mut self,
        node: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<EventRow>, StoreError>;

    /// Removes a node's events up to and with row `row`: they are in its chain.
    async fn delete_events(&mut self, node: &str, row: i64) -> Result<(), StoreError>;

    /// The head of a node's audit chain, as `server` wrote it.
    async fn audit_head(&mut self, node: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps the head of a node's audit chain.
    async fn put_audit_head(&mut self, node: &str, head: &[u8]) -> Result<(), StoreError>;

    /// Remembers the nonce (hashed) of this transaction's call until `until`. If it is known already,
    /// the commit fails ([`StoreError::NonceUsed`]).
    async fn use_nonce(&mut self, hash: &[u8], until: Timestamp) -> Result<(), StoreError>;

    /// Forgets at most `limit` of the nonces whose time has passed; answers how many. Where there may be
    /// other nodes, the database's own clock must say so too: one whose clock is ahead would forget
    /// what the others refuse replays by.
    async fn delete_nonces(&mut self, before: Timestamp, limit: i64) -> Result<u64, StoreError>;
}
