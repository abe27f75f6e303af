//! `GetCallerIdentity`: who calls. Needs no permission. Source: identity.md §2.6.

use yaoku_model::{arn::Arn, ids::AccountId};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::STS;
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    caller::Principal,
    error::ApiError,
};

/// A request to be told who calls.
#[derive(Debug)]
pub(super) struct GetCallerIdentity;

/// The answer. The words of root and of sessions are inferred in §2.6.
#[derive(Debug)]
pub(super) struct Identity {
    account: AccountId,
    /// `Account`, `RAMUser`, `AssumedRoleUser`.
    kind: &'static str,
    /// What stands in the ARN after the account.
    path: String,
    /// A user's or role's id, and what it is called in the answer.
    id: Option<(&'static str, String)>,
    principal: String,
}

impl Operation for GetCallerIdentity {
    const SPEC: &'static Spec = &Spec {
        name: "GetCallerIdentity",
        effect: Effect::Read,
        errors: &[&[Code::AccessKeyIdNotFound]],
        ..STS
    };

    type Response = Identity;

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    /// Whoever is known may ask, so its event names no resource.
    async fn run(&self, call: &mut Call<'_>) -> Result<Identity, ApiError> {
        let (account, caller) = (call.account().clone(), call.caller);
        let of = |kind, path, id, principal| {
            let account = caller.account.clone();
            Identity { account, kind, path, id, principal }
        };
        match (&caller.principal, &caller.session) {
            (Principal::User(name), _) => {
                let user = call.tx()?.user(&account, name).await?;
                // Removed a moment ago: its access keys too.
                let id = user.ok_or(Code::AccessKeyIdNotFound)?.id;
                Ok(of("RAMUser", format!("user/{name}"), Some(("UserId", id.clone())), id))
            }
            (principal @ Principal::Role(..), Some(session)) => {
                let id = session.role_id.clone();
                let both = format!("{id}:{}", session.name);
                Ok(of("AssumedRoleUser", principal.to_string(), Some(("RoleId", id)), both))
            }
            _ => Ok(of("Account", "root".to_owned(), None, account.to_string())),
        }
    }
}

impl Encode for Identity {
    fn encode(self) -> Fields {
        let mut fields = Fields::default()
            .text("IdentityType", self.kind)
            .text("AccountId", self.account.as_str())
            .text("Arn", Arn::ram(&self.account, &self.path).as_str())
            .text("PrincipalId", self.principal);
        if let Some((name, id)) = self.id {
            fields = fields.text(name, id);
        }
        fields
    }
}
