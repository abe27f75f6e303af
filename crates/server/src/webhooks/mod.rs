//! Webhooks: servers that are told of notices. Source: console.md C.8; how they are called is our own,
//! and is in `docs/webhooks.md`.
//!
//! What a webhook is still to be told is in the store from the moment the notice is left, so neither a
//! server that is away nor a node that dies loses any of it. Whichever node finds it due puts it off
//! for as long as it may take, and tells it then: others leave it alone meanwhile. So it arrives at
//! least once, and once only unless a node dies or the store is away just then. Each webhook has a
//! task of its own: none waits for another.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::Full;
use rustls::RootCertStore;
use tokio::task::JoinSet;
use yaoku_model::time::Timestamp;
use yaoku_store::{Delivery, StoreError};

use crate::{
    error::ApiError,
    node::Node,
    notices::NAMES,
    outbound::{Outbound, OutboundError, Place},
    rotation::password::pause,
};

/// How often there is a look for what is due. Our choice.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// Bytes of the shortest secret. Our choice.
pub const MIN_SECRET: usize = 16;

/// How many notices a webhook is told at once.
const AT_ONCE: i64 = 8;

/// Seconds for which a node has a delivery for itself: longer than a call may take.
const HELD: i64 = 30;

/// Seconds after which a notice is given up that could not be delivered: three days. Our choice.
pub(crate) const GIVE_UP: i64 = 3 * 86_400;

/// When it was sent, in seconds since 1970: part of what is signed, so that who listens can refuse
/// what is old.
const TIMESTAMP: &str = "x-yaoku-timestamp";

/// `v1=`, and the HMAC-SHA256 of the timestamp, a dot and the body, hexadecimal.
const SIGNATURE: &str = "x-yaoku-signature";

/// An id of what is told: the same if it is told again.
const EVENT: &str = "x-yaoku-event-id";

/// A server that is told of notices.
pub struct Webhook {
    /// A digest of its URL: what the store knows it by.
    id: String,
    place: Place,
    names: Vec<String>,
    key: hmac::Key,
    outbound: Outbound,
}

/// Why something is no webhook.
#[derive(Debug, thiserror::Error)]
pub enum BadWebhook {
    /// Its URL.
    #[error("its url must be https://… without user and fragment")]
    Url,
    /// Its secret.
    #[error("its secret is shorter than {MIN_SECRET} bytes")]
    Secret,
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

/// Whether a text is a URL that a webhook may have.
#[must_use]
pub fn is_url(url: &str) -> bool {
    Place::of(url).is_ok()
}

/// Whether a text is what [`Webhook::new`] takes as a name, and fits some notice there is.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.matches('*').count() < 2 && NAMES.iter().any(|it| fits(text, it))
}

/// How servers are reached and trusted.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The certificates that they are trusted by.
    pub roots: RootCertStore,
    /// Whether they may be at addresses that are not public.
    pub private: bool,
}

impl Webhook {
    /// Told, at `url`, of notices whose name is one of `names`, where one `*` stands for anything;
    /// of all if there is none. What is sent is signed with `secret`.
    pub fn new(
        url: &str,
        names: Vec<String>,
        secret: &[u8],
        reach: Reach,
    ) -> Result<Self, BadWebhook> {
        if secret.len() < MIN_SECRET {
            return Err(BadWebhook::Secret);
        }
        Ok(Self {
            id: hex::encode(digest::digest(&digest::SHA256, url.as_bytes())),
            place: Place::of(url).map_err(|_| BadWebhook::Url)?,
            names,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            outbound: Outbound::new(reach.roots, reach.private)?,
        })
    }

    /// What the store knows it by.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is told of notices of this name.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|it| fits(it, name))
    }

    /// Tells it one notice.
    async fn tell(&self, it: &Delivery, now: Timestamp) -> Result<(), OutboundError> {
        let mut request = Request::new(Full::new(Bytes::from(it.body.clone())));
        *request.method_mut() = Method::POST;
        let headers = headers(&self.key, &it.notice, it.body.as_bytes(), now);
        *request.headers_mut() = headers.ok_or(OutboundError::Url)?;
        self.outbound.call(&self.place, request, 0).await.map(drop)
    }
}

/// The headers of what is sent: signed with `key`, under an id that is the same if it is sent again.
/// `None` if that id cannot be in a header.
pub(crate) fn headers(key: &hmac::Key, id: &str, body: &[u8], now: Timestamp) -> Option<HeaderMap> {
    let at = now.unix_seconds().to_string();
    let mut signed = hmac::Context::with_key(key);
    for part in [at.as_bytes(), b".", body] {
        signed.update(part);
    }
    let signature = hex::encode(signed.sign());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(TIMESTAMP, at.parse().ok()?);
    headers.insert(SIGNATURE, format!("v1={signature}").parse().ok()?);
    headers.insert(EVENT, id.parse().ok()?);
    Some(headers)
}

/// Nothing of its secret, nor of the path of its URL, which may be one.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("place", &self.place)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, end)) = pattern.split_once('*') else { return pattern == name };
    name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end))
}

/// Tells a webhook what is due; answers whether there may be more.
pub(crate) async fn round(node: &Node, webhook: &Arc<Webhook>) -> Result<bool, ApiError> {
    // One reading for all: nothing is put off further because its call took long.
    let now = node.clock.now();
    let due = take(node, webhook, now).await?;
    let more = i64::try_from(due.len()) == Ok(AT_ONCE);
    if due.is_empty() {
        return Ok(false);
    }
    let mut told = JoinSet::new();
    for it in due {
        let webhook = Arc::clone(webhook);
        told.spawn(async move {
            let result = webhook.tell(&it, now).await;
            (it, result)
        });
    }
    let told = told.join_all().await;
    let failed = told.iter().all(|(_, result)| result.is_err());
    note(node, webhook, told, now).await?;
    Ok(more && !failed)
}

/// What is due, for this node alone for a while.
async fn take(node: &Node, webhook: &Webhook, now: Timestamp) -> Result<Vec<Delivery>, StoreError> {
    let id = webhook.id();
    if node.store.read().await?.due_deliveries(id, now, 1).await?.is_empty() {
        return Ok(Vec::new());
    }
    // It stands before what changed meanwhile: another node that takes the same row conflicts, and a
    // notice that is gone leaves nothing to update.
    let mut tx = node.store.write_one().await?;
    let due = tx.due_deliveries(id, now, AT_ONCE).await?;
    for it in &due {
        tx.put_off_delivery(id, &it.notice, it.tries, now.plus_seconds(HELD)).await?;
    }
    tx.commit().await?;
    Ok(due)
}

/// Writes down what arrived, and when the rest is tried again.
async fn note(
    node: &Node,
    webhook: &Webhook,
    told: Vec<(Delivery, Result<(), OutboundError>)>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let (id, host) = (webhook.id(), webhook.place.host());
    let mut tx = node.store.write_one().await?;
    for (it, result) in told {
        let notice = &it.notice;
        let Err(error) = result else {
            tx.delete_delivery(id, notice).await?;
            continue;
        };
        if now.unix_seconds() - it.at.unix_seconds() >= GIVE_UP {
            tracing::error!(host, notice, %error, "a webhook was not told of a notice: given up");
            tx.delete_delivery(id, notice).await?;
            continue;
        }
        tracing::warn!(host, notice, tries = it.tries, %error, "a webhook was not told of a notice");
        let due = now.plus_seconds(pause(&*node.random, it.tries)?);
        tx.put_off_delivery(id, notice, it.tries + 1, due).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
