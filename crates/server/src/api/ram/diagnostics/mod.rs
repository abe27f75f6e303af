//! What a refusal says to who may know.

use crate::api::Entry;

mod decode_diagnostic_message;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] =
    &[Entry::of::<decode_diagnostic_message::DecodeDiagnosticMessage>()];
