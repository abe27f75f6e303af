//! `DescribeRootKey`: the root key's generation, its wraps, and how far a rotation is.

use yaoku_store::WrapRow;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, must_be_operator};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
    root::rotation::{self, Progress},
};

/// A request to describe the root key.
#[derive(Debug)]
pub(super) struct DescribeRootKey;

/// The answer.
#[derive(Debug)]
pub(super) struct Described {
    progress: Progress,
    /// Each wrap once, and whether its key is at hand here.
    wraps: Vec<(WrapRow, bool)>,
}

impl Operation for DescribeRootKey {
    const SPEC: &'static Spec = &Spec { name: "DescribeRootKey", ..ADMIN };

    type Response = Described;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Described, ApiError> {
        must_be_operator(call)?;
        let node = call.node;
        let tx = call.tx()?;
        let progress = rotation::progress(tx).await?;
        let wraps = tx.wraps().await?.into_iter();
        let wraps = wraps.filter(|it| it.generation == progress.newest.0);
        let wraps = wraps.map(|it| {
            let open = node.held.open(&it).is_some();
            (it, open)
        });
        Ok(Described { progress, wraps: wraps.collect() })
    }
}

impl Encode for Described {
    fn encode(self) -> Fields {
        let Progress { newest, rotating, done, total } = self.progress;
        let wraps = self.wraps.iter().map(|(it, open)| {
            Fields::default()
                .text("Name", it.name.as_str())
                .text("Kind", it.kind.as_str())
                .text("CreateDate", it.created.to_string())
                .text("State", if *open { "Open" } else { "Closed" })
        });
        let count = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
        let rotation = Fields::default()
            .text("State", if rotating { "Running" } else { "None" })
            .number("Done", count(done))
            .number("Total", count(total));
        let root = Fields::default()
            .number("Generation", newest.0.into())
            .list("Wraps", "Wrap", wraps.collect())
            .object("Rotation", rotation);
        Fields::default().object("RootKey", root)
    }
}
