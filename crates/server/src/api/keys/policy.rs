//! Key policies, as they are taken from a call and counted. Source: keys.md §11, identity.md §4.5,
//! §4.7.

use std::collections::BTreeSet;

use yaoku_model::{
    ids::{AccountId, KeyId},
    instance::Instance,
    policy::{Document, Kind, Object},
    text::is_plain,
    time::Timestamp,
};
use yaoku_store::Tx;
use yaoku_wire::{error::Code, params::Params};

use crate::error::ApiError;

/// Takes a key policy.
pub(super) fn take(params: &mut Params) -> Result<Option<String>, ApiError> {
    let Some(text) = params.text("Policy").filter(|it| !it.is_empty()) else { return Ok(None) };
    match Document::parse(&text, Kind::Object(Object::Key)) {
        Ok(_) if is_plain(&text) => Ok(Some(text.as_str().to_owned())),
        _ => Err(ApiError::invalid("Policy")),
    }
}

/// Fails if `policy`, in the place of that of `except`, lets more other accounts at what is in the
/// instance than it may: each account counts once for each key and secret. Source: identity.md §4.7.
pub(super) async fn must_fit(
    tx: &mut dyn Tx,
    home: &Instance,
    policy: &str,
    except: Option<&KeyId>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let new = others(policy, &home.account);
    if new == 0 {
        return Ok(());
    }
    let held = tx.policies_in(&home.id, except, now).await?;
    let held: i64 = held.iter().map(|it| others(it, &home.account)).sum();
    if held + new > home.access_quota { Err(Code::LimitExceeded.into()) } else { Ok(()) }
}

/// A key's and a secret's policy read alike: only whom they let in is counted.
fn others(policy: &str, owner: &AccountId) -> i64 {
    let Ok(document) = Document::parse(policy, Kind::Object(Object::Key)) else { return 0 };
    let others: BTreeSet<_> = document.accounts_let_in().filter(|it| *it != owner).collect();
    i64::try_from(others.len()).unwrap_or(i64::MAX)
}
