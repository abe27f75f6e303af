//! Writes that share a commit, and so an fsync.
//!
//! There is one write connection. A write has its turn on it, in a savepoint of the transaction
//! that is open there; while a commit is under way the next writes queue, and they are the next
//! group. Each hears of its commit when the group's has held, or failed.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard, oneshot},
    time::Instant,
};

use super::BUSY;
use crate::{
    StoreError,
    sql::{Added, Places, failure},
};

/// How many writes may share a commit, so that the first of them does not wait for too many.
const MEMBERS: usize = 64;

/// How long a group stays open at most while more writes come.
const OPEN: Duration = Duration::from_millis(50);

/// How long what was deleted may stay in the log.
const SHRED: Duration = Duration::from_secs(1);

/// How long a write waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT start";
const KEEP: &str = "RELEASE SAVEPOINT start; SAVEPOINT start";
const UNDO: &str = "ROLLBACK TO SAVEPOINT start";

/// Copies what the write-ahead log holds into the file, and leaves the log empty. The first column
/// of its answer is 0 if it could: anybody who reads the file is in the way.
const EMPTY_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// The write connection, and who waits for it.
pub(super) struct Writer {
    /// One connection.
    pool: SqlitePool,
    /// Writers get it in the order in which they ask.
    desk: Arc<Mutex<Desk>>,
    /// How many ask for it now. A group is left open for them.
    waiting: AtomicUsize,
    /// What a write that was given up leaves is put right by a task.
    runtime: Handle,
}

/// What a turn holds alone.
#[derive(Default)]
struct Desk {
    group: Option<Group>,
    /// Whether the log holds what was deleted.
    owes: bool,
    /// When it was last emptied.
    shredded: Option<Instant>,
    /// Whether a task will look after it.
    reminded: bool,
}

/// An open transaction. Between turns its savepoint `start` is set, and holds nothing.
struct Group {
    tx: Transaction<'static, Sqlite>,
    opened: Instant,
    /// Those who wait for the commit.
    members: Vec<oneshot::Sender<Result<(), StoreError>>>,
    /// What they add together.
    added: Added,
}

/// A write's turn on the connection. Dropped, it leaves nothing of this write.
pub(crate) struct Turn {
    writer: Arc<Writer>,
    /// There until the turn ends; in it, the group is there until the turn ends.
    desk: Option<OwnedMutexGuard<Desk>>,
}

impl Writer {
    /// The log may hold what a process that was killed has deleted: it is emptied.
    pub(super) async fn new(pool: SqlitePool) -> Arc<Self> {
        let owes = !empty_log(&pool).await.unwrap_or(false);
        let desk = Arc::new(Mutex::new(Desk { owes, ..Desk::default() }));
        let (waiting, runtime) = (AtomicUsize::new(0), Handle::current());
        Arc::new(Self { pool, desk, waiting, runtime })
    }

    /// Waits for a turn, in the group that is open or in a new one.
    pub(super) async fn turn(self: &Arc<Self>) -> Result<Turn, StoreError> {
        let waiting = Waiting::new(&self.waiting);
        let desk = tokio::time::timeout(PATIENCE, self.desk()).await;
        drop(waiting);
        let mut desk =
            desk.map_err(|_| StoreError::Failed("no turn to write came in time".to_owned()))?;
        if desk.group.is_none() {
            let tx = self.pool.begin_with(BEGIN).await.map_err(|it| failure(&it))?;
            desk.group = Some(Group::new(tx));
        }
        Ok(Turn { writer: Arc::clone(self), desk: Some(desk) })
    }

    /// The desk, when no full group is on it: such a one has its [`Writer::close`] in the queue.
    async fn desk(&self) -> OwnedMutexGuard<Desk> {
        loop {
            let desk = Arc::clone(&self.desk).lock_owned().await;
            if !desk.group.as_ref().is_some_and(Group::is_full) {
                return desk;
            }
            drop(desk);
            tokio::task::yield_now().await;
        }
    }

    /// Commits the group that is open, once it is full or nobody else waits.
    async fn close(self: Arc<Self>) {
        loop {
            let mut desk = Arc::clone(&self.desk).lock_owned().await;
            let Some(group) = desk.group.take_if(|it| !it.members.is_empty()) else { return };
            if self.waiting.load(Ordering::SeqCst) > 0 && !group.is_full() {
                desk.group = Some(group);
                drop(desk);
                tokio::task::yield_now().await;
                continue;
            }
            return self.commit(desk, group).await;
        }
    }

    async fn commit(self: Arc<Self>, mut desk: OwnedMutexGuard<Desk>, group: Group) {
        let Group { tx, members, added, .. } = group;
        let done = commit(tx, &added).await;
        desk.owes |= done.is_ok() && added.shreds;
        self.shred_in_time(&mut desk).await;
        drop(desk);
        for member in members {
            // Who is gone does not hear of it.
            _ = member.send(done.clone());
        }
    }

    /// Empties the log, if it must be: now, or, when that was tried just before, within [`SHRED`];
    /// and again each [`SHRED`] while a reader is in the way.
    async fn shred_in_time(self: &Arc<Self>, desk: &mut Desk) {
        if !desk.owes {
            return;
        }
        let due = desk.shredded.map(|it| it + SHRED).filter(|it| *it > Instant::now());
        if due.is_none() {
            self.shred(desk).await;
        }
        if desk.owes && !desk.reminded {
            desk.reminded = true;
            let due = due.unwrap_or_else(|| Instant::now() + SHRED);
            self.runtime.spawn(remind(Arc::downgrade(self), due));
        }
    }

    async fn shred(&self, desk: &mut Desk) {
        // It is committed, whatever comes of this.
        desk.owes = !empty_log(&self.pool).await.unwrap_or(false);
        desk.shredded = Some(Instant::now());
    }
}

/// Empties the log when it is due, and again until it is empty or the store is closed.
async fn remind(writer: Weak<Writer>, mut due: Instant) {
    loop {
        tokio::time::sleep_until(due).await;
        let Some(writer) = writer.upgrade() else { return };
        let mut desk = writer.desk.lock().await;
        // The connection is a group's until that is over.
        if desk.owes && desk.group.is_none() {
            writer.shred(&mut desk).await;
        }
        if !desk.owes {
            desk.reminded = false;
            return;
        }
        due = Instant::now() + SHRED;
    }
}

/// Empties the log; `false` if a reader is in the way. It does not wait for one: writes would.
async fn empty_log(pool: &SqlitePool) -> Result<bool, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    sqlx::raw_sql("PRAGMA busy_timeout = 0").execute(&mut *connection).await?;
    let busy = sqlx::query_scalar::<_, i64>(EMPTY_LOG).fetch_one(&mut *connection).await;
    let patient = format!("PRAGMA busy_timeout = {}", BUSY.as_millis());
    sqlx::raw_sql(AssertSqlSafe(patient)).execute(&mut *connection).await?;
    Ok(busy? == 0)
}

/// Adds to a transaction what its writes add together, and commits it.
async fn commit(mut tx: Transaction<'static, Sqlite>, added: &Added) -> Result<(), StoreError> {
    for statement in added.statements(Places::Counter)? {
        statement.query().execute(&mut *tx).await.map_err(|it| failure(&it))?;
    }
    tx.commit().await.map_err(|it| failure(&it))
}

/// One who waits for the desk, counted until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Group {
    fn new(tx: Transaction<'static, Sqlite>) -> Self {
        Self { tx, opened: Instant::now(), members: Vec::new(), added: Added::default() }
    }

    fn is_full(&self) -> bool {
        self.members.len() >= MEMBERS || (!self.members.is_empty() && self.opened.elapsed() >= OPEN)
    }

    async fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        let done = sqlx::raw_sql(text).execute(&mut *self.tx).await;
        done.map(drop).map_err(|it| failure(&it))
    }
}

impl Turn {
    /// The connection, until the turn ends.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let group = self.desk.as_mut().and_then(|it| it.group.as_mut());
        let ended = || StoreError::Failed("this write has ended".to_owned());
        group.map(|it| &mut *it.tx).ok_or_else(ended)
    }

    /// Keeps what was written since the turn began, with what belongs to it, and waits until the
    /// group's commit has held. Goes on if it is given up: it is kept whole, or not at all.
    pub(crate) async fn commit(self, added: Added) -> Result<(), StoreError> {
        let (tell, told) = oneshot::channel();
        let runtime = self.writer.runtime.clone();
        runtime.spawn(self.keep(added, tell));
        told.await.unwrap_or_else(|_| {
            Err(StoreError::Failed(
                "another write broke the transaction that both were in".to_owned(),
            ))
        })
    }

    async fn keep(mut self, added: Added, tell: oneshot::Sender<Result<(), StoreError>>) {
        let Some(mut desk) = self.desk.take() else { return };
        let Some(group) = &mut desk.group else { return };
        if let Err(error) = group.script(KEEP).await {
            // Nobody knows what is left of it: its members find their sender gone.
            desk.group = None;
            _ = tell.send(Err(error));
            return;
        }
        group.added.append(added);
        group.members.push(tell);
        if group.members.len() == 1 {
            self.writer.runtime.spawn(Arc::clone(&self.writer).close());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut desk) = self.desk.take() else { return };
        if desk.group.as_ref().is_none_or(|it| it.members.is_empty()) {
            desk.group = None;
            return;
        }
        // SQLite rolls back by itself where it cannot go on (a full disk). There is no savepoint
        // then to go back to, which is how it shows, also if this write was given up before.
        self.writer.runtime.spawn(async move {
            if let Some(group) = &mut desk.group
                && group.script(UNDO).await.is_err()
            {
                desk.group = None;
            }
        });
    }
}
