//! `ListManagedDataKeyVersions`: the versions of a managed data key, oldest first, page by page.
//! Source: keys.md §13.

use yaoku_model::ids::SecretName;
use yaoku_store::{Listed, Page};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{DataKeyName, version_id};
use crate::{
    api::{Operation, Spec, paging},
    call::Call,
    error::ApiError,
};

/// A request to list versions.
#[derive(Debug)]
pub(super) struct ListManagedDataKeyVersions {
    name: DataKeyName,
    page: Page,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Versions {
    name: DataKeyName,
    page: Page,
    listed: Listed<SecretName>,
}

impl Operation for ListManagedDataKeyVersions {
    const SPEC: &'static Spec = &Spec {
        name: "ListManagedDataKeyVersions",
        errors: &[&[Code::ResourceNotFound]],
        example: &[("DataKeyName", "orders"), ("PageNumber", "1"), ("PageSize", "10")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListManagedDataKeyVersions)",
        ..Spec::DEFAULT
    };

    type Response = Versions;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let page = paging::page(params, 10, 1..=100)?;
        Ok(Self { name: params.required("DataKeyName")?, page })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Versions, ApiError> {
        call.allow(&self.name.arn(call)?)?;
        let (account, filter) = (call.account(), self.name.filter(call));
        let Listed { items, total } = call.tx()?.list_secrets(account, &filter, self.page).await?;
        if total == 0 {
            return Err(Code::ResourceNotFound.into());
        }
        let items = items.into_iter().map(|it| it.name).collect();
        Ok(Versions { name: self.name.clone(), page: self.page, listed: Listed { items, total } })
    }
}

impl Encode for Versions {
    fn encode(self) -> Fields {
        let version = |name: &SecretName| {
            Fields::default()
                .text("DataKeyVersionId", version_id(name))
                .text("DataKeyVersionName", name.as_str())
        };
        let versions = self.listed.items.iter().map(version).collect();
        let fields = Fields::default().text("DataKeyName", self.name.0).list(
            "ManagedDataKeyVersions",
            "ManagedDataKeyVersion",
            versions,
        );
        paging::paged(fields, self.page, self.listed.total)
    }
}
