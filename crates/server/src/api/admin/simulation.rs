//! Decisions that nobody acts on: what the operations that explain them share.
//!
//! They are made by [`weigh`], as those of calls are. What is asked is one permission: an operation
//! that needs several asks for each.

use std::{borrow::Cow, str::FromStr, sync::Arc};

use yaoku_model::{
    arn::{KeyRef, Place, SecretRef},
    identity::Identity,
    ids::{AccountId, Invalid},
    policy::{self, Document, Object, Work},
    tag::Tag,
    text::is_plain,
};
use yaoku_wire::{fields::Fields, params::Params};

use crate::{
    api::Action,
    cache::{CachedKey, Rights},
    call::{Ask, Call},
    caller::{Caller, Principal, Session},
    error::ApiError,
    judge::{self, Facts, LayerName, Layers, weigh},
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

/// The thing that is asked about: whose it is and, if it is the caller's and there, by what it is
/// judged besides its name.
pub(super) struct Thing {
    owner: String,
    parts: Parts,
}

/// What the caller's account has of it.
enum Parts {
    None,
    Key(Arc<CachedKey>),
    Secret(Option<Document>, Vec<Tag>),
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

    /// The thing. Of another account's, nothing is looked at: that it refuses is what is supposed.
    pub(super) async fn thing(&self, call: &mut Call<'_>) -> Result<Thing, ApiError> {
        let (account, region, caches) = (call.account(), call.region(), &call.node.caches);
        let named = self.resource.split(':').nth(3).filter(|it| it.parse::<AccountId>().is_ok());
        let owner = named.unwrap_or(account.as_str()).to_owned();
        let own = |place: &Place| place.account == *account && place.region == *region;
        let mut parts = Parts::None;
        if let Ok(KeyRef::Arn(place, id)) = self.resource.parse()
            && own(&place)
            && let Some(key) = caches.key(&id).await?.filter(|it| it.key.account == *account)
        {
            parts = Parts::Key(key);
        } else if let Ok(SecretRef::Arn(place, name)) = self.resource.parse()
            && own(&place)
            && let Some(found) = caches.secret(account, &name).await?
        {
            let policy = found.secret.policy.as_deref();
            let policy = policy.map(|it| judge::read(Object::Secret, it)).transpose()?;
            parts = Parts::Secret(policy, found.tags.clone());
        }
        Ok(Thing { owner, parts })
    }

    /// What would be decided if `caller` asked.
    pub(super) fn weigh(
        &self,
        call: &Call<'_>,
        own: Action,
        caller: &Caller,
        thing: &Thing,
    ) -> Layers {
        let (policy, tags) = thing.parts();
        let facts = Facts { ask: Ask::to(own), tags, caller, now: call.now };
        let context = Circumstances { given: &self.context, facts };
        let question = policy::Question {
            action: &self.action,
            resources: &[&self.resource],
            caller: Some(caller.as_asked()),
            owner: &thing.owner,
            context: &context,
            work: &Work::default(),
        };
        weigh(caller, &question, policy)
    }

    /// Whether the thing's own policy lets somebody of another account at it.
    pub(super) fn lets_in(
        &self,
        call: &Call<'_>,
        own: Action,
        who: policy::Caller<'_>,
        thing: &Thing,
    ) -> bool {
        let (Some(document), tags) = thing.parts() else { return false };
        let facts = Facts { ask: Ask::to(own), tags, caller: call.caller, now: call.now };
        let context = Circumstances { given: &self.context, facts };
        let question = policy::Question {
            action: &self.action,
            resources: &[&self.resource],
            caller: Some(who),
            owner: &thing.owner,
            context: &context,
            work: &Work::default(),
        };
        policy::decide([document], &question).verdict == policy::Verdict::Allow
    }
}

impl Thing {
    /// Its policy and its tags.
    pub(super) fn parts(&self) -> (Option<&Document>, &[Tag]) {
        match &self.parts {
            Parts::None => (None, &[]),
            Parts::Key(key) => (key.policy.as_ref(), &key.tags),
            Parts::Secret(policy, tags) => (policy.as_ref(), tags),
        }
    }
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
        LayerName::Session => None,
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
