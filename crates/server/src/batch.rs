//! One write for what several calls have to write before they are answered.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use tokio::sync::Notify;

/// Gathers what calls of one moment have to write.
///
/// The first call of a round lets those run that are ready too, then writes for all of them; each
/// learns what became of the write. What was put in is written even if its call is dropped.
#[derive(Debug)]
pub(crate) struct Batch<T, R>(Mutex<Option<Open<T, R>>>);

/// A round that still takes more.
#[derive(Debug)]
struct Open<T, R> {
    items: Vec<T>,
    round: Arc<Round<R>>,
}

#[derive(Debug)]
struct Round<R> {
    /// Empty if the write did not return.
    outcome: OnceLock<R>,
    over: AtomicBool,
    told: Notify,
}

/// The first call of a round: when it is dropped, the round has been written.
struct First<'a, T, R, W: Fn(&[T]) -> R> {
    batch: &'a Batch<T, R>,
    write: W,
}

impl<T, R> Default for Batch<T, R> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T, R: Clone> Batch<T, R> {
    /// Puts `item` into the open round and waits for its outcome. Each call of a batch gives the same
    /// `write`. `None`: the round was not written, because `write` did not return.
    pub(crate) async fn put(&self, item: T, write: impl Fn(&[T]) -> R) -> Option<R> {
        let (round, is_first) = self.join(item);
        if is_first {
            let first = First { batch: self, write };
            tokio::task::yield_now().await;
            drop(first);
        } else {
            round.wait().await;
        }
        round.outcome.get().cloned()
    }

    fn join(&self, item: T) -> (Arc<Round<R>>, bool) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &mut *open {
            open.items.push(item);
            return (Arc::clone(&open.round), false);
        }
        let round = Round { outcome: OnceLock::new(), over: false.into(), told: Notify::new() };
        let round = Arc::new(round);
        *open = Some(Open { items: vec![item], round: Arc::clone(&round) });
        (round, true)
    }
}

impl<T, R, W: Fn(&[T]) -> R> Drop for First<'_, T, R, W> {
    fn drop(&mut self) {
        let open = self.batch.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Open { items, round }) = open else { return };
        // Also if `write` does not return: nobody must wait for ever.
        let _told = Tell(&round);
        _ = round.outcome.set((self.write)(&items));
    }
}

/// Wakes all who wait for a round when it is dropped.
struct Tell<'a, R>(&'a Round<R>);

impl<R> Drop for Tell<'_, R> {
    fn drop(&mut self) {
        self.0.over.store(true, SeqCst);
        self.0.told.notify_waiters();
    }
}

impl<R> Round<R> {
    async fn wait(&self) {
        // Before the look: what is told from here on is not missed.
        let told = self.told.notified();
        if !self.over.load(SeqCst) {
            told.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future as _,
        pin::pin,
        sync::Mutex,
        task::{Context, Waker},
    };

    use super::Batch;

    /// What was written: a list for each write.
    type Written = Mutex<Vec<Vec<u32>>>;

    fn write(to: &Written) -> impl Fn(&[u32]) -> Result<usize, ()> + Copy {
        |items| {
            let mut writes = to.lock().unwrap();
            writes.push(items.to_vec());
            if items.contains(&13) { Err(()) } else { Ok(writes.len()) }
        }
    }

    #[tokio::test]
    async fn calls_of_one_moment_share_a_write_and_its_outcome() {
        let (batch, written) = (Batch::default(), Written::default());
        let put = |item| batch.put(item, write(&written));
        assert_eq!(tokio::join!(put(1), put(2), put(3)), (Some(Ok(1)), Some(Ok(1)), Some(Ok(1))));
        assert_eq!(tokio::join!(put(4), put(13)), (Some(Err(())), Some(Err(()))));
        assert_eq!(put(5).await, Some(Ok(3)), "a failure ends with its round");
        assert_eq!(*written.lock().unwrap(), [vec![1, 2, 3], vec![4, 13], vec![5]]);
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_leaves_nobody_waiting_and_nothing_unwritten() {
        let (batch, written) = (Batch::default(), Written::default());
        let mut nothing = Context::from_waker(Waker::noop());
        {
            let mut first = pin!(batch.put(1, write(&written)));
            assert!(first.as_mut().poll(&mut nothing).is_pending());
            let mut second = pin!(batch.put(2, write(&written)));
            assert!(second.as_mut().poll(&mut nothing).is_pending());
        }
        assert_eq!(*written.lock().unwrap(), [vec![1, 2]]);
        assert_eq!(batch.put(3, write(&written)).await, Some(Ok(2)));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn over_many_threads_each_item_is_written_once() {
        let shared = std::sync::Arc::new((Batch::default(), Written::default()));
        let mut calls = tokio::task::JoinSet::new();
        for item in 100..1100 {
            let shared = std::sync::Arc::clone(&shared);
            calls.spawn(async move { shared.0.put(item, write(&shared.1)).await });
        }
        while let Some(outcome) = calls.join_next().await {
            assert!(outcome.unwrap().unwrap().is_ok());
        }
        let mut all: Vec<u32> = shared.1.lock().unwrap().iter().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (100..1100).collect::<Vec<_>>());
    }
}
