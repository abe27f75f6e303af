//! A provider's key pair that signs tokens.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Signs tokens by a key called `k`.
pub(crate) enum Signer {
    Ec(EcdsaKeyPair),
    Ec384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ec_384() -> Self {
        Self::Ec384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Ec384(_) => "ES384",
            Self::Ed25519(_) => "EdDSA",
            Self::Rsa(_) => "PS256",
        }
    }

    /// Its key set.
    pub(crate) fn jwks(&self) -> String {
        let of_point = |curve: &str, point: &[u8]| {
            let (x, y) = point[1..].split_at(point.len() / 2);
            format!(r#""kty":"EC","crv":"{curve}","x":"{}","y":"{}""#, base64(x), base64(y))
        };
        let public = match self {
            Self::Ec(it) => of_point("P-256", it.public_key().as_ref()),
            Self::Ec384(it) => of_point("P-384", it.public_key().as_ref()),
            Self::Ed25519(it) => {
                let x = base64(it.public_key().as_ref());
                format!(r#""kty":"OKP","crv":"Ed25519","x":"{x}""#)
            }
            Self::Rsa(it) => {
                let public = it.public_key();
                let n = base64(public.modulus().big_endian_without_leading_zero());
                let e = base64(public.exponent().big_endian_without_leading_zero());
                format!(r#""kty":"RSA","n":"{n}","e":"{e}""#)
            }
        };
        format!(r#"{{"keys":[{{"kid":"k","use":"sig",{public}}}]}}"#)
    }

    /// A token that says `claims`.
    pub(crate) fn token(&self, claims: &str) -> String {
        self.token_of(&format!(r#"{{"alg":"{}","kid":"k"}}"#, self.algorithm()), claims)
    }

    /// The same, under another header.
    pub(crate) fn token_of(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64(header.as_bytes()), base64(claims.as_bytes()));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Ec(it) | Self::Ec384(it) => {
                it.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(it) => it.sign(signed.as_bytes()).as_ref().to_vec(),
            Self::Rsa(it) => {
                let mut signature = vec![0; it.public_modulus_len()];
                it.sign(&RSA_PSS_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{signed}.{}", base64(&signature))
    }
}
