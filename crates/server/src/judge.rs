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
    call::{Ask, Call},
    caller::Caller,
    error::ApiError,
};

impl Call<'_> {
    /// The one place where a caller is let in or not. Source: identity.md §3.6, §4.6.
    ///
    /// Another account's things are refused: what it takes to share them comes with the identity
    /// operations, here.
    pub(crate) fn judge(
        &mut self,
        ask: Ask<'_>,
        owner: &AccountId,
        spellings: &[&Arn],
        tags: &[Tag],
        object_policy: Option<(Object, &str)>,
    ) -> Result<(), ApiError> {
        // A write is judged when it is prepared and when it is run: one thing asked for.
        if let Some(&arn) = spellings.first().filter(|it| !self.asked.contains(it)) {
            self.asked.push(arn.clone());
        }
        let allowed = owner == self.account()
            && (self.caller.is_root()
                || self.permitted_as_read(ask, owner, spellings, tags, object_policy)?);
        match (allowed, spellings.first()) {
            (true, _) => Ok(()),
            (false, Some(arn)) => Err(Refusal::no_permission(arn).into()),
            (false, None) => Err(Code::NoPermission.into()),
        }
    }

    /// However the encryption context is read: two contexts can share an AAD. Source: keys.md §9.2.
    fn permitted_as_read(
        &self,
        ask: Ask<'_>,
        owner: &AccountId,
        spellings: &[&Arn],
        tags: &[Tag],
        object_policy: Option<(Object, &str)>,
    ) -> Result<bool, ApiError> {
        if !self.permitted(ask, owner, spellings, tags, object_policy)? {
            return Ok(false);
        }
        let Some(other) = ask.context.and_then(EncryptionContext::other_reading) else {
            return Ok(true);
        };
        let ask = Ask { context: Some(&other), ..ask };
        self.permitted(ask, owner, spellings, tags, object_policy)
    }

    /// By the action asked for or, if it is the operation's own, the other that does as well.
    fn permitted(
        &self,
        ask: Ask<'_>,
        owner: &AccountId,
        spellings: &[&Arn],
        tags: &[Tag],
        object_policy: Option<(Object, &str)>,
    ) -> Result<bool, ApiError> {
        let mut verdict = self.decide(ask, owner, spellings, tags, object_policy)?;
        if let (Some(action), true) = (self.spec.or_action, ask.action == self.spec.action()) {
            let other = Ask { action, ..ask };
            let other = self.decide(other, owner, spellings, tags, object_policy)?;
            verdict = policy::evaluate::same_account(verdict, other);
        }
        Ok(verdict == Verdict::Allow)
    }

    fn decide(
        &self,
        ask: Ask<'_>,
        owner: &AccountId,
        spellings: &[&Arn],
        tags: &[Tag],
        object_policy: Option<(Object, &str)>,
    ) -> Result<Verdict, ApiError> {
        let action = ask.action.to_string();
        let resources: Vec<&str> = spellings.iter().map(|it| it.as_str()).collect();
        let context = Facts { ask, tags, caller: self.caller, now: self.now };
        let question = Question {
            action: &action,
            resources: &resources,
            caller: Some(self.caller.as_asked()),
            owner: owner.as_str(),
            context: &context,
        };
        let documents = self.caller.policies.iter().map(|it| &**it);
        let identity = policy::decide(documents, &question).verdict;
        let Some((object, text)) = object_policy else { return Ok(identity) };
        // A policy that cannot be read must not be passed over: it may deny.
        let document = Document::parse(text, Kind::Object(object)).map_err(|_| {
            ApiError::caused(Code::InternalFailure, "a stored key or secret policy cannot be read")
        })?;
        let granted = policy::decide([&document], &question).verdict;
        Ok(policy::evaluate::same_account(identity, granted))
    }
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
            "acs:MFAPresent" => Some("false".into()),
            "kms:EncryptionAlgorithm" => self.ask.algorithm.map(Cow::Borrowed),
            _ => None,
        }
    }
}
