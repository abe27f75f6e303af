//! Operations on keys, and cryptography with symmetric ones.

use super::Entry;

mod context;
mod create_key;
mod describe_key;
pub(super) mod description;
mod encrypt;
mod metadata;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_key::CreateKey>(), //
    Entry::of::<describe_key::DescribeKey>(),
    Entry::of::<encrypt::Encrypt>(),
];

#[cfg(test)]
mod tests;
