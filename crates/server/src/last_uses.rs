//! When access keys were last used: noted with each call that they sign, and written into the store
//! every minute, so that no call waits for it. A crash loses what was noted since.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use yaoku_model::{ids::AccessKeyId, time::Timestamp};
use yaoku_store::{Store, StoreError};

use crate::auth::Credential;

/// How often the store is told.
pub(crate) const EVERY: Duration = Duration::from_mins(1);

/// No more keys than these are held while the store is away; the uses of others are not noted.
const MOST: usize = 65_536;

/// How many keys are written in one transaction, so that no write waits long for it.
const KEYS: usize = 1_000;

/// The last use of one access key that the store has not heard of, in seconds since 1970; 0: none.
/// It lies with the key in the cache, so that noting it is one look and, once a second, one store.
#[derive(Debug, Default)]
pub struct LastUse(AtomicI64);

/// The keys whose last uses the store has not heard of.
#[derive(Debug, Default)]
pub struct LastUses(Mutex<HashMap<AccessKeyId, Arc<Credential>>>);

impl LastUses {
    /// An access key has signed a call.
    pub(crate) fn note(&self, id: &AccessKeyId, key: &Arc<Credential>, now: Timestamp) {
        let LastUse(at) = &key.last_use;
        let now = now.unix_seconds();
        if at.load(Ordering::Relaxed) != now && at.fetch_max(now, Ordering::Relaxed) == 0 {
            let mut waiting = self.waiting();
            if waiting.len() < MOST {
                waiting.insert(id.clone(), Arc::clone(key));
            }
        }
    }

    /// What the store has not heard of yet.
    pub(crate) fn of(&self, id: &AccessKeyId) -> Option<Timestamp> {
        let waiting = self.waiting();
        let LastUse(at) = &waiting.get(id)?.last_use;
        Some(Timestamp::from_unix_seconds(at.load(Ordering::Relaxed)))
    }

    /// Writes into the store what was noted. What it does not take is kept for the next time.
    pub(crate) async fn write_down(&self, store: &dyn Store) -> Result<(), StoreError> {
        let waiting: Vec<_> = self.waiting().drain().collect();
        let mut waiting = waiting.as_slice();
        while let Some((now, later)) = waiting.split_at_checked(waiting.len().min(KEYS))
            && !now.is_empty()
        {
            let uses: Vec<_> = now.iter().map(|(id, key)| (id, key.last_use.take())).collect();
            if let Err(error) = write(store, &uses).await {
                for ((id, key), (_, used)) in now.iter().zip(uses) {
                    self.note(id, key, used);
                }
                self.waiting().extend(later.iter().cloned());
                return Err(error);
            }
            waiting = later;
        }
        Ok(())
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<AccessKeyId, Arc<Credential>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LastUse {
    fn take(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.swap(0, Ordering::Relaxed))
    }
}

/// Each row is changed by itself, and only to a later time: see [`Store::write_one`].
async fn write(store: &dyn Store, uses: &[(&AccessKeyId, Timestamp)]) -> Result<(), StoreError> {
    let mut tx = store.write_one().await?;
    for (id, used) in uses {
        tx.touch_access_key(id, *used).await?;
    }
    tx.commit().await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::LastUses;
    use crate::{
        cache::Caches,
        testing::{Kms, NOW},
    };

    #[tokio::test]
    async fn uses_are_told_at_once_and_written_down_later() {
        let kms = Kms::new().await;
        let made = kms.ram("CreateAccessKey", []).await.unwrap();
        let id = made.get("AccessKey.AccessKeyId").unwrap();
        let told = async || {
            let answer = kms.ram("GetAccessKeyLastUsed", [("UserAccessKeyId", id)]).await.unwrap();
            answer.get("AccessKeyLastUsed.LastUsedDate").unwrap().to_owned()
        };
        assert_eq!(told().await, "");
        let id = id.parse().unwrap();
        let caches: &Caches = &kms.node.caches;
        let key = caches.access_key(&id).await.unwrap().unwrap();
        let uses = &kms.node.last_uses;
        uses.note(&id, &key, NOW);
        uses.note(&id, &key, NOW.plus_seconds(5));
        assert_eq!(told().await, NOW.plus_seconds(5).to_string());
        let kept = async || {
            let found = kms.node.store.read().await.unwrap().access_key(&id).await;
            found.unwrap().unwrap().last_used
        };
        assert_eq!(kept().await, None, "a call does not wait for it");
        uses.write_down(&*kms.node.store).await.unwrap();
        assert_eq!(kept().await, Some(NOW.plus_seconds(5)));
        assert_eq!(told().await, NOW.plus_seconds(5).to_string());
        uses.note(&id, &key, NOW.plus_seconds(4));
        uses.write_down(&*kms.node.store).await.unwrap();
        assert_eq!(kept().await, Some(NOW.plus_seconds(5)), "never back");
    }

    #[tokio::test]
    async fn a_store_that_fails_loses_no_use() {
        let kms = Kms::new().await;
        let made = kms.ram("CreateAccessKey", []).await.unwrap();
        let id = made.get("AccessKey.AccessKeyId").unwrap().parse().unwrap();
        let key = kms.node.caches.access_key(&id).await.unwrap().unwrap();
        let uses = LastUses::default();
        uses.note(&id, &key, NOW);
        let away = testing_store().await;
        assert!(uses.write_down(&*away).await.is_err());
        assert_eq!(uses.of(&id), Some(NOW));
        uses.write_down(&*kms.node.store).await.unwrap();
        assert_eq!(uses.of(&id), None);
    }

    /// A store without its tables.
    async fn testing_store() -> Arc<dyn yaoku_store::Store> {
        let data = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", data.path().join("gone.db").display());
        let store = yaoku_store::open(&url).await.unwrap();
        yaoku_store::testing::execute(&url, "DROP TABLE access_keys").await;
        store
    }
}
