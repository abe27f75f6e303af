//! Secrets: their versions, the labels that mark them, and their life. Source: secrets.md §2, §3.

use std::collections::BTreeMap;

use crate::{
    ids::{AccountId, InstanceId, KeyId, KeyVersionId, SecretName, Stage, VersionId},
    key::words,
    time::Timestamp,
};

words! {
    /// The kind of a secret. Source: secrets.md §4.1.
    SecretType {
        /// Whatever its owner puts in.
        Generic = "Generic",
        /// A database account on an RDS server.
        Rds = "Rds",
        /// A Redis account.
        Redis = "Redis",
        /// An access key of a RAM user.
        RamCredentials = "RAMCredentials",
        /// A login of a server.
        Ecs = "ECS",
        /// A database account on `PolarDB`.
        PolarDb = "PolarDB",
    }
}

words! {
    /// What a client takes a value for; we keep both as they were sent. Source: secrets.md §4.1.
    DataType {
        /// Text.
        Text = "text",
        /// Bytes, in whatever text the client writes them.
        Binary = "binary",
    }
}

/// A secret: everything but its values, which are in its versions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Secret {
    /// Its owner.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: SecretName,
    /// Its kind.
    pub kind: SecretType,
    /// The instance it lives in.
    pub instance: Option<InstanceId>,
    /// The key that its values are sealed by: the customer's, or the account's service key.
    pub key: KeyId,
    /// Whether the customer named that key, so that its permissions apply. Source: secrets.md §1.7.
    pub customer_key: bool,
    /// Free text, at most 8192 characters.
    pub description: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed. Source: secrets.md §4.2.
    pub updated: Timestamp,
    /// When it will be deleted; `None` unless that is scheduled.
    pub delete_at: Option<Timestamp>,
    /// Its policy as submitted; `None` is the default one.
    pub policy: Option<String>,
    /// Which version each label marks.
    pub stages: BTreeMap<Stage, VersionId>,
}

/// One version of a secret's value, sealed. It never changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretVersion {
    /// Its id, unique in the secret.
    pub id: VersionId,
    /// When it was made.
    pub created: Timestamp,
    /// What the client takes the value for.
    pub data_type: DataType,
    /// The key version that sealed the data key.
    pub key_version: KeyVersionId,
    /// The data key of this version, sealed by that key version.
    pub sealed_data_key: Vec<u8>,
    /// The value, sealed by the data key.
    pub sealed_value: Vec<u8>,
}
