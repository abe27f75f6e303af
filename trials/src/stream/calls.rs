//! Calls, and the memory of what was answered: each answer must have its one event.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::client::{Answer, Client};

/// How many requests are kept to be sent again.
const REPLAYS: usize = 4;

/// Somebody who calls, and remembers.
#[derive(Debug)]
pub(crate) struct Calls {
    client: Client,
    /// What was answered: the id, and when. A write's event may never be lost, so it has no time.
    pub(crate) answered: BTreeMap<String, Option<Instant>>,
    /// How many calls may have left an event without being answered.
    pub(crate) open: usize,
    /// The last requests that were served, as they were sent.
    pub(crate) served: Vec<Vec<u8>>,
}

impl Calls {
    pub(crate) fn of(client: &Client) -> Self {
        let client = client.clone();
        Self { client, answered: BTreeMap::new(), open: 0, served: Vec::new() }
    }

    /// Goes on with a server that was started anew.
    pub(crate) fn go_to(&mut self, client: &Client) {
        self.client = client.clone();
    }

    /// Makes a call. `None`: nobody knows what came of it.
    pub(crate) async fn call(
        &mut self,
        action: &str,
        params: &[(&str, &str)],
    ) -> anyhow::Result<Option<Answer>> {
        let request = self.client.sign(action, params, true);
        let Some(answer) = self.client.send(&request).await? else {
            self.open += 1;
            return Ok(None);
        };
        if answer.status == 200 {
            self.served.truncate(REPLAYS - 1);
            self.served.insert(0, request);
        }
        if answer.status >= 500 {
            self.open += 1;
            return Ok(None);
        }
        let at = is_use(action).then(Instant::now);
        self.answered.insert(answer.text("RequestId").to_owned(), at);
        Ok(Some(answer))
    }

    /// Sends again what was served before. Answers how many of them were served once more.
    pub(crate) async fn replay(&mut self) -> anyhow::Result<usize> {
        let mut served = 0;
        for request in std::mem::take(&mut self.served) {
            self.open += 1;
            let answer = self.client.send(&request).await?;
            served += usize::from(answer.is_some_and(|it| it.status == 200));
        }
        Ok(served)
    }
}

/// Whether the event of a call goes into the journal alone, and not with a transaction.
fn is_use(action: &str) -> bool {
    ["Encrypt", "Decrypt", "Get", "Describe", "List"].iter().any(|it| action.starts_with(it))
}
