//! Pages of a list: which one is asked for, and how an answer says which one it is.

use std::{ops::RangeInclusive, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use yaoku_model::ids::Invalid;
use yaoku_store::{Page, TagRow};
use yaoku_wire::{fields::Fields, params::Params};

use crate::error::ApiError;

/// The highest page number: what an `int` of the clients holds.
const LAST_PAGE: i64 = i32::MAX as i64;

/// Takes `PageNumber` (from 1, default 1) and `PageSize`. Where `sizes` allows a size of 0 it
/// stands for `default_size`. Source: keys.md §6.3, §7; secrets.md §4.3; instance.md §1.5.
pub(super) fn page(
    params: &mut Params,
    default_size: i64,
    sizes: RangeInclusive<i64>,
) -> Result<Page, ApiError> {
    let number = params.integer("PageNumber", 1..=LAST_PAGE)?.unwrap_or(1);
    let size = params.integer("PageSize", sizes)?.filter(|it| *it > 0).unwrap_or(default_size);
    Ok(Page { number, size })
}

/// Adds the page that was answered and how many items there are on all of them.
pub(super) fn paged(fields: Fields, page: Page, total: i64) -> Fields {
    fields
        .number("PageNumber", page.number)
        .number("PageSize", page.size)
        .number("TotalCount", total)
}

/// The last row of a page of tags. Opaque to clients, and good for as long as they keep it.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Token {
    /// What the tag is on.
    pub(super) resource: String,
    /// The tag's key.
    pub(super) key: String,
}

impl Token {
    /// That of a row.
    pub(super) fn of(row: &TagRow) -> Self {
        Self { resource: row.resource.clone(), key: row.tag.key.as_str().to_owned() }
    }

    /// As clients get it. No resource's name and no tag's key has a line break.
    pub(super) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{}", self.resource, self.key))
    }
}

impl FromStr for Token {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let bytes = URL_SAFE_NO_PAD.decode(raw).map_err(|_| Invalid)?;
        let text = String::from_utf8(bytes).map_err(|_| Invalid)?;
        let (resource, key) = text.split_once('\n').ok_or(Invalid)?;
        Ok(Self { resource: resource.to_owned(), key: key.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_page_has_bounds_and_defaults() {
        for (number, size, expected) in [
            ("", "", Some((1, 10))),
            ("2", "100", Some((2, 100))),
            ("2147483647", "1", Some((2_147_483_647, 1))),
            ("0", "", None),
            ("2147483648", "", None),
            ("-1", "", None),
            ("1.0", "", None),
            ("", "0", None),
            ("", "101", None),
            ("", "ten", None),
        ] {
            let mut params = [("PageNumber", number), ("PageSize", size)].into_iter().collect();
            let found = page(&mut params, 10, 1..=100).ok().map(|it| (it.number, it.size));
            assert_eq!(found, expected, "page {number:?} of {size:?}");
        }
    }

    #[test]
    fn a_size_of_zero_is_the_default_where_it_is_allowed() {
        let mut params = [("PageSize", "0")].into_iter().collect();
        assert_eq!(page(&mut params, 10, 0..=100).unwrap().size, 10);
    }
}
