//! A transaction on either engine: how statements run in it, and how it ends.

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection};
use yaoku_model::ids::Invalid;

use super::{
    error,
    feed::{Added, Places},
    row::{Number, Readable, Row},
    statement::{Statement, sql},
};
use crate::{Change, Committed, Listed, Page, Place, StoreError, Transaction, Tx, sqlite::Turn};

/// An open transaction. Dropped, it rolls back.
pub(crate) struct Session {
    link: Link,
    /// Whether it may write: then it has opened the savepoint `start`.
    writes: bool,
    /// How its engine gives places in the feed.
    pub(super) places: Places,
    /// What it adds so far, written when it commits.
    pub(super) added: Added,
    /// The first error since it began or was undone. PostgreSQL answers COMMIT of such a
    /// transaction with a silent rollback, so commit looks here first.
    failure: Option<Failure>,
}

/// A transaction of one engine.
pub(crate) enum Link {
    /// A snapshot of SQLite.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    /// A write's turn in a transaction of SQLite.
    Turn(Turn),
    /// A transaction of PostgreSQL.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// The connection that statements run on.
enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Link {
    fn connection(&mut self) -> Result<Connection<'_>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => Connection::Sqlite(tx),
            Self::Turn(turn) => Connection::Sqlite(turn.connection()?),
            Self::Postgres(tx) => Connection::Postgres(tx),
        })
    }
}

#[derive(Clone, Copy)]
enum Failure {
    Conflict,
    Other,
}

impl Session {
    /// A transaction that only reads.
    pub(crate) fn reading(link: Link, places: Places) -> Self {
        Self { link, writes: false, places, added: Added::default(), failure: None }
    }

    /// A transaction that writes; its savepoint `start` is set, unless it will never be undone.
    pub(crate) fn writing(link: Link, places: Places) -> Self {
        Self { writes: true, ..Self::reading(link, places) }
    }

    /// Whether other nodes may write to the database: then it is a server, with a clock.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self.link, Link::Postgres(_))
    }

    /// Runs a statement; answers how many rows it touched.
    pub(super) async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
        self.must_be_sound()?;
        let done = match self.link.connection()? {
            Connection::Sqlite(it) => {
                statement.query().execute(it).await.map(|it| it.rows_affected())
            }
            Connection::Postgres(it) => {
                statement.query().execute(it).await.map(|it| it.rows_affected())
            }
        };
        self.noted(done)
    }

    /// Runs constant statements without values.
    pub(super) async fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        let done = match self.link.connection()? {
            Connection::Sqlite(it) => sqlx::raw_sql(text).execute(it).await.map(drop),
            Connection::Postgres(it) => sqlx::raw_sql(text).execute(it).await.map(drop),
        };
        self.noted(done)
    }

    /// Runs a statement; answers all its rows.
    pub(super) async fn all<T: Readable>(
        &mut self,
        statement: Statement,
    ) -> Result<Vec<T>, StoreError> {
        self.must_be_sound()?;
        let rows: Result<Vec<Row>, _> = match self.link.connection()? {
            Connection::Sqlite(it) => {
                let rows = statement.query().fetch_all(it).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Connection::Postgres(it) => {
                let rows = statement.query().fetch_all(it).await;
                rows.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        let unreadable = StoreError::Unreadable { table: T::TABLE };
        self.noted(rows)?
            .iter()
            .map(T::read)
            .collect::<Result<_, _>>()
            .map_err(|Invalid| unreadable)
    }

    /// Runs a statement; answers its first row, if it has one.
    pub(super) async fn first<T: Readable>(
        &mut self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(statement).await?.into_iter().next())
    }

    /// Runs a statement that answers one number, called `number`.
    pub(super) async fn number(&mut self, statement: Statement) -> Result<i64, StoreError> {
        Ok(self.first(statement).await?.map_or(0, |Number(it)| it))
    }

    /// One page of `select`, and the `count` of all. Both begin with a constant and end with
    /// `filter`, which adds the same conditions to each.
    pub(super) async fn listed<T: Readable>(
        &mut self,
        count: &'static str,
        select: &'static str,
        order: &'static str,
        page: Page,
        filter: impl Fn(Statement) -> Statement,
    ) -> Result<Listed<T>, StoreError> {
        let total = self.number(filter(sql(count)).uncached()).await?;
        let select = filter(sql(select)).push(" ORDER BY ").push(order);
        let select = select.push(" LIMIT ").push_value(page.size);
        let select = select.push(" OFFSET ").push_value(page.offset());
        Ok(Listed { items: self.all(select.uncached()).await?, total })
    }

    /// Runs a statement that touches at most one row, and tells the feed if it did.
    pub(super) async fn change(
        &mut self,
        change: Change,
        statement: Statement,
    ) -> Result<bool, StoreError> {
        let changed = self.run(statement).await? > 0;
        if changed {
            self.note(change);
        }
        Ok(changed)
    }

    /// Tells the feed of a change, once.
    pub(super) fn note(&mut self, change: Change) {
        if !self.added.changes.contains(&change) {
            self.added.changes.push(change);
        }
    }

    /// Writes what it adds; answers its place. In a turn that is the nonce alone: the rest is written
    /// with the group's, and nobody asks for its place.
    async fn write_added(&mut self) -> Result<Option<Place>, StoreError> {
        let mut statements = match self.link {
            Link::Turn(_) => Vec::new(),
            _ => self.added.statements(self.places)?,
        };
        let nonce = self.added.nonce.take().map(|it| it.insert());
        let is_given = nonce.is_some();
        let last = match (statements.pop(), nonce) {
            (Some(last), Some(nonce)) => Some(last.and(nonce)),
            (last, nonce) => nonce.or(last),
        };
        for statement in statements {
            self.run(statement).await?;
        }
        let Some(last) = last else { return Ok(None) };
        // PostgreSQL counts, and answers, the rows of the last part, which is the nonce.
        let (rows, place) = if let Link::Turn(_) = self.link {
            (self.run(last).await?, None)
        } else {
            let rows: Vec<Number> = self.all(self.places.answered(last)).await?;
            (rows.len() as u64, rows.first().map(|Number(it)| Place(*it)))
        };
        if rows == 0 && is_given {
            return Err(StoreError::NonceUsed);
        }
        Ok(place.filter(|_| !self.added.changes.is_empty()))
    }

    fn noted<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|it| {
            let it = error::from(&it);
            let failure =
                if matches!(it, StoreError::Conflict) { Failure::Conflict } else { Failure::Other };
            self.failure.get_or_insert(failure);
            it
        })
    }

    fn must_be_sound(&self) -> Result<(), StoreError> {
        match self.failure {
            None => Ok(()),
            Some(Failure::Conflict) => Err(StoreError::Conflict),
            Some(Failure::Other) => {
                Err(StoreError::Failed("a statement of this transaction failed before".to_owned()))
            }
        }
    }
}

#[async_trait]
impl Transaction for Session {
    async fn undo(&mut self) -> Result<(), StoreError> {
        if !self.writes {
            return Ok(());
        }
        self.added = Added::default();
        self.failure = None;
        self.script("ROLLBACK TO SAVEPOINT start").await
    }

    async fn commit(mut self: Box<Self>) -> Result<Committed, StoreError> {
        self.must_be_sound()?;
        let place = self.write_added().await?;
        let committed = Committed { changes: self.added.changes.clone(), place };
        if let Link::Turn(turn) = self.link {
            turn.commit(self.added).await?;
            return Ok(committed);
        }
        let done = match self.link {
            Link::Sqlite(tx) => tx.commit().await,
            Link::Postgres(tx) => tx.commit().await,
            Link::Turn(_) => Ok(()),
        };
        done.map_err(|it| error::from(&it))?;
        Ok(committed)
    }

    fn tx(&mut self) -> &mut dyn Tx {
        self
    }
}
