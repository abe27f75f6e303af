//! The access-management quota: how many other accounts the policies in an instance let in.
//! Source: identity.md §4.7.
//!
//! Each account counts once for each key and secret, and for five minutes after it is let in no
//! longer, or the key or secret is gone. Let in again meanwhile by the same one, it counts once
//! (our choice). What counts on is a row of the same transaction, so no restart shortens it.

use std::collections::BTreeSet;

use yaoku_model::{
    ids::{AccountId, InstanceId},
    key::Key,
    policy::{Document, Kind, Object},
    secret::Secret,
    time::Timestamp,
};
use yaoku_store::{Release, StoreError, Tx};
use yaoku_wire::error::Code;

use crate::error::ApiError;

/// How long an account counts that is let in no longer, in seconds. Source: identity.md §4.7.
pub(crate) const COUNTS_ON_SECONDS: i64 = 5 * 60;

/// A key or a secret, as far as it counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guarded<'a> {
    /// Where it lives: outside instances there are no policies.
    pub(crate) home: Option<&'a InstanceId>,
    /// Its owner, who does not count.
    pub(crate) owner: &'a AccountId,
    /// Which of the two it is.
    pub(crate) object: Object,
    /// The id of the key (empty if it has none yet), or the name of the secret.
    pub(crate) name: &'a str,
    /// Its policy.
    pub(crate) policy: Option<&'a str>,
}

impl<'a> From<&'a Key> for Guarded<'a> {
    fn from(key: &'a Key) -> Self {
        Self {
            home: key.instance.as_ref(),
            owner: &key.account,
            object: Object::Key,
            name: key.id.as_str(),
            policy: key.policy.as_deref(),
        }
    }
}

impl<'a> From<&'a Secret> for Guarded<'a> {
    fn from(secret: &'a Secret) -> Self {
        Self {
            home: secret.instance.as_ref(),
            owner: &secret.account,
            object: Object::Secret,
            name: secret.name.as_str(),
            policy: secret.policy.as_deref(),
        }
    }
}

/// What counts: an account, for a key or secret.
type Counted = (&'static str, String, AccountId);

impl Guarded<'_> {
    /// Fails if this, which is about to be written, lets more accounts in than its instance's
    /// `quota` has room for. What lets in nobody new is never refused.
    pub(crate) async fn must_fit(
        &self,
        tx: &mut dyn Tx,
        quota: i64,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let wanted = self.counted();
        let Some(home) = self.home.filter(|_| !wanted.is_empty()) else { return Ok(()) };
        let mut held = counted_in(tx, home, self.owner, now).await?;
        if wanted.is_subset(&held) {
            return Ok(());
        }
        held.extend(wanted);
        let count = i64::try_from(held.len()).unwrap_or(i64::MAX);
        if count > quota { Err(Code::LimitExceeded.into()) } else { Ok(()) }
    }

    /// Notes whom this lets in no longer from `at` on, when its policy is `kept` or (`None`) it is
    /// gone. In the transaction of that write.
    pub(crate) async fn release(
        &self,
        tx: &mut dyn Tx,
        kept: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(home) = self.home else { return Ok(()) };
        let kept = Guarded { policy: kept, ..*self }.counted();
        for (_, name, account) in self.counted().difference(&kept).cloned() {
            let (instance, object) = (home.clone(), self.object);
            tx.put_release(&Release { instance, object, name, account, at }).await?;
        }
        Ok(())
    }

    fn counted(&self) -> BTreeSet<Counted> {
        let document = self.policy.map(|it| Document::parse(it, Kind::Object(self.object)));
        let Some(Ok(document)) = document else { return BTreeSet::new() };
        let others = document.accounts_let_in().filter(|it| *it != self.owner);
        others.map(|it| (self.object.as_str(), self.name.to_owned(), it.clone())).collect()
    }
}

/// How many count in an instance.
pub(crate) async fn used(
    tx: &mut dyn Tx,
    home: &InstanceId,
    owner: &AccountId,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let held = counted_in(tx, home, owner, now).await?;
    Ok(i64::try_from(held.len()).unwrap_or(i64::MAX))
}

/// All that counts in an instance: whom its policies let in, and whom they did until lately.
async fn counted_in(
    tx: &mut dyn Tx,
    home: &InstanceId,
    owner: &AccountId,
    now: Timestamp,
) -> Result<BTreeSet<Counted>, StoreError> {
    let since = now.plus_seconds(-COUNTS_ON_SECONDS);
    let mut counted = BTreeSet::new();
    for it in tx.policies_in(home, since).await? {
        let (home, policy) = (Some(home), Some(&*it.text));
        let (object, name) = (it.object, &*it.name);
        counted.extend(Guarded { home, owner, object, name, policy }.counted());
    }
    let released = tx.releases_in(home, since).await?;
    counted.extend(released.into_iter().map(|it| (it.object.as_str(), it.name, it.account)));
    Ok(counted)
}
