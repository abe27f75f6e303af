//! How the rotation of a generic secret goes on: one transaction after each step of its hook.

use yaoku_model::{
    ids::Stage,
    secret::{Rotation, Secret, Step},
    time::Timestamp,
};
use yaoku_store::Tx;

use super::{
    finish,
    password::pause,
    patience::{HOOK, HOOK_TRIES},
    steps::Trouble,
    work,
};
use crate::{error::ApiError, hooks::Fault, node::Node};

/// The step was done. Answers the rotation at its next step, which this node has for itself; after the
/// last one, the new version must be current.
pub(super) async fn succeed(
    node: &Node,
    tx: &mut dyn Tx,
    secret: &Secret,
    rotation: &Rotation,
    now: Timestamp,
) -> Result<Option<Rotation>, ApiError> {
    if let Some(step) = rotation.step.next_of_hook() {
        let next = Rotation { step, tries: 0, next_try: now, ..rotation.clone() };
        return work::hold(tx, next, now).await.map(Some);
    }
    let current = secret.stages.get(&Stage::current()) == Some(&rotation.version);
    let trouble = (!current).then(|| Trouble::Hook(Fault::NotCurrent));
    end(node, tx, secret, now, trouble.as_ref()).await.map(|()| None)
}

/// The step was not done: it is tried again later; or, for too long, the rotation has failed.
pub(super) async fn put_off(
    node: &Node,
    tx: &mut dyn Tx,
    secret: &Secret,
    rotation: &Rotation,
    trouble: &Trouble,
    now: Timestamp,
) -> Result<(), ApiError> {
    let age = now.unix_seconds() - rotation.started.unix_seconds();
    let tries = rotation.tries + 1;
    if trouble.patience() == 0 || (age >= HOOK && tries >= HOOK_TRIES) {
        return end(node, tx, secret, now, Some(trouble)).await;
    }
    let next_try = now.plus_seconds(pause(&*node.random, rotation.tries)?);
    let later = Rotation { tries, next_try, held_until: None, ..rotation.clone() };
    Ok(tx.put_rotation(&later).await?)
}

async fn end(
    node: &Node,
    tx: &mut dyn Tx,
    secret: &Secret,
    now: Timestamp,
    trouble: Option<&Trouble>,
) -> Result<(), ApiError> {
    if let Some(mut hook) = tx.hook(&secret.account, &secret.name).await? {
        hook.is_over(now, trouble.is_none());
        tx.put_hook(&hook).await?;
    }
    finish::write_down(node, tx, secret, trouble).await?;
    finish::tell(node, tx, secret, now, trouble).await?;
    Ok(tx.delete_rotation(&secret.account, &secret.name).await?)
}

/// Whether a rotation is a hook's.
pub(super) const fn is_hooks(step: Step) -> bool {
    matches!(step, Step::HookNew | Step::HookSet | Step::HookTest | Step::HookEnd)
}
