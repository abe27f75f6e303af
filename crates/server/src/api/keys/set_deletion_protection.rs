//! `SetDeletionProtection`: keeps a key or an instance from being deleted, or no longer.
//! Source: keys.md §6.6.

use yaoku_model::{
    arn::{KeyRef, Place},
    ids::{InstanceId, KeyId},
};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID, KEY_FIXED},
    error::ApiError,
};

use super::description::Description;

const ARN: &str = "ProtectedResourceArn";
const INSTANCE: &str = "KmsInstanceId";

/// A request to protect something, or not to.
#[derive(Debug)]
pub(super) struct SetDeletionProtection {
    what: Protected,
    /// Why it is protected; `None`: it is not to be.
    why: Option<String>,
}

#[derive(Debug)]
enum Protected {
    Key(KeyRef),
    Instance(InstanceId),
}

impl Operation for SetDeletionProtection {
    const SPEC: &'static Spec = &Spec {
        name: "SetDeletionProtection",
        effect: Effect::Write,
        errors: &[KEY_BY_ID, KEY_FIXED, &[Code::DkmsInstanceNotFound]],
        example: &[
            (ARN, ""),
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            (INSTANCE, ""),
            ("EnableDeletionProtection", "true"),
            ("DeletionProtectionDescription", "for the orders"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, SetDeletionProtection)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        const ON: &str = "EnableDeletionProtection";
        let on = params.flag(ON)?.ok_or_else(|| ApiError::missing(ON))?;
        let why = Description::take_as(params, "DeletionProtectionDescription")?;
        let why = why.unwrap_or_default().as_str().to_owned();
        Ok(Self { what: protected(params)?, why: on.then_some(why) })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        match &self.what {
            Protected::Key(named) => {
                let mut key = call.key_by_id(named).await?;
                key.must_be_changeable()?;
                key.deletion_protection.clone_from(&self.why);
                Ok(call.tx()?.update_key(&key).await?)
            }
            Protected::Instance(id) => {
                let mut instance = call.instance(id).await?;
                instance.deletion_protection.clone_from(&self.why);
                Ok(call.tx()?.update_instance(&instance).await?)
            }
        }
    }
}

/// Takes one of the three names. Two are one too many, unless they are the same key's.
fn protected(params: &mut Params) -> Result<Protected, ApiError> {
    let arn = arn(params)?;
    let (key, instance) = (params.optional::<KeyRef>("KeyId")?, params.optional(INSTANCE)?);
    match (arn, key, instance) {
        (None, None, None) => Err(ApiError::missing(ARN)),
        (None, None, Some(id)) => Ok(Protected::Instance(id)),
        (_, _, Some(_)) => Err(ApiError::invalid(INSTANCE)),
        (None, Some(key), None) => Ok(Protected::Key(key)),
        (Some((place, id)), key, None) => {
            let arn = KeyRef::Arn(place, id.clone());
            match key {
                Some(key) if key != arn && key != KeyRef::Id(id) => Err(ApiError::invalid("KeyId")),
                _ => Ok(Protected::Key(arn)),
            }
        }
    }
}

fn arn(params: &mut Params) -> Result<Option<(Place, KeyId)>, ApiError> {
    match params.optional(ARN)? {
        None => Ok(None),
        Some(KeyRef::Arn(place, id)) => Ok(Some((place, id))),
        Some(_) => Err(ApiError::invalid(ARN)),
    }
}
