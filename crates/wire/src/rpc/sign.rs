//! Signs calls: for the command line, for tests and for load.

use yaoku_model::time::Timestamp;
use zeroize::Zeroizing;

use super::{
    authorization::Scheme,
    canonical::{Canonical, encode, string_to_sign_v3, write_v1},
    digest::{self, Hash},
    pairs::{Body, Pairs},
    read::{Format, Request},
};

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// Who signs.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The access key's id.
    pub access_key_id: &'a str,
    /// Its secret.
    pub secret: &'a [u8],
    /// The token, if the key is a session's.
    pub security_token: Option<&'a str>,
}

/// A call to be signed.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Host, and port if it is not the scheme's own.
    pub host: &'a str,
    /// The operation.
    pub action: &'a str,
    /// The version of its product.
    pub version: &'a str,
    /// The form of the answer.
    pub format: Format,
    /// Parameters for the query.
    pub query: &'a [(&'a str, &'a str)],
    /// Parameters for a form body: there they stay out of the logs of proxies.
    pub form: &'a [(&'a str, &'a str)],
}

/// A signed call, ready to be sent with the method it was signed for.
pub struct Signed {
    /// The request target.
    pub target: Zeroizing<String>,
    /// The headers, `host` among them; without `content-length`.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

impl Signed {
    /// A signed `POST`, as HTTP/1.1 has it on the wire. `more` are further header lines, each with
    /// its CRLF.
    #[must_use]
    pub fn post(&self, more: &str) -> Zeroizing<Vec<u8>> {
        let length = self.body.len().to_string();
        let mut head = vec!["POST ", self.target.as_str(), " HTTP/1.1\r\n"];
        for (name, value) in &self.headers {
            head.extend([name, ": ", value.as_str(), "\r\n"]);
        }
        head.extend(["content-length: ", &length, "\r\n", more, "\r\n"]);
        let parts = head.iter().map(|it| it.as_bytes()).chain([self.body.as_slice()]);
        // One allocation, so that no copy is left behind.
        Zeroizing::new(parts.collect::<Vec<_>>().concat())
    }
}

/// Sizes only.
impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Signed");
        out.field("target", &self.target.len()).field("body", &self.body.len());
        out.finish_non_exhaustive()
    }
}

/// Signs a call with ACS3-HMAC-SHA256. `nonce` must be new for each call. Source: identity.md §1.4.
#[must_use]
pub fn sign_v3(call: &Outgoing<'_>, by: &Credentials<'_>, now: Timestamp, nonce: &str) -> Signed {
    let format = [("Format", "XML")];
    let extra = if call.format == Format::Xml { &format[..] } else { &[] };
    let query = joined(call.query.iter().chain(extra));
    let body = joined(call.form);
    let hash = Hash::Sha256.hex(&body);
    let hash_text = String::from_utf8_lossy(&hash);
    let mut headers = vec![("host", call.host)];
    if !call.form.is_empty() {
        headers.insert(0, ("content-type", FORM));
    }
    let date = now.to_string();
    headers.extend([("x-acs-action", call.action), ("x-acs-content-sha256", &hash_text)]);
    headers.extend([("x-acs-date", date.as_str())]);
    headers.extend(by.security_token.map(|it| ("x-acs-security-token", it)));
    headers.extend([("x-acs-signature-nonce", nonce), ("x-acs-version", call.version)]);
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let values: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let target = target(&query);
    let target_bytes = target.as_bytes();
    let request = Request {
        method: call.method,
        target: target_bytes,
        headers: &values,
        body: &body,
        tls: false,
    };
    let pairs = Pairs::of_query(&query);
    let canonical = Canonical {
        request: &request,
        pairs: &pairs,
        signed_headers: &names,
        payload_hash: &hash,
        raw_names: false,
    };
    let mut text = Zeroizing::new(Vec::new());
    canonical.write(None, &mut text);
    let scheme = Scheme::V3.name();
    let to_sign = string_to_sign_v3(scheme, Hash::Sha256, &text);
    let signature = digest::hex(&*digest::hmac_sha256(by.secret, &to_sign));
    let signature = String::from_utf8_lossy(&signature);
    let id = by.access_key_id;
    let line = format!("{scheme} Credential={id},SignedHeaders={names},Signature={signature}");
    let mut headers: Vec<_> = owned(&headers);
    headers.push(("authorization", line.into()));
    Signed { target, headers, body }
}

/// Signs a call with HMAC-SHA1 over its parameters: what older clients do. Source: identity.md §1.3.
#[must_use]
pub fn sign_v1(call: &Outgoing<'_>, by: &Credentials<'_>, now: Timestamp, nonce: &str) -> Signed {
    let date = now.to_string();
    let mut system = vec![
        ("AccessKeyId", by.access_key_id),
        ("Action", call.action),
        ("Format", if call.format == Format::Xml { "XML" } else { "JSON" }),
        ("SignatureMethod", Scheme::V1.name()),
        ("SignatureNonce", nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", &date),
        ("Version", call.version),
    ];
    system.extend(by.security_token.map(|it| ("SecurityToken", it)));
    let mut query = joined(call.query.iter().chain(&system));
    let body = joined(call.form);
    let mut to_sign = Zeroizing::new(Vec::new());
    if let Ok(pairs) = Pairs::read(&query, Body::Form(&body)) {
        write_v1(call.method, &pairs, None, &mut to_sign);
    }
    let key = Zeroizing::new([by.secret, b"&"].concat());
    query.extend_from_slice(b"&Signature=");
    encode(digest::hmac_sha1_base64(&key, &to_sign).as_bytes(), &mut query);
    let mut headers = vec![("host", call.host)];
    if !call.form.is_empty() {
        headers.push(("content-type", FORM));
    }
    Signed { target: target(&query), headers: owned(&headers), body }
}

/// `name=value` for each, escaped, with `&` between them.
fn joined<'a>(pairs: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::new());
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push(b'&');
        }
        encode(name.as_bytes(), &mut out);
        out.push(b'=');
        encode(value.as_bytes(), &mut out);
    }
    out
}

/// The path, and the query if there is one.
fn target(query: &[u8]) -> Zeroizing<String> {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/{mark}{}", String::from_utf8_lossy(query)).into()
}

fn owned(headers: &[(&'static str, &str)]) -> Vec<(&'static str, Zeroizing<String>)> {
    headers.iter().map(|(name, value)| (*name, (*value).to_owned().into())).collect()
}
