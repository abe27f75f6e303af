//! Keys in a call: found by whatever name a client has for one, for use, for a look or for a change.

use std::{str::FromStr, sync::Arc};

use yaoku_model::{
    arn::{Arn, KeyRef, Place},
    ids::{AccountId, AliasName, Invalid, KeyId, KeyVersionId},
    key::Key,
    policy::Object,
    tag::{Tag, TagKind},
    time::Timestamp,
};
use yaoku_wire::error::Code;

use super::{Ask, Call, On, UsableKey};
use crate::{accounts::product_key, cache::CachedKey, error::ApiError, judge::ObjectPolicy};

/// What [`Call::usable_key`] and [`Call::key`] may answer, besides a wrong state.
pub const KEY_BY_NAME: &[Code] = &[Code::KeyNotFound, Code::AliasNotFound];

/// What [`Call::key_by_id`] may answer.
pub const KEY_BY_ID: &[Code] = &[Code::KeyNotFound, Code::UnsupportedAlias];

/// The codes that say a key's state forbids its use.
pub const WRONG_STATE: &[Code] =
    &[Code::KeyDisabled, Code::KeyPendingDeletion, Code::KeyPendingImport, Code::KeyUnavailable];

/// Why a key's description, tags or aliases may not change.
pub const KEY_FIXED: &[Code] = &[Code::UnsupportedOperation, Code::KeyPendingDeletion];

/// A version's id, or a text like it that no version is called by: unknown, not invalid (our choice,
/// as keys.md §2.1 has it for keys).
#[derive(Debug)]
pub struct VersionName(Option<KeyVersionId>);

impl FromStr for VersionName {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let fits =
            raw.len() <= 64 && raw.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        if fits { Ok(Self(raw.parse().ok())) } else { Err(Invalid) }
    }
}

impl VersionName {
    /// The id. Fails if no version can be called so.
    pub fn id(&self) -> Result<&KeyVersionId, ApiError> {
        self.0.as_ref().ok_or(Code::KeyVersionNotFound.into())
    }

    fn among(&self, key: &CachedKey) -> Result<&KeyVersionId, ApiError> {
        let id = self.id()?;
        let known = key.versions.iter().any(|(it, _)| it == id);
        if known { Ok(id) } else { Err(Code::KeyVersionNotFound.into()) }
    }
}

impl Call<'_> {
    /// Finds a symmetric key, to use its primary version. Works on the caches.
    pub async fn usable_key(
        &mut self,
        named: &KeyRef,
        ask: Ask<'_>,
    ) -> Result<UsableKey, ApiError> {
        let found = self.cached_key(named, ask).await;
        let found = found.map_err(|error| self.unless_it_would_be_made(named, error))?;
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
        self.must_be_made(named, ask, Code::RejectedUnsupportedOperation).await?;
        let found = self.cached_key(named, ask).await?;
        must_fit(&found, fits)?;
        self.primary(found)
    }

    /// Finds a key that `fits` what it is to do, to use the version that the client named. Works on
    /// the caches. Source: keys.md §10.
    pub async fn usable_key_version(
        &mut self,
        named: &KeyRef,
        version: &VersionName,
        ask: Ask<'_>,
        fits: impl Fn(&Key) -> bool,
    ) -> Result<UsableKey, ApiError> {
        self.must_be_made(named, ask, Code::KeyVersionNotFound).await?;
        let found = self.cached_key(named, ask).await?;
        if found.versions.is_empty() {
            // It waits for material, or lost it and waits for its deletion: its state says why.
            must_fit(&found, &fits)?;
            found.key.must_be_enabled(self.now)?;
        }
        let version = version.among(&found)?.clone();
        must_fit(&found, fits)?;
        self.usable(found, version)
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
    /// version that is not here, or is another account's that does not let the caller at it, is
    /// judged as a key of that name, so that who may use no key learns nothing.
    pub async fn usable_version(
        &mut self,
        version: &KeyVersionId,
        ask: Ask<'_>,
    ) -> Result<UsableKey, ApiError> {
        let found = self.caches()?.key_of_version(version).await?;
        let found = found.filter(|it| !it.key.is_gone(self.now));
        let found = match found {
            Some(it) if it.key.account != *self.account() => self.let_in(ask, it)?,
            own => own,
        };
        let (place, id) = match &found {
            Some(it) => (self.at_home_of(&it.key.account), it.key.id.clone()),
            None => (self.home(), unknown_key(version.as_str())?),
        };
        let found = self.judge_key(ask, &place, &id, found, cached_parts);
        self.usable(found.map_err(unnamed)?, version.clone())
    }

    /// Another account's key, if it lets the caller at it. A refusal leaves no trace: not even the
    /// event of the call says which key it was.
    fn let_in(
        &mut self,
        ask: Ask<'_>,
        key: Arc<CachedKey>,
    ) -> Result<Option<Arc<CachedKey>>, ApiError> {
        let before = self.touched.asked.len();
        let place = self.at_home_of(&key.key.account);
        let id = key.key.id.clone();
        match self.judge_key(ask, &place, &id, Some(key), cached_parts) {
            Ok(key) => Ok(Some(key)),
            Err(error) if error.code() == Code::NoPermission => {
                self.touched.asked.truncate(before);
                Ok(None)
            }
            Err(error) => Err(error),
        }
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

    /// The account and id that a client's name for a key stands for.
    ///
    /// An alias that is not bound is judged as a key of that name before it is said to be unknown. On
    /// the caches, that of a product is bound to a new key of the service's then, unless the run is
    /// dry. Source: keys.md §3.1.
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
            On::Caches(_) if place == self.home() && alias.product().is_some() && !self.dry_run => {
                let made = product_key(self.node, &place.account, alias, self.now).await?;
                Ok((place, made))
            }
            _ => Err(Code::AliasNotFound.into()),
        }
    }

    /// Fails with `code`, as it would if it were there, if a product's key is named that nobody has
    /// made yet: it would be symmetric, and is not made for what it cannot do.
    async fn must_be_made(
        &mut self,
        named: &KeyRef,
        ask: Ask<'_>,
        code: Code,
    ) -> Result<(), ApiError> {
        let (place, alias) = match named {
            KeyRef::Id(_) | KeyRef::Arn(..) => return Ok(()),
            KeyRef::Alias(alias) => (self.home(), alias),
            KeyRef::AliasArn(place, alias) => (place.clone(), alias),
        };
        let of_a_product = alias.product().is_some() && place == self.home();
        if !of_a_product || self.alias(alias).await?.is_some() {
            return Ok(());
        }
        let arn = Arn::key(&place.region, &place.account, &unknown_key(alias.as_str())?);
        self.judge(ask, &place.account, &[&arn], &[], None).map_err(unnamed)?;
        Err(code.into())
    }

    /// A dry run makes no key for a product, but a cipher's real call would find one, and be served.
    fn unless_it_would_be_made(&self, named: &KeyRef, error: ApiError) -> ApiError {
        let product = match named {
            KeyRef::Alias(alias) | KeyRef::AliasArn(_, alias) => alias.product(),
            KeyRef::Id(_) | KeyRef::Arn(..) => None,
        };
        match error.code() {
            Code::AliasNotFound if self.dry_run && product.is_some() => {
                Code::DryRunOperationError.into()
            }
            _ => error,
        }
    }

    /// Whether it is `account`'s, and has not been deleted.
    pub(super) fn is_there(&self, key: &Key, account: &AccountId) -> bool {
        key.account == *account && !key.is_gone(self.now)
    }

    /// A key of an instance that is out of service is stored as `Unavailable`: one state says it all.
    pub(super) fn usable(
        &mut self,
        key: Arc<CachedKey>,
        version: KeyVersionId,
    ) -> Result<UsableKey, ApiError> {
        let usable = UsableKey::new(key, version, self.now)?;
        self.touched.uses(&usable.key);
        Ok(usable)
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
}

impl UsableKey {
    /// One version of a key that is enabled. Whether anybody may use it was asked before.
    pub(crate) fn new(
        key: Arc<CachedKey>,
        version: KeyVersionId,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        key.key.must_be_enabled(now)?;
        // The newest is the one that is used most.
        let mut newest_first = key.versions.iter().rev();
        let handle = newest_first.find(|(id, _)| *id == version).map(|(_, it)| it.clone());
        let handle = handle.ok_or(Code::KeyNotFound)?;
        Ok(Self { key, version, handle })
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

/// The same, unless the client itself named the key. What looks like an alias, and is none that could
/// be, is unknown as an alias is (our choice).
fn unless_named(named: &KeyRef, error: ApiError) -> ApiError {
    match (named, error.code()) {
        (KeyRef::Id(_), Code::KeyNotFound) if named.is_alias() => Code::AliasNotFound.into(),
        _ if named.is_alias() => unnamed(error),
        _ => error,
    }
}

/// The id of a key that is not there, under the name that was asked for.
fn unknown_key(name: &str) -> Result<KeyId, ApiError> {
    name.parse().map_err(|_| Code::KeyNotFound.into())
}

fn must_fit(found: &CachedKey, fits: impl Fn(&Key) -> bool) -> Result<(), ApiError> {
    if fits(&found.key) { Ok(()) } else { Err(Code::RejectedUnsupportedOperation.into()) }
}
