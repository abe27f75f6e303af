//! Users.

use yaoku_model::{
    identity::User,
    ids::{Invalid, UserName},
};
use yaoku_wire::{error::Code, fields::Fields};

use super::Rule;
use crate::api::Entry;

mod create_user;
mod get_user;
mod list_users;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_user::CreateUser>(),
    Entry::of::<get_user::GetUser>(),
    Entry::of::<list_users::ListUsers>(),
];

/// The name of a user.
pub(super) const USER_NAME: Rule = Rule {
    name: "UserName",
    max: UserName::MAX_LEN,
    codes: &[Code::UserNameLength, Code::UserNameChars],
};

const DISPLAY_NAME: Rule = Rule {
    name: "DisplayName",
    max: 128,
    codes: &[Code::DisplayNameLength, Code::DisplayNameChars],
};

const MOBILE_PHONE: Rule = Rule {
    name: "MobilePhone",
    max: 32,
    codes: &[Code::MobilePhoneFormat, Code::MobilePhoneFormat],
};

const EMAIL: Rule =
    Rule { name: "Email", max: 128, codes: &[Code::EmailFormat, Code::EmailFormat] };

const COMMENTS: Rule =
    Rule { name: "Comments", max: 128, codes: &[Code::CommentsLength, Code::CommentsLength] };

/// `<country code>-<number>`. Source: identity.md §2.2.
#[derive(Debug)]
struct MobilePhone(String);

/// An address: something, an `@`, something. Our choice, generous.
#[derive(Debug)]
struct Email(String);

impl std::str::FromStr for MobilePhone {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        match raw.split_once('-') {
            Some((country, number)) if digits(country) && digits(number) => {
                Ok(Self(raw.to_owned()))
            }
            _ => Err(Invalid),
        }
    }
}

impl std::str::FromStr for Email {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let odd = |it: char| it.is_control() || it.is_whitespace();
        match raw.split_once('@') {
            Some((who, at)) if !who.is_empty() && !at.is_empty() && !raw.contains(odd) => {
                Ok(Self(raw.to_owned()))
            }
            _ => Err(Invalid),
        }
    }
}

/// What is told of a user everywhere. Source: identity.md §2.3.
fn fields(user: &User) -> Fields {
    Fields::default()
        .text("UserId", user.id.as_str())
        .text("UserName", user.name.as_str())
        .text("DisplayName", user.about.display_name.as_str())
        .text("MobilePhone", user.about.mobile_phone.as_str())
        .text("Email", user.about.email.as_str())
        .text("Comments", user.about.comments.as_str())
        .text("CreateDate", user.created.to_string())
        .text("UpdateDate", user.updated.to_string())
}
