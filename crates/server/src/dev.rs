//! What `yaoku dev` finds ready: an account, its keys, a user, an instance, a key with an alias.
//!
//! Made once, in one transaction; at every later start it is read back from the store, secrets
//! included, so that `dev.json` can always be written anew. A user or an access key that was deleted
//! meanwhile is made again.

use serde::{Deserialize, Serialize};
use yaoku_model::{
    identity::{Attachment, CustomPolicy, Holder, PolicyType, User},
    ids::{AccessKeyId, AccountId, AliasName, Invalid, KeyId, PolicyName, UserName, identity_id},
    key::{Alias, CreatorType, Key},
    time::Timestamp,
};
use yaoku_store::{Held, Transaction, Tx};
use yaoku_wire::error::Code;

use crate::{
    accounts::{self, NewAccessKey},
    error::ApiError,
    node::Node,
    versions,
};

/// The setting that remembers which things these are.
const SETTING: &str = "dev";

const USER: &str = "app";
const KEY_ALIAS: &str = "alias/dev";

/// The system policies of the user.
const SYSTEM_POLICIES: &[&str] = &["AliyunKMSCryptoUserAccess", "AliyunKMSSecretUserAccess"];

/// The user's own policy: to read a secret takes `kms:Decrypt` on its key. Source: secrets.md §1.7.
const OWN_POLICY: &str = "DecryptSecrets";
const OWN_POLICY_TEXT: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}"#;

/// Everything that a client of `yaoku dev` needs to know.
#[derive(Debug)]
pub struct DevAccount {
    /// The account.
    pub account: AccountId,
    /// Its root access key.
    pub root: NewAccessKey,
    /// A RAM user that may use keys and read secrets, and no more.
    pub user: UserName,
    /// The user's access key.
    pub user_key: NewAccessKey,
    /// A software instance, in service.
    pub instance: String,
    /// An AES-256 key in the instance.
    pub key: KeyId,
    /// The key's alias.
    pub alias: AliasName,
}

/// What the setting holds: names only, the secrets are sealed where they belong.
#[derive(Deserialize, Serialize)]
struct Remembered {
    account: String,
    root_key: String,
    user_key: String,
    instance: String,
    key: String,
}

/// Makes these things, or finds them again.
pub async fn prepare(node: &Node) -> Result<DevAccount, ApiError> {
    let now = node.domain_clock.now();
    let mut tx = node.store.write().await?;
    let remembered = match tx.setting(SETTING).await? {
        Some(text) => {
            let it = serde_json::from_str(&text)
                .map_err(|error| ApiError::caused(Code::InternalFailure, error))?;
            mend(node, tx.tx(), it, now).await?
        }
        None => make(node, tx.tx(), now).await?,
    };
    let found = find(node, &mut *tx, &remembered).await?;
    node.caches.apply(&tx.commit().await?.changes);
    Ok(found)
}

async fn make(node: &Node, tx: &mut dyn Tx, now: Timestamp) -> Result<Remembered, ApiError> {
    let account = accounts::create_account(node, tx, now).await?.id;
    let root = accounts::create_access_key(node, tx, &account, None, now).await?;
    let user: UserName = known(USER)?;
    make_user(node, tx, &account, &user, now).await?;
    let user_key = accounts::create_access_key(node, tx, &account, Some(&user), now).await?;
    let instance = accounts::create_instance(node, tx, &account, now).await?.id;
    let id = KeyId::generate(Some(&instance), &node.region, now, &*node.random)?;
    let home = Some(instance.clone());
    let mut key = Key::aes_256(id, account.clone(), home, CreatorType::User, now);
    "Made by yaoku dev.".clone_into(&mut key.description);
    tx.insert_key(&key).await?;
    versions::add(node, tx, &mut key, now).await?;
    let alias = Alias {
        account: account.clone(),
        name: known(KEY_ALIAS)?,
        key: key.id.clone(),
        created: now,
    };
    tx.insert_alias(&alias).await?;
    let made = Remembered {
        account: account.to_string(),
        root_key: root.id.to_string(),
        user_key: user_key.id.to_string(),
        instance: instance.to_string(),
        key: key.id.to_string(),
    };
    remember(tx, &made).await?;
    Ok(made)
}

/// Makes again what was deleted of user and access keys. The names of the new ones are remembered.
async fn mend(
    node: &Node,
    tx: &mut dyn Tx,
    mut it: Remembered,
    now: Timestamp,
) -> Result<Remembered, ApiError> {
    let (account, user): (AccountId, UserName) = (known(&it.account)?, known(USER)?);
    let mut changed = false;
    if tx.user(&account, &user).await?.is_none() {
        make_user(node, tx, &account, &user, now).await?;
    }
    for (id, user) in [(&mut it.root_key, None), (&mut it.user_key, Some(&user))] {
        if tx.access_key(&known(id)?).await?.is_none() {
            *id = accounts::create_access_key(node, tx, &account, user, now).await?.id.to_string();
            changed = true;
        }
    }
    if changed {
        remember(tx, &it).await?;
    }
    Ok(it)
}

async fn remember(tx: &mut dyn Tx, it: &Remembered) -> Result<(), ApiError> {
    let text = serde_json::to_string(it)
        .map_err(|error| ApiError::caused(Code::InternalFailure, error))?;
    Ok(tx.put_setting(SETTING, &text).await?)
}

/// Makes the user, with its policies.
async fn make_user(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    user: &UserName,
    now: Timestamp,
) -> Result<(), ApiError> {
    let id = identity_id(&*node.random)?;
    tx.insert_user(&User::new(account.clone(), user.clone(), id, now)).await?;
    let own: PolicyName = known(OWN_POLICY)?;
    let policy = CustomPolicy::new(account.clone(), own.clone(), now);
    // One that is there already is as its owner wants it.
    tx.insert_custom_policy(&policy, OWN_POLICY_TEXT).await?;
    let holder = Holder::User(user.clone());
    for name in SYSTEM_POLICIES {
        let policy = Attachment { kind: PolicyType::System, policy: known(name)? };
        tx.attach(account, &holder, &Held { policy, attached: now }).await?;
    }
    let policy = Attachment { kind: PolicyType::Custom, policy: own };
    tx.attach(account, &holder, &Held { policy, attached: now }).await?;
    Ok(())
}

async fn find(
    node: &Node,
    tx: &mut dyn Transaction,
    remembered: &Remembered,
) -> Result<DevAccount, ApiError> {
    let account: AccountId = known(&remembered.account)?;
    Ok(DevAccount {
        root: open(node, tx, known(&remembered.root_key)?).await?,
        user: known(USER)?,
        user_key: open(node, tx, known(&remembered.user_key)?).await?,
        instance: remembered.instance.clone(),
        key: known(&remembered.key)?,
        alias: known(KEY_ALIAS)?,
        account,
    })
}

async fn open(
    node: &Node,
    tx: &mut dyn Transaction,
    id: AccessKeyId,
) -> Result<NewAccessKey, ApiError> {
    let row = tx.access_key(&id).await?.ok_or(Code::AccessKeyIdNotFound)?;
    Ok(NewAccessKey { id, secret: accounts::open_access_key(node, &row)? })
}

/// A name that this program wrote itself.
fn known<T: std::str::FromStr<Err = Invalid>>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|error: Invalid| ApiError::caused(Code::InternalFailure, error))
}
