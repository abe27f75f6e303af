//! The keys that an identity provider signs with: a JSON Web Key Set (RFC 7517).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::jwt::{Algorithm, Jwt, object};

/// The largest key set, in bytes. Our choice.
pub(crate) const MAX_KEY_SET: usize = 64 * 1024;

/// The most keys of a set that are looked at. Our choice: providers have two or three.
const MAX_KEYS: usize = 32;

/// Keys, those that are of no use here left out: at most 32 are looked at.
#[derive(Debug, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    /// The only one that it may be used with, if its owner said.
    algorithm: Option<Algorithm>,
    public: Public,
}

#[derive(Debug)]
enum Public {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct WrittenSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<Algorithm>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads one of at most 64 KiB. `None`: it is none, or has no key that can be used here.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        let json = Some(json).filter(|it| it.len() <= MAX_KEY_SET)?;
        let set: WrittenSet = object(json.as_bytes())?;
        // A key of a kind that is not known here is no fault: providers have others too.
        let keys = set.keys.into_iter().take(MAX_KEYS);
        let keys = keys.filter(serde_json::Value::is_object);
        let keys = keys.filter_map(|it| Key::of(serde_json::from_value(it).ok()?));
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() { None } else { Some(Self(keys)) }
    }

    /// The keys that may have signed a token: of its id, if it names one.
    pub(super) fn fitting<'k>(&'k self, token: &'k Jwt<'_>) -> impl Iterator<Item = &'k Key> {
        let named = |it: &Key| token.key.is_none() || it.id.is_none() || it.id == token.key;
        let fits = |it: &Key| it.algorithm.is_none_or(|it| it == token.algorithm);
        self.0.iter().filter(move |it| named(it) && fits(it))
    }

    /// Whether it has the key that a token names, so that asking for newer ones is no use.
    pub(super) fn knows(&self, token: &Jwt<'_>) -> bool {
        self.fitting(token).next().is_some()
    }
}

impl Key {
    fn of(it: Written) -> Option<Self> {
        if it.purpose.as_deref().is_some_and(|it| it != "sig") {
            return None;
        }
        let bytes = |it: Option<String>| URL_SAFE_NO_PAD.decode(it?).ok();
        let curve = it.crv.as_deref().unwrap_or_default();
        let point = |size: usize, x: Option<String>, y: Option<String>| {
            let (x, y) = (bytes(x)?, bytes(y)?);
            (x.len() == size && y.len() == size).then(|| [&[4][..], &x, &y].concat())
        };
        let public = match (it.kty.as_str(), curve) {
            ("RSA", _) => Public::Rsa { n: bytes(it.n)?, e: bytes(it.e)? },
            ("EC", "P-256") => Public::P256(point(32, it.x, it.y)?),
            ("EC", "P-384") => Public::P384(point(48, it.x, it.y)?),
            ("OKP", "Ed25519") => Public::Ed25519(bytes(it.x)?),
            _ => return None,
        };
        Some(Self { id: it.kid, algorithm: it.alg, public })
    }

    /// Whether it made a signature. A key fits its own kind of algorithm only.
    pub(super) fn verifies(&self, by: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (&self.public, by) {
            (Public::Rsa { n, e }, by) => rsa(by).is_some_and(|how| {
                let n: &[u8] = n.strip_prefix(&[0]).unwrap_or(n);
                RsaPublicKeyComponents { n, e: e.as_slice() }.verify(how, signed, signature).is_ok()
            }),
            (Public::P256(point), Algorithm::ES256) => {
                plain(&ECDSA_P256_SHA256_FIXED, point, signed, signature)
            }
            (Public::P384(point), Algorithm::ES384) => {
                plain(&ECDSA_P384_SHA384_FIXED, point, signed, signature)
            }
            (Public::Ed25519(point), Algorithm::EdDSA) => plain(&ED25519, point, signed, signature),
            _ => false,
        }
    }
}

fn plain(
    how: &'static dyn VerificationAlgorithm,
    key: &[u8],
    signed: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(how, key).verify(signed, signature).is_ok()
}

fn rsa(by: Algorithm) -> Option<&'static RsaParameters> {
    Some(match by {
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{KeySet, MAX_KEY_SET};

    #[test]
    fn what_holds_no_key_that_can_be_used_is_no_key_set() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"keys":[]}"#,
            r#"[[{"kty":"RSA","n":"AQAB","e":"AQAB"}]]"#,
            r#"{"keys":[["RSA",null,null,null,null,"AQAB","AQAB",null,null]]}"#,
            r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#,
            r#"{"keys":[{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}]}"#,
            r#"{"keys":[{"kty":"RSA","e":"AQAB"}]}"#,
            r#"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#,
            r#"{"keys":[{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}]}"#,
            r#"{"keys":[{"kty":"RSA","alg":"RSA-OAEP","n":"AQAB","e":"AQAB"}]}"#,
        ] {
            assert!(KeySet::parse(text).is_none(), "{text}");
        }
        let good = r#"{"keys":[{"kty":"oct"},{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#;
        assert!(KeySet::parse(good).is_some());
        assert!(KeySet::parse(&format!("{good}{}", " ".repeat(MAX_KEY_SET))).is_none());
    }
}
