//! Key policies and secret policies: what they start as, and which actions they can grant.
//!
//! Source: identity.md §4.5 and §4.6.

use crate::{ids::AccountId, key::words};

words! {
    /// What a policy is written on.
    Object {
        /// A key.
        Key = "key",
        /// A secret.
        Secret = "secret",
    }
}

/// What the console's administrators of a key may do. A star stands for any end.
const KEY_ADMIN: &[&str] = &[
    "List*",
    "Describe*",
    "Create*",
    "Enable*",
    "Disable*",
    "Get*",
    "Set*",
    "Update*",
    "Delete*",
    "Cancel*",
    "TagResource",
    "UntagResource",
    "ImportKeyMaterial",
    "ScheduleKeyDeletion",
];

/// What its users may do, those of other accounts too.
const KEY_USER: &[&str] = &[
    "Encrypt",
    "Decrypt",
    "GenerateDataKey",
    "GenerateAndExportDataKey",
    "AsymmetricEncrypt",
    "AsymmetricDecrypt",
    "DescribeKey",
    "DescribeKeyVersion",
    "ListKeyVersions",
    "ListAliasesByKeyId",
    "TagResource",
];

/// What the administrators of a secret may do: not `GetSecretValue`.
const SECRET_ADMIN: &[&str] = &[
    "List*",
    "Describe*",
    "PutSecretValue",
    "Update*",
    "DeleteSecret",
    "RestoreSecret",
    "RotateSecret",
    "TagResource",
    "UntagResource",
];

/// What its users may do, those of other accounts too.
const SECRET_USER: &[&str] = &["List*", "Describe*", "GetSecretValue"];

impl Object {
    /// The longest policy, in bytes. Source: identity.md §3.1.
    pub const MAX_POLICY_LEN: usize = 32_768;

    /// The only name that its policy can have. Source: identity.md §4.5.
    pub const POLICY_NAME: &str = "default";

    /// The policy it has until it is given one, on one line, as the service writes it.
    #[must_use]
    pub fn default_policy(self, account: &AccountId) -> String {
        format!(
            r#"{{"Version":"1","Statement":[{{"Action":["kms:*"],"Resource":["*"],"Effect":"Allow","Principal":{{"RAM":["acs:ram::{account}:*"]}},"Sid":"kms default {self} policy"}}]}}"#
        )
    }

    /// Whether its policy can grant `action` (`kms:Encrypt`, in any case).
    ///
    /// Another account's callers can be users of the object, never administrators. What a policy
    /// allows beyond these lists is stored and has no effect; what it denies always has (our
    /// choice: a refusal that does nothing would be a trap).
    #[must_use]
    pub fn can_grant(self, action: &str, to_another_account: bool) -> bool {
        let Some((service, name)) = action.split_once(':') else { return false };
        if !service.eq_ignore_ascii_case("kms") {
            return false;
        }
        let (admin, user) = match self {
            Self::Key => (KEY_ADMIN, KEY_USER),
            Self::Secret => (SECRET_ADMIN, SECRET_USER),
        };
        lists(user, name) || (!to_another_account && lists(admin, name))
    }
}

fn lists(list: &[&str], name: &str) -> bool {
    list.iter().any(|it| match it.strip_suffix('*') {
        Some(start) => name.get(..start.len()).is_some_and(|name| name.eq_ignore_ascii_case(start)),
        None => name.eq_ignore_ascii_case(it),
    })
}

#[cfg(test)]
mod tests {
    use super::Object;
    use crate::policy::{Document, Kind};

    #[test]
    fn the_lists_of_the_console_bound_what_a_policy_grants() {
        for (object, action, own, foreign) in [
            (Object::Key, "kms:Encrypt", true, true),
            (Object::Key, "KMS:encrypt", true, true),
            (Object::Key, "kms:DisableKey", true, false),
            (Object::Key, "kms:GetPublicKey", true, false),
            (Object::Key, "kms:AsymmetricSign", false, false),
            (Object::Key, "kms:EncryptMore", false, false),
            (Object::Key, "ram:Encrypt", false, false),
            (Object::Key, "Encrypt", false, false),
            (Object::Secret, "kms:GetSecretValue", true, true),
            (Object::Secret, "kms:PutSecretValue", true, false),
            (Object::Secret, "kms:Decrypt", false, false),
            (Object::Secret, "kms:密钥", false, false),
        ] {
            assert_eq!(object.can_grant(action, false), own, "{object:?} {action}");
            assert_eq!(object.can_grant(action, true), foreign, "{object:?} {action}");
        }
    }

    #[test]
    fn the_default_policies_are_what_the_service_writes() {
        let account = "1540355698840000".parse().unwrap();
        let text = Object::Key.default_policy(&account);
        assert_eq!(
            text,
            r#"{"Version":"1","Statement":[{"Action":["kms:*"],"Resource":["*"],"Effect":"Allow","Principal":{"RAM":["acs:ram::1540355698840000:*"]},"Sid":"kms default key policy"}]}"#
        );
        for object in [Object::Key, Object::Secret] {
            Document::parse(&object.default_policy(&account), Kind::Object(object)).unwrap();
        }
        assert!(Object::Secret.default_policy(&account).contains("kms default secret policy"));
    }
}
