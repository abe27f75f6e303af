//! Operations on keys, and cryptography with symmetric ones.

use super::Entry;

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
mod generate_data_key;
mod generate_data_key_without_plaintext;
mod list_keys;
mod metadata;
mod re_encrypt;
mod recipient;
mod update_key_description;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_key::CreateKey>(), //
    Entry::of::<decrypt::Decrypt>(),
    Entry::of::<describe_key::DescribeKey>(),
    Entry::of::<disable_key::DisableKey>(),
    Entry::of::<enable_key::EnableKey>(),
    Entry::of::<encrypt::Encrypt>(),
    Entry::of::<generate_data_key::GenerateDataKey>(),
    Entry::of::<generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext>(),
    Entry::of::<list_keys::ListKeys>(),
    Entry::of::<re_encrypt::ReEncrypt>(),
    Entry::of::<update_key_description::UpdateKeyDescription>(),
];

#[cfg(test)]
mod tests;
