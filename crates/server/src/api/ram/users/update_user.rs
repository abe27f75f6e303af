//! `UpdateUser`: says something else of a user, or gives it another name. What is not sent stays.
//! Source: identity.md §2.2, §2.3.

use yaoku_model::{identity::User, ids::UserName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{Email, MobilePhone, NEW_COMMENTS, USER_NAME, at, fields_updated, user};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{Plain, RAM, Rule},
    },
    call::Call,
    error::ApiError,
};

const NEW_USER_NAME: Rule = Rule {
    name: "NewUserName",
    max: UserName::MAX_LEN,
    codes: &[Code::NewUserNameLength, Code::NewUserNameChars],
};

const NEW_DISPLAY_NAME: Rule = Rule {
    name: "NewDisplayName",
    max: 128,
    codes: &[Code::NewDisplayNameLength, Code::NewDisplayNameChars],
};

const NEW_MOBILE_PHONE: Rule = Rule {
    name: "NewMobilePhone",
    max: 32,
    codes: &[Code::NewMobilePhoneFormat, Code::NewMobilePhoneFormat],
};

const NEW_EMAIL: Rule =
    Rule { name: "NewEmail", max: 128, codes: &[Code::NewEmailFormat, Code::NewEmailFormat] };

/// A request to change a user.
#[derive(Debug)]
pub(super) struct UpdateUser {
    name: UserName,
    new_name: Option<UserName>,
    display_name: Option<String>,
    mobile_phone: Option<String>,
    email: Option<String>,
    comments: Option<String>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Updated(User);

impl Operation for UpdateUser {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateUser",
        effect: Effect::Write,
        errors: &[
            USER_NAME.codes,
            NEW_USER_NAME.codes,
            NEW_DISPLAY_NAME.codes,
            NEW_MOBILE_PHONE.codes,
            NEW_EMAIL.codes,
            NEW_COMMENTS.codes,
            &[Code::NoUser, Code::UserExists],
        ],
        example: &[
            ("UserName", "alice"),
            ("NewUserName", "alice.smith"),
            ("NewDisplayName", "Alice Smith"),
            ("NewMobilePhone", "86-18600008888"),
            ("NewEmail", "alice@example.com"),
            ("NewComments", "joined in May"),
        ],
        ..RAM
    };

    type Response = Updated;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            name: USER_NAME.required(params)?,
            new_name: NEW_USER_NAME.optional(params)?,
            display_name: NEW_DISPLAY_NAME.replacing::<Plain>(params)?,
            mobile_phone: NEW_MOBILE_PHONE.replacing::<MobilePhone>(params)?,
            email: NEW_EMAIL.replacing::<Email>(params)?,
            comments: NEW_COMMENTS.replacing::<Plain>(params)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Updated, ApiError> {
        call.allow_in_ram(&at(call.account(), &self.name)).await?;
        // Policies and trust policies go by names: who takes one takes what it may do.
        if let Some(new_name) = &self.new_name {
            call.allow_in_ram(&at(call.account(), new_name)).await?;
        }
        let mut user = user(call, &self.name).await?;
        self.change(&mut user);
        user.updated = call.now;
        if !call.tx()?.update_user(&self.name, &user).await? {
            return Err(Code::UserExists.into());
        }
        if user.name != self.name {
            call.has_made(at(call.account(), &user.name));
        }
        Ok(Updated(user))
    }
}

impl UpdateUser {
    fn change(&self, user: &mut User) {
        let about = &mut user.about;
        for (new, old) in [
            (&self.display_name, &mut about.display_name),
            (&self.mobile_phone, &mut about.mobile_phone),
            (&self.email, &mut about.email),
            (&self.comments, &mut about.comments),
        ] {
            if let Some(new) = new {
                old.clone_from(new);
            }
        }
        if let Some(name) = &self.new_name {
            user.name = name.clone();
        }
    }
}

impl Encode for Updated {
    fn encode(self) -> Fields {
        Fields::default().object("User", fields_updated(&self.0))
    }
}
