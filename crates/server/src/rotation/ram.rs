//! Access keys of RAM users: they are in the store itself. Source: secrets.md §6.5.
//!
//! At T0 the user gets a second key, which becomes current; both work until the window ends. Then the
//! old one is deleted, and with it the version that held it; and only then the rotation has succeeded.
//! Other keys of the user, made by hand, are not touched, but where there is no room for a second one
//! beside the current.
//!
//! The old key is not switched off halfway, as §6.5 would have as an optional step: the same table
//! says that both keys are valid until the window ends, and who holds the old one still has that word.

use yaoku_model::{
    arn::Arn,
    ids::{AccessKeyId, AccountId, Invalid, RoleName, Stage, UserName, VersionId},
    secret::{Credential, Managed, NewStages, Rotation, Secret, Step},
    time::Timestamp,
};
use yaoku_store::Tx;
use yaoku_wire::error::Code;

use super::{begin, finish, steps::Trouble};
use crate::{
    accounts::{self, NewAccessKey},
    due,
    error::ApiError,
    node::Node,
    values::{self, Sealed},
};

/// How long both keys work, in seconds: two days. Source: secrets.md §6.5.
pub(crate) const WINDOW: i64 = 2 * 86_400;

/// The roles whose being there says that the service may change access keys: an old name, with its
/// misspelling, and a newer one. Source: secrets.md §6.5.
const ROLES: [&str; 2] =
    ["AliyunKMSManagedRAMCrendentialsRole", "AliyunKMSManageRAMCredentialsRole"];

/// An access key that nobody has yet, and the version that will hold it.
#[derive(Debug)]
pub(crate) struct Prepared {
    key: NewAccessKey,
    version: Sealed,
    /// How long the old key is to work on, in seconds.
    pub(crate) window: Option<i64>,
}

/// Makes an access key and seals it as the next version of `secret`.
pub(super) async fn prepare(
    node: &Node,
    secret: &Secret,
    version: &VersionId,
    now: Timestamp,
) -> Result<Prepared, ApiError> {
    let key = accounts::new_access_key(node)?;
    let (id, secret_half) = (key.id.clone(), key.secret.clone());
    let credential = Credential::AccessKey { id, secret: secret_half, made: now };
    let version = begin::seal(node, secret, version.clone(), &credential, now).await?;
    Ok(Prepared { key, version, window: None })
}

/// Gives the user the new key, which is current from now on. The row stands for the window.
pub(super) async fn rotate(
    node: &Node,
    tx: &mut dyn Tx,
    mut secret: Secret,
    version: VersionId,
    prepared: &Prepared,
    now: Timestamp,
) -> Result<Rotation, ApiError> {
    if prepared.version.key != secret.key {
        return Err(ApiError::conflict());
    }
    let user = user(&secret)?;
    must_be_permitted(tx, &secret, &user).await?;
    let current = current_key(node, tx, &secret).await?;
    make_room(node, tx, &secret.account, &user, &current).await?;
    let (account, key) = (secret.account.clone(), &prepared.key);
    accounts::keep_access_key(node, tx, &account, Some(&user), key, now).await?;
    tell_of_key(node, tx, &account, &user, &key.id, "CreateAccessKey").await?;
    drop_previous(tx, &mut secret).await?;
    let stages = NewStages::new([Stage::current()]).map_err(|_| Code::InternalFailure)?;
    secret.label_new(&version, &stages)?;
    let ends = rotated(&mut secret, &version, prepared.window, now)?;
    tx.put_secret_version(&secret, &prepared.version.version, None).await?;
    let rotation = Rotation {
        next_try: ends,
        dying: Some(current),
        ..begin::new(&secret, version, Step::Window, now)
    };
    tx.put_rotation(&rotation).await?;
    finish::write_down(node, tx, &secret, None).await?;
    Ok(rotation)
}

/// Deletes the user's other key if there are as many as there may be. If the current one is none of
/// them, somebody has renewed them by hand, and nothing is deleted.
async fn make_room(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    user: &UserName,
    current: &AccessKeyId,
) -> Result<(), ApiError> {
    let keys = tx.access_keys(account, Some(user)).await?;
    if !keys.iter().any(|it| it.id == *current) {
        return Err(Code::ResourceNotFound.into());
    }
    let many = node.limits.access_keys;
    let surplus = (keys.len() + 1).saturating_sub(many);
    for other in keys.iter().filter(|it| it.id != *current).take(surplus) {
        delete_key(node, tx, account, user, &other.id).await?;
    }
    Ok(())
}

/// Deletes a key, and writes that down.
async fn delete_key(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    user: &UserName,
    id: &AccessKeyId,
) -> Result<(), ApiError> {
    tx.delete_access_key(id).await?;
    tell_of_key(node, tx, account, user, id, "DeleteAccessKey").await
}

/// Writes down that the service made or deleted a key.
async fn tell_of_key(
    node: &Node,
    tx: &mut dyn Tx,
    account: &AccountId,
    user: &UserName,
    id: &AccessKeyId,
    action: &str,
) -> Result<(), ApiError> {
    let arn = Arn::ram(account, &format!("user/{user}/accesskey/{id}"));
    Ok(due::leave_event_of(node, tx, account, &arn, action, None).await?)
}

/// Ends the window: the old key is deleted, and the version that held it. No value is opened for it,
/// so that the key dies also if the secret's own key was disabled meanwhile. If the user was deleted, the
/// rotation has failed.
pub(crate) async fn end_window(
    node: &Node,
    tx: &mut dyn Tx,
    mut secret: Secret,
    rotation: &Rotation,
    now: Timestamp,
) -> Result<(), ApiError> {
    let user = user(&secret)?;
    tx.delete_rotation(&secret.account, &secret.name).await?;
    if let Some(dying) = &rotation.dying {
        // Also if its user has another name by now.
        let found = tx.access_key(dying).await?.filter(|it| it.account == secret.account);
        if let Some(owner) = found.and_then(|it| it.user) {
            delete_key(node, tx, &secret.account, &owner, dying).await?;
        }
    }
    if tx.user(&secret.account, &user).await?.is_none() {
        let gone = Trouble::Ours(Code::ResourceNotFound.into());
        return finish::fail_to_begin(node, tx, secret, &gone, now).await;
    }
    drop_previous(tx, &mut secret).await?;
    secret.updated = now;
    tx.update_secret(&secret).await?;
    finish::tell(node, tx, &secret, now, None).await
}

/// Fails unless the user is there, and the service was given leave to change its keys.
pub(crate) async fn must_be_permitted(
    tx: &mut dyn Tx,
    secret: &Secret,
    user: &UserName,
) -> Result<(), ApiError> {
    if tx.user(&secret.account, user).await?.is_none() {
        return Err(Code::ResourceNotFound.into());
    }
    for role in ROLES {
        let role: RoleName = role.parse().map_err(|Invalid| Code::InternalFailure)?;
        if tx.role(&secret.account, &role).await?.is_some() {
            return Ok(());
        }
    }
    Err(yaoku_wire::error::Refusal::from(Code::NoPermission)
        .with_message("You are not authorized.")
        .into())
}

/// Whose keys a secret holds.
fn user(secret: &Secret) -> Result<UserName, ApiError> {
    begin::config(secret)?.user_name().ok_or_else(|| Code::InternalFailure.into())
}

/// The id of the key that the current version holds.
async fn current_key(
    node: &Node,
    tx: &mut dyn Tx,
    secret: &Secret,
) -> Result<AccessKeyId, ApiError> {
    let current = secret.stages.get(&Stage::current()).ok_or(Code::InternalFailure)?;
    let versions = tx.secret_versions(&secret.account, &secret.name).await?;
    let version = versions.iter().find(|it| it.id == *current).ok_or(Code::InternalFailure)?;
    let data = values::open_for_service(node, secret, version).await?;
    match begin::read(secret, &begin::config(secret)?, &data)? {
        Credential::AccessKey { id, .. } => Ok(id),
        _ => Err(Code::InternalFailure.into()),
    }
}

/// Takes the version before the current one away.
async fn drop_previous(tx: &mut dyn Tx, secret: &mut Secret) -> Result<(), ApiError> {
    if let Some(previous) = secret.stages.remove(&Stage::previous()) {
        tx.delete_secret_version(&secret.account, &secret.name, &previous).await?;
    }
    Ok(())
}

/// Answers when the window ends; the next rotation is not before. Source: secrets.md §6.5.
fn rotated(
    secret: &mut Secret,
    version: &VersionId,
    asked: Option<i64>,
    now: Timestamp,
) -> Result<Timestamp, ApiError> {
    secret.updated = now;
    let managed: &mut Managed = secret.managed.as_mut().ok_or(Code::InternalFailure)?;
    managed.rotated(version.clone(), now);
    let ends = now.plus_seconds(asked.unwrap_or_else(|| window(managed.interval)));
    managed.next_rotation = managed.next_rotation.map(|it| it.max(ends));
    Ok(ends)
}

/// How long both keys work: never longer than half the time until the next rotation.
/// Source: secrets.md §6.5 (inferred there).
fn window(interval: Option<i64>) -> i64 {
    interval.map_or(WINDOW, |it| WINDOW.min(it / 2))
}
