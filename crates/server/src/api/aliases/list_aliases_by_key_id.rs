//! `ListAliasesByKeyId`: the aliases of one key, a page at a time. Source: keys.md §7.

use yaoku_model::arn::KeyRef;
use yaoku_store::Page;
use yaoku_wire::params::Params;

use crate::{
    api::{Operation, Spec, paging},
    call::{Call, KEY_BY_ID},
    error::ApiError,
};

use super::Aliases;

/// A request to list a key's aliases.
#[derive(Debug)]
pub(super) struct ListAliasesByKeyId {
    key: KeyRef,
    page: Page,
}

impl Operation for ListAliasesByKeyId {
    const SPEC: &'static Spec = &Spec {
        name: "ListAliasesByKeyId",
        errors: &[KEY_BY_ID],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("PageNumber", "1"),
            ("PageSize", "10"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListAliasesByKeyId)",
        ..Spec::DEFAULT
    };

    type Response = Aliases;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")?, page: paging::page(params, 10, 0..=101)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Aliases, ApiError> {
        let key = call.key_by_id(&self.key).await?;
        let now = call.now;
        let listed = call.tx()?.list_aliases(&key.account, Some(&key.id), now, self.page).await?;
        Ok(Aliases::new(call.region(), &key.account, listed, self.page))
    }
}
