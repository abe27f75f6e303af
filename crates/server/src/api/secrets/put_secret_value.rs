//! `PutSecretValue`: adds a version to a secret. Source: secrets.md §4.6.

use aws_lc_rs::constant_time;
use yaoku_model::{
    arn::SecretRef,
    ids::{SecretName, Stage, VersionId},
    secret::{DataType, NewStages, Secret, SecretVersion},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec, keys::SEAL_SECRET},
    cache::{CachedSecret, CachedVersion},
    call::{CACHED_SECRET, Call, WRONG_STATE},
    error::ApiError,
    throttle::Class,
    values::{self, NewValue, Sealed},
};

use super::must_be_generic;

/// A request to add a version.
#[derive(Debug)]
pub(super) struct PutSecretValue {
    secret: SecretRef,
    value: NewValue,
    stages: NewStages,
    prepared: Option<Prepared>,
}

/// What the caches showed.
#[derive(Debug)]
enum Prepared {
    /// There is no version of that id, and this would be it.
    New(Sealed),
    /// There is this one, and its value and type are the same (`true`) or others.
    Known(SecretVersion, bool),
}

/// The answer.
#[derive(Debug)]
pub(super) struct Put {
    name: SecretName,
    version: VersionId,
    stages: Vec<Stage>,
}

impl Operation for PutSecretValue {
    const SPEC: &'static Spec = &Spec {
        name: "PutSecretValue",
        effect: Effect::Write,
        class: Some(Class::SecretWrite),
        also_actions: &[SEAL_SECRET],
        // Every write of a secret or of its versions updates the secret's row. The key, the tags
        // and the instance are read as they were at the start: it stands before their next change.
        // A key that is disabled or scheduled for deletion in that moment takes the new version with
        // it as it takes the old ones: GetSecretValue asks for the key's state on every call. Its
        // material goes seven days later at the earliest, so no version is ever sealed under a key
        // that is gone; and CancelKeyDeletion brings back both. So does importing material again.
        one_thing: true,
        errors: &[
            CACHED_SECRET,
            WRONG_STATE,
            &[
                Code::KeyNotFound,
                Code::RejectedUnsupportedOperation,
                Code::ResourceExist,
                Code::LimitExceeded,
            ],
        ],
        secret_params: &["SecretData"],
        example: &[
            ("SecretName", "db/orders"),
            ("VersionId", "v2"),
            ("SecretData", "any text, as it is"),
            ("SecretDataType", "text"),
            ("VersionStages", r#"["ACSCurrent"]"#),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, PutSecretValue)",
        ..Spec::DEFAULT
    };

    type Response = Put;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            secret: params.required("SecretName")?,
            value: NewValue {
                id: params.required("VersionId")?,
                data: params.required("SecretData")?,
                data_type: params.optional("SecretDataType")?.unwrap_or(DataType::Text),
            },
            stages: stages(params)?,
            prepared: None,
        })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let found = call.cached_secret(&self.secret, Self::ACTION).await?;
        must_be_generic(&found.secret)?;
        let known = found.versions.iter().find(|it| it.version.id == self.value.id);
        self.prepared = Some(if let Some(known) = known {
            self.compare(call, &found, known).await?
        } else {
            let key = call.usable_key_of_secret(&found.secret, None, SEAL_SECRET).await?;
            Prepared::New(self.value.seal(call.node, call.now, &key, &found.secret).await?)
        });
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Put, ApiError> {
        let mut secret = call.live_secret(&self.secret).await?;
        match &self.prepared {
            Some(Prepared::New(new)) => self.add(call, &mut secret, new).await?,
            Some(Prepared::Known(known, same)) => {
                let versions = call.tx()?.secret_versions(&secret.account, &secret.name).await?;
                if !versions.contains(known) {
                    return Err(ApiError::conflict());
                }
                if !same {
                    return Err(Code::ResourceExist.into());
                }
            }
            None => return Err(ApiError::conflict()),
        }
        Ok(Put {
            version: self.value.id.clone(),
            stages: secret.stages_of(&self.value.id).cloned().collect(),
            name: secret.name,
        })
    }
}

impl PutSecretValue {
    /// Whether what is sent is what is there. In constant time, since who may put a value need not
    /// be who may read it.
    async fn compare(
        &self,
        call: &mut Call<'_>,
        found: &CachedSecret,
        known: &CachedVersion,
    ) -> Result<Prepared, ApiError> {
        let (secret, version) = (&found.secret, &known.version);
        let key =
            call.usable_key_of_secret(secret, Some(&version.key_version), SEAL_SECRET).await?;
        let (old, new) = (values::open(call.node, &key, secret, known)?, &self.value);
        let same = constant_time::verify_slices_are_equal(old.expose(), new.data.expose()).is_ok();
        Ok(Prepared::Known(version.clone(), same && version.data_type == new.data_type))
    }

    /// Adds the version, labels it, and removes the oldest one that nobody needs.
    async fn add(
        &self,
        call: &mut Call<'_>,
        secret: &mut Secret,
        new: &Sealed,
    ) -> Result<(), ApiError> {
        let versions = call.tx()?.secret_version_ids(&secret.account, &secret.name).await?;
        if versions.contains(&self.value.id) {
            return Err(ApiError::conflict());
        }
        must_be_generic(secret)?;
        // A secret of that name that was made anew may have another key.
        if new.key != secret.key {
            return Err(ApiError::conflict());
        }
        call.must_still_seal(&new.key, &new.version.key_version).await?;
        secret.label_new(&new.version.id, &self.stages)?;
        secret.updated = call.now;
        let all: Vec<_> = versions.iter().chain([&new.version.id]).collect();
        let evicted = secret.evicted(&all);
        call.tx()?.put_secret_version(secret, &new.version, evicted).await?;
        Ok(())
    }
}

/// Takes `["a","b"]`, or `{"VersionStage":["a","b"]}` as older clients write it.
/// Source: secrets.md §4.6.
fn stages(params: &mut Params) -> Result<NewStages, ApiError> {
    let invalid = || ApiError::invalid("VersionStages");
    let json = params.json("VersionStages")?.unwrap_or_else(|| serde_json::json!([]));
    let list = json.get("VersionStage").unwrap_or(&json).as_array().ok_or_else(invalid)?;
    let stages: Option<Vec<Stage>> = list.iter().map(|it| it.as_str()?.parse().ok()).collect();
    NewStages::new(stages.ok_or_else(invalid)?).map_err(|_| invalid())
}

impl Encode for Put {
    fn encode(self) -> Fields {
        Fields::default()
            .text("SecretName", self.name.as_str())
            .text("VersionId", self.version.as_str())
            .texts("VersionStages", "VersionStage", self.stages.iter().map(Stage::as_str))
    }
}
