//! The encryption context, and the ciphertext blob that it guards.

use std::collections::BTreeMap;

use crate::ids::{Invalid, KeyVersionId};

/// A map of strings. Two contexts are equal when their pairs are, in whatever order they were sent.
///
/// What a client may send for one, and what counts as none, is `wire`'s to know.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct EncryptionContext(BTreeMap<String, String>);

impl EncryptionContext {
    /// The value of one member, as policies ask for it (`kms:EncryptionContext:<key>`).
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// What the ciphertext is bound to: `k=v` joined by `&`, keys sorted; `None` without a context.
    ///
    /// Its SHA-256 is the AAD. The service escapes neither `=` nor `&`, so two contexts can share
    /// a digest. We keep its rule because ciphertexts move between the two. Source: keys.md §9.2.
    #[must_use]
    pub fn canonical(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let pairs: Vec<_> = self.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Some(pairs.join("&"))
    }

    /// The context that the same AAD stands for when it is taken apart again, if that is another
    /// one: `{"a":"1&b=2"}` is sealed as `{"a":"1","b":"2"}` is. What a policy says of either must
    /// hold, or its author could be tricked.
    #[must_use]
    pub fn other_reading(&self) -> Option<Self> {
        let text = self.canonical()?;
        let pairs = text.split('&').map(|it| it.split_once('=').unwrap_or((it, "")));
        let other: Self = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        (other != *self).then_some(other)
    }
}

impl FromIterator<(String, String)> for EncryptionContext {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// What `Encrypt` answers and `Decrypt` is given: the version's id, then what was sealed.
///
/// On the wire: Base64 of version id (36), IV (12), ciphertext, tag (16). Other programs build and
/// split it, so not ours to change. Source: keys.md §9.3.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CiphertextBlob {
    /// The key version that opens it.
    pub version: KeyVersionId,
    /// IV, ciphertext, tag.
    pub sealed: Vec<u8>,
}

impl CiphertextBlob {
    /// Bytes of IV and tag around the ciphertext.
    pub const OVERHEAD: usize = 12 + 16;

    /// The shortest: a plaintext has at least one byte.
    pub const MIN_LEN: usize = KeyVersionId::MAX_LEN + Self::OVERHEAD + 1;

    /// The longest: nothing more was ever sealed.
    pub const MAX_LEN: usize = Self::MIN_LEN - 1 + crate::text::Plaintext::MAX_LEN;

    /// Reads a blob. Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Invalid> {
        if !(Self::MIN_LEN..=Self::MAX_LEN).contains(&bytes.len()) {
            return Err(Invalid);
        }
        let (version, sealed) = bytes.split_at(KeyVersionId::MAX_LEN);
        let version = std::str::from_utf8(version).map_err(|_| Invalid)?.parse()?;
        Ok(Self { version, sealed: sealed.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::{CiphertextBlob, EncryptionContext};
    use crate::ids::Invalid;

    const VERSION: &str = "86a9efd9-3d16-4894-bd4f-1fc43f3f2abf";

    #[test]
    fn the_order_in_which_a_context_was_sent_does_not_matter() {
        let context = |pairs: &[(&str, &str)]| {
            let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
            pairs.iter().map(own).collect::<EncryptionContext>().canonical()
        };
        assert_eq!(context(&[("b", "2"), ("a", "1")]), Some("a=1&b=2".to_owned()));
        assert_eq!(context(&[]), None);
    }

    #[test]
    fn a_context_that_hides_another_one_is_read_both_ways() {
        let context = |pairs: &[(&str, &str)]| {
            let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
            pairs.iter().map(own).collect::<EncryptionContext>()
        };
        assert_eq!(context(&[("a", "1"), ("b", "x=y==")]).other_reading(), None);
        let hidden = context(&[("app", "1&tenant=b")]).other_reading();
        assert_eq!(hidden, Some(context(&[("app", "1"), ("tenant", "b")])));
    }

    #[test]
    fn a_blob_too_short_or_too_long_is_refused() {
        let bytes = [VERSION.as_bytes(), &[7; CiphertextBlob::MAX_LEN - 35]].concat();
        for len in (0..CiphertextBlob::MIN_LEN).chain([CiphertextBlob::MAX_LEN + 1]) {
            assert_eq!(CiphertextBlob::decode(&bytes[..len]), Err(Invalid), "{len} bytes");
        }
        for len in [CiphertextBlob::MIN_LEN, CiphertextBlob::MAX_LEN] {
            let blob = CiphertextBlob::decode(&bytes[..len]).unwrap();
            assert_eq!((blob.version.as_str(), blob.sealed.len()), (VERSION, len - 36));
        }
    }

    #[test]
    fn a_blob_that_names_no_version_is_refused() {
        for byte in [0, b' ', b'/', 0xff] {
            assert_eq!(CiphertextBlob::decode(&[byte; 100]), Err(Invalid), "{byte}");
        }
    }
}
