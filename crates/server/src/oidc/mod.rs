//! Identity providers (`OpenID` Connect): whose tokens stand for somebody, and the keys that prove it.
//!
//! A provider's keys are those that were given with it, or are fetched from it: see [`Oidc`].

mod fetch;
mod jwks;
mod jwt;
mod keys;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use yaoku_model::{
    identity::OidcProvider,
    ids::{AccountId, Invalid, ProviderName},
};
use yaoku_wire::{error::Code, params::Params};

pub use self::{
    fetch::{FetchError, Fetcher},
    jwks::KeySet,
    jwt::{BadJwt, Jwt, Vouched},
    keys::Oidc,
};
use crate::{error::ApiError, node::Node};

pub(crate) use self::fetch::is_https;

/// A provider, as it is cached.
#[derive(Debug)]
pub struct Known {
    /// The provider.
    pub provider: OidcProvider,
    /// The keys that were given with it.
    pub given: Option<Arc<KeySet>>,
}

impl Known {
    pub(crate) fn of(provider: OidcProvider) -> Self {
        let given = provider.keys.as_deref().and_then(KeySet::parse).map(Arc::new);
        Self { provider, given }
    }
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
/// To a stranger, a provider that is not there, or whose keys cannot be read, is the same as one that
/// did not make the token (our choice). Source: identity.md §2.6.
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
    let known = node.caches.oidc_provider(&account, &name).await?;
    let Known { provider, given } = (*known).as_ref().ok_or(Code::OidcTokenInvalid)?;
    let now = node.clock.now();
    let keys = match (given, &provider.keys) {
        (None, None) => node.oidc.keys(provider, &token, now).await,
        (given, _) => given.clone(),
    };
    if !keys.is_some_and(|it| token.is_signed_by(&it)) {
        return Err(Code::OidcTokenInvalid.into());
    }
    let vouched = token.vouches(provider, now).map_err(refused)?;
    let path = format!("oidc-provider/{name}");
    Ok((account, Federated { provider: name, path, issuer: provider.issuer.clone(), vouched }))
}

fn refused(bad: BadJwt) -> ApiError {
    match bad {
        BadJwt::Invalid => Code::OidcTokenInvalid,
        BadJwt::Expired => Code::OidcTokenExpired,
    }
    .into()
}
