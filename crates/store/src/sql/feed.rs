//! The change feed and the numbers of events: both go by the places of transactions.
//!
//! A reader is shown all that its snapshot holds and the one before did not, so it never misses a
//! transaction that began earlier and committed later, and waits for none that is still open.

use yaoku_model::{
    ids::{AccountId, Invalid},
    time::Timestamp,
};

use super::{
    row::{Readable, Row, Text},
    session::Session,
    statement::{Statement, sql},
};
use crate::{Change, Feed, Mark, Nodes as _, StoreError};

/// How many events one transaction may add. The number of an event is the place of its
/// transaction times this, and one more for each event before it there.
const EVENTS_PER_PLACE: i64 = 1 << 20;

/// How many rows one statement adds.
const ROWS: usize = 1_000;

/// How many rows it has at most when a connection keeps it prepared.
const FEW: usize = 4;

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

    /// Lets an INSERT answer the place of this transaction, as `number`, with each row.
    pub(super) fn answered(self, insert: Statement) -> Statement {
        insert.push(" RETURNING ").push(self.own()).push(" AS number")
    }

    /// SQL for the mark of whoever has seen what this snapshot holds.
    const fn mark(self) -> &'static str {
        match self {
            Self::Counter => {
                "(SELECT CAST(place + 1 AS TEXT) || ':' || CAST(place + 1 AS TEXT) || ':' FROM feed_place)"
            }
            Self::TransactionIds => "CAST(pg_current_snapshot() AS TEXT)",
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
    /// What this snapshot holds that `done` has not seen, and the nodes.
    pub(crate) async fn feed(&mut self, done: &Mark) -> Result<Feed, StoreError> {
        let statement = sql("SELECT s.mark, s.floor, f.kind, f.account, f.name FROM (SELECT ")
            .push(self.places.mark())
            .push(" AS mark, (SELECT place FROM feed_floor) AS floor) s LEFT JOIN feed f ON f.place >= $1")
            .bind(done.end());
        let statement = match self.places {
            Places::Counter => statement,
            Places::TransactionIds => statement
                .push(" OR f.place = ANY(CAST(string_to_array($2, ',') AS BIGINT[]))")
                .bind(&done.under_way()),
        };
        let lines: Vec<Line> = self.all(statement.push(" ORDER BY f.place, f.number")).await?;
        let next = lines.first().map_or_else(|| done.clone(), |it| it.mark.clone());
        let missed = lines.first().is_some_and(|it| done.open() < it.floor);
        let changes = lines.into_iter().filter_map(|it| it.change).collect();
        Ok(Feed { missed, changes, next, nodes: self.nodes().await? })
    }

    /// The mark of the feed as it is now.
    pub(crate) async fn mark(&mut self) -> Result<Mark, StoreError> {
        let statement = sql("SELECT ").push(self.places.mark()).push(" AS text");
        let found = self.first(statement).await?.and_then(|Text(it)| it.parse().ok());
        found.ok_or(StoreError::Unreadable { table: "feed" })
    }

    /// Removes at most `limit` of the rows before `floor`.
    pub(super) async fn prune(&mut self, floor: i64, limit: i64) -> Result<u64, StoreError> {
        let old = sql("DELETE FROM feed WHERE number IN (SELECT number FROM feed \
             WHERE place < $1 ORDER BY place, number LIMIT $2)");
        let removed = self.run(old.bind(floor).bind(limit)).await?;
        if removed > 0 {
            let raise = sql("UPDATE feed_floor SET place = $1 WHERE place < $1");
            self.run(raise.bind(floor)).await?;
        }
        Ok(removed)
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
}

/// What a transaction adds besides its rows. Written last, so that a counter is locked for as short
/// as can be.
#[derive(Debug, Default)]
pub(crate) struct Added {
    /// What it changed, each thing once.
    pub(super) changes: Vec<Change>,
    /// Its events, in order.
    pub(super) events: Vec<NewEvent>,
    /// The nonce of its call: nothing is kept if it is known already.
    pub(super) nonce: Option<NewNonce>,
    /// Whether something sealed was deleted: it must not be left in a file.
    pub(crate) shreds: bool,
}

/// A nonce, hashed, and how long it is kept.
#[derive(Debug)]
pub(super) struct NewNonce {
    pub(super) hash: Vec<u8>,
    pub(super) until: Timestamp,
}

impl NewNonce {
    /// Keeps it, and touches no row if it is there already.
    pub(super) fn insert(&self) -> Statement {
        let insert = sql("INSERT INTO nonces (hash, kept_until) VALUES ($1, $2) \
             ON CONFLICT (hash) DO NOTHING");
        insert.bind(self.hash.as_slice()).bind(self.until)
    }
}

/// An event, and the node that it is of.
#[derive(Debug)]
pub(super) struct NewEvent {
    pub(super) node: String,
    pub(super) event: Vec<u8>,
}

impl Added {
    /// Adds what another write in the same transaction adds.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.changes.append(&mut other.changes);
        self.events.append(&mut other.events);
        self.shreds |= other.shreds;
    }

    /// The statements that write it, but for the nonce.
    pub(crate) fn statements(&self, places: Places) -> Result<Vec<Statement>, StoreError> {
        let mut statements = Vec::new();
        if self.changes.is_empty() && self.events.is_empty() {
            return Ok(statements);
        }
        if places == Places::Counter {
            statements.push(sql("UPDATE feed_place SET place = place + 1"));
        }
        for (part, events) in self.events.chunks(ROWS).enumerate() {
            let first = i64::try_from(part * ROWS).unwrap_or(EVENTS_PER_PLACE);
            if first >= EVENTS_PER_PLACE {
                return Err(StoreError::Failed("too many events in one transaction".to_owned()));
            }
            statements.push(insert_events(places, first, events));
        }
        let mut changes = self.changes.chunks(ROWS).map(|it| insert_changes(places, it));
        if self.events.len() <= ROWS
            && let Some(events) = statements.pop_if(|_| !self.events.is_empty())
        {
            statements.push(match changes.next() {
                Some(changes) => events.and(changes),
                None => events,
            });
        }
        statements.extend(changes);
        Ok(statements)
    }
}

fn insert_events(places: Places, first: i64, events: &[NewEvent]) -> Statement {
    let start = sql("INSERT INTO events (number, node, event) VALUES ");
    let statement = (first..).zip(events).fold(start, |statement, (number, it)| {
        let statement = statement.push(if number == first { "(" } else { ", (" });
        let statement = statement.push(places.own()).push(" * ").push_value(EVENTS_PER_PLACE);
        let statement = statement.push(" + ").push_value(number);
        let statement = statement.push(", ").push_value(it.node.as_str());
        statement.push(", ").push_value(it.event.as_slice()).push(")")
    });
    if events.len() > FEW { statement.uncached() } else { statement }
}

fn insert_changes(places: Places, changes: &[Change]) -> Statement {
    let start = sql("INSERT INTO feed (place, kind, account, name) VALUES ");
    let statement = changes.iter().enumerate().fold(start, |statement, (index, change)| {
        let (kind, account, name) = parts(change);
        let statement = statement.push(if index == 0 { "(" } else { ", (" });
        let statement = statement.push(places.own()).push(", ").push_value(kind);
        let statement = statement.push(", ").push_value(account);
        statement.push(", ").push_value(name).push(")")
    });
    if changes.len() > FEW { statement.uncached() } else { statement }
}

/// One row of the feed, or of a feed without news.
struct Line {
    mark: Mark,
    floor: i64,
    change: Option<Change>,
}

impl Readable for Line {
    const TABLE: &'static str = "feed";

    fn read(row: &Row) -> Result<Self, Invalid> {
        let change = match row.column::<Option<&str>>("kind")? {
            None => None,
            Some(kind) => Some(change(kind, row)?),
        };
        Ok(Self { mark: row.parsed("mark")?, floor: row.column("floor")?, change })
    }
}

fn parts(change: &Change) -> (&'static str, &str, &str) {
    match change {
        Change::Account(account) => ("account", account.as_str(), ""),
        Change::AccessKey(id) => ("access key", "", id.as_str()),
        Change::Alias(account, name) => ("alias", account.as_str(), name.as_str()),
        Change::Group(account, name) => ("group", account.as_str(), name.as_str()),
        Change::Instance(id) => ("instance", "", id.as_str()),
        Change::Key(id) => ("key", "", id.as_str()),
        Change::Nodes => ("nodes", "", ""),
        Change::OidcProvider(account, name) => ("oidc provider", account.as_str(), name.as_str()),
        Change::Policy(account, name) => ("policy", account.as_str(), name.as_str()),
        Change::Role(account, name) => ("role", account.as_str(), name.as_str()),
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
        "group" => Change::Group(account()?, row.parsed("name")?),
        "instance" => Change::Instance(row.parsed("name")?),
        "key" => Change::Key(row.parsed("name")?),
        "nodes" => Change::Nodes,
        "oidc provider" => Change::OidcProvider(account()?, row.parsed("name")?),
        "policy" => Change::Policy(account()?, row.parsed("name")?),
        "role" => Change::Role(account()?, row.parsed("name")?),
        "root key" => Change::RootKey,
        "secret" => Change::Secret(account()?, row.parsed("name")?),
        "user" => Change::User(account()?, row.parsed("name")?),
        _ => return Err(Invalid),
    })
}
