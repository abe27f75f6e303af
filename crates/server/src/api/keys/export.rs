//! Data keys on their way to another module: wrapped for a public key of the client's.
//! Source: keys.md §9.7.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_crypto::export::wrap_for_export;
use yaoku_model::{
    algorithm::{EncryptionAlgorithm, WrappingKeySpec},
    key::KeySpec,
    text::Wiped,
};
use yaoku_wire::params::Params;
use zeroize::Zeroizing;

use crate::{api::bytes, call::Call, error::ApiError};

/// The parameter with the public key.
const PUBLIC_KEY: &str = "PublicKeyBlob";

/// The longest public key, in bytes: several times what an RSA key of 2,048 bits takes. Our choice.
const MAX_PUBLIC_KEY: usize = 2048;

/// For whom a data key is wrapped.
#[derive(Debug)]
pub(super) struct Wrapper {
    public_key: Wiped,
    spec: WrappingKeySpec,
    algorithm: EncryptionAlgorithm,
}

impl Wrapper {
    /// Takes the three parameters; the algorithm must be one of such a key.
    pub(super) fn take(params: &mut Params) -> Result<Self, ApiError> {
        let spec = params.required("WrappingKeySpec")?;
        let algorithm = params.required("WrappingAlgorithm")?;
        let of_sm2 = algorithm == EncryptionAlgorithm::Sm2Pke;
        if of_sm2 != (spec == WrappingKeySpec::EcSm2) {
            return Err(ApiError::invalid("WrappingAlgorithm"));
        }
        let public_key = bytes::required(params, PUBLIC_KEY, MAX_PUBLIC_KEY)?;
        Ok(Self { public_key, spec, algorithm })
    }

    /// The most bytes that it can be given.
    pub(super) fn longest(&self) -> usize {
        let spec = match self.spec {
            WrappingKeySpec::Rsa2048 => KeySpec::Rsa2048,
            WrappingKeySpec::EcSm2 => KeySpec::EcSm2,
        };
        self.algorithm.max_plaintext(spec).unwrap_or_default()
    }

    /// Wraps the bytes of a data key, given as the text that a blob holds. What `Encrypt` sealed may
    /// be no Base64: it is wrapped as it is. Source: keys.md §9.7 (inferred there).
    ///
    /// The public key is wrong if it cannot be read, is of another kind, or is too small for it.
    pub(super) fn wrap(&self, call: &Call<'_>, text: &[u8]) -> Result<Vec<u8>, ApiError> {
        let decoded = STANDARD.decode(text).map(Zeroizing::new);
        let data = decoded.as_ref().map_or(text, |it| it.as_slice());
        let wrapped =
            wrap_for_export(&self.public_key, self.spec, self.algorithm, data, call.random());
        wrapped.map_err(|_| ApiError::invalid(PUBLIC_KEY))
    }
}
