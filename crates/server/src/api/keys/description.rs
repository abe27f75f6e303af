//! A key's description. Source: keys.md §6.1.

use yaoku_wire::params::Params;

use crate::error::ApiError;

/// Free text of at most 8192 characters.
#[derive(Debug, Default)]
pub(super) struct Description(String);

impl Description {
    const MAX_CHARS: usize = 8192;

    /// Takes `Description`; present but empty is an empty one.
    pub(super) fn take(params: &mut Params) -> Result<Option<Self>, ApiError> {
        let Some(text) = params.text("Description") else { return Ok(None) };
        if text.chars().count() > Self::MAX_CHARS {
            return Err(ApiError::invalid("Description"));
        }
        Ok(Some(Self(text.as_str().to_owned())))
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
