//! Message authentication codes: HMAC with SHA-2 by AWS-LC, with SM3 by `RustCrypto`.

use ::hmac::{Hmac, KeyInit as _, Mac as _};
use aws_lc_rs::hmac;
use hmac::{HMAC_SHA224, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use sm3::Sm3;
use yaoku_model::key::KeySpec;

use crate::backend::BackendError;

/// A secret, ready to make and check codes.
pub(crate) enum Mac {
    Sha2(Box<hmac::Key>),
    Sm3(Box<Hmac<Sm3>>),
}

impl Mac {
    /// Bytes of the secret and of the code, which are as long as the hash; `None`: no HMAC key.
    pub(crate) const fn len(spec: KeySpec) -> Option<usize> {
        match spec {
            KeySpec::HmacSm3 | KeySpec::HmacSha256 => Some(32),
            KeySpec::HmacSha224 => Some(28),
            KeySpec::HmacSha384 => Some(48),
            KeySpec::HmacSha512 => Some(64),
            _ => None,
        }
    }

    /// Fails if `spec` is no HMAC key.
    pub(crate) fn new(spec: KeySpec, secret: &[u8]) -> Result<Self, BackendError> {
        let algorithm = match spec {
            KeySpec::HmacSha224 => HMAC_SHA224,
            KeySpec::HmacSha256 => HMAC_SHA256,
            KeySpec::HmacSha384 => HMAC_SHA384,
            KeySpec::HmacSha512 => HMAC_SHA512,
            KeySpec::HmacSm3 => {
                let key = Hmac::new_from_slice(secret).map_err(|_| BackendError::Unsupported)?;
                return Ok(Self::Sm3(Box::new(key)));
            }
            _ => return Err(BackendError::Unsupported),
        };
        Ok(Self::Sha2(Box::new(hmac::Key::new(algorithm, secret))))
    }

    pub(crate) fn code(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha2(key) => hmac::sign(key, message).as_ref().to_vec(),
            Self::Sm3(key) => {
                (**key).clone().chain_update(message).finalize().into_bytes().to_vec()
            }
        }
    }

    /// In constant time. A code that was cut is not equal.
    pub(crate) fn verify(&self, message: &[u8], code: &[u8]) -> bool {
        match self {
            Self::Sha2(key) => hmac::verify(key, message, code).is_ok(),
            Self::Sm3(key) => (**key).clone().chain_update(message).verify_slice(code).is_ok(),
        }
    }

    /// Bytes it takes outside its own value.
    pub(crate) fn heap_len(&self) -> usize {
        match self {
            Self::Sha2(_) => size_of::<hmac::Key>(),
            Self::Sm3(_) => size_of::<Hmac<Sm3>>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use sm3::{Digest as _, Sm3};
    use yaoku_model::key::KeySpec;

    use super::Mac;
    use crate::answers::answers;

    #[test]
    fn hmac_gives_the_known_answers() {
        for (spec, file) in [
            (KeySpec::HmacSm3, "hmac/hmac-sm3.txt"),
            (KeySpec::HmacSha224, "hmac/hmac-sha-224.txt"),
            (KeySpec::HmacSha256, "hmac/hmac-sha-256.txt"),
            (KeySpec::HmacSha384, "hmac/hmac-sha-384.txt"),
            (KeySpec::HmacSha512, "hmac/hmac-sha-512.txt"),
        ] {
            for it in answers(file) {
                let mac = Mac::new(spec, &it.bytes("Key")).unwrap();
                let (message, code) = (it.bytes("Msg"), it.bytes("MD"));
                assert_eq!(mac.code(&message), code, "{file} {}", it.text("Count"));
                assert!(mac.verify(&message, &code), "{file} {}", it.text("Count"));
            }
        }
    }

    #[test]
    fn sm3_gives_the_known_answers() {
        for it in answers("sm3/sm3.txt") {
            let hash = Sm3::digest(it.bytes("Msg"));
            assert_eq!(hash[..], it.bytes("MD"), "{}", it.text("Count"));
        }
    }
}
