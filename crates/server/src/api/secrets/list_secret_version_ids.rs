//! `ListSecretVersionIds`: a secret's versions, page by page. Source: secrets.md §4.7.

use yaoku_model::{
    arn::SecretRef,
    ids::{Stage, VersionId},
    secret::Secret,
    time::Timestamp,
};
use yaoku_store::Page;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec, paging},
    call::{Call, SECRET},
    error::ApiError,
    throttle::Class,
};

/// A request to list versions.
#[derive(Debug)]
pub(super) struct ListSecretVersionIds {
    secret: SecretRef,
    all: bool,
    page: Page,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Listed {
    secret: Secret,
    /// All that were asked for: a secret has ten at most.
    versions: Vec<(VersionId, Timestamp)>,
    page: Page,
}

impl Operation for ListSecretVersionIds {
    const SPEC: &'static Spec = &Spec {
        name: "ListSecretVersionIds",
        class: Some(Class::SecretRead),
        errors: &[SECRET],
        example: &[
            ("SecretName", "db/orders"),
            ("IncludeDeprecated", "true"),
            ("PageNumber", "1"),
            ("PageSize", "20"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListSecretVersionIds)",
        ..Spec::DEFAULT
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            secret: params.required("SecretName")?,
            all: params.flag("IncludeDeprecated")?.unwrap_or(false),
            page: paging::page(params, 20, 1..=100)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let secret = call.secret(&self.secret).await?;
        let rows = call.tx()?.secret_versions(&secret.account, &secret.name).await?;
        let versions = rows.into_iter().map(|it| (it.id, it.created));
        let labelled = |id: &VersionId| secret.stages_of(id).next().is_some();
        let versions = versions.filter(|(id, _)| self.all || labelled(id)).collect();
        Ok(Listed { versions, page: self.page, secret })
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let (size, offset) = (self.page.size, self.page.offset());
        let in_page = |index: &usize| {
            i64::try_from(*index)
                .is_ok_and(|it| (offset..offset.saturating_add(size)).contains(&it))
        };
        let total = i64::try_from(self.versions.len()).unwrap_or(i64::MAX);
        let shown = self.versions.iter().enumerate().filter(|(index, _)| in_page(index));
        let items = shown.map(|(_, (id, created))| {
            Fields::default()
                .text("VersionId", id.as_str())
                .text("CreateTime", created.to_string())
                .texts(
                    "VersionStages",
                    "VersionStage",
                    self.secret.stages_of(id).map(Stage::as_str),
                )
        });
        let fields = Fields::default().text("SecretName", self.secret.name.as_str()).list(
            "VersionIds",
            "VersionId",
            items.collect(),
        );
        paging::paged(fields, self.page, total)
    }
}
