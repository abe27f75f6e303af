//! `RotationInterval`, as two operations take it. Source: keys.md §6.1, §8.2.

use yaoku_model::key::{Interval, Key};
use yaoku_wire::params::Params;

use crate::error::ApiError;

/// Takes it, in seconds, if it is there.
pub(super) fn interval(params: &mut Params) -> Result<Option<i64>, ApiError> {
    match params.optional("RotationInterval") {
        Ok(None) => Ok(None),
        Ok(Some(Interval(it))) if Key::ROTATION_SECONDS.contains(&it) => Ok(Some(it)),
        Ok(Some(_)) | Err(_) => Err(invalid()),
    }
}

/// Its refusal.
pub(super) fn invalid() -> ApiError {
    ApiError::invalid_unquoted("RotationInterval")
}
