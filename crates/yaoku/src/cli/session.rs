//! A session to call with, where no access key is given but a way to come by one: an address that hands
//! sessions out (`ALIBABA_CLOUD_CREDENTIALS_URI`), or a role to take on. Source: identity.md §1.9.

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, Uri, header, uri::Scheme};
use http_body_util::Full;
use tokio::{net::TcpStream, sync::Mutex};
use yaoku_model::time::{Clock as _, Timestamp};

use super::{client::is_loopback, misuse, profile::Key};
use crate::{
    clock::MachineClock,
    exchange::{Answer, exchange},
};

/// Seconds for which a session must be good yet. Our choice.
const SPARE: i64 = 60;

/// The session that was come by last.
#[derive(Default)]
pub(super) struct Held(Mutex<Option<(Key, Timestamp)>>);

impl Held {
    /// The session, or the one that `begin` answers if it is over.
    pub(super) async fn key(
        &self,
        begin: impl Future<Output = anyhow::Result<Answer>>,
        path: &str,
    ) -> anyhow::Result<Key> {
        let mut held = self.0.lock().await;
        let until = MachineClock.now().plus_seconds(SPARE);
        if let Some((key, _)) = held.as_ref().filter(|(_, ends)| until < *ends) {
            return Ok(key.clone());
        }
        let answer = begin.await?;
        let text = |name: &str| answer.text(&format!("{path}/{name}")).to_owned();
        let ends = text("Expiration").parse().ok().context("the session has no Expiration")?;
        let key = Key {
            id: text("AccessKeyId"),
            secret: text("AccessKeySecret").into(),
            token: Some(text("SecurityToken").into()),
        };
        *held = Some((key.clone(), ends));
        Ok(key)
    }
}

/// Asks an address for a session. In the clear, so on this machine only.
pub(super) async fn fetched(url: &str) -> anyhow::Result<Answer> {
    let bad = || misuse("a URI of credentials is http:// and on loopback: yaoku credentials serve");
    let uri: Uri = url.parse().map_err(|_| bad())?;
    let host = uri.host().map(|it| it.trim_start_matches('[').trim_end_matches(']'));
    let host = host.filter(|it| uri.scheme() == Some(&Scheme::HTTP) && is_loopback(it));
    let (host, authority) = host.zip(uri.authority()).ok_or_else(bad)?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await;
    let stream = stream.context("the URI of credentials cannot be reached")?;
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    let request = Request::get(path)
        .header(header::HOST, authority.as_str())
        .header(header::ACCEPT, "application/json")
        .body(Full::new(Bytes::new()))?;
    Ok(exchange(stream, request).await??)
}
