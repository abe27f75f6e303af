//! `AttachPolicy`: gives a user what a policy says.

use yaoku_model::{
    arn::Arn,
    identity::{Holder, PolicyType},
};
use yaoku_store::Held;
use yaoku_wire::{error::Code, params::Params};

use super::{ADMIN, PolicyAndUser, must_have_room};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to attach a policy.
#[derive(Debug)]
pub(super) struct AttachPolicy(PolicyAndUser);

impl Operation for AttachPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "AttachPolicy",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound, Code::ResourceExist, Code::LimitExceeded]],
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
        let (account, user, limits) = (call.account(), &self.0.user, call.node.limits);
        let holder = Holder::User(user.clone());
        let attached = call.tx()?.held_policies(account, &holder).await?;
        if attached.iter().any(|it| it.policy == policy) {
            return Err(Code::ResourceExist.into());
        }
        let of_its_kind = attached.iter().filter(|it| it.policy.kind == policy.kind).count();
        must_have_room(
            of_its_kind,
            match policy.kind {
                PolicyType::System => limits.system_policies_of_user,
                PolicyType::Custom => limits.custom_policies_of_user,
            },
        )?;
        let now = call.now;
        call.tx()?.attach(account, &holder, &Held { policy, attached: now }).await?;
        Ok(())
    }
}
