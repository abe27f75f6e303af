//! Identity providers (`OpenID` Connect): whose tokens stand for somebody, and the keys that prove it.
//!
//! A provider's keys are those that were given with it, or are fetched from it, kept for an hour and
//! fetched again when a token names another, but not more often than every half minute.

mod fetch;
mod jwks;
mod jwt;
#[cfg(test)]
mod testing;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError},
};

use tokio::sync::Mutex;
use yaoku_model::{
    identity::OidcProvider,
    ids::{AccountId, Invalid, ProviderName},
    time::Timestamp,
};
use yaoku_wire::{error::Code, params::Params};

pub use self::{
    fetch::{FetchError, Fetcher},
    jwks::KeySet,
    jwt::{BadJwt, Jwt, Vouched},
};
use crate::{error::ApiError, node::Node};

pub(crate) use self::fetch::is_https;

/// Seconds after which keys are fetched again. Our choice.
const FRESH: i64 = 3600;

/// Seconds for which keys are used if they cannot be fetched again. Our choice.
const STALE: i64 = 86_400;

/// Seconds between two tries. Our choice.
const PAUSE: i64 = 30;

/// As many providers as keys are kept of; then all are forgotten. Our choice.
const MOST: usize = 4096;

/// Keys that were fetched.
#[derive(Default)]
pub struct Oidc {
    fetcher: OnceLock<Fetcher>,
    fetched: StdMutex<HashMap<Provider, Arc<Mutex<Fetched>>>>,
}

/// Which provider; its issuer too, as it can be given another one.
type Provider = (AccountId, ProviderName, String);

#[derive(Default)]
struct Fetched {
    keys: Option<Arc<KeySet>>,
    at: i64,
    tried: i64,
}

/// Somebody whom a provider vouches for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Federated {
    /// The provider's name.
    pub provider: ProviderName,
    /// The provider as principals name it: `oidc-provider/<name>`.
    pub path: String,
    /// The issuer.
    pub issuer: String,
    /// What its token says.
    pub vouched: Vouched,
}

/// `acs:ram::<account>:oidc-provider/<name>`, taken apart.
pub(crate) fn provider_of_arn(raw: &str) -> Result<(AccountId, ProviderName), Invalid> {
    let rest = raw.strip_prefix("acs:ram::").ok_or(Invalid)?;
    let (account, path) = rest.split_once(':').ok_or(Invalid)?;
    let name = path.strip_prefix("oidc-provider/").ok_or(Invalid)?;
    Ok((account.parse()?, name.parse()?))
}

/// Whether a text is a key set that can be used here.
pub(crate) fn is_key_set(json: &str) -> bool {
    KeySet::parse(json).is_some()
}

/// Who calls with a provider's token instead of a signature: `OIDCProviderArn` and `OIDCToken`.
///
/// To a stranger, a provider that is not there is the same as one that did not make the token (our
/// choice). Source: identity.md §2.6.
pub(crate) async fn prove(
    node: &Node,
    params: &Params,
) -> Result<(AccountId, Federated), ApiError> {
    let given = |name: &str| {
        let value = params.peek(name).filter(|it| !it.is_empty());
        value.ok_or_else(|| ApiError::missing(name))
    };
    let arn = given("OIDCProviderArn")?;
    let (account, name) =
        provider_of_arn(arn).map_err(|Invalid| ApiError::invalid("OIDCProviderArn"))?;
    let token = Jwt::parse(given("OIDCToken")?).map_err(refused)?;
    let provider = node.store.read().await?.oidc_provider(&account, &name).await?;
    let provider = provider.ok_or(Code::OidcTokenInvalid)?;
    let now = node.clock.now();
    let keys = node.oidc.keys(&provider, &token, now).await?;
    if !token.is_signed_by(&keys) {
        return Err(Code::OidcTokenInvalid.into());
    }
    let vouched = token.vouches(&provider, now).map_err(refused)?;
    let path = format!("oidc-provider/{name}");
    Ok((account, Federated { provider: name, path, issuer: provider.issuer, vouched }))
}

fn refused(bad: BadJwt) -> ApiError {
    match bad {
        BadJwt::Invalid => Code::OidcTokenInvalid,
        BadJwt::Expired => Code::OidcTokenExpired,
    }
    .into()
}

impl Oidc {
    /// Fetches by `fetcher` from now on; without one, only keys that were given are known. Once.
    pub fn fetch_by(&self, fetcher: Fetcher) {
        _ = self.fetcher.set(fetcher);
    }

    /// The keys to check a token of this provider by.
    async fn keys(
        &self,
        provider: &OidcProvider,
        token: &Jwt<'_>,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, ApiError> {
        if let Some(given) = &provider.keys {
            return KeySet::parse(given).map(Arc::new).ok_or(Code::OidcKeysUnavailable.into());
        }
        let place = self.place(provider);
        // Whoever comes meanwhile waits, and finds what this one found.
        let mut fetched = place.lock().await;
        let now = now.unix_seconds();
        let fresh = |it: &&Arc<KeySet>| now - fetched.at < FRESH && it.knows(token);
        if let Some(keys) = fetched.keys.as_ref().filter(fresh) {
            return Ok(Arc::clone(keys));
        }
        if now - fetched.tried >= PAUSE {
            fetched.tried = now;
            match self.fetch(&provider.issuer).await {
                Ok(keys) => (fetched.keys, fetched.at) = (Some(Arc::new(keys)), now),
                Err(error) => {
                    let (account, provider) = (&provider.account, &provider.name);
                    tracing::warn!(%account, %provider, %error, "no keys of an identity provider");
                }
            }
        }
        let usable = fetched.keys.clone().filter(|_| now - fetched.at < STALE);
        usable.ok_or(Code::OidcKeysUnavailable.into())
    }

    async fn fetch(&self, issuer: &str) -> Result<KeySet, FetchError> {
        let none = FetchError::Content("this node fetches no keys");
        self.fetcher.get().ok_or(none)?.keys(issuer).await
    }

    fn place(&self, it: &OidcProvider) -> Arc<Mutex<Fetched>> {
        let of = (it.account.clone(), it.name.clone(), it.issuer.clone());
        let mut all = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&of) {
            all.clear();
        }
        Arc::clone(all.entry(of).or_default())
    }
}
