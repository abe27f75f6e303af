//! What an operation may touch: the caller, the time, caches or store, the backend. Nothing else.
//!
//! Everything here that finds an object asks for the action first, so that no object is reachable
//! without naming it, and a refusal never tells what exists.

use std::sync::Arc;

use yaoku_crypto::backend::KeyHandle;
use yaoku_model::{
    arn::{Arn, KeyRef, Place, SecretRef},
    context::EncryptionContext,
    ids::{AccountId, AliasName, InstanceId, Invalid, KeyId, KeyVersionId, Region, SecretName},
    instance::{Instance, InstanceStatus},
    key::{Key, KeyState},
    policy::Object,
    random::Random,
    secret::Secret,
    tag::{Tag, TagKind},
    time::Timestamp,
};
use yaoku_store::{Page, SecretFilter, Tx};
use yaoku_wire::error::Code;

use crate::{
    accounts::{SECRETS_SERVICE_ALIAS, product_key},
    api::{Action, Spec},
    cache::{CachedKey, CachedSecret, Caches},
    caller::Caller,
    error::ApiError,
    judge::ObjectPolicy,
    node::Node,
    uses::Touched,
};

/// One call, after its signature was checked.
pub struct Call<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// The time: read once, the same when the call is run again.
    pub now: Timestamp,
    /// The node that serves it.
    pub node: &'a Node,
    pub(crate) spec: &'static Spec,
    on: On<'a>,
    pub(crate) touched: &'a mut Touched,
}

/// What a call works on: its [`Effect`](crate::api::Effect) decides, the pipeline provides.
pub(crate) enum On<'a> {
    /// The caches.
    Caches(&'a Caches),
    /// An open transaction, which is the pipeline's to commit.
    Store(&'a mut dyn Tx),
}

/// What is asked of a key, besides its name.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub(crate) action: Action,
    pub(crate) context: Option<&'a EncryptionContext>,
    pub(crate) algorithm: Option<&'static str>,
}

/// One version of a key that the caller may use now. Only [`Call`] hands these out.
#[derive(Clone, Debug)]
pub struct UsableKey {
    /// The key, whatever name the client used.
    pub key: Arc<CachedKey>,
    /// The version.
    pub version: KeyVersionId,
    /// Its cipher.
    pub handle: KeyHandle,
}

impl<'a> Ask<'a> {
    /// An action on the key as such.
    #[must_use]
    pub const fn to(action: Action) -> Self {
        Self { action, context: None, algorithm: None }
    }

    /// Symmetric cryptography with a context. Source: identity.md §3.4, §4.4.
    #[must_use]
    pub const fn cipher(action: Action, context: &'a EncryptionContext) -> Self {
        Self { action, context: Some(context), algorithm: Some("SYMMETRIC_DEFAULT") }
    }

    /// Cryptography with an algorithm that the client named.
    #[must_use]
    pub const fn algorithm(action: Action, algorithm: &'static str) -> Self {
        Self { action, context: None, algorithm: Some(algorithm) }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        node: &'a Node,
        caller: &'a Caller,
        now: Timestamp,
        spec: &'static Spec,
        on: On<'a>,
        touched: &'a mut Touched,
    ) -> Self {
        Self { caller, now, node, spec, on, touched }
    }

    /// The caller's account.
    #[must_use]
    pub fn account(&self) -> &'a AccountId {
        &self.caller.account
    }

    /// The region served.
    #[must_use]
    pub fn region(&self) -> &'a Region {
        &self.node.region
    }

    /// Randomness.
    #[must_use]
    pub fn random(&self) -> &'a dyn Random {
        &*self.node.random
    }

    /// The transaction. A `Use` operation has none, and neither has `prepare`: asking for it there
    /// is a bug of ours.
    pub fn tx(&mut self) -> Result<&mut dyn Tx, ApiError> {
        match &mut self.on {
            On::Caches(_) => Err(ApiError::caused(Code::InternalFailure, "no transaction here")),
            On::Store(tx) => Ok(&mut **tx),
        }
    }

    /// Fails unless the caller may do this operation to `resource`.
    pub fn allow(&mut self, resource: &Arn) -> Result<(), ApiError> {
        self.allow_any_of(&[resource])
    }

    /// The same for a resource with more than one accepted spelling: the container or the item to
    /// be created. Source: identity.md §4.1.
    pub fn allow_any_of(&mut self, spellings: &[&Arn]) -> Result<(), ApiError> {
        self.judge(Ask::to(self.spec.action()), &self.caller.account, spellings, &[], None)
    }

    /// Finds a symmetric key, to use its primary version. Works on the caches.
    pub async fn usable_key(
        &mut self,
        named: &KeyRef,
        ask: Ask<'_>,
    ) -> Result<UsableKey, ApiError> {
        let found = self.cached_key(named, ask).await?;
        if found.key.spec.cipher_key_len().is_none() {
            return Err(Code::UnsupportedOperation.into());
        }
        self.primary(found)
    }

    /// Finds a key of another kind, one that `fits` what it is to do, to use its primary version.
    /// Works on the caches.
    pub async fn usable_primary(
        &mut self,
        named: &KeyRef,
        ask: Ask<'_>,
        fits: impl Fn(&Key) -> bool,
    ) -> Result<UsableKey, ApiError> {
        let found = self.cached_key(named, ask).await?;
        must_fit(&found, fits)?;
        self.primary(found)
    }

    /// Finds a key that `fits` what it is to do, to use the version that the client named. Works on
    /// the caches. Source: keys.md §10.
    pub async fn usable_key_version(
        &mut self,
        named: &KeyRef,
        version: &KeyVersionId,
        ask: Ask<'_>,
        fits: impl Fn(&Key) -> bool,
    ) -> Result<UsableKey, ApiError> {
        let found = self.cached_key(named, ask).await?;
        // A key that waits for its material has no version yet, or none that is loaded.
        let waits = found.key.state_at(self.now) == KeyState::PendingImport;
        if !waits && found.versions.iter().all(|(id, _)| id != version) {
            return Err(Code::KeyVersionNotFound.into());
        }
        must_fit(&found, fits)?;
        self.usable(found, version.clone())
    }

    /// Finds the key that `named` names, whatever its state. Works on the caches.
    pub async fn cached_key(
        &mut self,
        named: &KeyRef,
        ask: Ask<'_>,
    ) -> Result<Arc<CachedKey>, ApiError> {
        let (place, id) = self.resolve(named, ask).await?;
        let found = self.caches()?.key(&id).await?;
        let found = found.filter(|it| self.is_there(&it.key, &place.account));
        let found = self.judge_key(ask, &place, &id, found, cached_parts);
        found.map_err(|error| unless_named(named, error))
    }

    /// Makes the key that `named` names, if it is a product's and this is the first that is heard
    /// of it. For `prepare`, where the operation then finds it in its transaction.
    pub async fn make_product_key(&mut self, named: &KeyRef) -> Result<(), ApiError> {
        let (KeyRef::Alias(alias) | KeyRef::AliasArn(_, alias)) = named else { return Ok(()) };
        if alias.product().is_some() {
            self.resolve(named, Ask::to(self.spec.action())).await?;
        }
        Ok(())
    }

    /// Finds the key version that made a blob, to open it. Works on the caches.
    ///
    /// A blob names no key, so the key found is what is authorized. Source: identity.md §4.2. A
    /// version that is not here, or is another account's, is judged as a key of that name, so
    /// that who may use no key learns nothing.
    pub async fn usable_version(
        &mut self,
        version: &KeyVersionId,
        ask: Ask<'_>,
    ) -> Result<UsableKey, ApiError> {
        let place = self.home();
        let found = self.caches()?.key_of_version(version).await?;
        let found = found.filter(|it| self.is_there(&it.key, &place.account));
        let id = match &found {
            Some(found) => found.key.id.clone(),
            None => unknown_key(version.as_str())?,
        };
        let found = self.judge_key(ask, &place, &id, found, cached_parts);
        self.usable(found.map_err(unnamed)?, version.clone())
    }

    /// Finds a key that belongs to something the caller may use already: a secret. Its permission
    /// is asked for if the customer named it. Works on the caches. Source: secrets.md §1.7.
    pub async fn usable_key_of_secret(
        &mut self,
        secret: &Secret,
        version: Option<&KeyVersionId>,
        action: Action,
    ) -> Result<UsableKey, ApiError> {
        let named = KeyRef::Id(secret.key.clone());
        if secret.customer_key {
            let key = self.usable_key(&named, Ask::to(action)).await?;
            return version.map_or(Ok(key.clone()), |it| self.usable(key.key, it.clone()));
        }
        let found = self.caches()?.key(&secret.key).await?;
        let found = found.filter(|it| self.is_there(&it.key, &secret.account));
        let found = found.ok_or(Code::KeyNotFound)?;
        let version = version.or(found.key.primary.as_ref()).ok_or(Code::InternalFailure)?.clone();
        self.usable(found, version)
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

    /// Fails, so that the call is run again, unless `version` is what its key would seal with now.
    /// Works on the transaction: what `prepare` sealed is kept only if this holds.
    pub async fn must_still_seal(
        &mut self,
        key: &KeyId,
        version: &KeyVersionId,
    ) -> Result<(), ApiError> {
        let now = self.now;
        let found = self.tx()?.key(key).await?;
        let found = found.filter(|it| !it.is_gone(now) && it.must_be_enabled(now).is_ok());
        match found.and_then(|it| it.primary) {
            Some(primary) if primary == *version => Ok(()),
            _ => Err(ApiError::conflict()),
        }
    }

    /// Finds the row of the key that `named` names. Works on the transaction.
    pub async fn key(&mut self, named: &KeyRef) -> Result<Key, ApiError> {
        let ask = Ask::to(self.spec.action());
        let (place, id) = self.resolve(named, ask).await?;
        let found = self.tx()?.key(&id).await?.filter(|it| self.is_there(it, &place.account));
        let tags = match &found {
            Some(_) => self.tx()?.tags(&place.account, TagKind::Key, id.as_str()).await?,
            None => Vec::new(),
        };
        let found = found.map(|it| (it, tags));
        let found = self.judge_key(ask, &place, &id, found, |(key, tags)| {
            let policy = key.policy.as_deref().map(|it| ObjectPolicy::Text(Object::Key, it));
            (tags, policy)
        });
        Ok(found.map_err(|error| unless_named(named, error))?.0)
    }

    /// The same where only an id or an ARN will do. Source: keys.md §2.1.
    pub async fn key_by_id(&mut self, named: &KeyRef) -> Result<Key, ApiError> {
        if named.is_alias() {
            return Err(Code::UnsupportedAlias.into());
        }
        self.key(named).await
    }

    /// Finds the row of the secret that `named` names. Works on the transaction.
    ///
    /// One that waits for deletion is found too: see [`Call::live_secret`].
    pub async fn secret(&mut self, named: &SecretRef) -> Result<Secret, ApiError> {
        let (place, name) = self.resolve_secret(named);
        let mut found = None;
        if place == self.home() {
            let now = self.now;
            found = self.tx()?.secret(&place.account, &name).await?;
            found = found.filter(|(it, _)| !it.is_gone(now));
        }
        let seen = found.as_ref().map(|(secret, tags)| (secret, tags.as_slice()));
        self.judge_secret(Ask::to(self.spec.action()), &place, &name, seen)?;
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
        if place == self.home() {
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

    /// Finds the instance called `id`. Works on the transaction.
    pub async fn instance(&mut self, id: &InstanceId) -> Result<Instance, ApiError> {
        let account = self.account();
        let arn = Arn::instance(self.region(), account, id);
        let found = self.tx()?.instance(id).await?.filter(|it| it.account == *account);
        let tags = match &found {
            Some(_) => self.tx()?.tags(account, TagKind::Instance, id.as_str()).await?,
            None => Vec::new(),
        };
        self.judge(Ask::to(self.spec.action()), account, &[&arn], &tags, None)?;
        found.ok_or(Code::DkmsInstanceNotFound.into())
    }

    /// Finds a running instance of the caller's account, to make something in it. Works on the
    /// transaction. Source: keys.md §3.1.
    pub async fn running_instance(&mut self, id: &InstanceId) -> Result<Instance, ApiError> {
        let account = self.account();
        running_instance(self.tx()?, account, id).await
    }

    /// Fails unless the instance, if there is one, is in service. Works on the transaction.
    ///
    /// Source: keys.md §5 (`Unavailable`), secrets.md §1.5.
    pub async fn must_be_connected(
        &mut self,
        instance: Option<&InstanceId>,
    ) -> Result<(), ApiError> {
        let Some(id) = instance else { return Ok(()) };
        match self.tx()?.instance(id).await? {
            Some(it) if it.status == InstanceStatus::Connected => Ok(()),
            _ => Err(Code::KeyUnavailable.into()),
        }
    }

    fn caches(&self) -> Result<&'a Caches, ApiError> {
        match &self.on {
            On::Caches(caches) => Ok(caches),
            On::Store(_) => Err(ApiError::caused(Code::InternalFailure, "no caches here")),
        }
    }

    fn home(&self) -> Place {
        Place { region: self.region().clone(), account: self.account().clone() }
    }

    /// The account and id that a client's name for a key stands for.
    ///
    /// An alias that is not bound is judged as a key of that name before it is said to be unknown. On
    /// the caches, that of a product is bound to a new key of the service's then. Source: keys.md §3.1.
    async fn resolve(&mut self, named: &KeyRef, ask: Ask<'_>) -> Result<(Place, KeyId), ApiError> {
        let (place, alias) = match named {
            KeyRef::Id(id) => return Ok((self.home(), id.clone())),
            KeyRef::Arn(place, id) => return Ok((place.clone(), id.clone())),
            KeyRef::Alias(alias) => (self.home(), alias),
            KeyRef::AliasArn(place, alias) => (place.clone(), alias),
        };
        let bound = if place == self.home() { self.alias(alias).await? } else { None };
        if let Some(id) = bound {
            return Ok((place, id));
        }
        let arn = Arn::key(&place.region, &place.account, &unknown_key(alias.as_str())?);
        self.judge(ask, &place.account, &[&arn], &[], None).map_err(unnamed)?;
        match self.on {
            On::Caches(_) if place == self.home() && alias.product().is_some() => {
                let made = product_key(self.node, &place.account, alias, self.now).await?;
                Ok((place, made))
            }
            _ => Err(Code::AliasNotFound.into()),
        }
    }

    /// Whether it is `account`'s, and has not been deleted.
    fn is_there(&self, key: &Key, account: &AccountId) -> bool {
        key.account == *account && !key.is_gone(self.now)
    }

    /// A key of an instance that is out of service is stored as `Unavailable`: one state says it all.
    fn usable(
        &mut self,
        key: Arc<CachedKey>,
        version: KeyVersionId,
    ) -> Result<UsableKey, ApiError> {
        key.key.must_be_enabled(self.now)?;
        // The newest is the one that is used most.
        let mut newest_first = key.versions.iter().rev();
        let handle = newest_first.find(|(id, _)| *id == version).map(|(_, it)| it.clone());
        let handle = handle.ok_or(Code::KeyNotFound)?;
        self.touched.uses(&key);
        Ok(UsableKey { key, version, handle })
    }

    fn primary(&mut self, key: Arc<CachedKey>) -> Result<UsableKey, ApiError> {
        key.key.must_be_enabled(self.now)?;
        let without = || ApiError::caused(Code::InternalFailure, "an enabled key has no version");
        let version = key.key.primary.clone().ok_or_else(without)?;
        self.usable(key, version)
    }

    async fn alias(&mut self, alias: &AliasName) -> Result<Option<KeyId>, ApiError> {
        let account = self.account();
        Ok(match &mut self.on {
            On::Caches(caches) => caches.alias(account, alias).await?,
            On::Store(tx) => tx.alias(account, alias).await?.map(|it| it.key),
        })
    }

    fn resolve_secret(&self, named: &SecretRef) -> (Place, SecretName) {
        match named {
            SecretRef::Name(name) => (self.home(), name.clone()),
            SecretRef::Arn(place, name) => (place.clone(), name.clone()),
        }
    }

    /// Judges a key by the name that was asked for, then says whether it is there.
    fn judge_key<T>(
        &mut self,
        ask: Ask<'_>,
        place: &Place,
        id: &KeyId,
        found: Option<T>,
        parts: impl Fn(&T) -> (&[Tag], Option<ObjectPolicy<'_>>),
    ) -> Result<T, ApiError> {
        let arn = Arn::key(&place.region, &place.account, id);
        let found = found.filter(|_| place.region == *self.region());
        let (mut tags, mut policy) = (&[][..], None);
        if let Some(found) = &found {
            (tags, policy) = parts(found);
        }
        self.judge(ask, &place.account, &[&arn], tags, policy)?;
        found.ok_or(Code::KeyNotFound.into())
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

/// What a cached key is judged by, besides its name.
fn cached_parts(found: &Arc<CachedKey>) -> (&[Tag], Option<ObjectPolicy<'_>>) {
    (&found.tags, found.policy.as_ref().map(ObjectPolicy::Compiled))
}

/// A refusal that does not say which key: an alias or a blob stands for a key or for none, and who
/// may not use it must not learn which, nor the key's id.
fn unnamed(error: ApiError) -> ApiError {
    match error.code() {
        Code::NoPermission => Code::NoPermission.into(),
        _ => error,
    }
}

/// The same, unless the client itself named the key.
fn unless_named(named: &KeyRef, error: ApiError) -> ApiError {
    if named.is_alias() { unnamed(error) } else { error }
}

/// The id of a key that is not there, under the name that was asked for.
fn unknown_key(name: &str) -> Result<KeyId, ApiError> {
    name.parse().map_err(|_| Code::KeyNotFound.into())
}

fn must_fit(found: &CachedKey, fits: impl Fn(&Key) -> bool) -> Result<(), ApiError> {
    if fits(&found.key) { Ok(()) } else { Err(Code::RejectedUnsupportedOperation.into()) }
}

/// Finds a running instance of an account.
pub async fn running_instance(
    tx: &mut dyn Tx,
    account: &AccountId,
    id: &InstanceId,
) -> Result<Instance, ApiError> {
    let found = tx.instance(id).await?.filter(|it| it.account == *account);
    let found = found.ok_or(Code::DkmsInstanceNotFound)?;
    match found.status {
        InstanceStatus::Connected => Ok(found),
        _ => Err(Code::DkmsInstanceStateInvalid.into()),
    }
}

/// What [`Call::usable_key`] and [`Call::key`] may answer, besides a wrong state.
pub const KEY_BY_NAME: &[Code] = &[Code::KeyNotFound, Code::AliasNotFound];

/// What [`Call::key_by_id`] may answer.
pub const KEY_BY_ID: &[Code] = &[Code::KeyNotFound, Code::UnsupportedAlias];

/// The codes that say a key's state forbids its use.
pub const WRONG_STATE: &[Code] =
    &[Code::KeyDisabled, Code::KeyPendingDeletion, Code::KeyPendingImport, Code::KeyUnavailable];

/// Why a key's description, tags or aliases may not change.
pub const KEY_FIXED: &[Code] = &[Code::UnsupportedOperation, Code::KeyPendingDeletion];

/// What [`Call::secret`] may answer.
pub const SECRET: &[Code] = &[Code::ResourceNotFound, Code::KeyUnavailable];

/// What [`Call::running_instance`] may answer.
pub const RUNNING_INSTANCE: &[Code] = &[Code::DkmsInstanceNotFound, Code::DkmsInstanceStateInvalid];

/// What [`Call::cached_secret`] may answer.
pub const CACHED_SECRET: &[Code] = &[Code::ResourceNotFound, Code::ResourceInDeleteWindow];

/// What [`Call::live_secret`] may answer.
pub const LIVE_SECRET: &[Code] =
    &[Code::ResourceNotFound, Code::ResourceInDeleteWindow, Code::KeyUnavailable];
