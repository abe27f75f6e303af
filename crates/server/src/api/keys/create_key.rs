//! `CreateKey`: makes a key and, unless its material is to be imported, its first version.
//! Source: keys.md §6.1.

use yaoku_model::{
    arn::Arn,
    ids::{AccountId, InstanceId, Invalid, KeyId, Region},
    key::{CreatorType, Key, KeySpec, KeyState, KeyUsage, KeyVersion, Origin, ProtectionLevel},
    policy::Object,
    tag::{Tag, TagKind},
    time::Timestamp,
};
use yaoku_store::Tx;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    access::Guarded,
    api::{Effect, Operation, Spec, tags::tags_in_json},
    call::{Call, RUNNING_INSTANCE, running_instance},
    error::ApiError,
    node::Limits,
    throttle::Class,
    versions,
};

use super::{description::Description, metadata, policy, rotation};

/// A request to create a key.
#[derive(Debug)]
pub(super) struct CreateKey {
    spec: KeySpec,
    usage: KeyUsage,
    origin: Origin,
    protection: ProtectionLevel,
    description: Description,
    rotation_seconds: Option<i64>,
    instance: Option<InstanceId>,
    policy: Option<String>,
    tags: Vec<Tag>,
    prepared: Option<(Key, Option<KeyVersion>)>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created {
    region: Region,
    key: Key,
    now: Timestamp,
}

impl Operation for CreateKey {
    const SPEC: &'static Spec = &Spec {
        name: "CreateKey",
        effect: Effect::Write,
        class: Some(Class::Create),
        errors: &[
            RUNNING_INSTANCE,
            &[Code::LimitExceeded, Code::UnsupportedOperation, Code::UnsupportedProtectionLevel],
        ],
        example: &[
            ("KeySpec", "Aliyun_AES_256"),
            ("KeyUsage", "ENCRYPT/DECRYPT"),
            ("Origin", "Aliyun_KMS"),
            ("ProtectionLevel", "SOFTWARE"),
            ("Description", "for the orders"),
            ("EnableAutomaticRotation", "true"),
            ("RotationInterval", "365d"),
            ("DKMSInstanceId", "kst-hzz62f1cb66fa42qo1234"),
            ("KeyStorageMechanism", "HsmInternal"),
            ("Policy", ""),
            ("Tags", r#"[{"TagKey":"team","TagValue":"orders"}]"#),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, CreateKey)",
        ..Spec::DEFAULT
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let spec = params.optional("KeySpec")?.unwrap_or(KeySpec::Aes256);
        let usage = params.optional("KeyUsage")?.unwrap_or(spec.default_usage());
        let origin = params.optional("Origin")?.unwrap_or(Origin::Kms);
        if !spec.can(usage) {
            return Err(ApiError::invalid("KeyUsage"));
        }
        // Source: keys.md §3.2 (inferred there).
        if origin == Origin::External && usage == KeyUsage::GenerateVerify {
            return Err(ApiError::invalid("Origin"));
        }
        // Only hardware instances have a choice, and there are none yet.
        params.optional::<StorageMechanism>("KeyStorageMechanism")?;
        Ok(Self {
            rotation_seconds: schedule(params, spec, origin)?,
            spec,
            usage,
            origin,
            protection: params.optional("ProtectionLevel")?.unwrap_or(ProtectionLevel::Software),
            description: Description::take(params)?.unwrap_or_default(),
            instance: params.optional("DKMSInstanceId")?,
            policy: policy::take(params)?,
            tags: tags_in_json(params, "Tags")?,
            prepared: None,
        })
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// Makes the material: of an RSA key that takes long, so only for a call that would be served.
    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::container(call.region(), call.account(), "key"))?;
        if self.prepared.is_none() {
            let (node, account) = (call.node, call.account());
            node.metrics.store_reads.add_one();
            self.check(node.store.read().await?.tx(), account, &node.limits, call.now).await?;
            let key = self.key(call)?;
            let version = match self.origin {
                Origin::Kms => Some(versions::make(node, &key, call.now).await?),
                Origin::External => None,
            };
            self.prepared = Some((key, version));
        }
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        call.allow(&Arn::container(call.region(), call.account(), "key"))?;
        let (node, account) = (call.node, call.account());
        let now = call.now;
        self.check(call.tx()?, account, &node.limits, now).await?;
        let Some((key, version)) = &self.prepared else { return Err(ApiError::conflict()) };
        let mut key = key.clone();
        call.tx()?.insert_key(&key).await?;
        if let Some(version) = version {
            versions::keep(call.tx()?, &mut key, version).await?;
        }
        for tag in &self.tags {
            call.tx()?.put_tag(account, TagKind::Key, key.id.as_str(), tag).await?;
        }
        call.has_made(Arn::key(call.region(), account, &key.id));
        Ok(Created { region: call.region().clone(), key, now: call.now })
    }
}

impl CreateKey {
    /// Whether there is a place for such a key. Source: keys.md §3.1, §6.1.
    async fn check(
        &self,
        tx: &mut dyn Tx,
        account: &AccountId,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        match &self.instance {
            Some(id) => self.check_home(tx, account, id, now).await?,
            None => self.check_default(tx, account, limits, now).await?,
        }
        let full = tx.count_keys(account, now).await? >= limits.keys;
        if full || self.tags.len() > limits.tags {
            return Err(Code::LimitExceeded.into());
        }
        Ok(())
    }

    /// The instance must be there and running, and must have room. It takes every kind of key
    /// (our choice: the service keeps some for hardware).
    async fn check_home(
        &self,
        tx: &mut dyn Tx,
        account: &AccountId,
        id: &InstanceId,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let home = running_instance(tx, account, id).await?;
        // Source: instance.md §1.4: versions count, not keys.
        if tx.count_key_versions(id, now).await? >= home.key_quota {
            return Err(Code::LimitExceeded.into());
        }
        let new = Guarded {
            home: Some(id),
            owner: account,
            object: Object::Key,
            name: "",
            policy: self.policy.as_deref(),
        };
        new.must_fit(tx, home.access_quota, now).await
    }

    /// Outside instances the service has one key, of AES-256. Source: keys.md §3.1, §16 #15, #16.
    async fn check_default(
        &self,
        tx: &mut dyn Tx,
        account: &AccountId,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let only_one = !limits.more_default_keys;
        if self.protection == ProtectionLevel::Hsm {
            return Err(Code::UnsupportedProtectionLevel.into());
        }
        if self.policy.is_some() || (only_one && self.spec != KeySpec::Aes256) {
            return Err(Code::UnsupportedOperation.into());
        }
        if only_one && tx.count_default_keys(account, now).await? > 0 {
            return Err(Code::LimitExceeded.into());
        }
        Ok(())
    }

    fn key(&self, call: &Call<'_>) -> Result<Key, ApiError> {
        let home = self.instance.as_ref();
        let imported = self.origin == Origin::External;
        Ok(Key {
            id: KeyId::generate(home, call.region(), call.now, call.random())?,
            account: call.account().clone(),
            instance: self.instance.clone(),
            spec: self.spec,
            usage: self.usage,
            origin: self.origin,
            // An instance decides for its keys; there are software instances only. keys.md §3.1.
            protection: ProtectionLevel::Software,
            state: if imported { KeyState::PendingImport } else { KeyState::Enabled },
            creator: CreatorType::User,
            description: self.description.as_str().to_owned(),
            created: call.now,
            primary: None,
            last_rotation: None,
            rotation_seconds: self.rotation_seconds,
            delete_at: None,
            deletion_protection: None,
            material_expires: None,
            policy: self.policy.clone(),
        })
    }
}

/// Where a hardware instance keeps a key. Source: instance.md §1.1.
struct StorageMechanism;

impl std::str::FromStr for StorageMechanism {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        if matches!(raw, "HsmInternal" | "HsmEncryptedDatabase") { Ok(Self) } else { Err(Invalid) }
    }
}

/// Only symmetric keys made here rotate by themselves. Source: keys.md §6.1 (inferred there).
fn schedule(params: &mut Params, spec: KeySpec, origin: Origin) -> Result<Option<i64>, ApiError> {
    let on = params.flag("EnableAutomaticRotation")?.unwrap_or(false);
    if !on {
        _ = params.text("RotationInterval");
        return Ok(None);
    }
    if spec.cipher_key_len().is_none() || origin == Origin::External {
        return Err(ApiError::invalid("EnableAutomaticRotation"));
    }
    let seconds = rotation::interval(params)?;
    Ok(Some(seconds.ok_or_else(|| ApiError::missing("RotationInterval"))?))
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default()
            .object("KeyMetadata", metadata::metadata(&self.region, &self.key, self.now))
    }
}
