//! One secret, what is asked of the program about it, and how its users fare meanwhile.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tokio::{sync::watch, time::Instant};
use yaoku_model::{target::Target, text::SecretData};
use yaoku_targets::{Fault, Login, Proof, log_in};

use super::{kind::Kind, proxy::Proxy, servers::Servers};
use crate::{
    client::{Answer, Client, Key},
    program::Dev,
};

/// How often users log in.
const EVERY: Duration = Duration::from_millis(250);

/// How long the program may be away or refuse.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program, which may be killed and started again.
#[derive(Debug)]
pub(super) struct Yaoku {
    program: PathBuf,
    data: PathBuf,
    running: Mutex<(Dev, Client)>,
}

impl Yaoku {
    /// Starts it.
    pub(super) fn start(program: &Path, data: &Path) -> anyhow::Result<Self> {
        let running = Mutex::new(begin(program, data)?);
        Ok(Self { program: program.to_owned(), data: data.to_owned(), running })
    }

    /// `kill -9`.
    pub(super) fn kill(&self) -> anyhow::Result<()> {
        lock(&self.running).0.kill()
    }

    /// Starts it again.
    pub(super) fn restart(&self) -> anyhow::Result<()> {
        let again = tokio::task::block_in_place(|| begin(&self.program, &self.data))?;
        *lock(&self.running) = again;
        Ok(())
    }

    fn client(&self) -> Client {
        lock(&self.running).1.clone()
    }

    /// Asks once; `None`: it is away.
    pub(super) async fn ask(&self, action: &str, params: &[(&str, &str)]) -> Option<Answer> {
        self.client().call(action, params).await.ok().flatten()
    }

    /// Asks until it is done. That it was done before is as good.
    pub(super) async fn done(
        &self,
        action: &str,
        params: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let since = Instant::now();
        loop {
            match self.ask(action, params).await {
                Some(it) if it.status == 200 || it.text("Code") == "Rejected.ResourceExist" => {
                    return Ok(it);
                }
                Some(it) if it.status != 503 && it.text("Code") != "Rejected.ResourceInUse" => {
                    bail!("{action} is refused: {:?}", it.body)
                }
                last => ensure!(since.elapsed() < PATIENCE, "{action} is not done: {last:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Runs the program's own command line beside it.
    pub(super) fn run(&self, words: &[&str]) -> anyhow::Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--json").arg("--data").arg(&self.data);
        let done = tokio::task::block_in_place(|| command.output())?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{words:?}: {said}");
        Ok(serde_json::from_slice(&done.stdout)?)
    }
}

fn begin(program: &Path, data: &Path) -> anyhow::Result<(Dev, Client)> {
    let dev = Dev::start(program, data, None)?;
    let client = Client { address: dev.http()?, key: dev.root_key()? };
    Ok((dev, client))
}

/// One secret.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) kind: Kind,
    pub(super) user: String,
    pub(super) secret: String,
    /// Whether it rotates by itself, too.
    pub(super) automatic: bool,
    /// What stands before its server. An access key has none.
    pub(super) proxy: Option<Proxy>,
    /// Its server, reached as its users reach it.
    pub(super) target: Option<Target>,
    seen: Mutex<Seen>,
}

/// How its users fared.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) tried: u32,
    pub(super) failed: u32,
    /// From when until when they could not log in.
    gaps: Vec<(Instant, Instant)>,
    in_gap: bool,
}

impl Seen {
    /// For how long at most they could not log in, of the time after this.
    pub(super) fn longest_gap(&self, after: Instant) -> Duration {
        let gap = |(from, to): &(Instant, Instant)| to.saturating_duration_since(after.max(*from));
        self.gaps.iter().map(gap).max().unwrap_or_default()
    }
}

/// What a label marks.
#[derive(Debug)]
pub(super) struct Marked {
    pub(super) version: String,
    pub(super) login: Login,
}

impl Case {
    pub(super) fn new(
        kind: Kind,
        user: String,
        automatic: bool,
        servers: &Servers,
    ) -> anyhow::Result<Self> {
        let target = kind.engine().map(|it| servers.of(it).target());
        let proxy = target.as_ref().map(|it| Proxy::start(it.port)).transpose()?;
        let secret = kind.secret(&user);
        Ok(Self { kind, user, secret, automatic, proxy, target, seen: Mutex::default() })
    }

    /// What the secret calls its server.
    pub(super) fn target_id(&self) -> String {
        format!("t-{}", self.user)
    }

    /// The secret that holds the administrator's credential.
    pub(super) fn admin(&self) -> String {
        format!("admin-of/{}", self.user)
    }

    /// Registers its server.
    pub(super) async fn register(&self, yaoku: &Yaoku, servers: &Servers) -> anyhow::Result<()> {
        let (Some(target), Some(proxy)) = (&self.target, &self.proxy) else { return Ok(()) };
        let (admin, value) = (self.admin(), servers.admin(target.engine, true)?);
        let params = [("SecretName", &*admin), ("VersionId", "v1"), ("SecretData", &*value)];
        yaoku.done("CreateSecret", &params).await?;
        let (id, port) = (self.target_id(), proxy.port.to_string());
        let mut words = vec!["target", "put", &*id, "--engine", target.engine.as_str()];
        words.extend(["--host", "127.0.0.1", "--port", &*port, "--admin-secret", &*admin]);
        let file = yaoku.data.join("host-key");
        match &target.host_key {
            Some(key) => {
                std::fs::write(&file, key)?;
                words.extend(["--host-key", file.to_str().context("an odd path")?]);
            }
            None => words.extend(["--tls", "off"]),
        }
        yaoku.run(&words).map(drop)
    }

    /// Makes the secret.
    pub(super) async fn create(&self, yaoku: &Yaoku, servers: &Servers) -> anyhow::Result<()> {
        let config = self.kind.config(&self.user, &self.target_id());
        let (mut name, mut data) = (&*self.secret, self.kind.data(&self.user, servers));
        if self.kind == Kind::AccessKey {
            let user = [("UserName", &*self.user)];
            yaoku.done("CreateUser", &user).await?;
            let made = yaoku.done("CreateAccessKey", &user).await?;
            let (id, secret) = (
                &made.body["AccessKey"]["AccessKeyId"],
                &made.body["AccessKey"]["AccessKeySecret"],
            );
            let key = serde_json::json!({ "AccessKeyId": id, "AccessKeySecret": secret });
            (name, data) = ("$Auto", serde_json::json!({ "AccessKeys": [key] }).to_string());
        }
        let mut params = vec![
            ("SecretName", name),
            ("VersionId", "v1"),
            ("SecretType", self.kind.secret_type()),
            ("SecretData", &*data),
            ("ExtendedConfig", &*config),
        ];
        if self.automatic {
            params.extend([("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")]);
        }
        yaoku.done("CreateSecret", &params).await.map(drop)
    }

    /// Asks once for what the case is about: a rotation.
    pub(super) async fn rotate_once(&self, yaoku: &Yaoku) -> Option<Answer> {
        let params = [("SecretName", &*self.secret), ("VersionId", "r1")];
        yaoku.ask("RotateSecret", &params).await
    }

    /// Has it rotated, under this id.
    pub(super) async fn rotate(&self, yaoku: &Yaoku, version: &str) -> anyhow::Result<()> {
        let params = [("SecretName", &*self.secret), ("VersionId", version)];
        yaoku.done("RotateSecret", &params).await.map(drop)
    }

    /// Makes the administrator's password right or wrong.
    pub(super) async fn set_admin(
        &self,
        yaoku: &Yaoku,
        servers: &Servers,
        right: bool,
    ) -> anyhow::Result<()> {
        let Some(target) = &self.target else { return Ok(()) };
        let (name, value) = (self.admin(), servers.admin(target.engine, right)?);
        let version = if right { "v3" } else { "v2" };
        let params = [("SecretName", &*name), ("VersionId", version), ("SecretData", &*value)];
        yaoku.done("PutSecretValue", &params).await.map(drop)
    }

    /// A field of its description.
    pub(super) async fn described(&self, yaoku: &Yaoku, field: &str) -> Option<String> {
        let params = [("SecretName", &*self.secret)];
        let it = yaoku.ask("DescribeSecret", &params).await.filter(|it| it.status == 200)?;
        Some(it.text(field).to_owned())
    }

    /// What a label marks now; `None`: the program does not say.
    pub(super) async fn marked(&self, yaoku: &Yaoku, stage: &str) -> Option<Marked> {
        let params = [("SecretName", &*self.secret), ("VersionStage", stage)];
        let it = yaoku.ask("GetSecretValue", &params).await.filter(|it| it.status == 200)?;
        let value: Value = serde_json::from_str(it.text("SecretData")).ok()?;
        let text =
            |names: &[&str]| names.iter().find_map(|it| value[*it].as_str()).map(str::to_owned);
        let user = text(&["AccountName", "UserName", "AccessKeyId"])?;
        let secret = |text: String| text.parse::<SecretData>().ok();
        let proof = match text(&["AccountPassword", "Password", "AccessKeySecret"]) {
            Some(it) => Proof::Password(secret(it)?),
            None => Proof::PrivateKey(secret(text(&["PrivateKey"])?)?),
        };
        Some(Marked { version: it.text("VersionId").to_owned(), login: Login { user, proof } })
    }

    /// Whether a credential works; `None`: that cannot be told.
    pub(super) async fn works(&self, yaoku: &Yaoku, login: &Login) -> Option<bool> {
        let Some(target) = &self.target else {
            let Proof::Password(secret) = &login.proof else { return None };
            let key = Key { id: login.user.clone(), secret: secret.expose_text().to_owned() };
            let client = Client { key, ..yaoku.client() };
            let answer = client.call("ListSecrets", &[]).await.ok().flatten()?;
            return match answer.status {
                503 => None,
                _ => Some(!answer.text("Code").contains("InvalidAccessKeyId")),
            };
        };
        match log_in(target, login).await {
            Ok(()) => Some(true),
            Err(Fault::WrongCredential(_)) => Some(false),
            Err(_) => None,
        }
    }

    /// A user who reads what is current and logs in by it, again and again until it is over.
    pub(super) async fn watch(self: Arc<Self>, yaoku: Arc<Yaoku>, mut over: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = over.wait_for(|it| *it) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let Some(marked) = self.marked(&yaoku, "ACSCurrent").await else { continue };
            let mut works = self.works(&yaoku, &marked.login).await;
            if works == Some(false) {
                // The label may have moved since: then the new one is to be used.
                let now = self.marked(&yaoku, "ACSCurrent").await;
                works = match now {
                    Some(now) if now.version == marked.version => {
                        self.works(&yaoku, &now.login).await
                    }
                    _ => None,
                };
            }
            self.note(works);
        }
    }

    fn note(&self, works: Option<bool>) {
        let (mut seen, now) = (lock(&self.seen), Instant::now());
        match works {
            None => {}
            Some(true) => {
                seen.tried += 1;
                if std::mem::take(&mut seen.in_gap)
                    && let Some(gap) = seen.gaps.last_mut()
                {
                    gap.1 = now;
                }
            }
            // Accounts that are still being made.
            Some(false) if self.kind.makes() && seen.tried == 0 => {}
            Some(false) => {
                seen.tried += 1;
                seen.failed += 1;
                if !std::mem::replace(&mut seen.in_gap, true) {
                    seen.gaps.push((now, now));
                } else if let Some(gap) = seen.gaps.last_mut() {
                    gap.1 = now;
                }
            }
        }
    }

    /// How its users fared so far.
    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
