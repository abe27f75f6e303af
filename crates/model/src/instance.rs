//! Instances: the homes of keys and secrets.

use crate::{
    ids::{AccountId, InstanceId},
    key::words,
    time::Timestamp,
};

words! {
    /// Where an instance is in its life. Source: instance.md §1.3.
    InstanceStatus {
        /// Bought, not started.
        Uninitialized = "Uninitialized",
        /// Starting.
        Connecting = "Connecting",
        /// In service.
        Connected = "Connected",
        /// Out of service: expired.
        Disconnected = "Disconnected",
        /// It did not start.
        Error = "Error",
    }
}

words! {
    /// What kind of keys an instance holds, by its product version. Source: instance.md §1.1.
    InstanceKind {
        /// Software keys.
        Software = "3",
        /// Keys in a hardware security module.
        Hardware = "5",
    }
}

/// An instance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Its owner.
    pub account: AccountId,
    /// Its name: the id unless it was given one.
    pub name: String,
    /// Its kind.
    pub kind: InstanceKind,
    /// Where it is in its life.
    pub status: InstanceStatus,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends. Source: instance.md §1.3.
    pub ends: Timestamp,
    /// Its class: symmetric calls a second. Source: instance.md §1.4.
    pub spec: i64,
    /// How many key versions it may hold.
    pub key_quota: i64,
    /// How many secrets it may hold.
    pub secret_quota: i64,
    /// How many networks and other accounts may use it.
    pub access_quota: i64,
    /// Why it must not be released; `None` is no deletion protection. Source: keys.md §6.6.
    pub deletion_protection: Option<String>,
}
