//! What the operations on the root key's wraps take alike.

use std::path::PathBuf;

use secrecy::SecretString;
use yaoku_model::ids::Invalid;
use yaoku_wire::params::Params;

use crate::{error::ApiError, root::Share};

/// Takes the path of a file on the server's machine: from the root, so that no working directory
/// counts.
pub(super) fn path(params: &mut Params, name: &str) -> Result<Option<PathBuf>, ApiError> {
    let Some(path) = params.text(name).filter(|it| !it.is_empty()) else { return Ok(None) };
    let path = PathBuf::from(path.as_str());
    if path.is_absolute() { Ok(Some(path)) } else { Err(ApiError::invalid(name)) }
}

/// Takes `Passphrase`.
pub(super) fn passphrase(params: &mut Params) -> Option<SecretString> {
    let passphrase = params.text("Passphrase").filter(|it| !it.is_empty())?;
    Some(SecretString::from(passphrase.as_str()))
}

/// Takes a number of shares.
pub(super) fn count(params: &mut Params, name: &str) -> Result<Option<u8>, ApiError> {
    let count = params.integer(name, 2..=255)?;
    Ok(count.and_then(|it| u8::try_from(it).ok()))
}

/// Takes `Shares`: with white space between them.
pub(super) fn shares(params: &mut Params) -> Result<Option<Vec<Share>>, ApiError> {
    let Some(text) = params.text("Shares").filter(|it| !it.is_empty()) else { return Ok(None) };
    let shares: Result<_, _> = text.split_whitespace().map(str::parse).collect();
    shares.map(Some).map_err(|Invalid| ApiError::invalid("Shares"))
}
