//! The encryption context: from its parameter, and to the bytes that a cipher authenticates.

use aws_lc_rs::digest::{Digest, SHA256, digest};
use yaoku_model::context::EncryptionContext;
use yaoku_wire::params::Params;

use crate::error::ApiError;

/// Takes the context called `name`, in any of its wire forms; absent is empty. Source: keys.md §9.2.
pub(super) fn take(params: &mut Params, name: &str) -> Result<EncryptionContext, ApiError> {
    let members = params.map(name)?.unwrap_or_default().into_iter();
    Ok(members.map(|(key, mut value)| (key, std::mem::take(&mut *value))).collect())
}

/// The bytes that a ciphertext is bound to: a SHA-256, or nothing without a context.
pub(super) struct Aad(Option<Digest>);

/// What a ciphertext made with `context` is bound to. Source: keys.md §9.2.
pub(super) fn aad(context: &EncryptionContext) -> Aad {
    Aad(context.canonical().map(|it| digest(&SHA256, it.as_bytes())))
}

impl AsRef<[u8]> for Aad {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::{aad, take};

    #[test]
    fn the_aad_is_the_digest_of_the_sorted_pairs() {
        // printf 'a=1&b=2' | openssl dgst -sha256 -binary | base64
        let expected = "joW+WMHDcqwp/nv6gNjdy9BKQDLHtRwcAm1nxVsasj8=";
        for json in [r#"{"a":"1","b":"2"}"#, r#"{ "b":"2", "c":null, "a":"1" }"#] {
            let context = take(&mut [("C", json)].into_iter().collect(), "C").unwrap();
            assert_eq!(STANDARD.encode(aad(&context)), expected, "{json}");
        }
    }

    #[test]
    fn no_context_is_no_aad() {
        for json in ["", "{}", " { } ", "null", r#"{"a":null}"#] {
            let context = take(&mut [("C", json)].into_iter().collect(), "C").unwrap();
            assert!(aad(&context).as_ref().is_empty(), "{json}");
        }
    }
}
