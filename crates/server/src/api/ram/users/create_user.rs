//! `CreateUser`: makes a RAM user, who may do nothing yet. Source: identity.md §2.2, §2.3.

use yaoku_model::{
    identity::{About, User},
    ids::{UserName, identity_id},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{
    COMMENTS, DISPLAY_NAME, EMAIL, Email, MOBILE_PHONE, MobilePhone, USER_NAME, at, fields,
};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{Plain, RAM, must_have_room, resource},
    },
    call::Call,
    error::ApiError,
};

/// A request to create a user.
#[derive(Debug)]
pub(super) struct CreateUser {
    name: UserName,
    about: About,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created(User);

impl Operation for CreateUser {
    const SPEC: &'static Spec = &Spec {
        name: "CreateUser",
        effect: Effect::Write,
        errors: &[
            USER_NAME.codes,
            DISPLAY_NAME.codes,
            MOBILE_PHONE.codes,
            EMAIL.codes,
            COMMENTS.codes,
            &[Code::UserExists, Code::TooManyUser],
        ],
        example: &[
            ("UserName", "alice"),
            ("DisplayName", "Alice"),
            ("MobilePhone", "86-18600008888"),
            ("Email", "alice@example.com"),
            ("Comments", "joined in May"),
        ],
        ..RAM
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let name = USER_NAME.required(params)?;
        Ok(Self { name, about: about(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        let account = call.account();
        call.allow_new_in_ram(&resource(account, "user/*"), &at(account, &self.name)).await?;
        let count = call.tx()?.identity_counts(account).await?.users;
        must_have_room(count, call.node.limits.users, Code::TooManyUser)?;
        let (id, now) = (identity_id(call.random())?, call.now);
        let mut user = User::new(account.clone(), self.name.clone(), id, now);
        user.about = self.about.clone();
        if call.tx()?.insert_user(&user).await? {
            call.has_made(at(account, &user.name));
            Ok(Created(user))
        } else {
            Err(Code::UserExists.into())
        }
    }
}

fn about(params: &mut Params) -> Result<About, ApiError> {
    let text = |it: Option<Plain>| it.map(|Plain(it)| it).unwrap_or_default();
    Ok(About {
        display_name: text(DISPLAY_NAME.optional(params)?),
        mobile_phone: MOBILE_PHONE.optional(params)?.map(|MobilePhone(it)| it).unwrap_or_default(),
        email: EMAIL.optional(params)?.map(|Email(it)| it).unwrap_or_default(),
        comments: text(COMMENTS.optional(params)?),
    })
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default().object("User", fields(&self.0))
    }
}
