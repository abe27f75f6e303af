//! `UpdateRole`: changes whom a role trusts, what it is for, and how long its sessions may last.
//! Source: identity.md §2.2, §2.3.

use yaoku_model::{identity::Role, ids::RoleName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ROLE_NAME, TRUST, allowed, max_session, trust, with_trust};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{Plain, RAM, policies::NEW_DESCRIPTION},
    },
    call::Call,
    error::ApiError,
};

/// A request to change a role. What is not named stays.
#[derive(Debug)]
pub(super) struct UpdateRole {
    name: RoleName,
    trust: Option<String>,
    description: Option<String>,
    max_session: Option<i64>,
    console_login: Option<bool>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Updated(Role);

impl Operation for UpdateRole {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateRole",
        effect: Effect::Write,
        errors: &[ROLE_NAME.codes, TRUST, NEW_DESCRIPTION.codes, &[Code::NoRole]],
        example: &[
            ("RoleName", "deploy"),
            (
                "NewAssumeRolePolicyDocument",
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1234567890123456:user/alice"]}}]}"#,
            ),
            ("NewDescription", "for the pipeline"),
            ("NewMaxSessionDuration", "7200"),
            ("NewAllowConsoleLogin", "false"),
        ],
        ..RAM
    };

    type Response = Updated;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            name: ROLE_NAME.required(params)?,
            trust: trust(params, "NewAssumeRolePolicyDocument")?,
            description: NEW_DESCRIPTION.replacing::<Plain>(params)?,
            max_session: max_session(params, "NewMaxSessionDuration")?,
            console_login: params.flag("NewAllowConsoleLogin")?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Updated, ApiError> {
        let role = allowed(call, &self.name).await?;
        let role = Role {
            trust: self.trust.clone().unwrap_or(role.trust),
            description: self.description.clone().unwrap_or(role.description),
            max_session: self.max_session.unwrap_or(role.max_session),
            console_login: self.console_login.unwrap_or(role.console_login),
            updated: call.now,
            ..role
        };
        call.tx()?.update_role(&role).await?;
        Ok(Updated(role))
    }
}

impl Encode for Updated {
    fn encode(self) -> Fields {
        let fields = with_trust(&self.0).text("UpdateDate", self.0.updated.to_string());
        Fields::default().object("Role", fields)
    }
}
