//! The little cryptography that a client does for itself: for the command line, which may not reach
//! into `crypto`.

use aws_lc_rs::digest::{SHA256, digest};
pub use yaoku_crypto::export::ExportError;
use yaoku_crypto::{export::wrap_for_export, random::SystemRandom};
use yaoku_model::algorithm::{EncryptionAlgorithm, WrappingKeySpec};

/// The SHA-256 digest of a message.
#[must_use]
pub fn sha256(message: &[u8]) -> Vec<u8> {
    digest(&SHA256, message).as_ref().to_vec()
}

/// Wraps the material of a symmetric key, of at most 190 bytes, under the key that
/// `GetParametersForImport` gave for `RSAES_OAEP_SHA_256`: DER `SubjectPublicKeyInfo`, RSA with 2048
/// bits. Source: keys.md §12.
pub fn wrap_for_import(public_key: &[u8], material: &[u8]) -> Result<Vec<u8>, ExportError> {
    let (spec, algorithm) = (WrappingKeySpec::Rsa2048, EncryptionAlgorithm::OaepSha256);
    wrap_for_export(public_key, spec, algorithm, material, &SystemRandom)
}
