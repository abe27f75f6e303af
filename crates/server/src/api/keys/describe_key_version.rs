//! `DescribeKeyVersion`: when a version of a key was made. Source: keys.md §8.1.

use yaoku_model::arn::KeyRef;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Operation, Spec},
    call::{Call, KEY_BY_NAME, VersionName},
    error::ApiError,
};

use super::version::One;

/// A request to describe a version.
#[derive(Debug)]
pub(super) struct DescribeKeyVersion {
    key: KeyRef,
    version: VersionName,
}

impl Operation for DescribeKeyVersion {
    const SPEC: &'static Spec = &Spec {
        name: "DescribeKeyVersion",
        errors: &[KEY_BY_NAME, &[Code::KeyVersionNotFound]],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("KeyVersionId", "86a9efd9-3d16-4894-bd4f-1fc43f3f2abf"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, DescribeKeyVersion)",
        ..Spec::DEFAULT
    };

    type Response = One;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")?, version: params.required("KeyVersionId")? })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.make_product_key(&self.key).await
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<One, ApiError> {
        let key = call.key(&self.key).await?;
        let found = call.tx()?.key_version(&key.id, self.version.id()?).await?;
        Ok(One(found.ok_or(Code::KeyVersionNotFound)?))
    }
}
