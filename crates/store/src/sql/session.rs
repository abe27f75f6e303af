//! A transaction on either engine: how statements run in it, and how it ends.

use async_trait::async_trait;
use sqlx::{Postgres, Sqlite, SqlitePool};
use yaoku_model::ids::Invalid;

use super::{
    error,
    feed::Places,
    row::{Number, Readable, Row},
    statement::{Statement, sql},
};
use crate::{Change, Listed, Page, StoreError, Transaction, Tx};

/// An open transaction. Dropped, it rolls back.
pub(crate) struct Session {
    link: Link,
    /// Whether it may write: then it has opened the savepoint `start`.
    writes: bool,
    /// How its engine gives places in the feed.
    pub(super) places: Places,
    /// Whether it has taken its place.
    pub(super) placed: bool,
    /// How many events it has added.
    pub(super) events: i64,
    /// What it has changed so far.
    pub(super) changes: Vec<Change>,
    /// Whether something sealed was deleted: it must not be left in a file.
    pub(super) shreds: bool,
    /// SQLite's write-ahead log, to be emptied after such a deletion.
    log: Option<SqlitePool>,
    /// The first error since it began or was undone. PostgreSQL answers COMMIT of such a
    /// transaction with a silent rollback, so commit looks here first.
    failure: Option<Failure>,
}

/// A transaction of one engine.
pub(crate) enum Link {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

#[derive(Clone, Copy)]
enum Failure {
    Conflict,
    Other,
}

impl Session {
    /// A transaction that only reads.
    pub(crate) const fn reading(link: Link, places: Places) -> Self {
        Self {
            link,
            writes: false,
            places,
            placed: false,
            events: 0,
            changes: Vec::new(),
            shreds: false,
            log: None,
            failure: None,
        }
    }

    /// A transaction that writes; its savepoint `start` is set, unless it will never be undone.
    pub(crate) fn writing(link: Link, places: Places) -> Self {
        Self { writes: true, ..Self::reading(link, places) }
    }

    /// The same, on SQLite: `log` leads to the file whose log keeps what was deleted.
    pub(crate) fn with_log(self, log: SqlitePool) -> Self {
        Self { log: Some(log), ..self }
    }

    /// Runs a statement; answers how many rows it touched.
    pub(super) async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
        let done = match &mut self.link {
            Link::Sqlite(tx) => {
                statement.query().execute(&mut **tx).await.map(|it| it.rows_affected())
            }
            Link::Postgres(tx) => {
                statement.query().execute(&mut **tx).await.map(|it| it.rows_affected())
            }
        };
        self.noted(done)
    }

    /// Runs constant statements without values.
    pub(super) async fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        let done = match &mut self.link {
            Link::Sqlite(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
            Link::Postgres(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
        };
        self.noted(done)
    }

    /// Runs a statement; answers all its rows.
    pub(super) async fn all<T: Readable>(
        &mut self,
        statement: Statement,
    ) -> Result<Vec<T>, StoreError> {
        let rows: Result<Vec<Row>, _> = match &mut self.link {
            Link::Sqlite(tx) => {
                let rows = statement.query().fetch_all(&mut **tx).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Link::Postgres(tx) => {
                let rows = statement.query().fetch_all(&mut **tx).await;
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
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
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
        self.changes.clear();
        self.shreds = false;
        (self.placed, self.events, self.failure) = (false, 0, None);
        self.script("ROLLBACK TO SAVEPOINT start").await
    }

    async fn commit(mut self: Box<Self>) -> Result<Vec<Change>, StoreError> {
        self.must_be_sound()?;
        self.write_feed().await?;
        let done = match self.link {
            Link::Sqlite(tx) => tx.commit().await,
            Link::Postgres(tx) => tx.commit().await,
        };
        done.map_err(|it| error::from(&it))?;
        if let Some(log) = self.log.filter(|_| self.shreds) {
            // It is committed, whatever comes of this; a reader in the way leaves it to the next.
            _ = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&log).await;
        }
        Ok(self.changes)
    }

    fn tx(&mut self) -> &mut dyn Tx {
        self
    }
}
