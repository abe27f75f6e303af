//! What is kept, and the one contract that SQLite and PostgreSQL keep it by.
//!
//! A transaction ([`Tx`]) is a set of small contracts, one per kind of thing: [`Keys`], [`KeyUses`],
//! [`Secrets`], [`Tags`], [`Identities`], [`Groups`], [`Roles`], [`Policies`], [`Logins`],
//! [`Instances`], [`Accesses`], [`RootKeys`], [`Rotations`], [`Hooks`], [`Nodes`], [`Notices`],
//! [`Records`]. Reading them is reading what the rest of the program may ask of a database. Three
//! rules hold for all of them:
//!
//! - Not finding something is `None`, never an error: what that means is the caller's to say.
//! - Every write of what is cached also adds its [`Change`] to the feed, in the same transaction.
//! - What is listed is listed in order of creation, then of id, unless a method says otherwise.

use std::{fmt, path::Path, sync::Arc};

use async_trait::async_trait;

mod accesses;
mod change;
mod groups;
mod hooks;
mod identities;
mod instances;
mod keys;
mod logins;
mod nodes;
mod notices;
mod policies;
mod postgres;
mod records;
mod rootkey;
mod rotations;
mod secrets;
mod sql;
mod sqlite;
#[cfg(test)]
mod suite;
mod tags;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod uses;

pub use accesses::{Accesses, PolicyText, Release};
pub use change::{Change, Committed, Feed, Mark, Place};
pub use groups::{Groups, Roles};
pub use hooks::Hooks;
pub use identities::{Identities, IdentityCounts};
pub use instances::{InstanceFilter, Instances};
pub use keys::{DueKey, KeyFilter, Keys};
pub use logins::Logins;
pub use nodes::{Ears, NodeRow, Nodes, Word};
pub use notices::{Delivery, NoticeFilter, NoticeRow, Notices};
pub use policies::{Held, Policies};
pub use postgres::Postgres;
pub use records::{EventRow, Records};
pub use rootkey::{RootKeys, WrapRow, WrappingKeyRow};
pub use rotations::Rotations;
pub use secrets::{DueSecret, Match, SecretFilter, Secrets};
pub use sqlite::Sqlite;
pub use tags::{TagQuery, TagRow, Tags};
pub use uses::{KeyUse, KeyUses};

/// Opens the database that a URL names: `sqlite:PATH`, or `postgres://…`.
///
/// Makes its schema or brings it up to date. Nothing of a `postgres` URL is in any error.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Arc::new(Sqlite::open(path).await?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(Postgres::connect(url).await?));
    }
    Err(StoreError::Failed("a database URL begins with sqlite: or postgres://".to_owned()))
}

/// Why the store did not do it. The text is for the log only.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another transaction came first (SQLSTATE 40001, `SQLITE_BUSY`): nothing was kept, run it again.
    #[error("store: serialization conflict")]
    Conflict,
    /// The nonce of the call is known: nothing was kept.
    #[error("store: the nonce is known")]
    NonceUsed,
    /// The database failed, or is away.
    #[error("store: {0}")]
    Failed(String),
    /// A row does not read as what it should be: somebody else wrote it.
    #[error("store: {table} has a row that cannot be read")]
    Unreadable {
        /// Where it was found.
        table: &'static str,
    },
    /// The schema is newer than this program.
    #[error("store: its schema is version {found}, and this program knows versions up to {known}")]
    Newer {
        /// The version found.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
}

/// A database.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Whether other nodes may write to it.
    fn is_shared(&self) -> bool;

    /// The directory that its file lies in; `None` if it is no file of ours.
    fn directory(&self) -> Option<&Path> {
        None
    }

    /// Opens a read-only snapshot, which cannot conflict.
    async fn read(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// Opens a serializable transaction, which can conflict. On SQLite there is one at a time, and
    /// those that wait for each other are committed together.
    async fn write(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// Opens a transaction for a write that changes one thing and what is part of it, and decides by
    /// nothing else that must not change before it commits. It conflicts only with another write of
    /// the same thing, so that writes of different things never wait for, or undo, each other.
    ///
    /// On PostgreSQL that is snapshot isolation: of two that update one row, the later fails. What
    /// is read besides was true when the transaction began, and may be past when it ends; so each
    /// such operation says why it stands before whatever changed meanwhile.
    async fn write_one(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.write().await
    }

    /// What was committed and `done` has not seen, and the mark to ask with next. Never misses a late
    /// commit, and holds back none: what was committed before it was asked is in the answer.
    async fn changes(&self, done: &Mark) -> Result<Feed, StoreError>;

    /// The mark of the feed as it is now: where a node that has loaded nothing yet begins.
    async fn mark(&self) -> Result<Mark, StoreError>;

    /// [`Nodes::beat`] in a transaction of its own, told to the other nodes.
    async fn beat(&self, name: &str, run: &str, mark: &Mark) -> Result<bool, StoreError> {
        nodes::beat_alone(self, name, run, mark).await
    }

    /// Tells the other nodes that the feed has news, in this node's name. It may be lost: they look
    /// by themselves now and then. Where nodes cannot tell each other anything, nothing happens.
    async fn tell(&self, _name: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// Listens to what nodes say, on a connection of its own. `None` where they cannot.
    async fn ears(&self) -> Result<Option<Box<dyn Ears>>, StoreError> {
        Ok(None)
    }
}

/// What an operation may do in a transaction. It has no `commit`: that is the pipeline's.
pub trait Tx:
    Accesses
    + Groups
    + Hooks
    + Identities
    + Instances
    + Keys
    + KeyUses
    + Logins
    + Nodes
    + Notices
    + Policies
    + Records
    + Roles
    + RootKeys
    + Rotations
    + Secrets
    + Tags
{
}

impl<T> Tx for T where
    T: Accesses
        + Groups
        + Hooks
        + Identities
        + Instances
        + Keys
        + KeyUses
        + Logins
        + Nodes
        + Notices
        + Policies
        + Records
        + Roles
        + RootKeys
        + Rotations
        + Secrets
        + Tags
{
}

/// A transaction in the pipeline's hands. Dropped, it rolls back.
#[async_trait]
pub trait Transaction: Tx {
    /// Undoes what was done since it began (a savepoint); the transaction stays open for its event.
    async fn undo(&mut self) -> Result<(), StoreError>;

    /// Keeps everything, durably, and says what changed.
    async fn commit(self: Box<Self>) -> Result<Committed, StoreError>;

    /// The same transaction, as an operation sees it.
    fn tx(&mut self) -> &mut dyn Tx;
}

/// One page of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The first is 1.
    pub number: i64,
    /// How many items a page has.
    pub size: i64,
}

impl Page {
    /// How many items come before this page.
    #[must_use]
    pub const fn offset(self) -> i64 {
        self.number.saturating_sub(1).saturating_mul(self.size)
    }
}

/// A part of a list by name, for clients that ask for the next part by a marker.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    /// What has a name greater than this, byte by byte. The empty text: from the start.
    pub after: &'a str,
    /// At most so many.
    pub limit: i64,
}

impl Slice<'_> {
    /// Everything.
    pub const ALL: Self = Self { after: "", limit: i64::MAX };
}

/// The items of one page, and how many there are on all.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// How many items all pages have together.
    pub total: i64,
}
