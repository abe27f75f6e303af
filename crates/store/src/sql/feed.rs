//! The change feed and the numbers of events: both go by the places of transactions.
//!
//! A reader is shown only what stands before every transaction that is still open, so it never
//! misses one that began earlier and committed later.

use yaoku_model::ids::{AccountId, Invalid};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::{Statement, sql},
};
use crate::{Change, Feed, Mark, StoreError};

/// How many events one transaction may add. The number of an event is the place of its
/// transaction times this, and one more for each event before it there.
const EVENTS_PER_PLACE: i64 = 1 << 20;

/// How an engine gives places to transactions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Places {
    /// From a row that each writer updates: where writers take turns anyway (SQLite), and where
    /// the other way does not work (engines that only speak PostgreSQL's protocol).
    Counter,
    /// PostgreSQL's 64-bit transaction ids (`xid8`): nobody waits for anybody. They count up from
    /// 3, so 2^43 of them, which is all that fits, last for centuries.
    TransactionIds,
}

impl Places {
    /// SQL for the place of this transaction (for a counter: once it has been moved).
    const fn own(self) -> &'static str {
        match self {
            Self::Counter => "(SELECT place FROM feed_place)",
            Self::TransactionIds => "CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)",
        }
    }

    /// SQL for the first place that may still be open: everything before it is settled.
    pub(crate) const fn open(self) -> &'static str {
        match self {
            Self::Counter => "(SELECT place + 1 FROM feed_place)",
            Self::TransactionIds => {
                "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)"
            }
        }
    }
}

impl Session {
    /// What was committed after `done`.
    pub(crate) async fn feed(&mut self, Mark(done): Mark) -> Result<Feed, StoreError> {
        let statement = sql("SELECT s.open, f.kind, f.account, f.name FROM (SELECT ")
            .push(self.places.open())
            .push(" AS open) s LEFT JOIN feed f ON f.place >= $1 AND f.place < s.open")
            .push(" ORDER BY f.place, f.number")
            .bind(done);
        let lines: Vec<Line> = self.all(statement).await?;
        let next = Mark(lines.first().map_or(done, |it| it.open));
        Ok(Feed { changes: lines.into_iter().filter_map(|it| it.change).collect(), next })
    }

    /// The mark of the feed as it is now.
    pub(crate) async fn mark(&mut self) -> Result<Mark, StoreError> {
        let statement = sql("SELECT ").push(self.places.open()).push(" AS number");
        self.number(statement).await.map(Mark)
    }

    /// Writes what has changed. Done last, so that a counter is locked for as short as can be.
    pub(super) async fn write_feed(&mut self) -> Result<(), StoreError> {
        for part in self.changes.clone().chunks(1000) {
            self.take_place().await?;
            let start = sql("INSERT INTO feed (place, kind, account, name) VALUES ");
            let statement = part.iter().enumerate().fold(start, |statement, (index, change)| {
                let (kind, account, name) = parts(change);
                let statement = statement.push(if index == 0 { "(" } else { ", (" });
                let statement = statement.push(self.places.own()).push(", ").push_value(kind);
                let statement = statement.push(", ").push_value(account);
                statement.push(", ").push_value(name).push(")")
            });
            self.run(if part.len() > 4 { statement.uncached() } else { statement }).await?;
        }
        Ok(())
    }

    /// Adds an event at the place of this transaction.
    pub(super) async fn write_event(&mut self, node: &str, event: &[u8]) -> Result<(), StoreError> {
        if self.events == EVENTS_PER_PLACE {
            return Err(StoreError::Failed("too many events in one transaction".to_owned()));
        }
        self.take_place().await?;
        let statement = sql("INSERT INTO events (number, node, event) VALUES (")
            .push(self.places.own())
            .push(" * $1 + $2, $3, $4)")
            .bind(EVENTS_PER_PLACE)
            .bind(self.events)
            .bind(node)
            .bind(event);
        self.run(statement).await?;
        self.events += 1;
        Ok(())
    }

    /// Selects a node's settled events.
    pub(super) fn settled_events(&self, node: &str, after: i64, limit: i64) -> Statement {
        sql("SELECT number, event FROM events WHERE node = $1 AND number > $2 AND number < ")
            .push(self.places.open())
            .push(" * $3 ORDER BY number LIMIT $4")
            .bind(node)
            .bind(after)
            .bind(EVENTS_PER_PLACE)
            .bind(limit)
    }

    async fn take_place(&mut self) -> Result<(), StoreError> {
        if self.places == Places::Counter && !self.placed {
            self.run(sql("UPDATE feed_place SET place = place + 1")).await?;
        }
        self.placed = true;
        Ok(())
    }
}

/// One row of the feed, or of a feed without news.
struct Line {
    open: i64,
    change: Option<Change>,
}

impl Readable for Line {
    const TABLE: &'static str = "feed";

    fn read(row: &Row) -> Result<Self, Invalid> {
        let change = match row.column::<Option<&str>>("kind")? {
            None => None,
            Some(kind) => Some(change(kind, row)?),
        };
        Ok(Self { open: row.column("open")?, change })
    }
}

fn parts(change: &Change) -> (&'static str, &str, &str) {
    match change {
        Change::Account(account) => ("account", account.as_str(), ""),
        Change::AccessKey(id) => ("access key", "", id.as_str()),
        Change::Alias(account, name) => ("alias", account.as_str(), name.as_str()),
        Change::Instance(id) => ("instance", "", id.as_str()),
        Change::Key(id) => ("key", "", id.as_str()),
        Change::Policy(account, name) => ("policy", account.as_str(), name.as_str()),
        Change::RootKey => ("root key", "", ""),
        Change::Secret(account, name) => ("secret", account.as_str(), name.as_str()),
        Change::User(account, name) => ("user", account.as_str(), name.as_str()),
    }
}

fn change(kind: &str, row: &Row) -> Result<Change, Invalid> {
    let account = || row.parsed::<AccountId>("account");
    Ok(match kind {
        "account" => Change::Account(account()?),
        "access key" => Change::AccessKey(row.parsed("name")?),
        "alias" => Change::Alias(account()?, row.parsed("name")?),
        "instance" => Change::Instance(row.parsed("name")?),
        "key" => Change::Key(row.parsed("name")?),
        "policy" => Change::Policy(account()?, row.parsed("name")?),
        "root key" => Change::RootKey,
        "secret" => Change::Secret(account()?, row.parsed("name")?),
        "user" => Change::User(account()?, row.parsed("name")?),
        _ => return Err(Invalid),
    })
}
