//! Notices: what operators and their programs are told of that happened to keys and secrets, or will.
//! Source: secrets.md §6.8, console.md C.8.
//!
//! A notice is kept in the transaction of what it tells, so there is one exactly if that happened. It
//! is listed for 90 days (C.8), and so are at most [`KEPT`] of an account. What fills up and what ends is
//! looked at now and then ([`watch`]), and so is who has too many.

use serde_json::{Value, json};
use yaoku_model::{
    arn::Arn,
    ids::{AccountId, uuid},
    key::Key,
    secret::{Rotation, Secret, Step},
    time::Timestamp,
};
use yaoku_store::{NoticeRow, Tx};

use crate::{error::ApiError, node::Node};

pub(crate) mod watch;

/// Days for which notices are kept. Source: console.md C.8.
pub(crate) const DAYS: i64 = 90;

/// So many notices of an account are kept, and more only while a webhook is still to be told of what
/// is critical. Each account has its own, so that none loses its notices by what another one does.
/// Our choice.
const KEPT: i64 = 10_000;

/// What a notice can be called. Those of rotations are the vendor's (§6.8); the others are made like
/// them, which is our choice.
pub(crate) const NAMES: [&str; 17] = [
    "Account:KeyQuota:70Percent",
    "Account:KeyQuota:90Percent",
    "Instance:AccessQuota:70Percent",
    "Instance:AccessQuota:90Percent",
    "Instance:KeyQuota:70Percent",
    "Instance:KeyQuota:90Percent",
    "Instance:SecretQuota:70Percent",
    "Instance:SecretQuota:90Percent",
    "Key:DeleteKey:Scheduled",
    "Key:DeleteKey:Success",
    "Key:KeyMaterial:Expired",
    "Key:KeyMaterial:Expiring",
    "Secret:DeleteSecret:Scheduled",
    "Secret:DeleteSecret:Success",
    "Secret:RotateSecret:Failure",
    "Secret:RotateSecret:Success",
    "Server:Certificate:Expiring",
];

/// How much it matters. Source: console.md C.8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Level {
    /// Good to know.
    Info,
    /// Somebody should look whether it was meant.
    Warn,
    /// Somebody has to do something.
    Critical,
}

impl Level {
    /// As it is written.
    const fn word(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Critical => "CRITICAL",
        }
    }
}

/// One notice.
#[derive(Debug)]
pub(crate) struct Notice<'a> {
    /// Its name, one of [`NAMES`].
    pub(crate) name: &'static str,
    /// How much it matters.
    pub(crate) level: Level,
    /// Whose it is.
    pub(crate) account: &'a AccountId,
    /// What it is about.
    pub(crate) about: &'a Arn,
    /// What is said, as the vendor's events have it; its `eventId` is added.
    pub(crate) content: Value,
}

/// Leaves a notice, in the transaction of what it tells. The log has it too, also if that
/// transaction is undone or done again.
pub(crate) async fn leave(
    node: &Node,
    tx: &mut dyn Tx,
    notice: Notice<'_>,
    at: Timestamp,
) -> Result<(), ApiError> {
    leave_as(node, tx, notice, uuid(&*node.random)?, at).await
}

/// The same under an id, of which there can be one.
async fn leave_as(
    node: &Node,
    tx: &mut dyn Tx,
    notice: Notice<'_>,
    id: String,
    at: Timestamp,
) -> Result<(), ApiError> {
    let row = row(node, notice, id, at);
    let NoticeRow { id, account, name, level, about, .. } = &row;
    tracing::info!(target: "yaoku::notices", id, name, level, %account, about, "notice");
    if !tx.insert_notice(&row).await? {
        return Ok(());
    }
    for webhook in node.webhooks.iter().filter(|it| it.wants(name)) {
        tx.insert_delivery(webhook.id(), id, node.clock.now()).await?;
    }
    Ok(())
}

/// The notice as it is kept. Source of its form: secrets.md §6.8. That every one has a time, and what
/// `instanceName` is for what is no secret (the last part of its ARN), is our choice.
fn row(node: &Node, notice: Notice<'_>, id: String, at: Timestamp) -> NoticeRow {
    let Notice { name, level, account, about, mut content } = notice;
    debug_assert!(NAMES.contains(&name), "{name} has to be in NAMES");
    content["eventId"] = id.as_str().into();
    let about = about.as_str();
    let body = json!({
        "product": "KMS",
        "eventTime": event_time(at),
        "instanceName": about.split_once('/').map_or(about, |(_, name)| name),
        "level": level.word(),
        "name": name,
        "regionId": node.region.as_str(),
        "resourceId": about,
        "status": if name.ends_with(":Failure") { "Failed" } else { "Normal" },
        "content": content,
        "ver": "1.0",
    });
    NoticeRow {
        id,
        account: account.clone(),
        at,
        name: name.to_owned(),
        level: level.word().to_owned(),
        about: about.to_owned(),
        body: body.to_string(),
        waiting: 0,
    }
}

/// `20180816T135935.689+0800`, in UTC. Source: secrets.md §6.8.
fn event_time(at: Timestamp) -> String {
    let written = at.to_string().replace(['-', ':', 'Z'], "");
    format!("{written}.{:03}+0000", at.unix_ms().rem_euclid(1000))
}

/// Tells that a key waits for its deletion, or is deleted. That the names of these four follow those of
/// rotations, and what they say, is our choice: C.8 has their levels only.
pub(crate) async fn key_goes(
    node: &Node,
    tx: &mut dyn Tx,
    key: &Key,
    now: Timestamp,
) -> Result<(), ApiError> {
    let about = Arn::key(&node.region, &key.account, &key.id);
    let mut content = json!({ "keyId": key.id.as_str() });
    let name = match key.delete_at.filter(|_| !key.is_gone(now)) {
        Some(planned) => {
            content["plannedDeleteTime"] = planned.to_string().into();
            "Key:DeleteKey:Scheduled"
        }
        None => "Key:DeleteKey:Success",
    };
    let notice = Notice { name, level: Level::Warn, account: &key.account, about: &about, content };
    leave(node, tx, notice, now).await
}

/// Tells that the imported material of a key is forgotten: it was past its date.
pub(crate) async fn material_expired(
    node: &Node,
    tx: &mut dyn Tx,
    key: &Key,
    now: Timestamp,
) -> Result<(), ApiError> {
    let about = Arn::key(&node.region, &key.account, &key.id);
    let content = json!({ "keyId": key.id.as_str() });
    let (name, level) = ("Key:KeyMaterial:Expired", Level::Critical);
    let notice = Notice { name, level, account: &key.account, about: &about, content };
    leave(node, tx, notice, now).await
}

/// The same of a secret as [`key_goes`] of a key. `left` is a rotation that was not over: a key that was
/// to go soon is nobody's to take away any more.
pub(crate) async fn secret_goes(
    node: &Node,
    tx: &mut dyn Tx,
    secret: &Secret,
    left: Option<&Rotation>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let about = Arn::secret(&node.region, &secret.account, &secret.name);
    let mut content =
        json!({ "secretName": secret.name.as_str(), "secretType": secret.kind.as_str() });
    let name = match secret.delete_at.filter(|_| !secret.is_gone(now)) {
        Some(planned) => {
            content["plannedDeleteTime"] = planned.to_string().into();
            "Secret:DeleteSecret:Scheduled"
        }
        None => "Secret:DeleteSecret:Success",
    };
    if let Some(key) = left.and_then(|it| it.dying.as_ref()) {
        content["accessKeyLeft"] = key.as_str().into();
    }
    if left.is_some_and(|it| it.step == Step::Retire) {
        content["sshKeyLeft"] = true.into();
    }
    let account = &secret.account;
    let notice = Notice { name, level: Level::Warn, account, about: &about, content };
    leave(node, tx, notice, now).await
}

#[cfg(test)]
mod tests;
