//! `CreateKey`: makes a key and, unless its material is to be imported, its first version.
//! Source: keys.md §6.1.

use yaoku_model::{
    arn::Arn,
    ids::{InstanceId, Invalid, KeyId, Region},
    key::{CreatorType, Interval, Key, KeySpec, KeyState, KeyUsage, Origin, ProtectionLevel},
    policy::{Document, Kind, Object},
    tag::{Tag, TagKind},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    accounts::add_first_version,
    api::{Effect, Operation, Spec, tags::tags_in_json},
    call::{Call, RUNNING_INSTANCE},
    error::ApiError,
};

use super::{description::Description, metadata};

/// Shortest and longest rotation interval, in seconds: 7 and 730 days, the widest that is
/// documented. Source: keys.md §8.2 (inferred there).
const ROTATION: std::ops::RangeInclusive<i64> = 7 * 86_400..=730 * 86_400;

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
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created {
    region: Region,
    key: Key,
}

impl Operation for CreateKey {
    const SPEC: &'static Spec = &Spec {
        name: "CreateKey",
        effect: Effect::Write,
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
        // Only hardware instances have a choice, and there are none yet.
        params.optional::<StorageMechanism>("KeyStorageMechanism")?;
        Ok(Self {
            rotation_seconds: rotation(params, spec, origin)?,
            spec,
            usage,
            origin,
            protection: params.optional("ProtectionLevel")?.unwrap_or(ProtectionLevel::Software),
            description: Description::take(params)?.unwrap_or_default(),
            instance: params.optional("DKMSInstanceId")?,
            policy: policy(params)?,
            tags: tags_in_json(params, "Tags")?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        call.allow(&Arn::container(call.region(), call.account(), "key"))?;
        self.check_home(call).await?;
        let account = call.account();
        if call.tx()?.count_keys(account).await? >= call.node.limits.keys {
            return Err(Code::LimitExceeded.into());
        }
        let mut key = self.key(call)?;
        call.tx()?.insert_key(&key).await?;
        if self.origin == Origin::Kms {
            let (node, now) = (call.node, call.now);
            add_first_version(node, call.tx()?, &mut key, now).await?;
        }
        for tag in &self.tags {
            call.tx()?.put_tag(account, TagKind::Key, key.id.as_str(), tag).await?;
        }
        Ok(Created { region: call.region().clone(), key })
    }
}

impl CreateKey {
    /// The instance must be there and running, and must hold such keys. Source: keys.md §3.1.
    async fn check_home(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        if self.spec.cipher_key_len().is_none() {
            return Err(Code::UnsupportedOperation.into());
        }
        let Some(id) = &self.instance else {
            return match (self.protection, &self.policy) {
                (ProtectionLevel::Hsm, _) => Err(Code::UnsupportedProtectionLevel.into()),
                (_, Some(_)) => Err(Code::UnsupportedOperation.into()),
                _ => Ok(()),
            };
        };
        // Source: instance.md §1.4: versions count, not keys.
        let quota = call.running_instance(id).await?.key_quota;
        if call.tx()?.count_key_versions(id).await? >= quota {
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
fn rotation(params: &mut Params, spec: KeySpec, origin: Origin) -> Result<Option<i64>, ApiError> {
    let on = params.flag("EnableAutomaticRotation")?.unwrap_or(false);
    if !on {
        _ = params.text("RotationInterval");
        return Ok(None);
    }
    if spec.cipher_key_len().is_none() || origin == Origin::External {
        return Err(ApiError::invalid("EnableAutomaticRotation"));
    }
    let Interval(seconds) = params.required("RotationInterval")?;
    if ROTATION.contains(&seconds) {
        Ok(Some(seconds))
    } else {
        Err(ApiError::invalid("RotationInterval"))
    }
}

/// Takes a key policy. Source: identity.md §4.5.
fn policy(params: &mut Params) -> Result<Option<String>, ApiError> {
    let Some(text) = params.text("Policy").filter(|it| !it.is_empty()) else { return Ok(None) };
    match Document::parse(&text, Kind::Object(Object::Key)) {
        Ok(_) => Ok(Some(text.as_str().to_owned())),
        Err(_) => Err(ApiError::invalid("Policy")),
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default().object("KeyMetadata", metadata::metadata(&self.region, &self.key))
    }
}
