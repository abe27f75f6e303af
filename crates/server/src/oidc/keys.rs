//! The keys of identity providers that are fetched: kept for an hour, fetched again in the second half
//! of it and when a token names another, but not more often than every half minute.
//!
//! A fetch is a task of its own: only who has no keys without it waits. What an account's providers
//! cause costs other accounts nothing: each has its own places, and its own number of fetches.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::sync::watch;
use yaoku_model::{
    identity::OidcProvider,
    ids::{AccountId, ProviderName},
    time::Timestamp,
};

use super::{FetchError, Fetcher, Jwt, KeySet};

/// Seconds after which keys are not used before they are fetched again. Our choice.
const FRESH: i64 = 3600;

/// Seconds after which they are fetched again while they are used. Our choice.
const YOUNG: i64 = FRESH / 2;

/// Seconds for which keys are used if they cannot be fetched again. Our choice.
const STALE: i64 = 86_400;

/// Seconds between two fetches for a provider. Our choice.
const PAUSE: i64 = 30;

/// Fetches for all providers of an account in that time. Our choice.
const FETCHES: usize = 20;

/// Providers of an account whose keys are kept; then the one that was fetched for longest ago is
/// forgotten. Our choice: more than it may have at once.
const MOST: usize = 128;

/// Keys that were fetched.
#[derive(Default)]
pub struct Oidc {
    fetcher: OnceLock<Arc<Fetcher>>,
    fetched: Arc<Accounts>,
}

type Accounts = Mutex<HashMap<AccountId, OfAccount>>;

#[derive(Default)]
struct OfAccount {
    providers: HashMap<ProviderName, Fetched>,
    /// When the last fetches began.
    began: VecDeque<i64>,
}

struct Fetched {
    /// Of which issuer; the provider can be given another.
    issuer: String,
    keys: Option<Arc<KeySet>>,
    at: i64,
    tried: i64,
    /// Closed once the fetch has ended.
    fetch: Option<watch::Receiver<()>>,
}

/// What one who looks finds.
enum Look {
    Found(Option<Arc<KeySet>>),
    Wait(watch::Receiver<()>),
}

impl Oidc {
    /// Fetches by `fetcher` from now on; without one, only keys that were given are known. Once.
    pub fn fetch_by(&self, fetcher: Fetcher) {
        _ = self.fetcher.set(Arc::new(fetcher));
    }

    /// The keys to check a token of this provider by. `None`: there are none, and the log says why.
    pub(super) async fn keys(
        &self,
        of: &OidcProvider,
        token: &Jwt<'_>,
        now: Timestamp,
    ) -> Option<Arc<KeySet>> {
        let now = now.unix_seconds();
        let mut fetch = match self.look(of, token, now) {
            Look::Found(keys) => return keys,
            Look::Wait(fetch) => fetch,
        };
        // Nothing is ever sent: it ends when the fetch does.
        _ = fetch.changed().await;
        let mut all = lock(&self.fetched);
        all.entry(of.account.clone()).or_default().provider(of).usable(now)
    }

    fn look(&self, of: &OidcProvider, token: &Jwt<'_>, now: i64) -> Look {
        let mut all = lock(&self.fetched);
        let account = all.entry(of.account.clone()).or_default();
        let may_begin = account.may_begin(now);
        let it = account.provider(of);
        let age = now - it.at;
        let keys = it.keys.clone().filter(|keys| age < FRESH && keys.knows(token));
        if keys.is_some() && age < YOUNG {
            return Look::Found(keys);
        }
        let mut running = it.fetch.clone().filter(|it| it.has_changed().is_ok());
        if running.is_none() && may_begin && now - it.tried >= PAUSE {
            it.tried = now;
            running = Some(self.begin(of, now));
            it.fetch.clone_from(&running);
            account.began.push_back(now);
        }
        match (keys, running) {
            (None, Some(fetch)) => Look::Wait(fetch),
            (None, None) => Look::Found(account.provider(of).usable(now)),
            (keys, _) => Look::Found(keys),
        }
    }

    /// Begins a fetch.
    fn begin(&self, of: &OidcProvider, now: i64) -> watch::Receiver<()> {
        let (ended, fetch) = watch::channel(());
        let (account, name, issuer) = (of.account.clone(), of.name.clone(), of.issuer.clone());
        let (by, all) = (self.fetcher.get().cloned(), Arc::clone(&self.fetched));
        tokio::spawn(async move {
            let found = match by {
                Some(by) => by.keys(&issuer).await,
                None => Err(FetchError::Content("this node fetches no keys")),
            };
            match found {
                Ok(keys) => {
                    let mut all = lock(&all);
                    let of = all.get_mut(&account).and_then(|it| it.providers.get_mut(&name));
                    if let Some(it) = of.filter(|it| it.issuer == issuer) {
                        (it.keys, it.at) = (Some(Arc::new(keys)), now);
                    }
                }
                Err(error) => {
                    tracing::warn!(%account, provider = %name, %error, "no keys of an identity provider");
                }
            }
            drop(ended);
        });
        fetch
    }
}

fn lock(accounts: &Accounts) -> MutexGuard<'_, HashMap<AccountId, OfAccount>> {
    accounts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OfAccount {
    fn may_begin(&mut self, now: i64) -> bool {
        while self.began.front().is_some_and(|it| now - it >= PAUSE) {
            self.began.pop_front();
        }
        self.began.len() < FETCHES
    }

    /// What is known of a provider's issuer. Of one that has changed nothing is, but when it was tried.
    fn provider(&mut self, of: &OidcProvider) -> &mut Fetched {
        if self.providers.len() >= MOST && !self.providers.contains_key(&of.name) {
            let oldest = self.providers.iter().min_by_key(|(_, it)| it.tried);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.providers.remove(&name);
            }
        }
        let it = self.providers.entry(of.name.clone()).or_insert_with(|| Fetched::of(&of.issuer));
        if it.issuer != of.issuer {
            let tried = it.tried;
            *it = Fetched { tried, ..Fetched::of(&of.issuer) };
        }
        it
    }
}

impl Fetched {
    fn of(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), keys: None, at: 0, tried: 0, fetch: None }
    }

    /// The last keys, if they are not too old.
    fn usable(&self, now: i64) -> Option<Arc<KeySet>> {
        self.keys.clone().filter(|_| now - self.at < STALE)
    }
}
