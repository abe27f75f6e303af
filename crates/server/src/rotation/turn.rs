//! One rotation's turn: what it does between its transactions.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use yaoku_model::secret::{Rotation, Secret, Step, SubType};
use yaoku_targets::Fault;

use super::{
    begin,
    engine::{Queue, Shared},
    hook,
    password::version_id,
    steps::{self, Trouble},
    work::{SHORT_HOLD, Work, is_ours},
};
use crate::{
    cache::CachedSecret,
    error::ApiError,
    hooks,
    node::Node,
    values::{self, NewValue, Sealed},
};

/// How often a node says that it is still at a rotation, which it then has for longer. Our choice.
const STILL: Duration = Duration::from_secs(5);

/// How long a target may take for a step in all, though it answers: after that others have the place, and
/// it counts as one that does not answer. Our choice.
const LONGEST_STEP: Duration = Duration::from_secs(30);

/// How soon what cannot be kept is tried to be kept again. Our choice.
const AGAIN: Duration = Duration::from_millis(500);

/// Begins a rotation if it is to begin, then does the step that it is at.
pub(super) async fn turn(
    node: &Node,
    shared: &Shared,
    found: &CachedSecret,
    begins: bool,
) -> Result<(), ApiError> {
    let now = node.domain_clock.now();
    let first = if begins {
        let version = version_id(&*node.random)?;
        match begin::prepare(node, found, &version, now).await {
            Ok(prepared) => Work::Begin(version, prepared),
            Err(error) if is_ours(&error) => return Err(error),
            Err(error) => Work::FailToBegin(Trouble::Ours(error)),
        }
    } else {
        Work::Hold
    };
    match first.write(node, &found.secret).await? {
        Some(rotation) if rotation.step == Step::Window => {
            Work::EndWindow(rotation).write(node, &found.secret).await.map(drop)
        }
        Some(rotation) if hook::is_hooks(rotation.step) => {
            call_hook(node, shared, &found.secret, rotation).await
        }
        Some(rotation) => Box::pin(go_on(node, shared, found, rotation)).await,
        None => Ok(()),
    }
}

/// Has the hook do this step, and those after it, and keeps what came of each before the next.
async fn call_hook(
    node: &Node,
    shared: &Shared,
    secret: &Secret,
    mut rotation: Rotation,
) -> Result<(), ApiError> {
    loop {
        let mut stopping = shared.stopping.subscribe();
        let done = tokio::select! {
            _ = stopping.wait_for(|it| *it) => return Ok(()),
            done = hooks::call(node, secret, &rotation) => done,
        };
        let work = match done {
            Ok(()) => Work::HookDid(rotation),
            Err(fault) => {
                let (account, name) = (&rotation.account, &rotation.secret);
                let step = rotation.step;
                tracing::warn!(%account, secret = %name, %step, ?fault, "a hook did not do its step");
                Work::PutOff(rotation, fault.into())
            }
        };
        match work.write(node, secret).await? {
            Some(next) => rotation = next,
            None => return Ok(()),
        }
    }
}

/// Does the step, and keeps what came of it.
async fn go_on(
    node: &Node,
    shared: &Shared,
    found: &CachedSecret,
    mut rotation: Rotation,
) -> Result<(), ApiError> {
    let step = rotation.clone();
    let done = async {
        // First, so that nothing but the commit stands between what works and what is current.
        let sealed = seal_candidate(node, &found.secret, &step).await?;
        at_target(node, shared, found, &step).await.map(|()| sealed)
    };
    let held = Box::pin(still_held(node, &found.secret, &mut rotation, done));
    let Some(done) = held.await else {
        tracing::warn!(secret = %found.secret.name, "its rotation is no longer this node's");
        return Ok(());
    };
    let work = match done {
        Ok(sealed) => Work::Succeed(rotation, sealed),
        Err(trouble) => {
            let (account, name) = (&rotation.account, &rotation.secret);
            tracing::warn!(%account, secret = %name, ?trouble, "a credential was not turned");
            Work::PutOff(rotation, trouble)
        }
    };
    keep(node, &found.secret, &work).await
}

/// Does something about a rotation, and sees to it that no other node takes it up meanwhile. `None` if
/// one has, or may have, all the same: then it is left off, so that nothing old is given to a target after
/// something new.
async fn still_held<T>(
    node: &Node,
    secret: &Secret,
    rotation: &mut Rotation,
    step: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(step);
    let mut since = Instant::now();
    loop {
        tokio::select! {
            biased;
            done = &mut step => return Some(done),
            () = tokio::time::sleep(STILL) => {}
        }
        let (asked, work) = (Instant::now(), Work::HoldOn(rotation.clone()));
        let write = work.write(node, secret);
        tokio::pin!(write);
        // The step goes on meanwhile: it may have what this waits for.
        let mut done = None;
        let held = loop {
            tokio::select! {
                held = &mut write => break held,
                it = &mut step, if done.is_none() => done = Some(it),
            }
        };
        match held {
            Ok(Some(held)) => (*rotation, since) = (held, asked),
            Ok(None) => return None,
            Err(error) => tracing::warn!(%error, "a rotation cannot be held"),
        }
        if done.is_some() {
            return done;
        }
        if since.elapsed() >= Duration::from_secs(SHORT_HOLD.unsigned_abs()) {
            return None;
        }
    }
}

/// Keeps what came of a step. What is true of the target already is not given up because the store
/// has no room just now.
async fn keep(node: &Node, secret: &Secret, work: &Work) -> Result<(), ApiError> {
    let since = Instant::now();
    loop {
        match work.write(node, secret).await {
            Err(error) if since.elapsed() < Duration::from_secs(SHORT_HOLD.unsigned_abs()) => {
                tracing::warn!(%error, "what came of a rotation cannot be kept yet");
                tokio::time::sleep(AGAIN).await;
            }
            done => return done.map(drop),
        }
    }
}

/// The candidate's value as the version that it becomes.
async fn seal_candidate(
    node: &Node,
    secret: &Secret,
    rotation: &Rotation,
) -> Result<Option<Sealed>, ApiError> {
    let Some(candidate) = &rotation.candidate else { return Ok(None) };
    let data = values::open_for_service(node, secret, candidate).await?;
    let value = NewValue { id: rotation.version.clone(), data, data_type: candidate.data_type };
    let key = values::key_for_service(node, secret, None).await?;
    value.seal(node, node.domain_clock.now(), &key, secret).await.map(Some)
}

/// Does the step, unless its target was found dead a moment ago.
async fn at_target(
    node: &Node,
    shared: &Shared,
    found: &CachedSecret,
    rotation: &Rotation,
) -> Result<(), Trouble> {
    let config = begin::config(&found.secret)?;
    if config.sub_type == SubType::RamUserAccessKey {
        return Err(Trouble::NoTarget);
    }
    let queue = Queue::Target(config.target().ok_or(Trouble::NoTarget)?);
    let whose = (found.secret.account.clone(), queue);
    let _place = shared.may_ask(&whose)?;
    let done = timeout(LONGEST_STEP, steps::take(node, found, rotation)).await;
    let done = done.unwrap_or_else(|_| Err(Fault::TimedOut.into()));
    shared.note(&whose, &done);
    done
}
