//! `DescribeKey`: what is known about a key. Source: keys.md §4, §6.2.

use yaoku_model::{arn::KeyRef, ids::Region, key::Key, time::Timestamp};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec},
    call::{Call, KEY_BY_NAME},
    error::ApiError,
};

use super::metadata;

/// A request to describe a key.
#[derive(Debug)]
pub(super) struct DescribeKey {
    key: KeyRef,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Described {
    region: Region,
    key: Key,
    now: Timestamp,
}

impl Operation for DescribeKey {
    const SPEC: &'static Spec = &Spec {
        name: "DescribeKey",
        errors: &[KEY_BY_NAME],
        example: &[("KeyId", "alias/app")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, DescribeKey)",
        ..Spec::DEFAULT
    };

    type Response = Described;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")? })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.make_product_key(&self.key).await
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Described, ApiError> {
        let key = call.key(&self.key).await?;
        Ok(Described { region: call.region().clone(), key, now: call.now })
    }
}

impl Encode for Described {
    fn encode(self) -> Fields {
        let fields = metadata::metadata(&self.region, &self.key, self.now);
        Fields::default().object("KeyMetadata", metadata::protection(fields, &self.key))
    }
}
