//! `OpenRootKeyWrap`: gives a running node the key of a wrap, which the next rotation needs.

use yaoku_model::ids::WrapName;
use yaoku_wire::{
    error::{Code, Refusal},
    params::Params,
};

use super::{ADMIN, must_be_operator, root_key};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    root::{Opener, WrapError, rotation},
};

/// A request to open a wrap.
#[derive(Debug)]
pub(super) struct OpenRootKeyWrap {
    name: WrapName,
    by: Opener,
}

impl Operation for OpenRootKeyWrap {
    const SPEC: &'static Spec = &Spec {
        name: "OpenRootKeyWrap",
        errors: &[&[Code::ResourceNotFound]],
        effect: Effect::Read,
        secret_params: &["Passphrase", "Shares"],
        example: &[
            ("Name", "vault"),
            ("KeyFile", ""),
            ("Passphrase", "correct horse battery staple"),
            ("Shares", ""),
        ],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let name = params.required("Name")?;
        let file = root_key::path(params, "KeyFile")?.map(Opener::KeyFile);
        let passphrase = root_key::passphrase(params).map(Opener::Passphrase);
        let shares = root_key::shares(params)?.map(Opener::Shares);
        let mut given = [file, passphrase, shares].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(by), None) => Ok(Self { name, by }),
            (None, _) => Err(ApiError::missing("Passphrase")),
            (_, Some(_)) => Err(ApiError::invalid("Passphrase")),
        }
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        must_be_operator(call)?;
        let node = call.node;
        let opened = rotation::open_wrap(call.tx()?, &node.held, &self.name, &self.by).await?;
        opened.map_err(|error| match error {
            WrapError::NoSuchWrap => Code::ResourceNotFound.into(),
            other => {
                let message = format!("The wrap does not open: {other}.");
                Refusal::from(Code::InvalidParameter).with_message(message).into()
            }
        })
    }
}
