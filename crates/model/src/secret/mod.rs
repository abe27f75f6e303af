//! Secrets: their versions, the labels that mark them, and their life. Source: secrets.md §2, §3.

use std::{collections::BTreeMap, ops::RangeInclusive};

use crate::{
    ids::{AccountId, InstanceId, KeyId, KeyVersionId, SecretName, Stage, VersionId},
    key::words,
    time::Timestamp,
};

mod config;
mod credential;
mod managed;
mod stages;
mod unfit;

pub use config::{CLONE_SUFFIX, Config, CustomData};
pub use credential::Credential;
pub use managed::{
    AutomaticRotation, Managed, Rotation, RotationInterval, RotationWindow, Step, SubType,
};
pub use stages::{NewStages, StageError, StageMove};
pub use unfit::Unfit;

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
    /// What there is besides if its kind is not generic.
    pub managed: Option<Managed>,
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

/// The secret's place in its life forbids what was asked. Source: secrets.md §3.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WrongLife {
    /// It waits for its deletion.
    #[error("the secret waits for its deletion")]
    Scheduled,
    /// It does not wait for its deletion.
    #[error("the secret does not wait for its deletion")]
    NotScheduled,
}

impl Secret {
    /// Days that a secret may wait for its deletion. Source: secrets.md §1.6.
    pub const RECOVERY_DAYS: RangeInclusive<i64> = 7..=30;

    /// Days that it waits if its owner does not say. Source: secrets.md §4.12.
    pub const DEFAULT_RECOVERY_DAYS: i64 = 30;

    /// Whether its time is up: then there is no such secret, and its name is free, whether or not
    /// its row was removed yet.
    #[must_use]
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.delete_at.is_some_and(|it| it <= now)
    }

    /// Fails if it waits for its deletion.
    pub fn must_not_be_scheduled(&self) -> Result<(), WrongLife> {
        if self.delete_at.is_some() { Err(WrongLife::Scheduled) } else { Ok(()) }
    }

    /// Has it deleted in so many days, and says when that is.
    pub fn schedule_deletion(&mut self, now: Timestamp, days: i64) -> Result<Timestamp, WrongLife> {
        self.must_not_be_scheduled()?;
        let at = now.plus_seconds(days * 86_400);
        self.delete_at = Some(at);
        self.updated = now;
        Ok(at)
    }

    /// Takes back [`Secret::schedule_deletion`].
    pub fn restore(&mut self, now: Timestamp) -> Result<(), WrongLife> {
        self.delete_at.take().ok_or(WrongLife::NotScheduled)?;
        self.updated = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretType, WrongLife};
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    /// A secret without versions.
    pub(super) fn secret() -> Secret {
        Secret {
            account: "1".parse().unwrap(),
            name: "a".parse().unwrap(),
            kind: SecretType::Generic,
            instance: None,
            key: "k".parse().unwrap(),
            customer_key: false,
            description: String::new(),
            created: NOW,
            updated: NOW,
            delete_at: None,
            policy: None,
            stages: super::BTreeMap::new(),
            managed: None,
        }
    }

    #[test]
    fn a_secret_is_scheduled_restored_and_scheduled_again() {
        // Source: secrets.md §3.
        let mut it = secret();
        assert_eq!(it.restore(NOW), Err(WrongLife::NotScheduled));
        assert_eq!(it.must_not_be_scheduled(), Ok(()));
        let at = it.schedule_deletion(NOW, 7).unwrap();
        assert_eq!(at, NOW.plus_seconds(604_800));
        assert_eq!(it.schedule_deletion(NOW, 30), Err(WrongLife::Scheduled));
        assert_eq!(
            (it.delete_at, it.must_not_be_scheduled()),
            (Some(at), Err(WrongLife::Scheduled))
        );
        assert_eq!(it.restore(NOW), Ok(()));
        assert_eq!(it.restore(NOW), Err(WrongLife::NotScheduled));
        it.schedule_deletion(NOW, 30).unwrap();
    }

    #[test]
    fn a_scheduled_secret_is_gone_when_its_time_comes() {
        let mut it = secret();
        assert!(!it.is_gone(NOW.plus_seconds(i64::from(u32::MAX))));
        let at = it.schedule_deletion(NOW, 7).unwrap();
        assert_eq!(
            [-1, 0, 1].map(|seconds| it.is_gone(at.plus_seconds(seconds))),
            [false, true, true]
        );
    }
}
