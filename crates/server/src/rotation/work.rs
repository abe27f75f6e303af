//! What is done to a rotation in one transaction.

use yaoku_model::{
    ids::VersionId,
    secret::{AutomaticRotation, Rotation, Secret, Step},
    time::Timestamp,
};
use yaoku_store::Tx;

use super::{
    begin::{self, Prepared},
    finish, hook, ram,
    steps::Trouble,
};
use crate::{
    due,
    error::ApiError,
    node::Node,
    pipeline::{again_if_conflict, must_take_writes},
    values::Sealed,
};

/// For so many seconds a node has a rotation for itself: longer than any step can take.
const HOLD: i64 = 90;

/// The same where a target is asked: then the node says again and again that it is still at it. If it
/// dies, the only account of a target may have a new password that nobody can read until this is over.
pub(super) const SHORT_HOLD: i64 = 15;

/// What is done in one transaction.
pub(super) enum Work {
    /// A rotation whose date has come begins, under this id. Answers it if there is a step to do.
    Begin(VersionId, Prepared),
    /// One whose date has come cannot begin.
    FailToBegin(Trouble),
    /// This node takes the rotation for itself. Answers it, unless somebody else was first.
    Hold,
    /// This node has it, and needs it longer. Answers it, unless somebody else has it now.
    HoldOn(Rotation),
    /// The step was done.
    Succeed(Rotation, Option<Sealed>),
    /// The hook did its step. Answers it if there is another one to do.
    HookDid(Rotation),
    /// It was not.
    PutOff(Rotation, Trouble),
    /// The time is over in which both access keys work.
    EndWindow(Rotation),
}

impl Work {
    /// Does it, again if another transaction came first, and lets the caches know of it.
    pub(super) async fn write(
        &self,
        node: &Node,
        of: &Secret,
    ) -> Result<Option<Rotation>, ApiError> {
        again_if_conflict(|| self.try_to_write(node, of)).await
    }

    async fn try_to_write(&self, node: &Node, of: &Secret) -> Result<Option<Rotation>, ApiError> {
        must_take_writes(node)?;
        let mut tx = node.store.write().await?;
        let done = self.run(node, tx.tx(), of).await?;
        node.caches.apply(&tx.commit().await?.changes);
        node.wrote.notify_one();
        Ok(done)
    }

    async fn run(
        &self,
        node: &Node,
        tx: &mut dyn Tx,
        of: &Secret,
    ) -> Result<Option<Rotation>, ApiError> {
        let now = node.domain_clock.now();
        let Some((secret, _)) = tx.secret(&of.account, &of.name).await? else { return Ok(None) };
        let running = tx.rotation(&of.account, &of.name).await?;
        match self {
            // Somebody else was first.
            Self::Begin(..) | Self::FailToBegin(_)
                if running.as_ref().is_some_and(Rotation::is_running)
                    || !is_due(tx, &secret, now).await? =>
            {
                Ok(None)
            }
            // What is in hand is no longer the secret that is there.
            Self::Begin(..) | Self::Hold if !is_same(of, &secret) => Err(ApiError::conflict()),
            Self::FailToBegin(trouble) => {
                finish::fail_to_begin(node, tx, secret, trouble, now).await.map(|()| None)
            }
            Self::Begin(version, prepared) => {
                begin_by_itself(node, tx, secret, version, prepared, now).await
            }
            Self::Hold => match running.filter(|it| is_free(it, now)) {
                Some(rotation) => hold(tx, rotation, now).await.map(Some),
                None => Ok(None),
            },
            // Somebody else has it now, or it is over.
            Self::HoldOn(it)
            | Self::Succeed(it, _)
            | Self::HookDid(it)
            | Self::PutOff(it, _)
            | Self::EndWindow(it)
                if running.as_ref() != Some(it) =>
            {
                Ok(None)
            }
            Self::HoldOn(rotation) => hold(tx, rotation.clone(), now).await.map(Some),
            Self::Succeed(rotation, sealed) => {
                finish::succeed(node, tx, secret, rotation, sealed.as_ref(), now).await?;
                Ok(None)
            }
            Self::HookDid(rotation) => hook::succeed(node, tx, &secret, rotation, now).await,
            Self::PutOff(rotation, trouble) if hook::is_hooks(rotation.step) => {
                hook::put_off(node, tx, &secret, rotation, trouble, now).await?;
                Ok(None)
            }
            Self::PutOff(rotation, trouble) => {
                finish::put_off(node, tx, secret, rotation.clone(), trouble, now).await?;
                Ok(None)
            }
            Self::EndWindow(it) => ram::end_window(node, tx, secret, it, now).await.map(|()| None),
        }
    }
}

async fn begin_by_itself(
    node: &Node,
    tx: &mut dyn Tx,
    secret: Secret,
    version: &VersionId,
    prepared: &Prepared,
    now: Timestamp,
) -> Result<Option<Rotation>, ApiError> {
    match begin::begin(node, tx, secret.clone(), version.clone(), prepared, now).await {
        Ok(rotation) if rotation.step == Step::Window => Ok(None),
        Ok(rotation) => hold(tx, rotation, now).await.map(Some),
        Err(error) if is_ours(&error) => Err(error),
        Err(error) => {
            let trouble = Trouble::Ours(error);
            finish::fail_to_begin(node, tx, secret, &trouble, now).await?;
            Ok(None)
        }
    }
}

/// Whether an error passes with the store's or another's: the secret has no part in it.
pub(super) fn is_ours(error: &ApiError) -> bool {
    let passes = matches!(error.code().status(), 429 | 503);
    error.is_conflict() || due::waits(error) || passes
}

/// Whether a secret that was read before is still what it was, as far as rotations go.
fn is_same(before: &Secret, now: &Secret) -> bool {
    (before.created, &before.stages, &before.key) == (now.created, &now.stages, &now.key)
}

/// Whether a secret is to rotate by itself now.
async fn is_due(tx: &mut dyn Tx, secret: &Secret, now: Timestamp) -> Result<bool, ApiError> {
    let next = match &secret.managed {
        Some(it) if it.automatic == AutomaticRotation::Enabled => it.next_rotation,
        Some(_) => None,
        None => tx.hook(&secret.account, &secret.name).await?.and_then(|it| it.next_rotation),
    };
    Ok(next.is_some_and(|it| it <= now) && secret.delete_at.is_none())
}

fn is_free(rotation: &Rotation, now: Timestamp) -> bool {
    rotation.next_try <= now && rotation.held_until.is_none_or(|it| it <= now)
}

/// Keeps a rotation for this node alone, for a while.
pub(super) async fn hold(
    tx: &mut dyn Tx,
    mut rotation: Rotation,
    now: Timestamp,
) -> Result<Rotation, ApiError> {
    let asks = matches!(rotation.step, Step::Create | Step::Apply | Step::Settle | Step::Retire);
    rotation.held_until = Some(now.plus_seconds(if asks { SHORT_HOLD } else { HOLD }));
    tx.put_rotation(&rotation).await?;
    Ok(rotation)
}
