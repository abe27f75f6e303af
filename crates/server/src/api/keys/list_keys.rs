//! `ListKeys`: the keys of an account, a page at a time. Source: keys.md §6.3.

use yaoku_model::{
    arn::Arn,
    ids::{AliasName, KeyId},
    key::KeySpec,
};
use yaoku_store::{KeyFilter, Listed, Page};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec, filters, paging},
    call::Call,
    error::ApiError,
};

/// A request to list keys.
#[derive(Debug)]
pub(super) struct ListKeys {
    filter: KeyFilter,
    page: Page,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Keys {
    items: Vec<(KeyId, Arn)>,
    page: Page,
    total: i64,
}

impl Operation for ListKeys {
    const SPEC: &'static Spec = &Spec {
        name: "ListKeys",
        example: &[
            ("Filters", r#"[{"Key":"KeyState","Values":["Enabled","Disabled"]}]"#),
            ("PageNumber", "1"),
            ("PageSize", "10"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListKeys)",
        ..Spec::DEFAULT
    };

    type Response = Keys;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let mut filter = KeyFilter::default();
        for (key, values) in filters::filters(params)? {
            constrain(&mut filter, &key, values)?;
        }
        Ok(Self { filter, page: paging::page(params, 10, 1..=100)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Keys, ApiError> {
        let (region, account, now) = (call.region(), call.account(), call.now);
        call.allow(&Arn::container(region, account, "key"))?;
        let Listed { items, total } =
            call.tx()?.list_keys(account, &self.filter, now, self.page).await?;
        let with_arn = |id: KeyId| {
            let arn = Arn::key(region, account, &id);
            (id, arn)
        };
        Ok(Keys { items: items.into_iter().map(with_arn).collect(), page: self.page, total })
    }
}

/// A value that no key has matches nothing: the pages say so for specs, for the rest it is our
/// choice.
fn constrain(filter: &mut KeyFilter, key: &str, values: Vec<String>) -> Result<(), ApiError> {
    let (list, values) = match key {
        "KeyState" => (&mut filter.states, values),
        "KeySpec" => (&mut filter.specs, values.into_iter().map(spec).collect()),
        "KeyUsage" => (&mut filter.usages, values),
        "ProtectionLevel" => (&mut filter.protections, values),
        "CreatorType" => (&mut filter.creator_types, values),
        "DKMSInstanceId" => (&mut filter.instances, values),
        // The pages spell it in both ways.
        "KeyId" | "keyId" => (&mut filter.ids, values),
        "AliasName" => (&mut filter.aliases, values.into_iter().map(with_prefix).collect()),
        "Creator" => (&mut filter.creators, values),
        "TagKey" => (&mut filter.tag_keys, values),
        "TagValue" => (&mut filter.tag_values, values),
        _ => return Err(filters::invalid()),
    };
    list.extend(values);
    Ok(())
}

/// The name that we answer of a spec which has two. Source: keys.md §3.2.
fn spec(name: String) -> String {
    name.parse().map_or(name, |it: KeySpec| it.as_str().to_owned())
}

/// An alias may come without its prefix.
fn with_prefix(name: String) -> String {
    if name.starts_with(AliasName::PREFIX) { name } else { AliasName::PREFIX.to_owned() + &name }
}

impl Encode for Keys {
    fn encode(self) -> Fields {
        let key = |(id, arn): (KeyId, Arn)| {
            Fields::default().text("KeyId", id.as_str()).text("KeyArn", arn.as_str())
        };
        let keys = self.items.into_iter().map(key).collect();
        paging::paged(Fields::default().list("Keys", "Key", keys), self.page, self.total)
    }
}
