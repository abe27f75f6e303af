//! `UntagResources`: takes tags, or all of them, from several things of one kind. One that is not
//! there is not missed. Source: identity.md §2.2.

use yaoku_model::tag::TagKey;
use yaoku_wire::params::Params;

use super::{FOUND, Several};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to untag things.
#[derive(Debug)]
pub(super) struct UntagResources {
    on: Several,
    /// `None`: all.
    keys: Option<Vec<TagKey>>,
}

impl Operation for UntagResources {
    const SPEC: &'static Spec = &Spec {
        name: "UntagResources",
        effect: Effect::Write,
        errors: &[FOUND],
        example: &[
            ("ResourceType", "user"),
            ("ResourceNames.1", "alice"),
            ("TagKeys.1", "team"),
            ("All", "false"),
        ],
        ..RAM
    };

    type Response = ();

    /// With `All`, keys that are named say nothing more: our choice.
    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let on = Several::take_some(params)?;
        let keys: Vec<TagKey> = params.list("TagKeys")?;
        let all = params.flag("All")?.unwrap_or(false);
        if keys.is_empty() && !all {
            return Err(ApiError::missing("TagKeys"));
        }
        Ok(Self { on, keys: (!all).then_some(keys) })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        self.on.must_be_there(call).await?;
        let (account, kind) = (call.account(), self.on.kind);
        let tx = call.tx()?;
        for name in &self.on.names {
            let keys = match &self.keys {
                Some(keys) => keys.clone(),
                None => tx.tags(account, kind, name).await?.into_iter().map(|it| it.key).collect(),
            };
            for key in &keys {
                tx.delete_tag(account, kind, name, key).await?;
            }
        }
        Ok(())
    }
}
