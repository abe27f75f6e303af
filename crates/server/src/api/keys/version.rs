//! A version of a key, as three operations answer it. Source: keys.md §8.1.

use yaoku_model::key::KeyVersion;
use yaoku_wire::fields::{Encode, Fields};

/// Its fields.
pub(super) fn fields(version: &KeyVersion) -> Fields {
    Fields::default()
        .text("KeyId", version.key.as_str())
        .text("KeyVersionId", version.id.as_str())
        .text("CreationDate", version.created.to_string())
}

/// The answer of the operations that tell of one version.
#[derive(Debug)]
pub(super) struct One(pub(super) KeyVersion);

impl Encode for One {
    fn encode(self) -> Fields {
        Fields::default().object("KeyVersion", fields(&self.0))
    }
}
