//! `ImportKeyMaterial`: gives a key the material that its owner made. Source: keys.md §12.

use std::sync::Arc;

use yaoku_crypto::{
    backend::KeyPlace,
    import::{ImportError, Imported},
};
use yaoku_model::{
    arn::KeyRef,
    ids::{KeyId, KeyVersionId},
    key::{Key, KeyVersion},
    text::Wiped,
    time::Timestamp,
};
use yaoku_store::{StoreError, Tx};
use yaoku_wire::{error::Code, params::Params};
use zeroize::Zeroizing;

use super::CANNOT_TAKE;
use crate::{
    api::{Effect, Operation, Spec, bytes},
    cache::CachedKey,
    call::{Ask, Call, KEY_BY_ID},
    error::ApiError,
};

/// The longest wrapped material and the longest token, in bytes: a wrapped `RSA_4096` key takes some
/// 2,700, a token some 1,700. Our choice.
const MAX_WRAPPED: usize = 8192;

/// A request to import material.
#[derive(Debug)]
pub(super) struct ImportKeyMaterial {
    key: KeyRef,
    wrapped: Wiped,
    token: Wiped,
    expires: Option<Timestamp>,
    prepared: Option<Prepared>,
}

/// Material that was unwrapped.
#[derive(Debug)]
struct Prepared {
    /// The version, its material sealed.
    version: KeyVersion,
    /// The one that was there before, if this is not the first import.
    known: Option<KeyVersion>,
}

impl Operation for ImportKeyMaterial {
    const SPEC: &'static Spec = &Spec {
        name: "ImportKeyMaterial",
        effect: Effect::Write,
        errors: &[
            KEY_BY_ID,
            CANNOT_TAKE,
            &[Code::InvalidKeyMaterial, Code::InvalidImportToken, Code::ExpiredImportToken],
        ],
        secret_params: &["EncryptedKeyMaterial", "ImportToken"],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("EncryptedKeyMaterial", "Y29udGVudA=="),
            ("ImportToken", "dG9rZW4="),
            ("KeyMaterialExpireUnix", "0"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ImportKeyMaterial)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let expires = params.integer("KeyMaterialExpireUnix", 0..=LAST_SECOND)?;
        Ok(Self {
            key: params.required("KeyId")?,
            wrapped: bytes::required(params, "EncryptedKeyMaterial", MAX_WRAPPED)?,
            token: bytes::required(params, "ImportToken", MAX_WRAPPED)?,
            expires: expires.filter(|it| *it > 0).map(Timestamp::from_unix_seconds),
            prepared: None,
        })
    }

    /// Unwraps the material, which takes a while. The version is made with the first import, and is
    /// the same ever after: what it sealed opens again. Source: keys.md §12.1 (inferred there).
    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        if self.key.is_alias() {
            return Err(Code::UnsupportedAlias.into());
        }
        let found = call.cached_key(&self.key, Ask::to(Self::ACTION)).await?;
        self.check(&found.key, call.now)?;
        call.node.metrics.store_reads.add_one();
        let known = first_version(call.node.store.read().await?.tx(), &found.key.id).await?;
        let id = match &known {
            Some(version) => version.id.clone(),
            None => {
                KeyVersionId::generate(&found.key.id, found.key.instance.as_ref(), call.random())?
            }
        };
        let fingerprint = known.as_ref().and_then(|it| it.fingerprint.as_deref());
        let imported = self.import(call, &found, &id, fingerprint).await?;
        let version = KeyVersion {
            created: known.as_ref().map_or(call.now, |it| it.created),
            key: found.key.id.clone(),
            sealed: imported.sealed.0,
            fingerprint: Some(imported.fingerprint),
            id,
        };
        self.prepared = Some(Prepared { version, known });
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let mut key = call.key_by_id(&self.key).await?;
        self.check(&key, call.now)?;
        let known = first_version(call.tx()?, &key.id).await?;
        let Some(Prepared { version, known: expected }) = &self.prepared else {
            return Err(ApiError::conflict());
        };
        // It was unwrapped for this key as it was: if another brought material since, once more.
        if version.key != key.id || known != *expected {
            return Err(ApiError::conflict());
        }
        match known {
            Some(_) => call.tx()?.update_key_version(version).await?,
            None => call.tx()?.insert_key_version(version).await?,
        }
        key.take_material(&version.id, self.expires, call.now);
        Ok(call.tx()?.update_key(&key).await?)
    }
}

impl ImportKeyMaterial {
    fn check(&self, key: &Key, now: Timestamp) -> Result<(), ApiError> {
        key.must_be_imported()?;
        key.must_take_material()?;
        if self.expires.is_some_and(|it| it <= now) {
            return Err(ApiError::invalid("KeyMaterialExpireUnix"));
        }
        Ok(())
    }

    /// The wrapping key is of 2048 bits at most, but the material may be a longer one, to be parsed.
    async fn import(
        &self,
        call: &mut Call<'_>,
        found: &Arc<CachedKey>,
        version: &KeyVersionId,
        known: Option<&[u8]>,
    ) -> Result<Imported, ApiError> {
        let (backend, random) = (Arc::clone(&call.node.backend), Arc::clone(&call.node.random));
        let (found, now) = (Arc::clone(found), call.now);
        let (version, known) = (version.clone(), known.map(<[u8]>::to_vec));
        let (token, wrapped) = (self.token.to_vec(), Zeroizing::new(self.wrapped.to_vec()));
        let spec = found.key.spec;
        let import = move || {
            let key = &found.key;
            let (account, instance) = (&key.account, key.instance.as_ref());
            let place = KeyPlace { account, instance, key: &key.id, version: &version };
            backend.import(spec, &place, &token, &wrapped, now, known.as_deref(), &*random)
        };
        let imported = call.node.aside.run(spec, import).await?;
        imported.map_err(|error| match error {
            ImportError::Token => Code::InvalidImportToken.into(),
            ImportError::Expired => Code::ExpiredImportToken.into(),
            ImportError::Material => Code::InvalidKeyMaterial.into(),
            ImportError::Backend(error) => error.into(),
        })
    }
}

/// An imported key has one version, once it has any.
async fn first_version(tx: &mut dyn Tx, key: &KeyId) -> Result<Option<KeyVersion>, StoreError> {
    Ok(tx.key_versions(key).await?.into_iter().next())
}

/// The last second that a date can be in: the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;
