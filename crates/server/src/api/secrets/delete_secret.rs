//! `DeleteSecret`: deletes a secret, now or when its window has passed. Source: secrets.md §3, §4.12.

use yaoku_model::{
    arn::SecretRef,
    ids::SecretName,
    secret::{Rotation, Secret, Step},
    time::Timestamp,
};
use yaoku_wire::{
    error::{Code, Refusal},
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    access::Guarded,
    api::{Effect, Operation, Spec},
    call::{Call, LIVE_SECRET},
    error::ApiError,
    notices,
    throttle::Class,
};

/// A request to delete a secret.
#[derive(Debug)]
pub(super) struct DeleteSecret {
    secret: SecretRef,
    /// Days until then; `None` is now.
    window: Option<i64>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Deleted {
    name: SecretName,
    at: Timestamp,
}

impl Operation for DeleteSecret {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteSecret",
        effect: Effect::Write,
        class: Some(Class::SecretWrite),
        errors: &[LIVE_SECRET, &[Code::ResourceInUse]],
        example: &[
            ("SecretName", "db/orders"),
            ("ForceDeleteWithoutRecovery", "false"),
            ("RecoveryWindowInDays", "30"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, DeleteSecret)",
        ..Spec::DEFAULT
    };

    type Response = Deleted;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let secret = params.required("SecretName")?;
        if params.flag("ForceDeleteWithoutRecovery")?.unwrap_or(false) {
            // Terraform sends both. Source: secrets.md §4.12.
            _ = params.text("RecoveryWindowInDays");
            return Ok(Self { secret, window: None });
        }
        let days = params.integer("RecoveryWindowInDays", Secret::RECOVERY_DAYS)?;
        Ok(Self { secret, window: Some(days.unwrap_or(Secret::DEFAULT_RECOVERY_DAYS)) })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Deleted, ApiError> {
        let (node, now) = (call.node, call.now);
        let mut secret = call.secret(&self.secret).await?;
        let at = match self.window {
            None => {
                let left = must_not_be_turned(call, &secret).await?;
                Guarded::from(&secret).release(call.tx()?, None, now).await?;
                call.tx()?.delete_secret(&secret.account, &secret.name).await?;
                secret.delete_at = Some(now);
                notices::secret_goes(node, call.tx()?, &secret, left.as_ref(), now).await?;
                now
            }
            Some(days) => {
                let at = secret.schedule_deletion(now, days).map_err(|_| already())?;
                call.tx()?.update_secret(&secret).await?;
                notices::secret_goes(node, call.tx()?, &secret, None, now).await?;
                at
            }
        };
        Ok(Deleted { name: secret.name, at })
    }
}

/// It waits for its deletion already. The spelling is the vendor's. Source: secrets.md §1.5.
fn already() -> ApiError {
    Refusal::from(Code::ResourceInDeleteWindow).with_message("secret in delete peroid").into()
}

/// Fails while a server is being given a new credential: who deletes the secret then would know neither
/// the old one nor the new one. Our choice; it is over in two minutes. Answers what else is not over: two
/// keys may work.
async fn must_not_be_turned(
    call: &mut Call<'_>,
    secret: &Secret,
) -> Result<Option<Rotation>, ApiError> {
    match call.tx()?.rotation(&secret.account, &secret.name).await? {
        Some(it) if it.step == Step::Apply => Err(Code::ResourceInUse.into()),
        rotation => Ok(rotation),
    }
}

impl Encode for Deleted {
    fn encode(self) -> Fields {
        Fields::default()
            .text("SecretName", self.name.as_str())
            .text("PlannedDeleteTime", self.at.to_string())
    }
}
