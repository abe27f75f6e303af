//! The contract for notices: what was told, and to which webhooks it is still to be brought.

use async_trait::async_trait;
use yaoku_model::{ids::AccountId, time::Timestamp};

use crate::{Listed, Match, Page, StoreError};

/// One notice, as it was left.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoticeRow {
    /// Its id: no two notices have the same.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// When it was left.
    pub at: Timestamp,
    /// Its name: `Secret:RotateSecret:Failure`.
    pub name: String,
    /// `INFO`, `WARN` or `CRITICAL`.
    pub level: String,
    /// The ARN of what it is about.
    pub about: String,
    /// All of it, as JSON.
    pub body: String,
    /// How many webhooks are still to be told. Whatever is put here when it is inserted, is not kept.
    pub waiting: i64,
}

/// Which notices are asked for: those that all of it fits.
#[derive(Clone, Debug, Default)]
pub struct NoticeFilter {
    /// The ARN of what they are about.
    pub about: Option<String>,
    /// What they are called.
    pub name: Option<Match>,
}

/// One notice that one webhook is still to be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delivery {
    /// The id of the notice.
    pub notice: String,
    /// When that was left.
    pub at: Timestamp,
    /// What is sent.
    pub body: String,
    /// How often it was tried in vain.
    pub tries: i64,
}

/// Notices and their deliveries. Nothing of them is cached, so nothing goes into the feed.
#[async_trait]
pub trait Notices: Send {
    /// Adds a notice. `false`: there is one with its id, and nothing is done.
    async fn insert_notice(&mut self, notice: &NoticeRow) -> Result<bool, StoreError>;

    /// Whether there is a notice with this id.
    async fn has_notice(&mut self, id: &str) -> Result<bool, StoreError>;

    /// The notices of an account that `filter` finds, the last first.
    async fn notices(
        &mut self,
        account: &AccountId,
        filter: &NoticeFilter,
        page: Page,
    ) -> Result<Listed<NoticeRow>, StoreError>;

    /// Removes at most `limit` notices that were left before `before`, with their deliveries; answers
    /// how many.
    async fn delete_notices(&mut self, before: Timestamp, limit: i64) -> Result<u64, StoreError>;

    /// The same of notices that are not among the last `keep` of their account, but for `CRITICAL` ones
    /// that were left at `spared` or later and that a webhook is still to be told. Reads an index of
    /// all notices.
    async fn delete_surplus_notices(
        &mut self,
        keep: i64,
        spared: Timestamp,
        limit: i64,
    ) -> Result<u64, StoreError>;

    /// Lets a webhook be told of a notice, from `at` on.
    async fn insert_delivery(
        &mut self,
        webhook: &str,
        notice: &str,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// What a webhook is to be told at `now`: what waits longest first, at most `limit`.
    async fn due_deliveries(
        &mut self,
        webhook: &str,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Says how often a delivery was tried in vain, and when it is due next.
    async fn put_off_delivery(
        &mut self,
        webhook: &str,
        notice: &str,
        tries: i64,
        due: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes a delivery: it arrived, or is given up.
    async fn delete_delivery(&mut self, webhook: &str, notice: &str) -> Result<(), StoreError>;
}
