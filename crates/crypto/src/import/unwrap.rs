//! Unwrapping, without saying how far it came.
//!
//! Whoever may bring material could otherwise ask many times, with altered ciphertexts, and learn
//! from how or when he is refused what somebody else has wrapped (Bleichenbacher against PKCS#1
//! v1.5, Vaudenay against padding). So nothing here returns early: where a step fails, random
//! bytes go on in place of what it would have given, and only the last verdict shows.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use sm4::{
    Sm4,
    cipher::{Block, BlockCipherDecrypt as _, KeyInit as _},
};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use yaoku_model::{algorithm::WrappingAlgorithm, key::KeySpec, random::Random};
use zeroize::Zeroizing;

use super::token::Token;
use crate::{
    backend::BackendError,
    pair::{Padding, Pair, RSA_2048_LEN, Rsa, SCALAR_LEN, Sm2},
};

/// Bytes of the AES-256 key in between.
const AES_LEN: usize = 32;

/// Bytes of the SM4 key in between.
const SM4_LEN: usize = 16;

/// What came out, and whether it is what was wrapped or made up.
pub(super) struct Unwrapped {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) right: Choice,
}

/// Unwraps material of `spec`. Fails only where the backend does.
pub(super) fn unwrap(
    token: &Token,
    spec: KeySpec,
    wrapped: &[u8],
    random: &dyn Random,
) -> Result<Unwrapped, BackendError> {
    let way = Way::of(token.algorithm);
    match (token.pair()?, way) {
        (Pair::Rsa(pair), Way::Rsa(padding)) => {
            let len = spec.cipher_key_len().ok_or(BackendError::Unsupported)?;
            rsa(&pair, padding, wrapped, len, random)
        }
        (Pair::Rsa(pair), Way::RsaAes(padding)) => {
            let (key, body) = wrapped.split_at(wrapped.len().min(RSA_2048_LEN));
            Ok(aes(&rsa(&pair, padding, key, AES_LEN, random)?, body))
        }
        (Pair::Sm2(pair), Way::Sm2) => {
            let len = spec.cipher_key_len().ok_or(BackendError::Unsupported)?;
            sm2(&pair, wrapped, len, random)
        }
        (Pair::Sm2(pair), Way::Sm2Sm4) => {
            let (key, body) = wrapped.split_at(wrapped.len().saturating_sub(SCALAR_LEN));
            sm4(&sm2(&pair, key, SM4_LEN, random)?, body)
        }
        _ => Err(BackendError::Unsupported),
    }
}

/// The steps of an algorithm.
#[derive(Clone, Copy)]
enum Way {
    Rsa(Padding),
    RsaAes(Padding),
    Sm2,
    Sm2Sm4,
}

impl Way {
    fn of(algorithm: WrappingAlgorithm) -> Self {
        match algorithm {
            WrappingAlgorithm::Pkcs1 => Self::Rsa(Padding::Pkcs1),
            WrappingAlgorithm::OaepSha1 => Self::Rsa(Padding::OaepSha1),
            WrappingAlgorithm::OaepSha256 => Self::Rsa(Padding::OaepSha256),
            WrappingAlgorithm::Pkcs1Aes256 => Self::RsaAes(Padding::Pkcs1),
            WrappingAlgorithm::OaepSha1Aes256 => Self::RsaAes(Padding::OaepSha1),
            WrappingAlgorithm::OaepSha256Aes256 => Self::RsaAes(Padding::OaepSha256),
            WrappingAlgorithm::Sm2Pke => Self::Sm2,
            WrappingAlgorithm::Sm2PkeSm4 => Self::Sm2Sm4,
        }
    }
}

/// `len` bytes under RSA.
fn rsa(
    pair: &Rsa,
    padding: Padding,
    wrapped: &[u8],
    len: usize,
    random: &dyn Random,
) -> Result<Unwrapped, BackendError> {
    let mut opened = Zeroizing::new(vec![0; RSA_2048_LEN]);
    let found = pair.decrypt_into(padding, wrapped, &mut opened).unwrap_or(usize::MAX);
    choose(&opened[..len], found, random)
}

/// `len` bytes under SM2.
fn sm2(
    pair: &Sm2,
    wrapped: &[u8],
    len: usize,
    random: &dyn Random,
) -> Result<Unwrapped, BackendError> {
    let mut opened = pair.decrypt(wrapped).unwrap_or_default();
    let found = opened.len();
    opened.resize(len, 0);
    choose(&opened, found, random)
}

/// `opened` if as many bytes were found, otherwise random ones.
fn choose(opened: &[u8], found: usize, random: &dyn Random) -> Result<Unwrapped, BackendError> {
    let mut bytes = Zeroizing::new(vec![0; opened.len()]);
    random.fill(&mut bytes)?;
    let right = found.ct_eq(&opened.len());
    for (to, from) in bytes.iter_mut().zip(opened) {
        to.conditional_assign(from, right);
    }
    Ok(Unwrapped { bytes, right })
}

/// What is under an AES-256 key: ECB, padded by PKCS#7. With wrong padding, all of it.
fn aes(key: &Unwrapped, body: &[u8]) -> Unwrapped {
    let mut bytes = Zeroizing::new(body.to_vec());
    let unpadded = UnboundCipherKey::new(&AES_256, &key.bytes)
        .and_then(PaddedBlockDecryptingKey::ecb_pkcs7)
        .and_then(|it| it.decrypt(&mut bytes, DecryptionContext::None).map(|it| it.len()));
    let right = Choice::from(u8::from(unpadded.is_ok()));
    bytes.truncate(unpadded.unwrap_or(usize::MAX));
    Unwrapped { bytes, right: key.right & right }
}

/// What is under an SM4 key: ECB of whole blocks. A part of a block is left out.
fn sm4(key: &Unwrapped, body: &[u8]) -> Result<Unwrapped, BackendError> {
    let cipher = Sm4::new_from_slice(&key.bytes).map_err(|_| BackendError::Unsupported)?;
    let mut bytes = Zeroizing::new(body.to_vec());
    let (blocks, _) = Block::<Sm4>::slice_as_chunks_mut(&mut bytes);
    cipher.decrypt_blocks(blocks);
    let right = body.len().ct_eq(&SCALAR_LEN);
    Ok(Unwrapped { bytes, right: key.right & right })
}
