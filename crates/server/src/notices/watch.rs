//! Looks, now and then, at what fills up and at what ends: quotas, imported material, the server's
//! certificate. Source: console.md C.8, which has the two shares of a quota and their levels.
//!
//! Each is told once. Which share of a quota was told of is a setting of the deployment, so no restart
//! and no other node tells it again; it is forgotten when the quota is [`SLACK`] percent emptier than
//! that. A notice of what ends has an id of its own making, and there is one of an id.

use std::time::Duration;

use aws_lc_rs::digest;
use serde_json::json;
use yaoku_model::{arn::Arn, ids::AccountId, key::Key, time::Timestamp};
use yaoku_store::{DueKey, Tx};

use super::{KEPT, Level, Notice, leave_as};
use crate::{
    access, accounts, error::ApiError, node::Node, pipeline::must_take_writes, webhooks::GIVE_UP,
};

/// How often there is a look. Our choice.
pub(crate) const EVERY: Duration = Duration::from_mins(5);

/// So many percent below a share of a quota it may be told of again. Our choice.
const SLACK: i64 = 5;

/// How many days before something ends that is told. The vendor tells of its client keys 180, 90, 30 and
/// 7 days before (C.8). Ours begin where a private CA has issued the next certificate already.
const DAYS_BEFORE: [i64; 3] = [1, 7, 28];

const DAY: i64 = 86_400;

/// How many keys are asked for at once.
const PAGE: i64 = 256;

/// What has room for so many and no more.
#[derive(Debug)]
struct Quota {
    /// What the setting calls it.
    word: &'static str,
    /// What is told at 70 and at 90 percent.
    names: [&'static str; 2],
}

const KEYS_OF_ACCOUNT: Quota = Quota {
    word: "account-keys",
    names: ["Account:KeyQuota:70Percent", "Account:KeyQuota:90Percent"],
};
const KEYS: Quota =
    Quota { word: "keys", names: ["Instance:KeyQuota:70Percent", "Instance:KeyQuota:90Percent"] };
const SECRETS: Quota = Quota {
    word: "secrets",
    names: ["Instance:SecretQuota:70Percent", "Instance:SecretQuota:90Percent"],
};
const ACCESS: Quota = Quota {
    word: "access",
    names: ["Instance:AccessQuota:70Percent", "Instance:AccessQuota:90Percent"],
};

/// How full something is.
#[derive(Debug)]
struct Fill {
    quota: &'static Quota,
    account: AccountId,
    about: Arn,
    used: i64,
    room: i64,
}

/// Tells what there is to be told.
pub(crate) async fn run(node: &Node) -> Result<(), ApiError> {
    // What cannot be written down is not told.
    if must_take_writes(node).is_err() {
        return Ok(());
    }
    let now = node.domain_clock.now();
    for fill in fills(node, now).await? {
        let before = told(node.store.read().await?.tx(), &fill).await?;
        if fill.passed(before) != before {
            tell_fill(node, &fill, before, now).await?;
        }
    }
    tell_expiring_keys(node, now).await?;
    tell_certificate(node).await?;
    forget_surplus(node, now).await
}

/// Removes notices of accounts that have too many, a few at a time, so that no write waits long for it.
async fn forget_surplus(node: &Node, now: Timestamp) -> Result<(), ApiError> {
    const ROWS: i64 = 1_000;
    let spared = now.plus_seconds(-GIVE_UP);
    loop {
        // What is removed here, nobody else changes.
        let mut tx = node.store.write_one().await?;
        let removed = tx.delete_surplus_notices(KEPT, spared, ROWS).await?;
        if removed > 0 {
            tx.commit().await?;
        }
        if removed < ROWS.cast_unsigned() {
            return Ok(());
        }
    }
}

async fn fills(node: &Node, now: Timestamp) -> Result<Vec<Fill>, ApiError> {
    let mut tx = node.store.read().await?;
    let mut fills = Vec::new();
    for account in tx.accounts().await? {
        let about = Arn::container(&node.region, &account.id, "key");
        let used = tx.count_keys(&account.id, now).await?;
        let (account, room) = (account.id, node.limits.keys);
        fills.push(Fill { quota: &KEYS_OF_ACCOUNT, account, about, used, room });
    }
    for it in tx.instances().await? {
        for (quota, used, room) in [
            (&KEYS, tx.count_key_versions(&it.id, now).await?, it.key_quota),
            (&SECRETS, tx.count_secrets(&it.id, now).await?, it.secret_quota),
            (&ACCESS, access::used(tx.tx(), &it.id, &it.account, now).await?, it.access_quota),
        ] {
            let about = Arn::instance(&node.region, &it.account, &it.id);
            fills.push(Fill { quota, account: it.account.clone(), about, used, room });
        }
    }
    Ok(fills)
}

impl Fill {
    /// Which share is passed, in percent, if `before` was told last: 90, 70, or 0.
    fn passed(&self, before: i64) -> i64 {
        let is_over = |share: &i64| {
            let line = if before >= *share { share - SLACK } else { *share };
            self.room > 0 && self.used.saturating_mul(100) >= self.room.saturating_mul(line)
        };
        [90, 70].into_iter().find(is_over).unwrap_or(0)
    }

    fn setting(&self) -> String {
        format!("told/{}/{}", self.quota.word, self.about.as_str())
    }
}

/// The share that was told of last.
async fn told(tx: &mut dyn Tx, fill: &Fill) -> Result<i64, ApiError> {
    let kept = tx.setting(&fill.setting()).await?;
    Ok(kept.and_then(|it| it.parse().ok()).unwrap_or(0))
}

/// Keeps which share is passed now, and tells of it if it is a higher one.
async fn tell_fill(node: &Node, fill: &Fill, before: i64, now: Timestamp) -> Result<(), ApiError> {
    let passed = fill.passed(before);
    let mut tx = node.store.write().await?;
    if told(tx.tx(), fill).await? != before {
        // Another node was first.
        return Ok(());
    }
    tx.put_setting(&fill.setting(), &passed.to_string()).await?;
    if passed > before {
        let [info, warn] = fill.quota.names;
        let (name, level) = if passed == 70 { (info, Level::Info) } else { (warn, Level::Warn) };
        let content = json!({ "quota": fill.room, "used": fill.used, "percent": passed });
        let (account, about) = (&fill.account, &fill.about);
        let notice = Notice { name, level, account, about, content };
        super::leave(node, tx.tx(), notice, now).await?;
    }
    node.caches.apply(&tx.commit().await?.changes);
    Ok(())
}

/// Tells of imported material that ends soon, before its key can be used no more.
async fn tell_expiring_keys(node: &Node, now: Timestamp) -> Result<(), ApiError> {
    let mut after = None;
    loop {
        let until = now.plus_seconds(DAYS_BEFORE[2] * DAY);
        let mut tx = node.store.read().await?;
        let keys = tx.expiring_keys(now, until, after.as_ref(), PAGE).await?;
        drop(tx);
        let Some(last) = keys.last().and_then(due) else { return Ok(()) };
        after = Some(last);
        for key in &keys {
            let about = Arn::key(&node.region, &key.account, &key.id);
            if let Some(end) = key.material_expires {
                let (name, account) = ("Key:KeyMaterial:Expiring", &key.account);
                let content = json!({ "keyId": key.id.as_str() });
                let level = Level::Critical;
                let notice = Notice { name, level, account, about: &about, content };
                tell_end(node, notice, end, now).await?;
            }
        }
    }
}

fn due(key: &Key) -> Option<DueKey> {
    Some(DueKey { at: key.material_expires?, id: key.id.as_str().to_owned() })
}

/// Tells the first account, which is the operator's, that the certificate of this server ends soon: one
/// that somebody else has to renew. Nodes that serve the same certificate tell it once.
async fn tell_certificate(node: &Node) -> Result<(), ApiError> {
    let now = node.clock.now();
    let Some(end) = node.tls.get().and_then(crate::listen::TlsSettings::expires) else {
        return Ok(());
    };
    let Some(account) = accounts::first(node).await? else { return Ok(()) };
    let about = Arn::container(&node.region, &account, "server");
    let (name, level) = ("Server:Certificate:Expiring", Level::Critical);
    let notice = Notice { name, level, account: &account, about: &about, content: json!({}) };
    tell_end(node, notice, end, now).await
}

/// Tells that something ends, unless it is long until then, or was told.
async fn tell_end(
    node: &Node,
    mut notice: Notice<'_>,
    end: Timestamp,
    now: Timestamp,
) -> Result<(), ApiError> {
    let left = end.unix_seconds() - now.unix_seconds();
    let Some(days) = DAYS_BEFORE.into_iter().find(|it| left <= it * DAY) else { return Ok(()) };
    let id = format!("{} {} {end} {days}", notice.name, notice.about.as_str());
    let id = hex::encode(&digest::digest(&digest::SHA256, id.as_bytes()).as_ref()[..16]);
    if node.store.read().await?.has_notice(&id).await? {
        return Ok(());
    }
    notice.content["expireTime"] = end.to_string().into();
    notice.content["daysLeft"] = (left / DAY).into();
    let mut tx = node.store.write().await?;
    leave_as(node, tx.tx(), notice, id, now).await?;
    node.caches.apply(&tx.commit().await?.changes);
    Ok(())
}
