//! Work that takes a processor for long, such as making a pair of RSA keys: off the threads that
//! serve calls, and a few at a time, so that calls in between do not wait for it.

use std::{sync::Arc, thread::available_parallelism};

use tokio::{sync::Semaphore, task::spawn_blocking};
use yaoku_wire::error::Code;

use crate::error::ApiError;

/// Who may do such work at once: half of the processors, at least one.
#[derive(Clone, Debug)]
pub struct Heavy(Arc<Semaphore>);

impl Default for Heavy {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new((processors / 2).max(1))))
    }
}

impl Heavy {
    /// Does `work` when its turn has come. If nobody waits for it any longer, it is done to its end.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = Arc::clone(&self.0).acquire_owned().await.map_err(failed)?;
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        spawn_blocking(work).await.map_err(failed)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::caused(Code::InternalFailure, error)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::{Arc, Heavy, Semaphore};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_few_at_a_time_and_each_to_its_end() {
        let heavy = Heavy(Arc::new(Semaphore::new(2)));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let works = (0..8).map(|number| {
            let (heavy, now, most) = (heavy.clone(), Arc::clone(&now), Arc::clone(&most));
            tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(1, SeqCst);
                    number
                };
                heavy.run(work).await.unwrap()
            })
        });
        let mut sum = 0;
        for work in works.collect::<Vec<_>>() {
            sum += work.await.unwrap();
        }
        assert_eq!(sum, (0..8).sum::<i32>());
        assert!(most.load(SeqCst) <= 2);
    }
}
