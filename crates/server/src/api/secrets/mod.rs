//! Operations on secrets.

use yaoku_model::{
    arn::SecretRef,
    ids::{InstanceId, Invalid, SecretName},
    policy::{Document, Kind, Object},
    secret::{Managed, Secret, SecretType},
    tag::{Tag, TagKind},
    text::{SecretData, is_plain},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{Action, Entry, Operation as _, data_keys::OPEN_DATA_KEY, keys::OPEN_SECRET};
use crate::{access::Guarded, call::Call, error::ApiError};

mod batch_get_secret_value;
mod create_secret;
mod delete_secret;
mod describe_secret;
mod get_random_password;
mod get_secret_policy;
mod get_secret_value;
mod list_secret_version_ids;
mod list_secrets;
mod managed;
mod put_secret_value;
mod restore_secret;
mod rotate_secret;
mod set_secret_policy;
mod update_secret;
mod update_secret_rotation_policy;
mod update_secret_version_stage;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<batch_get_secret_value::BatchGetSecretValue>(),
    Entry::of::<create_secret::CreateSecret>(),
    Entry::of::<delete_secret::DeleteSecret>(),
    Entry::of::<describe_secret::DescribeSecret>(),
    Entry::of::<get_random_password::GetRandomPassword>(),
    Entry::of::<get_secret_policy::GetSecretPolicy>(),
    Entry::of::<get_secret_value::GetSecretValue>(),
    Entry::of::<list_secret_version_ids::ListSecretVersionIds>(),
    Entry::of::<list_secrets::ListSecrets>(),
    Entry::of::<put_secret_value::PutSecretValue>(),
    Entry::of::<restore_secret::RestoreSecret>(),
    Entry::of::<rotate_secret::RotateSecret>(),
    Entry::of::<set_secret_policy::SetSecretPolicy>(),
    Entry::of::<update_secret::UpdateSecret>(),
    Entry::of::<update_secret_rotation_policy::UpdateSecretRotationPolicy>(),
    Entry::of::<update_secret_version_stage::UpdateSecretVersionStage>(),
];

/// What it takes to read a value: also of a customer's key, and of a managed data key's version.
pub(super) const READ: &[Action] = &[Action::kms("GetSecretValue"), OPEN_SECRET, OPEN_DATA_KEY];

/// Fails unless an instance is in service and has room for one more secret, which is `new`, and for
/// the accounts that its policy lets in. Works on the transaction.
pub(super) async fn must_have_room(
    call: &mut Call<'_>,
    home: &InstanceId,
    new: &Secret,
) -> Result<(), ApiError> {
    let (instance, now) = (call.running_instance(home).await?, call.now);
    let tx = call.tx()?;
    if tx.count_secrets(home, now).await? >= instance.secret_quota {
        return Err(Code::LimitExceeded.into());
    }
    Guarded::from(new).must_fit(tx, instance.access_quota, now).await
}

/// Reads the current value of a secret, if the caller may.
pub(super) async fn current_value(
    call: &mut Call<'_>,
    name: &SecretName,
) -> Result<SecretData, ApiError> {
    let read = get_secret_value::GetSecretValue::current(SecretRef::Name(name.clone()));
    Ok(read.run(call).await?.into_data())
}

/// The answer of operations that say nothing but what they worked on.
#[derive(Debug)]
struct Named(SecretName);

impl Encode for Named {
    fn encode(self) -> Fields {
        Fields::default().text("SecretName", self.0.as_str())
    }
}

/// The tags of a secret, if they are asked for.
async fn tags(
    call: &mut Call<'_>,
    secret: &Secret,
    wanted: bool,
) -> Result<Option<Vec<Tag>>, ApiError> {
    if !wanted {
        return Ok(None);
    }
    let tx = call.tx()?;
    Ok(Some(tx.tags(&secret.account, TagKind::Secret, secret.name.as_str()).await?))
}

/// Adds `Tags`, if they were asked for.
fn with_tags(fields: Fields, tags: Option<Vec<Tag>>) -> Fields {
    let Some(tags) = tags else { return fields };
    let items = tags.iter().map(|it| {
        Fields::default().text("TagKey", it.key.as_str()).text("TagValue", it.value.as_str())
    });
    fields.list("Tags", "Tag", items.collect())
}

/// A name that is not one of the services': those begin with `acs/`, or have a `!` in them.
/// Source: secrets.md §4.1, keys.md §13.
fn own_name(sent: &str) -> Result<SecretName, ApiError> {
    let name = sent.parse().map_err(|Invalid| ApiError::invalid("SecretName"))?;
    if sent.starts_with("acs/") || sent.contains('!') {
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

/// What a managed secret has. Fails for a generic one, which the service does not rotate.
/// Source: secrets.md §4.10, §7.
fn managed(secret: &Secret) -> Result<&Managed, ApiError> {
    secret.managed.as_ref().ok_or(Code::RejectedUnsupportedOperation.into())
}

/// Fails for a secret whose versions the service makes. Source: secrets.md §4.6, §4.9.
fn must_be_generic(secret: &Secret) -> Result<(), ApiError> {
    match secret.kind {
        SecretType::Generic => Ok(()),
        _ => Err(Code::RejectedUnsupportedOperation.into()),
    }
}

#[cfg(test)]
mod tests;
