//! Whether a caller may do what it asks: the one place that decides, and the facts it decides by.

use std::borrow::Cow;

use yaoku_model::{
    arn::Arn,
    context::EncryptionContext,
    ids::AccountId,
    policy::{self, Document, Kind, Object, Question, Verdict},
    tag::Tag,
    time::Timestamp,
};
use yaoku_wire::error::{Code, Refusal};

use crate::{
    api::{Action, sts::RoleRef},
    call::{Ask, Call},
    caller::Caller,
    error::ApiError,
};

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
        let allowed = (owner == self.account() && self.caller.is_root()) || {
            let resources: Vec<&str> = spellings.iter().map(|it| it.as_str()).collect();
            let object_policy = object_policy.map(ObjectPolicy::read).transpose()?;
            let matter = Matter { owner, resources: &resources, tags, object_policy };
            self.permitted_as_read(ask, &matter)
        };
        match (allowed, spellings.first()) {
            (true, _) => Ok(()),
            (false, Some(arn)) => Err(self.refusal(ask.action, arn).into()),
            (false, None) => Err(Code::NoPermission.into()),
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
        let verdict = self.ask_about(ask, &role.account, &resources, &[], |question| {
            let identity = self.caller.policies.decide(question).verdict;
            self.narrowed(question, identity)
        });
        if !self.caller.is_root() && verdict == Verdict::Allow {
            Ok(())
        } else {
            Err(self.no_permission(ask.action, &as_resource))
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

    /// However the encryption context is read: two contexts can share an AAD. Source: keys.md §9.2.
    fn permitted_as_read(&self, ask: Ask<'_>, matter: &Matter<'_>) -> bool {
        let other = ask.context.and_then(EncryptionContext::other_reading);
        self.permitted(ask, matter)
            && other.is_none_or(|it| self.permitted(Ask { context: Some(&it), ..ask }, matter))
    }

    /// By the action asked for or, if it is the operation's own, the other that does as well.
    fn permitted(&self, ask: Ask<'_>, matter: &Matter<'_>) -> bool {
        let mut verdict = self.decide(ask, matter);
        if let (Some(action), true) = (self.spec.or_action, ask.action == self.spec.action()) {
            let other = self.decide(Ask { action, ..ask }, matter);
            verdict = policy::evaluate::same_account(verdict, other);
        }
        verdict == Verdict::Allow
    }

    fn decide(&self, ask: Ask<'_>, matter: &Matter<'_>) -> Verdict {
        self.ask_about(ask, matter.owner, matter.resources, matter.tags, |question| {
            // An account's root may do what it likes, as far as that is for its account to say.
            let identity = if self.caller.is_root() {
                Verdict::Allow
            } else {
                self.caller.policies.decide(question).verdict
            };
            let granted = matter.object_policy.as_ref().map_or(Verdict::ImplicitDeny, |document| {
                policy::decide([&**document], question).verdict
            });
            let together = if matter.owner == self.account() {
                policy::evaluate::same_account(identity, granted)
            } else {
                policy::evaluate::cross_account(identity, granted)
            };
            self.narrowed(question, together)
        })
    }

    /// Puts the question of what is asked to whoever decides.
    fn ask_about(
        &self,
        ask: Ask<'_>,
        owner: &AccountId,
        resources: &[&str],
        tags: &[Tag],
        decide: impl FnOnce(&Question<'_>) -> Verdict,
    ) -> Verdict {
        let action = [ask.action.product.prefix(), ":", ask.action.name].concat();
        let context = Facts { ask, tags, caller: self.caller, now: self.now };
        decide(&Question {
            action: &action,
            resources,
            caller: Some(self.caller.as_asked()),
            owner: owner.as_str(),
            context: &context,
        })
    }

    /// By the policy of the caller's session, if it has one.
    fn narrowed(&self, question: &Question<'_>, verdict: Verdict) -> Verdict {
        let session = self.caller.session.as_ref().and_then(|it| it.policy.as_ref());
        let session = session.map(|it| policy::decide([it], question).verdict);
        policy::evaluate::narrowed(session, verdict)
    }

    /// What is told to who may not do `action` to `arn`.
    pub(crate) fn no_permission(&self, action: Action, arn: &Arn) -> ApiError {
        self.refusal(action, arn).into()
    }

    /// In the words of the product that was called. Source: identity.md §1.7.
    fn refusal(&self, action: Action, arn: &Arn) -> Refusal {
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

/// The values of condition keys. Source: identity.md §3.4.
struct Facts<'a> {
    ask: Ask<'a>,
    tags: &'a [Tag],
    caller: &'a Caller,
    now: Timestamp,
}

/// What it has values for, and the keys that a policy may deny by, belong together: see `SUPPLIED`
/// in the model's `condition.rs`.
impl policy::Context for Facts<'_> {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        if let Some(tag) = key.strip_prefix("kms:tag/").or(key.strip_prefix("acs:ResourceTag/")) {
            let found = self.tags.iter().find(|it| it.key.as_str() == tag);
            return found.map(|it| it.value.as_str().into());
        }
        if let Some(member) = key.strip_prefix("kms:EncryptionContext:") {
            return self.ask.context?.value(member).map(Cow::Borrowed);
        }
        match key {
            "acs:CurrentTime" => Some(self.now.to_string().into()),
            "acs:SecureTransport" => Some(self.caller.secure.to_string().into()),
            "acs:SourceIp" => self.caller.source.map(|it| it.to_string().into()),
            // An access key is not a login. Source: identity.md §3.4.
            "acs:MFAPresent" => {
                let mfa = self.caller.session.as_ref().is_some_and(|it| it.mfa);
                Some(mfa.to_string().into())
            }
            "kms:EncryptionAlgorithm" => self.ask.algorithm.map(Cow::Borrowed),
            // Of a trust policy only: `SUPPLIED_TO_TRUST`.
            other => {
                let found = self.ask.presented.iter().find(|it| it.0 == other);
                found.map(|it| it.1.into())
            }
        }
    }
}
