//! Operations on secrets.

use yaoku_model::{
    arn::SecretRef,
    ids::{InstanceId, SecretName},
    secret::{Secret, SecretType},
    tag::{Tag, TagKind},
    text::SecretData,
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
};

pub(super) use self::sealed::{NewValue, Sealed};
use super::{Action, Entry, Operation as _, data_keys::OPEN_DATA_KEY, keys::OPEN_SECRET};
use crate::{access::Guarded, call::Call, error::ApiError};

mod batch_get_secret_value;
mod create_secret;
mod delete_secret;
mod describe_secret;
mod get_random_password;
mod get_secret_value;
mod list_secret_version_ids;
mod list_secrets;
mod put_secret_value;
mod restore_secret;
mod sealed;
mod update_secret;
mod update_secret_version_stage;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<batch_get_secret_value::BatchGetSecretValue>(),
    Entry::of::<create_secret::CreateSecret>(),
    Entry::of::<delete_secret::DeleteSecret>(),
    Entry::of::<describe_secret::DescribeSecret>(),
    Entry::of::<get_random_password::GetRandomPassword>(),
    Entry::of::<get_secret_value::GetSecretValue>(),
    Entry::of::<list_secret_version_ids::ListSecretVersionIds>(),
    Entry::of::<list_secrets::ListSecrets>(),
    Entry::of::<put_secret_value::PutSecretValue>(),
    Entry::of::<restore_secret::RestoreSecret>(),
    Entry::of::<update_secret::UpdateSecret>(),
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

/// Fails for a secret whose versions the service makes. Source: secrets.md §4.6, §4.9.
fn must_be_generic(secret: &Secret) -> Result<(), ApiError> {
    match secret.kind {
        SecretType::Generic => Ok(()),
        _ => Err(Code::RejectedUnsupportedOperation.into()),
    }
}

#[cfg(test)]
mod tests;
