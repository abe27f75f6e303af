//! Key policies, as they are taken from a call. Source: keys.md §11, identity.md §4.5.

use yaoku_model::{
    policy::{Document, Kind, Object},
    text::is_plain,
};
use yaoku_wire::params::Params;

use crate::error::ApiError;

/// Takes a key policy.
pub(super) fn take(params: &mut Params) -> Result<Option<String>, ApiError> {
    let Some(text) = params.text("Policy").filter(|it| !it.is_empty()) else { return Ok(None) };
    match Document::parse(&text, Kind::Object(Object::Key)) {
        Ok(_) if is_plain(&text) => Ok(Some(text.as_str().to_owned())),
        _ => Err(ApiError::invalid("Policy")),
    }
}
