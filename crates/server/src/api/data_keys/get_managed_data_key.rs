//! `GetManagedDataKey`: answers one version of a managed data key, open. Source: keys.md §13.

use yaoku_model::{
    ids::{SecretName, VersionId},
    text::SecretData,
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{DataKeyName, version_id};
use crate::{
    api::{Effect, Operation, Spec, secrets},
    call::{CACHED_SECRET, Call, WRONG_STATE},
    error::ApiError,
};

/// A request for a data key: of the version named, or else the newest or the oldest.
#[derive(Debug)]
pub(super) struct GetManagedDataKey {
    name: DataKeyName,
    version: Option<VersionId>,
    latest: bool,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Opened {
    name: DataKeyName,
    version: SecretName,
    plaintext: SecretData,
}

impl Operation for GetManagedDataKey {
    const SPEC: &'static Spec = &Spec {
        name: "GetManagedDataKey",
        effect: Effect::Use,
        also_actions: secrets::READ,
        errors: &[CACHED_SECRET, WRONG_STATE, &[Code::KeyNotFound]],
        example: &[
            ("DataKeyName", "orders"),
            ("DataKeyVersionId", "xH6OPUmz"),
            ("UseLatest", "false"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GetManagedDataKey)",
        ..Spec::DEFAULT
    };

    type Response = Opened;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            name: params.required("DataKeyName")?,
            version: params.optional("DataKeyVersionId")?,
            latest: params.flag("UseLatest")?.unwrap_or(false),
        })
    }

    /// Also asks for what it takes to read the secret that the version is.
    async fn run(&self, call: &mut Call<'_>) -> Result<Opened, ApiError> {
        call.allow(&self.name.arn(call)?)?;
        let version = if let Some(id) = &self.version {
            self.name.version(id)?
        } else {
            let found = call.first_or_last_secret(&self.name.filter(call), self.latest).await?;
            found.ok_or(Code::ResourceNotFound)?
        };
        let plaintext = secrets::current_value(call, &version).await?;
        Ok(Opened { name: self.name.clone(), version, plaintext })
    }
}

impl Encode for Opened {
    fn encode(self) -> Fields {
        Fields::default()
            .text("DataKeyName", self.name.0)
            .text("DataKeyVersionId", version_id(&self.version))
            .text("DataKeyVersionName", self.version.as_str())
            .secret("Plaintext", self.plaintext.expose_text())
    }
}
