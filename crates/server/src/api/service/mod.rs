//! Operations on the service as such. Source: keys.md §15.1.

use super::Entry;

mod advance_encrypt;
mod describe_account_kms_status;
mod describe_regions;
mod describe_service;
mod get_challenge;
mod open_kms_service;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<advance_encrypt::AdvanceEncrypt>(), //
    Entry::of::<describe_account_kms_status::DescribeAccountKmsStatus>(),
    Entry::of::<describe_regions::DescribeRegions>(),
    Entry::of::<describe_service::DescribeService>(),
    Entry::of::<get_challenge::GetChallenge>(),
    Entry::of::<open_kms_service::OpenKmsService>(),
];

#[cfg(test)]
mod tests;
