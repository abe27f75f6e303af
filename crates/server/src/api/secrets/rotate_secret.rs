//! `RotateSecret`: has a managed secret's credential changed now. Source: secrets.md §4.11.

use yaoku_model::{
    arn::{Arn, SecretRef},
    ids::{SecretName, VersionId},
    secret::{Managed, RotationWindow},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec},
    call::{CACHED_SECRET, Call, WRONG_STATE},
    error::ApiError,
    rotation::begin::{self, Prepared},
    throttle::Class,
};

use super::managed;

/// A request to rotate a secret.
#[derive(Debug)]
pub(super) struct RotateSecret {
    secret: SecretRef,
    version: VersionId,
    /// How long the access key before works on; of other credentials it says nothing. Our extension.
    window: Option<RotationWindow>,
    prepared: Option<Prepared>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Rotated {
    arn: Arn,
    name: SecretName,
    version: VersionId,
}

impl Operation for RotateSecret {
    const SPEC: &'static Spec = &Spec {
        name: "RotateSecret",
        effect: Effect::Write,
        class: Some(Class::SecretRotation),
        errors: &[
            CACHED_SECRET,
            WRONG_STATE,
            &[Code::KeyNotFound, Code::RejectedUnsupportedOperation, Code::ResourceInUse],
        ],
        example: &[("SecretName", "db/orders"), ("VersionId", "v2")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, RotateSecret)",
        ..Spec::DEFAULT
    };

    type Response = Rotated;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let (secret, version) = (params.required("SecretName")?, params.required("VersionId")?);
        Ok(Self { secret, version, window: params.optional("RotationWindow")?, prepared: None })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let found = call.cached_secret(&self.secret, Self::ACTION).await?;
        if !self.is_known(managed(&found.secret)?) {
            let mut prepared = begin::prepare(call.node, &found, &self.version, call.now).await?;
            if let Prepared::AccessKey(key) = &mut prepared {
                key.window = self.window.map(RotationWindow::seconds);
            }
            self.prepared = Some(prepared);
        }
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Rotated, ApiError> {
        let secret = call.live_secret(&self.secret).await?;
        let answer = Rotated {
            arn: Arn::secret(call.region(), &secret.account, &secret.name),
            name: secret.name.clone(),
            version: self.version.clone(),
        };
        if self.is_known(managed(&secret)?) {
            return Ok(answer);
        }
        let (node, now) = (call.node, call.now);
        let (account, name) = (&secret.account, &secret.name);
        let running = call.tx()?.rotation(account, name).await?;
        if running.is_some_and(|it| it.version == self.version && it.is_running())
            || call.tx()?.secret_version_ids(account, name).await?.contains(&self.version)
        {
            return Ok(answer);
        }
        let prepared = self.prepared.as_ref().ok_or_else(ApiError::conflict)?;
        begin::begin(node, call.tx()?, secret, self.version.clone(), prepared, now).await?;
        node.rotations.wake();
        Ok(answer)
    }
}

impl RotateSecret {
    /// Whether the secret has, or lately had, a version of that id: then this was asked before.
    fn is_known(&self, managed: &Managed) -> bool {
        managed.recent.contains(&self.version)
    }
}

impl Encode for Rotated {
    fn encode(self) -> Fields {
        Fields::default()
            .text("Arn", self.arn.as_str())
            .text("SecretName", self.name.as_str())
            .text("VersionId", self.version.as_str())
    }
}
