//! The layout of what the root key and the wrapping keys seal, and sealing it.
//!
//! Format (1 byte), generation of the key that sealed it (4, big endian), IV (12), ciphertext,
//! tag (16). Format and generation are authenticated with the rest.

use yaoku_model::{key::KeySpec, random::Random};
use zeroize::Zeroizing;

use crate::{
    backend::{BackendError, IV_LEN, TAG_LEN},
    cipher::Cipher,
    memory::SECRET_LEN,
    rootkey::Generation,
};

/// The only format there is: AES-256-GCM.
const FORMAT: u8 = 1;

const HEADER_LEN: usize = 5;

/// Seals `bytes` under `key`, bound to `aad`.
pub(crate) fn seal(
    key: &[u8; SECRET_LEN],
    generation: Generation,
    aad: &[u8],
    bytes: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, BackendError> {
    let mut out = Vec::with_capacity(HEADER_LEN + IV_LEN + bytes.len() + TAG_LEN);
    out.extend_from_slice(&header(generation));
    let aad = [&header(generation), aad].concat();
    Cipher::new(KeySpec::Aes256, key)?.seal_into(&aad, bytes, random, &mut out)?;
    Ok(out)
}

/// Opens what [`seal`] made with the same key, generation and AAD.
pub(crate) fn open(
    key: &[u8; SECRET_LEN],
    generation: Generation,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, BackendError> {
    let (found, sealed) =
        sealed.split_first_chunk::<HEADER_LEN>().ok_or(BackendError::DoesNotOpen)?;
    if *found != header(generation) {
        return Err(BackendError::DoesNotOpen);
    }
    Cipher::new(KeySpec::Aes256, key)?.open(&[found, aad].concat(), sealed)
}

/// The generation that a sealed blob names. Whether that is true shows when it is opened.
pub(crate) fn generation_of(sealed: &[u8]) -> Option<Generation> {
    let (&[format, a, b, c, d], _) = sealed.split_first_chunk::<HEADER_LEN>()?;
    (format == FORMAT).then_some(Generation(u32::from_be_bytes([a, b, c, d])))
}

fn header(generation: Generation) -> [u8; HEADER_LEN] {
    let [a, b, c, d] = generation.0.to_be_bytes();
    [FORMAT, a, b, c, d]
}
