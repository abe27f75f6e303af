//! `CreateSecret`: makes a secret and its first version. Source: secrets.md §4.1.

use std::collections::BTreeMap;

use yaoku_model::{
    arn::{Arn, KeyRef},
    ids::{InstanceId, SecretName, VersionId},
    secret::{DataType, Managed, Secret, SecretType},
    tag::{Tag, TagKind},
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
    node::Node,
    rotation,
    throttle::Class,
    values::{NewValue, Sealed},
};

use super::{
    managed::{LABELS, NewManaged, with_rotation},
    must_have_room, own_name, policy,
};

/// A request to create a secret.
#[derive(Debug)]
pub(super) struct CreateSecret {
    name: SecretName,
    kind: SecretType,
    value: NewValue,
    key: Option<KeyRef>,
    instance: Option<InstanceId>,
    description: Description,
    policy: Option<String>,
    tags: Vec<Tag>,
    managed: Option<NewManaged>,
    prepared: Option<(Secret, Vec<Sealed>)>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created {
    arn: Arn,
    name: SecretName,
    version: VersionId,
    kind: SecretType,
    instance: Option<InstanceId>,
    managed: Option<Managed>,
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
        let kind = params.optional("SecretType")?.unwrap_or(SecretType::Generic);
        let (key, instance) =
            (params.optional("EncryptionKeyId")?, params.optional("DKMSInstanceId")?);
        if key.is_none() && instance.is_some() {
            return Err(ApiError::missing("EncryptionKeyId"));
        }
        let sent = params.text("SecretName").filter(|it| !it.is_empty());
        let sent = sent.ok_or(ApiError::missing("SecretName"))?;
        let value = NewValue {
            id: params.required("VersionId")?,
            data: params.required("SecretData")?,
            data_type: params.optional("SecretDataType")?.unwrap_or(DataType::Text),
        };
        let managed = NewManaged::take(params, kind, &value)?;
        Ok(Self {
            name: managed.as_ref().map_or_else(|| own_name(&sent), |it| it.name(&sent))?,
            kind,
            value,
            managed,
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
        let mut secret = self.secret(call, &key);
        let made = match &self.managed {
            Some(managed) => managed.values(call.node, call.account(), &self.value.id).await?,
            None => Vec::new(),
        };
        let values = if self.managed.is_some() { made.iter().collect() } else { vec![&self.value] };
        let mut sealed = Vec::new();
        for (value, label) in values.into_iter().zip(LABELS) {
            sealed.push(value.seal(call.node, call.now, &key, &secret).await?);
            secret.stages.insert(label(), value.id.clone());
        }
        self.prepared = Some((secret, sealed));
        Ok(())
    }

    /// Of accounts that are made with their secret: whoever reads it next can log in.
    async fn settle(&self, node: &Node) {
        let makes = self.managed.as_ref().is_some_and(NewManaged::makes_accounts);
        if let Some((secret, _)) = self.prepared.as_ref().filter(|_| makes) {
            rotation::wait_until_made(node, secret).await;
        }
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        self.allow(call)?;
        let Some((secret, values)) = &self.prepared else { return Err(ApiError::conflict()) };
        if self.tags.len() > call.node.limits.tags {
            return Err(Code::LimitExceeded.into());
        }
        free_name(call, &self.name).await?;
        self.check_home(call, secret).await?;
        if let Some(managed) = &self.managed {
            managed.must_be_permitted(call, secret).await?;
        }
        if !call.tx()?.insert_secret(secret).await? {
            return Err(Code::ResourceExist.into());
        }
        let account = call.account();
        for value in values {
            call.must_still_seal(&value.key, &value.version.key_version).await?;
            call.tx()?.insert_secret_version(account, &self.name, &value.version).await?;
        }
        self.begin(call, secret).await?;
        for tag in &self.tags {
            call.tx()?.put_tag(account, TagKind::Secret, self.name.as_str(), tag).await?;
        }
        let arn = call.secret_arn(&self.name);
        call.has_made(arn.clone());
        Ok(Created {
            arn,
            name: self.name.clone(),
            version: self.value.id.clone(),
            kind: self.kind,
            instance: secret.instance.clone(),
            managed: secret.managed.clone(),
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
            kind: self.kind,
            instance: key.key.key.instance.clone(),
            key: key.key.key.id.clone(),
            customer_key: self.key.is_some(),
            description: self.description.as_str().to_owned(),
            created: call.now,
            updated: call.now,
            delete_at: None,
            policy: self.policy.clone(),
            stages: BTreeMap::new(),
            managed: self.managed.as_ref().map(|it| it.managed(&self.value.id, call.now)),
        }
    }

    /// Leaves the engine what it is to do for the new secret.
    async fn begin(&self, call: &mut Call<'_>, secret: &Secret) -> Result<(), ApiError> {
        let rotation = self.managed.as_ref().and_then(|it| it.rotation(secret, &self.value.id));
        let Some(rotation) = rotation else { return Ok(()) };
        call.tx()?.put_rotation(&rotation).await?;
        call.node.rotations.wake();
        Ok(())
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

/// Fails if the name is taken; what is left of a secret whose time is up is removed.
/// Source: secrets.md §3.
async fn free_name(call: &mut Call<'_>, name: &SecretName) -> Result<(), ApiError> {
    let (account, now) = (call.account(), call.now);
    match call.tx()?.secret(account, name).await? {
        None => Ok(()),
        Some((old, _)) if old.is_gone(now) => {
            let node = call.node;
            due::delete_secret(node, call.tx()?, &old, now).await
        }
        Some((old, _)) => {
            old.must_not_be_scheduled()?;
            Err(Code::ResourceExist.into())
        }
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        let fields = Fields::default()
            .text("Arn", self.arn.as_str())
            .text("SecretName", self.name.as_str())
            .text("VersionId", self.version.as_str())
            .text("SecretType", self.kind.as_str())
            .maybe_text("DKMSInstanceId", self.instance.as_ref().map(InstanceId::as_str));
        with_rotation(fields, self.managed.as_ref(), true)
    }
}
