//! Making accounts, their access keys and their instances: what administration and `yaoku dev` share.

use yaoku_crypto::{keyring::CredentialPlace, rootkey::WrappingPlace};
use yaoku_model::{
    identity::{AccessKey, Account},
    ids::{AccessKeyId, AccountId, AliasName, InstanceId, Invalid, KeyId, UserName},
    instance::{Instance, InstanceKind, InstanceStatus},
    key::{Alias, CreatorType, Key},
    random::pick,
    text::AccessKeySecret,
    time::Timestamp,
};
use yaoku_store::{Store, StoreError, Tx, WrappingKeyRow};
use yaoku_wire::error::Code;

use crate::{
    cache::ACCESS_KEY, due, error::ApiError, node::Node, pipeline, root::rotation, versions,
};

/// The alias of the key that seals secrets whose owner named no key. Source: secrets.md §1.7.
pub const SECRETS_SERVICE_ALIAS: &str = "alias/acs/secretsmanager";

/// The product of that key.
const SECRETS: &str = "secretsmanager";

/// Characters of an access key's secret half. Source: identity.md §2.3 (the length: inferred there).
const SECRET_LEN: usize = 30;

const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// An access key as its owner sees it once.
#[derive(Debug)]
pub struct NewAccessKey {
    /// Its id.
    pub id: AccessKeyId,
    /// Its secret half.
    pub secret: AccessKeySecret,
}

/// Makes an account, with the keys that it needs from its first day on.
pub async fn create_account(
    node: &Node,
    tx: &mut dyn Tx,
    now: Timestamp,
) -> Result<Account, ApiError> {
    let account = Account { id: AccountId::generate(&*node.random)?, created: now, kms_open: true };
    tx.insert_account(&account).await?;
    add_wrapping_key(node, tx, &account.id, None).await?;
    let name = SECRETS_SERVICE_ALIAS.parse();
    let name: AliasName = name.map_err(|Invalid| Code::InternalFailure)?;
    create_service_key(node, tx, &account.id, &name, now).await?;
    Ok(account)
}

/// The account that was made first: `None` if there is none yet.
pub async fn first(node: &Node) -> Result<Option<AccountId>, ApiError> {
    let accounts = node.store.read().await?.accounts().await?;
    Ok(accounts.into_iter().next().map(|it| it.id))
}

/// Whether a store has no account yet.
pub async fn is_without(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(store.read().await?.accounts().await?.is_empty())
}

/// Makes the first account of a deployment, and an access key of its own: what `yaoku init` does.
///
/// `keep` is given them before they are there: if it fails, they never are.
pub async fn create_first(
    node: &Node,
    keep: &mut (dyn FnMut(&AccountId, &NewAccessKey) -> std::io::Result<()> + Send),
) -> Result<(), FirstError> {
    let now = node.domain_clock.now();
    let mut tx = node.store.write().await.map_err(ApiError::from)?;
    let account = create_account(node, tx.tx(), now).await?.id;
    let key = create_access_key(node, tx.tx(), &account, None, now).await?;
    keep(&account, &key).map_err(FirstError::NotKept)?;
    node.caches.apply(&tx.commit().await.map_err(ApiError::from)?.changes);
    Ok(())
}

/// Why there is no first account.
#[derive(Debug, thiserror::Error)]
pub enum FirstError {
    /// Its access key could not be handed over, so nothing was made.
    #[error("the first access key cannot be handed over: {0}")]
    NotKept(std::io::Error),
    /// It could not be made.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Makes an access key for a user, or (`None`) for the account itself.
pub async fn create_access_key(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    user: Option<&UserName>,
    now: Timestamp,
) -> Result<NewAccessKey, ApiError> {
    let key = new_access_key(node)?;
    keep_access_key(node, tx, account, user, &key, now).await?;
    Ok(key)
}

/// An access key that nobody has yet.
pub(crate) fn new_access_key(node: &Node) -> Result<NewAccessKey, ApiError> {
    Ok(NewAccessKey { id: AccessKeyId::generate(&*node.random)?, secret: new_secret(node)? })
}

/// Gives an access key to a user, or (`None`) to the account itself.
pub(crate) async fn keep_access_key(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    user: Option<&UserName>,
    key: &NewAccessKey,
    now: Timestamp,
) -> Result<(), ApiError> {
    let owner = WrappingPlace { account, instance: None };
    let place = CredentialPlace { kind: ACCESS_KEY, id: key.id.as_str() };
    let secret = key.secret.expose();
    let sealed = node.keyring.seal_credential(&owner, &place, secret, &*node.random)?;
    let row = AccessKey {
        id: key.id.clone(),
        account: account.clone(),
        user: user.cloned(),
        sealed,
        active: true,
        created: now,
        last_used: None,
    };
    Ok(tx.insert_access_key(&row).await?)
}

/// The secret half of an access key.
pub(crate) fn open_access_key(node: &Node, key: &AccessKey) -> Result<AccessKeySecret, ApiError> {
    let owner = WrappingPlace { account: &key.account, instance: None };
    let place = CredentialPlace { kind: ACCESS_KEY, id: key.id.as_str() };
    let secret = node.keyring.open_credential(&owner, &place, &key.sealed)?;
    AccessKeySecret::opened(secret).map_err(|Invalid| Code::InternalFailure.into())
}

/// The secret half of a new access key, a session's too.
pub(crate) fn new_secret(node: &Node) -> Result<AccessKeySecret, ApiError> {
    let text = pick(&*node.random, MIXED, SECRET_LEN)?;
    text.parse().map_err(|Invalid| Code::InternalFailure.into())
}

/// Makes a software instance that is in service at once, as large as [`Limits`](crate::node::Limits)
/// say, for a hundred years.
///
/// Buying, starting and sizing instances comes with their own operations.
pub async fn create_instance(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    now: Timestamp,
) -> Result<Instance, ApiError> {
    const YEAR: i64 = 365 * 86_400;
    let id = InstanceId::generate(&node.region, now, &*node.random)?;
    let instance = Instance {
        account: account.clone(),
        name: id.as_str().to_owned(),
        kind: InstanceKind::Software,
        status: InstanceStatus::Connected,
        created: now,
        ends: now.plus_seconds(100 * YEAR),
        spec: 1000,
        key_quota: node.limits.instance_keys,
        secret_quota: node.limits.instance_secrets,
        access_quota: node.limits.instance_access,
        deletion_protection: None,
        id,
    };
    tx.insert_instance(&instance).await?;
    add_wrapping_key(node, tx, account, Some(&instance.id)).await?;
    Ok(instance)
}

/// Makes the key that seals everything of an account, or of one of its instances.
///
/// It is loaded at once: if the transaction is not kept, nothing was sealed by it that is.
async fn add_wrapping_key(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    instance: Option<&InstanceId>,
) -> Result<(), ApiError> {
    let owner = WrappingPlace { account, instance };
    let root = rotation::newest(node, tx).await?;
    let sealed = node.keyring.create(&owner, root, &*node.random)?;
    node.keyring.load(&owner, &sealed)?;
    let row = WrappingKeyRow { account: account.clone(), instance: instance.cloned(), sealed };
    Ok(tx.insert_wrapping_key(&row).await?)
}

/// The key of a product, made when it is first asked for. Two that ask at once get the same one.
///
/// It has a transaction of its own, so nobody who holds one may ask; its event is the service's.
pub async fn product_key(
    node: &Node,
    account: &AccountId,
    alias: &AliasName,
    now: Timestamp,
) -> Result<KeyId, ApiError> {
    pipeline::again_if_conflict(|| try_product_key(node, account, alias, now)).await
}

async fn try_product_key(
    node: &Node,
    account: &AccountId,
    alias: &AliasName,
    now: Timestamp,
) -> Result<KeyId, ApiError> {
    pipeline::must_take_writes(node)?;
    node.metrics.store_writes.add_one();
    let mut tx = node.store.write().await?;
    let id = if let Some(found) = tx.alias(account, alias).await? {
        found.key
    } else {
        let key = create_service_key(node, tx.tx(), account, alias, now).await?;
        due::leave_event(node, tx.tx(), &key, "CreateKey").await?;
        key.id
    };
    // Also if it was there: whoever made it may not have committed yet.
    node.caches.apply(&tx.commit().await?.changes);
    node.wrote.notify_one();
    Ok(id)
}

/// A service key and its name: its owner can neither change nor delete it. Source: keys.md §3.1.
async fn create_service_key(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    name: &AliasName,
    now: Timestamp,
) -> Result<Key, ApiError> {
    let id = KeyId::generate(None, &node.region, now, &*node.random)?;
    let mut key = Key::aes_256(id.clone(), account.clone(), None, CreatorType::Service, now);
    key.description = match name.product() {
        Some(SECRETS) => "Seals the secrets that name no key of their own.".to_owned(),
        product => format!("The key of the product {}.", product.unwrap_or_default()),
    };
    tx.insert_key(&key).await?;
    versions::add(node, tx, &mut key, now).await?;
    let alias = Alias { account: account.clone(), name: name.clone(), key: id, created: now };
    tx.insert_alias(&alias).await?;
    Ok(key)
}
