//! Hashes and authentication codes that signatures are made of, as lower-case hexadecimal text.

use ::hmac::{Hmac, KeyInit, Mac};
use aws_lc_rs::{digest, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use sm3::{Digest, Sm3};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::{Code, Refusal};

/// 32 bytes in hexadecimal.
pub(super) type Hex = [u8; 64];

/// What most requests say of their body: `printf '' | sha256sum`.
const SHA256_OF_NOTHING: &Hex = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The hash that a signature is built on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hash {
    Sha256,
    Sm3,
}

impl Hash {
    /// The hash of `data`.
    pub(super) fn hex(self, data: &[u8]) -> Hex {
        match self {
            Self::Sha256 if data.is_empty() => *SHA256_OF_NOTHING,
            Self::Sha256 => hex(digest::digest(&digest::SHA256, data).as_ref()),
            Self::Sm3 => hex(&Sm3::digest(data)),
        }
    }

    /// HMAC of `data` under `key`.
    pub(super) fn mac(self, key: &[u8], data: &[u8]) -> Result<Zeroizing<[u8; 32]>, Refusal> {
        match self {
            Self::Sha256 => Ok(hmac_sha256(key, data)),
            Self::Sm3 => {
                let mac = Hmac::<Sm3>::new_from_slice(key).map_err(|_| Code::InternalFailure)?;
                Ok(Zeroizing::new(mac.chain_update(data).finalize().into_bytes().into()))
            }
        }
    }
}

/// HMAC-SHA256 of `data` under `key`.
pub(super) fn hmac_sha256(key: &[u8], data: &[u8]) -> Zeroizing<[u8; 32]> {
    hmac_sha256_by(&hmac::Key::new(hmac::HMAC_SHA256, key), data)
}

/// The same under a key that is ready.
pub(super) fn hmac_sha256_by(key: &hmac::Key, data: &[u8]) -> Zeroizing<[u8; 32]> {
    let tag = hmac::sign(key, data);
    let mut out = Zeroizing::new([0; 32]);
    out.copy_from_slice(tag.as_ref());
    out
}

/// HMAC-SHA1 of `data` under `key`, as Base64: what signatures of version 1 are.
pub(super) fn hmac_sha1_base64(key: &[u8], data: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    STANDARD.encode(hmac::sign(&key, data))
}

/// Bytes, at most 32, as hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> Hex {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [b'0'; 64];
    for (to, byte) in out.chunks_exact_mut(2).zip(bytes) {
        to[0] = DIGITS[usize::from(byte >> 4)];
        to[1] = DIGITS[usize::from(byte & 15)];
    }
    out
}

/// Whether two texts are the same, in a time that tells nothing but their lengths.
pub(super) fn same(ours: &[u8], theirs: &[u8]) -> bool {
    ours.ct_eq(theirs).into()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest;

    use super::{Hash, hex};

    #[test]
    fn the_hash_of_nothing_is_what_is_computed() {
        assert_eq!(Hash::Sha256.hex(b""), hex(digest::digest(&digest::SHA256, b"").as_ref()));
    }
}
