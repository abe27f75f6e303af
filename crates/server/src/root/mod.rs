//! The root key of a deployment: made, opened, and told from others.
//!
//! The store keeps it sealed, once for each *wrap*: a key file, a passphrase, or shares. Any one of
//! them opens it. While it is being replaced there are two generations of it, under every wrap.

mod held;
mod places;
pub(crate) mod rotation;
#[cfg(test)]
mod tests;
mod wraps;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::SecretString;
use yaoku_crypto::{
    backend::BackendError,
    random::SystemRandom,
    rootkey::{Generation, KeyCheck, RootKey, WrongRootKey},
    seal::{SealError, WrapKey, key_file::KeyFile},
};
use yaoku_model::{
    ids::{Invalid, Region},
    random::Random,
    time::Timestamp,
};
use yaoku_store::{Store, StoreError, Tx, WrapRow};

pub use yaoku_crypto::seal::shares::Share;
pub use yaoku_model::{ids::WrapName, wrap::WrapKind};

pub(crate) use self::wraps::{Made, WrapError};
pub use self::{
    held::Held,
    places::{Misplaced, Places},
};

/// The file in the data directory of `yaoku dev` that its only wrap's key lies in.
pub const KEY_FILE: &str = "root.key";

/// The name of that wrap.
pub const KEY_FILE_WRAP: &str = "key-file";

/// The setting that tells the deployment's root key from others: the check value of each
/// generation that there is, oldest first.
const ROOT_KEY_CHECK: &str = "root-key-check";

/// The setting that names the region; ARNs hold it, so it never changes.
const REGION: &str = "region";

/// What gives a wrap's key.
#[derive(Debug)]
pub enum Opener {
    /// A key file.
    KeyFile(PathBuf),
    /// A passphrase.
    Passphrase(SecretString),
    /// Shares, as many as are needed or more.
    Shares(Vec<Share>),
}

/// What opens one wrap.
#[derive(Debug)]
pub struct NamedOpener {
    /// The wrap's name.
    pub wrap: WrapName,
    /// What gives its key.
    pub by: Opener,
}

/// A wrap to be made.
#[derive(Debug)]
pub struct NewWrap {
    /// Its name, unique in the deployment.
    pub name: WrapName,
    /// Where its key is to come from.
    pub how: NewWrapHow,
}

/// Where the key of a new wrap comes from.
#[derive(Debug)]
pub enum NewWrapHow {
    /// A key file at this path. One that is there already is used, never replaced: so what was
    /// interrupted can be done again.
    KeyFile(PathBuf),
    /// A passphrase of 12 to 1,024 bytes.
    Passphrase(SecretString),
    /// Shares, which are answered once and kept nowhere.
    Shares {
        /// How many are enough; at least 2.
        needed: u8,
        /// How many there are.
        of: u8,
    },
}

/// The root key, opened, and the keys of the wraps that were opened: all of it in the arena.
#[derive(Debug)]
pub struct OpenedRoot {
    /// Every generation that there is: two during a rotation.
    pub(crate) roots: Vec<RootKey>,
    /// What a rotation needs.
    pub(crate) held: Held,
}

impl OpenedRoot {
    /// The same, which can also read these openers' key files: they did not open it, and may yet.
    #[must_use]
    pub fn with_files_of(self, openers: &[NamedOpener]) -> Self {
        self.held.learn_files(openers);
        self
    }
}

/// Why the root key could not be made or opened. Holds no part of it, nor of what opens it.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The store has no root key yet.
    #[error("this store has no root key yet")]
    NotInitialised,
    /// The store has a root key already, and it is never replaced by a new one.
    #[error("this store has a root key already")]
    AlreadyInitialised,
    /// No wrap opened.
    #[error("the root key is sealed: {}", reasons(.0))]
    Sealed(Vec<(WrapName, String)>),
    /// What opened is not the root key that the store's data was sealed under.
    #[error(transparent)]
    WrongRootKey(#[from] WrongRootKey),
    /// The deployment serves another region.
    #[error("this store belongs to region {0}; a deployment cannot change its region")]
    OtherRegion(String),
    /// A root key needs at least one wrap, or nobody ever opens it.
    #[error("no wrap of the root key was given")]
    NoWraps,
    /// Two wraps cannot have the same name.
    #[error("there is a wrap called {0} already")]
    NameTaken(WrapName),
    /// A wrap's key could not be made.
    #[error("wrap {0}: {1}")]
    Wrap(WrapName, SealError),
    /// A setting does not hold what it should.
    #[error("the setting {0} does not hold what this program wrote")]
    Damaged(&'static str),
    /// The shares could not be shown, so nothing was made.
    #[error("the shares cannot be shown: {0}")]
    NotShown(io::Error),
    /// This process failed.
    #[error("the root key: {0}")]
    Backend(#[from] BackendError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn reasons(failed: &[(WrapName, String)]) -> String {
    if failed.is_empty() {
        return "nothing to open it with was given".to_owned();
    }
    let reasons: Vec<_> = failed.iter().map(|(wrap, why)| format!("{wrap}: {why}")).collect();
    reasons.join("; ")
}

/// The shares of a wrap that was made, under its name.
pub type WrapShares = (WrapName, Vec<Share>);

/// Makes the root key of a new deployment under these wraps. Answers the shares of those that have
/// them: they are kept nowhere.
///
/// Key files are written first, then `show` is given the shares, and all else is one transaction:
/// interrupted, it can be done again, and no share of a root key that is there was never shown.
pub async fn create(
    store: &dyn Store,
    region: &Region,
    wraps: &[NewWrap],
    random: &dyn Random,
    now: Timestamp,
    show: &mut (dyn FnMut(&[WrapShares]) -> io::Result<()> + Send),
) -> Result<Vec<WrapShares>, RootError> {
    must_be_named(wraps)?;
    // Asked now, so that no file is written in vain, and again in the transaction that counts.
    must_be_new(store.read().await?.tx(), region).await?;
    let mut made = Vec::with_capacity(wraps.len());
    for wrap in wraps {
        let key = Made::of(&wrap.how, &wrap.name, random).await;
        made.push(key.map_err(|error| RootError::Wrap(wrap.name.clone(), error))?);
    }
    let split = made.iter().filter(|it| !it.shares.is_empty());
    let shares: Vec<_> = split.map(|it| (it.name.clone(), it.shares.clone())).collect();
    show(&shares).map_err(RootError::NotShown)?;
    let root = RootKey::generate(Generation::FIRST, random)?;
    let mut tx = store.write().await?;
    must_be_new(tx.tx(), region).await?;
    tx.put_setting(REGION, region.as_str()).await?;
    tx.put_setting(ROOT_KEY_CHECK, &root.check().to_string()).await?;
    for it in &made {
        tx.insert_wrap(&it.row(&root, random, now)?).await?;
    }
    tx.commit().await?;
    Ok(shares)
}

/// Fails unless there is a wrap, and no two have one name.
fn must_be_named(wraps: &[NewWrap]) -> Result<(), RootError> {
    if wraps.is_empty() {
        return Err(RootError::NoWraps);
    }
    for (at, wrap) in wraps.iter().enumerate() {
        if wraps[..at].iter().any(|it| it.name == wrap.name) {
            return Err(RootError::NameTaken(wrap.name.clone()));
        }
    }
    Ok(())
}

/// Opens the root key. Each opener is tried, in order: one that works is enough, and the others
/// give the keys that a rotation needs. Those that fail are logged, with the reason.
pub async fn open(
    store: &dyn Store,
    region: &Region,
    openers: &[NamedOpener],
) -> Result<OpenedRoot, RootError> {
    let kept = Kept::read(store.read().await?.tx(), region).await?;
    if kept.wraps.is_empty() {
        return adopt(store, region, openers, &kept.checks).await;
    }
    let (mut roots, mut failed, held) = (BTreeMap::new(), Vec::new(), Held::of(openers));
    for opener in openers {
        match wraps::open(&kept.wraps, &opener.wrap, &opener.by).await {
            Ok((key, opened)) => {
                roots.extend(opened.into_iter().map(|it| (it.generation(), it)));
                held.keep(opener.wrap.clone(), Arc::new(key));
            }
            Err(why) => failed.push(logged(&opener.wrap, &why)),
        }
    }
    if roots.is_empty() {
        return Err(RootError::Sealed(failed));
    }
    kept.must_be_all(roots.values())?;
    Ok(OpenedRoot { roots: roots.into_values().collect(), held })
}

/// Opens the root key by one key file, or makes both if the store has none: what `yaoku dev` does.
pub async fn open_or_create(
    store: &dyn Store,
    region: &Region,
    key_file: PathBuf,
    random: &dyn Random,
    now: Timestamp,
) -> Result<OpenedRoot, RootError> {
    let wrap: WrapName = KEY_FILE_WRAP.parse().map_err(|Invalid| RootError::NoWraps)?;
    let openers = [NamedOpener { wrap: wrap.clone(), by: Opener::KeyFile(key_file.clone()) }];
    match open(store, region, &openers).await {
        Err(RootError::NotInitialised) => {
            let wraps = [NewWrap { name: wrap, how: NewWrapHow::KeyFile(key_file) }];
            create(store, region, &wraps, random, now, &mut |_| Ok(())).await?;
            open(store, region, &openers).await
        }
        other => other,
    }
}

/// Fails if a file holds no wrap's key that could be read now. Whether it opens anything, only the
/// store could say.
pub fn must_be_key_file(path: &Path) -> Result<(), SealError> {
    KeyFile::at(path).read().map(drop)
}

/// What the store has of the root key.
struct Kept {
    /// The check value of each generation, oldest first.
    checks: Vec<KeyCheck>,
    /// By name, then by generation. Empty in a store from before there were wraps.
    wraps: Vec<WrapRow>,
}

impl Kept {
    async fn read(tx: &mut dyn Tx, region: &Region) -> Result<Self, RootError> {
        must_be_region(tx, region).await?;
        let checks = checks(tx).await?.ok_or(RootError::NotInitialised)?;
        let kept = Self { checks, wraps: tx.wraps().await? };
        let generations = kept.generations();
        if !generations.is_empty() && generations.len() != kept.checks.len() {
            return Err(RootError::Damaged(ROOT_KEY_CHECK));
        }
        Ok(kept)
    }

    /// The generations that are sealed here, oldest first.
    fn generations(&self) -> Vec<Generation> {
        generations(&self.wraps)
    }

    /// Fails unless these are the root keys that the store's data is sealed under, all of them.
    fn must_be_all<'a>(&self, roots: impl Iterator<Item = &'a RootKey>) -> Result<(), RootError> {
        let roots: BTreeMap<_, _> = roots.map(|it| (it.generation(), it)).collect();
        for (generation, check) in self.generations().iter().zip(&self.checks) {
            roots.get(generation).ok_or(WrongRootKey)?.must_be(check)?;
        }
        Ok(())
    }
}

/// The generations of the root key that wraps hold, oldest first.
fn generations(wraps: &[WrapRow]) -> Vec<Generation> {
    let mut all: Vec<_> = wraps.iter().map(|it| Generation(it.generation)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The check values of the root key's generations; `None` if there is no root key.
async fn checks(tx: &mut dyn Tx) -> Result<Option<Vec<KeyCheck>>, RootError> {
    let Some(text) = tx.setting(ROOT_KEY_CHECK).await? else { return Ok(None) };
    let checks: Result<Vec<_>, _> = text.split(' ').map(str::parse).collect();
    checks.map(Some).map_err(|Invalid| RootError::Damaged(ROOT_KEY_CHECK))
}

async fn must_be_region(tx: &mut dyn Tx, region: &Region) -> Result<(), RootError> {
    match tx.setting(REGION).await? {
        Some(other) if other != region.as_str() => Err(RootError::OtherRegion(other)),
        _ => Ok(()),
    }
}

async fn must_be_new(tx: &mut dyn Tx, region: &Region) -> Result<(), RootError> {
    must_be_region(tx, region).await?;
    match tx.setting(ROOT_KEY_CHECK).await? {
        Some(_) => Err(RootError::AlreadyInitialised),
        None => Ok(()),
    }
}

/// Opens a store from before there were wraps: a key file held the root key itself. From now on it
/// is the key of a wrap, and the root key is sealed under it in the store, as any other.
async fn adopt(
    store: &dyn Store,
    region: &Region,
    openers: &[NamedOpener],
    checks: &[KeyCheck],
) -> Result<OpenedRoot, RootError> {
    let [check] = checks else { return Err(RootError::Damaged(ROOT_KEY_CHECK)) };
    let (mut failed, mut wrong) = (Vec::new(), false);
    for NamedOpener { wrap, by } in openers {
        let Opener::KeyFile(path) = by else {
            failed.push(logged(wrap, &WrapError::NoSuchWrap));
            continue;
        };
        let key = match KeyFile::at(path).read() {
            Ok(key) => key,
            Err(error) => {
                failed.push(logged(wrap, &error.into()));
                continue;
            }
        };
        let root = key.as_first_root()?;
        if root.must_be(check).is_err() {
            wrong = true;
            continue;
        }
        write_adopted(store, region, wrap, &key, &root, made_at(path)).await?;
        tracing::info!(%wrap, "the root key is now sealed in the store, under its key file");
        let held = Held::of(openers);
        held.keep(wrap.clone(), Arc::new(key));
        return Ok(OpenedRoot { roots: vec![root], held });
    }
    Err(if wrong { WrongRootKey.into() } else { RootError::Sealed(failed) })
}

async fn write_adopted(
    store: &dyn Store,
    region: &Region,
    wrap: &WrapName,
    key: &WrapKey,
    root: &RootKey,
    created: Timestamp,
) -> Result<(), RootError> {
    let mut tx = store.write().await?;
    // Another node may have come first.
    if !Kept::read(tx.tx(), region).await?.wraps.is_empty() {
        return Ok(());
    }
    let row = WrapRow {
        name: wrap.clone(),
        kind: WrapKind::KeyFile,
        parameters: String::new(),
        generation: root.generation().0,
        sealed: key.seal_root(wrap, root, &SystemRandom)?,
        created,
    };
    tx.insert_wrap(&row).await?;
    tx.commit().await?;
    Ok(())
}

/// When a file was written, as its file system says; 1970 if it does not.
fn made_at(path: &std::path::Path) -> Timestamp {
    let written = std::fs::metadata(path).and_then(|it| it.modified()).ok();
    let since = written.and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
    let seconds = since.and_then(|it| i64::try_from(it.as_secs()).ok());
    Timestamp::from_unix_seconds(seconds.unwrap_or_default())
}

/// Logs why a wrap does not open, and says so again.
fn logged(wrap: &WrapName, why: &WrapError) -> (WrapName, String) {
    tracing::warn!(%wrap, %why, "a wrap of the root key does not open");
    (wrap.clone(), why.to_string())
}
