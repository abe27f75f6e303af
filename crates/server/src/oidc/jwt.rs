//! A token of an identity provider: a signed JWT (RFC 7519, RFC 7515), taken apart and checked.
//!
//! Nothing of it is believed before its signature was found right. Signatures that no key pair makes
//! (`none`, `HS256`) do not exist here.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::DeserializeOwned};
use yaoku_model::{identity::OidcProvider, text::is_plain, time::Timestamp};

use super::jwks::KeySet;

/// The longest token, in characters. Source: the vendor's limit of `OIDCToken`.
const MAX_TOKEN: usize = 20_000;

/// Seconds that another's clock may be off. Our choice.
const LEEWAY: i64 = 60;

/// The longest subject, in bytes. Source: `OpenID` Connect Core §2.
const MAX_SUBJECT: usize = 255;

/// Why a token is no good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadJwt {
    /// It is not one of the provider's, or not for us.
    Invalid,
    /// Its time is up.
    Expired,
}

/// A token of at most 20,000 characters, taken apart. Its signature is still to be checked.
pub struct Jwt<'a> {
    pub(super) algorithm: Algorithm,
    /// Which key signed it, as the provider calls it.
    pub(super) key: Option<String>,
    signed: &'a [u8],
    signature: Vec<u8>,
    claims: Claims,
}

/// An algorithm of signatures. Source: RFC 7518 §3.1, RFC 8037.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub(super) enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// What a token says once it was found right.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Vouched {
    /// Whom it is about.
    pub subject: String,
    /// Which of the provider's client ids it is for: those of its audiences that are some, one at least.
    pub audiences: Vec<String>,
    /// When it was made.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: Option<String>,
    /// What must be understood: we understand nothing of the kind. Source: RFC 7515 §4.1.11.
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl<'a> Jwt<'a> {
    /// Takes one apart.
    pub fn parse(token: &'a str) -> Result<Self, BadJwt> {
        Self::parts(token).ok_or(BadJwt::Invalid)
    }

    fn parts(token: &'a str) -> Option<Self> {
        let token = Some(token).filter(|it| it.len() <= MAX_TOKEN)?;
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |it: &str| URL_SAFE_NO_PAD.decode(it).ok();
        let header: Header = object(&decode(header)?)?;
        let claims = object(&decode(claims)?)?;
        if header.crit.is_some() {
            return None;
        }
        let (algorithm, key, signature) = (header.alg, header.kid, decode(signature)?);
        Some(Self { algorithm, key, signed: signed.as_bytes(), signature, claims })
    }

    /// Whether one of these keys signed it.
    #[must_use]
    pub fn is_signed_by(&self, keys: &KeySet) -> bool {
        keys.fitting(self).any(|it| it.verifies(self.algorithm, self.signed, &self.signature))
    }

    /// What it says, if it is of this provider, for us, and good now. The signature was checked.
    pub fn vouches(self, of: &OidcProvider, now: Timestamp) -> Result<Vouched, BadJwt> {
        let Claims { iss, aud, sub, exp, iat, nbf } = self.claims;
        let audiences = match aud {
            Audience::One(it) => vec![it],
            Audience::Many(all) => all,
        };
        let audiences = audiences.into_iter().filter(|it| of.client_ids.contains(it));
        let audiences: Vec<_> = audiences.collect();
        let moment = |it: f64| seconds(it).ok_or(BadJwt::Invalid);
        let (expires, issued) = (moment(exp)?, moment(iat)?);
        let begins = nbf.map(moment).transpose()?.unwrap_or(issued).max(issued);
        let fits = (1..=MAX_SUBJECT).contains(&sub.len()) && is_plain(&sub);
        if iss != of.issuer || !fits || now.plus_seconds(LEEWAY) < begins {
            return Err(BadJwt::Invalid);
        }
        if audiences.is_empty() {
            return Err(BadJwt::Invalid);
        }
        if expires.plus_seconds(LEEWAY) <= now {
            return Err(BadJwt::Expired);
        }
        Ok(Vouched { subject: sub, audiences, issued, expires })
    }
}

/// Reads an object. A list of its values would do for serde, too: that is none.
pub(super) fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    json.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(json).ok())?
}

/// A `NumericDate`: seconds since 1970, perhaps with a fraction. Source: RFC 7519 §2.
fn seconds(number: f64) -> Option<Timestamp> {
    // Up to the year 9999.
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    (0.0..253_402_300_800.0).contains(&number).then(|| Timestamp::from_unix_seconds(number as i64))
}

#[cfg(test)]
mod tests {
    use yaoku_model::{identity::OidcProvider, time::Timestamp};

    use super::{BadJwt, Jwt, MAX_TOKEN};
    use crate::oidc::{jwks::KeySet, testing::Signer};

    const NOW: i64 = 1_767_323_045;

    fn provider() -> OidcProvider {
        OidcProvider {
            account: "1".parse().unwrap(),
            name: "p".parse().unwrap(),
            issuer: "https://issuer.example".to_owned(),
            client_ids: vec!["other".to_owned(), "us".to_owned()],
            keys: None,
            description: String::new(),
            created: Timestamp::from_unix_seconds(0),
            updated: Timestamp::from_unix_seconds(0),
        }
    }

    fn claims(change: &str) -> String {
        let members = [
            ("iss", "\"https://issuer.example\"".to_owned()),
            ("aud", "\"us\"".to_owned()),
            ("sub", "\"system:serviceaccount:a:b\"".to_owned()),
            ("exp", (NOW + 600).to_string()),
            ("iat", NOW.to_string()),
        ];
        let (name, value) = change.split_once('=').unwrap_or(("", ""));
        let kept = members.iter().filter(|it| it.0 != name).map(|(n, v)| format!("\"{n}\":{v}"));
        let changed = if value.is_empty() { None } else { Some(format!("\"{name}\":{value}")) };
        format!("{{{}}}", kept.chain(changed).collect::<Vec<_>>().join(","))
    }

    fn judged(signer: &Signer, token: &str) -> Result<String, BadJwt> {
        let keys = KeySet::parse(&signer.jwks()).unwrap();
        let token = Jwt::parse(token)?;
        if !token.is_signed_by(&keys) {
            return Err(BadJwt::Invalid);
        }
        token.vouches(&provider(), Timestamp::from_unix_seconds(NOW)).map(|it| it.subject)
    }

    #[test]
    fn what_no_key_of_the_provider_signed_is_refused() {
        let (signer, other) = (Signer::ec(), Signer::ec());
        let claims = claims("");
        let good = signer.token(&claims);
        let [header, body, signature]: [&str; 3] =
            good.split('.').collect::<Vec<_>>().try_into().unwrap();
        let none = signer.token_of(r#"{"alg":"none"}"#, &claims);
        let hmac = signer.token_of(r#"{"alg":"HS256"}"#, &claims);
        let rsa = signer.token_of(r#"{"alg":"RS256","kid":"k"}"#, &claims);
        let other_key = signer.token_of(r#"{"alg":"ES256","kid":"another"}"#, &claims);
        let critical = signer.token_of(r#"{"alg":"ES256","kid":"k","crit":["b64"]}"#, &claims);
        let list = signer.token_of(r#"["ES256","k",null]"#, &claims);
        let all = format!(r#"["https://issuer.example","us","a",{},{NOW},null]"#, NOW + 600);
        let claims_in_a_list = signer.token(&all);
        let twice = signer.token_of(r#"{"alg":"ES256","alg":"ES256","kid":"k"}"#, &claims);
        for bad in [
            "",
            "..",
            &format!("{header}.{body}."),
            &format!("{header}.{body}"),
            &format!("{header}.{}.{signature}", body.replacen('b', "c", 1)),
            &format!("{good}="),
            &format!("{good}.{signature}"),
            &other.token(&claims),
            &none,
            &hmac,
            &rsa,
            &other_key,
            &critical,
            &twice,
            &list,
            &claims_in_a_list,
            &"a".repeat(MAX_TOKEN + 1),
        ] {
            assert_eq!(judged(&signer, bad), Err(BadJwt::Invalid), "{bad}");
        }
        assert_eq!(judged(&signer, &good).as_deref(), Ok("system:serviceaccount:a:b"));
    }

    #[test]
    fn a_token_must_be_of_the_provider_for_us_and_of_today() {
        let signer = Signer::ec();
        let long = format!("sub=\"{}\"", "x".repeat(256));
        for (change, expected) in [
            ("iss=\"https://issuer.example/\"", Some(BadJwt::Invalid)),
            ("iss=", Some(BadJwt::Invalid)),
            ("aud=\"them\"", Some(BadJwt::Invalid)),
            ("aud=[]", Some(BadJwt::Invalid)),
            ("aud=7", Some(BadJwt::Invalid)),
            ("aud=[\"them\",\"us\"]", None),
            ("sub=\"\"", Some(BadJwt::Invalid)),
            ("sub=\"a\\u0000\"", Some(BadJwt::Invalid)),
            (&long, Some(BadJwt::Invalid)),
            ("exp=", Some(BadJwt::Invalid)),
            ("exp=1e300", Some(BadJwt::Invalid)),
            ("exp=-1", Some(BadJwt::Invalid)),
            (&format!("exp={}", NOW - 60), Some(BadJwt::Expired)),
            (&format!("exp={}", NOW - 59), None),
            (&format!("exp={}.5", NOW + 1), None),
            ("iat=", Some(BadJwt::Invalid)),
            (&format!("iat={}", NOW + 61), Some(BadJwt::Invalid)),
            (&format!("iat={}", NOW + 60), None),
            (&format!("nbf={}", NOW + 61), Some(BadJwt::Invalid)),
            (&format!("nbf={}", NOW + 60), None),
        ] {
            let token = signer.token(&claims(change));
            assert_eq!(judged(&signer, &token).err(), expected, "{change}");
        }
    }

    #[test]
    fn the_usual_algorithms_are_known() {
        for signer in [Signer::ec(), Signer::ec_384(), Signer::ed25519(), Signer::rsa()] {
            assert!(judged(&signer, &signer.token(&claims(""))).is_ok(), "{}", signer.jwks());
        }
    }
}
