//! Fetching an identity provider's keys, over HTTPS and from public addresses only: whoever may name
//! a provider must not come by what this machine can reach and they cannot.
//!
//! The address that was looked at is the one that is connected to. Redirects are not followed; what
//! is read is bounded in bytes and time.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::jwks::{KeySet, MAX_KEY_SET};

/// How long one answer may take, from the name's look-up to its last byte. Our choice.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a provider says what it has. Source: `OpenID` Connect Discovery §4.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Fetches keys.
pub struct Fetcher {
    tls: TlsConnector,
    private: bool,
}

/// Why there are no keys, for the log.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is no `https` URL without user, query and fragment.
    #[error("{0:?} is no https URL to fetch from")]
    Url(String),
    /// The name has no address that may be called.
    #[error("{0} has no public address")]
    NotPublic(String),
    /// It took too long.
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    Slow,
    /// The connection.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    /// The conversation.
    #[error("the answer cannot be read: {0}")]
    Http(#[from] hyper::Error),
    /// Not what was asked for.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// More than is read.
    #[error("the answer is longer than {MAX_KEY_SET} bytes")]
    Long,
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
    Place::of(url).is_ok()
}

impl Fetcher {
    /// Trusts these certificates. `private`: addresses that are not public may be called too.
    pub fn new(roots: RootCertStore, private: bool) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let settings =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let settings = settings.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(settings)), private })
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
        let place = Place::of(url)?;
        timeout(PATIENCE, self.fetch(&place)).await.map_err(|_| FetchError::Slow)?
    }

    async fn fetch(&self, place: &Place) -> Result<String, FetchError> {
        let found = tokio::net::lookup_host((place.host.as_str(), place.port)).await?;
        let allowed = |it: &SocketAddr| self.private || is_public(it.ip());
        let found: Vec<_> = found.filter(allowed).take(4).collect();
        if found.is_empty() {
            return Err(FetchError::NotPublic(place.host.clone()));
        }
        let stream = TcpStream::connect(&*found).await?;
        let name = ServerName::try_from(place.host.clone()).map_err(std::io::Error::other)?;
        let stream = self.tls.connect(name, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let _talk = Talk(tokio::spawn(connection));
        let request = Request::get(place.path.as_str())
            .header(header::HOST, place.authority.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("yaoku/", env!("CARGO_PKG_VERSION")))
            .body(Empty::<Bytes>::new());
        let request = request.map_err(|_| FetchError::Url(place.path.clone()))?;
        let answer = sender.send_request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_KEY_SET).collect().await;
        let body = body.map_err(|_| FetchError::Long)?.to_bytes();
        String::from_utf8(body.into()).map_err(|_| FetchError::Content("the answer is no text"))
    }
}

/// The task of a connection: it ends with what it was for.
struct Talk(tokio::task::JoinHandle<Result<(), hyper::Error>>);

impl Drop for Talk {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where a URL leads.
struct Place {
    authority: String,
    host: String,
    port: u16,
    path: String,
}

impl Place {
    fn of(url: &str) -> Result<Self, FetchError> {
        let bad = || FetchError::Url(url.chars().take(256).collect());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().filter(|it| !it.as_str().contains('@'));
        let authority = authority.ok_or_else(bad)?;
        if uri.scheme() != Some(&Scheme::HTTPS) || uri.query().is_some() || url.contains('#') {
            return Err(bad());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(bad());
        }
        let (port, path) = (authority.port_u16().unwrap_or(443), uri.path().to_owned());
        Ok(Self { authority: authority.to_string(), host, port, path })
    }
}

/// Whether an address is one that anybody on the Internet could call. Source: IANA's registries of
/// special-purpose addresses.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => is_public_v4(it),
        IpAddr::V6(it) => is_public_v6(it),
    }
}

fn is_public_v4(it: Ipv4Addr) -> bool {
    let [a, b, c, _] = it.octets();
    // 100.64.0.0/10 is shared, among others by the metadata service of the vendor's own machines.
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(it: Ipv6Addr) -> bool {
    if let Some(it) = it.to_ipv4_mapped() {
        return is_public_v4(it);
    }
    let [a, b, ..] = it.segments();
    // What is global is in 2000::/3; of that, what leads to IPv4 addresses, and documentation.
    let global = a & 0xe000 == 0x2000;
    let special = a == 0x2002 || (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || a == 0x3fff;
    global && !special
}

#[cfg(test)]
mod tests {
    use super::{Place, is_public};

    #[test]
    fn what_is_not_public_is_not_called() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.100.100.200",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.19.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn only_plain_https_urls_are_fetched() {
        for url in [
            "",
            "http://issuer.example",
            "https://",
            "https://user@issuer.example",
            "https://issuer.example/?a=b",
            "https://issuer.example/#a",
            "file:///etc/passwd",
            "issuer.example",
        ] {
            assert!(Place::of(url).is_err(), "{url}");
        }
        let place = Place::of("https://[2606:4700::1]:8443/a/b").unwrap();
        assert_eq!((&*place.host, place.port, &*place.path), ("2606:4700::1", 8443, "/a/b"));
        assert_eq!(Place::of("https://issuer.example").unwrap().port, 443);
    }
}
