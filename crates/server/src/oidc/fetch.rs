//! Fetching an identity provider's keys.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use rustls::RootCertStore;
use serde::Deserialize;

use super::jwks::{KeySet, MAX_KEY_SET};
use crate::outbound::{Outbound, OutboundError, Place};

/// Where a provider says what it has. Source: `OpenID` Connect Discovery §4.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Fetches keys.
pub struct Fetcher(Outbound);

/// Why there are no keys, for the log.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server was not called, or did not answer.
    #[error(transparent)]
    Call(#[from] OutboundError),
    /// It is no `https` URL without user, query and fragment.
    #[error("{0:?} is no https URL to fetch from")]
    Url(String),
    /// The provider does not call itself what we call it, or has no keys.
    #[error("{0}")]
    Content(&'static str),
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

/// Whether a text is a URL that keys may be fetched from.
pub(crate) fn is_https(url: &str) -> bool {
    place(url).is_ok()
}

fn place(url: &str) -> Result<Place, FetchError> {
    let place = Place::of(url).ok().filter(|it| !it.has_query());
    place.ok_or_else(|| FetchError::Url(url.chars().take(256).collect()))
}

impl Fetcher {
    /// Trusts these certificates. `private`: addresses that are not public may be called too.
    pub fn new(roots: RootCertStore, private: bool) -> Result<Self, rustls::Error> {
        Outbound::new(roots, private).map(Self)
    }

    /// The keys of an issuer, as it says where they are.
    pub(super) async fn keys(&self, issuer: &str) -> Result<KeySet, FetchError> {
        let about = self.text(&format!("{}{WELL_KNOWN}", issuer.trim_end_matches('/'))).await?;
        let about: Discovered = serde_json::from_str(&about)
            .map_err(|_| FetchError::Content("the provider does not describe itself"))?;
        if about.issuer != issuer {
            return Err(FetchError::Content("the provider calls itself otherwise"));
        }
        let keys = self.text(&about.jwks_uri).await?;
        KeySet::parse(&keys).ok_or(FetchError::Content("the provider has no key of use here"))
    }

    async fn text(&self, url: &str) -> Result<String, FetchError> {
        let mut request = Request::new(Full::new(Bytes::new()));
        let json = header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, json);
        let body = self.0.call(&place(url)?, request, MAX_KEY_SET).await?;
        String::from_utf8(body.into()).map_err(|_| FetchError::Content("the answer is no text"))
    }
}

#[cfg(test)]
mod tests {
    use super::is_https;

    #[test]
    fn keys_are_not_fetched_from_urls_with_a_query() {
        assert!(is_https("https://issuer.example/a"));
        assert!(!is_https("https://issuer.example/?a=b"));
        assert!(!is_https("http://issuer.example"));
    }
}
