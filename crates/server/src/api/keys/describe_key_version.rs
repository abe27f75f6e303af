//! `DescribeKeyVersion`: when a version of a key was made. Source: keys.md §8.1.

use yaoku_model::{
    arn::KeyRef,
    ids::{Invalid, KeyVersionId},
};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Operation, Spec},
    call::{Call, KEY_BY_NAME},
    error::ApiError,
};

use super::version::One;

/// A request to describe a version.
#[derive(Debug)]
pub(super) struct DescribeKeyVersion {
    key: KeyRef,
    version: Named,
}

/// A version's id, or one like it that no version is called by: unknown, not invalid (our choice,
/// as keys.md §2.1 has it for keys).
#[derive(Debug)]
struct Named(Option<KeyVersionId>);

impl std::str::FromStr for Named {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let fits =
            raw.len() <= 64 && raw.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        if fits { Ok(Self(raw.parse().ok())) } else { Err(Invalid) }
    }
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
        let Some(id) = &self.version.0 else { return Err(Code::KeyVersionNotFound.into()) };
        let found = call.tx()?.key_version(&key.id, id).await?;
        Ok(One(found.ok_or(Code::KeyVersionNotFound)?))
    }
}
