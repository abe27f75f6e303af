//! The caches: what a `Use` call works on, loaded from the store when first asked for.
//!
//! Bounded in bytes. What a commit changes is dropped when the feed names it, also what is being
//! loaded then; a call that is running keeps what it found, and the next one loads anew.

use std::sync::{Arc, OnceLock};

use quick_cache::Weighter;
use tokio::sync::{Mutex, Notify};
use yaoku_crypto::{
    backend::{Backend, KeyHandle, KeyPlace, SealLimit},
    envelope::DataKey,
    keyring::{CredentialPlace, Keyring},
    rootkey::WrappingPlace,
};
use yaoku_model::{
    identity::{Attachment, Holder, Identity, PolicyType},
    ids::{
        AccessKeyId, AccountId, AliasName, InstanceId, KeyId, KeyVersionId, PolicyName,
        ProviderName, SecretName,
    },
    key::Key,
    policy::{Document, Kind, Layer, Object, Origin, system},
    secret::{Secret, SecretVersion},
    tag::{Tag, TagKind},
};
use yaoku_store::{Change, Store, Transaction};
use yaoku_wire::{error::Code, rpc::SigningKey};

use crate::{
    auth::Credential, compiled::Compiled, error::ApiError, judge, last_uses::LastUse, oidc,
    shelf::Shelf,
};

pub use crate::shelf::Vitals;

/// A key, its ciphers ready.
#[derive(Debug)]
pub struct CachedKey {
    /// The key.
    pub key: Key,
    /// Every version that can be used, oldest first.
    pub versions: Vec<(KeyVersionId, KeyHandle)>,
    /// Its tags, for `kms:tag/<key>` in policies.
    pub tags: Vec<Tag>,
    /// Its own policy, compiled.
    pub policy: Option<Document>,
    /// Whose turn it is to reserve seals.
    pub(crate) reserving: Mutex<()>,
}

/// A secret, its values sealed.
#[derive(Debug)]
pub struct CachedSecret {
    /// The secret.
    pub secret: Secret,
    /// Its versions, oldest first.
    pub versions: Vec<CachedVersion>,
    /// Its tags, for `acs:ResourceTag/<key>` in policies.
    pub tags: Vec<Tag>,
}

/// A version of a secret, sealed, with its data key once that has been opened.
#[derive(Debug)]
pub struct CachedVersion {
    /// The version.
    pub version: SecretVersion,
    /// Its data key. Opened by the first call that may, used by those after it that may.
    pub data_key: OnceLock<DataKey>,
}

/// An identity of an account, as authorization needs it.
#[derive(Clone, Debug)]
pub struct Rights {
    /// Whether the account has opened the service.
    pub kms_open: bool,
    /// Its policies, compiled. The root has none.
    pub policies: Arc<Layer>,
    /// The id of a role: sessions of another one under the same name are over.
    pub role_id: Option<Arc<str>>,
}

/// How many bytes each kind of thing may take. Our choice.
#[derive(Clone, Copy, Debug)]
pub struct CacheSizes {
    /// Keys: each some hundred bytes, and more with many versions.
    pub keys: u64,
    /// Secrets: up to ten values of 30 KiB each.
    pub secrets: u64,
    /// Everything else: names and policies. Identity providers have a sixteenth more.
    pub names: u64,
}

impl Default for CacheSizes {
    fn default() -> Self {
        Self { keys: 64 << 20, secrets: 64 << 20, names: 64 << 20 }
    }
}

/// All caches of a node.
pub struct Caches {
    store: Arc<dyn Store>,
    backend: Arc<dyn Backend>,
    keyring: Arc<Keyring>,
    keys: Shelf<KeyId, Arc<CachedKey>>,
    versions: Shelf<KeyVersionId, KeyId>,
    aliases: Shelf<(AccountId, AliasName), KeyId>,
    secrets: Shelf<(AccountId, SecretName), Arc<CachedSecret>>,
    credentials: Shelf<AccessKeyId, Arc<Credential>>,
    rights: Shelf<(AccountId, Identity), Rights>,
    /// That there is none, too: strangers ask.
    oidc_providers: Shelf<(AccountId, ProviderName), Arc<Option<oidc::Known>>>,
    /// Policies that identities hold.
    compiled: Compiled,
    /// Wakes who follows the root key.
    root_key: Notify,
}

impl Caches {
    /// Empty caches over `store`.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        backend: Arc<dyn Backend>,
        keyring: Arc<Keyring>,
        sizes: CacheSizes,
    ) -> Self {
        Self {
            store,
            backend,
            keyring,
            keys: Shelf::new(sizes.keys, 1024),
            versions: Shelf::new(sizes.names / 4, 128),
            aliases: Shelf::new(sizes.names / 4, 256),
            secrets: Shelf::new(sizes.secrets, 4096),
            credentials: Shelf::new(sizes.names / 4, 512),
            rights: Shelf::new(sizes.names / 4, 4096),
            oidc_providers: Shelf::new(sizes.names / 16, 1024),
            compiled: Compiled::of(Kind::Identity),
            root_key: Notify::new(),
        }
    }

    /// Finds a key of any account.
    pub async fn key(&self, id: &KeyId) -> Result<Option<Arc<CachedKey>>, ApiError> {
        match self.keys.get(id) {
            Some(found) => Ok(Some(found)),
            None => self.keys.get_or_load(id, self.load_key(id)).await,
        }
    }

    /// Finds the key that a version belongs to.
    pub async fn key_of_version(
        &self,
        version: &KeyVersionId,
    ) -> Result<Option<Arc<CachedKey>>, ApiError> {
        let found = match self.versions.get(version) {
            Some(found) => Some(found),
            None => self.versions.get_or_load(version, self.load_version(version)).await?,
        };
        match found {
            Some(id) => self.key(&id).await,
            None => Ok(None),
        }
    }

    /// Finds the key that an alias of `account` names.
    pub async fn alias(
        &self,
        account: &AccountId,
        name: &AliasName,
    ) -> Result<Option<KeyId>, ApiError> {
        let at = (account.clone(), name.clone());
        match self.aliases.get(&at) {
            Some(found) => Ok(Some(found)),
            None => self.aliases.get_or_load(&at, self.load_alias(account, name)).await,
        }
    }

    /// Finds a secret.
    pub async fn secret(
        &self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<Option<Arc<CachedSecret>>, ApiError> {
        let at = (account.clone(), name.clone());
        match self.secrets.get(&at) {
            Some(found) => Ok(Some(found)),
            None => self.secrets.get_or_load(&at, self.load_secret(account, name)).await,
        }
    }

    /// Finds an access key, whatever its state.
    pub async fn access_key(&self, id: &AccessKeyId) -> Result<Option<Arc<Credential>>, ApiError> {
        match self.credentials.get(id) {
            Some(found) => Ok(Some(found)),
            None => self.credentials.get_or_load(id, self.load_access_key(id)).await,
        }
    }

    /// What an identity may do. `None`: there is no such account, or no such role.
    pub async fn rights(
        &self,
        account: &AccountId,
        identity: &Identity,
    ) -> Result<Option<Rights>, ApiError> {
        let at = (account.clone(), identity.clone());
        match self.rights.get(&at) {
            Some(found) => Ok(Some(found)),
            None => self.rights.get_or_load(&at, self.load_rights(account, identity)).await,
        }
    }

    /// Finds an identity provider, or that there is none.
    pub async fn oidc_provider(
        &self,
        account: &AccountId,
        name: &ProviderName,
    ) -> Result<Arc<Option<oidc::Known>>, ApiError> {
        let at = (account.clone(), name.clone());
        if let Some(found) = self.oidc_providers.get(&at) {
            return Ok(found);
        }
        let load = self.load_oidc_provider(account, name);
        Ok(self.oidc_providers.get_or_load(&at, load).await?.unwrap_or_default())
    }

    /// Waits until the root key's wraps have changed, or another node may have made a wrapping
    /// key. For one task: a change is told once.
    pub async fn root_key_changed(&self) {
        self.root_key.notified().await;
    }

    /// As many transactions as were opened to fill the caches: one for each thing that was not there.
    #[must_use]
    pub fn loads(&self) -> u64 {
        self.vitals().map(|(_, it)| it.misses).iter().sum()
    }

    /// How each cache does, by its name.
    #[must_use]
    pub fn vitals(&self) -> [(&'static str, Vitals); 7] {
        [
            ("keys", self.keys.vitals()),
            ("versions", self.versions.vitals()),
            ("aliases", self.aliases.vitals()),
            ("secrets", self.secrets.vitals()),
            ("access_keys", self.credentials.vitals()),
            ("rights", self.rights.vitals()),
            ("oidc_providers", self.oidc_providers.vitals()),
        ]
    }

    /// Drops what a commit changed.
    pub fn apply(&self, changes: &[Change]) {
        let of_others = |it: &Change| matches!(it, Change::Account(_)) && self.store.is_shared();
        if changes.iter().any(|it| *it == Change::RootKey || of_others(it)) {
            self.root_key.notify_one();
        }
        for change in changes {
            self.drop_changed(change);
        }
    }

    /// Drops everything: nobody knows what changed.
    pub fn clear(&self) {
        self.keys.clear();
        self.versions.clear();
        self.aliases.clear();
        self.secrets.clear();
        self.credentials.clear();
        self.rights.clear();
        self.oidc_providers.clear();
        self.root_key.notify_one();
    }

    fn drop_changed(&self, change: &Change) {
        match change {
            Change::AccessKey(id) => self.credentials.remove(id),
            Change::Alias(account, name) => {
                self.aliases.remove(&(account.clone(), name.clone()));
            }
            Change::Key(id) => self.keys.remove(id),
            Change::OidcProvider(account, name) => {
                self.oidc_providers.remove(&(account.clone(), name.clone()));
            }
            Change::Secret(account, name) => {
                self.secrets.remove(&(account.clone(), name.clone()));
            }
            Change::User(account, name) => {
                self.rights.remove(&(account.clone(), Identity::User(name.clone())));
            }
            // Who has the policy, is in the group, or belongs to the account, is not known here.
            Change::Account(account) | Change::Policy(account, _) | Change::Group(account, _) => {
                self.rights.retain(|(owner, _), _| owner != account);
            }
            Change::Role(account, name) => {
                self.rights.remove(&(account.clone(), Identity::Role(name.clone())));
            }
            // Nothing here depends on how the root key is sealed, or on who else there is.
            Change::RootKey | Change::Nodes => {}
            // An instance decides on the state of its keys and secrets. What is being loaded may be
            // one of them.
            Change::Instance(instance) => {
                let is_elsewhere = |home: &Option<InstanceId>| home.as_ref() != Some(instance);
                self.keys.retain(|_, it| it.is_some_and(|it| is_elsewhere(&it.key.instance)));
                self.secrets.retain(|_, it| it.is_some_and(|it| is_elsewhere(&it.secret.instance)));
            }
        }
    }

    async fn load_key(&self, id: &KeyId) -> Result<Option<Arc<CachedKey>>, ApiError> {
        let mut tx = self.store.read().await?;
        let Some(key) = tx.key(id).await? else { return Ok(None) };
        let tags = tx.tags(&key.account, TagKind::Key, id.as_str()).await?;
        let rows = tx.key_versions(id).await?;
        drop(tx);
        let mut versions = Vec::with_capacity(rows.len());
        // What was imported and then deleted is there without its material.
        for row in rows.into_iter().filter(|it| !it.sealed.is_empty()) {
            let place = KeyPlace {
                account: &key.account,
                instance: key.instance.as_ref(),
                key: id,
                version: &row.id,
            };
            let handle = self.backend.load(key.spec, &place, &row.sealed)?;
            // Seals are reserved by who needs them: see `seals.rs`.
            handle.permit(SealLimit::of(0));
            versions.push((row.id, handle));
        }
        let policy = key.policy.as_deref().map(|it| judge::read(Object::Key, it)).transpose()?;
        let reserving = Mutex::default();
        Ok(Some(Arc::new(CachedKey { key, versions, tags, policy, reserving })))
    }

    async fn load_version(&self, version: &KeyVersionId) -> Result<Option<KeyId>, ApiError> {
        Ok(self.store.read().await?.key_of_version(version).await?)
    }

    async fn load_alias(
        &self,
        account: &AccountId,
        name: &AliasName,
    ) -> Result<Option<KeyId>, ApiError> {
        Ok(self.store.read().await?.alias(account, name).await?.map(|it| it.key))
    }

    async fn load_secret(
        &self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<Option<Arc<CachedSecret>>, ApiError> {
        let mut tx = self.store.read().await?;
        let Some((secret, tags)) = tx.secret(account, name).await? else { return Ok(None) };
        let versions = tx.secret_versions(account, name).await?.into_iter();
        let versions =
            versions.map(|version| CachedVersion { version, data_key: OnceLock::new() }).collect();
        Ok(Some(Arc::new(CachedSecret { secret, versions, tags })))
    }

    async fn load_access_key(&self, id: &AccessKeyId) -> Result<Option<Arc<Credential>>, ApiError> {
        let Some(row) = self.store.read().await?.access_key(id).await? else { return Ok(None) };
        let owner = WrappingPlace { account: &row.account, instance: None };
        let place = CredentialPlace { kind: ACCESS_KEY, id: id.as_str() };
        let secret = self.keyring.open_credential(&owner, &place, &row.sealed)?;
        let secret = SigningKey::new(&secret);
        Ok(Some(Arc::new(Credential {
            account: row.account,
            identity: row.user.map_or(Identity::Root, Identity::User),
            session: None,
            secret,
            active: row.active,
            last_use: LastUse::default(),
        })))
    }

    async fn load_oidc_provider(
        &self,
        account: &AccountId,
        name: &ProviderName,
    ) -> Result<Option<Arc<Option<oidc::Known>>>, ApiError> {
        let found = self.store.read().await?.oidc_provider(account, name).await?;
        Ok(Some(Arc::new(found.map(oidc::Known::of))))
    }

    async fn load_rights(
        &self,
        account: &AccountId,
        identity: &Identity,
    ) -> Result<Option<Rights>, ApiError> {
        let mut tx = self.store.read().await?;
        let Some(owner) = tx.account(account).await? else { return Ok(None) };
        let mut role_id = None;
        if let Identity::Role(name) = identity {
            let Some(role) = tx.role(account, name).await? else { return Ok(None) };
            role_id = Some(role.id.into());
        }
        let policies = Arc::new(load_policies(&mut *tx, &self.compiled, account, identity).await?);
        Ok(Some(Rights { kms_open: owner.kms_open, policies, role_id }))
    }
}

/// The kind of a sealed access key, so that nothing else opens in its place.
pub const ACCESS_KEY: &str = "access key";

async fn load_policies(
    tx: &mut dyn Transaction,
    compiled: &Compiled,
    account: &AccountId,
    identity: &Identity,
) -> Result<Layer, ApiError> {
    let mut holders = Vec::new();
    match identity {
        Identity::Root => {}
        Identity::User(user) => {
            holders.push(Holder::User(user.clone()));
            let groups = tx.groups_of_user(account, user).await?;
            holders.extend(groups.into_iter().map(|(group, _)| Holder::Group(group.name)));
        }
        Identity::Role(role) => holders.push(Holder::Role(role.clone())),
    }
    let mut policies = Vec::new();
    for holder in holders {
        for held in tx.held_policies(account, &holder).await? {
            let (version, document) = load_policy(tx, compiled, account, &held.policy).await?;
            let origin = Origin { policy: held.policy, version, holder: holder.clone() };
            policies.push((origin, document));
        }
    }
    Ok(Layer::of(policies))
}

/// The version that counts. A policy that cannot be read must not be passed over: it may deny.
async fn load_policy(
    tx: &mut dyn Transaction,
    compiled: &Compiled,
    account: &AccountId,
    held: &Attachment,
) -> Result<(i64, Arc<Document>), ApiError> {
    let found = match held.kind {
        PolicyType::System => of_the_system(&held.policy),
        PolicyType::Custom => {
            let policy = tx.custom_policy(account, &held.policy).await?;
            let text = tx.policy_document(account, &held.policy).await?;
            policy.map(|it| it.default_version).zip(text)
        }
    };
    let (version, text) = found.ok_or_else(|| unreadable(&held.policy))?;
    Ok((version, compiled.document(&text).map_err(|_| unreadable(&held.policy))?))
}

fn of_the_system(name: &PolicyName) -> Option<(i64, String)> {
    system::named(name.as_str()).map(|it| (it.version, it.document.to_owned()))
}

fn unreadable(name: &PolicyName) -> ApiError {
    ApiError::caused(Code::InternalFailure, format!("policy {name} is attached and cannot be read"))
}

/// Bytes that a cached thing takes, roughly.
#[derive(Clone, Debug)]
pub struct Weigh;

impl<K> Weighter<K, KeyId> for Weigh {
    fn weight(&self, _: &K, _: &KeyId) -> u64 {
        160
    }
}

impl Weighter<KeyId, Arc<CachedKey>> for Weigh {
    fn weight(&self, _: &KeyId, it: &Arc<CachedKey>) -> u64 {
        let ciphers: usize = it.versions.iter().map(|(_, it)| 64 + it.size_in_bytes()).sum();
        let texts = it.key.description.len() + it.key.policy.as_ref().map_or(0, String::len);
        let policy = it.policy.as_ref().map_or(0, Document::size_in_bytes);
        (512 + ciphers + texts + policy + it.tags.len() * 64) as u64
    }
}

impl Weighter<(AccountId, SecretName), Arc<CachedSecret>> for Weigh {
    fn weight(&self, _: &(AccountId, SecretName), it: &Arc<CachedSecret>) -> u64 {
        let values: usize = it.versions.iter().map(|it| 256 + it.version.sealed_value.len()).sum();
        let policy = it.secret.policy.as_ref().map_or(0, String::len);
        (512 + values + policy + it.secret.description.len() + it.tags.len() * 64) as u64
    }
}

impl Weighter<AccessKeyId, Arc<Credential>> for Weigh {
    fn weight(&self, _: &AccessKeyId, _: &Arc<Credential>) -> u64 {
        384
    }
}

impl Weighter<(AccountId, Identity), Rights> for Weigh {
    fn weight(&self, _: &(AccountId, Identity), it: &Rights) -> u64 {
        256 + it.policies.size_in_bytes() as u64
    }
}

impl Weighter<(AccountId, ProviderName), Arc<Option<oidc::Known>>> for Weigh {
    fn weight(&self, _: &(AccountId, ProviderName), it: &Arc<Option<oidc::Known>>) -> u64 {
        let Some(oidc::Known { provider: it, .. }) = &**it else { return 256 };
        let texts: usize = it.client_ids.iter().map(|it| 24 + it.len()).sum();
        // The keys once as text and once to be used.
        let keys = 2 * it.keys.as_ref().map_or(0, String::len);
        (512 + texts + keys + it.issuer.len() + it.description.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use yaoku_store::Change;

    use super::{CacheSizes, Caches};
    use crate::testing::Kms;

    /// Which changes that come while a key is loaded keep it out of the cache.
    #[tokio::test]
    async fn only_a_change_of_the_key_or_of_its_instance_outdates_what_is_loaded() {
        let kms = Kms::new().await;
        let (key, other) = (kms.key().await, kms.key().await);
        // Its own, of which the node does not know: what was made above comes by the feed there.
        let (store, backend) = (kms.node.store.clone(), kms.node.backend.clone());
        let caches = Caches::new(store, backend, kms.node.keyring.clone(), CacheSizes::default());
        let changes = [
            (Change::Key(other), true),
            (Change::Account(kms.account.clone()), true),
            (Change::RootKey, true),
            (Change::Key(key.clone()), false),
            (Change::Instance(kms.instance_id.clone()), false),
        ];
        for (change, kept) in changes {
            let loading = loop {
                caches.clear();
                let mut loading = Box::pin(caches.key(&key));
                // Seldom, the database is so quick that there is no time for a change.
                let began = loading.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                if began.is_pending() {
                    break loading;
                }
            };
            caches.apply(std::slice::from_ref(&change));
            loading.await.unwrap().unwrap();
            assert_eq!(caches.keys.get(&key).is_some(), kept, "{change:?}");
        }
    }
}
