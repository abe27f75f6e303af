//! `RotateSecret`: has a managed secret's credential changed now. Source: secrets.md §4.11. That it has
//! a generic secret rotated too, if the operator has put a hook on it, is our choice; and that, where the
//! accounts of a new secret could not be made, or a key before not taken away, this is tried again.

use yaoku_model::{
    arn::{Arn, SecretRef},
    ids::{SecretName, Stage, VersionId},
    secret::{Rotation, RotationWindow, Secret, Step},
};
use yaoku_store::Tx;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec},
    call::{CACHED_SECRET, Call, WRONG_STATE},
    error::ApiError,
    rotation::{
        begin::{self, Prepared},
        ram,
    },
    throttle::Class,
};

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
        example: &[("SecretName", "db/orders"), ("VersionId", "v2"), ("RotationWindow", "30m")],
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
        let mut tx = call.node.store.read().await?;
        must_rotate(&mut *tx, &found.secret).await?;
        drop(tx);
        if !self.is_known(&found.secret) {
            let mut prepared = begin::prepare(call.node, &found, &self.version, call.now).await?;
            if let Prepared::AccessKey(key) = &mut prepared {
                key.window = self.window.map(RotationWindow::seconds);
            }
            self.prepared = Some(prepared);
        }
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Rotated, ApiError> {
        let mut secret = call.live_secret(&self.secret).await?;
        let mut answer = Rotated {
            arn: Arn::secret(call.region(), &secret.account, &secret.name),
            name: secret.name.clone(),
            version: self.version.clone(),
        };
        must_rotate(call.tx()?, &secret).await?;
        let (node, now) = (call.node, call.now);
        let running = call.tx()?.rotation(&secret.account, &secret.name).await?;
        // There are no accounts to rotate yet, or two keys: the version that is current is to be so first.
        if let Some(it) = running.clone().filter(|it| begin::is_left_over(&secret, it)) {
            answer.version = it.version.clone();
            begin::again(call.tx()?, &mut secret, it, now).await?;
            call.tx()?.update_secret(&secret).await?;
            node.rotations.wake();
            return Ok(answer);
        }
        if self.is_known(&secret) {
            return Ok(answer);
        }
        let (account, name) = (&secret.account, &secret.name);
        if running.as_ref().is_some_and(|it| it.version == self.version && it.is_running())
            || secret.managed.is_some()
                && call.tx()?.secret_version_ids(account, name).await?.contains(&self.version)
        {
            return Ok(answer);
        }
        let prepared = self.prepared.as_ref().ok_or_else(ApiError::conflict)?;
        let secret = self.with_window_over(call, secret, running).await?;
        begin::begin(node, call.tx()?, secret, self.version.clone(), prepared, now).await?;
        node.rotations.wake();
        Ok(answer)
    }
}

impl RotateSecret {
    /// Ends the window of a rotation if the access key that was to work until then is gone: somebody has
    /// deleted it, and nothing is left to wait for. Our choice: whoever has to be rid of both keys need
    /// not wait for two days.
    async fn with_window_over(
        &self,
        call: &mut Call<'_>,
        secret: Secret,
        running: Option<Rotation>,
    ) -> Result<Secret, ApiError> {
        let Some(rotation) = running.filter(|it| it.step == Step::Window) else {
            return Ok(secret);
        };
        let Some(dying) = &rotation.dying else { return Ok(secret) };
        if call.tx()?.access_key(dying).await?.is_some() {
            return Ok(secret);
        }
        let (node, now) = (call.node, call.now);
        ram::end_window(node, call.tx()?, secret, &rotation, now).await?;
        call.live_secret(&self.secret).await
    }

    /// Whether the secret has, or lately had, a version of that id: then this was asked before. One of
    /// a generic secret that was never current is still to become it.
    fn is_known(&self, secret: &Secret) -> bool {
        match &secret.managed {
            Some(managed) => managed.recent.contains(&self.version),
            None => [Stage::current(), Stage::previous()]
                .iter()
                .any(|it| secret.stages.get(it) == Some(&self.version)),
        }
    }
}

/// Fails for a secret that nothing rotates: a generic one without a hook. Source: secrets.md §7.
async fn must_rotate(tx: &mut dyn Tx, secret: &Secret) -> Result<(), ApiError> {
    if secret.managed.is_none() && tx.hook(&secret.account, &secret.name).await?.is_none() {
        return Err(Code::RejectedUnsupportedOperation.into());
    }
    Ok(())
}

impl Encode for Rotated {
    fn encode(self) -> Fields {
        Fields::default()
            .text("Arn", self.arn.as_str())
            .text("SecretName", self.name.as_str())
            .text("VersionId", self.version.as_str())
    }
}
