//! Who used which key for what: counted in memory, and written into the store every ten seconds, so
//! that a call never waits for it. A crash loses what was counted since.
//!
//! A use is a call that was served after it had been given a key to work with: what is done to a key
//! (describing it, disabling it) is no use of it, and neither is a refusal or a dry run.
//!
//! All sessions of a role count as the role: a program may begin any number of sessions, and each
//! would be another row. The journal tells them apart.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use yaoku_model::{
    arn::Arn,
    ids::{AccountId, KeyId},
    time::Timestamp,
};
use yaoku_store::{KeyUse, Store, StoreError};

use crate::{
    cache::CachedKey,
    caller::{Caller, Principal},
};

/// How many days are remembered, today among them. Source: issue 4, part 8.
pub const DAYS: i64 = 365;

/// How often the store is told. So much is lost at most when the program is killed.
pub(crate) const EVERY: Duration = Duration::from_secs(10);

/// So many rows in memory are written down at once.
const MANY: usize = 8_192;

/// No more rows than these are held while the store is away; what would be one more is not counted.
const MOST: usize = 65_536;

/// How many rows go into the store in one transaction, so that no write waits long for it.
const ROWS: usize = 1_000;

/// Calls seldom meet in one of so many parts.
const PARTS: usize = 16;

/// The day of a moment, counted from 1970, UTC.
#[must_use]
pub const fn day(at: Timestamp) -> i64 {
    at.unix_seconds().div_euclid(86_400)
}

/// What a call has touched so far.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// What it was judged on, and what it made.
    pub(crate) asked: Vec<Arn>,
    /// The keys that it was given to use.
    keys: Vec<Arc<CachedKey>>,
}

impl Touched {
    /// A key was handed out.
    pub(crate) fn uses(&mut self, key: &Arc<CachedKey>) {
        if self.keys.iter().all(|it| it.key.id != key.key.id) {
            self.keys.push(Arc::clone(key));
        }
    }
}

/// The record of uses that the store has not heard of yet.
#[derive(Debug, Default)]
pub struct Uses {
    hasher: RandomState,
    /// Rows by the hash of what they are about, as a map cannot be asked by parts of its key. Rows of
    /// one hash are a few at most.
    parts: [Mutex<HashMap<u64, Vec<Row>>>; PARTS],
    rows: AtomicUsize,
    many: Notify,
    /// One writes at a time, so that nothing is taken by one and missed by the next.
    writing: tokio::sync::Mutex<()>,
}

/// What a caller did with a key on one day.
#[derive(Debug)]
struct Row {
    key: KeyId,
    account: AccountId,
    principal: Principal,
    action: &'static str,
    day: i64,
    count: i64,
    last: Timestamp,
}

impl Uses {
    /// Counts a call that was served.
    pub(crate) fn count(
        &self,
        touched: &Touched,
        caller: &Caller,
        action: &'static str,
        now: Timestamp,
    ) {
        for key in &touched.keys {
            self.count_one(&key.key.id, caller, action, now);
        }
    }

    fn count_one(&self, key: &KeyId, caller: &Caller, action: &'static str, now: Timestamp) {
        let day = day(now);
        let hash = self.hash(key, &caller.account, &caller.principal, action, day);
        let mut part = self.part(hash);
        let rows = part.entry(hash).or_default();
        let same = |it: &&mut Row| it.is(key, &caller.account, &caller.principal, action, day);
        if let Some(row) = rows.iter_mut().find(same) {
            row.count += 1;
            row.last = row.last.max(now);
        } else if self.rows.load(Ordering::Relaxed) < MOST {
            let (key, account) = (key.clone(), caller.account.clone());
            let principal = caller.principal.clone();
            rows.push(Row { key, account, principal, action, day, count: 1, last: now });
            if self.rows.fetch_add(1, Ordering::Relaxed) == MANY {
                self.many.notify_one();
            }
        }
    }

    /// Waits until there is much to write down.
    pub(crate) async fn many(&self) {
        self.many.notified().await;
    }

    /// Writes into the store what was counted. What the store does not take is kept for the next
    /// time.
    pub(crate) async fn write_down(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let rows: Vec<Row> = (0..PARTS).flat_map(|nth| self.take(nth)).collect();
        let mut waiting = rows.as_slice();
        while let Some((now, later)) = waiting.split_at_checked(waiting.len().min(ROWS))
            && !now.is_empty()
        {
            if let Err(error) = add(store, now).await {
                let kept = rows.len() - waiting.len();
                rows.into_iter().skip(kept).for_each(|it| self.put_back(it));
                return Err(error);
            }
            waiting = later;
        }
        Ok(())
    }

    fn take(&self, nth: usize) -> impl Iterator<Item = Row> + use<> {
        let mut part = self.parts[nth].lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *part);
        let rows = taken.values().map(Vec::len).sum();
        self.rows.fetch_sub(rows, Ordering::Relaxed);
        taken.into_values().flatten()
    }

    fn put_back(&self, row: Row) {
        let hash = self.hash(&row.key, &row.account, &row.principal, row.action, row.day);
        let mut part = self.part(hash);
        let rows = part.entry(hash).or_default();
        let same =
            |it: &&mut Row| it.is(&row.key, &row.account, &row.principal, row.action, row.day);
        if let Some(newer) = rows.iter_mut().find(same) {
            newer.count += row.count;
            newer.last = newer.last.max(row.last);
        } else {
            rows.push(row);
            self.rows.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn hash(
        &self,
        key: &KeyId,
        account: &AccountId,
        principal: &Principal,
        action: &str,
        day: i64,
    ) -> u64 {
        self.hasher.hash_one((key, account, principal.counted(), action, day))
    }

    fn part(&self, hash: u64) -> std::sync::MutexGuard<'_, HashMap<u64, Vec<Row>>> {
        // The low bits choose the place in the map.
        let nth = usize::try_from(hash >> 32).unwrap_or_default() % PARTS;
        self.parts[nth].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn is(
        &self,
        key: &KeyId,
        account: &AccountId,
        principal: &Principal,
        action: &str,
        day: i64,
    ) -> bool {
        self.day == day
            && self.action == action
            && self.key == *key
            && self.account == *account
            && self.principal.counted() == principal.counted()
    }

    /// As the store has it. The operator is no identity of RAM's; it is written as if it were one.
    fn written(&self) -> KeyUse {
        let [who, name] = self.principal.counted();
        KeyUse {
            key: self.key.clone(),
            caller: ["acs:ram::", self.account.as_str(), ":", who, name].concat(),
            action: self.action.to_owned(),
            day: self.day,
            count: self.count,
            last: self.last,
        }
    }
}

/// Nothing is read that decides, and a row is added to under its own lock: see
/// [`Store::write_one`].
async fn add(store: &dyn Store, rows: &[Row]) -> Result<(), StoreError> {
    let mut tx = store.write_one().await?;
    for row in rows {
        tx.add_key_use(&row.written()).await?;
    }
    tx.commit().await.map(drop)
}

#[cfg(test)]
mod tests {
    use yaoku_store::Page;
    use yaoku_wire::error::Code;

    use super::{DAYS, EVERY};
    use crate::{prune, testing::Kms};

    const DAY: i64 = 86_400;

    const ALL: Page = Page { number: 1, size: 9 };

    async fn uses(kms: &Kms, key: &str) -> Vec<String> {
        let answer = kms.call("ListKeyUses", [("KeyId", key)]).await.unwrap();
        let text = |nth: usize, name: &str| {
            answer.get(&format!("KeyUses.KeyUse.{nth}.{name}")).unwrap().to_owned()
        };
        let line = |nth| {
            let caller = text(nth, "Caller");
            let who = caller.rsplit(':').next().unwrap();
            format!("{who} {} {}", text(nth, "Operation"), text(nth, "Count"))
        };
        (0..answer.count("KeyUses.KeyUse").unwrap()).map(line).collect()
    }

    async fn encrypt(kms: &Kms, key: &str) -> Result<String, Code> {
        let answer = kms.call("Encrypt", [("KeyId", key), ("Plaintext", "x")]).await?;
        Ok(answer.get("CiphertextBlob").unwrap().to_owned())
    }

    #[tokio::test]
    async fn what_was_refused_or_only_tried_is_no_use() {
        let kms = Kms::new().await;
        let key = kms.key().await.to_string();
        let denied = kms.without("kms:Encrypt");
        assert_eq!(encrypt(&denied, &key).await.err(), Some(Code::NoPermission));
        let dry = [("KeyId", &*key), ("Plaintext", "x"), ("DryRun", "true")];
        assert_eq!(kms.call("Encrypt", dry).await.err(), Some(Code::DryRunOperationError));
        kms.call("DisableKey", [("KeyId", &*key)]).await.unwrap();
        assert_eq!(encrypt(&kms, &key).await.err(), Some(Code::KeyDisabled));
        kms.call("DescribeKey", [("KeyId", &*key)]).await.unwrap();
        assert!(uses(&kms, &key).await.is_empty());
    }

    #[tokio::test]
    async fn every_call_that_is_served_counts_once_by_caller_and_operation() {
        let kms = Kms::new().await;
        let (key, other) = (kms.key().await.to_string(), kms.key().await.to_string());
        let blob = encrypt(&kms, &key).await.unwrap();
        encrypt(&kms, &key).await.unwrap();
        kms.clock.advance_seconds(1);
        encrypt(&kms.without("kms:Nothing"), &key).await.unwrap();
        kms.clock.advance_seconds(1);
        kms.call("ReEncrypt", [("CiphertextBlob", &*blob), ("DestinationKeyId", &*other)])
            .await
            .unwrap();
        let of_key = ["root ReEncrypt 1", "user/alice Encrypt 1", "root Encrypt 2"];
        assert_eq!(uses(&kms, &key).await, of_key);
        assert_eq!(uses(&kms, &other).await, ["root ReEncrypt 1"]);
        // Nothing is counted twice by being asked for.
        assert_eq!(uses(&kms, &key).await, of_key);
    }

    #[tokio::test]
    async fn all_sessions_of_a_role_count_as_the_role() {
        let kms = Kms::new().await;
        let key = kms.key().await.to_string();
        for (role, session) in [("deploy", "one"), ("deploy", "two"), ("other", "one")] {
            encrypt(&kms.in_session(role, session), &key).await.unwrap();
            kms.clock.advance_seconds(1);
        }
        assert_eq!(uses(&kms, &key).await, ["role/other Encrypt 1", "role/deploy Encrypt 2"]);
    }

    #[tokio::test]
    async fn a_secret_uses_its_key_once_a_call() {
        let kms = Kms::new().await;
        let key = kms.key().await.to_string();
        let instance = kms.instance_id.to_string();
        let name = ("SecretName", "s");
        kms.call(
            "CreateSecret",
            [
                name,
                ("SecretData", "x"),
                ("VersionId", "1"),
                ("EncryptionKeyId", &*key),
                ("DKMSInstanceId", &*instance),
            ],
        )
        .await
        .unwrap();
        kms.clock.advance_seconds(1);
        kms.call("PutSecretValue", [name, ("SecretData", "y"), ("VersionId", "2")]).await.unwrap();
        kms.clock.advance_seconds(1);
        kms.call("GetSecretValue", [name]).await.unwrap();
        let expected = ["root GetSecretValue 1", "root PutSecretValue 1", "root CreateSecret 1"];
        assert_eq!(uses(&kms, &key).await, expected);
    }

    #[tokio::test]
    async fn uses_are_in_the_store_after_ten_seconds() {
        let kms = Kms::new().await;
        let key = kms.key().await;
        encrypt(&kms, key.as_str()).await.unwrap();
        let kept = async || kms.node.store.read().await.unwrap().key_uses(&key, 0, ALL).await;
        assert!(kept().await.unwrap().items.is_empty(), "a call does not wait for it");
        kms.node.uses.write_down(&*kms.node.store).await.unwrap();
        assert_eq!(kept().await.unwrap().items[0].count, 1);
        kms.node.uses.write_down(&*kms.node.store).await.unwrap();
        assert_eq!(kept().await.unwrap().items[0].count, 1);
        assert_eq!(EVERY.as_secs(), 10);
    }

    #[tokio::test]
    async fn uses_are_forgotten_after_365_days() {
        let kms = Kms::new().await;
        let key = kms.key().await.to_string();
        encrypt(&kms, &key).await.unwrap();
        kms.clock.advance_seconds(DAY * (DAYS - 1));
        uses(&kms, &key).await;
        prune::run(&kms.node).await.unwrap();
        assert_eq!(uses(&kms, &key).await, ["root Encrypt 1"]);
        let today = kms.call("ListKeyUses", [("KeyId", &*key), ("Days", "1")]).await.unwrap();
        assert_eq!(today.count("KeyUses.KeyUse"), Some(0));
        kms.clock.advance_seconds(DAY);
        assert!(uses(&kms, &key).await.is_empty());
        prune::run(&kms.node).await.unwrap();
        let mut tx = kms.node.store.read().await.unwrap();
        let left = tx.key_uses(&key.parse().unwrap(), 0, ALL).await.unwrap();
        assert_eq!(left.total, 0);
    }
}
