//! The contract for the record of who used a key for what.

use async_trait::async_trait;
use yaoku_model::{ids::KeyId, time::Timestamp};

use crate::{Listed, Page, StoreError};

/// What one caller did with one key on one day.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyUse {
    /// The key.
    pub key: KeyId,
    /// Who: the ARN of a user, a role or an account's root.
    pub caller: String,
    /// The name of the action.
    pub action: String,
    /// The day, counted from 1970, UTC.
    pub day: i64,
    /// How often.
    pub count: i64,
    /// The last time.
    pub last: Timestamp,
}

/// The record of uses. Nothing of it is cached, so nothing goes into the feed.
#[async_trait]
pub trait KeyUses: Send {
    /// Adds counts to what is there. A use of a key that is gone is passed over.
    async fn add_key_use(&mut self, added: &KeyUse) -> Result<(), StoreError>;

    /// What was done with a key since `day`: the days added up for each caller and action, the one
    /// that came last first. `day` of an item is the first one of it.
    async fn key_uses(
        &mut self,
        key: &KeyId,
        day: i64,
        page: Page,
    ) -> Result<Listed<KeyUse>, StoreError>;

    /// Removes at most `limit` rows of days before `day`; answers how many.
    async fn delete_key_uses(&mut self, day: i64, limit: i64) -> Result<u64, StoreError>;
}
