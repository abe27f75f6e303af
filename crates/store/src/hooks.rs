//! The contract for hooks: what is called to rotate generic secrets.

use async_trait::async_trait;
use yaoku_model::{
    hook::Hook,
    ids::{AccountId, SecretName},
    time::Timestamp,
};

use crate::{DueSecret, StoreError};

/// Hooks. Nothing of them is cached, so nothing goes into the feed.
#[async_trait]
pub trait Hooks: Send {
    /// The hook of a secret.
    async fn hook(
        &mut self,
        account: &AccountId,
        secret: &SecretName,
    ) -> Result<Option<Hook>, StoreError>;

    /// The hooks of an account, by secret.
    async fn hooks(&mut self, account: &AccountId) -> Result<Vec<Hook>, StoreError>;

    /// Adds the hook of a secret, which must be there, or replaces all of it but when it was first
    /// put there. It goes with its secret.
    async fn put_hook(&mut self, hook: &Hook) -> Result<(), StoreError>;

    /// Removes the hook of a secret; `false` if there is none.
    async fn delete_hook(
        &mut self,
        account: &AccountId,
        secret: &SecretName,
    ) -> Result<bool, StoreError>;

    /// Secrets of any account whose hook is to be called by itself at `now` or before, that do not
    /// wait for deletion, and of which no rotation runs: those that wait longest first, from the one
    /// after `after` on, at most `limit`.
    async fn due_hooks(
        &mut self,
        now: Timestamp,
        after: Option<&DueSecret>,
        limit: i64,
    ) -> Result<Vec<DueSecret>, StoreError>;
}
