//! The texts that are signed. Source: identity.md §1.3-1.5.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::{digest::Hash, pairs::Pairs, read::Request};

/// Everything but `A-Z a-z 0-9 - _ . ~` is escaped.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What stands in place of a hidden value.
const HIDDEN: &[u8] = b"***";

/// Headers and parameters that are tokens: never echoed.
const TOKENS: [&str; 5] = [
    "BearerToken",
    "SecurityToken",
    "x-acs-bearer-token",
    "x-acs-security-token",
    "x-acs-zero-trust-idtoken",
];

/// Which values are not to be shown. `None` shows all: that text is for computing.
pub(super) type Hide<'a> = Option<&'a dyn Fn(&str) -> bool>;

/// The parts of a canonical request of V3 and V4.
#[derive(Clone, Copy)]
pub(super) struct Canonical<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) pairs: &'a Pairs,
    pub(super) signed_headers: &'a str,
    pub(super) payload_hash: &'a [u8],
    /// Whether parameter names are left as they are, as some clients do. Source: identity.md §1.4.
    pub(super) raw_names: bool,
}

impl Canonical<'_> {
    /// Appends the canonical request.
    pub(super) fn write(&self, hide: Hide<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.request.method.as_bytes());
        out.extend_from_slice(b"\n/\n");
        for (nth, (name, value)) in self.pairs.of_the_query().enumerate() {
            if nth > 0 {
                out.push(b'&');
            }
            if self.raw_names {
                out.extend_from_slice(name);
            } else {
                encode(name, out);
            }
            out.push(b'=');
            if hidden(name, hide) {
                out.extend_from_slice(HIDDEN);
            } else {
                encode(value, out);
            }
        }
        out.push(b'\n');
        for name in self.signed_headers.split(';') {
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            if hidden(name.as_bytes(), hide) {
                out.extend_from_slice(HIDDEN);
            } else {
                out.extend_from_slice(self.request.value(name).unwrap_or_default());
            }
            out.push(b'\n');
        }
        out.push(b'\n');
        out.extend_from_slice(self.signed_headers.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(self.payload_hash);
    }

    /// Whether a client may have left the names as they are: that makes a difference, and the text
    /// still says one thing only.
    ///
    /// A raw name with `&`, `=`, `%` or a line break could read as other pairs than those that
    /// were signed: `a%3D1%26b=2` as `a=1&b=2`.
    pub(super) fn may_have_raw_names(&self) -> bool {
        let plain = |it: &u8| it.is_ascii_alphanumeric() || b"-_.~".contains(it);
        let ambiguous = |it: &u8| it.is_ascii_control() || b"&=%".contains(it);
        self.pairs.of_the_query().any(|(name, _)| !name.iter().all(plain))
            && !self.pairs.of_the_query().any(|(name, _)| name.iter().any(ambiguous))
    }
}

/// The string to sign of V3 and V4: the scheme and the hash of the canonical request.
pub(super) fn string_to_sign_v3(scheme: &str, hash: Hash, canonical: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(scheme.len() + 1 + 64);
    out.extend_from_slice(scheme.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(&hash.hex(canonical));
    out
}

/// Appends the string to sign of V1.
pub(super) fn write_v1(method: &str, pairs: &Pairs, hide: Hide<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(method.as_bytes());
    out.extend_from_slice(b"&%2F&");
    let signed = pairs.merged().into_iter().filter(|(name, _)| *name != b"Signature");
    for (nth, (name, value)) in signed.enumerate() {
        if nth > 0 {
            out.extend_from_slice(b"%26");
        }
        encode_twice(name, out);
        out.extend_from_slice(b"%3D");
        if hidden(name, hide) {
            out.extend_from_slice(HIDDEN);
        } else {
            encode_twice(value, out);
        }
    }
}

/// Appends `bytes`, escaped.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for part in percent_encode(bytes, RESERVED) {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends `bytes`, escaped, and the escapes escaped again.
fn encode_twice(bytes: &[u8], out: &mut Vec<u8>) {
    for part in percent_encode(bytes, RESERVED) {
        match part.strip_prefix('%') {
            Some(digits) => {
                out.extend_from_slice(b"%25");
                out.extend_from_slice(digits.as_bytes());
            }
            None => out.extend_from_slice(part.as_bytes()),
        }
    }
}

/// Whether the value called `name` is hidden: it is a token, or `hide` says so of the name or of
/// its part before the first dot, as `EncryptionContext` of `EncryptionContext.user`.
fn hidden(name: &[u8], hide: Hide<'_>) -> bool {
    let (Some(hide), Ok(name)) = (hide, std::str::from_utf8(name)) else { return false };
    let parent = name.split('.').next().unwrap_or_default();
    TOKENS.contains(&name) || hide(name) || hide(parent)
}
