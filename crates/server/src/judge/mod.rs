//! Whether a caller may do what it asks: the one place that decides, and what it says to who may not.
//!
//! [`weigh`] and [`either`] are the decision, for calls and for the simulator alike.

use std::borrow::Cow;

use yaoku_model::{
    arn::Arn,
    context::EncryptionContext,
    ids::AccountId,
    policy::{self, Document, Kind, Object, Question, Verdict},
    tag::Tag,
};
use yaoku_wire::error::{Code, Refusal};

use crate::{
    api::{Action, sts::RoleRef},
    call::{Ask, Call},
    error::ApiError,
};

pub(crate) use self::{
    denial::Denial,
    facts::Facts,
    weigh::{LayerName, Layers, either, weigh},
};

mod denial;
mod facts;
mod weigh;

impl Call<'_> {
    /// The one place where a caller is let in or not. Source: identity.md §3.6, §4.6.
    pub(crate) fn judge(
        &mut self,
        ask: Ask<'_>,
        owner: &AccountId,
        spellings: &[&Arn],
        tags: &[Tag],
        object_policy: Option<ObjectPolicy<'_>>,
    ) -> Result<(), ApiError> {
        debug_assert!(self.spec.asks_for(ask.action), "{} asks {}", self.spec.name, ask.action);
        // A write is judged when it is prepared and when it is run: one thing asked for.
        if let Some(&arn) = spellings.first().filter(|it| !self.touched.asked.contains(it)) {
            self.touched.asked.push(arn.clone());
        }
        // Also if the policy cannot be read.
        if owner == self.account() && self.caller.is_root() {
            return Ok(());
        }
        let resources: Vec<&str> = spellings.iter().map(|it| it.as_str()).collect();
        let object_policy = object_policy.map(ObjectPolicy::read).transpose()?;
        let matter = Matter { owner, resources: &resources, tags, object_policy };
        match (self.refusing(ask, &matter), spellings.first()) {
            (None, _) => Ok(()),
            (Some(layers), Some(arn)) => {
                // What the request alone was refused for is told; of the thing, no more than that.
                let bare = Matter { tags: &[], object_policy: None, ..matter };
                let layers = self.refusing(ask, &bare).unwrap_or(layers);
                Err(self.refusal(ask, arn, &layers).into())
            }
            (Some(_), None) => Err(Code::NoPermission.into()),
        }
    }

    /// Fails unless the caller's own policies, and its session's, let it take on a role, whether or
    /// not there is one. Its trust policy is asked next: see [`Call::is_trusted`]. The account
    /// itself, root, has no sessions. Source: identity.md §2.6, §3.6.
    pub(crate) fn may_take_on(&mut self, ask: Ask<'_>, role: &RoleRef) -> Result<(), ApiError> {
        debug_assert!(self.spec.asks_for(ask.action), "{} asks {}", self.spec.name, ask.action);
        let (arn, as_resource) = (role.arn(), role.as_resource());
        self.touch(arn.clone());
        let resources = [as_resource.as_str(), arn.as_str()];
        let own = self.ask_about(ask, &role.account, &resources, &[], |question| {
            weigh(self.caller, question, None)
        });
        if self.caller.is_root() {
            Err(self.no_permission(ask.action, &as_resource))
        } else if own.own_verdict() == Verdict::Allow {
            Ok(())
        } else {
            Err(self.refusal(ask, &as_resource, &own).into())
        }
    }

    /// Whether a role's trust policy lets the caller take it on. Source: identity.md §2.6.
    pub(crate) fn is_trusted(&self, ask: Ask<'_>, role: &RoleRef, trust: &Document) -> bool {
        let resources = [role.as_resource()];
        let resources = resources.each_ref().map(Arn::as_str);
        let verdict = self.ask_about(ask, &role.account, &resources, &[], |question| {
            policy::decide([trust], question).verdict
        });
        verdict == Verdict::Allow
    }

    /// What refuses it, if anything does: however the encryption context is read, for two contexts
    /// can share an AAD. Source: keys.md §9.2.
    fn refusing(&self, ask: Ask<'_>, matter: &Matter<'_>) -> Option<Layers> {
        let other = ask.context.and_then(EncryptionContext::other_reading);
        self.refusing_as_read(ask, matter).or_else(|| {
            other.and_then(|it| self.refusing_as_read(Ask { context: Some(&it), ..ask }, matter))
        })
    }

    /// By the action asked for or, if it is the operation's own, the other that does as well.
    fn refusing_as_read(&self, ask: Ask<'_>, matter: &Matter<'_>) -> Option<Layers> {
        let own = self.decide(ask, matter);
        let other = self.spec.or_action.filter(|_| ask.action == self.spec.action());
        let other = other.map(|action| self.decide(Ask { action, ..ask }, matter));
        let (verdict, layers) = either(own, other);
        (verdict != Verdict::Allow).then_some(layers)
    }

    fn decide(&self, ask: Ask<'_>, matter: &Matter<'_>) -> Layers {
        self.ask_about(ask, matter.owner, matter.resources, matter.tags, |question| {
            weigh(self.caller, question, matter.object_policy.as_deref())
        })
    }

    /// Puts the question of what is asked to whoever decides.
    fn ask_about<T>(
        &self,
        ask: Ask<'_>,
        owner: &AccountId,
        resources: &[&str],
        tags: &[Tag],
        decide: impl FnOnce(&Question<'_>) -> T,
    ) -> T {
        let action = [ask.action.product.prefix(), ":", ask.action.name].concat();
        let context = self.facts(ask, tags);
        decide(&Question {
            action: &action,
            resources,
            caller: Some(self.caller.as_asked()),
            owner: owner.as_str(),
            context: &context,
        })
    }

    fn facts<'f>(&'f self, ask: Ask<'f>, tags: &'f [Tag]) -> Facts<'f> {
        let request_tags = &self.request_tags;
        Facts {
            ask,
            action: ask.action.name,
            tags,
            request_tags,
            caller: self.caller,
            now: self.now,
        }
    }

    /// What is told to who may not do `action` to `arn`, if there is no more to say.
    pub(crate) fn no_permission(&self, action: Action, arn: &Arn) -> ApiError {
        self.plain_refusal(action, arn).into()
    }

    /// The same, with the layer that refuses it. Source: identity.md §1.7.
    fn refusal(&self, ask: Ask<'_>, arn: &Arn, layers: &Layers) -> Refusal {
        let facts = self.facts(ask, &[]);
        let denial = Denial::of(&facts, arn, layers);
        let sealed = denial.seal(&self.node.keyring, self.account(), self.random());
        self.plain_refusal(ask.action, arn).with_detail(denial.detail(sealed))
    }

    /// In the words of the product that was called. Source: identity.md §1.7.
    fn plain_refusal(&self, action: Action, arn: &Arn) -> Refusal {
        if self.spec.product.speaks_as_ram() {
            Refusal::no_ram_permission(&action, arn)
        } else {
            Refusal::no_permission(arn)
        }
    }
}

/// What a caller would do something to.
struct Matter<'a> {
    owner: &'a AccountId,
    /// Every accepted spelling of its name.
    resources: &'a [&'a str],
    tags: &'a [Tag],
    /// Its own policy, if it has one.
    object_policy: Option<Cow<'a, Document>>,
}

/// A key's or a secret's own policy.
#[derive(Clone, Copy)]
pub(crate) enum ObjectPolicy<'a> {
    /// As it is stored.
    Text(Object, &'a str),
    /// Compiled: what is cached.
    Compiled(&'a Document),
}

impl<'a> ObjectPolicy<'a> {
    fn read(self) -> Result<Cow<'a, Document>, ApiError> {
        match self {
            Self::Text(object, text) => Ok(Cow::Owned(read(object, text)?)),
            Self::Compiled(document) => Ok(Cow::Borrowed(document)),
        }
    }
}

/// Compiles a policy. One that cannot be read must not be passed over: it may deny.
pub(crate) fn read(object: Object, text: &str) -> Result<Document, ApiError> {
    Document::parse(text, Kind::Object(object)).map_err(|_| {
        ApiError::caused(Code::InternalFailure, "a stored key or secret policy cannot be read")
    })
}
