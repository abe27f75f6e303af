//! Waits for accounts that are made with their secret, so that whoever reads it at once can log in.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use yaoku_model::secret::{AutomaticRotation, Secret};
use yaoku_store::StoreError;

use crate::node::Node;

/// The longest wait: official clients give an answer ten seconds. Our choice.
const LONGEST: Duration = Duration::from_secs(5);

/// The first pause between two looks, and the longest; each is twice as long as the one before.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];

/// Waits until the accounts of a new secret are there, or are given up, or for five seconds. A server
/// that is away is tried on all the same.
pub(crate) async fn wait_until_made(node: &Node, secret: &Secret) {
    let until = Instant::now() + LONGEST;
    let [mut pause, longest] = PAUSES;
    // A store that is away is waited for by whoever asks it next.
    while let Ok(false) = is_over(node, secret).await {
        if Instant::now() + pause > until {
            return;
        }
        sleep(pause).await;
        pause = longest.min(pause * 2);
    }
}

async fn is_over(node: &Node, secret: &Secret) -> Result<bool, StoreError> {
    let mut tx = node.store.read().await?;
    if tx.rotation(&secret.account, &secret.name).await?.is_none() {
        return Ok(true);
    }
    let found = tx.secret(&secret.account, &secret.name).await?;
    let managed = found.and_then(|(it, _)| it.managed);
    Ok(managed.is_none_or(|it| it.automatic == AutomaticRotation::Invalid))
}
