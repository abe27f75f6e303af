//! Work that keeps a processor busy for long, as making an RSA key does (60 to 700 ms): apart from
//! the threads that answer calls, and no more of it at once than leaves room for them.

use std::sync::Arc;

use tokio::sync::Semaphore;
use yaoku_wire::error::Code;

use crate::error::ApiError;

/// As much work as is taken on for each that is done at once; beyond it callers are told to come
/// again. Our choice: who waits for longer has given up by then.
const WAITING: usize = 32;

/// Where such work is done.
#[derive(Clone, Debug)]
pub struct Heavy {
    at_once: Arc<Semaphore>,
    taken_on: Arc<Semaphore>,
}

impl Heavy {
    /// Room for half of `processors`, at least one.
    #[must_use]
    pub fn new(processors: usize) -> Self {
        let at_once = (processors / 2).max(1);
        Self {
            at_once: Arc::new(Semaphore::new(at_once)),
            taken_on: Arc::new(Semaphore::new(at_once * WAITING)),
        }
    }

    /// Does `work` when its turn comes. Work that has begun keeps its place until it ends, whether
    /// or not anybody still waits for it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let full = || ApiError::caused(Code::ServiceUnavailableTemporary, "too much heavy work");
        let place = Arc::clone(&self.taken_on).try_acquire_owned().map_err(|_| full())?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| full())?;
        let done = tokio::task::spawn_blocking(move || {
            let (_place, _turn) = (place, turn);
            work()
        });
        done.await.map_err(|error| ApiError::caused(Code::InternalFailure, error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use yaoku_wire::error::Code;

    use super::{Heavy, WAITING};

    #[tokio::test]
    async fn what_cannot_be_waited_for_is_refused_and_the_rest_is_done() {
        let heavy = Heavy::new(1);
        let (go, wait) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let heavy = heavy.clone();
            async move { heavy.run(move || wait.recv()).await }
        });
        while heavy.at_once.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let waiting: Vec<_> = (1..WAITING)
            .map(|nth| {
                let heavy = heavy.clone();
                tokio::spawn(async move { heavy.run(move || nth).await })
            })
            .collect();
        while heavy.taken_on.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = heavy.run(|| ()).await.unwrap_err();
        assert_eq!(refused.code(), Code::ServiceUnavailableTemporary);
        go.send(()).unwrap();
        first.await.unwrap().unwrap().unwrap();
        for it in waiting {
            it.await.unwrap().unwrap();
        }
    }
}
