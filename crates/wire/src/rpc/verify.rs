//! Proves that a request was signed with the secret of the access key that it names.

use aws_lc_rs::hmac;
use yaoku_model::text::Wiped;
use zeroize::Zeroizing;

use super::{
    authorization::{Authorization, Scheme},
    canonical::{Canonical, Hide, string_to_sign_v3, write_v1},
    digest,
    pairs::Body,
    read::{Auth, Incoming},
};
use crate::error::{Code, Refusal};

/// The most bytes of a mismatch that are sent back, lest a small request without a key draw a large
/// answer. (Our choice.)
const MAX_ECHO: usize = 64 * 1024;

/// What a canonical request takes besides the query, in most cases. With a usual query it stays
/// within the kilobyte up to which mimalloc is at its fastest.
const CANONICAL_ROOM: usize = 832;

/// Proof that a request was signed with the secret.
#[derive(Debug)]
pub struct Verified {
    scheme: Scheme,
}

impl Verified {
    /// How it was signed.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }
}

/// What is wrong with a request that no secret could repair.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Flaw<'a> {
    /// The body's hash is not the one that was signed.
    Body,
    /// This header is listed as signed, but absent.
    Absent(&'a str),
    /// This signed header comes more than once, so that what was signed is not what is read.
    Twice(&'a str),
    /// This signed header has a line break in it.
    Folded(&'a str),
    /// This header must be signed, and is not.
    Unsigned(&'a str),
}

/// The secret half of an access key, ready to verify with: what V3 signs with is expanded once.
///
/// Wiped on drop, the expanded half by AWS-LC.
pub struct SigningKey {
    secret: Zeroizing<Vec<u8>>,
    v3: hmac::Key,
}

impl SigningKey {
    /// Makes `secret` ready.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let v3 = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self { secret: secret.to_vec().into(), v3 }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl Incoming<'_> {
    /// Checks the signature against `key`, in constant time.
    ///
    /// A refusal echoes what was signed, as the vendor does, since clients compare it with theirs.
    /// Tokens in it, and the values of parameters for which `hide` is true, become `***`.
    /// Source: identity.md §1.3-1.5, §1.7.
    pub fn verify(
        &self,
        key: &SigningKey,
        hide: &dyn Fn(&str) -> bool,
    ) -> Result<Verified, Refusal> {
        match self.auth {
            Auth::Parameters => self.verify_v1(&key.secret, hide),
            Auth::Header => self.verify_header(&self.authorization()?, key, hide),
            Auth::Anonymous => Err(Code::MissingAccessKeyId.into()),
        }
    }

    fn verify_v1(&self, secret: &[u8], hide: &dyn Fn(&str) -> bool) -> Result<Verified, Refusal> {
        let given = self.pairs.value("Signature").unwrap_or_default();
        if digest::same(self.signature_v1(secret).as_bytes(), given.as_bytes()) {
            return Ok(Verified { scheme: Scheme::V1 });
        }
        let text = self.string_to_sign_v1(self.request.method, Some(hide));
        let message = [Code::SignatureDoesNotMatch.message().as_bytes(), &text].concat();
        Err(mismatch(&message))
    }

    fn verify_header(
        &self,
        auth: &Authorization<'_>,
        key: &SigningKey,
        hide: &dyn Fn(&str) -> bool,
    ) -> Result<Verified, Refusal> {
        let (hash, scheme) = (auth.scheme.hash(), auth.scheme);
        let mut canonical = self.canonical(auth);
        let mut text = Wiped::with_room(CANONICAL_ROOM + self.request.target.len());
        canonical.write(None, &mut text);
        let to_sign = string_to_sign_v3(scheme.name(), hash, &text);
        if self.flaws(auth).is_empty() {
            let matches = |to_sign: &[u8]| -> Result<bool, Refusal> {
                let ours = match scheme {
                    Scheme::V3 => digest::hmac_sha256_by(&key.v3, to_sign),
                    _ => hash.mac(&auth.key(&key.secret)?, to_sign)?,
                };
                Ok(digest::same(&digest::hex(&*ours), auth.signature.as_bytes()))
            };
            if matches(&to_sign)? {
                return Ok(Verified { scheme });
            }
            if canonical.may_have_raw_names() {
                canonical.raw_names = true;
                text.clear();
                canonical.write(None, &mut text);
                if matches(&string_to_sign_v3(scheme.name(), hash, &text))? {
                    return Ok(Verified { scheme });
                }
                canonical.raw_names = false;
            }
        }
        text.clear();
        text.extend_from_slice(
            b"Specified signature does not match our calculation. server StringToSign is [",
        );
        text.extend_from_slice(&to_sign);
        text.extend_from_slice(b"], server CanonicalRequest is [");
        canonical.write(Some(hide), &mut text);
        text.push(b']');
        Err(mismatch(&text))
    }

    pub(super) fn canonical<'s>(&'s self, auth: &Authorization<'s>) -> Canonical<'s> {
        Canonical {
            request: &self.request,
            pairs: &self.pairs,
            signed_headers: auth.signed_headers,
            payload_hash: self.request.value("x-acs-content-sha256").unwrap_or_default(),
            raw_names: false,
        }
    }

    pub(super) fn signature_v1(&self, secret: &[u8]) -> String {
        let key = Zeroizing::new([secret, b"&"].concat());
        digest::hmac_sha1_base64(&key, &self.string_to_sign_v1(self.request.method, None))
    }

    pub(super) fn string_to_sign_v1(&self, method: &str, hide: Hide<'_>) -> Zeroizing<Vec<u8>> {
        let len = (self.request.target.len() + self.request.body.len()) * 2;
        let mut out = Zeroizing::new(Vec::with_capacity(len));
        write_v1(method, &self.pairs, hide, &mut out);
        out
    }

    /// What no secret could repair. Empty for what can be verified.
    ///
    /// Beyond identity.md §1.4 our choice: a body that is read as parameters needs its content type
    /// signed, lest someone on the way make it mean something else.
    pub(super) fn flaws<'s>(&'s self, auth: &Authorization<'s>) -> Vec<Flaw<'s>> {
        let request = &self.request;
        let mut flaws = Vec::new();
        let body = auth.scheme.hash().hex(request.body);
        if request.value("x-acs-content-sha256") != Some(&body[..]) {
            flaws.push(Flaw::Body);
        }
        let mut signed = vec![false; request.headers.len()];
        for name in auth.signed_headers.split(';') {
            let lower = !name.bytes().any(|it| it.is_ascii_uppercase());
            let (mut value, mut twice) = (None, false);
            for ((it, found), signed) in request.headers.iter().zip(&mut signed) {
                if it.eq_ignore_ascii_case(name) {
                    *signed = true;
                    twice |= value.replace(found.trim_ascii()).is_some();
                }
            }
            match value.filter(|_| lower) {
                None => flaws.push(Flaw::Absent(name)),
                Some(_) if twice => flaws.push(Flaw::Twice(name)),
                Some(it) if it.iter().any(|it| matches!(it, b'\r' | b'\n')) => {
                    flaws.push(Flaw::Folded(name));
                }
                Some(_) => {}
            }
        }
        let read = !request.body.is_empty() && !matches!(request.typed_body(), Body::Opaque);
        for ((name, _), signed) in request.headers.iter().zip(signed) {
            let must = name.eq_ignore_ascii_case("host")
                || name.get(..6).is_some_and(|it| it.eq_ignore_ascii_case("x-acs-"))
                || (read && name.eq_ignore_ascii_case("content-type"));
            if must && !signed {
                flaws.push(Flaw::Unsigned(name));
            }
        }
        if !auth.signs("host") && request.value("host").is_none() {
            flaws.push(Flaw::Unsigned("host"));
        }
        flaws
    }
}

/// The refusal with as much of `message` as is sent back. Its start is what clients look for.
fn mismatch(message: &[u8]) -> Refusal {
    let mut message = String::from_utf8_lossy(message).into_owned();
    message.truncate(message.floor_char_boundary(MAX_ECHO));
    Refusal::from(Code::SignatureDoesNotMatch).with_message(message)
}
