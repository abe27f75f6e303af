//! The gateway: from the bytes of a request to a known caller, and from an answer back to bytes.
//!
//! It serves at two doors: the network, where every call is signed, and the admin socket, which
//! only the one who runs the program may open. All that follows is the same for both.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use yaoku_model::{arn::Arn, identity::Identity, ids::AccountId, random::Random, time::Timestamp};
use yaoku_wire::{
    error::{Code, Refusal},
    fields::Fields,
    rpc::{self, Claim, Format, Incoming},
};

use crate::{
    api::{self, Effect, Entry, KnownBy, Product, Spec},
    audit::{Called, Source, UserAgent},
    auth::{self, Credential, Proved, WINDOW_SECONDS},
    cache::Rights,
    caller::{Caller, Principal},
    error::ApiError,
    faults::Faults,
    heavy::Full,
    listen::{Fault, Handler, HttpCall, HttpReply},
    node::Node,
    oidc,
    pipeline::Turn,
    throttle,
};

/// What answers name as the gateway that made them. Our choice.
const HOST_ID: &str = "yaoku";

/// In how many milliseconds a client that called too often may try again. Source: identity.md §1.7.
const RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");

/// The target of the one log event of each call. Whoever wants no such lines turns it off.
pub const CALLS: &str = "calls";

/// One door of a node.
pub struct Gateway {
    node: Arc<Node>,
    door: Door,
    faults: Faults,
}

/// How a call comes in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Door {
    /// Over the network: who calls is proved by a signature.
    Network,
    /// Through the admin socket: whoever may open it acts for any account. The header
    /// `x-yaoku-account` names it; without it, this one is meant.
    AdminSocket(AccountId),
}

impl Gateway {
    /// A door to `node`.
    #[must_use]
    pub fn new(node: Arc<Node>, door: Door) -> Self {
        Self { node, door, faults: Faults::default() }
    }

    /// The path of a call up to the pipeline. `Err` before the caller is known is only counted.
    async fn answer(&self, call: &HttpCall, request_id: &str) -> Answer {
        let fresh = self.node.lease.holds();
        let headers = headers(call);
        let mut incoming = match rpc::read(&request(call, &headers)) {
            Ok(incoming) => incoming,
            Err(rejected) => {
                return Answer::stranger(rejected.format, rejected.refusal.into());
            }
        };
        let format = incoming.format;
        let (entry, known) = match self.admit(call, &incoming).await {
            Ok(admitted) => admitted,
            Err(error) => {
                let product = Product::of_version(&incoming.version);
                let error = product.into_iter().fold(error, ApiError::in_words_of);
                return Answer::stranger(format, error);
            }
        };
        let at = self.node.clock.now();
        let event = |asked: &[Arn], code: Option<Code>| {
            event(call, at, request_id, &known.caller, entry.spec, asked, code)
        };
        let turn = Turn {
            node: &self.node,
            caller: &known.caller,
            now: self.node.domain_clock.now(),
            entry,
            nonce: known.nonce,
            format,
            fresh,
            event: &event,
        };
        let reply = turn.run(&mut incoming.params).await;
        Answer { format, entry: Some(entry), reply, stranger: false }
    }

    /// What is called, and by whom. Who calls what is not there stays unknown: the order is
    /// identity.md §1.6's.
    async fn admit(
        &self,
        call: &HttpCall,
        incoming: &Incoming<'_>,
    ) -> Result<(&'static Entry, Known), ApiError> {
        let product = Product::of_version(&incoming.version).ok_or(Code::InvalidVersion)?;
        let entry = api::operation(product, &incoming.action);
        let entry = entry.ok_or_else(|| no_action(product))?;
        let known = match &self.door {
            Door::AdminSocket(account) => self.operator(&call.headers, account).await?,
            Door::Network => {
                let known = match entry.spec.known_by {
                    KnownBy::Signature => self.signer(call, incoming, entry.spec).await,
                    KnownBy::ProviderToken => self.vouched_for(call, incoming).await,
                };
                known.map_err(|error| self.node.throttle.failed(call.peer.ip(), error))?
            }
        };
        Ok((entry, known))
    }

    async fn signer(
        &self,
        call: &HttpCall,
        incoming: &Incoming<'_>,
        spec: &Spec,
    ) -> Result<Known, ApiError> {
        let node = &*self.node;
        let hide = |name: &str| is_secret(spec, name);
        let proved = auth::authenticate(incoming, node, &node.nonces, &*node.clock, &hide).await?;
        let Proved { credential, claim } = proved;
        if credential.session.is_none() {
            node.last_uses.note(&claim.access_key_id, &credential, node.domain_clock.now());
        }
        let rights = node.caches.rights(&credential.account, &credential.identity).await?;
        let (principal, rights) = principal(&credential, rights)?;
        let caller = Caller {
            account: credential.account.clone(),
            principal,
            session: credential.session.clone(),
            policies: rights.policies,
            kms_open: rights.kms_open,
            source: Some(call.peer.ip()),
            secure: call.tls,
            access_key: Some(claim.access_key_id.clone()),
        };
        // Only a write keeps it in the store.
        let written = spec.effect == Effect::Write;
        Ok(Known { caller, nonce: if written { nonce(&claim) } else { None } })
    }

    /// Who comes with an identity provider's token. It can do nothing but take a role on.
    async fn vouched_for(
        &self,
        call: &HttpCall,
        incoming: &Incoming<'_>,
    ) -> Result<Known, ApiError> {
        let (account, by) = oidc::prove(&self.node, &incoming.params).await?;
        let caller = Caller {
            account,
            principal: Principal::Federated(Arc::new(by)),
            session: None,
            policies: Arc::default(),
            kms_open: false,
            source: Some(call.peer.ip()),
            secure: call.tls,
            access_key: None,
        };
        Ok(Known { caller, nonce: None })
    }

    async fn operator(&self, headers: &HeaderMap, default: &AccountId) -> Result<Known, ApiError> {
        let account = match headers.get("x-yaoku-account").map(|it| it.to_str()) {
            None => default.clone(),
            Some(text) => text
                .ok()
                .and_then(|it| it.parse().ok())
                .ok_or_else(|| ApiError::invalid("x-yaoku-account"))?,
        };
        let rights = self.node.caches.rights(&account, &Identity::Root).await?;
        let rights = rights.ok_or_else(|| ApiError::invalid("x-yaoku-account"))?;
        let caller = Caller {
            account,
            principal: Principal::Operator,
            session: None,
            access_key: None,
            policies: rights.policies,
            kms_open: rights.kms_open,
            source: None,
            secure: true,
        };
        Ok(Known { caller, nonce: None })
    }

    /// Counts a call, and tells the log of it.
    fn note(&self, call: &HttpCall, request_id: &str, answer: &Answer, took: Duration) {
        let error = answer.reply.as_ref().err();
        if let Some(entry) = answer.entry {
            self.node.metrics.call(entry, error, took);
        }
        if let Some(error) = error {
            self.node.metrics.failure(error);
            self.log_fault(request_id, answer.action(), error);
            if answer.stranger {
                self.count(call.peer, call.tls, error.refusal());
            }
        }
        let code = error.map_or("", |it| it.code().wire());
        let (action, source) = (answer.action(), call.peer.ip());
        let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(target: CALLS, request_id, action, code, duration_us, %source, "call");
    }

    /// The cause of a fault of ours goes to the log; what clients do wrong does not. While nothing can
    /// be served, each call has the same cause: it is told now and then, with their number.
    fn log_fault(&self, request_id: &str, action: &str, error: &ApiError) {
        if error.code().status() < 500 {
            return;
        }
        let mut causes = String::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes = format!("{causes}: {cause}");
            next = cause.source();
        }
        let Some(untold) = self.faults.note(&causes, Instant::now()) else { return };
        let code = error.code().wire();
        if error.cause().is_some_and(<dyn Error + Send + Sync>::is::<Full>) {
            tracing::warn!(request_id, action, code, untold, "call refused{causes}");
        } else {
            tracing::error!(request_id, action, code, untold, "call failed{causes}");
        }
    }

    fn request_id(&self) -> String {
        request_id(&*self.node.random)
    }

    /// A refusal of somebody who is not known is counted, not written down one by one.
    fn count(&self, peer: SocketAddr, tls: bool, refusal: &Refusal) {
        let (code, now) = (refusal.code(), self.node.clock.now());
        self.node.metrics.stranger(code);
        self.node.unknown.count(peer.ip(), code.wire(), code.status(), tls, now);
    }
}

impl Handler for Gateway {
    async fn handle(&self, call: HttpCall) -> HttpReply {
        let began = Instant::now();
        let request_id = self.request_id();
        let answer = self.answer(&call, &request_id).await;
        self.note(&call, &request_id, &answer, began.elapsed());
        answer.encode(request_id)
    }

    fn refuse(&self, fault: Fault, peer: SocketAddr) -> HttpReply {
        let code = match fault {
            Fault::BadRequest => Code::ParseRequestParameterException,
            Fault::HeadTimeout | Fault::BodyTimeout => Code::RequestTimeout,
            Fault::BodyTooLarge => Code::RequestBodyTooLarge,
            Fault::TargetTooLong => Code::RequestUriTooLong,
            Fault::HeadTooLarge => Code::RequestHeadTooLarge,
            Fault::Busy => Code::ServiceUnavailableTemporary,
        };
        self.count(peer, false, &code.into());
        Answer::stranger(Format::Json, code.into()).encode(self.request_id())
    }
}

/// A new request's id. Without randomness nothing else works either: it need not be unique then.
pub(crate) fn request_id(random: &dyn Random) -> String {
    yaoku_model::ids::upper_uuid(random).unwrap_or_default()
}

/// A caller, and what makes its request unique.
struct Known {
    caller: Caller,
    nonce: Option<([u8; 32], Timestamp)>,
}

/// What is said of an action that a product does not have. Source: identity.md §1.8.
fn no_action(product: Product) -> ApiError {
    if product.speaks_as_ram() {
        ApiError::invalid("Action or Version")
    } else {
        Code::ActionNotFound.into()
    }
}

/// Who a credential stands for, and its rights, if it still stands for anybody.
fn principal(
    credential: &Credential,
    rights: Option<Rights>,
) -> Result<(Principal, Rights), ApiError> {
    let principal = match (&credential.identity, &credential.session) {
        (Identity::Root, _) => Principal::Root,
        (Identity::User(name), _) => Principal::User(name.clone()),
        (Identity::Role(name), Some(session)) => {
            // Its role is gone, or is another one: whoever began it may try to begin a new one.
            let role_id = rights.as_ref().and_then(|it| it.role_id.as_deref());
            if role_id != Some(&*session.role_id) {
                return Err(Code::SecurityTokenExpired.into());
            }
            Principal::Role(name.clone(), session.name.clone())
        }
        (Identity::Role(_), None) => return Err(Code::AccessKeyIdNotFound.into()),
    };
    // The account or user of an access key is there, or was removed a moment ago.
    Ok((principal, rights.ok_or(Code::AccessKeyIdNotFound)?))
}

/// A call's headers, as the wire reads them.
pub(crate) fn headers(call: &HttpCall) -> Vec<(&str, &[u8])> {
    call.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// A call, as the wire reads it.
pub(crate) fn request<'a>(
    call: &'a HttpCall,
    headers: &'a [(&'a str, &'a [u8])],
) -> rpc::Request<'a> {
    rpc::Request {
        method: call.method.as_str(),
        target: &call.target,
        headers,
        body: &call.body,
        tls: call.tls,
    }
}

/// What goes back, before it is bytes.
pub(crate) struct Answer {
    pub(crate) format: Format,
    /// What was called; `None` where the caller was not known.
    pub(crate) entry: Option<&'static Entry>,
    pub(crate) reply: Result<Fields, ApiError>,
    /// Whether the caller was not known.
    pub(crate) stranger: bool,
}

impl Answer {
    pub(crate) fn encode(&self, request_id: String) -> HttpReply {
        let encoded = match &self.reply {
            Ok(fields) => rpc::encode_success(self.format, self.action(), fields, &request_id),
            Err(error) => Err(error.refusal().clone()),
        };
        let (status, content_type, body) = match encoded {
            Ok(body) => (200, self.format.content_type(), body),
            Err(refusal) => rpc::encode_error(self.format, &refusal, &request_id, HOST_ID),
        };
        let wait = self.reply.as_ref().err().and_then(throttle::retry_after_ms);
        HttpReply {
            status,
            content_type,
            request_id,
            headers: wait.map(|ms| (RETRY_AFTER, HeaderValue::from(ms))).into_iter().collect(),
            body: body.into(),
            known: !self.stranger,
        }
    }

    pub(crate) fn stranger(format: Format, error: ApiError) -> Self {
        Self { format, entry: None, reply: Err(error), stranger: true }
    }

    fn action(&self) -> &'static str {
        self.entry.map_or("", |it| it.spec.name)
    }
}

/// Whether a parameter's value must not be echoed. Source: architecture.md, "Where texts disagree".
fn is_secret(spec: &Spec, name: &str) -> bool {
    spec.secret_params.contains(&name)
}

/// The nonce, hashed with the access key, and when it may be forgotten.
fn nonce(claim: &Claim) -> Option<([u8; 32], Timestamp)> {
    let text = format!("{}\n{}", claim.access_key_id, claim.nonce.as_ref()?);
    let hash = digest(&SHA256, text.as_bytes());
    let hash = hash.as_ref().try_into().ok()?;
    Some((hash, claim.timestamp.plus_seconds(2 * WINDOW_SECONDS)))
}

fn event(
    call: &HttpCall,
    at: Timestamp,
    request_id: &str,
    caller: &Caller,
    spec: &Spec,
    asked: &[Arn],
    code: Option<Code>,
) -> Vec<u8> {
    let agent = call.headers.get(http::header::USER_AGENT).map(http::HeaderValue::as_bytes);
    Called {
        at,
        request_id,
        account: Some(&caller.account),
        principal: caller.principal.parts(),
        access_key: caller.access_key.as_ref(),
        source_identity: caller.session.as_ref().and_then(|it| it.source_identity.as_deref()),
        source: Source::from(call.peer.ip()),
        user_agent: &UserAgent::kept(agent.unwrap_or_default()),
        action: [spec.product.prefix(), ":", spec.name],
        resources: asked,
        code: code.map(Code::wire),
        status: code.map_or(200, Code::status),
        tls: call.tls,
        count: 1,
    }
    .to_row()
}
