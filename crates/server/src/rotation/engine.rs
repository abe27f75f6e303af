//! Looks, again and again, for rotations that are to begin or to go on, and sees each through one step.
//!
//! Those of one target wait in a queue of their own, and so do the access keys of one account; a few of
//! each queue go on side by side. So a target that is dead or slow holds up those of its own secrets
//! and no others, and none is begun before it can go on. All go at one pace, so that however many are
//! due, calls have most of the processors.

use std::{
    collections::{HashMap, HashSet},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::Instant,
};
use yaoku_model::{
    ids::{AccountId, SecretName, TargetId, VersionId},
    secret::{AutomaticRotation, Managed, Rotation, Secret, Step, SubType},
    time::Timestamp,
};
use yaoku_store::{DueSecret, StoreError, Tx};
use yaoku_targets::Aside;

use super::{
    begin::{self, Prepared},
    finish,
    password::version_id,
    ram,
    steps::{self, Trouble},
};
use crate::{
    cache::CachedSecret,
    due,
    error::ApiError,
    node::Node,
    pipeline::must_take_writes,
    values::{self, NewValue, Sealed},
};

/// How often there is a look. Our choice.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// How many rotations go on at once, and how many of them in one queue.
const AT_ONCE: usize = 64;
const IN_ONE_QUEUE: usize = 4;

/// How many rows are asked for at once.
const PAGE: i64 = 256;

/// How many secrets wait or are worked on at most, some 500 bytes each. The others are found when
/// there is room. Our choice.
const TASKS: u32 = 16_384;

/// How long passes at least from one that goes on to the next: fifty go on in a second, and ten thousand
/// take little more than three minutes. Our choice.
const PACE: Duration = Duration::from_millis(20);

/// What is done at targets takes at most an eighth of the processors. What the store and the journal
/// do for it is about as much again, so that all of it stays below a quarter. Our choice.
const SHARE: u32 = 8;

/// For so many seconds a node has a rotation for itself: longer than any step can take.
const HOLD: i64 = 90;

/// The same where a target is asked: then the node says again and again that it is still at it. If it
/// dies, the only account of a target may have a new password that nobody can read until this is over.
const SHORT_HOLD: i64 = 15;

/// How often it says so. Our choice.
const STILL: Duration = Duration::from_secs(5);

/// How soon what cannot be kept is tried to be kept again. Our choice.
const AGAIN: Duration = Duration::from_millis(500);

/// For so long nobody asks a target that was found dead. Our choice.
const REST: Duration = Duration::from_secs(2);

/// So many queues and dead targets are remembered, and more only while they matter.
const REMEMBERED: usize = 4096;

/// How often a transaction is tried again when another one came first.
const TRIES: usize = 8;

/// What looks, and what it has in hand.
#[derive(Debug)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    begun: Notify,
    aside: Aside,
}

#[derive(Debug)]
struct Shared {
    /// As many tasks as there may be.
    tasks: Arc<Semaphore>,
    /// As many as may ask anything of anybody.
    places: Arc<Semaphore>,
    /// The secrets that a task of this node works on.
    in_hand: Mutex<HashSet<(String, String)>>,
    /// Where secrets wait, or did lately. What was begun does not wait behind what was not.
    queues: Mutex<HashMap<(Whose, Begins), Arc<Semaphore>>>,
    /// Until when targets that were found dead are left alone.
    resting: Mutex<HashMap<Whose, Instant>>,
    pace: tokio::sync::Mutex<Pace>,
}

/// Whose queue: that of an account's target, or of its access keys, which have none.
type Whose = (AccountId, Option<TargetId>);

/// Whether a rotation is to begin first.
type Begins = bool;

/// When the next may go on, and what had been taken of the processors when the last one did.
#[derive(Debug)]
struct Pace {
    next: Instant,
    spent: Duration,
}

impl Default for Engine {
    fn default() -> Self {
        let tasks = usize::try_from(TASKS).unwrap_or(usize::MAX);
        let pace = Pace { next: Instant::now(), spent: Duration::ZERO };
        Self {
            shared: Arc::new(Shared {
                tasks: Arc::new(Semaphore::new(tasks)),
                places: Arc::new(Semaphore::new(AT_ONCE)),
                in_hand: Mutex::default(),
                queues: Mutex::default(),
                resting: Mutex::default(),
                pace: tokio::sync::Mutex::new(pace),
            }),
            begun: Notify::new(),
            aside: Aside::default(),
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

    /// Says that somebody has begun a rotation.
    pub(crate) fn wake(&self) {
        self.begun.notify_one();
    }

    /// Waits until somebody has.
    pub(crate) async fn woken(&self) {
        self.begun.notified().await;
    }

    /// Where targets are spoken to.
    pub(crate) fn aside(&self) -> &Aside {
        &self.aside
    }

    /// Begins nothing more, and waits until nothing is in hand, before a node stops.
    pub(crate) async fn stop(&self) {
        self.shared.places.close();
        self.rest().await;
    }

    /// Waits until nothing is in hand.
    pub(crate) async fn rest(&self) {
        drop(self.shared.tasks.acquire_many(TASKS).await);
    }

    async fn take_up(&self, node: &Arc<Node>, due: Vec<DueSecret>, begin: Begins) {
        for it in due {
            // What cannot be written down is not done.
            if must_take_writes(node).is_err() {
                return;
            }
            let Ok(task) = Arc::clone(&self.shared.tasks).try_acquire_owned() else { return };
            let thing = (it.account, it.name);
            let Some(in_hand) = InHand::of(&self.shared, thing) else { continue };
            // Known beforehand, so that nothing is begun that has to wait.
            match whose(node, &in_hand.thing).await {
                Ok(Some(whose)) => {
                    tokio::spawn(one(Arc::clone(node), in_hand, task, whose, begin));
                }
                Ok(None) => {}
                Err(error) => in_hand.has_to_wait(&error),
            }
        }
    }
}

/// The queue of a secret; `None` if there is no such secret any more.
async fn whose(node: &Node, (account, name): &(String, String)) -> Result<Option<Whose>, ApiError> {
    let (account, name) = (read(account)?, read(name)?);
    let Some(found) = node.caches.secret(&account, &name).await? else { return Ok(None) };
    let target = begin::config(&found.secret).ok().and_then(|it| it.target());
    Ok(Some((account, target)))
}

fn read<T: FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { table: "secrets" })
}

/// One task: when it has its turn, begins a rotation if it is to begin, then does the step that it is at.
async fn one(
    node: Arc<Node>,
    in_hand: InHand,
    _task: OwnedSemaphorePermit,
    whose: Whose,
    begins: Begins,
) {
    let InHand { shared, thing } = &in_hand;
    if let Some(_places) = shared.places(&node, (whose, begins)).await
        // Those that wait need not have room for it.
        && let Err(error) = Box::pin(turn(&node, shared, thing, begins)).await
        && !error.is_conflict()
    {
        in_hand.has_to_wait(&error);
    }
}

/// A secret that a task of this node works on: nobody else takes it up until this is gone.
struct InHand {
    shared: Arc<Shared>,
    thing: (String, String),
}

impl InHand {
    fn of(shared: &Arc<Shared>, thing: (String, String)) -> Option<Self> {
        let is_new = lock(&shared.in_hand).insert(thing.clone());
        is_new.then(|| Self { shared: Arc::clone(shared), thing })
    }

    fn has_to_wait(&self, error: &ApiError) {
        let (account, secret) = &self.thing;
        tracing::warn!(account, secret, %error, "its rotation has to wait");
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        lock(&self.shared.in_hand).remove(&self.thing);
    }
}

async fn turn(
    node: &Node,
    shared: &Shared,
    (account, name): &(String, String),
    begins: Begins,
) -> Result<(), ApiError> {
    let (account, name): (AccountId, SecretName) = (read(account)?, read(name)?);
    let Some(found) = node.caches.secret(&account, &name).await? else { return Ok(()) };
    let now = node.domain_clock.now();
    let first = if begins {
        let version = version_id(&*node.random)?;
        match begin::prepare(node, &found, &version, now).await {
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
        Some(rotation) => go_on(node, shared, &found, rotation).await,
        None => Ok(()),
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
    let Some(done) = still_held(node, &found.secret, &mut rotation, done).await else {
        tracing::warn!(secret = %found.secret.name, "another node has taken its rotation");
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
/// one has all the same: then it is left off, so that nothing old is given to a target after something
/// new.
async fn still_held<T>(
    node: &Node,
    secret: &Secret,
    rotation: &mut Rotation,
    step: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(step);
    loop {
        tokio::select! {
            biased;
            done = &mut step => return Some(done),
            () = tokio::time::sleep(STILL) => {}
        }
        match Work::HoldOn(rotation.clone()).write(node, secret).await {
            Ok(Some(held)) => *rotation = held,
            Ok(None) => return None,
            Err(error) => tracing::warn!(%error, "a rotation cannot be held"),
        }
    }
}

/// Keeps what came of a step. What is true of the target already is not given up because the store
/// has no room just now.
async fn keep(node: &Node, secret: &Secret, work: &Work) -> Result<(), ApiError> {
    let since = Instant::now();
    loop {
        match work.write(node, secret).await {
            Err(error)
                if !error.is_conflict()
                    && since.elapsed() < Duration::from_secs(SHORT_HOLD.unsigned_abs()) =>
            {
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
    let whose = (found.secret.account.clone(), Some(config.target().ok_or(Trouble::NoTarget)?));
    shared.must_not_rest(&whose)?;
    let done = steps::take(node, found, rotation).await;
    shared.note(&whose, &done);
    done
}

impl Shared {
    /// Waits until it is the turn of the next one in a queue; `None` if the node stops.
    async fn places(
        &self,
        node: &Node,
        queue: (Whose, Begins),
    ) -> Option<(OwnedSemaphorePermit, SemaphorePermit<'_>)> {
        let its = self.places_of(queue).acquire_owned().await.ok()?;
        let any = self.places.acquire().await.ok()?;
        self.pace(node.rotations.aside()).await;
        (!self.places.is_closed()).then_some((its, any))
    }

    /// Waits until the next one may go on: for a moment, and longer if much of the processors was
    /// taken since the last one did.
    async fn pace(&self, aside: &Aside) {
        let mut pace = self.pace.lock().await;
        tokio::time::sleep_until(pace.next).await;
        let processors = tokio::runtime::Handle::current().metrics().num_workers();
        let processors = u32::try_from(processors).unwrap_or(1).max(1);
        let spent = aside.spent();
        let rest = spent.saturating_sub(pace.spent) * SHARE / processors;
        *pace = Pace { next: Instant::now() + rest.max(PACE), spent };
    }

    fn places_of(&self, queue: (Whose, Begins)) -> Arc<Semaphore> {
        let mut queues = lock(&self.queues);
        if queues.len() >= REMEMBERED {
            queues.retain(|_, it| Arc::strong_count(it) > 1);
        }
        let new = || Arc::new(Semaphore::new(IN_ONE_QUEUE));
        Arc::clone(queues.entry(queue).or_insert_with(new))
    }

    /// Fails as the last one did whom nobody answered.
    fn must_not_rest(&self, whose: &Whose) -> Result<(), Trouble> {
        if lock(&self.resting).get(whose).is_some_and(|it| Instant::now() < *it) {
            let why = "it did not answer a moment ago".to_owned();
            return Err(yaoku_targets::Fault::Unreachable(why).into());
        }
        Ok(())
    }

    fn note(&self, whose: &Whose, done: &Result<(), Trouble>) {
        use yaoku_targets::Fault::{TimedOut, Unreachable};
        let (mut resting, now) = (lock(&self.resting), Instant::now());
        resting.remove(whose);
        if matches!(done, Err(Trouble::Target(Unreachable(_) | TimedOut))) {
            if resting.len() >= REMEMBERED {
                resting.retain(|_, until| now < *until);
            }
            resting.insert(whose.clone(), now + REST);
        }
    }
}

/// What is done in one transaction.
enum Work {
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
            // Somebody else was first.
            Self::Begin(..) | Self::FailToBegin(_)
                if running.as_ref().is_some_and(Rotation::is_running) || !is_due(&secret, now) =>
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
            Self::HoldOn(it) | Self::Succeed(it, _) | Self::PutOff(it, _) | Self::EndWindow(it)
                if running.as_ref() != Some(it) =>
            {
                Ok(None)
            }
            Self::HoldOn(rotation) => hold(tx, rotation.clone(), now).await.map(Some),
            Self::Succeed(rotation, sealed) => {
                finish::succeed(node, tx, secret, rotation, sealed.as_ref(), now).await?;
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
fn is_ours(error: &ApiError) -> bool {
    let passes = matches!(error.code().status(), 429 | 503);
    error.is_conflict() || due::waits(error) || passes
}

/// Whether a secret that was read before is still what it was, as far as rotations go.
fn is_same(before: &Secret, now: &Secret) -> bool {
    (before.created, &before.stages, &before.key) == (now.created, &now.stages, &now.key)
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
    let asks = matches!(rotation.step, Step::Create | Step::Apply | Step::Settle);
    rotation.held_until = Some(now.plus_seconds(if asks { SHORT_HOLD } else { HOLD }));
    tx.put_rotation(&rotation).await?;
    Ok(rotation)
}

fn lock<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
