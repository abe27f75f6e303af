//! What the operations on targets have in common. Our own.

use std::str::FromStr;

use yaoku_model::{ids::Invalid, target::Target};
use yaoku_wire::fields::Fields;

/// Targets of an account. Our choice.
pub(super) const MOST: usize = 1000;

/// A server's name or address: letters, digits and `.:-_` as both have them.
#[derive(Debug)]
pub(super) struct Host(pub(super) String);

/// A port: 1 to 65535.
#[derive(Debug)]
pub(super) struct Port(pub(super) u16);

/// Certificates, PEM, at most 32 KiB.
#[derive(Debug)]
pub(super) struct Ca(pub(super) String);

/// A public key as OpenSSH writes it, without what follows it.
#[derive(Debug)]
pub(super) struct HostKey(pub(super) String);

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
        let fits = raw.len() <= 32 * 1024
            && !certificates.is_empty()
            && certificates.iter().all(|it| it.tag() == "CERTIFICATE");
        if fits { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

impl FromStr for HostKey {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let mut parts = raw.split_ascii_whitespace();
        let (Some(kind), Some(key)) = (parts.next(), parts.next()) else { return Err(Invalid) };
        let word = |it: u8| it.is_ascii_alphanumeric() || b"-@.+/=".contains(&it);
        let fits = raw.len() <= 4096 && kind.bytes().chain(key.bytes()).all(word);
        if fits { Ok(Self(format!("{kind} {key}"))) } else { Err(Invalid) }
    }
}

/// What is told of a target. Its administrator's secret is only named.
pub(super) fn fields(it: &Target) -> Fields {
    Fields::default()
        .text("TargetId", it.id.as_str())
        .text("Engine", it.engine.as_str())
        .text("Host", it.host.as_str())
        .text("Port", it.port.to_string())
        .text("Tls", it.tls.as_str())
        .maybe_text("Ca", it.ca.clone())
        .maybe_text("HostKey", it.host_key.clone())
        .text("AdminSecret", it.admin.as_str())
        .text("CreateDate", it.created.to_string())
        .text("UpdateDate", it.updated.to_string())
}
