//! `UpdateSecretVersionStage`: moves a label between versions, or takes it away.
//! Source: secrets.md §2, §4.9.

use yaoku_model::{arn::SecretRef, secret::StageMove};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, LIVE_SECRET},
    error::ApiError,
    throttle::Class,
};

use super::{Named, must_be_generic};

/// A request to move a label.
#[derive(Debug)]
pub(super) struct UpdateSecretVersionStage {
    secret: SecretRef,
    asked: StageMove,
}

impl Operation for UpdateSecretVersionStage {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateSecretVersionStage",
        effect: Effect::Write,
        class: Some(Class::SecretWrite),
        errors: &[LIVE_SECRET, &[Code::RejectedUnsupportedOperation, Code::LimitExceeded]],
        example: &[
            ("SecretName", "db/orders"),
            ("VersionStage", "ACSCurrent"),
            ("MoveToVersion", "v1"),
            ("RemoveFromVersion", "v2"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, UpdateSecretVersionStage)",
        ..Spec::DEFAULT
    };

    type Response = Named;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let asked = StageMove {
            stage: params.required("VersionStage")?,
            from: params.optional("RemoveFromVersion")?,
            to: params.optional("MoveToVersion")?,
        };
        match (&asked.from, &asked.to) {
            (None, None) => return Err(ApiError::missing("MoveToVersion")),
            // A label of the service can be moved alone.
            (Some(_), None) if asked.stage.is_system() => {
                return Err(ApiError::invalid("RemoveFromVersion"));
            }
            _ => {}
        }
        Ok(Self { secret: params.required("SecretName")?, asked })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Named, ApiError> {
        let mut secret = call.live_secret(&self.secret).await?;
        must_be_generic(&secret)?;
        let versions = call.tx()?.secret_versions(&secret.account, &secret.name).await?;
        let versions: Vec<_> = versions.iter().map(|it| &it.id).collect();
        secret.move_label(&self.asked, &versions)?;
        secret.updated = call.now;
        call.tx()?.update_secret(&secret).await?;
        Ok(Named(secret.name))
    }
}
