//! The algorithms of asymmetric keys, of message authentication codes and of wrapped material, and
//! which key can do what. Source: keys.md §3.3, §9.7, §12.2.

use crate::key::{KeySpec, words};

words! {
    /// How text is encrypted under a public key. Source: keys.md §3.3.
    EncryptionAlgorithm {
        /// RSA-OAEP, SHA-1 for both hashes, no label.
        OaepSha1 = "RSAES_OAEP_SHA_1",
        /// RSA-OAEP, SHA-256 for both hashes, no label.
        OaepSha256 = "RSAES_OAEP_SHA_256",
        /// SM2: the point, the hash (C3), then the text (C2), as raw bytes.
        Sm2Pke = "SM2PKE",
    }
}

words! {
    /// How a digest of 32 bytes is signed. Source: keys.md §3.3.
    SignatureAlgorithm {
        /// RSA-PSS, SHA-256 for both hashes, a salt of 32 bytes.
        PssSha256 = "RSA_PSS_SHA_256",
        /// RSA PKCS#1 v1.5 with SHA-256.
        Pkcs1Sha256 = "RSA_PKCS1_SHA_256",
        /// ECDSA; the signature is DER.
        EcdsaSha256 = "ECDSA_SHA_256",
        /// SM2, of a digest that includes the signer's id; the signature is DER.
        Sm2Dsa = "SM2DSA",
    }
}

words! {
    /// How a message authentication code is made. Source: keys.md §3.3.
    MacAlgorithm {
        /// HMAC with SM3: 32 bytes.
        HmacSm3 = "HMAC_SM3",
        /// HMAC with SHA-224: 28 bytes.
        HmacSha224 = "HMAC_SHA_224",
        /// HMAC with SHA-256: 32 bytes.
        HmacSha256 = "HMAC_SHA_256",
        /// HMAC with SHA-384: 48 bytes.
        HmacSha384 = "HMAC_SHA_384",
        /// HMAC with SHA-512: 64 bytes.
        HmacSha512 = "HMAC_SHA_512",
    }
}

words! {
    /// What kind of key wraps material on its way. Source: keys.md §9.7, §12.2.
    WrappingKeySpec {
        /// RSA, 2048 bits.
        Rsa2048 = "RSA_2048",
        /// SM2.
        EcSm2 = "EC_SM2",
    }
}

words! {
    /// How imported material is wrapped. Source: keys.md §12.2; the two hybrids without
    /// `OAEP_SHA_256` are inferred there.
    WrappingAlgorithm {
        /// RSA PKCS#1 v1.5 of the raw key.
        Pkcs1 = "RSAES_PKCS1_V1_5",
        /// RSA-OAEP with SHA-1 of the raw key.
        OaepSha1 = "RSAES_OAEP_SHA_1",
        /// RSA-OAEP with SHA-256 of the raw key.
        OaepSha256 = "RSAES_OAEP_SHA_256",
        /// SM2 of the raw key.
        Sm2Pke = "SM2PKE",
        /// An AES-256 key under RSA-OAEP with SHA-256, then the private key (PKCS#8) under it.
        OaepSha256Aes256 = "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD",
        /// The same with SHA-1.
        OaepSha1Aes256 = "RSAES_OAEP_SHA_1_AES_256_ECB_PKCS7_PAD",
        /// The same with PKCS#1 v1.5.
        Pkcs1Aes256 = "RSAES_PKCS1_V1_5_AES_256_ECB_PKCS7_PAD",
        /// An SM4 key under SM2, then the private number of 32 bytes under it.
        Sm2PkeSm4 = "SM2PKE_SM4_ECB",
    }
}

impl EncryptionAlgorithm {
    /// The most bytes that a key of `spec` encrypts at once; `None`: it cannot do this.
    ///
    /// RSA-OAEP: the modulus, less twice the hash, less 2. SM2: 6,144 bytes of ciphertext.
    #[must_use]
    pub const fn max_plaintext(self, spec: KeySpec) -> Option<usize> {
        let overhead = match self {
            Self::OaepSha1 => 2 * 20 + 2,
            Self::OaepSha256 => 2 * 32 + 2,
            Self::Sm2Pke => return if matches!(spec, KeySpec::EcSm2) { Some(6047) } else { None },
        };
        match spec.modulus_len() {
            Some(len) => Some(len - overhead),
            None => None,
        }
    }
}

impl SignatureAlgorithm {
    /// Whether a key of `spec` signs like this.
    #[must_use]
    pub const fn fits(self, spec: KeySpec) -> bool {
        match self {
            Self::PssSha256 | Self::Pkcs1Sha256 => spec.modulus_len().is_some(),
            Self::EcdsaSha256 => matches!(spec, KeySpec::EcP256 | KeySpec::EcP256K),
            Self::Sm2Dsa => matches!(spec, KeySpec::EcSm2),
        }
    }
}

impl MacAlgorithm {
    /// The one kind of key that makes it.
    #[must_use]
    pub const fn spec(self) -> KeySpec {
        match self {
            Self::HmacSm3 => KeySpec::HmacSm3,
            Self::HmacSha224 => KeySpec::HmacSha224,
            Self::HmacSha256 => KeySpec::HmacSha256,
            Self::HmacSha384 => KeySpec::HmacSha384,
            Self::HmacSha512 => KeySpec::HmacSha512,
        }
    }
}

impl WrappingAlgorithm {
    /// The kind of key that unwraps it.
    #[must_use]
    pub const fn wrapping_key(self) -> WrappingKeySpec {
        match self {
            Self::Sm2Pke | Self::Sm2PkeSm4 => WrappingKeySpec::EcSm2,
            _ => WrappingKeySpec::Rsa2048,
        }
    }

    /// Whether material of `spec` comes wrapped like this. RSA-wrapped SM2 keys are inferred.
    #[must_use]
    pub const fn fits(self, spec: KeySpec) -> bool {
        match self {
            Self::Pkcs1 | Self::OaepSha1 | Self::OaepSha256 | Self::Sm2Pke => {
                spec.cipher_key_len().is_some()
            }
            Self::OaepSha256Aes256 | Self::OaepSha1Aes256 | Self::Pkcs1Aes256 => {
                spec.is_asymmetric()
            }
            Self::Sm2PkeSm4 => matches!(spec, KeySpec::EcSm2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EncryptionAlgorithm, MacAlgorithm, SignatureAlgorithm, WrappingAlgorithm};
    use crate::key::{KeySpec, KeyUsage};

    #[test]
    fn plaintexts_are_bounded_as_documented() {
        use EncryptionAlgorithm::{OaepSha1, OaepSha256, Sm2Pke};
        for (algorithm, spec, expected) in [
            (OaepSha256, KeySpec::Rsa2048, Some(190)),
            (OaepSha1, KeySpec::Rsa2048, Some(214)),
            (OaepSha256, KeySpec::Rsa3072, Some(318)),
            (OaepSha1, KeySpec::Rsa4096, Some(470)),
            (Sm2Pke, KeySpec::EcSm2, Some(6047)),
            (Sm2Pke, KeySpec::Rsa2048, None),
            (OaepSha1, KeySpec::EcSm2, None),
        ] {
            assert_eq!(algorithm.max_plaintext(spec), expected, "{algorithm}, {spec}");
        }
    }

    #[test]
    fn each_usage_of_a_spec_has_an_algorithm_and_no_other_usage_has_one() {
        for spec in KeySpec::ALL {
            let signs = SignatureAlgorithm::ALL.iter().any(|it| it.fits(*spec));
            assert_eq!(signs, spec.can(KeyUsage::SignVerify), "{spec}");
            let encrypts = spec.cipher_key_len().is_some()
                || EncryptionAlgorithm::ALL.iter().any(|it| it.max_plaintext(*spec).is_some());
            assert_eq!(encrypts, spec.can(KeyUsage::EncryptDecrypt), "{spec}");
            let codes = MacAlgorithm::ALL.iter().any(|it| it.spec() == *spec);
            assert_eq!(codes, spec.can(KeyUsage::GenerateVerify), "{spec}");
            let imports = WrappingAlgorithm::ALL.iter().any(|it| it.fits(*spec));
            assert_eq!(imports, !codes, "{spec}");
        }
    }
}
