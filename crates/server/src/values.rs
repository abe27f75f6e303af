//! Values of secrets: sealed before a transaction, opened for one call or for the service itself.

use yaoku_crypto::envelope::{DataKey, Envelope, SecretPlace};
use yaoku_model::{
    ids::{AccountId, KeyId, KeyVersionId, SecretName, Stage, VersionId},
    secret::{DataType, Secret, SecretVersion},
    text::SecretData,
    time::Timestamp,
};
use yaoku_wire::error::Code;

use crate::{cache::CachedVersion, call::UsableKey, error::ApiError, node::Node, seals};

/// A version that is sealed and not kept yet.
#[derive(Debug)]
pub(crate) struct Sealed {
    /// The key that sealed it.
    pub(crate) key: KeyId,
    /// The version.
    pub(crate) version: SecretVersion,
}

/// A value on its way in.
#[derive(Debug)]
pub(crate) struct NewValue {
    /// The id of its version.
    pub(crate) id: VersionId,
    /// The value.
    pub(crate) data: SecretData,
    /// What the client takes it for.
    pub(crate) data_type: DataType,
}

impl NewValue {
    /// Seals it under `key`, for `secret` and nowhere else.
    pub(crate) async fn seal(
        &self,
        node: &Node,
        now: Timestamp,
        key: &UsableKey,
        secret: &Secret,
    ) -> Result<Sealed, ApiError> {
        let (place, data) = (place(secret, &self.id), self.data.expose());
        let envelope = loop {
            match Envelope::seal(&*node.backend, &key.handle, &place, data, &*node.random) {
                Ok(envelope) => break envelope,
                Err(error) => {
                    seals::must_be_out_of_them(error)?;
                    seals::reserve(node, key).await?;
                }
            }
        };
        let version = SecretVersion {
            id: self.id.clone(),
            created: now,
            data_type: self.data_type,
            key_version: key.version.clone(),
            sealed_data_key: envelope.data_key,
            sealed_value: envelope.value,
        };
        Ok(Sealed { key: key.key.key.id.clone(), version })
    }
}

/// Opens a version's value under `key`. Its data key is opened once and kept with the version: who
/// asks must have shown, on this call, that they may use the key.
pub(crate) fn open(
    node: &Node,
    key: &UsableKey,
    secret: &Secret,
    cached: &CachedVersion,
) -> Result<SecretData, ApiError> {
    let version = &cached.version;
    let data_key = if let Some(opened) = cached.data_key.get() {
        opened
    } else {
        let opened = open_data_key(node, key, secret, version)?;
        cached.data_key.get_or_init(|| opened)
    };
    open_value(data_key, secret, version)
}

/// Opens a version's value, by whichever of the secret's key versions sealed it. Only for what the
/// service does by itself: nobody is asked whether they may.
pub(crate) async fn open_for_service(
    node: &Node,
    secret: &Secret,
    version: &SecretVersion,
) -> Result<SecretData, ApiError> {
    let key = key_for_service(node, secret, Some(&version.key_version)).await?;
    open_value(&open_data_key(node, &key, secret, version)?, secret, version)
}

/// Why the service cannot read the current value of a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// There is none.
    #[error("does not exist")]
    Absent,
    /// It waits for its deletion, and nobody reads it meanwhile.
    #[error("is being deleted")]
    Leaving,
    /// Its key cannot be used.
    #[error("is encrypted with a key that is {0}")]
    Key(&'static str),
    /// We could not do our part.
    #[error(transparent)]
    Ours(#[from] ApiError),
}

impl Unreadable {
    fn of(error: ApiError) -> Self {
        match error.code() {
            Code::KeyDisabled => Self::Key("disabled"),
            Code::KeyPendingDeletion => Self::Key("being deleted"),
            Code::KeyPendingImport => Self::Key("without material"),
            Code::KeyUnavailable => Self::Key("not available"),
            Code::KeyNotFound => Self::Key("gone"),
            _ => Self::Ours(error),
        }
    }
}

/// The current value of a secret. Only for what the service does by itself.
pub(crate) async fn current_for_service(
    node: &Node,
    account: &AccountId,
    name: &SecretName,
) -> Result<SecretData, Unreadable> {
    let now = node.domain_clock.now();
    let found = node.caches.secret(account, name).await?;
    let found = found.filter(|it| !it.secret.is_gone(now)).ok_or(Unreadable::Absent)?;
    found.secret.must_not_be_scheduled().map_err(|_| Unreadable::Leaving)?;
    let current = found.secret.stages.get(&Stage::current());
    let version = found.versions.iter().find(|it| Some(&it.version.id) == current);
    let version = version.ok_or(Unreadable::Absent)?;
    open_for_service(node, &found.secret, &version.version).await.map_err(Unreadable::of)
}

/// A secret's key, one version of it or its newest. Only for what the service does by itself.
pub(crate) async fn key_for_service(
    node: &Node,
    secret: &Secret,
    version: Option<&KeyVersionId>,
) -> Result<UsableKey, ApiError> {
    let now = node.domain_clock.now();
    let found = node.caches.key(&secret.key).await?;
    let found = found.filter(|it| !it.key.is_gone(now)).ok_or(Code::KeyNotFound)?;
    let version = version.or(found.key.primary.as_ref()).ok_or(Code::KeyNotFound)?.clone();
    UsableKey::new(found, version, now)
}

fn open_data_key(
    node: &Node,
    key: &UsableKey,
    secret: &Secret,
    version: &SecretVersion,
) -> Result<DataKey, ApiError> {
    let place = place(secret, &version.id);
    Ok(DataKey::open(&*node.backend, &key.handle, &place, &version.sealed_data_key)?)
}

fn open_value(
    data_key: &DataKey,
    secret: &Secret,
    version: &SecretVersion,
) -> Result<SecretData, ApiError> {
    let value = data_key.open_value(&place(secret, &version.id), &version.sealed_value)?;
    SecretData::opened(value).map_err(|error| ApiError::caused(Code::InternalFailure, error))
}

fn place<'a>(secret: &'a Secret, version: &'a VersionId) -> SecretPlace<'a> {
    SecretPlace {
        account: &secret.account,
        instance: secret.instance.as_ref(),
        name: &secret.name,
        version,
    }
}
