//! Operations on secrets.

use yaoku_model::secret::{Secret, SecretType};
use yaoku_wire::error::Code;

use super::{Action, Entry};
use crate::error::ApiError;

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

/// What it takes to seal a value under a customer's key. Source: identity.md §4.3.
const SEAL: Action = Action::kms("GenerateDataKey");

/// What it takes to open one. Source: identity.md §4.3.
const OPEN: Action = Action::kms("Decrypt");

/// Fails for a secret whose versions the service makes. Source: secrets.md §4.6, §4.9.
fn must_be_generic(secret: &Secret) -> Result<(), ApiError> {
    match secret.kind {
        SecretType::Generic => Ok(()),
        _ => Err(Code::RejectedUnsupportedOperation.into()),
    }
}

#[cfg(test)]
mod tests;
