//! `CreateManagedDataKeyVersion`: makes a managed data key, or the next version of one.
//!
//! The vendor's clients have no operation for it (keys.md §13), so it is of our administration.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_model::{
    arn::{Arn, KeyRef},
    ids::{Invalid, SecretName, Stage, VersionId},
    random::pick,
    secret::{DataType, Secret, SecretType},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};
use zeroize::Zeroizing;

use super::{DataKeyName, ID_LEN, version_id};
use crate::{
    api::{
        Effect, Operation, Spec,
        admin::ADMIN,
        keys::SEAL_SECRET,
        secrets::{NewValue, Sealed, must_have_room},
    },
    call::{Call, KEY_BY_NAME, RUNNING_INSTANCE, UsableKey, WRONG_STATE},
    error::ApiError,
};

/// The longest data key, in bytes: as for `GenerateDataKey`.
const MAX_LEN: i64 = 1024;

/// The default length, in bytes.
const LEN: i64 = 32;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A request for a new version.
#[derive(Debug)]
pub(super) struct CreateManagedDataKeyVersion {
    name: DataKeyName,
    key: Option<KeyRef>,
    len: usize,
    prepared: Option<(Secret, Sealed)>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created {
    name: DataKeyName,
    version: SecretName,
}

impl Operation for CreateManagedDataKeyVersion {
    const SPEC: &'static Spec = &Spec {
        name: "CreateManagedDataKeyVersion",
        effect: Effect::Write,
        also_actions: &[SEAL_SECRET],
        errors: &[
            KEY_BY_NAME,
            RUNNING_INSTANCE,
            WRONG_STATE,
            &[Code::UnsupportedOperation, Code::LimitExceeded, Code::ResourceExist],
        ],
        example: &[
            ("DataKeyName", "orders"),
            ("EncryptionKeyId", "key-hzz62f1cb66fa42qo1234"),
            ("NumberOfBytes", "32"),
        ],
        ..ADMIN
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let len = params.integer("NumberOfBytes", 1..=MAX_LEN)?.unwrap_or(LEN);
        Ok(Self {
            name: params.required("DataKeyName")?,
            key: params.optional("EncryptionKeyId")?,
            len: usize::try_from(len).map_err(|_| ApiError::invalid("NumberOfBytes"))?,
            prepared: None,
        })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        let key = match &self.key {
            Some(named) => call.sealing_key(named).await?,
            None => call.service_key().await?,
        };
        let id = pick(call.random(), ALPHABET, ID_LEN)?;
        let id: VersionId = id.parse().map_err(|Invalid| Code::InternalFailure)?;
        let secret = self.secret(call, &key, id.clone())?;
        let sealed = self.value(call, id)?.seal(call.node, call.now, &key, &secret).await?;
        self.prepared = Some((secret, sealed));
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        call.allow(&Arn::any())?;
        let Some((secret, value)) = &self.prepared else { return Err(ApiError::conflict()) };
        if let Some(home) = &secret.instance {
            must_have_room(call, home, secret).await?;
        }
        call.must_still_seal(&value.key, &value.version.key_version).await?;
        if !call.tx()?.insert_secret(secret).await? {
            return Err(Code::ResourceExist.into());
        }
        let account = call.account();
        call.tx()?.insert_secret_version(account, &secret.name, &value.version).await?;
        call.has_made(call.secret_arn(&secret.name));
        Ok(Created { name: self.name.clone(), version: secret.name.clone() })
    }
}

impl CreateManagedDataKeyVersion {
    fn secret(&self, call: &Call<'_>, key: &UsableKey, id: VersionId) -> Result<Secret, ApiError> {
        Ok(Secret {
            account: call.account().clone(),
            name: self.name.version(&id)?,
            kind: SecretType::Generic,
            instance: key.key.key.instance.clone(),
            key: key.key.key.id.clone(),
            customer_key: self.key.is_some(),
            description: format!("A version of the managed data key {}.", self.name.0),
            created: call.now,
            updated: call.now,
            delete_at: None,
            policy: None,
            stages: BTreeMap::from([(Stage::current(), id)]),
        })
    }

    /// What is kept is the Base64 that clients read.
    fn value(&self, call: &Call<'_>, id: VersionId) -> Result<NewValue, ApiError> {
        let mut bytes = Zeroizing::new(vec![0; self.len]);
        call.random().fill(&mut bytes)?;
        let text = Zeroizing::new(STANDARD.encode(&*bytes));
        Ok(NewValue {
            id,
            data: text.parse().map_err(|Invalid| Code::InternalFailure)?,
            data_type: DataType::Text,
        })
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default()
            .text("DataKeyName", self.name.0)
            .text("DataKeyVersionId", version_id(&self.version))
            .text("DataKeyVersionName", self.version.as_str())
    }
}
