//! The contract for keys, their versions and their aliases.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, AliasName, InstanceId, KeyId, KeyVersionId},
    key::{Alias, Key, KeyVersion},
    time::Timestamp,
};

use crate::{Listed, Page, StoreError};

/// A key to which something happens by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DueKey {
    /// When.
    pub at: Timestamp,
    /// The key's id as its row has it: one that cannot be read holds up no other.
    pub id: String,
}

/// Which keys to list. An empty list is no constraint; values of one list are alternatives.
///
/// Source: keys.md §6.3.
#[derive(Clone, Debug, Default)]
pub struct KeyFilter {
    /// Words of [`yaoku_model::key::KeyState`].
    pub states: Vec<String>,
    /// Words of [`yaoku_model::key::KeySpec`].
    pub specs: Vec<String>,
    /// Words of [`yaoku_model::key::KeyUsage`].
    pub usages: Vec<String>,
    /// Words of [`yaoku_model::key::ProtectionLevel`].
    pub protections: Vec<String>,
    /// Words of [`yaoku_model::key::CreatorType`].
    pub creator_types: Vec<String>,
    /// Ids of instances.
    pub instances: Vec<String>,
    /// Ids of keys.
    pub ids: Vec<String>,
    /// Names of aliases, `alias/` included.
    pub aliases: Vec<String>,
    /// Account numbers.
    pub creators: Vec<String>,
    /// Keys of tags. With `tag_values`, one tag must satisfy both.
    pub tag_keys: Vec<String>,
    /// Values of tags.
    pub tag_values: Vec<String>,
}

/// Keys, versions, aliases.
#[async_trait]
pub trait Keys: Send {
    /// Finds a key of any account.
    async fn key(&mut self, id: &KeyId) -> Result<Option<Key>, StoreError>;

    /// Finds the key that a version belongs to.
    async fn key_of_version(&mut self, id: &KeyVersionId) -> Result<Option<KeyId>, StoreError>;

    /// All versions of a key, oldest first.
    async fn key_versions(&mut self, key: &KeyId) -> Result<Vec<KeyVersion>, StoreError>;

    /// Finds one version of a key.
    async fn key_version(
        &mut self,
        key: &KeyId,
        version: &KeyVersionId,
    ) -> Result<Option<KeyVersion>, StoreError>;

    /// Lists the versions of a key, newest first. Source: keys.md §8.1.
    async fn list_key_versions(
        &mut self,
        key: &KeyId,
        page: Page,
    ) -> Result<Listed<KeyVersion>, StoreError>;

    /// Keys of any account to which something happens by itself at `now` or has before
    /// ([`Key::due`]): those that wait longest first, from the one after `after` on, at most `limit`.
    async fn due_keys(
        &mut self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: i64,
    ) -> Result<Vec<DueKey>, StoreError>;

    /// Keys of any account whose imported material expires after `from` and at `until` at the latest, and
    /// to which nothing else happens before: the first to expire first, from the one after `after` on, at
    /// most `limit`.
    async fn expiring_keys(
        &mut self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&DueKey>,
        limit: i64,
    ) -> Result<Vec<Key>, StoreError>;

    /// Lists the ids of an account's keys as they are at `now`: those whose deletion date has come
    /// are gone, and expired material is none ([`Key::state_at`]).
    async fn list_keys(
        &mut self,
        account: &AccountId,
        filter: &KeyFilter,
        now: Timestamp,
        page: Page,
    ) -> Result<Listed<KeyId>, StoreError>;

    /// How many keys an account made itself (creator type `User`). Here and below, what is gone at
    /// `now` ([`Key::is_gone`]) is not counted, listed or found, whether or not it was removed yet.
    async fn count_keys(&mut self, account: &AccountId, now: Timestamp) -> Result<i64, StoreError>;

    /// How many of those are in no instance.
    async fn count_default_keys(
        &mut self,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<i64, StoreError>;

    /// How many key versions an instance holds.
    async fn count_key_versions(
        &mut self,
        instance: &InstanceId,
        now: Timestamp,
    ) -> Result<i64, StoreError>;

    /// Adds a key.
    async fn insert_key(&mut self, key: &Key) -> Result<(), StoreError>;

    /// Replaces everything about a key that can change.
    async fn update_key(&mut self, key: &Key) -> Result<(), StoreError>;

    /// Adds a version. Making it the primary one is [`Keys::update_key`]'s.
    async fn insert_key_version(&mut self, version: &KeyVersion) -> Result<(), StoreError>;

    /// Replaces a version's material and its fingerprint. Empty material is none: what was there is
    /// gone for good.
    async fn update_key_version(&mut self, version: &KeyVersion) -> Result<(), StoreError>;

    /// Reserves so many more seals for a version; answers how many are reserved in all, or `None` if
    /// there is no such version. The caches need not know: nothing is added to the feed.
    async fn reserve_seals(
        &mut self,
        version: &KeyVersionId,
        count: i64,
    ) -> Result<Option<i64>, StoreError>;

    /// Removes a key with its versions, aliases and tags: nothing opens what it sealed.
    async fn delete_key(&mut self, id: &KeyId) -> Result<(), StoreError>;

    /// Finds an alias.
    async fn alias(
        &mut self,
        account: &AccountId,
        name: &AliasName,
    ) -> Result<Option<Alias>, StoreError>;

    /// Lists the aliases of an account, or of one of its keys; those of keys that are gone, are too.
    async fn list_aliases(
        &mut self,
        account: &AccountId,
        key: Option<&KeyId>,
        now: Timestamp,
        page: Page,
    ) -> Result<Listed<Alias>, StoreError>;

    /// How many aliases an account has, as they are listed.
    async fn count_aliases(
        &mut self,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<i64, StoreError>;

    /// Adds an alias; `false` if the name is taken.
    async fn insert_alias(&mut self, alias: &Alias) -> Result<bool, StoreError>;

    /// Binds an alias to another key; `false` if there is none of that name.
    async fn move_alias(
        &mut self,
        account: &AccountId,
        name: &AliasName,
        key: &KeyId,
    ) -> Result<bool, StoreError>;

    /// Removes an alias; `false` if there is none of that name.
    async fn delete_alias(
        &mut self,
        account: &AccountId,
        name: &AliasName,
    ) -> Result<bool, StoreError>;
}
