//! Whether a caller may do what it asks: the one place that decides, and what it says to who may not.
//!
//! [`weigh`] and [`either`] are the decision, for calls and for the simulator alike.

use std::borrow::Cow;

use yaoku_model::{
    arn::Arn,
    context::EncryptionContext,
    ids::AccountId,
    policy::{self, Document, Kind, Object, Question, Verdict, Work},
    tag::Tag,
};
use yaoku_wire::error::{Code, Refusal};

use crate::{
    api::{Action, Product, sts::RoleRef},
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
        let matter = Matter { owner, resources: &resources, tags, object_policy, work: &self.work };
        match (self.refusing(ask, &matter), spellings.first()) {
            (None, _) => Ok(()),
            (Some(layers), Some(arn)) => {
                // What the request alone was refused for is told; of the thing, no more than that.
                let bare =
                    Matter { tags: &[], object_policy: None, work: &Work::default(), ..matter };
                let layers = self.refusing(ask, &bare).unwrap_or(layers);
                Err(self.refusal(ask, arn, &layers).into())
            }
            (Some(_), None) => Err(Code::NoPermission.into()),
        }
    }

    /// Fails if something denies it to the caller, who was let at its container already. That nothing
    /// allows it by this name is no reason.
    pub(crate) fn must_not_be_denied(
        &self,
        ask: Ask<'_>,
        spellings: &[Arn],
    ) -> Result<(), ApiError> {
        if self.caller.is_root() {
            return Ok(());
        }
        let resources: Vec<&str> = spellings.iter().map(Arn::as_str).collect();
        let owner = self.account();
        let matter = Matter {
            owner,
            resources: &resources,
            tags: &[],
            object_policy: None,
            work: &self.work,
        };
        match (self.refusing(ask, &matter), spellings.first()) {
            (Some(layers), Some(arn)) if layers.verdict() == Verdict::ExplicitDeny => {
                Err(self.refusal(ask, arn, &layers).into())
            }
            _ => Ok(()),
        }
    }

    /// Fails unless the caller's own policies, and its session's, let it take on a role, whether or
    /// not there is one. Its trust policy is asked next: see [`Call::is_trusted`]. The account
    /// itself, root, has no sessions. `tags` are the role's. Source: identity.md §2.6, §3.6.
    pub(crate) fn may_take_on(
        &mut self,
        ask: Ask<'_>,
        role: &RoleRef,
        tags: &[Tag],
    ) -> Result<(), ApiError> {
        debug_assert!(self.spec.asks_for(ask.action), "{} asks {}", self.spec.name, ask.action);
        let (arn, as_resource) = (role.arn(), role.as_resource());
        self.touch(arn.clone());
        let resources = [as_resource.as_str(), arn.as_str()];
        let matter = self.of_role(role, &resources, tags);
        let own = |it: &Matter<'_>| self.ask_about(ask, it, |it| weigh(self.caller, it, None));
        let layers = own(&matter);
        if self.caller.is_root() {
            return Err(self.denied(ask.action, &as_resource, LayerName::Identity));
        }
        if layers.own_verdict() == Verdict::Allow {
            return Ok(());
        }
        // As in `judge`; what tags another account's role has is not told at all.
        let work = Work::default();
        let bare = own(&Matter { work: &work, ..self.of_role(role, &resources, &[]) });
        if bare.own_verdict() != Verdict::Allow {
            Err(self.refusal(ask, &as_resource, &bare).into())
        } else if layers.crosses {
            Err(self.denied(ask.action, &as_resource, LayerName::Trust))
        } else {
            Err(self.refusal(ask, &as_resource, &layers).into())
        }
    }

    /// Whether a role's trust policy lets the caller take it on. Source: identity.md §2.6.
    pub(crate) fn is_trusted(
        &self,
        ask: Ask<'_>,
        role: &RoleRef,
        trust: &Document,
        tags: &[Tag],
    ) -> bool {
        let resources = [role.as_resource()];
        let resources = resources.each_ref().map(Arn::as_str);
        let matter = self.of_role(role, &resources, tags);
        let verdict =
            self.ask_about(ask, &matter, |question| policy::decide([trust], question).verdict);
        verdict == Verdict::Allow
    }

    fn of_role<'m>(
        &'m self,
        role: &'m RoleRef,
        resources: &'m [&'m str],
        tags: &'m [Tag],
    ) -> Matter<'m> {
        Matter { owner: &role.account, resources, tags, object_policy: None, work: &self.work }
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
        self.ask_about(ask, matter, |question| {
            weigh(self.caller, question, matter.object_policy.as_deref())
        })
    }

    /// Puts the question of what is asked to whoever decides.
    fn ask_about<T>(
        &self,
        ask: Ask<'_>,
        matter: &Matter<'_>,
        decide: impl FnOnce(&Question<'_>) -> T,
    ) -> T {
        let action = [ask.action.product.prefix(), ":", ask.action.name].concat();
        let context = self.facts(ask, matter.tags);
        decide(&Question {
            action: &action,
            resources: matter.resources,
            caller: Some(self.caller.as_asked()),
            owner: matter.owner.as_str(),
            context: &context,
            work: matter.work,
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

    /// What is told to who may not do `action` to `arn` by what no policy that could be named says: a
    /// role's trust, or a setting of the account's. Source: identity.md §1.7.
    pub(crate) fn denied(&self, action: Action, arn: &Arn, layer: LayerName) -> ApiError {
        let denial = Denial::by(&self.facts(Ask::to(action), &[]), arn, layer);
        self.refusal_of(action, arn, &denial).into()
    }

    /// What is told to who is refused by these layers.
    fn refusal(&self, ask: Ask<'_>, arn: &Arn, layers: &Layers) -> Refusal {
        self.refusal_of(ask.action, arn, &Denial::of(&self.facts(ask, &[]), arn, layers))
    }

    fn refusal_of(&self, action: Action, arn: &Arn, denial: &Denial) -> Refusal {
        let sealed = denial.seal(&self.node.keyring, self.account(), self.random());
        self.plain_refusal(action, arn).with_detail(denial.detail(sealed))
    }

    /// In the words of the product that was called. Source: identity.md §1.7.
    fn plain_refusal(&self, action: Action, arn: &Arn) -> Refusal {
        match self.spec.product {
            Product::Sts => Refusal::no_sts_permission(),
            it if it.speaks_as_ram() => Refusal::no_ram_permission(&action, arn),
            _ => Refusal::no_permission(arn),
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
    /// What judging it may take.
    work: &'a Work,
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

#[cfg(test)]
mod tests;
