//! Operations on keys, and cryptography with symmetric ones.

use super::{Action, Entry, Operation};

mod blob;
mod context;
mod create_key;
mod data_key;
mod decrypt;
mod describe_key;
pub(super) mod description;
mod disable_key;
mod enable_key;
mod encrypt;
mod export;
mod export_data_key;
mod generate_and_export_data_key;
mod generate_data_key;
mod generate_data_key_without_plaintext;
mod list_keys;
mod metadata;
mod re_encrypt;
pub(super) mod recipient;
mod update_key_description;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_key::CreateKey>(), //
    Entry::of::<decrypt::Decrypt>(),
    Entry::of::<describe_key::DescribeKey>(),
    Entry::of::<disable_key::DisableKey>(),
    Entry::of::<enable_key::EnableKey>(),
    Entry::of::<encrypt::Encrypt>(),
    Entry::of::<export_data_key::ExportDataKey>(),
    Entry::of::<generate_and_export_data_key::GenerateAndExportDataKey>(),
    Entry::of::<generate_data_key::GenerateDataKey>(),
    Entry::of::<generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext>(),
    Entry::of::<list_keys::ListKeys>(),
    Entry::of::<re_encrypt::ReEncrypt>(),
    Entry::of::<update_key_description::UpdateKeyDescription>(),
];

/// What it takes to seal a secret's value under a customer's key. Source: identity.md §4.3.
pub(super) const SEAL_SECRET: Action = generate_data_key::GenerateDataKey::ACTION;

/// What it takes to open one. Source: identity.md §4.3.
pub(super) const OPEN_SECRET: Action = decrypt::Decrypt::ACTION;

#[cfg(test)]
mod tests;
