//! PostgreSQL: any number of nodes, and writers that do not wait for each other.
//!
//! Also for engines that speak its protocol: no advisory locks, BIGINT everywhere, and NOTIFY only
//! makes quicker what is found without it.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor, PgConnection, PgPool,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use crate::{
    Ears, Feed, Mark, Store, StoreError, Transaction, Word, nodes,
    sql::{
        CHANGED, FOLLOWED, Link, POSTGRES, Places, Session, beat_aloud, failure,
        is_broken_connection, tell,
    },
};

/// How many connections a node may have: sixteen that work, and one that listens.
const CONNECTIONS: u32 = 17;

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many statements a connection keeps prepared: more than we have.
const STATEMENTS: usize = 200;

/// How often [`Session::prepare_schema`] is tried, for other nodes may be doing the same.
const TRIES: usize = 5;

const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const WRITE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE; SAVEPOINT start";
const WRITE_ONE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SAVEPOINT start";
const MIGRATE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Run on every new connection. A node that hangs must not hold back everybody's feed. A table that
/// is read from end to end, as small ones are by default, conflicts with every write to it. And what
/// must be read so all the same then counts as very dear, and would be compiled first, each time.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '60s'; \
     SET enable_seqscan = off; SET jit = off";

/// A database on a PostgreSQL server.
pub struct Postgres {
    pool: PgPool,
    places: Places,
}

impl Postgres {
    /// Connects to `postgres://user:password@host:port/database` and brings its schema up to date.
    ///
    /// Nothing of the URL is in any error.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(|it| failure(&it))?;
        let options = options
            .application_name("yaoku")
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging();
        // A pool says only that no connection came in time; one connection says why.
        let one = PgConnection::connect_with(&options).await.map_err(|it| failure(&it))?;
        one.close().await.map_err(|it| failure(&it))?;
        let pool = pool().connect_with(options).await.map_err(|it| failure(&it))?;
        let places = places(&pool).await?;
        let store = Self { pool, places };
        store.migrate().await?;
        Ok(store)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let mut tries = 1;
        while let Err(error) = self.prepare_schema().await {
            if tries == TRIES {
                return Err(error);
            }
            tries += 1;
        }
        let mut session = Session::writing(self.begin(MIGRATE).await?, self.places);
        session.migrate(POSTGRES).await?;
        Box::new(session).commit().await.map(drop)
    }

    async fn prepare_schema(&self) -> Result<(), StoreError> {
        let mut session = Session::writing(self.begin(MIGRATE).await?, self.places);
        session.prepare_schema().await?;
        Box::new(session).commit().await.map(drop)
    }

    /// Begins a transaction. Idle connections are not tested first: those that turn out to be
    /// broken are thrown away, so that one more try than there are must reach the server.
    ///
    /// A call that is given up meanwhile must not leave the transaction open on a connection that
    /// the next one gets, and the driver does not see to it. So it is a task, which goes to its end.
    async fn begin(&self, begin: &'static str) -> Result<Link, StoreError> {
        let mut spare = self.pool.size();
        loop {
            let pool = self.pool.clone();
            let task = tokio::spawn(async move { pool.begin_with(begin).await });
            match task.await.map_err(|it| StoreError::Failed(it.to_string()))? {
                Ok(tx) => return Ok(Link::Postgres(tx)),
                Err(error) if spare == 0 || !is_broken_connection(&error) => {
                    return Err(failure(&error));
                }
                Err(_) => spare -= 1,
            }
        }
    }

    async fn snapshot(&self) -> Result<Session, StoreError> {
        Ok(Session::reading(self.begin(READ).await?, self.places))
    }
}

#[async_trait]
impl Store for Postgres {
    fn is_shared(&self) -> bool {
        true
    }

    async fn read(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(self.snapshot().await?))
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(Session::writing(self.begin(WRITE).await?, self.places)))
    }

    async fn write_one(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(Session::writing(self.begin(WRITE_ONE).await?, self.places)))
    }

    async fn changes(&self, done: &Mark) -> Result<Feed, StoreError> {
        self.snapshot().await?.feed(done).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.snapshot().await?.mark().await
    }

    async fn beat(&self, name: &str, run: &str, mark: &Mark) -> Result<bool, StoreError> {
        if self.places == Places::Counter {
            return nodes::beat_alone(self, name, run, mark).await;
        }
        let done = beat_aloud(name, run, mark).query().execute(&self.pool).await;
        done.map(|it| it.rows_affected() > 0).map_err(|it| failure(&it))
    }

    async fn tell(&self, name: &str) -> Result<(), StoreError> {
        if self.places == Places::Counter {
            return Ok(());
        }
        let done = tell(name).query().execute(&self.pool).await;
        done.map(drop).map_err(|it| failure(&it))
    }

    async fn ears(&self) -> Result<Option<Box<dyn Ears>>, StoreError> {
        if self.places == Places::Counter {
            return Ok(None);
        }
        let mut ears = PgListener::connect_with(&self.pool).await.map_err(|it| failure(&it))?;
        ears.listen_all([CHANGED, FOLLOWED]).await.map_err(|it| failure(&it))?;
        Ok(Some(Box::new(Listener(ears))))
    }
}

/// A connection that listens, made anew when it breaks.
struct Listener(PgListener);

#[async_trait]
impl Ears for Listener {
    async fn next(&mut self) -> Result<Option<(Word, String)>, StoreError> {
        let heard = self.0.try_recv().await.map_err(|it| failure(&it))?;
        Ok(heard.map(|it| {
            let word = if it.channel() == FOLLOWED { Word::Followed } else { Word::Changed };
            (word, it.payload().to_owned())
        }))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("places", &self.places).finish_non_exhaustive()
    }
}

fn pool() -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(SETTINGS).await.map(drop) })
        })
}

/// Whether the engine has transaction ids that we can go by. The same engine answers the same to
/// every node; any other failure than "no such function" is a failure.
async fn places(pool: &PgPool) -> Result<Places, StoreError> {
    let probe = "SELECT pg_current_xact_id(), pg_snapshot_xmin(pg_current_snapshot())";
    match sqlx::raw_sql(probe).execute(pool).await {
        Ok(_) => Ok(Places::TransactionIds),
        Err(error) if is_missing(&error) => Ok(Places::Counter),
        Err(error) => Err(failure(&error)),
    }
}

/// `undefined_function`, `undefined_object`, `feature_not_supported`.
fn is_missing(error: &sqlx::Error) -> bool {
    let missing = ["42883", "42704", "0A000"];
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|it| missing.contains(&it.as_ref()))
}
