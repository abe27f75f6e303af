//! Operations on keys, and cryptography with symmetric ones.

use super::{Action, Entry, Operation};

mod blob;
mod cancel_key_deletion;
mod context;
mod create_key;
mod create_key_version;
mod data_key;
mod decrypt;
mod describe_key;
mod describe_key_version;
pub(super) mod description;
mod disable_key;
mod enable_key;
mod encrypt;
mod export;
mod export_data_key;
mod generate_and_export_data_key;
mod generate_data_key;
mod generate_data_key_without_plaintext;
mod get_key_policy;
mod list_key_versions;
mod list_keys;
mod metadata;
mod policy;
mod re_encrypt;
pub(super) mod recipient;
mod rotation;
mod schedule_key_deletion;
mod set_deletion_protection;
mod set_key_policy;
mod update_key_description;
mod update_rotation_policy;
mod version;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<cancel_key_deletion::CancelKeyDeletion>(),
    Entry::of::<create_key::CreateKey>(),
    Entry::of::<create_key_version::CreateKeyVersion>(),
    Entry::of::<decrypt::Decrypt>(),
    Entry::of::<describe_key::DescribeKey>(),
    Entry::of::<describe_key_version::DescribeKeyVersion>(),
    Entry::of::<disable_key::DisableKey>(),
    Entry::of::<enable_key::EnableKey>(),
    Entry::of::<encrypt::Encrypt>(),
    Entry::of::<export_data_key::ExportDataKey>(),
    Entry::of::<generate_and_export_data_key::GenerateAndExportDataKey>(),
    Entry::of::<generate_data_key::GenerateDataKey>(),
    Entry::of::<generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext>(),
    Entry::of::<get_key_policy::GetKeyPolicy>(),
    Entry::of::<list_key_versions::ListKeyVersions>(),
    Entry::of::<list_keys::ListKeys>(),
    Entry::of::<re_encrypt::ReEncrypt>(),
    Entry::of::<schedule_key_deletion::ScheduleKeyDeletion>(),
    Entry::of::<set_deletion_protection::SetDeletionProtection>(),
    Entry::of::<set_key_policy::SetKeyPolicy>(),
    Entry::of::<update_key_description::UpdateKeyDescription>(),
    Entry::of::<update_rotation_policy::UpdateRotationPolicy>(),
];

/// What it takes to seal a secret's value under a customer's key. Source: identity.md §4.3.
pub(crate) const SEAL_SECRET: Action = generate_data_key::GenerateDataKey::ACTION;

/// What it takes to open one. Source: identity.md §4.3.
pub(crate) const OPEN_SECRET: Action = decrypt::Decrypt::ACTION;

#[cfg(test)]
mod tests;
