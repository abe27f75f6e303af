//! Looks, again and again, for rotations that are to begin or to go on, and sees each through one step.
//!
//! Those of one target wait in a queue of their own, and so do the access keys of one account; a few of
//! each queue go on side by side. So a target that is dead or slow holds up those of its own secrets
//! and no others, and none is begun before it can go on. All go at one pace, so that however many are
//! due, calls have most of the processors. Hooks have places of their own, for what they do
//! may take long.

use std::{
    collections::{HashMap, HashSet},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch},
    time::Instant,
};
use yaoku_model::ids::{AccountId, TargetId};
use yaoku_store::{DueSecret, StoreError};
use yaoku_targets::Aside;

use super::{begin, steps::Trouble, turn::turn};
use crate::{cache::CachedSecret, error::ApiError, node::Node, pipeline::must_take_writes};

/// How often there is a look. Our choice.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// How many rotations go on at once, and how many of them in one queue.
const AT_ONCE: usize = 64;
const IN_ONE_QUEUE: usize = 4;

/// How many hooks are called at once.
const HOOKS_AT_ONCE: usize = 16;

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

/// For so long nobody asks a target that was found dead. Our choice.
const REST: Duration = Duration::from_secs(2);

/// So many queues and dead targets are remembered, and more only while they matter.
const REMEMBERED: usize = 4096;

/// What looks, and what it has in hand.
#[derive(Debug)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    begun: Notify,
    aside: Aside,
}

#[derive(Debug)]
pub(super) struct Shared {
    /// As many tasks as there may be.
    tasks: Arc<Semaphore>,
    /// As many as may ask anything of anybody.
    places: Arc<Semaphore>,
    /// As many as may call a hook.
    hooks: Semaphore,
    /// Whether hooks are not to be waited for any more.
    pub(super) stopping: watch::Sender<bool>,
    /// The secrets that a task of this node works on.
    in_hand: Mutex<HashSet<(String, String)>>,
    /// Where secrets wait, or did lately. What was begun does not wait behind what was not.
    queues: Mutex<HashMap<(Whose, Begins), Arc<Semaphore>>>,
    /// Until when targets that were found dead are left alone.
    resting: Mutex<HashMap<Whose, Instant>>,
    pace: tokio::sync::Mutex<Pace>,
}

/// Whose queue it is.
pub(super) type Whose = (AccountId, Queue);

/// What those wait for that are in one queue.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Queue {
    /// A target.
    Target(TargetId),
    /// The account's access keys.
    AccessKeys,
    /// The account's hooks.
    Hooks,
}

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
                hooks: Semaphore::new(HOOKS_AT_ONCE),
                stopping: watch::Sender::new(false),
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
        // First what was begun: there is not always room for all.
        let mut after = None;
        loop {
            let due = node.store.read().await?.due_rotations(now, after.as_ref(), PAGE).await?;
            let Some(last) = due.last() else { break };
            after = Some(last.clone());
            self.take_up(node, due, false).await;
        }
        let mut after = None;
        loop {
            let due = node.store.read().await?.due_hooks(now, after.as_ref(), PAGE).await?;
            let Some(last) = due.last() else { break };
            after = Some(last.clone());
            self.take_up(node, due, true).await;
        }
        let mut after = None;
        while self.shared.tasks.available_permits() > 0 {
            let due = node.store.read().await?.secrets_to_rotate(now, after.as_ref(), PAGE).await?;
            let Some(last) = due.last() else { break };
            after = Some(last.clone());
            self.take_up(node, due, true).await;
        }
        Ok(())
    }

    /// Says that somebody has begun a rotation, or moved the clock.
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

    /// Begins nothing more, and waits until nothing is in hand, before a node stops. A hook that is at
    /// its work is left alone: the step is done again after the start, or by another node.
    pub(crate) async fn stop(&self) {
        self.shared.stopping.send_replace(true);
        self.shared.places.close();
        self.shared.hooks.close();
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
async fn whose(node: &Node, thing: &(String, String)) -> Result<Option<Whose>, ApiError> {
    let Some(found) = find(node, thing).await? else { return Ok(None) };
    let target = || begin::config(&found.secret).ok().and_then(|it| it.target());
    let queue = match &found.secret.managed {
        None => Queue::Hooks,
        Some(_) => target().map_or(Queue::AccessKeys, Queue::Target),
    };
    Ok(Some((found.secret.account.clone(), queue)))
}

async fn find(
    node: &Node,
    (account, name): &(String, String),
) -> Result<Option<Arc<CachedSecret>>, ApiError> {
    node.caches.secret(&read(account)?, &read(name)?).await
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
    let Some(_places) = shared.places(&node, (whose, begins)).await else { return };
    let turn = async {
        match find(&node, thing).await? {
            Some(found) => turn(&node, shared, &found, begins).await,
            None => Ok(()),
        }
    };
    // Those that wait need not have room for it.
    if let Err(error) = Box::pin(turn).await
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

impl Shared {
    /// Waits until it is the turn of the next one in a queue; `None` if the node stops.
    async fn places(
        &self,
        node: &Node,
        queue: (Whose, Begins),
    ) -> Option<(OwnedSemaphorePermit, SemaphorePermit<'_>)> {
        let any = if queue.0.1 == Queue::Hooks { &self.hooks } else { &*self.places };
        let its = self.places_of(queue).acquire_owned().await.ok()?;
        let any = any.acquire().await.ok()?;
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
    pub(super) fn must_not_rest(&self, whose: &Whose) -> Result<(), Trouble> {
        if lock(&self.resting).get(whose).is_some_and(|it| Instant::now() < *it) {
            let why = "it did not answer a moment ago".to_owned();
            return Err(yaoku_targets::Fault::Unreachable(why).into());
        }
        Ok(())
    }

    /// Remembers whether somebody answered there.
    pub(super) fn note(&self, whose: &Whose, done: &Result<(), Trouble>) {
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

fn lock<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
