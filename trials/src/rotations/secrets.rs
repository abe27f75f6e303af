//! The secrets: how they are made, fall due, and are tried.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use serde_json::json;
use tokio::task::JoinSet;
use yaoku_model::{
    ids::SecretName,
    target::Target,
    time::{Clock as _, Timestamp},
};
use yaoku_store::Store;
use yaoku_targets::{Login, Proof};

use super::{
    PATIENCE,
    fleet::{FIRST, Fleet, Kind, accounts, pair},
    operator::{Operator, Owner},
};
use crate::{
    client::{Client, Key},
    node::MachineClock,
    program::Dev,
    report::Report,
};

/// Users of one account. Source: its quota, 1,000.
const USERS: usize = 900;

/// How many calls there are at once while secrets are made and tried.
const LANES: usize = 16;

/// How many secrets are made due in one transaction.
const AT_ONCE: usize = 250;

/// How often each is to change: long enough that none is due twice.
const INTERVAL: &str = "7d";

/// All of them, and who made those that are of servers.
#[derive(Debug)]
pub(super) struct Secrets {
    pub(super) client: Client,
    all: Vec<Secret>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Secret {
    kind: Kind,
    nth: usize,
    owner: Arc<Owner>,
    name: SecretName,
    /// Its server; an access key has none.
    target: Option<Target>,
    due: Timestamp,
}

impl Secrets {
    /// Makes them as a client does, with servers that an operator has registered.
    pub(super) async fn make(
        fleet: &Fleet,
        program: &Path,
        data: &Path,
        dev: &Dev,
    ) -> anyhow::Result<Self> {
        let client = Client { address: dev.http()?, key: dev.root_key()? };
        let operator = Operator { program, data };
        let id = dev.text("account_id")?.parse()?;
        let first = Arc::new(Owner { id, client: client.clone() });
        for server in fleet.servers() {
            operator.register(server, &client).await?;
        }
        let mut all = Vec::new();
        for (kind, count) in &fleet.counts {
            let mut owner = Arc::clone(&first);
            for nth in 0..*count {
                if *kind == Kind::Ram && nth.is_multiple_of(USERS) {
                    owner = Arc::new(operator.account(&client).await?);
                }
                let target = fleet.server(*kind, nth).map(|it| it.real.target());
                let (owner, name) = (Arc::clone(&owner), name(*kind, nth).parse()?);
                let due = MachineClock.now();
                all.push(Secret { kind: *kind, nth, owner, name, target, due });
            }
        }
        let ids = all.iter().map(|it| fleet.server(it.kind, it.nth).map(|it| it.id.clone()));
        let todo: Vec<_> = all.iter().cloned().zip(ids).collect();
        each(
            todo,
            |(secret, server)| async move { secret.make(&server.unwrap_or_default()).await },
        )
        .await?;
        Ok(Self { client, all })
    }

    /// Makes all of them due within so many seconds, the kinds mixed, the first at once.
    pub(super) async fn age(&mut self, store: &dyn Store, over: u32) -> anyhow::Result<()> {
        fastrand::shuffle(&mut self.all);
        let (count, start) = (i64::try_from(self.all.len())?, MachineClock.now());
        let mut start = start.unix_ms();
        for some in self.all.chunks_mut(AT_ONCE) {
            let mut tx = store.write().await?;
            for secret in some {
                secret.due = Timestamp::from_unix_ms(start);
                start += i64::from(over) * 1000 / count.max(1);
                let found = tx.tx().secret(&secret.owner.id, &secret.name).await?;
                let (mut row, _) = found.context("a secret is gone")?;
                if let Some(managed) = &mut row.managed {
                    managed.next_rotation = Some(secret.due);
                }
                tx.tx().update_secret(&row).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Each rotated once, and soon enough.
    pub(super) async fn judge(&self, store: &dyn Store, report: &mut Report) -> anyhow::Result<()> {
        let mut late: Vec<(Kind, i64)> = Vec::new();
        for secret in &self.all {
            let found = store.read().await?.secret(&secret.owner.id, &secret.name).await?;
            let managed = found.and_then(|(it, _)| it.managed).context("a secret is gone")?;
            let name = &secret.name;
            let automatic = managed.automatic.as_str();
            report.check(automatic == "Enabled", format_args!("{name} is {automatic}"));
            // The first version, and the one that this rotation made.
            let versions = managed.recent.len();
            report.check(versions == 2, format_args!("{name} had {versions} versions"));
            let Some(at) = managed.last_rotation else { continue };
            late.push((secret.kind, at.unix_ms() - secret.due.unix_ms()));
        }
        late.sort_unstable();
        for kind in Kind::ALL {
            let times = late
                .iter()
                .filter(|it| it.0 == kind)
                .map(|it| Duration::from_millis(it.1.try_into().unwrap_or_default()));
            let times: Vec<_> = times.collect();
            let at = |hundredth: usize| {
                times.get((times.len() * hundredth / 100).min(times.len().saturating_sub(1)))
            };
            let at = |hundredth| at(hundredth).map_or(0.0, Duration::as_secs_f64);
            report.say(format_args!(
                "{kind:?}: {} current after {:.1} s (half of them), {:.1} s (99 of 100), {:.1} s (all)",
                times.len(),
                at(50),
                at(99),
                at(100),
            ));
        }
        let most = late.iter().map(|it| it.1).max().unwrap_or_default();
        report.check(most <= PATIENCE * 1000, format_args!("one was current after {most} ms"));
        Ok(())
    }

    /// What is current of each works.
    pub(super) async fn try_all(&self, report: &mut Report) -> anyhow::Result<()> {
        let failed = each(self.all.clone(), |secret| async move {
            Ok(secret.try_it().await.err().map(|why| format!("{}: {why:#}", secret.name)))
        });
        let mut works = 0;
        for failed in failed.await? {
            let (holds, why) = (failed.is_none(), failed.unwrap_or_default());
            report.check(holds, format_args!("what is current does not work: {why}"));
            works += usize::from(holds);
        }
        report.say(format_args!("{works} of {} were tried and work", self.all.len()));
        Ok(())
    }
}

impl Secret {
    async fn make(&self, server: &str) -> anyhow::Result<()> {
        let config = self.config(server);
        let data = match self.kind {
            Kind::Ram => self.user().await?,
            _ => self.data(),
        };
        let kind = match self.kind {
            Kind::Ram => "RAMCredentials",
            Kind::Redis => "Redis",
            Kind::MariaDb | Kind::Postgres => "Rds",
            Kind::Ssh => "ECS",
        };
        let name = if self.kind == Kind::Ram { "$Auto" } else { self.name.as_str() };
        let params = [
            ("SecretName", name),
            ("VersionId", "v1"),
            ("SecretType", kind),
            ("SecretData", &data),
            ("ExtendedConfig", &config),
            ("EnableAutomaticRotation", "true"),
            ("RotationInterval", INTERVAL),
        ];
        self.owner.client.done("CreateSecret", &params).await.map(drop)
    }

    /// A user with an access key; answers what its secret is made of.
    async fn user(&self) -> anyhow::Result<String> {
        let name = format!("u{}", self.nth);
        let user = [("UserName", &*name)];
        self.owner.client.done("CreateUser", &user).await?;
        let made = self.owner.client.done("CreateAccessKey", &user).await?;
        let key = &made["AccessKey"];
        let key = json!({
            "AccessKeyId": key["AccessKeyId"], "AccessKeySecret": key["AccessKeySecret"]
        });
        Ok(json!({ "AccessKeys": [key] }).to_string())
    }

    fn config(&self, server: &str) -> String {
        let names = accounts(self.kind, self.nth);
        let (name, server) = (names.first(), json!(server));
        let region = "cn-hangzhou";
        match self.kind {
            Kind::Ram => json!({ "SecretSubType": "RamUserAccessKey", "UserName": name }),
            Kind::Redis => json!({
                "SecretSubType": "DoubleUsers", "AccountName": name, "CloneAccountName": names.get(1),
                "AccountPrivilege": "RoleReadWrite", "InstanceId": server, "RegionId": region,
            }),
            Kind::MariaDb | Kind::Postgres => {
                let kind = if names.len() == 1 { "SingleUser" } else { "DoubleUsers" };
                json!({ "SecretSubType": kind, "DBInstanceId": server })
            }
            Kind::Ssh => {
                let kind = if self.has_key() { "SSHKey" } else { "Password" };
                json!({ "SecretSubType": kind, "InstanceId": server, "RegionId": region })
            }
        }
        .to_string()
    }

    fn data(&self) -> String {
        let names = accounts(self.kind, self.nth);
        match self.kind {
            Kind::Ssh if self.has_key() => json!({
                "UserName": names.first(), "PublicKey": pair().0, "PrivateKey": pair().1,
            }),
            Kind::Ssh => json!({ "UserName": names.first(), "Password": FIRST }),
            Kind::Redis | Kind::Ram => return "$Auto".to_owned(),
            Kind::MariaDb | Kind::Postgres => {
                let account = |it: &String| json!({ "AccountName": it, "AccountPassword": FIRST });
                json!({ "Accounts": names.iter().map(account).collect::<Vec<_>>() })
            }
        }
        .to_string()
    }

    /// Every other user of a server logs in by a key.
    fn has_key(&self) -> bool {
        self.nth % 2 == 1
    }

    /// Uses what is current, where it is to be used.
    async fn try_it(&self) -> anyhow::Result<()> {
        let client = &self.owner.client;
        let read = client.done("GetSecretValue", &[("SecretName", self.name.as_str())]).await?;
        let value = read["SecretData"].as_str().context("no value")?;
        let value: serde_json::Value = serde_json::from_str(value)?;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let Some(target) = &self.target else {
            let id = text("AccessKeyId").context("no id")?;
            let secret = text("AccessKeySecret").context("no secret")?;
            let user = Client { key: Key { id, secret }, ..client.clone() };
            let answer = user.call("ListKeys", &[]).await?.context("no answer")?;
            // It is known, and may do nothing.
            anyhow::ensure!(answer.status == 403, "{:?}", answer.body);
            return Ok(());
        };
        let user = text("AccountName").or_else(|| text("UserName")).context("no name")?;
        let password = text("AccountPassword").or_else(|| text("Password"));
        let proof = match password {
            Some(it) => Proof::Password(it.parse()?),
            None => Proof::PrivateKey(text("PrivateKey").context("no key")?.parse()?),
        };
        Ok(yaoku_targets::log_in(target, &Login { user, proof }).await?)
    }
}

fn name(kind: Kind, nth: usize) -> String {
    match kind {
        Kind::Ram => format!("acs/ram/user/u{nth}"),
        Kind::Ssh => format!("acs/ecs/u{nth}"),
        _ => format!("{kind:?}/u{nth}"),
    }
}

/// Does the work of each, some at once; answers what came of them, in any order.
async fn each<T, A, F>(
    todo: Vec<T>,
    work: impl Fn(T) -> F + Clone + Send + 'static,
) -> anyhow::Result<Vec<A>>
where
    T: Send + 'static,
    A: Send + 'static,
    F: Future<Output = anyhow::Result<A>> + Send,
{
    let todo = Arc::new(Mutex::new(todo));
    let mut lanes = JoinSet::new();
    for _ in 0..LANES {
        let (todo, work) = (Arc::clone(&todo), work.clone());
        lanes.spawn(async move {
            let mut done = Vec::new();
            let next = || todo.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(it) = next() {
                done.push(work(it).await?);
            }
            anyhow::Ok(done)
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = lanes.join_next().await {
        all.append(&mut ended??);
    }
    Ok(all)
}
