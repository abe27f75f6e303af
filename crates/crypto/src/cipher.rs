//! The two ciphers: AES-GCM by AWS-LC and SM4-GCM by `RustCrypto`, both with a random 96-bit IV.

use aes_gcm::{
    AesGcm, KeyInit,
    aead::{AeadInOut, consts::U12, inout::InOutBuf},
};
use aws_lc_rs::aead::{
    AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey,
};
use sm4::Sm4;
use yaoku_model::{key::KeySpec, random::Random};
use zeroize::{Zeroize, Zeroizing};

use crate::backend::{BackendError, IV_LEN, TAG_LEN};

/// Bytes of AWS-LC's expanded key, on its own heap: `EVP_AEAD_CTX` and what the allocator adds.
const AES_HEAP_LEN: usize = 608;

type Sm4Gcm = AesGcm<Sm4, U12>;

/// An expanded key, ready to seal and open.
pub(crate) enum Cipher {
    Aes(LessSafeKey),
    Sm4(Box<Sm4Gcm>),
}

impl Cipher {
    /// Expands `material`. Fails if `spec` is not a symmetric one or the length is not its own.
    pub(crate) fn new(spec: KeySpec, material: &[u8]) -> Result<Self, BackendError> {
        match spec {
            KeySpec::Aes128 => aes(&AES_128_GCM, material),
            KeySpec::Aes192 => aes(&AES_192_GCM, material),
            KeySpec::Aes256 => aes(&AES_256_GCM, material),
            KeySpec::Sm4 => {
                let cipher = Sm4Gcm::new_from_slice(material).map_err(|_| WRONG_LENGTH)?;
                Ok(Self::Sm4(Box::new(cipher)))
            }
            _ => Err(BackendError::Unsupported),
        }
    }

    /// Bytes it takes outside its own value.
    pub(crate) fn heap_len(&self) -> usize {
        match self {
            Self::Aes(_) => AES_HEAP_LEN,
            Self::Sm4(_) => size_of::<Sm4Gcm>(),
        }
    }

    /// Appends a fresh IV, the ciphertext and the tag to `out`. On failure `out` is as it was.
    pub(crate) fn seal_into(
        &self,
        aad: &[u8],
        plaintext: &[u8],
        random: &dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<(), BackendError> {
        let mut iv = [0; IV_LEN];
        random.fill(&mut iv)?;
        let start = out.len();
        // All at once: growing later would leave a copy of the plaintext behind.
        out.reserve(IV_LEN + plaintext.len() + TAG_LEN);
        out.extend_from_slice(&iv);
        out.extend_from_slice(plaintext);
        match self.encrypt(iv, aad, &mut out[start + IV_LEN..]) {
            Ok(tag) => out.extend_from_slice(&tag),
            Err(error) => {
                out[start..].zeroize();
                out.truncate(start);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Opens IV, ciphertext and tag.
    pub(crate) fn open(
        &self,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let (iv, rest) = sealed.split_first_chunk().ok_or(BackendError::DoesNotOpen)?;
        let (body, tag) = rest.split_last_chunk().ok_or(BackendError::DoesNotOpen)?;
        let mut out = Zeroizing::new(vec![0; body.len()]);
        self.decrypt(*iv, aad, body, tag, &mut out)?;
        Ok(out)
    }

    /// Encrypts in place and answers the tag.
    fn encrypt(
        &self,
        iv: [u8; IV_LEN],
        aad: &[u8],
        bytes: &mut [u8],
    ) -> Result<[u8; TAG_LEN], BackendError> {
        match self {
            Self::Aes(key) => key
                .seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::from(aad), bytes)
                .ok()
                .and_then(|it| it.as_ref().try_into().ok())
                .ok_or(BackendError::Failed("AES-GCM did not seal")),
            Self::Sm4(key) => key
                .encrypt_inout_detached(&iv.into(), aad, bytes.into())
                .map(Into::into)
                .map_err(|_| BackendError::Failed("SM4-GCM did not seal")),
        }
    }

    /// Decrypts `body` to `out`, which is as long. Why it fails is not said.
    fn decrypt(
        &self,
        iv: [u8; IV_LEN],
        aad: &[u8],
        body: &[u8],
        tag: &[u8; TAG_LEN],
        out: &mut [u8],
    ) -> Result<(), BackendError> {
        match self {
            Self::Aes(key) => key
                .open_separate_gather(
                    Nonce::assume_unique_for_key(iv),
                    Aad::from(aad),
                    body,
                    tag,
                    out,
                )
                .map_err(|_| BackendError::DoesNotOpen),
            Self::Sm4(key) => {
                let both = InOutBuf::new(body, out).map_err(|_| BackendError::DoesNotOpen)?;
                key.decrypt_inout_detached(&iv.into(), aad, both, &(*tag).into())
                    .map_err(|_| BackendError::DoesNotOpen)
            }
        }
    }
}

const WRONG_LENGTH: BackendError = BackendError::Failed("key material of a wrong length");

fn aes(algorithm: &'static Algorithm, material: &[u8]) -> Result<Cipher, BackendError> {
    let key = UnboundKey::new(algorithm, material).map_err(|_| WRONG_LENGTH)?;
    Ok(Cipher::Aes(LessSafeKey::new(key)))
}

#[cfg(test)]
mod tests {
    use sm4::cipher::{Block, BlockCipherEncrypt};
    use yaoku_model::{
        key::KeySpec,
        random::{NoRandomness, Random},
    };

    use super::{Cipher, KeyInit, Sm4};
    use crate::{answers::answers, backend::BackendError};

    /// Randomness that says the IV of the answer.
    struct Says(Vec<u8>);

    impl Random for Says {
        fn fill(&self, to: &mut [u8]) -> Result<(), NoRandomness> {
            to.copy_from_slice(&self.0);
            Ok(())
        }
    }

    #[test]
    fn gcm_gives_the_known_answers() {
        for (spec, file) in [
            (KeySpec::Aes128, "aes-gcm/aes-128-gcm.txt"),
            (KeySpec::Aes192, "aes-gcm/aes-192-gcm.txt"),
            (KeySpec::Aes256, "aes-gcm/aes-256-gcm.txt"),
            (KeySpec::Sm4, "sm4/sm4-gcm.txt"),
        ] {
            for it in answers(file) {
                let count = it.text("Count");
                let cipher = Cipher::new(spec, &it.bytes("Key")).unwrap();
                let (aad, plaintext) = (it.bytes("AAD"), it.bytes("PT"));
                let expected = [it.bytes("IV"), it.bytes("CT"), it.bytes("Tag")].concat();

                let mut sealed = Vec::new();
                let iv = Says(it.bytes("IV"));
                cipher.seal_into(&aad, &plaintext, &iv, &mut sealed).unwrap();
                assert_eq!(sealed, expected, "{file} {count}");
                assert_eq!(*cipher.open(&aad, &sealed).unwrap(), plaintext, "{file} {count}");
            }
        }
    }

    #[test]
    fn sm4_gives_the_known_answers() {
        for it in answers("sm4/sm4-block.txt") {
            let cipher = Sm4::new_from_slice(&it.bytes("Key")).unwrap();
            let mut block = Block::<Sm4>::try_from(&it.bytes("PT")[..]).unwrap();
            for _ in 0..it.text("Rounds").parse::<u32>().unwrap() {
                cipher.encrypt_block(&mut block);
            }
            assert_eq!(block[..], it.bytes("CT"), "{}", it.text("Count"));
        }
    }

    #[test]
    fn material_of_a_wrong_length_is_no_key() {
        for spec in KeySpec::ALL {
            for len in 0..=33 {
                let made = Cipher::new(*spec, &vec![1; len]).map(drop);
                match spec.cipher_key_len() {
                    Some(right) if right == len => assert_eq!(made, Ok(()), "{spec} {len}"),
                    Some(_) => assert_eq!(made, Err(super::WRONG_LENGTH), "{spec} {len}"),
                    None => assert_eq!(made, Err(BackendError::Unsupported), "{spec} {len}"),
                }
            }
        }
    }
}
