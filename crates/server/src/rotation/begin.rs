//! How a rotation begins: a candidate is made and sealed with no transaction held, then kept.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use pem::Pem;
use yaoku_crypto::ssh;
use yaoku_model::{
    ids::{Invalid, Stage, VersionId},
    secret::{
        AutomaticRotation, CLONE_SUFFIX, Config, Credential, DataType, Rotation, Secret, Step,
        SubType,
    },
    time::Timestamp,
};
use yaoku_store::Tx;
use yaoku_wire::error::Code;
use zeroize::Zeroizing;

use super::{
    password::{password, version_id},
    ram,
};
use crate::{
    cache::CachedSecret,
    error::ApiError,
    node::Node,
    values::{self, NewValue, Sealed},
};

/// What was made for a rotation that may begin.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// A candidate for a target, and the labels of the secret that it was made for.
    Candidate(Sealed, BTreeMap<Stage, VersionId>),
    /// An access key, and the version that will hold it.
    AccessKey(ram::Prepared),
    /// Nothing: the secret's hook makes what is needed.
    Hook,
}

/// Makes what a rotation of `found` needs. `version` is the id that its new version will have.
pub(crate) async fn prepare(
    node: &Node,
    found: &CachedSecret,
    version: &VersionId,
    now: Timestamp,
) -> Result<Prepared, ApiError> {
    if found.secret.managed.is_none() {
        return Ok(Prepared::Hook);
    }
    let config = config(&found.secret)?;
    if config.sub_type == SubType::RamUserAccessKey {
        return ram::prepare(node, &found.secret, version, now).await.map(Prepared::AccessKey);
    }
    let current = credential(node, found, &config, &Stage::current()).await?;
    let current = current.ok_or(Code::InternalFailure)?;
    let previous = credential(node, found, &config, &Stage::previous()).await?;
    let next = next(node, &found.secret, &config, &current, previous.as_ref()).await?;
    let id = version_id(&*node.random)?;
    let sealed = seal(node, &found.secret, id, &next, now).await?;
    Ok(Prepared::Candidate(sealed, found.secret.stages.clone()))
}

/// Begins a rotation of a secret as its row is now. Fails if one runs.
pub(crate) async fn begin(
    node: &Node,
    tx: &mut dyn Tx,
    secret: Secret,
    version: VersionId,
    prepared: &Prepared,
    now: Timestamp,
) -> Result<Rotation, ApiError> {
    let running = tx.rotation(&secret.account, &secret.name).await?;
    if running.as_ref().is_some_and(Rotation::is_running) {
        return Err(being_rotated());
    }
    match prepared {
        Prepared::AccessKey(key) => ram::rotate(node, tx, secret, version, key, now).await,
        Prepared::Hook => {
            let rotation = new(&secret, version, Step::HookNew, now);
            tx.put_rotation(&rotation).await?;
            Ok(rotation)
        }
        Prepared::Candidate(made, labels) => {
            // Of two accounts it would be the turn of the other one.
            if made.key != secret.key || *labels != secret.stages {
                return Err(ApiError::conflict());
            }
            // One that the target may have taken is given to it again.
            let kept = running.and_then(|it| it.candidate);
            let rotation = Rotation {
                candidate: Some(kept.unwrap_or_else(|| made.version.clone())),
                ..new(&secret, version, Step::Apply, now)
            };
            tx.put_rotation(&rotation).await?;
            Ok(rotation)
        }
    }
}

/// A rotation that nobody works on yet.
pub(crate) fn new(secret: &Secret, version: VersionId, step: Step, now: Timestamp) -> Rotation {
    Rotation {
        account: secret.account.clone(),
        secret: secret.name.clone(),
        version,
        candidate: None,
        step,
        started: now,
        tries: 0,
        next_try: now,
        held_until: None,
        dying: None,
    }
}

/// Whether what has to be done first, or last, has failed, so that it is only tried now and then: the
/// accounts of a new secret could not be made, or a key before not taken away.
pub(crate) fn is_left_over(secret: &Secret, rotation: &Rotation) -> bool {
    let is_invalid =
        secret.managed.as_ref().is_some_and(|it| it.automatic == AutomaticRotation::Invalid);
    matches!(rotation.step, Step::Create | Step::Retire) && is_invalid
}

/// Has it tried again at once, as if it were the first time: how it ends is told. Leaves alone what is
/// tried just now. The secret is the caller's to keep.
pub(crate) async fn again(
    tx: &mut dyn Tx,
    secret: &mut Secret,
    rotation: Rotation,
    now: Timestamp,
) -> Result<(), ApiError> {
    if rotation.held_until.is_some_and(|it| now < it) {
        return Ok(());
    }
    if let Some(managed) = &mut secret.managed {
        managed.mend(secret.created);
        secret.updated = now;
    }
    let again = Rotation { started: now, tries: 0, next_try: now, held_until: None, ..rotation };
    Ok(tx.put_rotation(&again).await?)
}

/// Why another rotation, or another policy of rotation, has to wait. Source: secrets.md §1.5.
pub(crate) fn being_rotated() -> ApiError {
    Code::ResourceInUse.into()
}

/// What a managed secret is about.
pub(crate) fn config(secret: &Secret) -> Result<Config, ApiError> {
    let managed = secret.managed.as_ref().ok_or(Code::RejectedUnsupportedOperation)?;
    let unreadable = |_| ApiError::caused(Code::InternalFailure, "a config cannot be read");
    Config::parse(secret.kind, &managed.config).map_err(unreadable)
}

/// The credential that a label marks.
pub(super) async fn credential(
    node: &Node,
    found: &CachedSecret,
    config: &Config,
    stage: &Stage,
) -> Result<Option<Credential>, ApiError> {
    let Some(id) = found.secret.stages.get(stage) else { return Ok(None) };
    let version = found.versions.iter().find(|it| it.version.id == *id);
    let Some(version) = version else { return Ok(None) };
    let data = values::open_for_service(node, &found.secret, &version.version).await?;
    read(&found.secret, config, &data).map(Some)
}

/// Reads a value that was kept for a secret.
pub(super) fn read(
    secret: &Secret,
    config: &Config,
    data: &yaoku_model::text::SecretData,
) -> Result<Credential, ApiError> {
    let read = Credential::read(secret.kind, config.sub_type, data);
    read.map_err(|Invalid| ApiError::caused(Code::InternalFailure, "a value cannot be read"))
}

/// Seals a credential as a version of a secret.
pub(super) async fn seal(
    node: &Node,
    secret: &Secret,
    id: VersionId,
    credential: &Credential,
    now: Timestamp,
) -> Result<Sealed, ApiError> {
    let data = credential.data().map_err(|Invalid| Code::InternalFailure)?;
    let key = values::key_for_service(node, secret, None).await?;
    NewValue { id, data, data_type: DataType::Text }.seal(node, now, &key, secret).await
}

/// The credential that comes after these. Of two accounts it is the turn of the one that is not
/// current; if there is none yet, of the clone that is to be made. Source: secrets.md §6.2.
async fn next(
    node: &Node,
    secret: &Secret,
    config: &Config,
    current: &Credential,
    previous: Option<&Credential>,
) -> Result<Credential, ApiError> {
    let user = current.name().to_owned();
    Ok(match config.sub_type {
        SubType::SingleUser => {
            Credential::Account { name: user, password: password(&*node.random)? }
        }
        SubType::DoubleUsers => {
            let other = previous.map(Credential::name).filter(|it| *it != user);
            let other = other.map_or_else(|| user.clone() + CLONE_SUFFIX, str::to_owned);
            Credential::Account { name: other, password: password(&*node.random)? }
        }
        SubType::Password => Credential::Password { user, password: password(&*node.random)? },
        SubType::SshKey => key_pair(node, secret, user).await?,
        SubType::RamUserAccessKey => return Err(Code::InternalFailure.into()),
    })
}

/// A new key pair for a user of a server: RSA, 2048 bits. Source: secrets.md §6.6.
async fn key_pair(node: &Node, secret: &Secret, user: String) -> Result<Credential, ApiError> {
    let made = node.heavy.run(&secret.account, ssh::generate).await??;
    let public = format!("ssh-rsa {}", STANDARD.encode(&made.public));
    let private = Zeroizing::new(pem::encode(&Pem::new("PRIVATE KEY", made.private.as_slice())));
    let private = private.parse().map_err(|Invalid| Code::InternalFailure)?;
    Ok(Credential::KeyPair { user, public, private })
}
