//! RAM (2015-05-01): users, groups, roles, policies, and how people log in.
//!
//! What these operations have in common: limits whose breach has a code of its own, lists with
//! markers, and resources without a region. Source: identity.md part 2.

use std::str::FromStr;

use yaoku_model::{
    arn::Arn,
    identity::SecurityPreference,
    ids::{AccountId, Invalid, UserName},
    text::is_plain,
};
use yaoku_store::Slice;
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use super::{Product, Spec};
use crate::{call::Call, caller::Principal, error::ApiError, judge::LayerName};

pub mod access_keys;
pub mod account;
pub mod attachments;
pub mod diagnostics;
mod document;
pub mod groups;
pub mod logins;
pub mod mfa;
pub mod policies;
pub mod roles;
mod tagged;
pub mod tags;
pub mod users;

/// What these operations have in common; each says what is different.
const RAM: Spec = Spec {
    product: Product::Ram,
    works_while_closed: true,
    source: "https://www.alibabacloud.com/help/en/ram (API reference)",
    ..Spec::DEFAULT
};

/// What a text may be, and which codes say that it is not. Source: identity.md §2.2, §2.4.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// The parameter.
    name: &'static str,
    /// The most characters.
    max: usize,
    /// What is answered if it has too many characters, and if it has others than it may have or is
    /// not written as it should be.
    codes: &'static [Code; 2],
}

impl Rule {
    /// Takes it; it must be there.
    fn required<T: FromStr<Err = Invalid>>(&self, params: &mut Params) -> Result<T, ApiError> {
        self.optional(params)?.ok_or_else(|| ApiError::missing(self.name))
    }

    /// Takes it, if it is there. An empty text counts as absent.
    fn optional<T: FromStr<Err = Invalid>>(
        &self,
        params: &mut Params,
    ) -> Result<Option<T>, ApiError> {
        let text = params.text(self.name).filter(|it| !it.is_empty());
        text.map(|it| self.read(&it)).transpose()
    }

    /// Takes a text that is to replace another, if it is there. An empty one does replace: our choice.
    fn replacing<T>(&self, params: &mut Params) -> Result<Option<String>, ApiError>
    where
        T: FromStr<Err = Invalid> + Into<String>,
    {
        let text = params.text(self.name);
        let read =
            |it: &str| if it.is_empty() { Ok(String::new()) } else { self.read_text::<T>(it) };
        text.map(|it| read(&it)).transpose()
    }

    fn read_text<T: FromStr<Err = Invalid> + Into<String>>(
        &self,
        text: &str,
    ) -> Result<String, ApiError> {
        self.read::<T>(text).map(Into::into)
    }

    fn read<T: FromStr<Err = Invalid>>(&self, text: &str) -> Result<T, ApiError> {
        if text.chars().count() > self.max {
            return Err(self.codes[0].into());
        }
        text.parse().map_err(|Invalid| self.codes[1].into())
    }
}

/// Free text, as [`is_plain`] has it.
#[derive(Debug)]
struct Plain(String);

impl FromStr for Plain {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        if is_plain(raw) { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

impl From<Plain> for String {
    fn from(Plain(text): Plain) -> Self {
        text
    }
}

/// Which part of a list is asked for: what comes after `Marker`, `MaxItems` of it.
#[derive(Clone, Debug)]
struct Part {
    after: String,
    limit: i64,
}

impl Part {
    /// Takes `Marker` and `MaxItems`: 1 to 1,000, by default 100. Source: identity.md §2.2.
    fn take(params: &mut Params) -> Result<Self, ApiError> {
        Self::of_at_most(params, 1000)
    }

    /// The same, of a list that gives no more than `most` at once.
    fn of_at_most(params: &mut Params, most: i64) -> Result<Self, ApiError> {
        let after = params.text("Marker").map(|it| it.as_str().to_owned()).unwrap_or_default();
        Ok(Self { after, limit: params.integer("MaxItems", 1..=most)?.unwrap_or(100) })
    }

    /// What to ask of the store: one more than is asked for, to see whether there is more.
    fn slice(&self) -> Slice<'_> {
        Slice { after: &self.after, limit: self.limit + 1 }
    }

    /// What was found, and the marker of the next part if there is one: the last name of this one.
    fn cut<T>(&self, mut found: Vec<T>, name: impl Fn(&T) -> String) -> Found<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let marker = found.last().filter(|_| more).map(name);
        Found { items: found, marker }
    }
}

/// A part of a list.
#[derive(Debug)]
struct Found<T> {
    items: Vec<T>,
    marker: Option<String>,
}

impl<T> Found<T> {
    /// The list in its wrapper, and whether and how it goes on. Source: identity.md §2.3.
    fn encode(
        self,
        wrapper: &'static str,
        item: &'static str,
        fields: impl Fn(&T) -> Fields,
    ) -> Fields {
        let more = self.marker.is_some();
        Fields::default()
            .list(wrapper, item, self.items.iter().map(fields).collect())
            .flag("IsTruncated", more)
            .maybe_text("Marker", self.marker)
    }
}

/// The user who is meant: the one named or, if it is one, the caller. Source: identity.md §2.2.
fn user_or_caller(call: &Call<'_>, named: Option<&UserName>) -> Result<UserName, ApiError> {
    match (named, &call.caller.principal) {
        (Some(user), _) | (None, Principal::User(user)) => Ok(user.clone()),
        _ => Err(ApiError::missing("UserName")),
    }
}

/// Fails unless the account lets its users do this for themselves, if that is what the caller is
/// about. Policies must allow it too. Source: identity.md §2.5 (inferred there).
async fn must_be_let(
    call: &mut Call<'_>,
    user: &UserName,
    lets: fn(&SecurityPreference) -> bool,
) -> Result<(), ApiError> {
    let account = call.account();
    if !matches!(&call.caller.principal, Principal::User(caller) if caller == user)
        || lets(&call.tx()?.login_rules(account).await?.preference)
    {
        return Ok(());
    }
    let at = resource(account, &format!("user/{user}"));
    Err(call.denied(call.spec.action(), &at, LayerName::Identity))
}

/// Fails with `code` if there is no room for one more. Source: identity.md §2.5.
fn must_have_room(count: i64, limit: usize, code: Code) -> Result<(), ApiError> {
    if usize::try_from(count).is_ok_and(|it| it < limit) { Ok(()) } else { Err(code.into()) }
}

/// What an operation on something of RAM's is judged by: `user/alice`, `role/*`, `*`. Source: §2.5.
fn resource(account: &AccountId, path: &str) -> Arn {
    Arn::ram_resource(account.as_str(), path)
}

#[cfg(test)]
mod tests;
