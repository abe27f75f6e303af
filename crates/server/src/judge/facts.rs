//! The facts that a decision goes by: the values of condition keys. Source: identity.md §3.4.

use std::borrow::Cow;

use yaoku_model::{policy, tag::Tag, time::Timestamp};

use crate::{call::Ask, caller::Caller};

/// The actions for which `kms:tag/<key>` has a value, that of a key's tag: none of lists, aliases or
/// secrets. Source: identity.md §4.4, which goes before what secrets.md §1.7 infers.
const SEE_KEY_TAGS: &[&str] = &[
    "AsymmetricDecrypt",
    "AsymmetricEncrypt",
    "AsymmetricSign",
    "AsymmetricVerify",
    "CancelKeyDeletion",
    "CreateKeyVersion",
    "Decrypt",
    "DeleteKeyMaterial",
    "DescribeKey",
    "DescribeKeyVersion",
    "DisableKey",
    "EnableKey",
    "Encrypt",
    "ExportDataKey",
    "GenerateAndExportDataKey",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GetParametersForImport",
    "GetPublicKey",
    "ImportKeyMaterial",
    "ListKeyVersions",
    "ReEncryptFrom",
    "ReEncryptTo",
    "ScheduleKeyDeletion",
    "SetDeletionProtection",
    "UpdateKeyDescription",
    "UpdateRotationPolicy",
];

/// The values of condition keys. Source: identity.md §3.4.
pub(crate) struct Facts<'a> {
    pub(crate) ask: Ask<'a>,
    /// The name of the action that is asked for: that of `ask`, or one that is supposed.
    pub(crate) action: &'a str,
    /// The thing's.
    pub(crate) tags: &'a [Tag],
    /// Those that the request would give.
    pub(crate) request_tags: &'a [Tag],
    pub(crate) caller: &'a Caller,
    pub(crate) now: Timestamp,
}

/// What it has values for, and the keys that a policy may deny by, belong together: see `SUPPLIED`
/// in the model's `condition.rs`.
impl policy::Context for Facts<'_> {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        if let Some(tag) = key.strip_prefix("kms:tag/") {
            return value_of(self.tags, tag).filter(|_| sees_key_tags(self.action));
        }
        if let Some(tag) = key.strip_prefix("acs:ResourceTag/") {
            return value_of(self.tags, tag);
        }
        if let Some(tag) = key.strip_prefix("acs:RequestTag/") {
            return value_of(self.request_tags, tag);
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

fn sees_key_tags(action: &str) -> bool {
    SEE_KEY_TAGS.iter().any(|it| it.eq_ignore_ascii_case(action))
}

fn value_of<'t>(tags: &'t [Tag], key: &str) -> Option<Cow<'t, str>> {
    tags.iter().find(|it| it.key.as_str() == key).map(|it| it.value.as_str().into())
}
