//! `ListSecrets`: an account's secrets, page by page. Source: secrets.md §4.3.

use yaoku_model::{
    arn::Arn,
    ids::SecretName,
    secret::{Secret, SecretType},
    tag::Tag,
};
use yaoku_store::{Match, Page, SecretFilter};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec, filters, paging},
    call::Call,
    error::ApiError,
    throttle::Class,
};

use super::{tags, with_tags};

/// A request to list secrets.
#[derive(Debug)]
pub(super) struct ListSecrets {
    filter: SecretFilter,
    page: Page,
    tags: bool,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Listed {
    secrets: Vec<(Secret, Option<Vec<Tag>>)>,
    page: Page,
    total: i64,
}

impl Operation for ListSecrets {
    const SPEC: &'static Spec = &Spec {
        name: "ListSecrets",
        or_container: true,
        class: Some(Class::SecretRead),
        example: &[
            ("Filters", r#"[{"Key":"SecretName","Values":["db/*"]}]"#),
            ("FetchTags", "true"),
            ("PageNumber", "1"),
            ("PageSize", "10"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListSecrets)",
        ..Spec::DEFAULT
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            filter: filter(params)?,
            page: paging::page(params, 10, 1..=100)?,
            tags: params.flag("FetchTags")?.unwrap_or(false),
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let (region, account) = (call.region(), call.account());
        // Policies grant it on the container or on all that is in it. Source: secrets.md §1.7.
        call.allow_in_container(&Arn::container(region, account, "secret/*"))?;
        let filter = SecretFilter { alive_at: Some(call.now), ..self.filter.clone() };
        let found = call.tx()?.list_secrets(account, &filter, self.page).await?;
        let mut secrets = Vec::with_capacity(found.items.len());
        for secret in found.items {
            let tags = tags(call, &secret, self.tags).await?;
            secrets.push((secret, tags));
        }
        Ok(Listed { secrets, page: self.page, total: found.total })
    }
}

/// Takes the filters. Source: secrets.md §4.3 (how they match: inferred there).
fn filter(params: &mut Params) -> Result<SecretFilter, ApiError> {
    let mut filter = SecretFilter::default();
    for (key, values) in filters::filters(params)? {
        let longest = if key == "SecretName" { SecretName::MAX_LEN + 1 } else { 256 };
        if values.iter().any(|it| !(1..=longest).contains(&it.chars().count())) {
            return Err(filters::invalid());
        }
        match key.as_str() {
            "SecretName" => {
                let names: Option<Vec<_>> = values.iter().map(|it| name(it)).collect();
                filter.names.extend(names.ok_or_else(filters::invalid)?);
            }
            "Description" => filter.descriptions.extend(values),
            "TagKey" => filter.tag_keys.extend(values),
            "TagValue" => filter.tag_values.extend(values),
            "DKMSInstanceId" => filter.instances.extend(values),
            "SecretType" => filter.kinds.extend(values.into_iter().map(kind)),
            "Creator" => filter.creators.extend(values),
            _ => return Err(filters::invalid()),
        }
    }
    Ok(filter)
}

/// A whole name, or the beginning of one before a `*`.
fn name(value: &str) -> Option<Match> {
    match value.strip_suffix('*') {
        Some("") => Some(Match::Prefix(String::new())),
        Some(prefix) => prefix.parse::<SecretName>().ok().map(|it| Match::Prefix(it.to_string())),
        None => value.parse::<SecretName>().ok().map(|it| Match::Exact(it.to_string())),
    }
}

/// The word for a type in its own spelling: the documentation filters for `RDS`, the type is `Rds`.
fn kind(value: String) -> String {
    let known = SecretType::ALL.iter().find(|it| it.as_str().eq_ignore_ascii_case(&value));
    known.map_or(value, |it| it.as_str().to_owned())
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let items = self.secrets.into_iter().map(|(it, tags)| {
            let fields = Fields::default()
                .text("SecretName", it.name.as_str())
                .text("SecretType", it.kind.as_str())
                .text("CreateTime", it.created.to_string())
                .text("UpdateTime", it.updated.to_string())
                .maybe_text("PlannedDeleteTime", it.delete_at.map(|it| it.to_string()));
            with_tags(fields, tags)
        });
        let fields = Fields::default().list("SecretList", "Secret", items.collect());
        paging::paged(fields, self.page, self.total)
    }
}
