//! What an operator does beforehand, with the program's own command line.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use yaoku_model::{ids::AccountId, secret::Credential, target::Engine};
use yaoku_targets::Proof;

use super::fleet::Server;
use crate::client::{Client, Key};

/// Lets the service change access keys. Source: secrets.md §6.5.
const ROLE: &str = "AliyunKMSManagedRAMCrendentialsRole";

/// Whom the role trusts.
const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":["kms.aliyuncs.com"]}}]}"#;

/// An account, and who may do everything in it.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) id: AccountId,
    pub(super) client: Client,
}

/// An operator of the node whose data lie there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator<'a> {
    pub(super) program: &'a Path,
    pub(super) data: &'a Path,
}

impl Operator<'_> {
    /// Registers a server in the account of the client.
    pub(super) async fn register(self, server: &Server, client: &Client) -> anyhow::Result<()> {
        let (target, admin) = (server.real.target(), server.real.admin());
        let Proof::Password(password) = admin.proof else { anyhow::bail!("no password") };
        let user = admin.user;
        let credential = match target.engine {
            Engine::Ssh => Credential::Password { user, password },
            _ => Credential::Account { name: user, password },
        };
        let value = credential.data()?;
        let secret = format!("admin-of/{}", server.id);
        let params =
            [("SecretName", &*secret), ("VersionId", "v1"), ("SecretData", value.expose_text())];
        client.done("CreateSecret", &params).await?;
        let (engine, port) = (target.engine.as_str(), target.port.to_string());
        let mut words = vec!["target", "put", &*server.id, "--engine", engine];
        words.extend(["--host", &*target.host, "--port", &*port, "--admin-secret", &*secret]);
        let file = self.data.join("host-key");
        match &target.host_key {
            Some(key) => {
                fs::write(&file, key)?;
                words.extend(["--host-key", file.to_str().context("an odd path")?]);
            }
            None => words.extend(["--tls", "off"]),
        }
        self.run(&words)?;
        self.run(&["target", "check", &*server.id]).map(drop)
    }

    /// Makes an account whose access keys the service may change.
    pub(super) async fn account(self, client: &Client) -> anyhow::Result<Owner> {
        let made = self.run(&["account", "create"])?;
        let id = made["Account"]["AccountId"].as_str().context("no account")?;
        let made = self.run(&["access-key", "create", "--account", id])?;
        let text = |name: &str| made["AccessKey"][name].as_str().unwrap_or_default().to_owned();
        let key = Key { id: text("AccessKeyId"), secret: text("AccessKeySecret") };
        let client = Client { key, ..client.clone() };
        client.done("OpenKmsService", &[]).await?;
        let role = [("RoleName", ROLE), ("AssumeRolePolicyDocument", TRUST)];
        client.done("CreateRole", &role).await?;
        Ok(Owner { id: id.parse()?, client })
    }

    fn run(self, words: &[&str]) -> anyhow::Result<Value> {
        let mut command = Command::new(self.program);
        let done = command.args(words).arg("--json").arg("--data").arg(self.data).output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{words:?}: {said}");
        Ok(serde_json::from_slice(&done.stdout)?)
    }
}
