//! The contract for secrets and their versions.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, InstanceId, KeyId, SecretName, VersionId},
    secret::{Secret, SecretVersion},
    tag::Tag,
    time::Timestamp,
};

use crate::{Listed, Page, StoreError};

/// How a text is compared. Always with regard to case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Match {
    /// The whole text.
    Exact(String),
    /// How the text begins.
    Prefix(String),
}

/// A secret with which something is to be done: its deletion date has come, or its rotation's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DueSecret {
    /// Since when.
    pub at: Timestamp,
    /// Its account as its row has it: one that cannot be read holds up no other.
    pub account: String,
    /// Its name, in the same way.
    pub name: String,
}

/// Which secrets to list. An empty list is no constraint; values of one list are alternatives.
///
/// Source: secrets.md §4.3.
#[derive(Clone, Debug, Default)]
pub struct SecretFilter {
    /// Names.
    pub names: Vec<Match>,
    /// Parts of descriptions.
    pub descriptions: Vec<String>,
    /// Keys of tags. With `tag_values`, one tag must satisfy both.
    pub tag_keys: Vec<String>,
    /// Values of tags.
    pub tag_values: Vec<String>,
    /// Ids of instances.
    pub instances: Vec<String>,
    /// Words of [`yaoku_model::secret::SecretType`].
    pub kinds: Vec<String>,
    /// Account numbers.
    pub creators: Vec<String>,
    /// Only those whose deletion has not come at this moment: what is left of the others is still
    /// to be removed. `None` is no constraint.
    pub alive_at: Option<Timestamp>,
}

/// Secrets and versions.
#[async_trait]
pub trait Secrets: Send {
    /// Finds a secret, its labels included, and its tags in order of key.
    async fn secret(
        &mut self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<Option<(Secret, Vec<Tag>)>, StoreError>;

    /// All versions of a secret, oldest first (in the order in which they were added).
    async fn secret_versions(
        &mut self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<Vec<SecretVersion>, StoreError>;

    /// The ids of all versions of a secret, in the same order.
    async fn secret_version_ids(
        &mut self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<Vec<VersionId>, StoreError>;

    /// Secrets of any account whose deletion date is `now` or before, and which are still there: those
    /// that wait longest first, from the one after `after` on, at most `limit`.
    async fn due_secrets(
        &mut self,
        now: Timestamp,
        after: Option<&DueSecret>,
        limit: i64,
    ) -> Result<Vec<DueSecret>, StoreError>;

    /// Lists an account's secrets.
    async fn list_secrets(
        &mut self,
        account: &AccountId,
        filter: &SecretFilter,
        page: Page,
    ) -> Result<Listed<Secret>, StoreError>;

    /// How many secrets an instance holds that are not gone at `now`.
    async fn count_secrets(
        &mut self,
        instance: &InstanceId,
        now: Timestamp,
    ) -> Result<i64, StoreError>;

    /// Whether any secret is sealed by a key.
    async fn key_seals_secrets(&mut self, key: &KeyId) -> Result<bool, StoreError>;

    /// Adds a secret with its labels, and without versions; `false` if the name is taken.
    async fn insert_secret(&mut self, secret: &Secret) -> Result<bool, StoreError>;

    /// Replaces everything about a secret that can change, its labels too.
    async fn update_secret(&mut self, secret: &Secret) -> Result<(), StoreError>;

    /// Removes a secret with its versions, labels and tags. The name is free again.
    async fn delete_secret(
        &mut self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<(), StoreError>;

    /// Adds a version. Labelling it is [`Secrets::update_secret`]'s.
    async fn insert_secret_version(
        &mut self,
        account: &AccountId,
        name: &SecretName,
        version: &SecretVersion,
    ) -> Result<(), StoreError>;

    /// Adds a version to a secret that is there, replaces everything about the secret that can
    /// change, and removes `evicted`, another version of it, whose id is then free again.
    async fn put_secret_version(
        &mut self,
        secret: &Secret,
        version: &SecretVersion,
        evicted: Option<&VersionId>,
    ) -> Result<(), StoreError>;

    /// Removes a version. Whoever does so takes its labels away ([`Secrets::update_secret`]).
    async fn delete_secret_version(
        &mut self,
        account: &AccountId,
        name: &SecretName,
        version: &VersionId,
    ) -> Result<(), StoreError>;
}
