//! `yaoku init`: makes a deployment, once: its store, its root key, its first account.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde::Serialize;
use yaoku_model::{
    ids::{AccountId, Invalid},
    time::Clock as _,
};
use yaoku_server::{
    accounts::{self, NewAccessKey},
    process::SystemRandom,
    root::{self, NamedOpener, NewWrap, NewWrapHow, Opener, Share, WrapName},
    start::{Running, Setup},
};
use zeroize::Zeroizing;

use crate::{
    clock::MachineClock,
    config::{Config, Purpose},
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
        let (data, store) = config.open().await?;
        // Before anything is made: it is what fails most easily.
        let file = self.out.credentials.as_deref().map(NewFile::create).transpose()?;
        let now = MachineClock.now();
        let shares = root::create(&*store, &config.region, &wraps, &SystemRandom, now).await?;
        let by = openers(wraps, &shares)?;
        let root = root::open(&*store, &config.region, &by).await?;
        let setup = serve::setup(&data, store, config.region.clone(), root)?;
        let setup = Setup { name: config.name.clone(), journal: config.journal, ..setup };
        let running = Running::start(setup).await?;
        let first = accounts::create_first(&running.node).await?;
        running.stop().await?;
        let text = credentials(&config, &first)?;
        let mut screen = std::io::stdout().lock();
        match file {
            Some(file) => {
                writeln!(screen, "The first access key is in {}.", file.path.display())?;
                file.keep(&text)?;
            }
            None => screen.write_all(&text)?,
        }
        for (seal, shares) in &shares {
            show(&mut screen, seal, shares)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What opens the root key that was just made.
fn openers(
    wraps: Vec<NewWrap>,
    shares: &[(WrapName, Vec<Share>)],
) -> anyhow::Result<Vec<NamedOpener>> {
    let opener = |it: NewWrap| {
        let by = match it.how {
            NewWrapHow::KeyFile(path) => Opener::KeyFile(path),
            NewWrapHow::Passphrase(text) => Opener::Passphrase(text),
            NewWrapHow::Shares { .. } => {
                let own = shares.iter().find(|(name, _)| *name == it.name);
                let (_, own) = own.context("a seal has no shares")?;
                let again = own.iter().map(|it| it.expose_text().parse());
                Opener::Shares(again.collect::<Result<_, Invalid>>()?)
            }
        };
        Ok(NamedOpener { wrap: it.name, by })
    };
    wraps.into_iter().map(opener).collect()
}

fn credentials(
    config: &Config,
    (account, key): &(AccountId, NewAccessKey),
) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(serde_json::to_vec_pretty(&Credentials {
        account_id: account.as_str(),
        access_key_id: key.id.as_str(),
        access_key_secret: key.secret.expose_text(),
        region: config.region.as_str(),
    })?);
    text.push(b'\n');
    Ok(text)
}

fn show(screen: &mut impl io::Write, seal: &WrapName, shares: &[Share]) -> io::Result<()> {
    writeln!(
        screen,
        "\nThe shares of seal {seal}, shown this once: give each to somebody else.\n"
    )?;
    for share in shares {
        writeln!(screen, "{}", &*share.expose_text())?;
    }
    Ok(())
}

/// A file that was not there, and goes again unless it is kept.
struct NewFile<'a> {
    path: &'a Path,
    file: File,
    kept: bool,
}

impl<'a> NewFile<'a> {
    fn create(path: &'a Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("--credentials {}", path.display()))?;
        Ok(Self { path, file, kept: false })
    }

    fn keep(mut self, text: &[u8]) -> io::Result<()> {
        self.kept = true;
        self.file.write_all(text)?;
        self.file.sync_all()
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // It is empty; nothing is lost if it stays.
            _ = std::fs::remove_file(self.path);
        }
    }
}
