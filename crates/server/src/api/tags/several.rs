//! The resources that the plural operations name. Source: keys.md §14.

use std::str::FromStr;

use yaoku_model::{ids::Invalid, tag::TagKind};
use yaoku_wire::params::Params;

use crate::{call::Call, error::ApiError};

use super::tagged::{Named, Tagged};

/// How many resources one call may name.
const MAX: usize = 50;

/// `ResourceType`, with the word that the client used.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResourceType {
    /// The word.
    pub(super) word: &'static str,
    /// What it means.
    pub(super) kind: TagKind,
    /// All of them, as ARNs call it.
    pub(super) container: &'static str,
    /// Takes `ResourceId.N`.
    named: fn(&mut Params) -> Result<Vec<Named>, ApiError>,
}

/// `instance` is Terraform's word, `keystore` that of ARNs.
const TYPES: [ResourceType; 4] = [
    ResourceType {
        word: "key",
        kind: TagKind::Key,
        container: "key",
        named: |params| named(params, Named::Key),
    },
    ResourceType {
        word: "secret",
        kind: TagKind::Secret,
        container: "secret",
        named: |params| named(params, Named::Secret),
    },
    ResourceType {
        word: "instance",
        kind: TagKind::Instance,
        container: "keystore",
        named: |params| named(params, Named::Instance),
    },
    ResourceType {
        word: "keystore",
        kind: TagKind::Instance,
        container: "keystore",
        named: |params| named(params, Named::Instance),
    },
];

/// Resources of one type.
#[derive(Debug)]
pub(super) struct Several {
    /// Their type.
    pub(super) of: ResourceType,
    /// Their names, none or up to 50 of them.
    pub(super) named: Vec<Named>,
}

impl Several {
    /// Takes `ResourceType` and `ResourceId.N`, of which there must be at least one.
    pub(super) fn take(params: &mut Params) -> Result<Self, ApiError> {
        let found = Self::take_any(params)?;
        if found.named.is_empty() { Err(ApiError::missing("ResourceId")) } else { Ok(found) }
    }

    /// The same, where none stands for all. `RegionId` is read but not needed: there is one region.
    pub(super) fn take_any(params: &mut Params) -> Result<Self, ApiError> {
        params.region()?;
        let of: ResourceType = params.required("ResourceType")?;
        let named = (of.named)(params)?;
        if named.len() > MAX {
            return Err(ApiError::invalid("ResourceId"));
        }
        Ok(Self { of, named })
    }

    /// Finds all of them to change their tags: one that is unknown fails the call.
    pub(super) async fn to_change(&self, call: &mut Call<'_>) -> Result<Vec<Tagged>, ApiError> {
        let mut found = Vec::with_capacity(self.named.len());
        for named in &self.named {
            found.push(named.to_change(call).await?);
        }
        Ok(found)
    }
}

fn named<T: FromStr<Err = Invalid>>(
    params: &mut Params,
    kind: fn(T) -> Named,
) -> Result<Vec<Named>, ApiError> {
    Ok(params.list("ResourceId")?.into_iter().map(kind).collect())
}

impl FromStr for ResourceType {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        TYPES.into_iter().find(|it| it.word == raw).ok_or(Invalid)
    }
}
