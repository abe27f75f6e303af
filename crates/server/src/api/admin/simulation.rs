//! Decisions that nobody acts on: what the operations that explain them share.
//!
//! They are made by [`weigh`] and [`either`], as those of calls are: with what else permits the
//! operation, the container of what it is about, and the key that a secret leads to. What only a
//! request names (the key of a new alias, the policy to be attached) is asked about by itself.

use std::{borrow::Cow, str::FromStr, sync::Arc};

use yaoku_model::{
    identity::Identity,
    ids::{AccountId, Invalid},
    policy::{self, Object},
    text::is_plain,
};
use yaoku_wire::{fields::Fields, params::Params};

use super::asked::{Asked, Permission};
use crate::{
    api::Action,
    cache::Rights,
    call::{Ask, Call},
    caller::{Caller, Principal, Session},
    error::ApiError,
    judge::{Facts, LayerName, Layers, either, weigh},
};

/// The longest action and ARN that are looked at. Our choice.
const MAX_TEXT: usize = 1024;

/// As many condition keys can be given values. Our choice.
const MAX_CONTEXT: usize = 50;

/// What may be done to what, under which circumstances.
#[derive(Debug)]
pub(super) struct Supposed {
    action: String,
    resource: String,
    context: Vec<(String, String)>,
}

/// A text that a question can have.
struct Text(String);

impl FromStr for Text {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        if raw.len() <= MAX_TEXT && is_plain(raw) { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

/// A decision, and which of the permissions it comes from: the first that is refused or, if none is,
/// the first.
#[derive(Debug)]
pub(super) struct Judged {
    /// The decision.
    pub(super) verdict: policy::Verdict,
    /// What it comes from.
    pub(super) layers: Layers,
    /// The action and the resource, if it comes from one that was not asked about.
    pub(super) also: Option<(String, String)>,
}

impl Supposed {
    /// Takes `AuthAction`, `AuthResource` (not `Action`, which says what is called) and `Context.N.Key`, `Context.N.Value`.
    pub(super) fn take(params: &mut Params) -> Result<Self, ApiError> {
        let Text(action) = params.required("AuthAction")?;
        if !action.contains(':') {
            return Err(ApiError::invalid("AuthAction"));
        }
        let Text(resource) = params.required("AuthResource")?;
        let mut context = Vec::new();
        for mut it in params.records("Context", &["Key", "Value"])? {
            let (Text(key), value) = (it.required("Key")?, it.text("Value"));
            let value = value.map(|it| it.as_str().to_owned()).unwrap_or_default();
            context.push((key, value));
        }
        if context.len() > MAX_CONTEXT {
            return Err(ApiError::invalid("Context"));
        }
        Ok(Self { action, resource, context })
    }

    /// What a call would ask for.
    pub(super) async fn asked(&self, call: &mut Call<'_>) -> Result<Asked, ApiError> {
        Asked::by(call, &self.action, &self.resource).await
    }

    /// What would be decided if `caller` asked.
    pub(super) fn weigh(
        &self,
        call: &Call<'_>,
        own: Action,
        caller: &Caller,
        asked: &Asked,
    ) -> Judged {
        let decide = |it: &Permission, action: &str| {
            let facts = facts(call, (own, action), it, caller);
            let context = Circumstances { given: &self.context, facts };
            it.ask(action, caller.as_asked(), &context, |question, policy| {
                weigh(caller, question, policy)
            })
        };
        let judge = |it: &Permission| {
            let other = it.or_action.map(|other| decide(it, &other.to_string()));
            either(decide(it, &it.action), other)
        };
        let (verdict, layers) = judge(&asked.first);
        if verdict == policy::Verdict::Allow
            && let Some(key) = asked.of_its_key.as_ref().filter(|it| it.is_asked_of(caller))
            && let (verdict, layers) = judge(key)
            && verdict != policy::Verdict::Allow
        {
            return Judged {
                verdict,
                layers,
                also: Some((key.action.clone(), key.name().to_owned())),
            };
        }
        Judged { verdict, layers, also: None }
    }

    /// Whether the things' own policies let somebody of another account at them.
    pub(super) fn lets_in(
        &self,
        call: &Call<'_>,
        own: Action,
        who: policy::Caller<'_>,
        asked: &Asked,
    ) -> bool {
        let decide = |it: &Permission, action: &str| {
            let facts = facts(call, (own, action), it, call.caller);
            let context = Circumstances { given: &self.context, facts };
            it.ask(action, who, &context, |question, policy| {
                policy::decide(policy, question).verdict
            })
        };
        [&asked.first].into_iter().chain(&asked.of_its_key).all(|it| {
            let own = decide(it, &it.action);
            let other = it.or_action.map(|other| decide(it, &other.to_string()));
            let verdict = other.map_or(own, |other| policy::evaluate::same_account(own, other));
            verdict == policy::Verdict::Allow
        })
    }
}

/// What a call would have, of what is not given.
fn facts<'f>(
    call: &Call<'_>,
    (own, action): (Action, &'f str),
    it: &'f Permission,
    caller: &'f Caller,
) -> Facts<'f> {
    let action = action.split_once(':').map_or(action, |(_, name)| name);
    Facts { ask: Ask::to(own), action, tags: it.tags(), request_tags: &[], caller, now: call.now }
}

/// What was given goes before what a call would have: a source and an algorithm have no value unless
/// they are given.
struct Circumstances<'a> {
    given: &'a [(String, String)],
    facts: Facts<'a>,
}

impl policy::Context for Circumstances<'_> {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        let given = self.given.iter().find(|it| it.0 == key);
        given.map(|it| it.1.as_str().into()).or_else(|| self.facts.value(key))
    }
}

/// An identity of the caller's account, as if it called.
pub(super) fn as_caller(
    account: &AccountId,
    principal: Principal,
    rights: Rights,
    session: Option<Session>,
) -> Caller {
    Caller {
        account: account.clone(),
        principal,
        access_key: None,
        policies: rights.policies,
        kms_open: rights.kms_open,
        session: session.map(Arc::new),
        source: None,
        secure: true,
    }
}

/// `root`, `user/<name>` or `role/<name>`.
pub(super) fn path_of(identity: &Identity) -> String {
    match identity {
        Identity::Root => "root".to_owned(),
        Identity::User(name) => format!("user/{name}"),
        Identity::Role(name) => format!("role/{name}"),
    }
}

/// What decides, in words: the layer, and the statement of which policy, counted from 1.
pub(super) fn explained(caller: &Caller, layer: LayerName, decision: policy::Decision) -> Fields {
    let fields =
        Fields::default().text("Layer", layer.as_str()).text("Verdict", word(decision.verdict));
    let Some((document, statement)) = decision.by else { return fields };
    let origin = caller.policies.origin(document).filter(|_| layer == LayerName::Identity);
    let name = match layer {
        LayerName::Identity => origin.map(|it| it.policy.policy.as_str()),
        LayerName::Object => Some(Object::POLICY_NAME),
        LayerName::Session | LayerName::Trust => None,
    };
    let holder =
        origin.map(|it| format!("{}/{}", it.holder.kind().to_lowercase(), it.holder.name()));
    fields
        .maybe_text("PolicyName", name)
        .maybe_text("PolicyType", origin.map(|it| it.policy.kind.as_str()))
        .text("Statement", statement.saturating_add(1).to_string())
        .maybe_text("AttachedTo", holder)
}

/// A verdict, in the vendor's words where it has them.
pub(super) const fn word(verdict: policy::Verdict) -> &'static str {
    match verdict {
        policy::Verdict::Allow => "Allow",
        policy::Verdict::ExplicitDeny => "ExplicitDeny",
        policy::Verdict::ImplicitDeny => "ImplicitDeny",
    }
}
