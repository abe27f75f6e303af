//! Values of secrets: sealed before a transaction, opened for one call.

use yaoku_crypto::envelope::{DataKey, Envelope, SecretPlace};
use yaoku_model::{
    ids::{KeyId, VersionId},
    secret::{DataType, Secret, SecretVersion},
    text::SecretData,
    time::Timestamp,
};
use yaoku_wire::error::Code;

use crate::{
    cache::CachedVersion,
    call::{Call, UsableKey},
    error::ApiError,
    node::Node,
    seals,
};

/// A version that is sealed and not kept yet.
#[derive(Debug)]
pub(in crate::api) struct Sealed {
    /// The key that sealed it.
    pub(in crate::api) key: KeyId,
    /// The version.
    pub(in crate::api) version: SecretVersion,
}

/// A value on its way in.
#[derive(Debug)]
pub(in crate::api) struct NewValue {
    /// The id of its version.
    pub(in crate::api) id: VersionId,
    /// The value.
    pub(in crate::api) data: SecretData,
    /// What the client takes it for.
    pub(in crate::api) data_type: DataType,
}

impl NewValue {
    /// Seals it under `key`, for `secret` and nowhere else.
    pub(in crate::api) async fn seal(
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
pub(in crate::api) fn open(
    call: &Call<'_>,
    key: &UsableKey,
    secret: &Secret,
    cached: &CachedVersion,
) -> Result<SecretData, ApiError> {
    let version = &cached.version;
    let place = place(secret, &version.id);
    let data_key = if let Some(opened) = cached.data_key.get() {
        opened
    } else {
        let backend = &*call.node.backend;
        let opened = DataKey::open(backend, &key.handle, &place, &version.sealed_data_key)?;
        cached.data_key.get_or_init(|| opened)
    };
    let value = data_key.open_value(&place, &version.sealed_value)?;
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
