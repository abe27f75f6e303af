//! The description of a key or a secret. Source: keys.md §6.1, secrets.md §1.6.

use yaoku_model::text::is_plain;
use yaoku_wire::params::Params;

use crate::error::ApiError;

/// Free text of at most 8192 characters, as [`is_plain`] has it.
#[derive(Debug, Default)]
pub(in crate::api) struct Description(String);

impl Description {
    const MAX_CHARS: usize = 8192;

    /// Takes `Description`; present but empty is an empty one.
    pub(in crate::api) fn take(params: &mut Params) -> Result<Option<Self>, ApiError> {
        Self::take_as(params, "Description")
    }

    /// The same of a parameter called `name`.
    pub(in crate::api) fn take_as(
        params: &mut Params,
        name: &str,
    ) -> Result<Option<Self>, ApiError> {
        let Some(text) = params.text(name) else { return Ok(None) };
        if text.chars().count() > Self::MAX_CHARS || !is_plain(&text) {
            return Err(ApiError::invalid(name));
        }
        Ok(Some(Self(text.as_str().to_owned())))
    }

    /// The text.
    pub(in crate::api) fn as_str(&self) -> &str {
        &self.0
    }
}
