//! Key material that its owner brings. Source: keys.md §12.

use yaoku_wire::error::Code;

use super::Entry;

mod delete_key_material;
mod get_parameters_for_import;
mod import_key_material;

pub(crate) use delete_key_material::forget;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<delete_key_material::DeleteKeyMaterial>(), //
    Entry::of::<get_parameters_for_import::GetParametersForImport>(),
    Entry::of::<import_key_material::ImportKeyMaterial>(),
];

/// What stands in the way of giving a key its material.
const CANNOT_TAKE: &[Code] =
    &[Code::UnsupportedOrigin, Code::StateModifiedFailed, Code::KeyUnavailable];

#[cfg(test)]
pub(in crate::api) mod tests;
