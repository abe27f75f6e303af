//! The change feed: what a commit changed, told to every node.

use yaoku_model::ids::{
    AccessKeyId, AccountId, AliasName, GroupName, InstanceId, KeyId, PolicyName, ProviderName,
    RoleName, SecretName, UserName,
};

/// One thing that a committed transaction made, changed or removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// An account, or one of its wrapping keys.
    Account(AccountId),
    /// An access key.
    AccessKey(AccessKeyId),
    /// An alias.
    Alias(AccountId, AliasName),
    /// A group, its users, or what is attached to it.
    Group(AccountId, GroupName),
    /// An instance.
    Instance(InstanceId),
    /// A key, its versions, its policy or its tags.
    Key(KeyId),
    /// An identity provider.
    OidcProvider(AccountId, ProviderName),
    /// A custom policy, or its versions.
    Policy(AccountId, PolicyName),
    /// A role, or what is attached to it.
    Role(AccountId, RoleName),
    /// The wraps of the root key, or its generation.
    RootKey,
    /// A secret, its versions, its labels, its policy or its tags.
    Secret(AccountId, SecretName),
    /// A user, or what is attached to it.
    User(AccountId, UserName),
}

/// How far a reader of the feed has come. Opaque: a counter on SQLite, a transaction id on PostgreSQL.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mark(pub i64);

/// A part of the feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// What changed, each thing at least once.
    pub changes: Vec<Change>,
    /// Whether more may have changed: what stood between the mark asked with and the oldest row
    /// that is kept. Whoever keeps anything must then forget all of it.
    pub missed: bool,
    /// What to ask with next.
    pub next: Mark,
}
