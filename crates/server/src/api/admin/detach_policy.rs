//! `DetachPolicy`: takes from a user what a policy says.

use yaoku_model::{arn::Arn, identity::Holder};
use yaoku_wire::{error::Code, params::Params};

use super::{ADMIN, PolicyAndUser};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to detach a policy.
#[derive(Debug)]
pub(super) struct DetachPolicy(PolicyAndUser);

impl Operation for DetachPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "DetachPolicy",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound]],
        example: &[
            ("PolicyName", "AliyunKMSFullAccess"),
            ("PolicyType", "System"),
            ("UserName", "alice"),
        ],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(PolicyAndUser::take(params)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        let policy = self.0.attachment(call).await?;
        let account = call.account();
        if call.tx()?.detach(account, &Holder::User(self.0.user.clone()), &policy).await? {
            Ok(())
        } else {
            Err(Code::ResourceNotFound.into())
        }
    }
}
