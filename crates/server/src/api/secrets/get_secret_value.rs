//! `GetSecretValue`: opens one version of a secret. Source: secrets.md §4.4.

use yaoku_model::{
    arn::SecretRef,
    ids::{SecretName, Stage, VersionId},
    secret::{DataType, Managed, SecretType},
    text::SecretData,
    time::Timestamp,
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::managed::with_rotation;
use crate::{
    api::{Effect, Operation, Spec, data_keys, keys::OPEN_SECRET},
    cache::{CachedSecret, CachedVersion},
    call::{CACHED_SECRET, Call, WRONG_STATE},
    error::ApiError,
    throttle::Class,
    values,
};

/// A request for a value: also one item of a batch.
#[derive(Debug)]
pub(super) struct GetSecretValue {
    pub(super) secret: SecretRef,
    version: Option<VersionId>,
    stage: Option<Stage>,
    /// Whether the answer says what a managed secret is about.
    config: bool,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Value {
    name: SecretName,
    kind: SecretType,
    version: VersionId,
    stages: Vec<Stage>,
    data: SecretData,
    data_type: DataType,
    /// Of the secret, not of the version.
    created: Timestamp,
    managed: Option<Managed>,
    config: bool,
}

impl Operation for GetSecretValue {
    const SPEC: &'static Spec = &Spec {
        name: "GetSecretValue",
        effect: Effect::Use,
        class: Some(Class::SecretRead),
        also_actions: super::READ,
        errors: &[
            CACHED_SECRET,
            WRONG_STATE,
            &[Code::KeyNotFound, Code::RejectedUnsupportedOperation],
        ],
        dry_run: true,
        example: &[
            ("SecretName", "db/orders"),
            ("VersionId", "v1"),
            ("VersionStage", "ACSCurrent"),
            ("FetchExtendedConfig", "true"),
            ("Recipient", ""),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GetSecretValue)",
        ..Spec::DEFAULT
    };

    type Response = Value;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        if params.text("Recipient").is_some_and(|it| !it.is_empty()) {
            return Err(Code::RejectedUnsupportedOperation.into());
        }
        Ok(Self {
            secret: params.required("SecretName")?,
            version: params.optional("VersionId")?,
            stage: params.optional("VersionStage")?,
            config: params.flag("FetchExtendedConfig")?.unwrap_or(false),
        })
    }

    /// Also for a secret that is cached with its data key, the key is judged on every call.
    async fn run(&self, call: &mut Call<'_>) -> Result<Value, ApiError> {
        data_keys::must_be_readable(call, &self.secret)?;
        let found = call.cached_secret(&self.secret, Self::ACTION).await?;
        let (secret, chosen) = (&found.secret, self.choose(&found)?);
        let key_version = Some(&chosen.version.key_version);
        let key = call.usable_key_of_secret(secret, key_version, OPEN_SECRET).await?;
        let version = &chosen.version;
        Ok(Value {
            name: secret.name.clone(),
            kind: secret.kind,
            version: version.id.clone(),
            stages: secret.stages_of(&version.id).cloned().collect(),
            data: values::open(call.node, &key, secret, chosen)?,
            data_type: version.data_type,
            created: secret.created,
            managed: secret.managed.clone(),
            config: self.config,
        })
    }
}

impl GetSecretValue {
    /// A request for the current value.
    pub(super) fn current(secret: SecretRef) -> Self {
        Self { secret, version: None, stage: None, config: false }
    }

    /// The version with the id and the label that were asked for; without an id, the one with the
    /// label; without either, the current one. Source: secrets.md §4.4 (both: inferred there).
    fn choose<'a>(&self, found: &'a CachedSecret) -> Result<&'a CachedVersion, ApiError> {
        let stages = &found.secret.stages;
        // Of a managed secret, two versions can be read, and not by their ids.
        let asked = if found.secret.managed.is_some() {
            if self.stage.as_ref().is_some_and(|it| !it.is_system()) {
                return Err(Code::ResourceNotFound.into());
            }
            &None
        } else {
            &self.version
        };
        let id = match (asked, &self.stage) {
            (Some(id), None) => Some(id),
            (Some(id), Some(stage)) => Some(id).filter(|it| stages.get(stage) == Some(it)),
            (None, Some(stage)) => stages.get(stage),
            (None, None) => stages.get(&Stage::current()),
        };
        let version = found.versions.iter().find(|it| Some(&it.version.id) == id);
        version.ok_or(Code::ResourceNotFound.into())
    }
}

impl Value {
    /// The value alone.
    pub(super) fn into_data(self) -> SecretData {
        self.data
    }
}

impl Encode for Value {
    fn encode(self) -> Fields {
        let fields = Fields::default()
            .text("SecretName", self.name.as_str())
            .text("SecretType", self.kind.as_str())
            .text("VersionId", self.version.as_str())
            .texts("VersionStages", "VersionStage", self.stages.iter().map(Stage::as_str))
            .secret("SecretData", self.data.expose_text())
            .text("SecretDataType", self.data_type.as_str())
            .text("CreateTime", self.created.to_string());
        with_rotation(fields, self.managed.as_ref(), self.config)
    }
}
