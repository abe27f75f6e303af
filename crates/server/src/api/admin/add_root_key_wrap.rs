//! `AddRootKeyWrap`: adds a way to open the root key. The shares of one that has them are in this
//! answer and in no other.

use std::path::PathBuf;

use yaoku_model::{ids::WrapName, wrap::WrapKind};
use yaoku_wire::{
    error::{Code, Refusal},
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, must_be_operator, root_key};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    root::{Made, NewWrapHow, Share, rotation},
};

/// A request to add a wrap.
#[derive(Debug)]
pub(super) struct AddRootKeyWrap {
    name: WrapName,
    how: NewWrapHow,
    /// Its key, once it was made.
    made: Option<Made>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Added {
    name: WrapName,
    shares: Vec<Share>,
}

impl Operation for AddRootKeyWrap {
    const SPEC: &'static Spec = &Spec {
        name: "AddRootKeyWrap",
        effect: Effect::Write,
        errors: &[&[Code::ResourceExist, Code::StateModifiedFailed]],
        secret_params: &["Passphrase"],
        example: &[
            ("Name", "safe"),
            ("Kind", "passphrase"),
            ("KeyFile", ""),
            ("Passphrase", "correct horse battery staple"),
            ("Needed", "2"),
            ("Of", "3"),
        ],
        ..ADMIN
    };

    type Response = Added;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let (name, kind) = (params.required("Name")?, params.required("Kind")?);
        let file: Option<PathBuf> = root_key::path(params, "KeyFile")?;
        let passphrase = root_key::passphrase(params);
        let (needed, of) = (root_key::count(params, "Needed")?, root_key::count(params, "Of")?);
        let how = match kind {
            WrapKind::KeyFile => file.map(NewWrapHow::KeyFile).ok_or("KeyFile"),
            WrapKind::Passphrase => passphrase.map(NewWrapHow::Passphrase).ok_or("Passphrase"),
            WrapKind::Shares => match (needed, of) {
                (None, _) => Err("Needed"),
                (_, None) => Err("Of"),
                (Some(needed), Some(of)) => Ok(NewWrapHow::Shares { needed, of }),
            },
        };
        Ok(Self { name, how: how.map_err(ApiError::missing)?, made: None })
    }

    /// Deriving a key from a passphrase takes long, and a key file is written before anything
    /// depends on it.
    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        must_be_operator(call)?;
        if self.made.is_none() {
            if let NewWrapHow::KeyFile(file) = &self.how {
                // Before the file is written; and again in the transaction that counts.
                let wraps = call.node.store.read().await?.wraps().await?;
                rotation::must_lie_apart(call.node, &wraps, file)?;
            }
            let made = Made::of(&self.how, &self.name, &*call.node.random).await;
            let refused = |error| {
                let message = format!("The wrap cannot be made: {error}.");
                ApiError::from(Refusal::from(Code::InvalidParameter).with_message(message))
            };
            self.made = Some(made.map_err(refused)?);
        }
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Added, ApiError> {
        must_be_operator(call)?;
        let made = self.made.as_ref().ok_or(Code::InternalFailure)?;
        let (node, now) = (call.node, call.now);
        rotation::add_wrap(node, call.tx()?, made, now).await?;
        Ok(Added { name: self.name.clone(), shares: made.shares.clone() })
    }
}

impl Encode for Added {
    fn encode(self) -> Fields {
        let shares = self.shares.iter().map(|it| it.expose_text().to_string());
        Fields::default().text("Name", self.name.as_str()).texts("Shares", "Share", shares)
    }
}
