//! What the operations on identity providers have in common. Names and limits: our choice.

use std::str::FromStr;

use yaoku_model::{identity::OidcProvider, ids::Invalid, text::is_plain};
use yaoku_wire::fields::Fields;

use crate::oidc;

/// Providers of an account. Source: identity.md §2.5.
pub(super) const MOST: usize = 100;

/// The most client ids of a provider.
pub(super) const CLIENT_IDS: usize = 50;

/// Who issues tokens: an `https` URL of at most 255 characters, as the tokens spell it.
#[derive(Debug)]
pub(super) struct Issuer(pub(super) String);

/// An audience: 1 to 255 plain characters.
#[derive(Debug)]
pub(super) struct ClientId(pub(super) String);

/// A key set (JWKS) with a key that can be used.
#[derive(Debug)]
pub(super) struct Keys(pub(super) String);

/// At most 256 plain characters.
#[derive(Debug)]
pub(super) struct Description(pub(super) String);

impl FromStr for Issuer {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        if raw.len() <= 255 && oidc::is_https(raw) {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Invalid)
        }
    }
}

impl FromStr for ClientId {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let fits = (1..=255).contains(&raw.len()) && is_plain(raw);
        if fits { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

impl FromStr for Keys {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let fits = is_plain(raw) && oidc::is_key_set(raw);
        if fits { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

impl FromStr for Description {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let fits = raw.chars().count() <= 256 && is_plain(raw);
        if fits { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

/// What is told of a provider.
pub(super) fn fields(it: &OidcProvider) -> Fields {
    Fields::default()
        .text("Name", it.name.as_str())
        .text("Arn", format!("acs:ram::{}:oidc-provider/{}", it.account, it.name))
        .text("Issuer", it.issuer.as_str())
        .texts("ClientIds", "ClientId", it.client_ids.iter().map(String::as_str))
        .text("KeySource", if it.keys.is_some() { "Given" } else { "Fetched" })
        .text("Description", it.description.as_str())
        .text("CreateDate", it.created.to_string())
        .text("UpdateDate", it.updated.to_string())
}
