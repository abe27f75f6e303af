//! SQLite: one file, one process, one writer at a time.

mod group;

use std::{
    fmt,
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions as _, Connection as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::group::Writer;
use crate::{
    Feed, Mark, Store, StoreError, Transaction,
    sql::{Link, Places, SQLITE, Session, failure},
};

/// How many transactions may read at once.
const READERS: u32 = 4;

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long SQLite itself waits for a lock, which only another process can hold.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// How often a database is opened that another process is making, and the pause between.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// A database in one file.
pub struct Sqlite {
    path: PathBuf,
    writer: Arc<Writer>,
    readers: SqlitePool,
}

pub(crate) use group::Turn;

impl Sqlite {
    /// Opens a database, making it (mode 0600) if there is none, and brings its schema up to date.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::with(options(path.as_ref()), path.as_ref()).await
    }

    /// The same, on a disk for tests.
    #[cfg(any(test, feature = "testing"))]
    pub async fn open_on(
        path: impl AsRef<Path>,
        disk: &crate::testing::Files,
    ) -> Result<Self, StoreError> {
        Self::with(options(path.as_ref()).vfs(disk.vfs().to_owned()), path.as_ref()).await
    }

    /// Of two processes that make a database at once, one is told at once that it is busy: SQLite
    /// does not wait where both have read it and want to write. Then it is opened again.
    async fn with(options: SqliteConnectOptions, path: &Path) -> Result<Self, StoreError> {
        make_private(path)?;
        let mut tries = 1;
        loop {
            match Self::at(options.clone(), path).await {
                Err(StoreError::Conflict) if tries < TRIES => tries += 1,
                done => return done,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn at(options: SqliteConnectOptions, path: &Path) -> Result<Self, StoreError> {
        let writer = pool(1).connect_with(options.clone()).await.map_err(|it| failure(&it))?;
        let readers = pool(READERS).connect_lazy_with(options.read_only(true));
        let store = Self { path: path.to_owned(), writer: Writer::new(writer).await, readers };
        store.migrate().await?;
        Ok(store)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        session.prepare_schema().await?;
        session.migrate(SQLITE).await?;
        Box::new(session).commit().await.map(drop)
    }

    async fn session(&self) -> Result<Session, StoreError> {
        Ok(Session::writing(Link::Turn(self.writer.turn().await?), Places::Counter))
    }

    async fn snapshot(&self) -> Result<Session, StoreError> {
        let tx = self.readers.begin().await.map_err(|it| failure(&it))?;
        Ok(Session::reading(Link::Sqlite(tx), Places::Counter))
    }
}

#[async_trait]
impl Store for Sqlite {
    fn is_shared(&self) -> bool {
        false
    }

    fn directory(&self) -> Option<&Path> {
        self.path.parent()
    }

    async fn read(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(self.snapshot().await?))
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(self.session().await?))
    }

    async fn changes(&self, done: &Mark) -> Result<Feed, StoreError> {
        self.snapshot().await?.feed(done).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.snapshot().await?.mark().await
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

/// SQLite would make the file readable by others. Its log gets the file's mode.
///
/// A file that is there is not opened: to close it would let go every lock that this process has
/// on it (POSIX), those of another connection of ours too.
fn make_private(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(StoreError::Failed(format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is deleted is overwritten: a deleted key must be gone from the file.
        .pragma("secure_delete", "ON")
        .busy_timeout(BUSY)
        .disable_statement_logging()
}

fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        // After a full disk SQLite has rolled back by itself, which the driver does not notice: such
        // a connection is of no more use.
        .before_acquire(|connection, _| {
            let clean = !connection.is_in_transaction();
            Box::pin(async move { Ok(clean) })
        })
}
