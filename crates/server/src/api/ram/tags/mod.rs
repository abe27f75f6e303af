//! Tags of users, groups, roles and policies.
//!
//! Operations of the same names are in KMS; these name things by `ResourceNames`, and answer a flat
//! list. The vendor tags users, roles and policies; that groups can be tagged too is our choice.
//! Source: identity.md §2.2, §2.3.

use yaoku_model::{
    arn::Arn,
    ids::{AccountId, Invalid},
    tag::TagKind,
};
use yaoku_wire::{error::Code, params::Params};

use super::resource;
use crate::{api::Entry, call::Call, error::ApiError};

mod list_tag_resources;
mod tag_resources;
mod untag_resources;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<list_tag_resources::ListTagResources>(),
    Entry::of::<tag_resources::TagResources>(),
    Entry::of::<untag_resources::UntagResources>(),
];

/// How many things one call may name. Our choice: as in KMS.
const MAX_NAMES: usize = 50;

/// The most characters of a name of whatever kind.
const MAX_NAME: usize = 128;

/// What finding what is named may answer.
const FOUND: &[Code] = &[Code::NoUser, Code::NoGroup, Code::NoRole, Code::NoPolicy];

/// Things of one kind, by name.
#[derive(Debug)]
struct Several {
    kind: TagKind,
    names: Vec<String>,
}

impl Several {
    /// Takes `ResourceType` and `ResourceNames.N`, of which there may be none.
    fn take(params: &mut Params) -> Result<Self, ApiError> {
        const NAMES: &str = "ResourceNames";
        let kind = params.required("ResourceType")?;
        if !matches!(kind, TagKind::User | TagKind::Group | TagKind::Role | TagKind::Policy) {
            return Err(ApiError::invalid("ResourceType"));
        }
        let names: Vec<Text> = params.list(NAMES)?;
        if names.len() > MAX_NAMES {
            return Err(ApiError::invalid(NAMES));
        }
        Ok(Self { kind, names: names.into_iter().map(|Text(it)| it).collect() })
    }

    /// The same, where at least one must be named.
    fn take_some(params: &mut Params) -> Result<Self, ApiError> {
        let taken = Self::take(params)?;
        if taken.names.is_empty() { Err(ApiError::missing("ResourceNames")) } else { Ok(taken) }
    }

    /// Fails unless the caller may do this to each, and each is there.
    async fn must_be_there(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        for name in &self.names {
            call.allow_in_ram(&self.at(call.account(), name)).await?;
        }
        for name in &self.names {
            if let Some(code) = self.missing(call, name).await? {
                return Err(code.into());
            }
        }
        Ok(())
    }

    /// As policies call it. Source: identity.md §2.5.
    fn at(&self, account: &AccountId, name: &str) -> Arn {
        resource(account, &format!("{}/{name}", self.kind.as_str()))
    }

    /// What to answer if there is no such thing. A name that nothing can have is not there either.
    async fn missing(&self, call: &mut Call<'_>, name: &str) -> Result<Option<Code>, ApiError> {
        let account = call.account();
        let tx = call.tx()?;
        let (there, code) = match (self.kind, name) {
            (TagKind::User, name) => {
                let Ok(name) = name.parse() else { return Ok(Some(Code::NoUser)) };
                (tx.user(account, &name).await?.is_some(), Code::NoUser)
            }
            (TagKind::Group, name) => {
                let Ok(name) = name.parse() else { return Ok(Some(Code::NoGroup)) };
                (tx.group(account, &name).await?.is_some(), Code::NoGroup)
            }
            (TagKind::Role, name) => {
                let Ok(name) = name.parse() else { return Ok(Some(Code::NoRole)) };
                (tx.role(account, &name).await?.is_some(), Code::NoRole)
            }
            (_, name) => {
                let Ok(name) = name.parse() else { return Ok(Some(Code::NoPolicy)) };
                (tx.custom_policy(account, &name).await?.is_some(), Code::NoPolicy)
            }
        };
        Ok((!there).then_some(code))
    }
}

/// Any text as long as a name may be: whether anything is called so is found out by looking.
#[derive(Debug)]
struct Text(String);

impl std::str::FromStr for Text {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let fits = (1..=MAX_NAME).contains(&raw.chars().count());
        if fits && !raw.contains(char::is_control) {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Invalid)
        }
    }
}
