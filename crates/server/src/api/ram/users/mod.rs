//! Users.

use yaoku_model::{
    arn::Arn,
    identity::User,
    ids::{AccountId, Invalid, UserName},
};
use yaoku_wire::{error::Code, fields::Fields};

use super::{Rule, resource};
use crate::{api::Entry, call::Call, error::ApiError};

mod create_user;
mod delete_user;
mod get_user;
mod list_users;
mod update_user;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_user::CreateUser>(),
    Entry::of::<delete_user::DeleteUser>(),
    Entry::of::<get_user::GetUser>(),
    Entry::of::<list_users::ListUsers>(),
    Entry::of::<update_user::UpdateUser>(),
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

/// What is written about a user or a group.
pub(super) const COMMENTS: Rule =
    Rule { name: "Comments", max: 128, codes: &[Code::CommentsLength, Code::CommentsChars] };

/// What is to be written instead.
pub(super) const NEW_COMMENTS: Rule = Rule {
    name: "NewComments",
    max: 128,
    codes: &[Code::NewCommentsLength, Code::NewCommentsChars],
};

/// `<country code>-<number>`. Source: identity.md §2.2.
#[derive(Debug)]
struct MobilePhone(String);

/// An address: something, one `@`, something. Our choice, generous.
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
            Some((who, at))
                if !who.is_empty() && !at.is_empty() && !at.contains('@') && !raw.contains(odd) =>
            {
                Ok(Self(raw.to_owned()))
            }
            _ => Err(Invalid),
        }
    }
}

impl From<MobilePhone> for String {
    fn from(MobilePhone(text): MobilePhone) -> Self {
        text
    }
}

impl From<Email> for String {
    fn from(Email(text): Email) -> Self {
        text
    }
}

/// Finds a user. The caller must have been let at it.
pub(super) async fn user(call: &mut Call<'_>, name: &UserName) -> Result<User, ApiError> {
    let account = call.account();
    call.tx()?.user(account, name).await?.ok_or(Code::NoUser.into())
}

/// As policies call it. Source: identity.md §2.5.
pub(super) fn at(account: &AccountId, name: &UserName) -> Arn {
    resource(account, &format!("user/{name}"))
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
}

/// The same, and when it was last changed: what the answer to its making leaves out.
fn fields_updated(user: &User) -> Fields {
    fields(user).text("UpdateDate", user.updated.to_string())
}
