//! Looks, again and again, for rotations that are to begin or to go on, and sees each through one step.
//!
//! Many go on side by side, a few of them at any one target: so a target that is dead holds up those
//! of its own secrets, which wait until it may be tried again, and no others.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use yaoku_model::{
    ids::{AccountId, SecretName, TargetId, VersionId},
    secret::{AutomaticRotation, Managed, Rotation, Secret, Step, SubType},
    time::Timestamp,
};
use yaoku_store::{DueSecret, StoreError, Tx};

use super::{
    begin::{self, Prepared},
    finish,
    password::version_id,
    ram,
    steps::{self, Trouble},
};
use crate::{
    cache::CachedSecret,
    error::ApiError,
    node::Node,
    pipeline::must_take_writes,
    values::{self, NewValue, Sealed},
};

/// How often there is a look. Our choice.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// How many rotations go on at once, and how many of them at one target.
const AT_ONCE: usize = 64;
const AT_ONE_TARGET: usize = 4;

/// How many rows are asked for at once, and so how many tasks there are at most.
const PAGE: i64 = 256;

/// For so many seconds a node has a rotation for itself: longer than any step can take.
const HOLD: i64 = 90;

/// For so long nobody asks a target that was found dead. Our choice.
const REST: Duration = Duration::from_secs(5);

/// How often a transaction is tried again when another one came first.
const TRIES: usize = 8;

/// What looks, and what it has in hand.
#[derive(Debug)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    begun: Notify,
}

#[derive(Debug)]
struct Shared {
    /// As many tasks as there may be.
    tasks: Arc<Semaphore>,
    /// As many as may ask anything of anybody.
    places: Arc<Semaphore>,
    /// The secrets that a task of this node works on.
    in_hand: Mutex<HashSet<(String, String)>>,
    /// The targets that were asked lately.
    targets: Mutex<HashMap<(AccountId, TargetId), At>>,
}

/// A target.
#[derive(Clone, Debug)]
struct At {
    places: Arc<Semaphore>,
    rests_until: Option<Instant>,
}

impl Default for Engine {
    fn default() -> Self {
        let tasks = usize::try_from(PAGE).unwrap_or(usize::MAX);
        Self {
            shared: Arc::new(Shared {
                tasks: Arc::new(Semaphore::new(tasks)),
                places: Arc::new(Semaphore::new(AT_ONCE)),
                in_hand: Mutex::default(),
                targets: Mutex::default(),
            }),
            begun: Notify::new(),
        }
    }
}

impl Engine {
    /// Begins what is to begin, and takes up what is to go on. Answers when each has a task.
    pub(crate) async fn run(&self, node: &Arc<Node>) -> Result<(), ApiError> {
        let now = node.domain_clock.now();
        let mut after = None;
        loop {
            let mut tx = node.store.read().await?;
            let due = tx.secrets_to_rotate(now, after.as_ref(), PAGE).await?;
            drop(tx);
            let Some(last) = due.last() else { break };
            after = Some(last.clone());
            self.take_up(node, due, true).await;
        }
        let mut after = None;
        loop {
            let due = node.store.read().await?.due_rotations(now, after.as_ref(), PAGE).await?;
            let Some(last) = due.last() else { return Ok(()) };
            after = Some(last.clone());
            self.take_up(node, due, false).await;
        }
    }

    /// Says that somebody has begun a rotation, or moved the clock.
    pub(crate) fn wake(&self) {
        self.begun.notify_one();
    }

    /// Waits until somebody has.
    pub(crate) async fn woken(&self) {
        self.begun.notified().await;
    }

    /// Waits until nothing is in hand: for tests, and before a node stops.
    pub(crate) async fn rest(&self) {
        let all = u32::try_from(PAGE).unwrap_or(u32::MAX);
        drop(self.shared.tasks.acquire_many(all).await);
    }

    async fn take_up(&self, node: &Arc<Node>, due: Vec<DueSecret>, begin: bool) {
        for it in due {
            // What cannot be written down is not done.
            if must_take_writes(node).is_err() {
                return;
            }
            let Ok(place) = Arc::clone(&self.shared.tasks).acquire_owned().await else { return };
            let thing = (it.account, it.name);
            if lock(&self.shared.in_hand).insert(thing.clone()) {
                tokio::spawn(one(Arc::clone(node), Arc::clone(&self.shared), place, thing, begin));
            }
        }
    }
}

/// One task: begins a rotation if it is to begin, then does the step that it is at.
async fn one(
    node: Arc<Node>,
    shared: Arc<Shared>,
    place: OwnedSemaphorePermit,
    thing: (String, String),
    begins: bool,
) {
    if let Err(error) = turn(&node, &shared, &thing, begins).await
        && !error.is_conflict()
    {
        tracing::warn!(account = thing.0, secret = thing.1, %error, "its rotation has to wait");
    }
    lock(&shared.in_hand).remove(&thing);
    drop(place);
}

async fn turn(
    node: &Node,
    shared: &Shared,
    (account, name): &(String, String),
    begins: bool,
) -> Result<(), ApiError> {
    let unreadable = |_| StoreError::Unreadable { table: "secrets" };
    let account: AccountId = account.parse().map_err(unreadable)?;
    let name: SecretName = name.parse().map_err(unreadable)?;
    let Some(found) = node.caches.secret(&account, &name).await? else { return Ok(()) };
    let now = node.domain_clock.now();
    let first = if begins {
        let version = version_id(&*node.random)?;
        let prepared = begin::prepare(node, &found, &version, now).await?;
        Work::Begin(version, prepared)
    } else {
        Work::Hold
    };
    match first.write(node, &found.secret).await? {
        Some(rotation) if rotation.step == Step::Window => {
            Work::EndWindow(rotation).write(node, &found.secret).await.map(drop)
        }
        Some(rotation) => go_on(node, shared, &found, rotation).await,
        None => Ok(()),
    }
}

/// Does the step, and keeps what came of it.
async fn go_on(
    node: &Node,
    shared: &Shared,
    found: &CachedSecret,
    rotation: Rotation,
) -> Result<(), ApiError> {
    let work = match at_target(node, shared, found, &rotation).await {
        Ok(()) => {
            let sealed = seal_candidate(node, &found.secret, &rotation).await?;
            Work::Succeed(rotation, sealed)
        }
        Err(trouble) => {
            let (account, name) = (&rotation.account, &rotation.secret);
            tracing::warn!(%account, secret = %name, ?trouble, "a credential was not turned");
            Work::PutOff(rotation, trouble)
        }
    };
    work.write(node, &found.secret).await.map(drop)
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

/// Does the step when there is a place for it at its target.
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
    let named = config.target().ok_or(Trouble::NoTarget)?;
    let at = (found.secret.account.clone(), named);
    let places = shared.places_at(&at);
    let closed = |_| Trouble::NoTarget;
    let _its_place = places.acquire_owned().await.map_err(closed)?;
    shared.must_not_rest(&at)?;
    let _place = shared.places.acquire().await.map_err(closed)?;
    let done = steps::take(node, found, rotation).await;
    shared.note(&at, &done);
    done
}

impl Shared {
    fn places_at(&self, at: &(AccountId, TargetId)) -> Arc<Semaphore> {
        let mut targets = lock(&self.targets);
        if targets.len() >= 4096 {
            targets.retain(|_, it| Arc::strong_count(&it.places) > 1);
        }
        let new = || At { places: Arc::new(Semaphore::new(AT_ONE_TARGET)), rests_until: None };
        Arc::clone(&targets.entry(at.clone()).or_insert_with(new).places)
    }

    /// Fails as the last one did whom nobody answered.
    fn must_not_rest(&self, at: &(AccountId, TargetId)) -> Result<(), Trouble> {
        let until = lock(&self.targets).get(at).and_then(|it| it.rests_until);
        if until.is_some_and(|it| Instant::now() < it) {
            let why = "it did not answer a moment ago".to_owned();
            return Err(yaoku_targets::Fault::Unreachable(why).into());
        }
        Ok(())
    }

    fn note(&self, at: &(AccountId, TargetId), done: &Result<(), Trouble>) {
        use yaoku_targets::Fault::{TimedOut, Unreachable};
        let dead = matches!(done, Err(Trouble::Target(Unreachable(_) | TimedOut)));
        if let Some(it) = lock(&self.targets).get_mut(at) {
            it.rests_until = dead.then(|| Instant::now() + REST);
        }
    }
}

/// What is done in one transaction.
enum Work {
    /// A rotation whose date has come begins, under this id. Answers it if there is a step to do.
    Begin(VersionId, Prepared),
    /// This node takes the rotation for itself. Answers it, unless somebody else was first.
    Hold,
    /// The step was done.
    Succeed(Rotation, Option<Sealed>),
    /// It was not.
    PutOff(Rotation, Trouble),
    /// The time is over in which both access keys work.
    EndWindow(Rotation),
}

impl Work {
    /// Does it, again if another transaction came first, and lets the caches know of it.
    async fn write(&self, node: &Node, of: &Secret) -> Result<Option<Rotation>, ApiError> {
        let mut tries = 1;
        loop {
            match self.try_to_write(node, of).await {
                Err(error) if error.is_conflict() && tries < TRIES => tries += 1,
                done => return done,
            }
        }
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
            Self::Begin(..) if !is_due(&secret, now) => Ok(None),
            Self::Begin(version, prepared) => {
                begin_by_itself(node, tx, secret, version, prepared, now).await
            }
            Self::Hold => match running.filter(|it| is_free(it, now)) {
                Some(rotation) => hold(tx, rotation, now).await.map(Some),
                None => Ok(None),
            },
            // Somebody else has it now, or it is over.
            Self::Succeed(it, _) | Self::PutOff(it, _) | Self::EndWindow(it)
                if running.as_ref() != Some(it) =>
            {
                Ok(None)
            }
            Self::Succeed(rotation, sealed) => {
                finish::succeed(node, tx, secret, rotation, sealed.as_ref(), now).await?;
                Ok(None)
            }
            Self::PutOff(rotation, trouble) => {
                finish::put_off(node, tx, secret, rotation.clone(), trouble, now).await?;
                Ok(None)
            }
            Self::EndWindow(_) => ram::end_window(node, tx, secret, now).await.map(|()| None),
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
        Err(error) if error.is_conflict() || error.code().status() >= 500 => Err(error),
        Err(error) => {
            let trouble = Trouble::Ours(error);
            finish::fail_to_begin(node, tx, secret, &trouble, now).await?;
            Ok(None)
        }
    }
}

fn is_due(secret: &Secret, now: Timestamp) -> bool {
    let on = |it: &&Managed| it.automatic == AutomaticRotation::Enabled;
    let next = secret.managed.as_ref().filter(on).and_then(|it| it.next_rotation);
    next.is_some_and(|it| it <= now) && secret.delete_at.is_none()
}

fn is_free(rotation: &Rotation, now: Timestamp) -> bool {
    rotation.next_try <= now && rotation.held_until.is_none_or(|it| it <= now)
}

async fn hold(
    tx: &mut dyn Tx,
    mut rotation: Rotation,
    now: Timestamp,
) -> Result<Rotation, ApiError> {
    rotation.held_until = Some(now.plus_seconds(HOLD));
    tx.put_rotation(&rotation).await?;
    Ok(rotation)
}

fn lock<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
