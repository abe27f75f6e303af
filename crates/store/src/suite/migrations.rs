//! Opening: the schema, and what errors say.

use std::os::unix::fs::PermissionsExt;

use sqlx::{Connection, PgConnection, SqliteConnection};

use super::{Place, id, key, read, write};
use crate::StoreError;

/// What somebody else does to the database.
async fn meddle(place: &Place, statement: &'static str) {
    if place.is_sqlite() {
        let mut connection = SqliteConnection::connect(&place.url).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = PgConnection::connect(&place.url).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
}

pub(super) async fn opening_again_keeps_what_was_there(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_key(&key("a", 1)).await.unwrap();
    tx.commit().await.unwrap();
    drop(store);
    let store = place.open().await;
    assert!(read(&*store).await.key(&id("a")).await.unwrap().is_some());
    if let Some(path) = place.url.strip_prefix("sqlite:") {
        for file in [path.to_owned(), format!("{path}-wal")] {
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }
}

pub(super) async fn two_nodes_may_open_an_empty_database_at_once(place: Place) {
    let nodes = (0..4).map(|_| {
        let url = place.url.clone();
        tokio::spawn(async move { crate::open(&url).await.map(drop) })
    });
    for node in nodes.collect::<Vec<_>>() {
        node.await.unwrap().unwrap();
    }
}

pub(super) async fn a_newer_schema_is_refused(place: Place) {
    drop(place.open().await);
    meddle(&place, "UPDATE schema_version SET version = 99").await;
    let refused = crate::open(&place.url).await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 99, known: 12 }), "{refused}");
}

pub(super) async fn a_row_of_somebody_else_is_unreadable(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_key(&key("a", 1)).await.unwrap();
    tx.commit().await.unwrap();
    meddle(&place, "UPDATE keys SET state = 'Enabledd'").await;
    let found = read(&*store).await.key(&id("a")).await.unwrap_err();
    assert!(matches!(found, StoreError::Unreadable { table: "keys" }), "{found}");
}

pub(super) async fn an_error_tells_no_password(place: Place) {
    let store = place.open().await;
    let mut said = vec![format!("{store:?}")];
    for url in [
        "postgres://user:hunter2@127.0.0.1:1/none",
        "postgres://user:hunter2@127.0.0.1:notaport/none",
        "postgres://user:hunter2@127.0.0.1:1/none?sslmode=hunter2",
        "mysql://user:hunter2@127.0.0.1/none",
        "sqlite:/hunter/does/not/exist",
    ] {
        let error = crate::open(url).await.unwrap_err();
        said.extend([error.to_string(), format!("{error:?}")]);
    }
    assert!(
        said.iter().all(|it| !it.contains("hunter2") && !it.contains("not-checked")),
        "{said:?}"
    );
}
