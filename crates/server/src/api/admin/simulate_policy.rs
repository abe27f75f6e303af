//! `SimulatePolicy`: whether somebody may do something to something, and which statement decides.

use std::{str::FromStr, sync::Arc};

use yaoku_model::{
    arn::Arn,
    identity::Identity,
    ids::Invalid,
    policy::{Document, Kind},
    time::Timestamp,
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{
    ADMIN,
    simulation::{Judged, Supposed, as_caller, explained, word},
};
use crate::{
    api::{Effect, Operation, Spec},
    cache::Rights,
    call::Call,
    caller::{Caller, Principal, Session},
    error::ApiError,
};

/// A question about somebody.
#[derive(Debug)]
pub(super) struct SimulatePolicy {
    principal: Who,
    session: Option<String>,
    supposed: Supposed,
}

/// `root`, `user/<name>` or `role/<name>`, also as an ARN of the caller's account.
#[derive(Debug)]
struct Who {
    account: Option<String>,
    identity: Identity,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Simulated {
    caller: Caller,
    judged: Judged,
}

impl Operation for SimulatePolicy {
    const SPEC: &'static Spec = &Spec {
        name: "SimulatePolicy",
        effect: Effect::Use,
        errors: &[&[Code::NoUser, Code::NoRole]],
        example: &[
            ("Principal", "user/alice"),
            ("AuthAction", "kms:Encrypt"),
            ("AuthResource", "acs:kms:cn-hangzhou:1540355698840000:key/key-hzz62f1cb66fa42qo1234"),
            ("Context.1.Key", "acs:SourceIp"),
            ("Context.1.Value", "192.0.2.7"),
            ("SessionPolicy", ""),
        ],
        ..ADMIN
    };

    type Response = Simulated;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let principal: Who = params.required("Principal")?;
        let session = params.text("SessionPolicy").filter(|it| !it.is_empty());
        let session = session.map(|it| it.as_str().to_owned());
        let is_role = matches!(principal.identity, Identity::Role(_));
        let reads = session.as_ref().is_none_or(|it| Document::parse(it, Kind::Session).is_ok());
        if session.is_some() && !(is_role && reads) {
            return Err(ApiError::invalid("SessionPolicy"));
        }
        Ok(Self { principal, session, supposed: Supposed::take(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Simulated, ApiError> {
        call.allow(&Arn::any())?;
        let asked = self.supposed.asked(call).await?;
        let caller = self.caller(call).await?;
        let judged = self.supposed.weigh(call, Self::ACTION, &caller, &asked);
        Ok(Simulated { caller, judged })
    }
}

impl SimulatePolicy {
    async fn caller(&self, call: &mut Call<'_>) -> Result<Caller, ApiError> {
        let (account, identity) = (call.account(), &self.principal.identity);
        if self.principal.account.as_ref().is_some_and(|it| it != account.as_str()) {
            return Err(ApiError::invalid("Principal"));
        }
        if let Identity::User(name) = identity {
            let found = call.node.store.read().await?.user(account, name).await?;
            found.ok_or(Code::NoUser)?;
        }
        let rights = call.node.caches.rights(account, identity).await?;
        let rights = rights.ok_or(Code::NoRole)?;
        let (principal, session) = match identity {
            Identity::Root => (Principal::Root, None),
            Identity::User(name) => (Principal::User(name.clone()), None),
            Identity::Role(role) => {
                let session = self.session(&rights, call.now)?;
                (Principal::Role(role.clone(), session.name.clone()), Some(session))
            }
        };
        Ok(as_caller(account, principal, rights, session))
    }

    /// A session of the role, narrowed if a policy was given.
    fn session(&self, role: &Rights, now: Timestamp) -> Result<Session, ApiError> {
        let policy = self.session.as_ref().map(|it| Document::parse(it, Kind::Session));
        Ok(Session {
            role_id: role.role_id.as_deref().unwrap_or_default().to_owned(),
            name: "simulated".parse().map_err(|Invalid| Code::InternalFailure)?,
            policy: policy
                .transpose()
                .map_err(|_| ApiError::invalid("SessionPolicy"))?
                .map(Arc::new),
            source_identity: None,
            mfa: false,
            expires: now,
        })
    }
}

impl FromStr for Who {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let (account, path) = match raw.strip_prefix("acs:ram::") {
            Some(rest) => {
                rest.split_once(':').map(|(account, path)| (Some(account), path)).ok_or(Invalid)?
            }
            None => (None, raw),
        };
        let identity = match path.split_once('/') {
            None if path == "root" => Identity::Root,
            Some(("user", name)) => Identity::User(name.parse()?),
            Some(("role", name)) => Identity::Role(name.parse()?),
            _ => return Err(Invalid),
        };
        Ok(Self { account: account.map(str::to_owned), identity })
    }
}

impl Encode for Simulated {
    fn encode(self) -> Fields {
        let Self { caller, judged: Judged { verdict, layers, also } } = self;
        let fields = Fields::default().text("Decision", word(verdict));
        let fields = match also {
            Some((action, resource)) => fields.object(
                "AlsoAsked",
                Fields::default().text("AuthAction", action).text("AuthResource", resource),
            ),
            None => fields,
        };
        let fields = match layers.decisive() {
            Some((name, decision)) => {
                fields.object("DecidedBy", explained(&caller, name, decision))
            }
            None => fields,
        };
        let all = layers.asked().map(|(name, decision)| explained(&caller, name, decision));
        fields.list("Layers", "Layer", all.collect())
    }
}
