//! Takes a request apart: where parameters may stand, what they are called, what form is wanted.

use std::{borrow::Cow, fmt};

use zeroize::Zeroizing;

use super::{
    authorization::{Authorization, not_supplied},
    pairs::{Body, Pairs},
};
use crate::{
    error::{Code, Refusal},
    params::Params,
};

/// Parameters of the gateway itself, which no operation sees. Source: identity.md §1.2.
const SYSTEM: [&str; 16] = [
    "AccessKeyId",
    "Action",
    "BearerToken",
    "Format",
    "OwnerAccount",
    "OwnerId",
    "ResourceOwnerAccount",
    "ResourceOwnerId",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// Operations of STS that need no signature: a token in the parameters proves who calls.
const ANONYMOUS: [&str; 2] = ["AssumeRoleWithOIDC", "AssumeRoleWithSAML"];

/// The version of STS.
const STS_VERSION: &str = "2015-04-01";

/// An HTTP request as it came, before any meaning.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, byte for byte.
    pub method: &'a str,
    /// The request target, byte for byte.
    pub target: &'a [u8],
    /// Headers in the order of the wire; names in any case. Under HTTP/2 the caller adds `host`.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body after de-chunking, before any decompression.
    pub body: &'a [u8],
    /// Whether it came over TLS.
    pub tls: bool,
}

impl<'a> Request<'a> {
    /// All values of a header, without the spaces around them.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let found = self.headers.iter().filter(move |(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim_ascii())
    }

    /// The first value of a header. That there is no second is for the signature to check.
    pub(super) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// The first value of a header, if it is UTF-8.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).and_then(|it| std::str::from_utf8(it).ok())
    }

    /// The body, by its content type.
    pub(super) fn typed_body(&self) -> Body<'a> {
        let media = self.text("content-type").unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        match () {
            () if media.eq_ignore_ascii_case("application/x-www-form-urlencoded") => {
                Body::Form(self.body)
            }
            () if !media.eq_ignore_ascii_case("application/json") => Body::Opaque,
            () if self.body.trim_ascii().is_empty() => Body::Opaque,
            () => Body::Json(self.body),
        }
    }
}

/// Method and sizes only: target, headers and body hold secrets.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Request");
        out.field("method", &self.method).field("target", &self.target.len());
        out.field("headers", &self.headers.len()).field("body", &self.body.len());
        out.field("tls", &self.tls).finish()
    }
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// JSON: the default. Source: identity.md §1.2.
    #[default]
    Json,
    /// XML.
    Xml,
}

impl Format {
    /// The media type. Python reads XML only under exactly this one. Source: identity.md §1.7.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json;charset=utf-8",
            Self::Xml => "text/xml;charset=utf-8",
        }
    }

    /// The parameter in any case; without it, an `Accept` that names XML and nothing else.
    fn wanted(pairs: &Pairs, accept: Option<&str>) -> Result<Self, Refusal> {
        match pairs.value("Format").unwrap_or_default() {
            "" if accept.is_some_and(only_xml) => Ok(Self::Xml),
            "" => Ok(Self::Json),
            it if it.eq_ignore_ascii_case("json") => Ok(Self::Json),
            it if it.eq_ignore_ascii_case("xml") => Ok(Self::Xml),
            _ => Err(Code::InvalidFormat.into()),
        }
    }
}

fn only_xml(accept: &str) -> bool {
    let mut media = accept.split(',').map(|it| it.split(';').next().unwrap_or_default().trim());
    media.all(|it| ["application/xml", "text/xml"].iter().any(|xml| it.eq_ignore_ascii_case(xml)))
}

/// Where the authentication of a request stands. Nothing of it is checked yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Auth {
    /// V1: in the parameters.
    Parameters,
    /// V3 or V4: in the `Authorization` header.
    Header,
    /// Nowhere, and the operation needs none.
    Anonymous,
}

/// A request taken apart. Who sent it is not proved yet.
pub struct Incoming<'a> {
    /// The operation, as the client wrote it.
    pub action: Cow<'a, str>,
    /// The version of the product, as the client wrote it.
    pub version: Cow<'a, str>,
    /// The form that the answer must have.
    pub format: Format,
    /// The parameters of the operation, wherever they stood.
    pub params: Params,
    /// Where the authentication stands.
    pub auth: Auth,
    /// The header of [`Auth::Header`], or what is wrong with it; `None` otherwise.
    pub(super) header: Option<Result<Authorization<'a>, Code>>,
    pub(super) request: Request<'a>,
    pub(super) pairs: Pairs,
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Incoming");
        out.field("action", &self.action).field("version", &self.version);
        out.field("format", &self.format).field("auth", &self.auth);
        out.field("params", &self.params).finish_non_exhaustive()
    }
}

/// A request that could not be taken apart, with what its answer needs.
#[derive(Debug)]
pub struct Rejected {
    /// What the client reads.
    pub refusal: Refusal,
    /// The form of the answer, as far as it was known.
    pub format: Format,
    /// The operation, if it was known. Any text: it is what the client wrote.
    pub action: Option<String>,
}

/// Takes a request apart. Refuses, in this order: the method, the path, a body that does not parse,
/// `Format`, more than 2,000 pairs, one name with two values and what is no UTF-8, a missing
/// `Action` or `Version`.
///
/// Source: identity.md §1.1, §1.6.
pub fn read<'a>(request: &Request<'a>) -> Result<Incoming<'a>, Rejected> {
    let at_once =
        |code: Code| Rejected { refusal: code.into(), format: Format::Json, action: None };
    if !["GET", "POST"].contains(&request.method) {
        return Err(at_once(Code::UnsupportedHttpMethod));
    }
    let mark = request.target.iter().position(|it| *it == b'?').unwrap_or(request.target.len());
    let (path, query) = request.target.split_at(mark);
    if path != b"/" {
        return Err(at_once(Code::ApiNotFound));
    }
    let pairs = Pairs::read(query.get(1..).unwrap_or_default(), request.typed_body())
        .map_err(|_| at_once(Code::ParseRequestParameterException))?;
    let format = Format::wanted(&pairs, request.text("accept")).map_err(|refusal| Rejected {
        refusal,
        format: Format::Json,
        action: None,
    })?;
    let rejected = |action: Option<&str>, refusal| {
        Err(Rejected { refusal, format, action: action.map(str::to_owned) })
    };
    let params = match effective(&pairs) {
        Ok(params) => params,
        Err(refusal) => return rejected(None, refusal),
    };
    let header = header_auth(request, &pairs);
    let action = match named(request, &pairs, header.is_some(), "Action", "x-acs-action") {
        Ok(action) => action,
        Err(refusal) => return rejected(None, refusal),
    };
    let version = match named(request, &pairs, header.is_some(), "Version", "x-acs-version") {
        Ok(version) => version,
        Err(refusal) => return rejected(Some(&action), refusal),
    };
    let bare = pairs.value("Signature").is_none()
        && version == STS_VERSION
        && ANONYMOUS.contains(&action.as_ref());
    let auth = match header {
        Some(_) => Auth::Header,
        None if bare => Auth::Anonymous,
        None => Auth::Parameters,
    };
    let header = header.map(Authorization::parse);
    Ok(Incoming { action, version, format, params, auth, header, request: *request, pairs })
}

/// The header that signs, if any does. A bearer token instead leaves it empty: it then fails as a
/// scheme that is not spoken here. Source: identity.md §1.2.
fn header_auth<'a>(request: &Request<'a>, pairs: &Pairs) -> Option<&'a [u8]> {
    let header = request.value("authorization").filter(|it| it.starts_with(b"ACS"));
    let bearer =
        request.value("x-acs-bearer-token").is_some() && pairs.value("Signature").is_none();
    header.or(if bearer { Some(b"") } else { None })
}

/// The parameters of the operation. The same name twice is fine if the values are the same.
fn effective(pairs: &Pairs) -> Result<Params, Refusal> {
    if pairs.are_too_many() {
        return Err(Code::InvalidParameter.into());
    }
    let mut values = Vec::with_capacity(8);
    let mut system = [None; SYSTEM.len()];
    for (name, value) in pairs.iter() {
        let texts = (std::str::from_utf8(name), std::str::from_utf8(value));
        let (Ok(name), Ok(value)) = texts else { return Err(Code::InvalidParameter.into()) };
        match SYSTEM.iter().position(|it| *it == name) {
            None => values.push((name.to_owned(), Zeroizing::new(value.to_owned()))),
            Some(at) if *system[at].get_or_insert(value) == value => {}
            Some(_) => return Err(Code::InvalidParameter.into()),
        }
    }
    Params::of(values).map_err(|_| Code::InvalidParameter.into())
}

/// `Action` or `Version`: only from where the signature covers it. Under V3 a parameter of that
/// name may come along, but must agree. Where nothing signs, a header will do if there is no
/// parameter: then the refusal is for what is missing. Source: identity.md §1.1 (agreement, and the
/// unsigned header: our choice).
fn named<'a>(
    request: &Request<'a>,
    pairs: &Pairs,
    by_header: bool,
    parameter: &str,
    header: &str,
) -> Result<Cow<'a, str>, Refusal> {
    let sent = pairs.value(parameter).filter(|it| !it.is_empty());
    if !by_header {
        let unsigned = pairs.value("Signature").is_none();
        let named = request.text(header).filter(|it| unsigned && !it.is_empty());
        let sent = sent.map(|it| it.to_owned().into());
        return sent.or(named.map(Cow::from)).ok_or_else(|| not_supplied(parameter));
    }
    let signed = request.text(header).filter(|it| !it.is_empty());
    match (signed, sent) {
        (None, _) => Err(not_supplied(header)),
        (Some(signed), Some(sent)) if signed != sent => {
            Err(Refusal::parameter(Code::InvalidParameter, parameter))
        }
        (Some(signed), _) => Ok(signed.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Auth, Format, Request, read};
    use crate::error::Code;

    fn request<'a>(
        method: &'a str,
        target: &'a str,
        headers: &'a [(&'a str, &'a [u8])],
        body: &'a str,
    ) -> Request<'a> {
        Request { method, target: target.as_bytes(), headers, body: body.as_bytes(), tls: true }
    }

    const FORM: &[(&str, &[u8])] = &[("Content-Type", b"application/x-www-form-urlencoded")];
    const JSON: &[(&str, &[u8])] = &[("content-type", b"Application/JSON; charset=utf-8")];

    #[test]
    fn what_cannot_be_read_is_refused_in_order() {
        for (method, target, headers, body, code) in [
            ("PUT", "/x", JSON, "x", Code::UnsupportedHttpMethod),
            ("get", "/", JSON, "", Code::UnsupportedHttpMethod),
            ("GET", "/x?Format=x", JSON, "x", Code::ApiNotFound),
            ("POST", "/?Format=x", JSON, "x", Code::ParseRequestParameterException),
            ("POST", "/", JSON, "[]", Code::ParseRequestParameterException),
            ("POST", "/?Format=x&A=1&A=2", FORM, "", Code::InvalidFormat),
            ("POST", "/?A=1", FORM, "A=2", Code::InvalidParameter),
            ("POST", "/?A=1", JSON, "{\"A\":2}", Code::InvalidParameter),
            ("POST", "/?A=1&A=2", &[], "", Code::InvalidParameter),
            ("POST", "/?Signature=1", FORM, "Signature=2", Code::InvalidParameter),
            ("POST", "/?A=%ff", &[], "", Code::InvalidParameter),
            ("POST", "/?A=1", FORM, "A=1", Code::MissingParameter),
            ("POST", "/?Action=DescribeKey", &[], "", Code::MissingParameter),
        ] {
            let rejected = read(&request(method, target, headers, body)).unwrap_err();
            assert_eq!(rejected.refusal.code(), code, "{method} {target} {body}");
        }
    }

    #[test]
    fn more_than_two_thousand_pairs_are_refused() {
        let query = |count: usize| "A=1&".repeat(count);
        let members = |count: usize| {
            let list: Vec<_> = (0..count).map(|nth| format!("\"b{nth}\":1")).collect();
            format!("{{{}}}", list.join(","))
        };
        for (in_query, headers, body) in [
            (2001, FORM, String::new()),
            (1000, FORM, query(1001)),
            (1000, JSON, members(1001)),
            (1, FORM, query(500_000)),
        ] {
            let target = format!("/?{}", query(in_query));
            let rejected = read(&request("POST", &target, headers, &body)).unwrap_err();
            assert_eq!(rejected.refusal.code(), Code::InvalidParameter, "{in_query}");
        }
        let target = format!("/?{}Action=B&Version=2", query(998));
        assert!(read(&request("POST", &target, JSON, &members(1000))).is_ok());
        assert!(read(&request("POST", &target, FORM, &query(1000))).is_ok());
    }

    #[test]
    fn a_header_that_no_signature_covers_names_the_action_of_an_unsigned_call_alone() {
        let headers: &[(&str, &[u8])] = &[("x-acs-action", b"A"), ("x-acs-version", b"1")];
        let rejected = read(&request("GET", "/?Signature=any", headers, "")).unwrap_err();
        assert_eq!(rejected.refusal.code(), Code::MissingParameter);
        let incoming = read(&request("GET", "/", headers, "")).unwrap();
        assert_eq!((&*incoming.action, &*incoming.version), ("A", "1"));
        let incoming = read(&request("GET", "/?Action=B&Version=2", headers, "")).unwrap();
        assert_eq!((&*incoming.action, &*incoming.version), ("B", "2"));
    }

    #[test]
    fn a_parameter_must_agree_with_the_signed_header() {
        let headers: &[(&str, &[u8])] =
            &[("x-acs-action", b"A"), ("x-acs-version", b"1"), ("Authorization", b"ACS3")];
        assert!(read(&request("GET", "/?Action=A&Version=1", headers, "")).is_ok());
        let rejected = read(&request("GET", "/?Action=B", headers, "")).unwrap_err();
        assert_eq!(rejected.refusal.code(), Code::InvalidParameter);
    }

    #[test]
    fn operations_see_no_parameter_of_the_gateway() {
        let target = "/?Action=A&Version=1&AccessKeyId=x&RegionId=r&KeyId=k&Signature=s&Format=XML";
        let incoming = read(&request("GET", target, &[], "")).unwrap();
        assert_eq!(incoming.params.left().collect::<Vec<_>>(), ["KeyId"]);
        assert_eq!(incoming.params.region().unwrap().unwrap().as_str(), "r");
        assert_eq!(incoming.format, Format::Xml);
    }

    #[test]
    fn accept_asks_for_xml_only_if_it_names_nothing_else() {
        for (accept, format, expected) in [
            ("application/xml", "", Format::Xml),
            ("text/xml;q=0.9, application/xml", "", Format::Xml),
            ("application/xml", "json", Format::Json),
            ("text/html,application/xml;q=0.9,*/*;q=0.8", "", Format::Json),
            ("application/json", "xMl", Format::Xml),
            ("", "", Format::Json),
        ] {
            let target = format!("/?Action=A&Version=1&Format={format}");
            let headers = [("accept", accept.as_bytes())];
            let incoming = read(&request("GET", &target, &headers, "")).unwrap();
            assert_eq!(incoming.format, expected, "{accept}");
        }
    }

    #[test]
    fn only_the_two_token_operations_of_sts_may_come_unsigned() {
        for (target, anonymous) in [
            ("/?Action=AssumeRoleWithOIDC&Version=2015-04-01", true),
            ("/?Action=AssumeRoleWithSAML&Version=2015-04-01", true),
            ("/?Action=AssumeRoleWithOIDC&Version=2015-04-01&Signature=x", false),
            ("/?Action=AssumeRoleWithOIDC&Version=2016-01-20", false),
            ("/?Action=AssumeRole&Version=2015-04-01", false),
        ] {
            let incoming = read(&request("GET", target, &[], "")).unwrap();
            assert_eq!(matches!(incoming.auth, Auth::Anonymous), anonymous, "{target}");
            assert!(incoming.claim().is_err());
        }
    }
}
