//! `Recipient`: whom a plaintext is to be wrapped for.

use yaoku_wire::{error::Code, params::Params};

use crate::error::ApiError;

/// Refuses a recipient. Ignoring one would hand out a plaintext that its caller does not expect.
///
/// Source: keys.md §9.9 (inferred there: the vendor says nothing about it).
pub(in crate::api) fn refuse(params: &mut Params) -> Result<(), ApiError> {
    match params.text("Recipient") {
        Some(text) if !text.is_empty() => Err(Code::UnsupportedOperation.into()),
        _ => Ok(()),
    }
}
