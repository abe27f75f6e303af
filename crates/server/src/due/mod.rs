//! What happens to keys and secrets by itself when its time has come: keys rotate, both are deleted,
//! imported material is forgotten. Source: keys.md §5, §8.3, §12.1, secrets.md §3.
//!
//! Each is one transaction with its event, which looks again whether it is due: however many nodes
//! try, and wherever one of them dies, it happens once. Nobody finds a key, material or a secret that is
//! past its date, so nothing hangs on how soon this comes.

use std::{collections::HashMap, str::FromStr, time::Duration};

use tokio::time::Instant;
use yaoku_model::{
    arn::Arn,
    ids::{AccountId, KeyId, SecretName},
    key::{Key, KeyState},
    random::below,
    secret::Secret,
    time::Timestamp,
};
use yaoku_store::{StoreError, Tx};

use crate::{
    access::Guarded,
    api::import::forget,
    audit::{Event, Source, UserAgent},
    error::ApiError,
    node::Node,
    notices,
    pipeline::must_take_writes,
    versions,
};

/// How often there is a look. Our choice.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// How many things are looked at before the store is asked for more.
const AT_ONCE: i64 = 256;

/// The longest that one which cannot be helped is left alone. Our choice.
const LONGEST: Duration = Duration::from_mins(10);

const DELETE: &str = "DeleteKey";
const EXPIRE: &str = "ExpireKeyMaterial";
const DELETE_SECRET: &str = "DeleteSecret";

/// A rotation, whoever causes it: see [`versions::rotate`].
pub(crate) const ROTATE: &str = "RotateKey";

/// So many of those are remembered; the others are tried at every look.
const REMEMBERED: usize = 4096;

/// Looks, again and again, at what is due.
#[derive(Debug, Default)]
pub(crate) struct Due {
    failed: HashMap<Thing, Failed>,
}

/// What something happens to, as its row names it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Thing {
    /// A key, by its id.
    Key(String),
    /// A secret, by its account and name.
    Secret(String, String),
}

/// A thing that could not be helped.
#[derive(Debug)]
struct Failed {
    times: u32,
    until: Instant,
}

impl Due {
    /// Does all that is due; answers to how many things something was done. Each has its turn,
    /// however many before it fail: those are left alone for a while, twice as long each time.
    pub(crate) async fn run(&mut self, node: &Node, at: Instant) -> Result<usize, ApiError> {
        self.failed.retain(|_, it| at < it.until + LONGEST);
        Ok(self.run_keys(node, at).await? + self.run_secrets(node, at).await?)
    }

    async fn run_keys(&mut self, node: &Node, at: Instant) -> Result<usize, ApiError> {
        let now = node.domain_clock.now();
        let (mut done, mut after) = (0, None);
        loop {
            let due = node.store.read().await?.due_keys(now, after.as_ref(), AT_ONCE).await?;
            after = due.last().cloned();
            if after.is_none() {
                return Ok(done);
            }
            let things = due.into_iter().map(|it| Thing::Key(it.id)).collect();
            done += self.page(node, things, now, at).await?;
        }
    }

    async fn run_secrets(&mut self, node: &Node, at: Instant) -> Result<usize, ApiError> {
        let now = node.domain_clock.now();
        let (mut done, mut after) = (0, None);
        loop {
            let due = node.store.read().await?.due_secrets(now, after.as_ref(), AT_ONCE).await?;
            after = due.last().cloned();
            if after.is_none() {
                return Ok(done);
            }
            let things = due.into_iter().map(|it| Thing::Secret(it.account, it.name)).collect();
            done += self.page(node, things, now, at).await?;
        }
    }

    async fn page(
        &mut self,
        node: &Node,
        mut things: Vec<Thing>,
        now: Timestamp,
        at: Instant,
    ) -> Result<usize, ApiError> {
        // Nodes that begin at different places seldom meet at one.
        let start = below(&*node.random, things.len().clamp(1, 256))?;
        things.rotate_left(start);
        things.retain(|it| self.failed.get(it).is_none_or(|it| it.until <= at));
        let mut done = 0;
        for thing in things {
            // What cannot be written down is not done, and the journal says itself why it cannot.
            if must_take_writes(node).is_err() {
                break;
            }
            done += usize::from(self.turn(node, thing, now, at).await?);
        }
        Ok(done)
    }

    /// The turn of one thing, which does not hold up the others if it cannot be helped.
    async fn turn(
        &mut self,
        node: &Node,
        thing: Thing,
        now: Timestamp,
        at: Instant,
    ) -> Result<bool, ApiError> {
        let acted = act(node, &thing, now).await;
        let Err(error) = acted else {
            self.failed.remove(&thing);
            return acted;
        };
        let waits = waits(&error);
        if !waits {
            tracing::error!(?thing, %error, "what is due cannot be done");
        }
        self.leave_alone(thing, at);
        // The store may be away; if it was this one after all, it is not the first next time.
        if waits { Err(error) } else { Ok(false) }
    }

    fn leave_alone(&mut self, thing: Thing, at: Instant) {
        let times = self.failed.get(&thing).map_or(0, |it| it.times + 1);
        let pause = Duration::from_secs(1 << times.min(16)).min(LONGEST);
        if self.failed.len() < REMEMBERED || times > 0 {
            self.failed.insert(thing, Failed { times, until: at + pause });
        }
    }
}

/// Does what is due for one thing; answers whether anything was.
async fn act(node: &Node, thing: &Thing, now: Timestamp) -> Result<bool, ApiError> {
    match try_to_act(node, thing, now).await {
        Err(error) if error.is_conflict() => Ok(false),
        done => done,
    }
}

async fn try_to_act(node: &Node, thing: &Thing, now: Timestamp) -> Result<bool, ApiError> {
    let mut tx = node.store.write().await?;
    let action = match thing {
        Thing::Key(id) => act_on_key(node, tx.tx(), &read("keys", id)?, now).await?,
        Thing::Secret(account, name) => {
            let (account, name) = (read("secrets", account)?, read("secrets", name)?);
            act_on_secret(node, tx.tx(), &account, &name, now).await?
        }
    };
    let Some(action) = action else { return Ok(false) };
    let committed = tx.commit().await?;
    node.caches.apply(&committed.changes);
    node.wrote.notify_one();
    tracing::info!(?thing, action, "its time has come");
    Ok(true)
}

fn read<T: FromStr>(table: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { table })
}

async fn act_on_key(
    node: &Node,
    tx: &mut dyn Tx,
    id: &KeyId,
    now: Timestamp,
) -> Result<Option<&'static str>, ApiError> {
    let Some(mut key) = tx.key(id).await? else { return Ok(None) };
    if let Some(at) = key.delete_at.filter(|_| key.is_gone(now)) {
        Guarded::from(&key).release(tx, None, at).await?;
        tx.delete_key(id).await?;
        leave_event(node, tx, &key, DELETE).await?;
        notices::key_goes(node, tx, &key, now).await?;
        Ok(Some(DELETE))
    } else if key.has_expired(now) && key.state != KeyState::PendingImport {
        forget(tx, key.clone()).await?;
        leave_event(node, tx, &key, EXPIRE).await?;
        notices::material_expired(node, tx, &key, now).await?;
        Ok(Some(EXPIRE))
    } else {
        Ok(versions::rotate_if_due(node, tx, &mut key, now).await?.then_some(ROTATE))
    }
}

async fn act_on_secret(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    name: &SecretName,
    now: Timestamp,
) -> Result<Option<&'static str>, ApiError> {
    match tx.secret(account, name).await? {
        Some((secret, _)) if secret.is_gone(now) => {
            delete_secret(node, tx, &secret, now).await?;
            Ok(Some(DELETE_SECRET))
        }
        _ => Ok(None),
    }
}

/// Removes what is left of a secret whose date has come, whoever comes upon it, and writes that down.
pub(crate) async fn delete_secret(
    node: &Node,
    tx: &mut dyn Tx,
    secret: &Secret,
    now: Timestamp,
) -> Result<(), ApiError> {
    if let Some(at) = secret.delete_at {
        Guarded::from(secret).release(tx, None, at).await?;
    }
    tx.delete_secret(&secret.account, &secret.name).await?;
    let arn = Arn::secret(&node.region, &secret.account, &secret.name);
    leave_event_of(node, tx, &secret.account, &arn, DELETE_SECRET, None).await?;
    notices::secret_goes(node, tx, secret, None, now).await
}

/// Writes down what happened to a key: nobody called. That its actions are ours, is our choice.
pub(crate) async fn leave_event(
    node: &Node,
    tx: &mut dyn Tx,
    key: &Key,
    action: &str,
) -> Result<(), StoreError> {
    let arn = Arn::key(&node.region, &key.account, &key.id);
    leave_event_of(node, tx, &key.account, &arn, action, None).await
}

/// Writes down what happened to something of an account, or why it did not: nobody called.
pub(crate) async fn leave_event_of(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    arn: &Arn,
    action: &str,
    failure: Option<&'static str>,
) -> Result<(), StoreError> {
    let event = Event {
        at: node.clock.now(),
        request_id: String::new(),
        account: Some(account.clone()),
        principal: "service".to_owned(),
        access_key: None,
        source_identity: None,
        source: Source::Anywhere,
        user_agent: UserAgent::default(),
        action: format!("yaoku:{action}").into(),
        resources: vec![arn.as_str().to_owned()],
        code: failure.map(Into::into),
        status: if failure.is_some() { 500 } else { 200 },
        tls: false,
        count: 1,
    };
    tx.insert_event(node.name.as_str(), &event.to_row()).await
}

/// Whether the store is away, or another transaction came first: a later look will do. A row that
/// cannot be read is the fault of one key.
pub(crate) fn waits(error: &ApiError) -> bool {
    let store = error.cause().and_then(|it| it.downcast_ref());
    store.is_some_and(|it| !matches!(it, StoreError::Unreadable { .. }))
}

#[cfg(test)]
mod tests;
