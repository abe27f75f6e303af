//! Operations on aliases. Source: keys.md §7.

use yaoku_model::{
    arn::Arn,
    ids::{AccountId, AliasName, Region},
    key::Alias,
};
use yaoku_store::{Listed, Page};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{Entry, paging};
use crate::error::ApiError;

mod create_alias;
mod delete_alias;
mod list_aliases;
mod list_aliases_by_key_id;
mod update_alias;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_alias::CreateAlias>(), //
    Entry::of::<delete_alias::DeleteAlias>(),
    Entry::of::<list_aliases::ListAliases>(),
    Entry::of::<list_aliases_by_key_id::ListAliasesByKeyId>(),
    Entry::of::<update_alias::UpdateAlias>(),
];

/// Takes the name of an alias that is not one of the service's: those never change hands.
///
/// Source: keys.md §7 (for creating; for the other writes our choice).
fn customers_alias(params: &mut Params) -> Result<AliasName, ApiError> {
    let name: AliasName = params.required("AliasName")?;
    if !name.as_str().starts_with(AliasName::PREFIX) || name.is_reserved() {
        return Err(ApiError::invalid("AliasName"));
    }
    Ok(name)
}

/// A page of aliases, as both lists answer it.
#[derive(Debug)]
struct Aliases {
    items: Vec<(Alias, Arn)>,
    page: Page,
    total: i64,
}

impl Aliases {
    fn new(region: &Region, account: &AccountId, listed: Listed<Alias>, page: Page) -> Self {
        let with_arn = |alias: Alias| {
            let arn = Arn::alias(region, account, &alias.name);
            (alias, arn)
        };
        let items = listed.items.into_iter().map(with_arn).collect();
        Self { items, page, total: listed.total }
    }
}

impl Encode for Aliases {
    fn encode(self) -> Fields {
        let alias = |(alias, arn): (Alias, Arn)| {
            Fields::default()
                .text("AliasName", alias.name.as_str())
                .text("AliasArn", arn.as_str())
                .text("KeyId", alias.key.as_str())
        };
        let aliases = self.items.into_iter().map(alias).collect();
        paging::paged(Fields::default().list("Aliases", "Alias", aliases), self.page, self.total)
    }
}

#[cfg(test)]
mod tests;
