//! What the operations on targets have in common. Our own.

use std::str::FromStr;

use aws_lc_rs::digest;
use yaoku_model::{ids::Invalid, target::Target, time::Timestamp};
use yaoku_targets::{HostKey, NotAHostKey};
use yaoku_wire::{fields::Fields, params::Params};

use crate::error::ApiError;

/// Targets of an account. Our choice.
pub(super) const MOST: usize = 1000;

/// A server's name or address: letters, digits and `.:-_` as both have them.
#[derive(Debug)]
pub(super) struct Host(pub(super) String);

/// A port: 1 to 65535.
#[derive(Debug)]
pub(super) struct Port(pub(super) u16);

/// The longest text of certificates or host keys, in bytes. Our choice.
const MAX_PEM: usize = 32 * 1024;

/// Certificates, PEM, at most 32 KiB.
#[derive(Debug)]
pub(super) struct Ca(pub(super) String);

impl FromStr for Host {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let fits = (1..=Target::MAX_HOST).contains(&raw.len())
            && raw.bytes().all(|it| it.is_ascii_alphanumeric() || b".:-_".contains(&it));
        if fits { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

impl FromStr for Port {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        raw.parse().ok().filter(|it| *it > 0).map(Self).ok_or(Invalid)
    }
}

impl FromStr for Ca {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let certificates = pem::parse_many(raw).map_err(|_| Invalid)?;
        let fits = raw.len() <= MAX_PEM
            && !certificates.is_empty()
            && certificates.iter().all(|it| it.tag() == "CERTIFICATE" && authority(it).is_some());
        if fits { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

/// Takes the parameter `HostKey`, at most 32 KiB: see [`HostKey`] for what may be in it.
pub(super) fn host_key(params: &mut Params) -> Result<Option<HostKey>, ApiError> {
    const NAME: &str = "HostKey";
    let Some(text) = params.text(NAME).filter(|it| !it.is_empty()) else { return Ok(None) };
    if text.len() > MAX_PEM {
        return Err(ApiError::invalid(NAME));
    }
    let types = HostKey::TYPES;
    let told = |why| ApiError::invalid_because(NAME, &format_args!("{why}; taken are {types}"));
    text.parse().map(Some).map_err(|why: NotAHostKey| told(why))
}

/// What is told of a target. Its administrator's secret is only named.
pub(super) fn fields(it: &Target) -> Fields {
    let fields = Fields::default()
        .text("TargetId", it.id.as_str())
        .text("Engine", it.engine.as_str())
        .text("Host", it.host.as_str())
        .text("Port", it.port.to_string())
        .text("Tls", it.tls.as_str())
        .maybe_text("Ca", it.ca.clone())
        .maybe_text("HostKey", it.host_key.clone())
        .maybe_text("HostKeyFingerprint", it.host_key.as_deref().and_then(fingerprint))
        .text("AdminSecret", it.admin.as_str())
        .text("CreateDate", it.created.to_string())
        .text("UpdateDate", it.updated.to_string());
    let Some(ca) = &it.ca else { return fields };
    let certificates = pem::parse_many(ca).unwrap_or_default();
    fields.list("Authorities", "Authority", certificates.iter().filter_map(authority).collect())
}

fn fingerprint(host_key: &str) -> Option<String> {
    host_key.parse().ok().map(|it: HostKey| it.fingerprint())
}

/// Who a certificate is of, until when it is valid, and its SHA-256 as `openssl x509 -fingerprint`
/// shows it; `None` if it is no certificate.
fn authority(it: &pem::Pem) -> Option<Fields> {
    let (_, read) = x509_parser::parse_x509_certificate(it.contents()).ok()?;
    let end = Timestamp::from_unix_seconds(read.validity().not_after.timestamp());
    let digest = digest::digest(&digest::SHA256, it.contents());
    let digest: Vec<_> = digest.as_ref().iter().map(|it| format!("{it:02X}")).collect();
    let fields = Fields::default()
        .text("Subject", read.subject().to_string())
        .text("NotAfter", end.to_string())
        .text("Fingerprint", digest.join(":"));
    Some(fields)
}
