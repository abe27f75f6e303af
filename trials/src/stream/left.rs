//! What is left in a store: nothing may be half done.

use yaoku_model::{
    ids::{AccountId, KeyId},
    tag::TagKind,
    time::Timestamp,
};
use yaoku_store::{KeyFilter, Page, SecretFilter, Store, TagQuery, Transaction};

use crate::report::Report;

/// More than a trial makes.
const ALL: Page = Page { number: 1, size: 1_000_000 };

/// When no key's deletion date had come.
const LONG_AGO: Timestamp = Timestamp::from_unix_seconds(0);

/// Looks at every key, alias, secret and tag.
pub(crate) async fn check(store: &dyn Store, report: &mut Report) -> anyhow::Result<()> {
    let mut tx = store.read().await?;
    for account in tx.accounts().await? {
        let account = account.id;
        let every = KeyFilter::default();
        for id in tx.list_keys(&account, &every, LONG_AGO, ALL).await?.items {
            key(&mut *tx, &id, report).await?;
        }
        for alias in tx.list_aliases(&account, None, LONG_AGO, ALL).await?.items {
            let there = tx.key(&alias.key).await?.is_some();
            report.check(there, format_args!("{} names no key", alias.name));
        }
        secrets(&mut *tx, &account, report).await?;
        tags(&mut *tx, &account, report).await?;
    }
    Ok(())
}

async fn key(tx: &mut dyn Transaction, id: &KeyId, report: &mut Report) -> anyhow::Result<()> {
    let primary = tx.key(id).await?.and_then(|it| it.primary);
    let versions = tx.key_versions(id).await?;
    let whole = primary.is_some_and(|primary| versions.iter().any(|it| it.id == primary));
    report.check(whole, format_args!("key {id} has no material"));
    Ok(())
}

async fn secrets(
    tx: &mut dyn Transaction,
    account: &AccountId,
    report: &mut Report,
) -> anyhow::Result<()> {
    for secret in tx.list_secrets(account, &SecretFilter::default(), ALL).await?.items {
        let versions = tx.secret_versions(account, &secret.name).await?;
        let labelled = secret.stages.values().all(|id| versions.iter().any(|it| it.id == *id));
        let whole = !versions.is_empty() && !secret.stages.is_empty() && labelled;
        report.check(whole, format_args!("secret {} lacks a version", secret.name));
    }
    Ok(())
}

async fn tags(
    tx: &mut dyn Transaction,
    account: &AccountId,
    report: &mut Report,
) -> anyhow::Result<()> {
    for kind in [TagKind::Key, TagKind::Secret] {
        let query = TagQuery {
            kind,
            resources: &[],
            tags: &[],
            now: LONG_AGO,
            after: None,
            limit: ALL.size,
        };
        for row in tx.list_tags(account, &query).await? {
            let there = match kind {
                TagKind::Key => tx.key(&row.resource.parse()?).await?.is_some(),
                _ => tx.secret(account, &row.resource.parse()?).await?.is_some(),
            };
            report.check(there, format_args!("{} has tags and is not there", row.resource));
        }
    }
    Ok(())
}
