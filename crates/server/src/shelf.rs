//! One cache: what is not there is loaded once, however many ask for it, and what changes while it
//! is being loaded is not kept.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use quick_cache::{Weighter, sync::Cache};
use tokio::sync::watch::{self, Receiver, Sender};

use crate::{cache::Weigh, error::ApiError, metrics::Counter};

/// How a cache does, for the operations view.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Vitals {
    /// Things in it.
    pub items: usize,
    /// What they weigh, roughly, in bytes.
    pub bytes: u64,
    /// Look-ups that were answered from memory, or by what another was loading.
    pub hits: u64,
    /// Look-ups that loaded what they asked for.
    pub misses: u64,
}

/// A cache that counts and loads.
///
/// A load is entered in `loading` before it begins, and only what is still entered when it ends is
/// kept; a change strikes it out. So nobody who comes after a change gets what was loaded before it;
/// who waited already may.
pub(crate) struct Shelf<K, V> {
    cache: Cache<K, V, Weigh>,
    /// Held for moments only; what is kept and what is dropped goes by its order.
    loading: Mutex<HashMap<K, Receiver<Outcome<V>>>>,
    hits: Counter,
    misses: Counter,
}

/// What became of a load, once it has ended.
type Outcome<V> = Option<Result<Option<V>, Arc<ApiError>>>;

/// What one who looks is to do.
enum Look<V> {
    Take(V),
    Wait(Receiver<Outcome<V>>),
    Load(Sender<Outcome<V>>),
}

/// A load that is entered; it is struck out when this is dropped.
struct Load<'a, K: Eq + Hash, V> {
    shelf: &'a Shelf<K, V>,
    key: &'a K,
    told: Sender<Outcome<V>>,
}

impl<K: Clone + Eq + Hash, V: Clone> Shelf<K, V>
where
    Weigh: Weighter<K, V>,
{
    /// Room for `bytes`, for things of `typical` bytes each.
    pub(crate) fn new(bytes: u64, typical: u64) -> Self {
        let items = usize::try_from(bytes / typical).unwrap_or(usize::MAX).max(1);
        Self {
            cache: Cache::with_weighter(items, bytes, Weigh),
            loading: Mutex::default(),
            hits: Counter::default(),
            misses: Counter::default(),
        }
    }

    /// What is there.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let found = self.cache.get(key)?;
        self.hits.add_one();
        Some(found)
    }

    /// What is there, or what `load` finds. All who ask while it is being loaded share the one
    /// outcome; that there is none, or an error, is not remembered. If the one that loads goes away,
    /// another begins anew.
    pub(crate) async fn get_or_load(
        &self,
        key: &K,
        load: impl Future<Output = Result<Option<V>, ApiError>>,
    ) -> Result<Option<V>, ApiError> {
        loop {
            match self.look(key) {
                Look::Take(found) => {
                    self.hits.add_one();
                    return Ok(Some(found));
                }
                Look::Wait(mut outcome) => {
                    let ended = outcome.wait_for(Option::is_some).await;
                    if let Some(outcome) = ended.ok().and_then(|it| it.clone()) {
                        self.hits.add_one();
                        return outcome.map_err(|error| error.for_another());
                    }
                }
                Look::Load(told) => {
                    self.misses.add_one();
                    let entered = Load { shelf: self, key, told };
                    let loaded = load.await;
                    entered.end(&loaded);
                    return loaded;
                }
            }
        }
    }

    /// Drops one thing, which changed.
    pub(crate) fn remove(&self, key: &K) {
        let mut loading = self.loading();
        loading.remove(key);
        self.cache.remove(key);
    }

    /// Drops many: all but those that `keep` keeps. Of what is being loaded only the key is known.
    pub(crate) fn retain(&self, keep: impl Fn(&K, Option<&V>) -> bool) {
        let mut loading = self.loading();
        loading.retain(|key, _| keep(key, None));
        self.cache.retain(|key, it| keep(key, Some(it)));
    }

    /// Drops all.
    pub(crate) fn clear(&self) {
        let mut loading = self.loading();
        loading.clear();
        self.cache.clear();
    }

    pub(crate) fn vitals(&self) -> Vitals {
        Vitals {
            items: self.cache.len(),
            bytes: self.cache.weight(),
            hits: self.hits.value(),
            misses: self.misses.value(),
        }
    }

    fn look(&self, key: &K) -> Look<V> {
        let mut loading = self.loading();
        if let Some(found) = self.cache.get(key) {
            return Look::Take(found);
        }
        if let Some(outcome) = loading.get(key) {
            return Look::Wait(outcome.clone());
        }
        let (told, outcome) = watch::channel(None);
        loading.insert(key.clone(), outcome);
        Look::Load(told)
    }
}

impl<K: Eq + Hash, V> Shelf<K, V> {
    fn loading(&self) -> MutexGuard<'_, HashMap<K, Receiver<Outcome<V>>>> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Load<'_, K, V>
where
    Weigh: Weighter<K, V>,
{
    fn end(self, loaded: &Result<Option<V>, ApiError>) {
        let mut loading = self.shelf.loading();
        if self.strike_out(&mut loading)
            && let Ok(Some(it)) = loaded
        {
            self.shelf.cache.insert(self.key.clone(), it.clone());
        }
        drop(loading);
        let outcome = match loaded {
            Ok(it) => Ok(it.clone()),
            Err(error) => Err(Arc::new(error.for_another())),
        };
        self.told.send_replace(Some(outcome));
    }
}

impl<K: Eq + Hash, V> Load<'_, K, V> {
    /// Answers whether it was still entered.
    fn strike_out(&self, loading: &mut HashMap<K, Receiver<Outcome<V>>>) -> bool {
        let own = self.told.subscribe();
        let entered = loading.get(self.key).is_some_and(|it| it.same_channel(&own));
        entered && loading.remove(self.key).is_some()
    }
}

impl<K: Eq + Hash, V> Drop for Load<'_, K, V> {
    fn drop(&mut self) {
        self.strike_out(&mut self.shelf.loading());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use tokio::sync::oneshot;
    use yaoku_model::ids::KeyId;
    use yaoku_store::StoreError;
    use yaoku_wire::error::Code;

    use super::{ApiError, Shelf};

    type Found = Result<Option<KeyId>, ApiError>;

    /// A call that looks for a thing, and what its load will find.
    struct Call<'a> {
        looking: Pin<Box<dyn Future<Output = Found> + 'a>>,
        load: oneshot::Sender<Found>,
    }

    impl<'a> Call<'a> {
        /// A call that has begun, and loads or waits.
        fn begin(shelf: &'a Shelf<u32, KeyId>, key: &'a u32) -> Self {
            let (load, loaded) = oneshot::channel();
            let looking = shelf.get_or_load(key, async { loaded.await.unwrap() });
            let mut call = Self { looking: Box::pin(looking), load };
            assert!(call.look().is_pending());
            call
        }

        fn look(&mut self) -> Poll<Found> {
            self.looking.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        }

        /// Its load ends, and so does it.
        fn load(self, found: Found) -> Found {
            let Self { mut looking, load } = self;
            load.send(found).unwrap();
            let ended = looking.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(found) = ended else { panic!("it did not load") };
            found
        }

        fn has_ended(&mut self) -> Found {
            let Poll::Ready(found) = self.look() else { panic!("it waits") };
            found
        }
    }

    fn id(name: &str) -> KeyId {
        name.parse().unwrap()
    }

    fn shelf() -> Shelf<u32, KeyId> {
        Shelf::new(1 << 20, 160)
    }

    #[test]
    fn all_who_ask_at_once_share_one_load() {
        let shelf = shelf();
        let first = Call::begin(&shelf, &1);
        let mut others: Vec<_> = (0..5).map(|_| Call::begin(&shelf, &1)).collect();
        let mut of_another = Call::begin(&shelf, &2);
        assert_eq!(first.load(Ok(Some(id("a")))).unwrap(), Some(id("a")));
        for it in &mut others {
            assert_eq!(it.has_ended().unwrap(), Some(id("a")));
        }
        assert!(of_another.look().is_pending());
        assert_eq!(shelf.get(&1), Some(id("a")));
        assert_eq!((shelf.vitals().misses, shelf.vitals().hits), (2, 6));
    }

    #[test]
    fn an_error_or_nothing_is_told_to_who_waits_and_not_remembered() {
        let shelf = shelf();
        let (first, mut other) = (Call::begin(&shelf, &1), Call::begin(&shelf, &1));
        first.load(Err(StoreError::Conflict.into())).unwrap_err();
        assert!(other.has_ended().unwrap_err().is_conflict());
        let (first, mut other) = (Call::begin(&shelf, &1), Call::begin(&shelf, &1));
        first.load(Err(ApiError::caused(Code::InternalFailure, "broken"))).unwrap_err();
        let told = other.has_ended().unwrap_err();
        assert_eq!(told.code(), Code::InternalFailure);
        assert_eq!(told.cause().unwrap().to_string(), "broken");
        let (first, mut other) = (Call::begin(&shelf, &1), Call::begin(&shelf, &1));
        assert_eq!(first.load(Ok(None)).unwrap(), None);
        assert_eq!(other.has_ended().unwrap(), None);
        let again = Call::begin(&shelf, &1).load(Ok(Some(id("a"))));
        assert_eq!(again.unwrap(), Some(id("a")));
    }

    #[test]
    fn what_others_change_meanwhile_does_no_harm() {
        let shelf = shelf();
        let first = Call::begin(&shelf, &1);
        shelf.remove(&2);
        shelf.retain(|key, _| *key == 1);
        first.load(Ok(Some(id("a")))).unwrap();
        assert_eq!(shelf.get(&1), Some(id("a")));
    }

    /// However the loads before and after a change end, what is kept is from after it, and so is what
    /// those get who come after it.
    #[test]
    fn what_was_loaded_before_a_change_is_not_there_after_it() {
        let changes: [fn(&Shelf<u32, KeyId>); 3] =
            [|it| it.remove(&1), |it| it.retain(|_, found| found.is_some()), Shelf::clear];
        for change in changes {
            for old_ends_first in [true, false] {
                let shelf = shelf();
                let (old, mut with_old) = (Call::begin(&shelf, &1), Call::begin(&shelf, &1));
                change(&shelf);
                let (new, mut with_new) = (Call::begin(&shelf, &1), Call::begin(&shelf, &1));
                let mut new = Some(new);
                let mut end_new = || new.take().map(|it| it.load(Ok(Some(id("new")))).unwrap());
                if !old_ends_first {
                    end_new();
                }
                assert_eq!(old.load(Ok(Some(id("old")))).unwrap(), Some(id("old")));
                assert_eq!(with_old.has_ended().unwrap(), Some(id("old")), "it came before");
                if old_ends_first {
                    assert_eq!(shelf.get(&1), None);
                    let mut last = Call::begin(&shelf, &1);
                    end_new();
                    assert_eq!(last.has_ended().unwrap(), Some(id("new")));
                }
                assert_eq!(with_new.has_ended().unwrap(), Some(id("new")));
                assert_eq!(shelf.get(&1), Some(id("new")));
            }
        }
    }

    #[test]
    fn if_who_loads_goes_away_another_does() {
        let shelf = shelf();
        let (first, mut other) = (Call::begin(&shelf, &1), Call::begin(&shelf, &1));
        let mut third = Call::begin(&shelf, &1);
        drop(first);
        assert!(other.look().is_pending());
        assert!(third.look().is_pending());
        assert_eq!(other.load(Ok(Some(id("a")))).unwrap(), Some(id("a")));
        assert_eq!(third.has_ended().unwrap(), Some(id("a")));
    }

    #[test]
    fn one_that_goes_away_after_a_change_strikes_out_no_other() {
        let shelf = shelf();
        let old = Call::begin(&shelf, &1);
        shelf.remove(&1);
        let new = Call::begin(&shelf, &1);
        drop(old);
        let mut with_new = Call::begin(&shelf, &1);
        new.load(Ok(Some(id("new")))).unwrap();
        assert_eq!(with_new.has_ended().unwrap(), Some(id("new")));
        assert_eq!(shelf.get(&1), Some(id("new")));
    }
}
