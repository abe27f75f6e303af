//! What the drivers say went wrong, without what callers sent.

use sqlx::{Error, error::DatabaseError, postgres::PgDatabaseError, sqlite::SqliteError};

use crate::StoreError;

/// The primary result codes `SQLITE_BUSY` and `SQLITE_LOCKED`; extended ones are above the low byte.
const SQLITE_CONFLICTS: [i64; 2] = [5, 6];

/// `serialization_failure` and `deadlock_detected`.
const POSTGRES_CONFLICTS: [&str; 2] = ["40001", "40P01"];

/// A driver's error, as the store's.
pub(crate) fn from(error: &Error) -> StoreError {
    match error {
        Error::Database(it) => from_database(it.as_ref()),
        Error::PoolTimedOut => StoreError::Failed("no connection became free in time".to_owned()),
        Error::Io(it) => StoreError::Failed(format!("the connection: {}", it.kind())),
        Error::Tls(_) => StoreError::Failed("connection: TLS failed".to_owned()),
        Error::Configuration(_) => StoreError::Failed("the database URL is not valid".to_owned()),
        Error::Encode(_) => StoreError::Failed("a value cannot be sent".to_owned()),
        other => StoreError::Failed(other.to_string()),
    }
}

/// Whether the connection broke, so that another one may do.
pub(crate) const fn is_broken_connection(error: &Error) -> bool {
    matches!(error, Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed)
}

fn from_database(error: &dyn DatabaseError) -> StoreError {
    if let Some(it) = error.try_downcast_ref::<PgDatabaseError>() {
        return from_postgres(it);
    }
    let code = error.code().and_then(|it| it.parse::<i64>().ok()).unwrap_or_default();
    let from_sqlite = error.try_downcast_ref::<SqliteError>().is_some();
    if from_sqlite && SQLITE_CONFLICTS.contains(&(code & 0xff)) {
        return StoreError::Conflict;
    }
    StoreError::Failed(format!("SQLite {code}: {}", error.message()))
}

/// PostgreSQL's messages name tables and constraints; those of class 22 (data exceptions) quote values.
fn from_postgres(error: &PgDatabaseError) -> StoreError {
    let code = error.code();
    if POSTGRES_CONFLICTS.contains(&code) {
        StoreError::Conflict
    } else if code.starts_with("22") {
        StoreError::Failed(format!("PostgreSQL {code}"))
    } else {
        StoreError::Failed(format!("PostgreSQL {code}: {}", error.message()))
    }
}
