//! Secrets in a call, and the keys that belong to them.

use std::sync::Arc;

use yaoku_model::{
    arn::{Arn, KeyRef, Place, SecretRef},
    ids::{Invalid, KeyVersionId, SecretName},
    policy::Object,
    secret::Secret,
    tag::Tag,
};
use yaoku_store::{Page, SecretFilter};
use yaoku_wire::error::Code;

use super::{Ask, Call, UsableKey};
use crate::{
    accounts::SECRETS_SERVICE_ALIAS,
    api::{
        Action, Effect,
        keys::{OPEN_SECRET, SEAL_SECRET},
    },
    cache::CachedSecret,
    error::ApiError,
    judge::ObjectPolicy,
};

/// What [`Call::secret`] may answer.
pub const SECRET: &[Code] = &[Code::ResourceNotFound, Code::KeyUnavailable];

/// What [`Call::cached_secret`] may answer.
pub const CACHED_SECRET: &[Code] = &[Code::ResourceNotFound, Code::ResourceInDeleteWindow];

/// What [`Call::live_secret`] may answer.
pub const LIVE_SECRET: &[Code] =
    &[Code::ResourceNotFound, Code::ResourceInDeleteWindow, Code::KeyUnavailable];

impl Call<'_> {
    /// Finds a key that belongs to something the caller may use already: a secret. Its permission
    /// is asked for if the customer named it, of whichever account the two are. Works on the caches.
    /// Source: secrets.md §1.7, identity.md §4.3.
    pub async fn usable_key_of_secret(
        &mut self,
        secret: &Secret,
        version: Option<&KeyVersionId>,
        action: Action,
    ) -> Result<UsableKey, ApiError> {
        if secret.customer_key && !self.reads_by_session(secret, action) {
            let named = KeyRef::Arn(self.at_home_of(&secret.account), secret.key.clone());
            let key = self.usable_key(&named, Ask::to(action)).await?;
            return version.map_or(Ok(key.clone()), |it| self.usable(key.key, it.clone()));
        }
        let found = self.caches()?.key(&secret.key).await?;
        let found = found.filter(|it| self.is_there(&it.key, &secret.account));
        let found = found.ok_or(Code::KeyNotFound)?;
        let version = version.or(found.key.primary.as_ref()).ok_or(Code::InternalFailure)?.clone();
        self.usable(found, version)
    }

    /// Whether the secret's permission alone is asked for: a session reads a value through the shared
    /// gateway, which ours is. Of its own account; that of another one has its say on the key as
    /// well (our choice). Source: identity.md §4.3.
    fn reads_by_session(&self, secret: &Secret, action: Action) -> bool {
        let own = secret.account == *self.account();
        own && action == OPEN_SECRET && self.caller.session.is_some()
    }

    /// Finds the caller's own key that `named` names, to seal a secret or a managed data key of its
    /// account. Another account's would be one that this account's secrets could be taken away by:
    /// refused, which is our choice. Works on the caches.
    pub async fn sealing_key(&mut self, named: &KeyRef) -> Result<UsableKey, ApiError> {
        let key = self.usable_key(named, Ask::to(SEAL_SECRET)).await?;
        if key.key.key.account == *self.account() {
            Ok(key)
        } else {
            Err(Code::UnsupportedOperation.into())
        }
    }

    /// Finds the key that seals the account's secrets whose owner named none: no permission is
    /// asked for. Works on the caches. Source: secrets.md §1.7.
    pub async fn service_key(&mut self) -> Result<UsableKey, ApiError> {
        let alias = SECRETS_SERVICE_ALIAS.parse().map_err(|Invalid| Code::InternalFailure)?;
        let (caches, account) = (self.caches()?, self.account());
        let Some(id) = caches.alias(account, &alias).await? else {
            return Err(ApiError::caused(Code::InternalFailure, "the account has no service key"));
        };
        let found = caches.key(&id).await?.filter(|it| it.key.account == *account);
        let found = found.ok_or(Code::KeyNotFound)?;
        let version = found.key.primary.clone().ok_or(Code::InternalFailure)?;
        self.usable(found, version)
    }

    /// Finds the row of the secret that `named` names. Works on the transaction.
    ///
    /// One that waits for deletion is found too: see [`Call::live_secret`].
    pub async fn secret(&mut self, named: &SecretRef) -> Result<Secret, ApiError> {
        let (place, name) = self.resolve_secret(named);
        let mut found = None;
        if place.region == *self.region() {
            let now = self.now;
            found = self.tx()?.secret(&place.account, &name).await?;
            found = found.filter(|(it, _)| !it.is_gone(now));
        }
        let seen = found.as_ref().map(|(secret, tags)| (secret, tags.as_slice()));
        self.judge_secret(Ask::to(self.spec.action()), &place, &name, seen)?;
        // Nobody changes what the service keeps: a managed data key. Our choice.
        if self.spec.effect == Effect::Write && name.as_str().contains('!') {
            return Err(Code::NoPermission.into());
        }
        let (found, _) = found.ok_or(Code::ResourceNotFound)?;
        self.must_be_connected(found.instance.as_ref()).await?;
        Ok(found)
    }

    /// The same, and it must not wait for deletion. Source: secrets.md §3.
    pub async fn live_secret(&mut self, named: &SecretRef) -> Result<Secret, ApiError> {
        let secret = self.secret(named).await?;
        secret.must_not_be_scheduled()?;
        Ok(secret)
    }

    /// Finds the cached secret that `named` names; it must not wait for deletion.
    pub async fn cached_secret(
        &mut self,
        named: &SecretRef,
        action: Action,
    ) -> Result<Arc<CachedSecret>, ApiError> {
        let (place, name) = self.resolve_secret(named);
        let mut found = None;
        if place.region == *self.region() {
            found = self.caches()?.secret(&place.account, &name).await?;
        }
        let found = found.filter(|it| !it.secret.is_gone(self.now));
        let seen = found.as_ref().map(|it| (&it.secret, it.tags.as_slice()));
        self.judge_secret(Ask::to(action), &place, &name, seen)?;
        let found = found.ok_or(Code::ResourceNotFound)?;
        found.secret.must_not_be_scheduled()?;
        Ok(found)
    }

    /// The oldest or the newest of the caller's secrets that `filter` finds. Asked of the store each
    /// time. Source: keys.md §13.
    pub async fn first_or_last_secret(
        &mut self,
        filter: &SecretFilter,
        last: bool,
    ) -> Result<Option<SecretName>, ApiError> {
        let (account, mut tx) = (self.account(), self.node.store.read().await?);
        let first = Page { number: 1, size: 1 };
        let mut found = tx.list_secrets(account, filter, first).await?;
        if last && found.total > 1 {
            let page = Page { number: found.total, size: 1 };
            found = tx.list_secrets(account, filter, page).await?;
        }
        Ok(found.items.pop().map(|it| it.name))
    }

    /// Fails unless the caller may do `action` to secrets of that name, whether or not there are any.
    pub fn allow_to_secret(&mut self, named: &SecretRef, action: Action) -> Result<(), ApiError> {
        let (place, name) = self.resolve_secret(named);
        self.judge_secret(Ask::to(action), &place, &name, None)
    }

    /// The ARN of a secret of the caller's account, whether or not there is one.
    #[must_use]
    pub fn secret_arn(&self, name: &SecretName) -> Arn {
        Arn::secret(self.region(), self.account(), name)
    }

    /// The ARN of the secret that `named` names, whether or not there is one.
    #[must_use]
    pub fn arn_of_secret(&self, named: &SecretRef) -> Arn {
        let (place, name) = self.resolve_secret(named);
        Arn::secret(&place.region, &place.account, &name)
    }

    fn resolve_secret(&self, named: &SecretRef) -> (Place, SecretName) {
        match named {
            SecretRef::Name(name) => (self.home(), name.clone()),
            SecretRef::Arn(place, name) => (place.clone(), name.clone()),
        }
    }

    fn judge_secret(
        &mut self,
        ask: Ask<'_>,
        place: &Place,
        name: &SecretName,
        found: Option<(&Secret, &[Tag])>,
    ) -> Result<(), ApiError> {
        let arn = Arn::secret(&place.region, &place.account, name);
        let (tags, policy) =
            found.map_or((&[][..], None), |(it, tags)| (tags, it.policy.as_deref()));
        let policy = policy.map(|it| ObjectPolicy::Text(Object::Secret, it));
        self.judge(ask, &place.account, &[&arn], tags, policy)
    }
}
