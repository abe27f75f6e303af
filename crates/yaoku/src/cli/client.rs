//! One signed call to a server.

use std::{io::Write as _, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::{Request, Uri, header, uri::Scheme};
use http_body_util::Full;
use rustls::{ClientConfig, pki_types::ServerName};
use secrecy::ExposeSecret;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use yaoku_model::time::Clock as _;
use yaoku_server::{api::Product, process::SystemRandom};
use yaoku_wire::rpc::{Credentials, Format, Outgoing, Signed, sign_v3};

use super::{
    misuse,
    options::Reach,
    profile::{self, Caller, Key, Means},
    session::{self, Held},
};
use crate::{
    clock::{MachineClock, environment},
    exchange::{Answer, exchange},
    screen::harmless,
    trust::roots,
};

/// Who calls which server.
pub(super) struct Client {
    server: Server,
    caller: Caller,
    /// `None`: no TLS.
    tls: Option<TlsConnector>,
    user_agent: String,
    connecting: Duration,
    answering: Duration,
    /// The session to call with, if it takes one.
    session: Held,
}

/// Where a server is.
pub(super) struct Server {
    /// Host and port, as `Host` has them.
    authority: String,
    host: String,
    port: u16,
    tls: bool,
}

impl Client {
    /// Finds caller and server. Nothing is sent yet.
    pub(super) fn open(reach: &Reach) -> anyhow::Result<Self> {
        // What is no text is no setting of ours.
        let environment = environment()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::of(reach, profile::find(reach, &environment)?)
    }

    /// The same of who calls what takes no signature.
    pub(super) fn anonymous(reach: &Reach) -> anyhow::Result<Self> {
        Self::of(reach, profile::NOBODY)
    }

    fn of(reach: &Reach, mut caller: Caller) -> anyhow::Result<Self> {
        caller.region = reach.region.clone().or(caller.region);
        let endpoint = reach.endpoint.as_deref().or(caller.endpoint.as_deref());
        let server = endpoint.ok_or_else(|| misuse("no server to call: give --endpoint"))?;
        let server = Server::parse(server, reach.insecure)?;
        let ca = reach.ca.as_deref().or(caller.ca.as_deref());
        let tls = if server.tls { Some(connector(ca)?) } else { None };
        let own = concat!("yaoku/", env!("CARGO_PKG_VERSION"));
        let user_agent =
            reach.user_agent.as_ref().map_or(own.to_owned(), |it| format!("{own} {it}"));
        let seconds = |it: u32| Duration::from_secs(it.into());
        let (connecting, answering) = (seconds(reach.connect_timeout), seconds(reach.read_timeout));
        if reach.verbose {
            let by = caller.means.to_string();
            let (at, by, found) = (&server.authority, harmless(&by), &caller.found);
            writeln!(std::io::stderr(), "yaoku: calling {at} as {by}, from {found}")?;
        }
        let session = Held::default();
        Ok(Self { server, caller, tls, user_agent, connecting, answering, session })
    }

    /// Calls an operation. A refusal is a [`Refused`](crate::exchange::Refused).
    pub(super) async fn call(
        &self,
        product: Product,
        action: &str,
        params: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let key = match &self.caller.means {
            Means::Key(key) => Some(key.clone()),
            Means::Uri(uri) => {
                let fetched = timeout(self.answering, session::fetched(uri));
                let fetched = async { fetched.await.context("no session within its time")? };
                Some(self.session.key(fetched, "").await?)
            }
            Means::Role { role, session, seconds, by } => {
                let params = [
                    ("RoleArn", &**role),
                    ("RoleSessionName", session),
                    ("DurationSeconds", seconds),
                ];
                let begun = self.call_as(Some(by), Product::Sts, "AssumeRole", &params);
                Some(self.session.key(begun, "/Credentials").await?)
            }
            Means::Nothing => None,
        };
        self.call_as(key.as_ref(), product, action, params).await
    }

    async fn call_as(
        &self,
        key: Option<&Key>,
        product: Product,
        action: &str,
        params: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let request = self.request(&self.sign(key, product, action, params)?)?;
        let slow = |what, it: Duration| anyhow!("no {what} within {} seconds", it.as_secs());
        let Server { authority, host, port, .. } = &self.server;
        let stream = timeout(self.connecting, TcpStream::connect((host.as_str(), *port))).await;
        let stream = stream.map_err(|_| slow("connection", self.connecting))?;
        let stream = stream.with_context(|| format!("{authority} cannot be reached"))?;
        let answer = match &self.tls {
            None => timeout(self.answering, exchange(stream, request)).await,
            Some(tls) => {
                let name = ServerName::try_from(host.clone())?;
                let shaken = timeout(self.connecting, tls.connect(name, stream)).await;
                let shaken = shaken.map_err(|_| slow("TLS handshake", self.connecting))?;
                let stream = shaken.with_context(|| {
                    format!("{authority} is not trusted, or speaks no TLS (--ca names a CA)")
                })?;
                timeout(self.answering, exchange(stream, request)).await
            }
        };
        Ok(answer.map_err(|_| slow("answer", self.answering))???)
    }

    /// All parameters are in the body: targets end up in the logs of proxies.
    ///
    /// Without a key it is not signed.
    fn sign(
        &self,
        key: Option<&Key>,
        product: Product,
        action: &str,
        params: &[(&str, &str)],
    ) -> anyhow::Result<Signed> {
        let named = params.iter().any(|(name, _)| *name == "RegionId");
        let region = self.caller.region.as_deref().filter(|_| !named);
        let form: Vec<_> =
            params.iter().copied().chain(region.map(|it| ("RegionId", it))).collect();
        let call = Outgoing {
            method: "POST",
            host: &self.server.authority,
            action,
            version: product.version(),
            format: Format::Json,
            query: &[],
            form: &form,
        };
        let by = Credentials {
            access_key_id: key.map_or("", |it| &it.id),
            secret: key.map_or(&[], |it| it.secret.expose_secret().as_bytes()),
            security_token: key.and_then(|it| it.token.as_ref()).map(ExposeSecret::expose_secret),
        };
        let nonce = yaoku_model::ids::uuid(&SystemRandom)?;
        let mut signed = sign_v3(&call, &by, MachineClock.now(), &nonce);
        if key.is_none() {
            signed.headers.retain(|(name, _)| *name != "authorization");
        }
        Ok(signed)
    }

    fn request(&self, signed: &Signed) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::post(signed.target.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, &self.user_agent);
        for (name, value) in &signed.headers {
            request = request.header(*name, value.as_str());
        }
        let body = Bytes::copy_from_slice(&signed.body);
        request.body(Full::new(body)).map_err(|_| misuse("what was given makes no request"))
    }
}

impl Server {
    /// Reads an endpoint. Without `insecure`, one without TLS must be on this machine.
    pub(super) fn parse(text: &str, insecure: bool) -> anyhow::Result<Self> {
        let bad = || misuse(format!("{text:?} is no endpoint: HOST:PORT, or https://HOST:PORT"));
        let url = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        let known = tls || uri.scheme() == Some(&Scheme::HTTP);
        let authority = uri.authority().filter(|it| known && !it.as_str().contains('@'));
        let authority = authority.ok_or_else(bad)?;
        if uri.path() != "/" || uri.query().is_some() {
            return Err(bad());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if !tls && !insecure && !is_loopback(&host) {
            return Err(misuse(format!(
                "{text} would send everything in the clear: use https, or --insecure"
            )));
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { authority: authority.to_string(), host, port, tls })
    }

    /// Whether it is on another machine.
    pub(super) fn is_elsewhere(&self) -> bool {
        let here = self.host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_unspecified());
        !here && !is_loopback(&self.host)
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

fn connector(ca: Option<&Path>) -> anyhow::Result<TlsConnector> {
    let roots = roots(ca)?;
    if roots.is_empty() {
        return Err(misuse("there is nothing to trust the server by: give --ca FILE"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let settings =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let settings = settings.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(settings)))
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in [
            "",
            "a b",
            "ftp://a",
            "https://",
            "https://user@a",
            "https://a/path",
            "a?b",
            "http://kms.example:80",
            "http://10.0.0.1",
        ] {
            assert!(Server::parse(text, false).is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_https_unless_it_says_otherwise() {
        for (text, insecure, expected) in [
            ("kms.example:8443", false, ("kms.example:8443", "kms.example", 8443, true)),
            ("kms.example", false, ("kms.example", "kms.example", 443, true)),
            ("https://[::1]:1/", false, ("[::1]:1", "::1", 1, true)),
            ("http://127.0.0.1:8080", false, ("127.0.0.1:8080", "127.0.0.1", 8080, false)),
            ("http://localhost", false, ("localhost", "localhost", 80, false)),
            ("http://kms.example", true, ("kms.example", "kms.example", 80, false)),
        ] {
            let it = Server::parse(text, insecure).unwrap();
            assert_eq!((&*it.authority, &*it.host, it.port, it.tls), expected);
        }
    }
}
