//! The data directory: made if need be, and locked by one process.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};
use secrecy::{ExposeSecret as _, SecretString};
use yaoku_server::{
    listen::must_fit,
    process::{Store, open_store},
};

use crate::config::Config;

/// The data directory where none is named.
pub(crate) const DEFAULT_DATA: &str = "yaoku-dev";

/// The file in the data directory that says which database it was made for: `sqlite` is the one in it.
pub(crate) const STORE_FILE: &str = "store";

/// A data directory in this process's hands, until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Held, not used.
    locks: Vec<File>,
}

impl DataDir {
    /// Makes the directory (mode 0700) if it is not there, and locks it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("the data directory {} cannot be made", path.display()))?;
        let path = path.canonicalize()?;
        let lock = lock(&path.join("lock"), &path)?;
        Ok(Self { path, locks: vec![lock] })
    }

    /// Fails if the directory was made for another database, which would then seem to be empty.
    ///
    /// Who logs in there, and with which password, is not written down.
    pub(crate) fn must_be_for(&mut self, store: Option<&str>) -> anyhow::Result<()> {
        if let Some(file) = store.and_then(|it| it.strip_prefix("sqlite:")) {
            self.locks.push(lock(Path::new(&format!("{file}.lock")), Path::new(file))?);
        }
        let asked = store.map_or("sqlite", |it| it).to_owned();
        let asked = match asked.split_once("://") {
            Some((scheme, rest)) => {
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                format!("{scheme}://{}", place.split('?').next().unwrap_or_default())
            }
            None => asked,
        };
        match std::fs::read_to_string(self.path.join(STORE_FILE)) {
            Ok(made) if made.trim_end() == asked => Ok(()),
            Ok(made) => bail!(
                "{} was made with the store {}, and this is {asked}: give the same --store, or another --data",
                self.path.display(),
                made.trim_end(),
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(yaoku_server::disk::replace(
                    &self.path.join(STORE_FILE),
                    format!("{asked}\n").as_bytes(),
                )?)
            }
            Err(error) => Err(error).context("the data directory's file \"store\""),
        }
    }

    /// The URL of the database in the directory, where no other is named.
    pub(crate) fn own_store(&self) -> String {
        format!("sqlite:{}", self.path.join("yaoku.db").display())
    }

    /// Where it is, from the root.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Config {
    /// Opens the data directory, and the store that it was made with.
    pub(crate) async fn open(&self) -> anyhow::Result<(DataDir, Arc<dyn Store>)> {
        let mut data = DataDir::open(&self.data)?;
        must_fit(data.path())?;
        let url = self.store.url()?;
        data.must_be_for(url.as_ref().map(SecretString::expose_secret))?;
        let store = match url {
            Some(url) => open_store(url.expose_secret()).await,
            None => open_store(&data.own_store()).await,
        };
        Ok((data, store.context("the store cannot be opened")?))
    }
}

/// Locks a file, made if it is not there, for this process, which will use `what`.
fn lock(path: &Path, what: &Path) -> anyhow::Result<File> {
    let mut file = OpenOptions::new();
    let file = file.create(true).truncate(false).write(true).mode(0o600).open(path);
    let file = file.with_context(|| path.display().to_string())?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .with_context(|| format!("another yaoku is running on {}", what.display()))?;
    Ok(file)
}
