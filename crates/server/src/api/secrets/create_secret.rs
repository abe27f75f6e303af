//! `CreateSecret`: makes a secret and its first version. Source: secrets.md §4.1.

use std::collections::BTreeMap;

use yaoku_model::{
    arn::{Arn, KeyRef},
    ids::{InstanceId, SecretName, Stage, VersionId},
    policy::{Document, Kind, Object},
    secret::{DataType, Secret, SecretType},
    tag::{Tag, TagKind},
    text::is_plain,
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{
        Effect, Operation, Spec,
        keys::{SEAL_SECRET, description::Description},
        tags::tags_in_json,
    },
    call::{Call, KEY_BY_NAME, RUNNING_INSTANCE, UsableKey, WRONG_STATE},
    due,
    error::ApiError,
    throttle::Class,
};

use super::{
    must_have_room,
    sealed::{NewValue, Sealed},
};

/// A request to create a secret.
#[derive(Debug)]
pub(super) struct CreateSecret {
    name: SecretName,
    value: NewValue,
    key: Option<KeyRef>,
    instance: Option<InstanceId>,
    description: Description,
    policy: Option<String>,
    tags: Vec<Tag>,
    prepared: Option<(Secret, Sealed)>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created {
    arn: Arn,
    name: SecretName,
    version: VersionId,
    instance: Option<InstanceId>,
}

impl Operation for CreateSecret {
    const SPEC: &'static Spec = &Spec {
        name: "CreateSecret",
        effect: Effect::Write,
        class: Some(Class::SecretWrite),
        or_container: true,
        also_actions: &[SEAL_SECRET],
        errors: &[
            KEY_BY_NAME,
            RUNNING_INSTANCE,
            WRONG_STATE,
            &[
                Code::RejectedUnsupportedOperation,
                Code::LimitExceeded,
                Code::ResourceExist,
                Code::ResourceInDeleteWindow,
            ],
        ],
        secret_params: &["SecretData"],
        example: &[
            ("SecretName", "db/orders"),
            ("VersionId", "v1"),
            ("SecretData", "any text, as it is"),
            ("SecretDataType", "text"),
            ("SecretType", "Generic"),
            ("EncryptionKeyId", "key-hzz62f1cb66fa42qo1234"),
            ("DKMSInstanceId", "kst-hzz62f1cb66fa42qo1234"),
            ("Description", "for the orders"),
            ("Tags", r#"[{"TagKey":"team","TagValue":"orders"}]"#),
            ("Policy", ""),
            ("ExtendedConfig", ""),
            ("EnableAutomaticRotation", "false"),
            ("RotationInterval", ""),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, CreateSecret)",
        ..Spec::DEFAULT
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        if params.optional("SecretType")?.unwrap_or(SecretType::Generic) != SecretType::Generic {
            return Err(Code::RejectedUnsupportedOperation.into());
        }
        // For other types alone. Source: secrets.md §4.1.
        params.flag("EnableAutomaticRotation")?;
        for ignored in ["ExtendedConfig", "RotationInterval"] {
            _ = params.text(ignored);
        }
        let (key, instance) =
            (params.optional("EncryptionKeyId")?, params.optional("DKMSInstanceId")?);
        if key.is_none() && instance.is_some() {
            return Err(ApiError::missing("EncryptionKeyId"));
        }
        Ok(Self {
            name: name(params)?,
            value: NewValue {
                id: params.required("VersionId")?,
                data: params.required("SecretData")?,
                data_type: params.optional("SecretDataType")?.unwrap_or(DataType::Text),
            },
            key,
            instance,
            description: Description::take(params)?.unwrap_or_default(),
            policy: policy(params)?,
            tags: tags_in_json(params, "Tags")?,
            prepared: None,
        })
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        self.allow(call)?;
        let key = self.usable_key(call).await?;
        let secret = self.secret(call, &key);
        let sealed = self.value.seal(call.node, call.now, &key, &secret).await?;
        self.prepared = Some((secret, sealed));
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        self.allow(call)?;
        let Some((secret, value)) = &self.prepared else { return Err(ApiError::conflict()) };
        if self.tags.len() > call.node.limits.tags {
            return Err(Code::LimitExceeded.into());
        }
        free_name(call, &self.name).await?;
        self.check_home(call, secret).await?;
        call.must_still_seal(&value.key, &value.version.key_version).await?;
        if !call.tx()?.insert_secret(secret).await? {
            return Err(Code::ResourceExist.into());
        }
        let account = call.account();
        call.tx()?.insert_secret_version(account, &self.name, &value.version).await?;
        for tag in &self.tags {
            call.tx()?.put_tag(account, TagKind::Secret, self.name.as_str(), tag).await?;
        }
        let arn = call.secret_arn(&self.name);
        call.has_made(arn.clone());
        Ok(Created {
            arn,
            name: self.name.clone(),
            version: self.value.id.clone(),
            instance: secret.instance.clone(),
        })
    }
}

impl CreateSecret {
    /// Either spelling of what is to be made. Source: identity.md §4.1.
    fn allow(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow_in_container(&call.secret_arn(&self.name))
    }

    async fn usable_key(&self, call: &mut Call<'_>) -> Result<UsableKey, ApiError> {
        let Some(named) = &self.key else { return call.service_key().await };
        let found = call.sealing_key(named).await;
        found.map_err(|error| match error.code() {
            Code::UnsupportedOperation => ApiError::invalid("EncryptionKeyId"),
            _ => error,
        })
    }

    /// A secret lives where its key lives. Our choice where the client names the key alone.
    fn secret(&self, call: &Call<'_>, key: &UsableKey) -> Secret {
        Secret {
            account: call.account().clone(),
            name: self.name.clone(),
            kind: SecretType::Generic,
            instance: key.key.key.instance.clone(),
            key: key.key.key.id.clone(),
            customer_key: self.key.is_some(),
            description: self.description.as_str().to_owned(),
            created: call.now,
            updated: call.now,
            delete_at: None,
            policy: self.policy.clone(),
            stages: BTreeMap::from([(Stage::current(), self.value.id.clone())]),
        }
    }

    /// The instance must be there and running, be the key's too, and have room.
    async fn check_home(&self, call: &mut Call<'_>, secret: &Secret) -> Result<(), ApiError> {
        if let Some(named) = &self.instance {
            call.running_instance(named).await?;
            if secret.instance.as_ref() != Some(named) {
                return Err(ApiError::invalid("EncryptionKeyId"));
            }
        }
        let Some(home) = &secret.instance else {
            // Only secrets in an instance have a policy: refused, lest its author trusts in it.
            // Our choice, as for keys.
            return match self.policy {
                Some(_) => Err(Code::RejectedUnsupportedOperation.into()),
                None => Ok(()),
            };
        };
        must_have_room(call, home, secret).await
    }
}

/// Takes a name that is not one of the services': those begin with `acs/`, or have a `!` in them.
/// Source: secrets.md §4.1, keys.md §13.
fn name(params: &mut Params) -> Result<SecretName, ApiError> {
    let name: SecretName = params.required("SecretName")?;
    if name.as_str().starts_with("acs/") || name.as_str().contains('!') {
        return Err(ApiError::invalid("SecretName"));
    }
    Ok(name)
}

/// Takes a secret policy. Source: identity.md §4.5.
fn policy(params: &mut Params) -> Result<Option<String>, ApiError> {
    let Some(text) = params.text("Policy").filter(|it| !it.is_empty()) else { return Ok(None) };
    match Document::parse(&text, Kind::Object(Object::Secret)) {
        Ok(_) if is_plain(&text) => Ok(Some(text.as_str().to_owned())),
        _ => Err(ApiError::invalid("Policy")),
    }
}

/// Fails if the name is taken; what is left of a secret whose time is up is removed.
/// Source: secrets.md §3.
async fn free_name(call: &mut Call<'_>, name: &SecretName) -> Result<(), ApiError> {
    let (account, now) = (call.account(), call.now);
    match call.tx()?.secret(account, name).await? {
        None => Ok(()),
        Some((old, _)) if old.is_gone(now) => {
            let node = call.node;
            Ok(due::delete_secret(node, call.tx()?, &old).await?)
        }
        Some((old, _)) => {
            old.must_not_be_scheduled()?;
            Err(Code::ResourceExist.into())
        }
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default()
            .text("Arn", self.arn.as_str())
            .text("SecretName", self.name.as_str())
            .text("VersionId", self.version.as_str())
            .text("SecretType", SecretType::Generic.as_str())
            .maybe_text("DKMSInstanceId", self.instance.as_ref().map(InstanceId::as_str))
    }
}
