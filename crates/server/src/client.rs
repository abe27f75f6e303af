//! The little cryptography that a client does for itself: for the command line, which may not reach
//! into `crypto`.

use aws_lc_rs::digest::{SHA256, digest};
pub use yaoku_crypto::export::ExportError;
use yaoku_crypto::{import::wrap_material, random::SystemRandom};
use yaoku_model::{algorithm::WrappingAlgorithm, key::KeySpec};

/// The SHA-256 digest of a message.
#[must_use]
pub fn sha256(message: &[u8]) -> Vec<u8> {
    digest(&SHA256, message).as_ref().to_vec()
}

/// How material of `spec` is wrapped by [`wrap_for_import`]; `None`: it is never brought.
#[must_use]
pub fn import_algorithm(spec: KeySpec) -> Option<WrappingAlgorithm> {
    [WrappingAlgorithm::OaepSha256, WrappingAlgorithm::OaepSha256Aes256]
        .into_iter()
        .find(|it| it.fits(spec))
}

/// Wraps material by an [`import_algorithm`], under the key that `GetParametersForImport` gave for it:
/// DER `SubjectPublicKeyInfo`, RSA with 2048 bits. Source: keys.md §12.
pub fn wrap_for_import(
    public_key: &[u8],
    algorithm: WrappingAlgorithm,
    material: &[u8],
) -> Result<Vec<u8>, ExportError> {
    wrap_material(public_key, algorithm, material, &SystemRandom)
}
