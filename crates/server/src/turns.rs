//! One after the other: work that calls at once would only take from each other, or from everybody
//! else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use yaoku_model::ids::AccountId;
use yaoku_wire::error::Code;

use crate::{
    error::ApiError,
    throttle::{Exceeded, Whose},
};

/// As many as hold or wait for one turn. More are told to come again. Our choice.
const MOST: usize = 16;

/// Whose turn it is, by account and name.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<(AccountId, String), Place>>);

/// Where one has its turn and others wait; nowhere once nobody does.
type Place = Weak<AsyncMutex<()>>;

/// It is over once this is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

impl Turns {
    /// Waits for the turn at what an account calls so. Fails if too many do.
    ///
    /// Who takes several takes them in the same order as all others.
    pub(crate) async fn take(&self, account: &AccountId, name: String) -> Result<Turn, ApiError> {
        let place = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, it| it.strong_count() > 0);
            let entry = all.entry((account.clone(), name)).or_default();
            if entry.strong_count() >= MOST {
                let exceeded = Exceeded { whose: Whose::Principal, retry_after_ms: 1000 };
                return Err(ApiError::caused(Code::RejectedThrottling, exceeded));
            }
            let place = entry.upgrade().unwrap_or_default();
            *entry = Arc::downgrade(&place);
            place
        };
        Ok(place.lock_owned().await)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use yaoku_wire::error::Code;

    use super::{MOST, Turns};

    #[tokio::test]
    async fn one_has_its_turn_some_wait_and_more_are_told_to_come_again() {
        let (turns, account) = (Turns::default(), "1".parse().unwrap());
        let take = |name: &str| turns.take(&account, name.to_owned());
        let first = take("a").await.unwrap();
        let mut context = Context::from_waker(Waker::noop());
        let mut waiting: Vec<_> = (1..MOST).map(|_| Box::pin(take("a"))).collect();
        for it in &mut waiting {
            assert!(it.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(take("a").await.unwrap_err().code(), Code::RejectedThrottling);
        let other = take("b").await.unwrap();
        drop(first);
        let second = waiting.remove(0).await.unwrap();
        drop((waiting, second));
        take("a").await.unwrap();
        drop(other);
    }
}
