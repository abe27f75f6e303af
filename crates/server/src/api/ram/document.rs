//! Policy documents, as they are taken from a call. Source: identity.md §2.2, §3.1.

use yaoku_model::{
    policy::{Document, Kind},
    text::is_plain,
};
use yaoku_wire::{
    error::{Code, Refusal},
    params::Params,
};

use crate::error::ApiError;

/// The longest document of a policy or of a role's trust, in characters. Source: identity.md §2.2.
const MAX: usize = 6144;

/// Takes the document called `name`, if it is there; `too_long` is the code for one that is.
///
/// Whoever wrote it reads why it is refused. It is kept byte for byte.
pub(super) fn document(
    params: &mut Params,
    name: &str,
    kind: Kind,
    too_long: Code,
) -> Result<Option<String>, ApiError> {
    let Some(text) = params.text(name).filter(|it| !it.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX {
        return Err(too_long.into());
    }
    match Document::parse(&text, kind) {
        Ok(_) if is_plain(&text) => Ok(Some(text.as_str().to_owned())),
        Ok(_) => Err(Code::MalformedPolicyDocument.into()),
        Err(why) => Err(Refusal::from(Code::MalformedPolicyDocument)
            .with_message(format!("The policy document is malformed. {why}"))
            .into()),
    }
}
