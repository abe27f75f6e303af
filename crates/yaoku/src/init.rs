//! `yaoku init`: makes a deployment, once: its store, its root key, its first account.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
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
    root::{self, NamedOpener, NewWrap, NewWrapHow, Opener, RootError, WrapShares},
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
/// It does so once. Shares are shown once, on standard output: give each to somebody else. If it
/// fails, do it again: it goes on where it stopped.
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
        let mut file = self.out.credentials.as_deref().map(NewFile::create).transpose()?;
        let now = MachineClock.now();
        let made =
            root::create(&*store, &config.region, &wraps, &SystemRandom, now, &mut show).await;
        let by = match made {
            Ok(shares) => openers(wraps, &shares)?,
            Err(RootError::AlreadyInitialised) if accounts::is_without(&*store).await? => {
                resumed(&config, wraps)?
            }
            Err(error) => return Err(error.into()),
        };
        let root = root::open(&*store, &config.region, &by).await?;
        let setup = serve::setup(&data, store, config.region.clone(), root)?;
        let setup = Setup { name: config.name.clone(), journal: config.journal, ..setup };
        let running = Running::start(setup).await?;
        let mut keep = |account: &AccountId, key: &NewAccessKey| {
            let text = credentials(&config, account, key)?;
            match &mut file {
                Some(file) => file.write(&text),
                None => print(&text),
            }
        };
        let first = accounts::create_first(&running.node, &mut keep).await;
        running.stop().await?;
        first?;
        if let Some(file) = &mut file {
            file.keep();
            let said = format!("The first access key is in {}.\n", file.path.display());
            print(said.as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What opens the root key that an `init` has made which did not come to its end. Its shares were
/// shown then.
fn resumed(config: &Config, wraps: Vec<NewWrap>) -> anyhow::Result<Vec<NamedOpener>> {
    print(b"The root key is there, from an init that did not end: its shares were shown then.\n")?;
    let kept = wraps.into_iter().filter(|it| !matches!(it.how, NewWrapHow::Shares { .. }));
    let mut by = openers(kept.collect(), &[])?;
    by.extend(
        seals::openers(&config.seals).into_iter().filter(|it| matches!(it.by, Opener::Shares(_))),
    );
    Ok(by)
}

/// What opens the root key that was just made.
fn openers(wraps: Vec<NewWrap>, shares: &[WrapShares]) -> anyhow::Result<Vec<NamedOpener>> {
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
    account: &AccountId,
    key: &NewAccessKey,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(serde_json::to_vec_pretty(&Credentials {
        account_id: account.as_str(),
        access_key_id: key.id.as_str(),
        access_key_secret: key.secret.expose_text(),
        region: config.region.as_str(),
    })?);
    text.push(b'\n');
    Ok(text)
}

fn show(all: &[WrapShares]) -> io::Result<()> {
    let mut screen = io::stdout().lock();
    for (seal, shares) in all {
        writeln!(
            screen,
            "\nThe shares of seal {seal}, shown this once: give each to somebody else.\n"
        )?;
        for share in shares {
            writeln!(screen, "{}", &*share.expose_text())?;
        }
    }
    screen.flush()
}

fn print(text: &[u8]) -> io::Result<()> {
    let mut screen = io::stdout().lock();
    screen.write_all(text)?;
    screen.flush()
}

/// More bytes than the credentials take.
const RESERVED: usize = 1024;

/// A file that was not there, and goes again unless it is kept.
struct NewFile<'a> {
    path: &'a Path,
    file: File,
    kept: bool,
}

impl<'a> NewFile<'a> {
    fn create(path: &'a Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let place = || format!("--credentials {}", path.display());
        let mut it = Self { path, file: file.with_context(place)?, kept: false };
        // The disk's room is taken before anything depends on it.
        it.write(&[b' '; RESERVED]).with_context(place)?;
        Ok(it)
    }

    /// Puts `text` on the disk in place of what it held.
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text)?;
        self.file.set_len(text.len() as u64)?;
        self.file.sync_all()
    }

    fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // What it may hold was never made; nothing is lost if it stays.
            _ = std::fs::remove_file(self.path);
        }
    }
}
