//! `ImportKeyMaterial`: gives a key the material that its owner made. Source: keys.md §12.

use yaoku_crypto::{
    backend::KeyPlace,
    import::{ImportError, Imported},
};
use yaoku_model::{
    arn::KeyRef,
    ids::KeyVersionId,
    key::{Key, KeyVersion},
    text::Wiped,
    time::Timestamp,
};
use yaoku_wire::{error::Code, params::Params};

use super::CANNOT_TAKE;
use crate::{
    api::{Effect, Operation, Spec, bytes},
    call::{Call, KEY_BY_ID},
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
        })
    }

    /// The version is made with the first import, and is the same ever after: what it sealed opens
    /// again. Source: keys.md §12.1 (inferred there).
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let mut key = call.key_by_id(&self.key).await?;
        key.must_be_imported()?;
        key.must_take_material()?;
        if self.expires.is_some_and(|it| it <= call.now) {
            return Err(ApiError::invalid("KeyMaterialExpireUnix"));
        }
        let known = call.tx()?.key_versions(&key.id).await?.into_iter().next();
        let id = match &known {
            Some(version) => version.id.clone(),
            None => KeyVersionId::generate(&key.id, key.instance.as_ref(), call.random())?,
        };
        let fingerprint = known.as_ref().and_then(|it| it.fingerprint.as_deref());
        let imported = self.import(call, &key, &id, fingerprint)?;
        let version = KeyVersion {
            created: known.as_ref().map_or(call.now, |it| it.created),
            key: key.id.clone(),
            sealed: imported.sealed.0,
            fingerprint: Some(imported.fingerprint),
            id,
        };
        match known {
            Some(_) => call.tx()?.update_key_version(&version).await?,
            None => call.tx()?.insert_key_version(&version).await?,
        }
        key.take_material(&version.id, self.expires, call.now);
        Ok(call.tx()?.update_key(&key).await?)
    }
}

impl ImportKeyMaterial {
    fn import(
        &self,
        call: &Call<'_>,
        key: &Key,
        version: &KeyVersionId,
        known: Option<&[u8]>,
    ) -> Result<Imported, ApiError> {
        let (account, instance) = (&key.account, key.instance.as_ref());
        let place = KeyPlace { account, instance, key: &key.id, version };
        let backend = &call.node.backend;
        let (token, wrapped) = (&self.token, &self.wrapped);
        let imported =
            backend.import(key.spec, &place, token, wrapped, call.now, known, call.random());
        imported.map_err(|error| match error {
            ImportError::Token => Code::InvalidImportToken.into(),
            ImportError::Expired => Code::ExpiredImportToken.into(),
            ImportError::Material => Code::InvalidKeyMaterial.into(),
            ImportError::Backend(error) => error.into(),
        })
    }
}

/// The last second that a date can be in: the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;
