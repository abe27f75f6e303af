//! `yaoku root-key`: how the key that all else is sealed under is kept, and its rotation.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Answer, Leave, NOT_CONFIRMED, Reach};
use crate::{passphrase, screen::table};

/// Shows, rotates and wraps the root key.
#[derive(Debug, Args)]
pub(crate) struct RootKey {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Shows its generation, its wraps, and how far a rotation is.
    Status,
    /// Makes a new root key, which takes the old one's place while calls go on.
    Rotate {
        /// Waits until it has, and shows how far it is.
        #[arg(long)]
        wait: bool,
        /// A wrap that ends with it. The server must have the keys of all others.
        #[arg(long, value_name = "NAME")]
        drop: Vec<String>,
    },
    /// Adds a way to open it.
    AddWrap {
        /// The wrap's name: lower case letters, digits and hyphens.
        name: String,
        #[command(flatten)]
        by: NewBy,
    },
    /// Gives the server the key of a wrap, for the next rotation.
    OpenWrap {
        /// The wrap's name.
        name: String,
        #[command(flatten)]
        by: By,
    },
    /// Takes away a way to open it. Rotate afterwards, if what it was made with may be known.
    RemoveWrap {
        /// The wrap's name.
        name: String,
        #[command(flatten)]
        leave: Leave,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct NewBy {
    /// A new key file at this path on the server's machine. One that is there is used as it is.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A passphrase, asked for on the terminal.
    #[arg(long)]
    passphrase: bool,
    /// A passphrase, the first line of this file.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// So many shares, of which so many are enough: 3/5, say.
    #[arg(long, value_name = "NEEDED/OF")]
    shares: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct By {
    /// The key file, on the server's machine.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The passphrase, asked for on the terminal.
    #[arg(long)]
    passphrase: bool,
    /// The passphrase, the first line of this file.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// A file with shares, white space between them.
    #[arg(long, value_name = "FILE")]
    shares_file: Option<PathBuf>,
}

impl RootKey {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        match self.verb {
            Verb::Status => reach.call("DescribeRootKey", &[], status).await,
            Verb::Rotate { wait, drop } => rotate(reach, wait, &drop).await,
            Verb::AddWrap { name, by } => add_wrap(reach, &name, &by).await,
            Verb::OpenWrap { name, by } => open_wrap(reach, &name, &by).await,
            Verb::RemoveWrap { name, leave } => {
                if !leave.given(&format!("Remove wrap {name} of the root key?"))? {
                    return Ok(NOT_CONFIRMED.into());
                }
                let show = |_: &Answer| format!("{name} is removed.\n");
                reach.call("RemoveRootKeyWrap", &[("Name", Some(&name))], show).await
            }
        }
    }
}

async fn rotate(reach: &Reach, wait: bool, drop: &[String]) -> anyhow::Result<ExitCode> {
    let names: Vec<_> = (1..=drop.len()).map(|it| format!("DropWrap.{it}")).collect();
    let params: Vec<_> =
        names.iter().zip(drop).map(|(name, it)| (name.as_str(), Some(it.as_str()))).collect();
    let show = |it: &Answer| {
        format!("Rotation to generation {} has begun.\n", generation(it.json(), "/Generation"))
    };
    let begun = reach.call("RotateRootKey", &params, show).await?;
    if !wait || begun != ExitCode::SUCCESS {
        return Ok(begun);
    }
    loop {
        let mut running = false;
        let show = |it: &Answer| {
            running = it.text("/RootKey/Rotation/State") != "None";
            progress(it)
        };
        let said = reach.call("DescribeRootKey", &[], show).await?;
        if !running || said != ExitCode::SUCCESS {
            return Ok(said);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn add_wrap(reach: &Reach, name: &str, by: &NewBy) -> anyhow::Result<ExitCode> {
    let (needed, of) = match by.shares.as_deref().map(|it| it.split_once('/')) {
        Some(Some((needed, of))) => (Some(needed), Some(of)),
        Some(None) => bail!("--shares: write how many are enough and how many there are: 3/5"),
        None => (None, None),
    };
    let file = by.key_file.as_deref().map(absolute).transpose()?;
    let words = words(by.passphrase, by.passphrase_file.as_deref(), true)?;
    let kind = match (&file, &words) {
        (Some(_), _) => "key-file",
        (_, Some(_)) => "passphrase",
        (None, None) => "shares",
    };
    let params = [
        ("Name", Some(name)),
        ("Kind", Some(kind)),
        ("KeyFile", file.as_deref()),
        ("Passphrase", words.as_ref().map(|it| it.as_str())),
        ("Needed", needed),
        ("Of", of),
    ];
    reach.call("AddRootKeyWrap", &params, |it| added(name, it)).await
}

async fn open_wrap(reach: &Reach, name: &str, by: &By) -> anyhow::Result<ExitCode> {
    let file = by.key_file.as_deref().map(absolute).transpose()?;
    let words = words(by.passphrase, by.passphrase_file.as_deref(), false)?;
    by.shares_file.as_deref().map(passphrase::must_be_private).transpose()?;
    let shares = by.shares_file.as_deref().map(passphrase::read_file).transpose()?;
    let params = [
        ("Name", Some(name)),
        ("KeyFile", file.as_deref()),
        ("Passphrase", words.as_ref().map(|it| it.as_str())),
        ("Shares", shares.as_ref().map(|it| it.as_str())),
    ];
    reach.call("OpenRootKeyWrap", &params, |_| format!("{name} is open.\n")).await
}

/// A passphrase from where it is said to be; asked for twice if it is new.
fn words(ask: bool, file: Option<&Path>, new: bool) -> anyhow::Result<Option<Zeroizing<String>>> {
    file.map(passphrase::must_be_private).transpose()?;
    match file {
        Some(file) => passphrase::first_line(file).map(Some),
        None if ask && new => passphrase::ask_for_new("New passphrase: ").map(Some),
        None if ask => passphrase::ask("Passphrase: ").map(Some),
        None => Ok(None),
    }
}

/// The server has a working directory of its own.
fn absolute(path: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(path)?;
    path.into_os_string().into_string().ok().context("the path is not text")
}

fn generation(json: &Value, path: &str) -> String {
    json.pointer(path).map(Value::to_string).unwrap_or_default()
}

fn progress(answer: &Answer) -> String {
    let number = |path| generation(answer.json(), path);
    let (done, total) = (number("/RootKey/Rotation/Done"), number("/RootKey/Rotation/Total"));
    let newest = number("/RootKey/Generation");
    if answer.text("/RootKey/Rotation/State") == "None" {
        format!("Generation {newest}. No rotation is under way.\n")
    } else {
        format!("Generation {newest}. Rotating: {done} of {total} wrapping keys.\n")
    }
}

fn status(answer: &Answer) -> String {
    let columns =
        [("WRAP", "/Name"), ("KIND", "/Kind"), ("CREATED", "/CreateDate"), ("STATE", "/State")];
    format!("{}{}", progress(answer), table(answer.list("/RootKey/Wraps/Wrap"), &columns))
}

fn added(name: &str, answer: &Answer) -> String {
    let shares = answer.list("/Shares/Share");
    let mut text = format!("{name} is added.\n");
    for share in shares.iter().filter_map(Value::as_str) {
        text.push_str(share);
        text.push('\n');
    }
    if !shares.is_empty() {
        text.push_str("Give each share to another keeper now: they are not shown again.\n");
    }
    text
}
