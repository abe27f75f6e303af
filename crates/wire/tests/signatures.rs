//! Every vector of `vectors/signature` through the gateway, in the order of a server, and what
//! becomes of them when one byte is changed. Source: identity.md §1, §5.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::Value;
use yaoku_model::time::Timestamp;
use yaoku_wire::{
    Code, Refusal,
    rpc::{Auth, Explanation, Format, Incoming, Rejected, Request, SigningKey, read},
};

/// A request that can be changed, and what the server knows.
#[derive(Clone, Debug)]
struct Vector {
    file: String,
    method: String,
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    access_key_id: String,
    secret: String,
    security_token: Option<String>,
    now: Option<Timestamp>,
    used: Vec<(String, String)>,
    json: Value,
}

impl Vector {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/signature");
        let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|it| it.extension().is_some_and(|it| it == "json")).collect();
        files.sort();
        files.iter().map(|it| Self::load(it)).collect()
    }

    fn load(file: &Path) -> Self {
        let json: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let pairs = |it: &Value| -> Vec<(String, String)> {
            let entries = it.as_array().unwrap().iter();
            entries.map(|it| (text(&it[0]), text(&it[1]))).collect()
        };
        let known = &json["credentials"];
        Self {
            file: file.file_name().unwrap().to_string_lossy().into_owned(),
            method: text(&json["method"]),
            target: text(&json["target"]).into_bytes(),
            headers: pairs(&json["headers"]).into_iter().map(|(k, v)| (k, v.into())).collect(),
            body: STANDARD.decode(text(&json["body_base64"])).unwrap(),
            access_key_id: text(&known["access_key_id"]),
            secret: text(&known["access_key_secret"]),
            security_token: known["security_token"].as_str().map(str::to_owned),
            now: json["clock"]["server_now"].as_str().map(|it| it.parse().unwrap()),
            used: pairs(&json["nonces_already_seen"]),
            json,
        }
    }

    fn expected(&self, name: &str) -> Option<&str> {
        self.json["expected"][name].as_str()
    }

    fn accepted(&self) -> bool {
        self.expected("verdict") == Some("ok")
    }

    /// Calls `look` with the request taken apart.
    fn read<T>(&self, look: impl FnOnce(Result<Incoming<'_>, Rejected>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        look(read(&Request {
            method: &self.method,
            target: &self.target,
            headers: &headers,
            body: &self.body,
            tls: true,
        }))
    }

    /// Judges the request as a server would.
    fn judge(&self) -> Result<Option<Explanation>, Refusal> {
        self.read(|it| self.judge_read(&it.map_err(|it| it.refusal)?))
    }

    /// Source: identity.md §1.6.
    fn judge_read(&self, incoming: &Incoming<'_>) -> Result<Option<Explanation>, Refusal> {
        const VERSIONS: [&str; 6] =
            ["2016-01-20", "2015-05-01", "2015-04-01", "2014-05-26", "2014-05-15", "2014-05-28"];
        if !VERSIONS.contains(&&*incoming.version) {
            return Err(Code::InvalidVersion.into());
        }
        let named = |it: &str| it.starts_with(|c: char| c.is_ascii_uppercase());
        let unknown = ["NoSuchAction", "NoSuchOperation", "Nope"].contains(&&*incoming.action);
        if unknown || !named(&incoming.action) {
            return Err(Code::ActionNotFound.into());
        }
        if matches!(incoming.auth, Auth::Anonymous) {
            return Ok(None);
        }
        let claim = incoming.claim()?;
        let off = self.now.map_or(0, |now| now.unix_ms() - claim.timestamp.unix_ms());
        if off.abs() > 900_000 {
            return Err(Code::TimestampExpired.into());
        }
        if claim.access_key_id.as_str() != self.access_key_id {
            return Err(Code::AccessKeyIdNotFound.into());
        }
        let token = claim.security_token.as_ref().map(|it| it.as_str());
        match (claim.access_key_id.is_session(), token) {
            (true, None) => return Err(Code::MissingSecurityToken.into()),
            (true, token) if token != self.security_token.as_deref() => {
                return Err(Code::SecurityTokenMismatch.into());
            }
            _ => {}
        }
        let verified = incoming.verify(&SigningKey::new(self.secret.as_bytes()), &|_| false)?;
        assert_eq!(verified.scheme(), claim.scheme);
        let nonce = claim.nonce.unwrap_or_default();
        if self.used.contains(&(self.access_key_id.clone(), nonce)) {
            return Err(Code::SignatureNonceUsed.into());
        }
        incoming.explain(self.secret.as_bytes(), None).map(Some)
    }
}

#[test]
fn every_vector_gets_its_verdict() {
    let vectors = Vector::all();
    assert!(vectors.len() > 80, "{} vectors", vectors.len());
    for vector in vectors {
        let file = &vector.file;
        match vector.judge() {
            Err(refusal) => {
                let status = vector.json["expected"]["http_status"].as_u64();
                assert_eq!(
                    Some(refusal.code().wire()),
                    vector.expected("code"),
                    "{file}: {refusal}"
                );
                assert_eq!(Some(u64::from(refusal.code().status())), status, "{file}");
            }
            Ok(None) => assert_eq!(vector.expected("scheme"), Some("anonymous"), "{file}"),
            Ok(Some(it)) => {
                assert!(vector.accepted(), "{file} must be refused: {:?}", vector.expected("code"));
                assert!(it.accepted && it.findings.is_empty(), "{file}");
                assert_eq!(Some(it.scheme.name()), vector.expected("scheme"), "{file}");
                let told = |name| vector.expected(name);
                for (name, ours) in [
                    ("signature", Some(&it.signature)),
                    ("string_to_sign", Some(&it.string_to_sign)),
                    ("canonical_request", it.canonical_request.as_ref()),
                ] {
                    assert!(told(name).is_none_or(|it| Some(it) == ours.map(|it| &**it)), "{file}");
                }
            }
        }
    }
}

#[test]
fn every_accepted_vector_is_read_as_its_client_meant_it() {
    for vector in Vector::all().iter().filter(|it| it.accepted()) {
        let (file, request) = (&vector.file, &vector.json["request"]);
        vector.read(|it| {
            let mut incoming = it.unwrap();
            assert_eq!(Some(&*incoming.action), request["action"].as_str(), "{file}");
            assert_eq!(Some(&*incoming.version), request["version"].as_str(), "{file}");
            let wanted = request["common_params"]["Format"].as_str().unwrap_or_default();
            let xml = wanted.eq_ignore_ascii_case("xml");
            assert_eq!(incoming.format == Format::Xml, xml, "{file}");
            let nonce = incoming.claim().ok().and_then(|it| it.nonce);
            if !matches!(incoming.auth, Auth::Anonymous) {
                assert_eq!(nonce.as_deref(), request["nonce"].as_str(), "{file}");
            }
            let names: Vec<_> = incoming.params.left().map(str::to_owned).collect();
            let read: BTreeMap<_, _> = names
                .into_iter()
                .map(|it| (it.clone(), incoming.params.text(&it).unwrap().to_string()))
                .collect();
            let meant = request["operation_params"].as_object().unwrap();
            let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
            let meant = meant.iter().map(|(k, v)| (k.clone(), text(v))).collect();
            assert_eq!(read, meant, "{file}");
        });
    }
}

#[test]
fn a_mismatch_echoes_what_was_signed_but_no_secret() {
    for vector in Vector::all().iter().filter(|it| it.accepted()) {
        let refusal = vector.read(|it| {
            let hide = |name: &str| ["SecretData", "EncryptionContext"].contains(&name);
            it.unwrap().verify(&SigningKey::new(b"another"), &hide).err().unwrap()
        });
        let message = refusal.message();
        if vector.expected("scheme") == Some("HMAC-SHA1") {
            let start = "Specified signature is not matched with our calculation. server string to sign is:";
            assert!(message.starts_with(start), "{message}");
            assert_eq!(message.matches("server string to sign is:").count(), 1);
        } else if vector.expected("scheme") != Some("anonymous") {
            let start =
                "Specified signature does not match our calculation. server StringToSign is [";
            assert!(message.starts_with(start) && message.ends_with(']'), "{message}");
            assert!(message.contains("], server CanonicalRequest is ["), "{message}");
        }
        for canary in [
            "p%40ss",
            "p%2540ss",
            "EncryptionContext=%7B",
            "EncryptionContext%3D%25",
            "sp%2520ace%3Da",
        ] {
            assert!(!message.contains(canary), "{}: {message}", vector.file);
        }
        if let Some(token) = &vector.security_token {
            let start: String = token.chars().take_while(char::is_ascii_alphanumeric).collect();
            assert!(start.len() > 8 && !message.contains(&start), "{}: {message}", vector.file);
        }
    }
}

#[test]
fn a_refused_vector_is_explained_in_words() {
    for (file, finding) in [
        ("092-neg-v3-body-tampered.json", "The body is not the one that was signed"),
        ("093-neg-v3-query-tampered.json", "Nothing simple explains it"),
    ] {
        let vector = Vector::all().into_iter().find(|it| it.file == file).unwrap();
        let explained =
            vector.read(|it| it.unwrap().explain(vector.secret.as_bytes(), None).unwrap());
        assert!(!explained.accepted);
        assert!(explained.findings[0].starts_with(finding), "{:?}", explained.findings);
    }
}

#[test]
fn a_changed_method_or_a_header_on_the_way_is_explained() {
    let of = |part: &str| {
        Vector::all().into_iter().find(|it| it.accepted() && it.file.contains(part)).unwrap()
    };
    for (part, method) in [("001-", "GET"), ("087-", "POST")] {
        let mut vector = of(part);
        method.clone_into(&mut vector.method);
        let text = findings(&vector);
        assert!(text.contains("It matches for"), "{text}");
    }
    let mut vector = of("001-");
    vector.headers.retain(|(name, _)| name != "accept");
    vector.headers.push(("x-acs-extra".to_owned(), b"1".to_vec()));
    vector.headers.push(("Host".to_owned(), b"other".to_vec()));
    let text = findings(&vector);
    assert!(text.contains("accept is listed in SignedHeaders, but did not arrive"), "{text}");
    assert!(text.contains("x-acs-extra must be signed"), "{text}");
    assert!(text.contains("signed header host arrived more than once"), "{text}");
    let mut vector = of("087-");
    vector.secret.push('\n');
    assert!(findings(&vector).contains("spaces around the secret"));
}

fn findings(it: &Vector) -> String {
    it.read(|read| read.unwrap().explain(it.secret.as_bytes(), None).unwrap().findings.join("\n"))
}

#[test]
fn headers_that_must_be_signed_and_are_not_are_refused() {
    let vector = Vector::all().into_iter().find(|it| it.file.starts_with("022-")).unwrap();
    let without = |signed: &str| {
        let mut changed = vector.clone();
        for (name, value) in &mut changed.headers {
            if name.eq_ignore_ascii_case("authorization") {
                let text = String::from_utf8(value.clone()).unwrap();
                *value = text.replacen(&format!("{signed};"), "", 1).into_bytes();
            }
        }
        let code = changed.judge().err().map(|it| it.code());
        (code, findings(&changed))
    };
    for signed in ["host", "content-type", "x-acs-date", "x-acs-content-sha256"] {
        let (code, text) = without(signed);
        assert_eq!(code, Some(Code::SignatureDoesNotMatch), "{signed}");
        assert!(text.contains(&format!("The header {signed} must be signed")), "{text}");
    }
}

/// Which part of a request is changed.
#[derive(Clone, Copy, Debug)]
enum Part {
    Method,
    Target,
    Body,
    HeaderName,
    HeaderValue,
}

/// Changes one byte of a signed part. `None` if there is none, or if it means the same after.
fn changed(vector: &Vector, part: Part, header: usize, at: usize, byte: u8) -> Option<Vector> {
    let ascii = byte & 0x7f;
    let mut out = vector.clone();
    let set = |bytes: &mut [u8], byte| {
        let len = bytes.len();
        bytes.get_mut(at % len.max(1)).map(|it| *it = byte)
    };
    match part {
        Part::Method => {
            let mut method = out.method.into_bytes();
            set(&mut method, ascii)?;
            out.method = String::from_utf8(method).unwrap();
        }
        Part::Target => set(&mut out.target, byte)?,
        Part::Body => set(&mut out.body, byte)?,
        Part::HeaderName | Part::HeaderValue => {
            let signed = signed_headers(vector)?;
            let (name, value) = out
                .headers
                .iter_mut()
                .filter(|(name, _)| signed.contains(&name.to_ascii_lowercase()))
                .nth(header % signed.len())?;
            if matches!(part, Part::HeaderValue) {
                set(value, byte)?;
            } else {
                let mut bytes = name.clone().into_bytes();
                set(&mut bytes, ascii)?;
                *name = String::from_utf8(bytes).unwrap();
            }
        }
    }
    if means_the_same(vector, &out) { None } else { Some(out) }
}

fn signed_headers(vector: &Vector) -> Option<Vec<String>> {
    let line = vector.headers.iter().find(|(it, _)| it.eq_ignore_ascii_case("authorization"))?;
    let line = String::from_utf8(line.1.clone()).unwrap();
    let list = line.split("SignedHeaders=").nth(1)?.split(',').next()?;
    Some(list.split(';').map(str::to_owned).collect())
}

/// Whether two requests say the same in other words, as `%2A` and `%2a` do.
fn means_the_same(one: &Vector, other: &Vector) -> bool {
    fn pairs(text: &[u8]) -> Vec<(String, String)> {
        let mut pairs: Vec<_> = form_urlencoded::parse(text).into_owned().collect();
        pairs.sort();
        pairs
    }
    let target = |it: &Vector| {
        let text = it.target.clone();
        let mark = text.iter().position(|it| *it == b'?').unwrap_or(text.len());
        (text[..mark].to_vec(), pairs(text.get(mark + 1..).unwrap_or_default()))
    };
    let headers = |it: &Vector| -> Vec<(String, Vec<u8>)> {
        let pairs = it.headers.iter();
        pairs.map(|(k, v)| (k.to_ascii_lowercase(), v.trim_ascii().to_vec())).collect()
    };
    let v1 = signed_headers(one).is_none();
    let body = one.body == other.body || (v1 && pairs(&one.body) == pairs(&other.body));
    one.method == other.method
        && target(one) == target(other)
        && headers(one) == headers(other)
        && body
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_of_what_is_signed_can_be_changed(
        which: prop::sample::Index,
        part in prop_oneof![
            Just(Part::Method), Just(Part::Target), Just(Part::Target), Just(Part::Body),
            Just(Part::HeaderName), Just(Part::HeaderValue),
        ],
        header: prop::sample::Index,
        at: prop::sample::Index,
        byte: u8,
    ) {
        static VECTORS: std::sync::OnceLock<Vec<Vector>> = std::sync::OnceLock::new();
        let vectors = VECTORS.get_or_init(|| {
            let signed = |it: &Vector| it.accepted() && it.expected("scheme") != Some("anonymous");
            Vector::all().into_iter().filter(signed).collect()
        });
        let vector = which.get(vectors);
        let (header, at) = (header.index(1 << 20), at.index(1 << 20));
        if let Some(changed) = changed(vector, part, header, at, byte) {
            let verdict = changed.judge();
            prop_assert!(verdict.is_err(), "{}: {part:?} {at} {byte:#x}", vector.file);
        }
    }

    #[test]
    fn reading_never_panics(
        method in prop_oneof![Just("GET"), Just("POST"), Just("x")],
        target in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "/\\?[A-Za-z=&%+.0-9]{0,80}".prop_map(String::into_bytes),
        ],
        content_type in prop_oneof![
            Just("application/json"), Just("application/x-www-form-urlencoded"), Just("x"),
        ],
        authorization in prop_oneof![
            Just(String::new()), "ACS[34]-HMAC-S(HA256|M3) [A-Za-z=,;/ ]{0,80}", any::<String>(),
        ],
        date in any::<String>(),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "\\{(\"[a-z]{1,3}\":(1|null|\\[ \\]|\"\\\\u00e9\"),?){0,4}\\}".prop_map(String::into_bytes),
        ],
    ) {
        let headers: [(&str, &[u8]); 6] = [
            ("content-type", content_type.as_bytes()),
            ("authorization", authorization.as_bytes()),
            ("x-acs-date", date.as_bytes()),
            ("x-acs-action", b"DescribeKey"),
            ("x-acs-version", b"2016-01-20"),
            (&date, authorization.as_bytes()),
        ];
        let request = Request { method, target: &target, headers: &headers, body: &body, tls: false };
        if let Ok(incoming) = read(&request) {
            _ = incoming.claim();
            _ = incoming.explain(b"secret", None);
            prop_assert!(incoming.verify(&SigningKey::new(b"secret"), &|_| false).is_err());
        }
    }
}
