//! Bytes on the wire: Base64 of the standard alphabet, with padding.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_model::text::Wiped;
use yaoku_wire::params::Params;

use crate::error::ApiError;

/// The longest code or signature that is looked at, in bytes. One that is too long for its algorithm
/// is not one, which is an answer and no fault (keys.md §10); where that ends is our choice.
pub(super) const MAX_PROOF: usize = 6144;

/// Takes the bytes called `name`, at most `max` of them and at least one.
pub(super) fn required(params: &mut Params, name: &str, max: usize) -> Result<Wiped, ApiError> {
    let text = params.text(name).filter(|it| !it.is_empty());
    let text = text.ok_or_else(|| ApiError::missing(name))?;
    let bytes = STANDARD.decode(text.as_bytes()).map(Wiped::from);
    let bytes = bytes.ok().filter(|it| (1..=max).contains(&it.len()));
    bytes.ok_or_else(|| ApiError::invalid(name))
}

/// Takes exactly `N` bytes.
pub(super) fn exactly<const N: usize>(
    params: &mut Params,
    name: &str,
) -> Result<[u8; N], ApiError> {
    let bytes = required(params, name, N)?;
    bytes.as_slice().try_into().map_err(|_| ApiError::invalid(name))
}

#[cfg(test)]
mod tests {
    use super::{exactly, required};

    #[test]
    fn bytes_are_padded_base64_within_bounds() {
        for (text, expected) in [
            ("", None),
            ("aGVsbG8=", Some(&b"hello"[..])),
            ("aGVsbG8", None),
            ("aGVsbG8h", None),
            ("aGVs bG8=", None),
            ("_-__", None),
        ] {
            let found = required(&mut [("B", text)].into_iter().collect(), "B", 5).ok();
            assert_eq!(found.as_ref().map(|it| it.as_slice()), expected, "{text}");
        }
        let exact = |text| exactly::<5>(&mut [("B", text)].into_iter().collect(), "B").ok();
        assert_eq!(exact("aGVsbG8="), Some(*b"hello"));
        assert_eq!(exact("aGVs"), None);
    }
}
