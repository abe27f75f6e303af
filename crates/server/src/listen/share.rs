//! Sharing what is scarce: large requests held at once, and handshakes being computed.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Places for large requests. Strangers together have three quarters of them, one source's
/// strangers a quarter: who is known finds one also when strangers hold all they may.
#[derive(Debug)]
pub(super) struct Pool {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    strangers: HashMap<IpAddr, usize>,
}

impl Pool {
    /// With `most` places.
    pub(super) fn new(most: usize) -> Self {
        Self { most, held: Mutex::default() }
    }

    /// A place for a request from `source`, unless it or all have what they may.
    pub(super) fn take(self: &Arc<Self>, source: IpAddr, known: bool) -> Option<Hold> {
        let mut held = self.held();
        let stranger = (!known).then_some(source);
        if held.all >= self.most || stranger.is_some_and(|it| !self.has_room_for(&held, it)) {
            return None;
        }
        held.all += 1;
        if let Some(source) = stranger {
            *held.strangers.entry(source).or_default() += 1;
        }
        Some(Hold { pool: Arc::clone(self), stranger })
    }

    fn has_room_for(&self, held: &Held, stranger: IpAddr) -> bool {
        let own = held.strangers.get(&stranger).copied().unwrap_or_default();
        let strangers: usize = held.strangers.values().sum();
        own < self.most.div_ceil(4) && strangers < self.most - self.most / 4
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn is_free(&self) -> bool {
        let held = self.held();
        held.all == 0 && held.strangers.is_empty()
    }
}

/// One large request's place; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    pool: Arc<Pool>,
    stranger: Option<IpAddr>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.pool.held();
        held.all -= 1;
        let Some(source) = self.stranger else { return };
        if let Some(count) = held.strangers.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                held.strangers.remove(&source);
            }
        }
    }
}

/// Turns at what takes the processor for long. Who waits does so in order, but no source has more
/// than half of the turns, so that others pass those of its own that wait.
#[derive(Debug)]
pub(super) struct Turns {
    share: usize,
    all: Semaphore,
    queues: Mutex<HashMap<IpAddr, Queue>>,
}

#[derive(Debug)]
struct Queue {
    users: usize,
    turns: Arc<Semaphore>,
}

impl Turns {
    /// With `most` at once.
    pub(super) fn new(most: usize) -> Self {
        Self { share: most.div_ceil(2), all: Semaphore::new(most), queues: Mutex::default() }
    }

    /// The next turn of `source`; `None` never, as long as these turns live.
    pub(super) async fn take(&self, source: IpAddr) -> Option<Turn<'_>> {
        let user = self.user(source);
        let own = Arc::clone(&user.queue).acquire_owned().await.ok()?;
        let all = self.all.acquire().await.ok()?;
        Some(Turn { _all: all, _own: own, _user: user })
    }

    fn user(&self, source: IpAddr) -> User<'_> {
        let new = || Queue { users: 0, turns: Arc::new(Semaphore::new(self.share)) };
        let mut queues = self.queues();
        let queue = queues.entry(source).or_insert_with(new);
        queue.users += 1;
        User { turns: self, source, queue: Arc::clone(&queue.turns) }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<IpAddr, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    _all: SemaphorePermit<'a>,
    _own: OwnedSemaphorePermit,
    _user: User<'a>,
}

/// Who has a turn or waits for it.
#[derive(Debug)]
struct User<'a> {
    turns: &'a Turns,
    source: IpAddr,
    queue: Arc<Semaphore>,
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        if let Some(queue) = queues.get_mut(&self.source) {
            queue.users -= 1;
            if queue.users == 0 {
                queues.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Context};

    use super::{Arc, IpAddr, Pool, Turns};

    fn sources() -> [IpAddr; 5] {
        [1, 2, 3, 4, 5].map(|n| IpAddr::from([192, 0, 2, n]))
    }

    #[test]
    fn strangers_have_their_shares_and_who_is_known_the_rest() {
        let [one, two, three, four, five] = sources();
        let pool = Arc::new(Pool::new(8));
        let mut held = Vec::new();
        for source in [one, one, two, two, three, three] {
            held.push(pool.take(source, false).unwrap());
            let own = held.iter().filter(|it| it.stranger == Some(source)).count();
            assert_eq!(own < 2 && held.len() < 6, pool.take(source, false).is_some());
        }
        assert!(pool.take(four, false).is_none(), "six of eight are all that strangers may have");
        let known = [one, one].map(|it| pool.take(it, true).unwrap());
        assert!(pool.take(five, true).is_none());
        drop((held.pop(), known));
        assert!(pool.take(four, false).is_some());
        held.clear();
        assert!(pool.is_free(), "nothing is kept of those that are gone");
    }

    #[test]
    fn one_place_is_for_whoever_comes_first() {
        let [one, two, ..] = sources();
        let pool = Arc::new(Pool::new(1));
        let held = pool.take(one, false).unwrap();
        assert!(pool.take(two, false).is_none() && pool.take(two, true).is_none());
        drop(held);
        assert!(pool.take(two, false).is_some());
    }

    #[test]
    fn a_source_that_waits_is_passed_by_others() {
        let [one, two, three, ..] = sources();
        let turns = Turns::new(4);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut take = |source| {
            let mut it = Box::pin(turns.take(source));
            let taken = it.as_mut().poll(&mut context);
            (taken.is_ready(), it, taken)
        };
        let first: Vec<_> = (0..5).map(|_| take(one)).collect();
        assert_eq!(first.iter().filter(|it| it.0).count(), 2);
        let second: Vec<_> = (0..2).map(|_| take(two)).collect();
        assert!(second.iter().all(|it| it.0));
        assert!(!take(three).0, "four are all");
        drop((first, second));
        assert!(turns.queues().is_empty(), "nothing is kept of those that are gone");
        assert!(pin!(turns.take(three)).poll(&mut context).is_ready());
    }
}
