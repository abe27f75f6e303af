//! Operations on the service as such. Source: keys.md §15.1.

use super::Entry;

mod describe_account_kms_status;
mod describe_regions;
mod open_kms_service;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<describe_account_kms_status::DescribeAccountKmsStatus>(), //
    Entry::of::<describe_regions::DescribeRegions>(),
    Entry::of::<open_kms_service::OpenKmsService>(),
];

#[cfg(test)]
mod tests;
