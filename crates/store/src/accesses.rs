//! The contract for whom the policies in an instance let in, and did until lately.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, InstanceId},
    policy::Object,
    time::Timestamp,
};

use crate::StoreError;

/// The policy that a key or secret was given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyText {
    /// What it is written on.
    pub object: Object,
    /// The id of the key, or the name of the secret.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Another account that the policy of a key or secret let in, and lets in no longer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Release {
    /// The instance of the key or secret, which may be gone.
    pub instance: InstanceId,
    /// Which of the two it is.
    pub object: Object,
    /// The id of the key, or the name of the secret.
    pub name: String,
    /// The other account.
    pub account: AccountId,
    /// Since when.
    pub at: Timestamp,
}

/// What counts against an instance's access-management quota. Nothing of it is cached, so nothing
/// goes into the feed.
#[async_trait]
pub trait Accesses: Send {
    /// The policies of the keys and secrets in an instance, without those whose deletion date was
    /// `since` or before. In no order.
    async fn policies_in(
        &mut self,
        instance: &InstanceId,
        since: Timestamp,
    ) -> Result<Vec<PolicyText>, StoreError>;

    /// What was released in an instance after `since`. In no order.
    async fn releases_in(
        &mut self,
        instance: &InstanceId,
        since: Timestamp,
    ) -> Result<Vec<Release>, StoreError>;

    /// Notes a release. An earlier one of the same account from the same key or secret is replaced.
    async fn put_release(&mut self, release: &Release) -> Result<(), StoreError>;

    /// Forgets at most `limit` of the releases at `until` or before; answers how many.
    async fn delete_releases(&mut self, until: Timestamp, limit: i64) -> Result<u64, StoreError>;
}
