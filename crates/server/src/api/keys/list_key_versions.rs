//! `ListKeyVersions`: the versions of a key, newest first: clients sign with the first one.
//! Source: keys.md §8.1.

use yaoku_model::{arn::KeyRef, key::KeyVersion};
use yaoku_store::{Listed, Page};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec, paging},
    call::{Call, KEY_BY_NAME},
    error::ApiError,
};

use super::version;

/// A request to list the versions of a key.
#[derive(Debug)]
pub(super) struct ListKeyVersions {
    key: KeyRef,
    page: Page,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Versions {
    listed: Listed<KeyVersion>,
    page: Page,
}

impl Operation for ListKeyVersions {
    const SPEC: &'static Spec = &Spec {
        name: "ListKeyVersions",
        errors: &[KEY_BY_NAME],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("PageNumber", "1"),
            ("PageSize", "10"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListKeyVersions)",
        ..Spec::DEFAULT
    };

    type Response = Versions;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")?, page: paging::page(params, 10, 0..=101)? })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.make_product_key(&self.key).await
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Versions, ApiError> {
        let key = call.key(&self.key).await?;
        let listed = call.tx()?.list_key_versions(&key.id, self.page).await?;
        Ok(Versions { listed, page: self.page })
    }
}

impl Encode for Versions {
    fn encode(self) -> Fields {
        let versions = self.listed.items.iter().map(version::fields).collect();
        let fields = Fields::default().list("KeyVersions", "KeyVersion", versions);
        paging::paged(fields, self.page, self.listed.total)
    }
}
