//! Says in plain words why a signature does not match: for a person with both sides' secrets.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::{
    authorization::{Authorization, Scheme},
    canonical::{Hide, string_to_sign_v3},
    digest::{self, Hash},
    read::{Auth, Incoming, Request, read},
    verify::{Flaw, SigningKey},
};
use crate::error::{Code, Refusal};

/// How a request was judged: for whoever holds the secret.
#[derive(Clone, Eq, PartialEq)]
pub struct Explanation {
    /// How the request is signed.
    pub scheme: Scheme,
    /// The string to sign, as computed here.
    pub string_to_sign: String,
    /// The canonical request, as computed here. V1 has none.
    pub canonical_request: Option<String>,
    /// The signature, as computed here.
    pub signature: String,
    /// Whether the request is accepted.
    pub accepted: bool,
    /// What differs, in plain words, the likeliest cause first. Empty if the request is accepted.
    pub findings: Vec<String>,
}

impl std::fmt::Debug for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Explanation");
        out.field("scheme", &self.scheme).field("accepted", &self.accepted);
        out.field("findings", &self.findings).finish_non_exhaustive()
    }
}

impl Incoming<'_> {
    /// Judges the request against `secret` and says what it saw.
    ///
    /// **Nothing is hidden in it** if `hide` is `None`; else what [`Incoming::verify`] hides.
    pub fn explain(
        &self,
        secret: &[u8],
        hide: Option<&dyn Fn(&str) -> bool>,
    ) -> Result<Explanation, Refusal> {
        let mut out = match self.auth {
            Auth::Parameters => self.explain_v1(secret, hide),
            Auth::Header => self.explain_header(&self.authorization()?, secret, hide)?,
            Auth::Anonymous => return Err(Code::MissingAccessKeyId.into()),
        };
        out.accepted = self.accepts(secret);
        if out.accepted {
            out.findings.clear();
            return Ok(out);
        }
        out.findings.extend(self.other_method(secret));
        out.findings.extend(self.other_secret(secret));
        if out.findings.is_empty() {
            out.findings.push(
                "Nothing simple explains it: the client's secret is another one, or something on \
                 the way changed a signed part (a proxy that rewrites host, accept or user-agent)."
                    .to_owned(),
            );
        }
        Ok(out)
    }

    fn explain_v1(&self, secret: &[u8], hide: Hide<'_>) -> Explanation {
        let to_sign = self.string_to_sign_v1(self.request.method, None);
        let given = self.pairs.value("Signature").unwrap_or_default();
        let bare = digest::hmac_sha1_base64(secret, &to_sign);
        let mut findings = Vec::new();
        if digest::same(bare.as_bytes(), given.as_bytes()) {
            findings.push(
                "It matches without the ampersand: V1 signs with the secret followed by \"&\"."
                    .to_owned(),
            );
        }
        let shown = self.string_to_sign_v1(self.request.method, hide);
        Explanation {
            scheme: Scheme::V1,
            string_to_sign: String::from_utf8_lossy(&shown).into_owned(),
            canonical_request: None,
            signature: self.signature_v1(secret),
            accepted: false,
            findings,
        }
    }

    fn explain_header(
        &self,
        auth: &Authorization<'_>,
        secret: &[u8],
        hide: Hide<'_>,
    ) -> Result<Explanation, Refusal> {
        let (scheme, hash) = (auth.scheme, auth.scheme.hash());
        let key = auth.key(secret)?;
        let mut canonical = self.canonical(auth);
        let may_be_raw = canonical.may_have_raw_names();
        let mut computed = |raw_names| -> Result<_, Refusal> {
            canonical.raw_names = raw_names;
            let mut text = Zeroizing::new(Vec::new());
            canonical.write(None, &mut text);
            let to_sign = string_to_sign_v3(scheme.name(), hash, &text);
            let signature = digest::hex(&*hash.mac(&key, &to_sign)?);
            text.clear();
            canonical.write(hide, &mut text);
            Ok((text, to_sign, signature))
        };
        let encoded = computed(false)?;
        let raw = if may_be_raw { Some(computed(true)?) } else { None };
        let quirk = raw.filter(|it| digest::same(&it.2, auth.signature.as_bytes()));
        let (text, to_sign, signature) = quirk.unwrap_or(encoded);
        let with_ampersand = auth.key(&[secret, b"&"].concat())?;
        let with_ampersand = digest::hex(&*hash.mac(&with_ampersand, &to_sign)?);
        let mut findings: Vec<_> = self.flaws(auth).iter().map(|it| self.words(it, hash)).collect();
        if digest::same(&with_ampersand, auth.signature.as_bytes()) {
            findings.push(
                "It matches with an ampersand after the secret: only V1 signs so.".to_owned(),
            );
        }
        let readable = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
        Ok(Explanation {
            scheme,
            string_to_sign: readable(&to_sign),
            canonical_request: Some(readable(&text)),
            signature: readable(&signature),
            accepted: false,
            findings,
        })
    }

    fn words(&self, flaw: &Flaw<'_>, hash: Hash) -> String {
        let request = &self.request;
        match flaw {
            Flaw::Body => {
                let ours = hash.hex(request.body);
                let mut text = "The body is not the one that was signed: its hash is ".to_owned();
                text.push_str(&String::from_utf8_lossy(&ours));
                let theirs = request.text("x-acs-content-sha256").unwrap_or("absent");
                _ = write!(text, ", x-acs-content-sha256 is {theirs}.");
                text
            }
            Flaw::Absent(name) => {
                format!("The header {name} is listed in SignedHeaders, but did not arrive.")
            }
            Flaw::Twice(name) => format!("The signed header {name} arrived more than once."),
            Flaw::Folded(name) => format!("The signed header {name} has a line break in it."),
            Flaw::Unsigned(name) => format!("The header {name} must be signed, and is not."),
        }
    }

    fn other_method(&self, secret: &[u8]) -> Option<String> {
        let method = if self.request.method == "GET" { "POST" } else { "GET" };
        let other = Request { method, ..self.request };
        let matches = read(&other).is_ok_and(|it| it.accepts(secret));
        matches.then(|| {
            format!("It matches for {method}: something between the client and here changed that.")
        })
    }

    fn other_secret(&self, secret: &[u8]) -> Option<String> {
        let trimmed = secret.trim_ascii();
        let matches = trimmed != secret && self.accepts(trimmed);
        matches.then(|| {
            "It matches without the spaces around the secret: they were copied along.".to_owned()
        })
    }

    fn accepts(&self, secret: &[u8]) -> bool {
        self.verify(&SigningKey::new(secret), &|_| true).is_ok()
    }
}
