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
    time::{Instant, timeout},
};
use yaoku_model::{
    ids::{AccountId, TargetId},
    time::Timestamp,
};
use yaoku_store::{DueSecret, StoreError};
use yaoku_targets::{Aside, Fault};

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

/// Where more than so many wait, looking for others takes no more than one part in so many of the time.
/// Our choice.
const MANY: usize = 256;
const LOOKS: u32 = 20;

/// How many secrets wait or are worked on at most, some 500 bytes each. The others are found when
/// there is room. Our choice.
const TASKS: u32 = 16_384;

/// How long passes at least from one that goes on to the next: fifty go on in a second, and ten thousand
/// take little more than three minutes. Calls notice no less at thirty-three (docs/performance.md). Our choice.
const PACE: Duration = Duration::from_millis(20);

/// What is done at targets takes at most an eighth of the processors. What the store and the journal
/// do for it is about as much again, so that all of it stays below a quarter. Our choice.
const SHARE: u32 = 8;

/// But what one target takes keeps none from going on for longer than this. Our choice.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// For so long nobody asks a target that was found dead, and then one alone does, for so long at most.
/// Our choice.
const REST: Duration = Duration::from_secs(2);
const ASKS: Duration = Duration::from_secs(30);

/// How many rotations may ask targets that were found dead: a quarter of all, so that those leave room
/// for others however many they are. Our choice.
const ASK_THE_DEAD: usize = AT_ONCE / 4;

/// So long a node that stops waits for what it is at: longer than anything that is asked of a target may
/// take, and with the ten seconds for calls in flight less than systemd waits. Our choice.
const LONGEST_STOP: Duration = Duration::from_secs(15);

/// So many queues and dead targets are remembered, and more only while they matter.
const REMEMBERED: usize = 4096;

/// What looks, and what it has in hand.
#[derive(Debug)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    begun: Notify,
    /// When there is a look next for what is to begin by itself.
    looks: Mutex<Instant>,
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
    /// Whether nothing is to be waited for any more.
    given_up: watch::Sender<bool>,
    /// The secrets that a task of this node works on.
    in_hand: Mutex<HashSet<(String, String)>>,
    /// Where secrets wait, or did lately. What was begun does not wait behind what was not.
    queues: Mutex<HashMap<(Whose, Begins), Arc<Semaphore>>>,
    /// Until when targets that were found dead are left alone.
    resting: Mutex<HashMap<Whose, Instant>>,
    /// As many as may ask whether they are alive.
    doubtful: Semaphore,
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
                given_up: watch::Sender::new(false),
                in_hand: Mutex::default(),
                queues: Mutex::default(),
                resting: Mutex::default(),
                doubtful: Semaphore::new(ASK_THE_DEAD),
                pace: tokio::sync::Mutex::new(pace),
            }),
            begun: Notify::new(),
            looks: Mutex::new(Instant::now()),
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
        self.take_up_due_secrets(node, now).await
    }

    /// Begins what is to begin by itself. Where many wait, this goes through all of them to find the others:
    /// so then it is done more seldom, the longer it takes.
    async fn take_up_due_secrets(&self, node: &Arc<Node>, now: Timestamp) -> Result<(), ApiError> {
        let since = Instant::now();
        if since < *lock(&self.looks) {
            return Ok(());
        }
        let (mut after, mut waiting) = (None, 0);
        while self.shared.tasks.available_permits() > 0 {
            let due = node.store.read().await?.secrets_to_rotate(now, after.as_ref(), PAGE).await?;
            let Some(last) = due.last() else { break };
            after = Some(last.clone());
            waiting += self.shared.in_hand_of(&due);
            self.take_up(node, due, true).await;
        }
        if waiting > MANY {
            *lock(&self.looks) = Instant::now() + since.elapsed() * LOOKS;
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
    /// its work is left alone, and so is a target that takes too long: the step is done again after the
    /// start, or by another node once this one has it no longer.
    pub(crate) async fn stop(&self) {
        self.shared.stopping.send_replace(true);
        self.shared.places.close();
        self.shared.hooks.close();
        if timeout(LONGEST_STOP, self.rest()).await.is_err() {
            tracing::warn!("some rotations take too long to wait for: they are taken up again");
            self.shared.given_up.send_replace(true);
            self.rest().await;
        }
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
    let aside = node.rotations.aside();
    let Some(_places) = shared.places(aside, (whose, begins)).await else { return };
    let turn = async {
        match find(&node, thing).await? {
            Some(found) => turn(&node, shared, &found, begins).await,
            None => Ok(()),
        }
    };
    // Those that wait need not have room for it.
    let turn = shared.unless_given_up(Box::pin(turn));
    if let Some(Err(error)) = turn.await
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
    /// How many of them a task of this node works on already.
    fn in_hand_of(&self, due: &[DueSecret]) -> usize {
        let in_hand = lock(&self.in_hand);
        let known = |it: &&DueSecret| in_hand.contains(&(it.account.clone(), it.name.clone()));
        due.iter().filter(known).count()
    }

    /// Does it; `None` if it took too long when the node stopped.
    async fn unless_given_up<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut given_up = self.given_up.subscribe();
        tokio::select! {
            _ = given_up.wait_for(|it| *it) => None,
            done = work => Some(done),
        }
    }

    /// Waits until it is the turn of the next one in a queue; `None` if the node stops.
    async fn places(
        &self,
        aside: &Aside,
        queue: (Whose, Begins),
    ) -> Option<(OwnedSemaphorePermit, SemaphorePermit<'_>)> {
        let any = if queue.0.1 == Queue::Hooks { &self.hooks } else { &*self.places };
        let its = self.places_of(queue).acquire_owned().await.ok()?;
        let any = any.acquire().await.ok()?;
        self.pace(aside).await;
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
        *pace = Pace { next: Instant::now() + rest.clamp(PACE, LONGEST_REST), spent };
    }

    fn places_of(&self, queue: (Whose, Begins)) -> Arc<Semaphore> {
        let mut queues = lock(&self.queues);
        if queues.len() >= REMEMBERED {
            queues.retain(|_, it| Arc::strong_count(it) > 1);
        }
        let new = || Arc::new(Semaphore::new(IN_ONE_QUEUE));
        Arc::clone(queues.entry(queue).or_insert_with(new))
    }

    /// Fails as the last one did whom nobody answered, but now and then lets one ask again, who has
    /// a place among those that do.
    pub(super) fn may_ask(&self, whose: &Whose) -> Result<Option<SemaphorePermit<'_>>, Trouble> {
        let (mut resting, now) = (lock(&self.resting), Instant::now());
        let Some(until) = resting.get_mut(whose) else { return Ok(None) };
        if *until <= now
            && let Ok(place) = self.doubtful.try_acquire()
        {
            *until = now + ASKS;
            return Ok(Some(place));
        }
        Err(Fault::Unreachable("it did not answer a moment ago".to_owned()).into())
    }

    /// Remembers whether somebody answered there.
    pub(super) fn note(&self, whose: &Whose, done: &Result<(), Trouble>) {
        let (mut resting, now) = (lock(&self.resting), Instant::now());
        resting.remove(whose);
        if done.as_ref().is_err_and(Trouble::is_silence) {
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

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn target(nth: usize) -> Whose {
        let id = format!("rm-{nth}").parse().unwrap();
        ("1000000000000001".parse().unwrap(), Queue::Target(id))
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_holds_up_no_other_one_and_all_go_at_one_pace() {
        let engine = Engine::default();
        let begin = |nth, begins| engine.shared.places(&engine.aside, (target(nth), begins));
        let (since, mut held) = (Instant::now(), Vec::new());
        for _ in 0..IN_ONE_QUEUE {
            held.push(begin(0, true).await.unwrap());
        }
        let hour = Duration::from_hours(1);
        assert!(since.elapsed() >= PACE * 3 && since.elapsed() < PACE * 4);
        assert!(timeout(hour, begin(0, true)).await.is_err(), "it is full");
        let since = Instant::now();
        held.push(begin(0, false).await.unwrap());
        for nth in 1..50 {
            held.push(begin(nth, true).await.unwrap());
        }
        assert!(since.elapsed() >= PACE * 49 && since.elapsed() < PACE * 51);
        drop(held.remove(0));
        assert!(timeout(hour, begin(0, true)).await.is_ok(), "there is room again");
    }

    #[tokio::test(start_paused = true)]
    async fn targets_that_do_not_answer_leave_room_for_others_however_many_they_are() {
        let engine = Engine::default();
        let shared = &engine.shared;
        for nth in 0..100 {
            let fault = if nth < 50 { Fault::TimedOut } else { Fault::Unreachable(String::new()) };
            shared.note(&target(nth), &Err(Trouble::Admin(fault)));
        }
        assert!(shared.may_ask(&target(0)).is_err(), "it is left alone for a moment");
        advance(REST).await;
        let asking: Vec<_> = (0..100).filter_map(|nth| shared.may_ask(&target(nth)).ok()).collect();
        assert_eq!(asking.len(), ASK_THE_DEAD);
        assert!(matches!(shared.may_ask(&target(100)), Ok(None)), "it needs no such place");
        drop(asking);
        assert!(shared.may_ask(&target(0)).is_err(), "one asks for all");
        assert!(matches!(shared.may_ask(&target(50)), Ok(Some(_))));
        shared.note(&target(0), &Err(Trouble::NotTaken));
        assert!(matches!(shared.may_ask(&target(0)), Ok(None)), "it has answered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_stops_does_not_wait_for_ever() {
        let engine = Engine::default();
        let shared = Arc::clone(&engine.shared);
        let task = Arc::clone(&shared.tasks).try_acquire_owned().unwrap();
        tokio::spawn(async move {
            let endless = std::future::pending::<()>();
            assert_eq!(shared.unless_given_up(endless).await, None);
            drop(task);
        });
        let since = Instant::now();
        engine.stop().await;
        assert!(since.elapsed() >= LONGEST_STOP && since.elapsed() < LONGEST_STOP * 2);
        assert!(engine.shared.places(&engine.aside, (target(0), true)).await.is_none());
    }
}
