//! The contract for credentials that change: the servers they are on, and what was begun.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, SecretName, TargetId},
    secret::Rotation,
    target::Target,
    time::Timestamp,
};

use crate::{DueSecret, StoreError};

/// Targets and rotations.
#[async_trait]
pub trait Rotations: Send {
    /// Finds a target.
    async fn target(
        &mut self,
        account: &AccountId,
        id: &TargetId,
    ) -> Result<Option<Target>, StoreError>;

    /// The targets of an account, by id.
    async fn targets(&mut self, account: &AccountId) -> Result<Vec<Target>, StoreError>;

    /// Adds a target, or replaces all of it but when it was registered.
    async fn put_target(&mut self, target: &Target) -> Result<(), StoreError>;

    /// Removes a target; `false` if there is none.
    async fn delete_target(
        &mut self,
        account: &AccountId,
        id: &TargetId,
    ) -> Result<bool, StoreError>;

    /// The rotation of a secret that was begun and is not over.
    async fn rotation(
        &mut self,
        account: &AccountId,
        secret: &SecretName,
    ) -> Result<Option<Rotation>, StoreError>;

    /// Adds or replaces the rotation of a secret.
    async fn put_rotation(&mut self, rotation: &Rotation) -> Result<(), StoreError>;

    /// Removes the rotation of a secret: it is over.
    async fn delete_rotation(
        &mut self,
        account: &AccountId,
        secret: &SecretName,
    ) -> Result<(), StoreError>;

    /// Rotations of any account to be tried at `now`, which no node has for itself: those that wait
    /// longest first, from the one after `after` on, at most `limit`.
    async fn due_rotations(
        &mut self,
        now: Timestamp,
        after: Option<&DueSecret>,
        limit: i64,
    ) -> Result<Vec<DueSecret>, StoreError>;

    /// Secrets of any account that rotate by themselves, whose date is `now` or before, that do not
    /// wait for deletion, and of which no rotation runs: none was begun, or it failed and is to be
    /// settled. In the same order and pages.
    async fn secrets_to_rotate(
        &mut self,
        now: Timestamp,
        after: Option<&DueSecret>,
        limit: i64,
    ) -> Result<Vec<DueSecret>, StoreError>;
}
