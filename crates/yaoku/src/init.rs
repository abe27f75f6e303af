//! `yaoku init`: makes a deployment, once: its store, its root key, its first account.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use serde::Serialize;
use yaoku_model::ids::{AccountId, WrapName};
use yaoku_server::{
    accounts::{self, NewAccessKey},
    process::{Store, system_random},
    root::{self, NamedOpener, Opener, Share},
    start::{Running, Setup},
};
use zeroize::Zeroizing;

use crate::{
    config::{Config, Purpose, SealHow},
    seals, serve,
    settings::Settings,
};

/// Makes a deployment: its store, its root key with all seals, its first account and access key.
///
/// It does so once. Shares are shown once, on standard output: give each to somebody else.
#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    out: Out,
}

/// Where the first access key goes.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Out {
    /// Writes the first access key to a new file that only its owner may read.
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Shows the first access key on standard output.
    #[arg(long)]
    show_credentials: bool,
}

/// What the first caller needs.
#[derive(Serialize)]
struct Credentials<'a> {
    account_id: &'a str,
    access_key_id: &'a str,
    access_key_secret: &'a str,
    region: &'a str,
}

impl Init {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let (config, _) = self.settings.load(Purpose::Init)?;
        let wraps = seals::new_wraps(&config.seals)?;
        let (data, store) = serve::open(&config, true).await?;
        // First, because it is what fails most easily, and nothing is lost then.
        let file = self.out.credentials.as_deref().map(NewFile::create).transpose()?;
        let random = system_random();
        let shares = root::create(&*store, &config.region, &wraps, &*random).await?;
        let root = root::open(&*store, &config.region, &[opener(&config, &shares)?]).await?;
        let setup = serve::setup(&data, Arc::clone(&store), config.region.clone(), root)?;
        let setup = Setup { name: config.name.clone(), journal: config.journal, ..setup };
        let running = Running::start(setup).await?;
        let (account, key) = accounts::create_first(&running.node).await?;
        running.stop().await?;
        let text = credentials(&config, &account, &key)?;
        let mut screen = std::io::stdout().lock();
        if let Some(file) = file {
            file.keep(&text)?;
            writeln!(screen, "The first access key is in {}.", file_name(&self.out))?;
        } else {
            screen.write_all(&text)?;
        }
        show(&mut screen, &config, &shares)?;
        Ok(ExitCode::SUCCESS)
    }
}
