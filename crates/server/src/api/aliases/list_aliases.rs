//! `ListAliases`: the aliases of an account, a page at a time. Source: keys.md §7.

use yaoku_model::arn::Arn;
use yaoku_store::Page;
use yaoku_wire::params::Params;

use crate::{
    api::{Operation, Spec, paging},
    call::Call,
    error::ApiError,
};

use super::Aliases;

/// A request to list aliases.
#[derive(Debug)]
pub(super) struct ListAliases {
    page: Page,
}

impl Operation for ListAliases {
    const SPEC: &'static Spec = &Spec {
        name: "ListAliases",
        example: &[("PageNumber", "1"), ("PageSize", "10")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListAliases)",
        ..Spec::DEFAULT
    };

    type Response = Aliases;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { page: paging::page(params, 10, 0..=100)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Aliases, ApiError> {
        let (region, account) = (call.region(), call.account());
        call.allow(&Arn::container(region, account, "alias"))?;
        let now = call.now;
        let listed = call.tx()?.list_aliases(account, None, now, self.page).await?;
        Ok(Aliases::new(region, account, listed, self.page))
    }
}
