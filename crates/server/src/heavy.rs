//! Work that keeps a processor busy for long, as making an RSA key does (60 to 700 ms): apart from
//! the threads that answer calls, no more of it at once than leaves room for them, and no account
//! keeps another from having its own done. And work of some milliseconds, as signing with a long RSA
//! key: on threads of its own too, so that a call that takes microseconds need not wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;
use yaoku_model::{ids::AccountId, key::KeySpec};
use yaoku_wire::error::Code;

use crate::error::ApiError;

/// As much work as is taken on for each that is done at once; beyond it callers are told to come
/// again. Our choice: who waits for longer has given up by then.
const WAITING: usize = 32;

/// Bytes of the modulus of an `RSA_2048` key.
const SHORT_MODULUS: usize = 256;

/// Where such work is done.
///
/// An account is taken on while it holds fewer places than are free: one alone has half of them, and
/// whoever comes then finds some. Accounts take turns: one that waits has at most as much work of
/// each other before its own as is done at once.
#[derive(Clone, Debug)]
pub struct Heavy(Arc<Desk>);

/// The cause of a refusal for want of a place: load, not a fault.
#[derive(Debug, thiserror::Error)]
#[error("too much heavy work")]
pub struct Full;

#[derive(Debug)]
struct Desk {
    at_once: usize,
    turns: Arc<Semaphore>,
    shares: Mutex<HashMap<AccountId, Share>>,
}

/// What an account has here.
#[derive(Debug)]
struct Share {
    places: usize,
    /// Of its work, no more than this waits for a turn among the accounts.
    turns: Arc<Semaphore>,
}

/// Gives its place back when it is dropped.
struct Place {
    desk: Arc<Desk>,
    account: AccountId,
}

/// Where work of some milliseconds is done: in the order in which it comes, and of it as much at
/// once as there are processors. The system shares these between such work and the threads that
/// answer calls, which a queue of tasks on the latter would not.
#[derive(Clone, Debug)]
pub struct Aside(Arc<Semaphore>);

impl Aside {
    /// Room for as much as `processors`, at least one.
    #[must_use]
    pub fn new(processors: usize) -> Self {
        Self(Arc::new(Semaphore::new(processors.max(1))))
    }

    /// Does `work` of a private key of this kind: aside if it is a long RSA key's (2 to 4 ms here),
    /// or else at once. One of 2048 bits (0.6 ms) counts as short: our choice.
    pub async fn run<T: Send + 'static>(
        &self,
        spec: KeySpec,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        if spec.modulus_len().is_none_or(|it| it <= SHORT_MODULUS) {
            return Ok(work());
        }
        let failed = |error| ApiError::caused(Code::InternalFailure, error);
        let closed = |_| ApiError::caused(Code::InternalFailure, "no place for heavy work");
        let turn = Arc::clone(&self.0).acquire_owned().await.map_err(closed)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = turn;
            work()
        });
        done.await.map_err(failed)
    }
}

impl Heavy {
    /// Room for half of `processors`, at least one.
    #[must_use]
    pub fn new(processors: usize) -> Self {
        let at_once = (processors / 2).max(1);
        let turns = Arc::new(Semaphore::new(at_once));
        Self(Arc::new(Desk { at_once, turns, shares: Mutex::default() }))
    }

    /// Does `work` of `account` when its turn comes. Work that has begun keeps its place until it
    /// ends, whether or not anybody still waits for it. Fails with [`Full`] as its cause if the
    /// account has no place left.
    pub async fn run<T: Send + 'static>(
        &self,
        account: &AccountId,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let full = || ApiError::caused(Code::ServiceUnavailableTemporary, Full);
        let (place, its_turns) = Desk::take_on(&self.0, account).ok_or_else(full)?;
        let its_turn = its_turns.acquire_owned().await.map_err(|_| full())?;
        let turn = Arc::clone(&self.0.turns).acquire_owned().await.map_err(|_| full())?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, its_turn, turn);
            work()
        });
        done.await.map_err(|error| ApiError::caused(Code::InternalFailure, error))
    }
}

impl Desk {
    /// A place of `account`, if there is one left for it, and where it waits for its turn.
    fn take_on(desk: &Arc<Self>, account: &AccountId) -> Option<(Place, Arc<Semaphore>)> {
        let mut shares = desk.shares();
        let taken: usize = shares.values().map(|it| it.places).sum();
        let own = shares.get(account).map_or(0, |it| it.places);
        if own >= (desk.at_once * WAITING).saturating_sub(taken) {
            return None;
        }
        let share = shares
            .entry(account.clone())
            .or_insert_with(|| Share { places: 0, turns: Arc::new(Semaphore::new(desk.at_once)) });
        share.places += 1;
        let place = Place { desk: Arc::clone(desk), account: account.clone() };
        Some((place, Arc::clone(&share.turns)))
    }

    fn shares(&self) -> MutexGuard<'_, HashMap<AccountId, Share>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shares = self.desk.shares();
        if let Some(share) = shares.get_mut(&self.account) {
            share.places -= 1;
            if share.places == 0 {
                shares.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::Pin,
        sync::{Arc, Mutex, mpsc},
        task::{Context, Waker},
    };

    use yaoku_model::ids::AccountId;
    use yaoku_wire::error::Code;

    use super::{Full, Heavy, WAITING};
    use crate::error::ApiError;

    type Waiting<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + 'a>>;

    fn account(nth: u64) -> AccountId {
        format!("{:016}", 1_000_000_000_000_000 + nth).parse().unwrap()
    }

    /// One that has been taken on, and waits or is being done.
    fn taken_on<'a, T>(work: impl Future<Output = Result<T, ApiError>> + 'a) -> Waiting<'a, T> {
        let mut work = Box::pin(work);
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        work
    }

    #[tokio::test]
    async fn who_holds_half_of_the_places_is_refused_and_another_is_not() {
        let heavy = Heavy::new(1);
        let (go, wait) = mpsc::channel::<()>();
        let (greedy, other) = (account(1), account(2));
        let first = taken_on(heavy.run(&greedy, move || wait.recv().is_ok()));
        let more: Vec<_> =
            (1..WAITING / 2).map(|_| taken_on(heavy.run(&greedy, || true))).collect();
        let refused = heavy.run(&greedy, || true).await.unwrap_err();
        assert_eq!(refused.code(), Code::ServiceUnavailableTemporary);
        assert!(refused.cause().unwrap().is::<Full>());
        let others = taken_on(heavy.run(&other, || true));
        go.send(()).unwrap();
        assert!(first.await.unwrap());
        assert!(others.await.unwrap());
        for it in more {
            assert!(it.await.unwrap());
        }
        heavy.run(&greedy, || ()).await.unwrap();
        assert!(heavy.0.shares().is_empty(), "every place was given back");
    }

    #[tokio::test]
    async fn accounts_take_turns() {
        let heavy = Heavy::new(1);
        let (go, wait) = mpsc::channel::<()>();
        let (greedy, other) = (account(1), account(2));
        let done = Arc::new(Mutex::new(Vec::new()));
        let first = taken_on(heavy.run(&greedy, move || wait.recv().is_ok()));
        let mut rest = tokio::task::JoinSet::new();
        for whose in [&greedy, &greedy, &greedy, &other] {
            let (heavy, whose, done) = (heavy.clone(), whose.clone(), Arc::clone(&done));
            rest.spawn(async move {
                let by = whose.clone();
                let tell = move || done.lock().unwrap().push(by);
                heavy.run(&whose, tell).await
            });
        }
        while heavy.0.shares().values().map(|it| it.places).sum::<usize>() < 5 {
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
        assert!(first.await.unwrap());
        while let Some(it) = rest.join_next().await {
            it.unwrap().unwrap();
        }
        let order = [other, greedy.clone(), greedy.clone(), greedy];
        assert_eq!(*done.lock().unwrap(), order);
    }

    #[tokio::test]
    async fn who_no_longer_waits_holds_no_place() {
        let heavy = Heavy::new(1);
        let (go, wait) = mpsc::channel::<()>();
        let one = account(1);
        let first = taken_on(heavy.run(&one, move || wait.recv().is_ok()));
        for _ in 0..10 * WAITING {
            drop(taken_on(heavy.run(&one, || true)));
        }
        go.send(()).unwrap();
        assert!(first.await.unwrap());
    }
}
