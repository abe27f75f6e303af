//! Who a request says it is from, before anything is proved.

use std::collections::BTreeSet;

use yaoku_model::{ids::AccessKeyId, time::Timestamp};
use zeroize::Zeroizing;

use super::{
    digest::Hash,
    read::{Auth, Incoming},
};
use crate::error::{Code, Refusal};

/// The version of KMS, whose V1 calls may come without a nonce. Source: identity.md §1.6.
const KMS_VERSION: &str = "2016-01-20";

/// The most headers that one request may sign: what is listed is looked up before the signature
/// has proved anything. (Our choice: clients sign about ten.)
const MAX_SIGNED_HEADERS: usize = 100;

/// A way of signing. Source: identity.md §1.3-1.5.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// Parameters signed with HMAC-SHA1.
    V1,
    /// ACS3 with SHA-256.
    V3,
    /// ACS3 with SM3.
    V3Sm3,
    /// ACS4: as V3 with a key for the day, the region and the product.
    V4,
}

impl Scheme {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "HMAC-SHA1",
            Self::V3 => "ACS3-HMAC-SHA256",
            Self::V3Sm3 => "ACS3-HMAC-SM3",
            Self::V4 => "ACS4-HMAC-SHA256",
        }
    }

    pub(super) const fn hash(self) -> Hash {
        match self {
            Self::V3Sm3 => Hash::Sm3,
            Self::V1 | Self::V3 | Self::V4 => Hash::Sha256,
        }
    }
}

/// Who a request says it is from, and when. Proved only by [`Incoming::verify`].
#[derive(Debug)]
pub struct Claim {
    /// The access key that signed.
    pub access_key_id: AccessKeyId,
    /// When.
    pub timestamp: Timestamp,
    /// What makes the request unique. V1 calls to KMS may come without.
    pub nonce: Option<String>,
    /// The token of a session.
    pub security_token: Option<Zeroizing<String>>,
    /// How it is signed.
    pub scheme: Scheme,
}

/// An `Authorization` header, taken apart.
#[derive(Clone, Copy)]
pub(super) struct Authorization<'a> {
    pub(super) scheme: Scheme,
    pub(super) access_key_id: &'a str,
    /// `<day>/<region>/<product>/aliyun_v4_request` under V4.
    pub(super) scope: &'a str,
    pub(super) signed_headers: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads `<scheme> Credential=…,SignedHeaders=…,Signature=…`.
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, Code> {
        let text = std::str::from_utf8(text).map_err(|_| Code::IncompleteSignature)?;
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        let known = [Scheme::V3, Scheme::V3Sm3, Scheme::V4];
        let scheme = known.into_iter().find(|it| it.name() == scheme);
        let scheme = scheme.ok_or(Code::InvalidSignatureMethod)?;
        Self::members(scheme, rest).ok_or(Code::IncompleteSignature)
    }

    /// The three members, each exactly once, in any order.
    fn members(scheme: Scheme, text: &'a str) -> Option<Self> {
        let (mut credential, mut headers, mut signature) = (None, None, None);
        for member in text.split(',') {
            let (name, value) = member.trim().split_once('=')?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut headers,
                "Signature" => &mut signature,
                _ => return None,
            };
            if value.is_empty() || slot.replace(value).is_some() {
                return None;
            }
        }
        let (access_key_id, scope) = match scheme {
            Scheme::V4 => credential?.split_once('/')?,
            _ => (credential?, ""),
        };
        if scheme == Scheme::V4 && scope.split('/').count() != 4 {
            return None;
        }
        let signed_headers = headers.filter(|it| is_header_list(it))?;
        Some(Self { scheme, access_key_id, scope, signed_headers, signature: signature? })
    }

    pub(super) fn signs(&self, name: &str) -> bool {
        let mut signed = self.signed_headers.as_bytes().split(|it| *it == b';');
        signed.any(|it| it.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The key of the signature. Under V4 it is derived; else it is the secret itself.
    pub(super) fn key(&self, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        if self.scheme != Scheme::V4 {
            return Ok(secret.to_vec().into());
        }
        let mut key = Zeroizing::new([b"aliyun_v4", secret].concat());
        for part in self.scope.split('/') {
            let next = Hash::Sha256.mac(&key, part.as_bytes())?;
            key = Zeroizing::new(next.to_vec());
        }
        Ok(key)
    }
}

impl Incoming<'_> {
    /// Who the request says it is from. Refuses what lacks a part of its authentication, then an
    /// unknown scheme, then a malformed timestamp, in this order. Source: identity.md §1.6.
    ///
    /// An anonymous request claims nothing: that is refused too.
    pub fn claim(&self) -> Result<Claim, Refusal> {
        match self.auth {
            Auth::Parameters => self.claim_v1(),
            Auth::Header => self.claim_header(),
            Auth::Anonymous => Err(Code::MissingAccessKeyId.into()),
        }
    }

    fn claim_v1(&self) -> Result<Claim, Refusal> {
        let filled = |name| self.pairs.value(name).filter(|it| !it.is_empty());
        // Other types sign with a token or a key pair: not spoken here. Source: identity.md §1.2.
        if filled("SignatureType").is_some() {
            return Err(Code::InvalidSignatureMethod.into());
        }
        let access_key_id = filled("AccessKeyId").ok_or(Code::MissingAccessKeyId)?;
        let required = |name| filled(name).ok_or_else(|| not_supplied(name));
        required("Signature")?;
        // Absent ones are no known method and no timestamp, as in the reference verdicts.
        let method = filled("SignatureMethod").unwrap_or_default();
        let timestamp = filled("Timestamp").unwrap_or_default();
        let nonce = filled("SignatureNonce").map(str::to_owned);
        if nonce.is_none() && self.version != KMS_VERSION {
            return Err(not_supplied("SignatureNonce"));
        }
        let version = filled("SignatureVersion").unwrap_or("1.0");
        if method != Scheme::V1.name() || version != "1.0" {
            return Err(Code::InvalidSignatureMethod.into());
        }
        Ok(Claim {
            timestamp: moment(timestamp)?,
            access_key_id: known(access_key_id)?,
            nonce,
            security_token: filled("SecurityToken").map(|it| it.to_owned().into()),
            scheme: Scheme::V1,
        })
    }

    fn claim_header(&self) -> Result<Claim, Refusal> {
        let filled = |name| self.request.text(name).filter(|it| !it.is_empty());
        let required = |name| filled(name).ok_or_else(|| not_supplied(name));
        let date = required("x-acs-date")?;
        let nonce = required("x-acs-signature-nonce")?;
        let auth = self.authorization()?;
        Ok(Claim {
            timestamp: moment(date)?,
            access_key_id: known(auth.access_key_id)?,
            nonce: Some(nonce.to_owned()),
            security_token: filled("x-acs-security-token").map(|it| it.to_owned().into()),
            scheme: auth.scheme,
        })
    }
}

impl<'a> Incoming<'a> {
    /// The `Authorization` header of [`Auth::Header`].
    pub(super) fn authorization(&self) -> Result<Authorization<'a>, Code> {
        self.header.unwrap_or(Err(Code::IncompleteSignature))
    }
}

/// Whether these are names, none of them empty, too many or given twice.
fn is_header_list(text: &str) -> bool {
    // Clients sort them: then each is another one, and nothing has to be kept.
    let names = text.as_bytes().split(|it| *it == b';');
    if names.clone().count() <= MAX_SIGNED_HEADERS
        && names.clone().all(|it| !it.is_empty() && it.iter().all(|it| !it.is_ascii_uppercase()))
        && names.is_sorted_by(|one, next| one < next)
    {
        return true;
    }
    let mut seen = BTreeSet::new();
    text.split(';').all(|it| {
        !it.is_empty() && seen.insert(it.to_ascii_lowercase()) && seen.len() <= MAX_SIGNED_HEADERS
    })
}

/// A parameter of the gateway itself is missing. Source: identity.md §1.8.
pub(super) fn not_supplied(name: &str) -> Refusal {
    Refusal::from(Code::MissingParameter).with_message(format!(
        "The input parameter \"{name}\" that is mandatory for processing this request is not \
         supplied."
    ))
}

fn moment(text: &str) -> Result<Timestamp, Refusal> {
    text.parse().map_err(|_| Code::TimestampFormat.into())
}

/// What cannot be the id of an access key is the id of none.
fn known(text: &str) -> Result<AccessKeyId, Refusal> {
    text.parse().map_err(|_| Code::AccessKeyIdNotFound.into())
}

#[cfg(test)]
mod tests {
    use super::{Authorization, Claim, Scheme};
    use crate::{
        error::Code,
        rpc::{Request, read},
    };

    #[test]
    fn a_header_has_three_members_in_any_order() {
        let text = b"ACS3-HMAC-SHA256 Signature=s, SignedHeaders=a;b,Credential=k";
        let auth = Authorization::parse(text).unwrap();
        assert_eq!((auth.access_key_id, auth.signature), ("k", "s"));
        assert!(auth.signs("a") && auth.signs("B") && !auth.signs("a;b"));
    }

    #[test]
    fn a_credential_of_v4_has_slashes() {
        let text = b"ACS4-HMAC-SHA256 Credential=k/20261121/r/Kms/aliyun_v4_request,SignedHeaders=a,Signature=s";
        let auth = Authorization::parse(text).unwrap();
        assert_eq!((auth.scheme, auth.access_key_id), (Scheme::V4, "k"));
        assert_eq!(auth.scope, "20261121/r/Kms/aliyun_v4_request");
    }

    #[test]
    fn malformed_headers_are_refused() {
        for (text, code) in [
            ("", Code::InvalidSignatureMethod),
            (
                "ACS3-RSA-SHA256 Credential=k,SignedHeaders=a,Signature=s",
                Code::InvalidSignatureMethod,
            ),
            ("ACS3-HMAC-SHA256", Code::IncompleteSignature),
            ("ACS3-HMAC-SHA256 Credential=k,SignedHeaders=a", Code::IncompleteSignature),
            ("ACS3-HMAC-SHA256 Credential=k,SignedHeaders=a,Signature=", Code::IncompleteSignature),
            (
                "ACS3-HMAC-SHA256 Credential=k,SignedHeaders=a,Signature=s,Signature=s",
                Code::IncompleteSignature,
            ),
            (
                "ACS3-HMAC-SHA256 Credential=k,SignedHeaders=a,Signature=s,X=1",
                Code::IncompleteSignature,
            ),
            (
                "ACS4-HMAC-SHA256 Credential=k,SignedHeaders=a,Signature=s",
                Code::IncompleteSignature,
            ),
            (
                "ACS4-HMAC-SHA256 Credential=k/d/r,SignedHeaders=a,Signature=s",
                Code::IncompleteSignature,
            ),
        ] {
            assert_eq!(Authorization::parse(text.as_bytes()).err(), Some(code), "{text}");
        }
    }

    #[test]
    fn signed_headers_are_names_each_once_and_not_too_many() {
        let list = |count: usize| -> String {
            (0..count).map(|nth| format!("x-{nth}")).collect::<Vec<_>>().join(";")
        };
        let parsed = |list: &str| {
            let text = format!("ACS3-HMAC-SHA256 Credential=k,SignedHeaders={list},Signature=s");
            Authorization::parse(text.as_bytes()).map(|_| ())
        };
        for refused in ["", ";", "host;", ";host", "a;;b", "a;b;a", "host;Host", &list(101)] {
            assert_eq!(parsed(refused), Err(Code::IncompleteSignature), "{refused}");
        }
        assert_eq!(parsed(&list(100)), Ok(()));
    }

    fn claimed(target: &str, headers: &[(&str, &[u8])]) -> Result<Claim, Code> {
        let target = target.as_bytes();
        let request = Request { method: "GET", target, headers, body: b"", tls: true };
        read(&request).map_err(|it| it.refusal.code())?.claim().map_err(|it| it.code())
    }

    #[test]
    fn a_v1_claim_is_refused_in_order() {
        const KMS: &str = "/?Action=A&Version=2016-01-20";
        const RAM: &str = "/?Action=A&Version=2015-05-01";
        const REST: &str = "&AccessKeyId=k&Signature=s&SignatureMethod=HMAC-SHA1";
        const TIME: &str = "&Timestamp=2026-11-21T21:05:20Z";
        for (target, code) in [
            (format!("{KMS}&SignatureType=BEARERTOKEN"), Code::InvalidSignatureMethod),
            (format!("{KMS}&SignatureType=&AccessKeyId="), Code::MissingAccessKeyId),
            (format!("{KMS}&AccessKeyId=k&SignatureMethod=x"), Code::MissingParameter),
            (format!("{KMS}&AccessKeyId=k&Signature=s{TIME}"), Code::InvalidSignatureMethod),
            (format!("{KMS}{REST}"), Code::TimestampFormat),
            (format!("{RAM}{REST}{TIME}"), Code::MissingParameter),
            (format!("{KMS}{REST}x&Timestamp=x"), Code::InvalidSignatureMethod),
            (format!("{KMS}{REST}{TIME}&SignatureVersion=2.0"), Code::InvalidSignatureMethod),
            (format!("{KMS}{REST}&Timestamp=2026-11-21"), Code::TimestampFormat),
            (format!("{KMS}{TIME}{}", REST.replace("=k", "=k/k")), Code::AccessKeyIdNotFound),
        ] {
            assert_eq!(claimed(&target, &[]).err(), Some(code), "{target}");
        }
        assert_eq!(claimed(&format!("{KMS}{REST}{TIME}"), &[]).unwrap().nonce, None);
        assert!(claimed(&format!("{RAM}{REST}{TIME}&SignatureNonce=n"), &[]).is_ok());
    }

    #[test]
    fn a_v3_claim_is_refused_in_order() {
        let all: [(&str, &[u8]); 6] = [
            ("x-acs-action", b"A"),
            ("x-acs-version", b"2016-01-20"),
            ("x-acs-date", b"2026-11-21T21:05:20Z"),
            ("x-acs-signature-nonce", b"n"),
            ("x-acs-content-sha256", b"h"),
            ("authorization", b"ACS3-HMAC-SHA256 Credential=k,SignedHeaders=a,Signature=s"),
        ];
        assert!(claimed("/", &all).is_ok());
        // An absent hash is for the signature to find.
        for missing in 0..4 {
            let mut headers = all;
            headers[missing].1 = b" ";
            headers[5].1 = b"ACS3-MD5";
            assert_eq!(claimed("/", &headers).err(), Some(Code::MissingParameter), "{missing}");
        }
        let mut headers = all;
        headers[2].1 = b"yesterday";
        assert_eq!(claimed("/", &headers).err(), Some(Code::TimestampFormat));
        headers[5].1 = b"ACS3-MD5 Credential=k";
        assert_eq!(claimed("/", &headers).err(), Some(Code::InvalidSignatureMethod));
        headers[5] = ("x-acs-bearer-token", b"t");
        assert_eq!(claimed("/", &headers).err(), Some(Code::InvalidSignatureMethod));
    }
}
