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
    api::import::forget,
    audit::{Event, Source, UserAgent},
    error::ApiError,
    node::Node,
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
    if key.is_gone(now) {
        tx.delete_key(id).await?;
        leave_event(node, tx, &key, DELETE).await?;
        Ok(Some(DELETE))
    } else if key.has_expired(now) && key.state != KeyState::PendingImport {
        forget(tx, key.clone()).await?;
        leave_event(node, tx, &key, EXPIRE).await?;
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
            delete_secret(node, tx, &secret).await?;
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
) -> Result<(), StoreError> {
    tx.delete_secret(&secret.account, &secret.name).await?;
    let arn = Arn::secret(&node.region, &secret.account, &secret.name);
    leave_event_of(node, tx, &secret.account, &arn, DELETE_SECRET).await
}

/// Writes down what happened to a key: nobody called. That its actions are ours, is our choice.
pub(crate) async fn leave_event(
    node: &Node,
    tx: &mut dyn Tx,
    key: &Key,
    action: &str,
) -> Result<(), StoreError> {
    let arn = Arn::key(&node.region, &key.account, &key.id);
    leave_event_of(node, tx, &key.account, &arn, action).await
}

async fn leave_event_of(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    arn: &Arn,
    action: &str,
) -> Result<(), StoreError> {
    let event = Event {
        at: node.clock.now(),
        request_id: String::new(),
        account: Some(account.clone()),
        principal: "service".to_owned(),
        access_key: None,
        source: Source::Anywhere,
        user_agent: UserAgent::default(),
        action: format!("yaoku:{action}").into(),
        resources: vec![arn.as_str().to_owned()],
        code: None,
        status: 200,
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
mod tests {
    //! The node of these tests looks too, each second: so they count what was done, not who did it.

    use std::time::Duration;

    use yaoku_model::{
        ids::KeyId,
        key::{CreatorType, Key, KeyState},
    };
    use yaoku_store::StoreError;
    use yaoku_wire::error::Code;

    use super::{AT_ONCE, Due, Instant, waits};
    use crate::{
        error::ApiError,
        node::Node,
        testing::{Kms, NOW},
    };

    const DAY: i64 = 86_400;

    async fn run(node: &Node) -> Result<usize, ApiError> {
        Due::default().run(node, Instant::now()).await
    }

    /// Keys whose time came first, and which cannot rotate: their instance has no wrapping key.
    #[tokio::test]
    async fn many_that_fail_hold_up_nobody() {
        let kms = Kms::new().await;
        let mut tx = kms.node.store.write().await.unwrap();
        const { assert!(AT_ONCE < 300) };
        for nth in 0..300 {
            let id: KeyId = format!("00000000-0000-4000-8000-{nth:012}").parse().unwrap();
            let creator = CreatorType::User;
            tx.insert_key(&Key {
                instance: Some("kst-hzz0000000000000000000".parse().unwrap()),
                last_rotation: Some(NOW.plus_seconds(-DAY)),
                rotation_seconds: Some(7 * DAY),
                ..Key::aes_256(id, kms.account.clone(), None, creator, NOW)
            })
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        let id = rotating(&kms).await;
        kms.clock.advance_seconds(7 * DAY);
        let (mut due, mut at) = (Due::default(), Instant::now());
        due.run(&kms.node, at).await.unwrap();
        assert_eq!(versions(&kms, &id).await, 2);
        assert_eq!(due.failed.len(), 300);
        for seconds in [1, 2, 4] {
            at += Duration::from_secs(seconds);
            due.run(&kms.node, at).await.unwrap();
            let next = due.failed.values().map(|it| it.until.duration_since(at)).max();
            assert_eq!(next, Some(Duration::from_secs(2 * seconds)), "twice as long each time");
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_is_no_reason_to_wait() {
        assert!(waits(&StoreError::Conflict.into()));
        assert!(waits(&StoreError::Failed("away".to_owned()).into()));
        assert!(!waits(&StoreError::Unreadable { table: "keys" }.into()));
        assert!(!waits(&Code::InternalFailure.into()));
    }

    /// A key that rotates every seven days.
    async fn rotating(kms: &Kms) -> KeyId {
        let params = [
            ("DKMSInstanceId", kms.instance_id.as_str()),
            ("EnableAutomaticRotation", "true"),
            ("RotationInterval", "7d"),
        ];
        let made = kms.call("CreateKey", params).await.unwrap();
        made.get("KeyMetadata.KeyId").unwrap().parse().unwrap()
    }

    async fn versions(kms: &Kms, key: &KeyId) -> usize {
        kms.node.store.read().await.unwrap().key_versions(key).await.unwrap().len()
    }

    #[tokio::test]
    async fn months_pass_and_every_version_still_opens_what_it_sealed() {
        let kms = Kms::new().await;
        let id = rotating(&kms).await;
        let mut blobs = Vec::new();
        for week in 0..50 {
            let params = [("KeyId", id.as_str()), ("Plaintext", "hello")];
            let sealed = kms.call("Encrypt", params).await.unwrap();
            blobs.push(sealed.get("CiphertextBlob").unwrap().to_owned());
            kms.clock.advance_seconds(7 * DAY - 1);
            run(&kms.node).await.unwrap();
            assert_eq!(versions(&kms, &id).await, week + 1);
            kms.clock.advance_seconds(1);
            for _ in 0..2 {
                run(&kms.node).await.unwrap();
                assert_eq!(versions(&kms, &id).await, week + 2);
            }
        }
        for blob in blobs {
            let opened = kms.call("Decrypt", [("CiphertextBlob", &*blob)]).await.unwrap();
            assert_eq!(opened.get("Plaintext"), Some("hello"));
        }
        let described = kms.call("DescribeKey", [("KeyId", id.as_str())]).await.unwrap();
        let at = kms.clock_now().to_string();
        assert_eq!(described.get("KeyMetadata.LastRotationDate"), Some(&*at));
        let rotated: Vec<_> = kms.events().await;
        assert_eq!(rotated.iter().filter(|it| it.action == "yaoku:RotateKey").count(), 50);
    }

    #[tokio::test]
    async fn a_key_that_is_off_rotates_when_it_is_on_again() {
        let kms = Kms::new().await;
        let id = rotating(&kms).await;
        kms.call("DisableKey", [("KeyId", id.as_str())]).await.unwrap();
        kms.clock.advance_seconds(30 * DAY);
        run(&kms.node).await.unwrap();
        assert_eq!(versions(&kms, &id).await, 1);
        kms.call("EnableKey", [("KeyId", id.as_str())]).await.unwrap();
        run(&kms.node).await.unwrap();
        assert_eq!(versions(&kms, &id).await, 2);
        let described = kms.call("DescribeKey", [("KeyId", id.as_str())]).await.unwrap();
        let next = kms.clock_now().plus_seconds(7 * DAY).to_string();
        assert_eq!(described.get("KeyMetadata.NextRotationDate"), Some(&*next));
    }

    #[tokio::test]
    async fn a_key_is_gone_at_its_date_with_its_aliases() {
        let kms = Kms::new().await;
        let id = kms.key().await;
        let alias = [("KeyId", id.as_str()), ("AliasName", "alias/app")];
        kms.call("CreateAlias", alias).await.unwrap();
        let window = [("KeyId", id.as_str()), ("PendingWindowInDays", "7")];
        kms.call("ScheduleKeyDeletion", window).await.unwrap();
        kms.clock.advance_seconds(7 * DAY - 1);
        run(&kms.node).await.unwrap();
        kms.call("DescribeKey", [("KeyId", id.as_str())]).await.unwrap();
        kms.clock.advance_seconds(1);
        run(&kms.node).await.unwrap();
        let gone = kms.call("DescribeKey", [("KeyId", id.as_str())]).await;
        assert_eq!(gone, Err(Code::KeyNotFound));
        let gone = kms.call("DescribeKey", [("KeyId", "alias/app")]).await;
        assert_eq!(gone, Err(Code::AliasNotFound));
        let mut tx = kms.node.store.read().await.unwrap();
        assert_eq!(tx.key(&id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn expired_material_is_wiped_from_the_store() {
        let kms = Kms::new().await;
        let id = kms.key().await;
        kms.edit_key(&id, |it| {
            it.origin = yaoku_model::key::Origin::External;
            it.material_expires = Some(NOW.plus_seconds(60));
        })
        .await;
        kms.clock.advance_seconds(60);
        run(&kms.node).await.unwrap();
        let mut tx = kms.node.store.read().await.unwrap();
        assert_eq!(tx.key(&id).await.unwrap().unwrap().state, KeyState::PendingImport);
        assert!(tx.key_versions(&id).await.unwrap().iter().all(|it| it.sealed.is_empty()));
    }

    /// A secret with two versions and a tag, which is deleted in seven days.
    async fn dying(kms: &Kms, name: &str) {
        let params = [
            ("SecretName", name),
            ("VersionId", "v1"),
            ("SecretData", "a value"),
            ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#),
        ];
        kms.call("CreateSecret", params).await.unwrap();
        let params = [("SecretName", name), ("VersionId", "v2"), ("SecretData", "another")];
        kms.call("PutSecretValue", params).await.unwrap();
        let params = [("SecretName", name), ("RecoveryWindowInDays", "7")];
        kms.call("DeleteSecret", params).await.unwrap();
    }

    /// How many rows there are of secrets, their versions and their tags.
    async fn rows(kms: &Kms) -> [usize; 3] {
        let dump = yaoku_store::testing::dump(&kms.url()).await;
        ["secrets", "secret_versions", "tags"].map(|it| dump[it].len())
    }

    #[tokio::test]
    async fn a_secret_is_gone_at_its_date_with_its_values_and_tags() {
        let kms = Kms::new().await;
        dying(&kms, "one").await;
        dying(&kms, "two").await;
        kms.clock.advance_seconds(7 * DAY - 1);
        run(&kms.node).await.unwrap();
        assert_eq!(rows(&kms).await, [2, 4, 2]);
        kms.call("RestoreSecret", [("SecretName", "two")]).await.unwrap();
        kms.clock.advance_seconds(1);
        let (one, other) = tokio::join!(run(&kms.node), run(&kms.node));
        one.and(other).unwrap();
        assert_eq!(rows(&kms).await, [1, 2, 1]);
        // Once it is gone, it is gone, whatever the clock says.
        kms.clock.advance_seconds(-DAY);
        let restored = kms.call("RestoreSecret", [("SecretName", "one")]).await;
        assert_eq!(restored, Err(Code::ResourceNotFound));
        kms.call("GetSecretValue", [("SecretName", "two")]).await.unwrap();
        let events = kms.events().await;
        let deleted: Vec<_> =
            events.iter().filter(|it| it.action == "yaoku:DeleteSecret").collect();
        assert_eq!(deleted.len(), 1);
        assert!(deleted[0].resources[0].ends_with(":secret/one"), "{:?}", deleted[0]);
        assert_eq!((&*deleted[0].principal, deleted[0].count), ("service", 1));
    }

    #[tokio::test]
    async fn whose_name_is_taken_again_first_is_told_of_too_and_the_new_one_stays() {
        let kms = Kms::new().await;
        dying(&kms, "one").await;
        kms.clock.advance_seconds(7 * DAY);
        let params = [("SecretName", "one"), ("VersionId", "v1"), ("SecretData", "a new life")];
        kms.call("CreateSecret", params).await.unwrap();
        run(&kms.node).await.unwrap();
        assert_eq!(rows(&kms).await, [1, 1, 0]);
        let events = kms.events().await;
        let deleted = events.iter().filter(|it| it.action == "yaoku:DeleteSecret");
        assert_eq!(deleted.count(), 1);
    }

    /// It comes before the others, in the order of their dates.
    #[tokio::test]
    async fn a_row_that_cannot_be_read_holds_up_nobody() {
        let kms = Kms::new().await;
        let id = rotating(&kms).await;
        let bad = kms.key().await;
        dying(&kms, "one").await;
        dying(&kms, "bad").await;
        for change in [
            format!("UPDATE keys SET due = 1, id = '' WHERE id = '{bad}'"),
            "UPDATE secrets SET delete_at = 1, stages = '?' WHERE name = 'bad'".to_owned(),
        ] {
            let text = format!("PRAGMA foreign_keys = OFF; {change}");
            yaoku_store::testing::execute(&kms.url(), &text).await;
        }
        kms.clock.advance_seconds(7 * DAY);
        let mut due = Due::default();
        due.run(&kms.node, Instant::now()).await.unwrap();
        assert_eq!(versions(&kms, &id).await, 2);
        assert_eq!(rows(&kms).await[0], 1, "only the one that cannot be read");
        assert_eq!(due.failed.len(), 2);
    }

    /// What a rotation that lost a race leaves: nothing.
    #[tokio::test]
    async fn two_that_rotate_at_once_rotate_once() {
        let kms = Kms::new().await;
        let ids = [rotating(&kms).await, rotating(&kms).await, rotating(&kms).await];
        kms.clock.advance_seconds(7 * DAY);
        let (one, other) = tokio::join!(run(&kms.node), run(&kms.node));
        one.and(other).unwrap();
        for id in &ids {
            assert_eq!(versions(&kms, id).await, 2);
        }
    }
}
