//! Hooks: calling what rotates a generic secret, one step at a time. How it is called is our own, and
//! is in `docs/hooks.md`; the steps are those of the vendor's function (secrets.md §7).
//!
//! Whether it is a server or a program, it is told the same `Event`, in which there is a session of
//! a role that the operator named, narrowed to this secret (`session`). What it answers is success or
//! not: nothing that it writes is read or kept, for it may hold what nobody else should see.

mod command;
mod session;

pub use command::program_fault;

use std::{process::ExitStatus, time::Duration};

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde::Serialize;
use yaoku_model::{
    arn::Arn,
    hook::{Command, Hook, Way},
    ids::{AccountId, SecretName},
    secret::{Rotation, Secret},
};
use zeroize::Zeroizing;

use crate::{
    error::ApiError,
    node::Node,
    outbound::{Outbound, OutboundError, Place},
    values::{self, Unreadable},
    webhooks::{self, MIN_SECRET, Reach},
};

/// How long a step may take. Our choice: less than a node has a rotation for itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// What this node's configuration says of hooks.
#[derive(Debug, Default)]
pub struct Hooks {
    /// What reaches servers; without it, none is called.
    outbound: Option<Outbound>,
    /// The programs that may be run, by their paths.
    commands: Vec<String>,
    /// Where hooks are told to find the API.
    endpoint: Option<String>,
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// There is none any more.
    #[error("the secret has no hook")]
    NoHook,
    /// There is no such role.
    #[error("the role that the hook is to have does not exist")]
    NoRole,
    /// What is sent cannot be signed.
    #[error("secret {0}, which signs what is sent, {1}")]
    NoKey(SecretName, String),
    /// The configuration does not say that it may be called.
    #[error("the configuration of this node does not let it be called")]
    NotAllowed,
    /// The program could not be run.
    #[error("the program cannot be run: {0}")]
    NotRun(std::io::Error),
    /// The program says that it failed.
    #[error("the program ended with {0}")]
    Ended(ExitStatus),
    /// The program took too long.
    #[error("the program took longer than {} seconds", PATIENCE.as_secs())]
    Slow,
    /// The server did not do it.
    #[error("the server did not do it: {0}")]
    Server(OutboundError),
    /// We could not do our part.
    #[error("the log has the reason")]
    Ours(ApiError),
    /// All steps were done, and the new version is not current.
    #[error("the new version is not current after the last step")]
    NotCurrent,
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        Self::Ours(error)
    }
}

impl Fault {
    /// Whether the same may succeed a little later.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::NotRun(_) | Self::Ended(_) | Self::Slow | Self::Server(_) | Self::Ours(_) => true,
            Self::NoHook | Self::NoRole | Self::NoKey(..) | Self::NotAllowed | Self::NotCurrent => {
                false
            }
        }
    }

    /// A word for events.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::NoHook => "HookNotFound",
            Self::NoRole => "RoleNotFound",
            Self::NoKey(..) => "NoSigningSecret",
            Self::NotAllowed => "HookNotAllowed",
            Self::NotRun(_) | Self::Ended(_) | Self::Server(_) => "HookFailed",
            Self::Slow => "HookTimedOut",
            Self::Ours(error) => error.code().wire(),
            Self::NotCurrent => "VersionNotCurrent",
        }
    }
}

impl Hooks {
    /// Servers are reached like this; these programs, by their paths from the root on, may be run; and
    /// hooks are told that the API is at `endpoint`.
    pub fn new(
        reach: Reach,
        commands: Vec<String>,
        endpoint: Option<String>,
    ) -> Result<Self, rustls::Error> {
        let outbound = Outbound::new(reach.roots, reach.private)?.waiting(PATIENCE);
        Ok(Self { outbound: Some(outbound), commands, endpoint })
    }

    /// Why a server will not be called, as far as that is known before: a name may lead elsewhere later,
    /// so it is looked at again at each call.
    pub(crate) async fn url_fault(&self, url: &str) -> Option<String> {
        let Some(outbound) = &self.outbound else { return Some(Fault::NotAllowed.to_string()) };
        let reached = async { outbound.must_be_allowed(&Place::of(url)?).await };
        match reached.await {
            Err(error @ OutboundError::NotPublic(_)) => {
                Some(format!("{error}, and hooks.allow_private is not set"))
            }
            done => done.err().map(|it| it.to_string()),
        }
    }

    /// Whether a program may be run.
    pub(crate) fn allow(&self, command: &Command) -> bool {
        self.commands.iter().any(|it| it == command.program())
    }
}

/// Whether a text is a URL that a hook may have: without a query, for what is in the store and shown to
/// operators should let nobody in. The signature says who calls.
pub(crate) fn is_url(url: &str) -> bool {
    Place::of(url).is_ok_and(|it| !it.has_query())
}

/// What a hook is told. The names are those of the vendor's function where it has them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    step: &'a str,
    secret_name: &'a str,
    arn: &'a str,
    version_id: &'a str,
    account_id: &'a str,
    region_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    /// The certificates that the endpoint is trusted by, PEM.
    #[serde(skip_serializing_if = "str::is_empty")]
    ca: &'a str,
    credentials: Credentials<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    access_key_id: &'a str,
    access_key_secret: &'a str,
    security_token: &'a str,
    expiration: String,
}

/// Has a hook do the step that a rotation is at.
pub(crate) async fn call(node: &Node, secret: &Secret, rotation: &Rotation) -> Result<(), Fault> {
    let step = rotation.step.of_hook().ok_or(Fault::NoHook)?;
    let hook = find(node, &secret.account, &secret.name).await?.ok_or(Fault::NoHook)?;
    if let Way::Command(command) = &hook.way
        && !node.hooks.allow(command)
    {
        return Err(Fault::NotAllowed);
    }
    let event = event(node, secret, &hook, rotation, step).await?;
    match &hook.way {
        Way::Command(it) => command::run(it, &event).await,
        Way::Webhook { url, key } => {
            let id = format!("{}/{step}", rotation.version);
            let key = signing_key(node, &hook.account, key).await?;
            send(node, url, &key, &id, event).await
        }
    }
}

/// The hook of a secret, as the store has it now.
pub(crate) async fn find(
    node: &Node,
    account: &AccountId,
    secret: &SecretName,
) -> Result<Option<Hook>, ApiError> {
    Ok(node.store.read().await?.hook(account, secret).await?)
}

/// What it is told, as JSON.
async fn event(
    node: &Node,
    secret: &Secret,
    hook: &Hook,
    rotation: &Rotation,
    step: &str,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let session = session::begin(node, secret, &hook.role, PATIENCE).await?;
    let arn = Arn::secret(&node.region, &secret.account, &secret.name);
    let event = Event {
        step,
        secret_name: secret.name.as_str(),
        arn: arn.as_str(),
        version_id: rotation.version.as_str(),
        account_id: secret.account.as_str(),
        region_id: node.region.as_str(),
        endpoint: node.hooks.endpoint.as_deref(),
        ca: &node.ca_pem,
        credentials: Credentials {
            access_key_id: session.id.as_str(),
            access_key_secret: session.secret.expose_text(),
            security_token: &session.token,
            expiration: session.expires.to_string(),
        },
    };
    let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer(&mut *text, &event)
        .map_err(|_| ApiError::caused(yaoku_wire::error::Code::InternalFailure, "an event"))?;
    Ok(text)
}

/// What a webhook's calls are signed with: the current value of a secret.
async fn signing_key(
    node: &Node,
    account: &AccountId,
    secret: &SecretName,
) -> Result<hmac::Key, Fault> {
    let no = |why: String| Fault::NoKey(secret.clone(), why);
    let value = match values::current_for_service(node, account, secret).await {
        Err(Unreadable::Ours(error)) => return Err(error.into()),
        read => read.map_err(|why| no(why.to_string()))?,
    };
    if value.expose().len() < MIN_SECRET {
        return Err(no(format!("is shorter than {MIN_SECRET} bytes")));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, value.expose()))
}

/// Calls a server. Any answer of the class 200 says that the step is done.
async fn send(
    node: &Node,
    url: &str,
    key: &hmac::Key,
    id: &str,
    event: Zeroizing<Vec<u8>>,
) -> Result<(), Fault> {
    let outbound = node.hooks.outbound.as_ref().ok_or(Fault::NotAllowed)?;
    let place = Place::of(url).map_err(Fault::Server)?;
    let headers = webhooks::headers(key, id, &event, node.clock.now());
    let headers = headers.ok_or(Fault::Server(OutboundError::Url))?;
    let mut request = Request::new(Full::new(Bytes::from_owner(event)));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    outbound.call(&place, request, 0).await.map(drop).map_err(Fault::Server)
}

#[cfg(test)]
mod tests;
