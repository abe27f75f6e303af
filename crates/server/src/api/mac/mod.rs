//! Message authentication codes. Source: keys.md §10.

use yaoku_model::{algorithm::MacAlgorithm, arn::KeyRef, ids::KeyId, text::Wiped};
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use super::{Action, Entry, bytes};
use crate::{
    call::{Ask, Call, UsableKey},
    error::ApiError,
};

mod generate_mac;
mod verify_mac;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<generate_mac::GenerateMac>(), //
    Entry::of::<verify_mac::VerifyMac>(),
];

/// The codes of both, besides a wrong state.
const MAC: &[Code] = &[Code::KeyNotFound, Code::AliasNotFound, Code::RejectedUnsupportedOperation];

/// The longest message, in bytes. Source: keys.md §10 (inferred there).
const MAX_MESSAGE: usize = 6144;

/// A message, and the key that makes its code.
#[derive(Debug)]
struct Message {
    key: KeyRef,
    algorithm: MacAlgorithm,
    text: Wiped,
}

impl Message {
    fn take(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            key: params.required("KeyId")?,
            algorithm: params.required("Algorithm")?,
            text: bytes::required(params, "Message", MAX_MESSAGE)?,
        })
    }

    /// Finds the key: its kind must be the algorithm's.
    async fn usable(&self, call: &mut Call<'_>, action: Action) -> Result<UsableKey, ApiError> {
        let ask = Ask::algorithm(action, self.algorithm.as_str());
        call.usable_primary(&self.key, ask, |it| it.spec == self.algorithm.spec()).await
    }

    /// What both answers say. No version: the vendor's has none.
    fn fields(algorithm: MacAlgorithm, key: &KeyId) -> Fields {
        Fields::default().text("Algorithm", algorithm.as_str()).text("KeyId", key.as_str())
    }
}

#[cfg(test)]
mod tests;
