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

/// The current value of a secret, if there is one. Only for what the service does by itself.
pub(crate) async fn current_for_service(
    node: &Node,
    account: &AccountId,
    name: &SecretName,
) -> Result<Option<SecretData>, ApiError> {
    let now = node.domain_clock.now();
    let found = node.caches.secret(account, name).await?;
    let Some(found) = found.filter(|it| !it.secret.is_gone(now)) else { return Ok(None) };
    let current = found.secret.stages.get(&Stage::current());
    let version = found.versions.iter().find(|it| Some(&it.version.id) == current);
    let Some(version) = version else { return Ok(None) };
    open_for_service(node, &found.secret, &version.version).await.map(Some)
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
