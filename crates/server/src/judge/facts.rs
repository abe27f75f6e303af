//! The facts that a decision goes by: the values of condition keys. Source: identity.md §3.4.

use std::borrow::Cow;

use yaoku_model::{policy, tag::Tag, time::Timestamp};

use crate::{call::Ask, caller::Caller};

/// The values of condition keys. Source: identity.md §3.4.
pub(crate) struct Facts<'a> {
    pub(crate) ask: Ask<'a>,
    pub(crate) tags: &'a [Tag],
    pub(crate) caller: &'a Caller,
    pub(crate) now: Timestamp,
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
