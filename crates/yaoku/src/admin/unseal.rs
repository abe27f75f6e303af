//! `yaoku unseal`: hands in what opens the root key of a server that was started sealed.

use std::{io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use yaoku_server::api::Product;
use zeroize::Zeroizing;

use super::{Answer, connection::call};
use crate::{
    data::DEFAULT_DATA,
    exchange::text,
    passphrase::{ask, first_line, must_be_private},
};

/// How often, and how many times, it is asked whether the server serves.
const LOOK: (Duration, u32) = (Duration::from_millis(100), 300);

/// Opens a server that was started sealed.
///
/// A passphrase or shares are asked for, or read from files: they are never arguments.
#[derive(Debug, Args)]
pub(crate) struct Unseal {
    /// The data directory of the server that runs.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// The seal to open. Needed if the server waits for more than one; a share names its own.
    #[arg(long, value_name = "NAME", conflicts_with = "share_file")]
    seal: Option<String>,
    /// A file with the passphrase. Without it (and without shares) it is asked for.
    #[arg(long, value_name = "FILE", conflicts_with = "share_file")]
    passphrase_file: Option<PathBuf>,
    /// A file with one share; give it once for each.
    #[arg(long, value_name = "FILE")]
    share_file: Vec<PathBuf>,
}

impl Unseal {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let Some(status) = self.status().await? else {
            say("the server is not sealed")?;
            return Ok(ExitCode::SUCCESS);
        };
        let mut sealed = is_sealed(&status);
        for file in self.share_file.iter().chain(&self.passphrase_file) {
            must_be_private(file)?;
        }
        for file in &self.share_file {
            let share = first_line(file)?;
            let handed = self.hand_in(&[("Share", &share)]).await;
            sealed = sealed && handed.with_context(|| file.display().to_string())?;
        }
        if sealed && self.share_file.is_empty() {
            sealed = self.ask(&status).await?;
        }
        if sealed {
            say("the server is still sealed: it waits for more")?;
            return Ok(ExitCode::SUCCESS);
        }
        for _ in 0..LOOK.1 {
            if self.status().await?.is_none() {
                say("unsealed: the server serves")?;
                return Ok(ExitCode::SUCCESS);
            }
            tokio::time::sleep(LOOK.0).await;
        }
        bail!("unsealed, but the server does not serve yet: its log says why")
    }

    /// How far it is; `None` if it is not sealed: an open server has no such operation.
    async fn status(&self) -> anyhow::Result<Option<Answer>> {
        match call(&self.data, None, Product::Yaoku, "GetSealStatus", &[]).await? {
            Ok(answer) => Ok(Some(answer)),
            Err(refused) if refused.code == "InvalidAction.NotFound" => Ok(None),
            Err(refused) => bail!("{}: {}", refused.code, refused.message),
        }
    }

    /// Asks for the passphrase, or for shares until they are enough.
    async fn ask(&self, status: &Answer) -> anyhow::Result<bool> {
        let (name, kind) = self.choose(status)?;
        if kind == "passphrase" {
            let passphrase = match &self.passphrase_file {
                Some(file) => first_line(file)?,
                None => ask(&format!("Passphrase of seal {name}: "))?,
            };
            let name = Zeroizing::new(name);
            return self.hand_in(&[("Wrap", &name), ("Passphrase", &passphrase)]).await;
        }
        if self.passphrase_file.is_some() {
            bail!("seal {name} is opened with shares: give --share-file, not --passphrase-file");
        }
        while self.hand_in(&[("Share", &ask(&format!("Share of seal {name}: "))?)]).await? {}
        Ok(false)
    }

    fn choose(&self, status: &Answer) -> anyhow::Result<(String, String)> {
        let all = status.list("/Wraps/Wrap");
        let names: Vec<_> = all.iter().map(|it| text(it, "/Name")).collect();
        let wanted = |name: &str| match (&self.seal, &self.passphrase_file) {
            (Some(seal), _) => seal == name,
            (None, _) => names.len() == 1,
        };
        let chosen = all.iter().find(|it| wanted(text(it, "/Name")));
        let chosen =
            chosen.with_context(|| format!("--seal must be one of {}", names.join(", ")))?;
        Ok((text(chosen, "/Name").to_owned(), text(chosen, "/Kind").to_owned()))
    }

    /// Hands something in, and shows how far it is. `true`: still sealed.
    async fn hand_in(&self, params: &[(&str, &Zeroizing<String>)]) -> anyhow::Result<bool> {
        let params: Vec<_> = params.iter().map(|(name, it)| (*name, Some(it.as_str()))).collect();
        let answer = match call(&self.data, None, Product::Yaoku, "Unseal", &params).await? {
            Ok(answer) => answer,
            Err(refused) => bail!("{}: {}", refused.code, refused.message),
        };
        for wrap in answer.list("/Wraps/Wrap").iter().filter(|it| text(it, "/Kind") == "shares") {
            let number = |path| wrap.pointer(path).and_then(serde_json::Value::as_i64).unwrap_or(0);
            if is_sealed(&answer) && number("/Given") > 0 {
                let (given, needed) = (number("/Given"), number("/Needed"));
                say(&format!("seal {}: {given} of {needed} shares", text(wrap, "/Name")))?;
            }
        }
        Ok(is_sealed(&answer))
    }
}

fn is_sealed(answer: &Answer) -> bool {
    answer.json().pointer("/Sealed").and_then(serde_json::Value::as_bool).unwrap_or(true)
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
