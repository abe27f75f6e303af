//! `CreateRole`: makes a role, which may do nothing yet. Source: identity.md §2.2, §2.3, §2.6.

use yaoku_model::{
    identity::Role,
    ids::{RoleName, identity_id},
    tag::{Tag, TagKind},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ROLE_NAME, TRUST, at, max_session, trust, with_trust};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{Plain, RAM, must_have_room, policies::DESCRIPTION, resource, tagged},
    },
    call::Call,
    error::ApiError,
};

/// A request to create a role.
#[derive(Debug)]
pub(super) struct CreateRole {
    name: RoleName,
    trust: String,
    description: String,
    max_session: i64,
    console_login: bool,
    tags: Vec<Tag>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created(Role);

impl Operation for CreateRole {
    const SPEC: &'static Spec = &Spec {
        name: "CreateRole",
        effect: Effect::Write,
        errors: &[
            ROLE_NAME.codes,
            TRUST,
            DESCRIPTION.codes,
            &[Code::RoleExists, Code::TooManyRole, Code::TooManyTag],
        ],
        example: &[
            ("RoleName", "deploy"),
            (
                "AssumeRolePolicyDocument",
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1234567890123456:root"]}}]}"#,
            ),
            ("Description", "for the pipeline"),
            ("MaxSessionDuration", "3600"),
            ("AllowConsoleLogin", "true"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "orders"),
        ],
        ..RAM
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        const NAME: &str = "AssumeRolePolicyDocument";
        let name = ROLE_NAME.required(params)?;
        Ok(Self {
            name,
            trust: trust(params, NAME)?.ok_or_else(|| ApiError::missing(NAME))?,
            description: DESCRIPTION.optional(params)?.map(|Plain(it)| it).unwrap_or_default(),
            max_session: max_session(params, "MaxSessionDuration")?.unwrap_or(3600),
            // The default is our choice.
            console_login: params.flag("AllowConsoleLogin")?.unwrap_or(true),
            tags: tagged::tags(params)?,
        })
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        let account = call.account();
        call.allow_new_in_ram(&resource(account, "role/*"), &at(account, &self.name)).await?;
        let count = call.tx()?.identity_counts(account).await?.roles;
        must_have_room(count, call.node.limits.roles, Code::TooManyRole)?;
        let role = Role {
            account: account.clone(),
            name: self.name.clone(),
            id: identity_id(call.random())?,
            description: self.description.clone(),
            trust: self.trust.clone(),
            max_session: self.max_session,
            console_login: self.console_login,
            created: call.now,
            updated: call.now,
        };
        if !call.tx()?.insert_role(&role).await? {
            return Err(Code::RoleExists.into());
        }
        tagged::put(call, TagKind::Role, self.name.as_str(), &self.tags).await?;
        call.has_made(at(account, &self.name));
        Ok(Created(role))
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default().object("Role", with_trust(&self.0))
    }
}
