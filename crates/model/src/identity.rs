//! Accounts, RAM users, access keys, and the policies attached to them.

use crate::{
    ids::{AccessKeyId, AccountId, PolicyName, UserName},
    key::words,
    time::Timestamp,
};

/// An account: the owner of everything else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// When it was made.
    pub created: Timestamp,
    /// Whether the service is open for it (`OpenKmsService`). Source: keys.md §15.1.
    pub kms_open: bool,
}

/// A RAM user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: UserName,
    /// Its id: 18 decimal digits, for ever, whatever the name. Source: identity.md §2.3.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
}

/// An access key of a user, or of the account itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessKey {
    /// Its id.
    pub id: AccessKeyId,
    /// The account.
    pub account: AccountId,
    /// The user; `None` is the account's root.
    pub user: Option<UserName>,
    /// The secret half, sealed by the account's wrapping key.
    pub sealed: Vec<u8>,
    /// Whether it may sign.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
}

words! {
    /// Whose text a policy is.
    PolicyType {
        /// Ours: the same in every account.
        System = "System",
        /// The account's own.
        Custom = "Custom",
    }
}

/// A policy that an account wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CustomPolicy {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: PolicyName,
    /// The document as submitted, byte for byte.
    pub document: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A policy in a user's hands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attachment {
    /// Whose text it is.
    pub kind: PolicyType,
    /// Its name.
    pub policy: PolicyName,
}
