//! Writes that share a commit: SQLite's own promises, on a disk that counts, fails and forgets.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::{id, key, read, secret, secret_version, write};
use crate::{
    Change, Committed, Sqlite, Store, StoreError, Transaction,
    testing::{Files, Trouble},
};

/// A store on such a disk.
struct Place {
    dir: TempDir,
    files: Arc<Files>,
    store: Arc<dyn Store>,
}

impl Place {
    async fn new() -> Self {
        let (dir, files) = (tempfile::tempdir().unwrap(), Files::new());
        let store = open(&dir, &files).await;
        Self { dir, files, store }
    }

    /// Starts a write that adds a key and an event; gives it time to wait for its turn.
    async fn begin(&self, name: &'static str) -> JoinHandle<Result<Committed, StoreError>> {
        let store = Arc::clone(&self.store);
        let running = tokio::spawn(async move {
            let mut tx = store.write().await?;
            add(&mut *tx, name).await?;
            tx.commit().await
        });
        tokio::task::yield_now().await;
        running
    }

    async fn has(&self, name: &str) -> bool {
        read(&*self.store).await.key(&id(name)).await.unwrap().is_some()
    }

    async fn events(&self) -> Vec<String> {
        let found = read(&*self.store).await.events("n", 0, 100).await.unwrap();
        found.into_iter().map(|it| String::from_utf8(it.event).unwrap()).collect()
    }
}

async fn open(dir: &TempDir, files: &Files) -> Arc<dyn Store> {
    Arc::new(Sqlite::open_on(dir.path().join("store.db"), files).await.unwrap())
}

async fn add(tx: &mut dyn Transaction, name: &str) -> Result<(), StoreError> {
    tx.insert_event("n", name.as_bytes()).await?;
    tx.insert_key(&key(name, 1)).await
}

#[tokio::test]
async fn writes_that_wait_for_each_other_share_a_sync() {
    let place = Place::new().await;
    let start = place.store.mark().await.unwrap();
    let mut first = write(&*place.store).await;
    add(&mut *first, "a").await.unwrap();
    let mut rest = Vec::new();
    for name in ["b", "c", "d", "e", "f"] {
        rest.push(place.begin(name).await);
    }
    let before = place.files.syncs();
    first.commit().await.unwrap();
    for (write, name) in rest.into_iter().zip(["b", "c", "d", "e", "f"]) {
        assert_eq!(write.await.unwrap().unwrap().changes, [Change::Key(id(name))], "its own alone");
    }
    assert_eq!(place.files.syncs() - before, 1);
    assert_eq!(place.events().await, ["a", "b", "c", "d", "e", "f"], "in the order of turns");
    let feed = place.store.changes(&start).await.unwrap();
    assert_eq!(feed.changes, ["a", "b", "c", "d", "e", "f"].map(|it| Change::Key(id(it))));
    assert_eq!(feed.next.open(), start.open() + 1, "they stand in one place");
}

#[tokio::test]
async fn who_is_refused_dropped_or_failed_takes_nobody_along() {
    let place = Place::new().await;
    let mut first = write(&*place.store).await;
    add(&mut *first, "a").await.unwrap();
    let store = Arc::clone(&place.store);
    let refused = tokio::spawn(async move {
        let mut tx = store.write().await?;
        add(&mut *tx, "refused").await?;
        tx.undo().await?;
        tx.insert_event("n", b"the refusal").await?;
        tx.commit().await
    });
    tokio::task::yield_now().await;
    let store = Arc::clone(&place.store);
    let dropped = tokio::spawn(async move {
        let mut tx = store.write().await?;
        add(&mut *tx, "dropped").await
    });
    tokio::task::yield_now().await;
    // The same key again.
    let failed = place.begin("a").await;
    let last = place.begin("last").await;
    let before = place.files.syncs();
    first.commit().await.unwrap();
    assert_eq!(refused.await.unwrap().unwrap().changes, []);
    dropped.await.unwrap().unwrap();
    assert!(matches!(failed.await.unwrap(), Err(StoreError::Failed(_))));
    last.await.unwrap().unwrap();
    assert_eq!(place.files.syncs() - before, 1, "they were one group");
    assert_eq!(place.events().await, ["a", "the refusal", "last"]);
    assert!(place.has("a").await && place.has("last").await);
    assert!(!place.has("refused").await && !place.has("dropped").await);
}

#[tokio::test]
async fn a_commit_that_fails_fails_all_of_its_group_and_no_later_one() {
    let place = Place::new().await;
    for trouble in [Trouble::Full, Trouble::Broken, Trouble::SyncFails] {
        let mut first = write(&*place.store).await;
        add(&mut *first, "a").await.unwrap();
        let second = place.begin("b").await;
        place.files.set(Some(trouble));
        assert!(matches!(first.commit().await, Err(StoreError::Failed(_))), "{trouble:?}");
        assert!(matches!(second.await.unwrap(), Err(StoreError::Failed(_))), "{trouble:?}");
        place.files.set(None);
        assert!(!place.has("a").await && !place.has("b").await, "{trouble:?}");
    }
    place.begin("a").await.await.unwrap().unwrap();
    assert_eq!(place.events().await, ["a"]);
}

#[tokio::test]
async fn a_statement_that_ends_the_transaction_fails_all_of_its_group() {
    let place = Place::new().await;
    let mut first = write(&*place.store).await;
    add(&mut *first, "a").await.unwrap();
    let (store, files) = (Arc::clone(&place.store), Arc::clone(&place.files));
    // More than SQLite holds in memory, so that it writes before the commit.
    let large = tokio::spawn(async move {
        let mut tx = store.write().await?;
        files.set(Some(Trouble::Full));
        tx.insert_secret(&secret("large", 1)).await?;
        let mut version = secret_version("v1");
        version.sealed_value = vec![7; 8 << 20];
        let done = tx.insert_secret_version(&id("1000"), &id("large"), &version).await;
        assert!(done.is_err());
        assert!(tx.undo().await.is_err(), "there is nothing to go back to");
        done
    });
    tokio::task::yield_now().await;
    assert!(matches!(first.commit().await, Err(StoreError::Failed(_))));
    assert!(large.await.unwrap().is_err());
    place.files.set(None);
    assert!(!place.has("a").await);
    place.begin("a").await.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_write_given_up_is_kept_whole_or_not_at_all_and_holds_nobody() {
    let place = Place::new().await;
    let mut first = write(&*place.store).await;
    add(&mut *first, "first").await.unwrap();
    let never = place.begin("never").await;
    let last = place.begin("last").await;
    never.abort();
    assert!(never.await.unwrap_err().is_cancelled());
    // Polled once, and dropped, with its commit under way unless that was very quick.
    drop(tokio::time::timeout(Duration::ZERO, first.commit()).await);
    last.await.unwrap().unwrap();
    assert!(place.has("first").await && !place.has("never").await);
    assert_eq!(place.events().await, ["first", "last"]);
}

#[tokio::test]
async fn what_was_committed_survives_a_power_cut_and_the_rest_is_gone_whole() {
    let mut place = Place::new().await;
    for round in 0..8 {
        let name = format!("kept-{round}");
        let mut tx = write(&*place.store).await;
        add(&mut *tx, &name).await.unwrap();
        tx.commit().await.unwrap();
        let mut lost = write(&*place.store).await;
        add(&mut *lost, "lost").await.unwrap();
        place.files.cut_power();
        assert!(lost.commit().await.is_err());
        let Place { dir, files, store } = place;
        drop(store);
        while files.in_use() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        files.power_on(round).unwrap();
        let store = open(&dir, &files).await;
        place = Place { dir, files, store };
        for round in 0..=round {
            assert!(place.has(&format!("kept-{round}")).await, "{round}");
        }
        assert_eq!(place.events().await.len() as u64, round + 1);
    }
    assert!(!place.has("lost").await);
}

#[tokio::test]
async fn a_reader_holds_no_write_up_and_what_is_deleted_leaves_the_log_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let log = || std::fs::metadata(dir.path().join("store.db-wal")).unwrap().len();
    let store = Sqlite::open(&path).await.unwrap();
    let mut tx = write(&store).await;
    add(&mut *tx, "a").await.unwrap();
    tx.commit().await.unwrap();
    let mut reader = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    let read = "BEGIN; SELECT count(*) FROM keys";
    sqlx::raw_sql(read).execute(&mut reader).await.unwrap();
    let mut tx = write(&store).await;
    tx.delete_key(&id("a")).await.unwrap();
    // As long as SQLite would wait for the reader.
    tokio::time::timeout(crate::sqlite::BUSY, tx.commit()).await.unwrap().unwrap();
    assert!(log() > 0, "the reader still needs it");
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();
    // No write comes that could see to it.
    while log() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
