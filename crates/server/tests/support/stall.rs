//! A store whose feed can be made to hang: as for a node that is stopped, or cut off.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;
use yaoku_store::{Ears, Feed, Mark, Store, StoreError, Transaction};

/// Whether it hangs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stall(Arc<watch::Sender<bool>>);

impl Stall {
    /// From now on, or no longer.
    pub(crate) fn set(&self, hangs: bool) {
        self.0.send_replace(hangs);
    }

    /// A store that hangs when this says so.
    pub(crate) fn over(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Stalled(store, self.clone()))
    }
}

#[derive(Debug)]
struct Stalled(Arc<dyn Store>, Stall);

#[async_trait]
impl Store for Stalled {
    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    async fn read(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.0.read().await
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.0.write().await
    }

    async fn write_one(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.0.write_one().await
    }

    async fn changes(&self, done: &Mark) -> Result<Feed, StoreError> {
        _ = self.1.0.subscribe().wait_for(|hangs| !hangs).await;
        self.0.changes(done).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.0.mark().await
    }

    async fn beat(&self, name: &str, run: &str, mark: &Mark) -> Result<bool, StoreError> {
        self.0.beat(name, run, mark).await
    }

    async fn tell(&self, name: &str) -> Result<(), StoreError> {
        self.0.tell(name).await
    }

    async fn ears(&self) -> Result<Option<Box<dyn Ears>>, StoreError> {
        self.0.ears().await
    }
}
