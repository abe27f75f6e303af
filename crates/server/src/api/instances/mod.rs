//! Operations on instances. Source: instance.md §1.5.

use super::Entry;

mod get_kms_instance;
mod list_kms_instances;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<get_kms_instance::GetKmsInstance>(), //
    Entry::of::<list_kms_instances::ListKmsInstances>(),
];

/// How an instance is paid for. Nothing is sold here; this one goes with an end date.
const CHARGE_TYPE: &str = "PREPAY";

#[cfg(test)]
mod tests;
