//! Calling servers that somebody named, over HTTPS, and at public addresses only unless the operator
//! wants otherwise: whoever may name a server must not come by what this machine can reach and they
//! cannot.
//!
//! The address that was looked at is the one that is connected to. Redirects are not followed; what
//! is read is bounded in bytes and time.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

/// How long one answer may take, from the name's look-up to its last byte, unless who calls says
/// otherwise. Our choice.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls servers.
pub(crate) struct Outbound {
    tls: TlsConnector,
    private: bool,
    patience: Duration,
}

/// Why there is no answer, for the log.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// It is no `https` URL without user and fragment.
    #[error("this is no https URL that can be called")]
    Url,
    /// The name has no address that may be called.
    #[error("{0} has no public address")]
    NotPublic(String),
    /// It took too long.
    #[error("no answer within {} seconds", .0.as_secs())]
    Slow(Duration),
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
    #[error("the answer is longer than {0} bytes")]
    Long(usize),
}

impl Outbound {
    /// Trusts these certificates. `private`: addresses that are not public may be called too.
    pub(crate) fn new(roots: RootCertStore, private: bool) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let settings =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let settings = settings.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(settings)), private, patience: PATIENCE })
    }

    /// The same, which waits so long for an answer.
    pub(crate) fn waiting(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Fails if the name of a place leads to addresses now, and to none that may be called.
    pub(crate) async fn must_be_allowed(&self, place: &Place) -> Result<(), OutboundError> {
        let found = tokio::net::lookup_host((place.host.as_str(), place.port));
        // A name that leads nowhere now may do so later.
        let Ok(Ok(mut found)) = timeout(PATIENCE, found).await else { return Ok(()) };
        if found.any(|it| self.allows(it)) {
            return Ok(());
        }
        Err(OutboundError::NotPublic(place.host.clone()))
    }

    fn allows(&self, address: SocketAddr) -> bool {
        self.private || is_public(address.ip())
    }

    /// Sends a request to a place, and reads at most `most` bytes of the body of an answer of the
    /// class 200; any other answer is an error. With 0, the body is not waited for.
    pub(crate) async fn call(
        &self,
        place: &Place,
        mut request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<Bytes, OutboundError> {
        *request.uri_mut() = place.path.clone();
        let agent = HeaderValue::from_static(concat!("yaoku/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(header::USER_AGENT, agent);
        request.headers_mut().insert(header::HOST, place.authority.clone());
        let talk = timeout(self.patience, self.talk(place, request, most));
        talk.await.map_err(|_| OutboundError::Slow(self.patience))?
    }

    async fn talk(
        &self,
        place: &Place,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<Bytes, OutboundError> {
        let found = tokio::net::lookup_host((place.host.as_str(), place.port)).await?;
        let found: Vec<_> = found.filter(|it| self.allows(*it)).take(4).collect();
        if found.is_empty() {
            return Err(OutboundError::NotPublic(place.host.clone()));
        }
        let stream = TcpStream::connect(&*found).await?;
        let name = ServerName::try_from(place.host.clone()).map_err(std::io::Error::other)?;
        let stream = self.tls.connect(name, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let _talk = Talk(tokio::spawn(connection));
        let answer: Response<_> = sender.send_request(request).await?;
        if !answer.status().is_success() {
            return Err(OutboundError::Status(answer.status()));
        }
        if most == 0 {
            return Ok(Bytes::new());
        }
        let body = Limited::new(answer.into_body(), most).collect().await;
        Ok(body.map_err(|_| OutboundError::Long(most))?.to_bytes())
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("private", &self.private).finish_non_exhaustive()
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
pub(crate) struct Place {
    authority: HeaderValue,
    host: String,
    port: u16,
    /// With the query.
    path: Uri,
}

impl Place {
    /// Of an `https` URL without user and fragment.
    pub(crate) fn of(url: &str) -> Result<Self, OutboundError> {
        let bad = || OutboundError::Url;
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().filter(|it| !it.as_str().contains('@'));
        let authority = authority.ok_or_else(bad)?;
        if uri.scheme() != Some(&Scheme::HTTPS) || url.contains('#') {
            return Err(bad());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(bad());
        }
        let path = uri.path_and_query().map_or("/", |it| it.as_str());
        Ok(Self {
            authority: authority.as_str().parse().map_err(|_| bad())?,
            host,
            port: authority.port_u16().unwrap_or(443),
            path: path.parse().map_err(|_| bad())?,
        })
    }

    /// The name or address of its server.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether anything follows the path.
    pub(crate) fn has_query(&self) -> bool {
        self.path.query().is_some()
    }
}

/// Its path and query may be what lets others in.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("host", &self.host).finish_non_exhaustive()
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
    fn only_plain_https_urls_are_called() {
        for url in [
            "",
            "http://issuer.example",
            "https://",
            "https://user@issuer.example",
            "https://issuer.example/#a",
            "file:///etc/passwd",
            "issuer.example",
        ] {
            assert!(Place::of(url).is_err(), "{url}");
        }
        let place = Place::of("https://[2606:4700::1]:8443/a/b?c=d").unwrap();
        assert_eq!((place.host(), place.port), ("2606:4700::1", 8443));
        assert_eq!(place.path.to_string(), "/a/b?c=d");
        assert!(place.has_query() && !format!("{place:?}").contains("c=d"));
        assert_eq!(Place::of("https://issuer.example").unwrap().port, 443);
    }
}
