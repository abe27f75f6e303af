//! The wrap keys that a node has at hand: without them it could not seal a new root key.

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use yaoku_crypto::{
    rootkey::RootKey,
    seal::{WrapKey, key_file::KeyFile},
};
use yaoku_model::{ids::WrapName, wrap::WrapKind};
use yaoku_store::WrapRow;

use super::{NamedOpener, Opener, wraps::open_row};

/// Keys of wraps, in the arena. `Debug` shows the wraps' names.
#[derive(Default)]
pub struct Held {
    keys: RwLock<HashMap<WrapName, Key>>,
    /// Where key files lie that may be read again: a wrap's file can come back, or be lost.
    files: RwLock<HashMap<WrapName, PathBuf>>,
}

struct Key {
    key: Arc<WrapKey>,
    /// Whether its wrap was seen in the store.
    seen: bool,
}

impl Held {
    /// None yet, but these openers' key files can be read again.
    pub(super) fn of(openers: &[NamedOpener]) -> Self {
        let held = Self::default();
        held.learn_files(openers);
        held
    }

    /// From now on these openers' key files can be read again.
    pub(super) fn learn_files(&self, openers: &[NamedOpener]) {
        for it in openers {
            if let Opener::KeyFile(path) = &it.by {
                self.learn_file(it.wrap.clone(), path.clone());
            }
        }
    }

    /// From now on a wrap's key file can be read again.
    pub(super) fn learn_file(&self, wrap: WrapName, path: PathBuf) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(wrap, path);
    }

    /// Opens what a row holds by its wrap's key, read again from its file if need be.
    ///
    /// Nothing else tells whether a key still is its wrap's: a wrap can be removed, and another
    /// made under its name.
    pub(crate) fn open(&self, row: &WrapRow) -> Option<(Arc<WrapKey>, RootKey)> {
        let held = self.keys().get(&row.name).map(|it| Arc::clone(&it.key));
        if let Some((key, root)) = held.and_then(|it| opened(row, it)) {
            return Some((key, root));
        }
        let (key, root) = self.read_again(row)?;
        self.keep(row.name.clone(), Arc::clone(&key));
        Some((key, root))
    }

    /// Whether somebody who has only what is outside this process can open the row. A key file
    /// must do so now: its key stays here when the file is gone. What a person keeps has done so
    /// in this process.
    pub(crate) fn can_be_opened_again(&self, row: &WrapRow) -> bool {
        match row.kind {
            WrapKind::KeyFile => self.read_again(row).is_some(),
            WrapKind::Passphrase | WrapKind::Shares => self.open(row).is_some(),
        }
    }

    /// The key files of these wraps that it knows of, each by its wrap's name.
    pub(crate) fn files_of(&self, wraps: &[WrapRow]) -> Vec<(WrapName, PathBuf)> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let of = |name: &WrapName| wraps.iter().any(|it| it.name == *name);
        files.iter().filter(|it| of(it.0)).map(|(name, it)| (name.clone(), it.clone())).collect()
    }

    fn read_again(&self, row: &WrapRow) -> Option<(Arc<WrapKey>, RootKey)> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let path = files.get(&row.name)?.clone();
        drop(files);
        opened(row, Arc::new(KeyFile::at(path).read().ok()?))
    }

    /// Keeps a wrap's key, in place of the one that was there.
    pub(crate) fn keep(&self, wrap: WrapName, key: Arc<WrapKey>) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(wrap, Key { key, seen: false });
    }

    /// Forgets, and wipes, the keys of wraps that are not among the store's any more. One that
    /// never was among them may be about to be.
    pub(crate) fn keep_only(&self, wraps: &[WrapRow]) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|name, it| {
            let there = wraps.iter().any(|row| row.name == *name);
            let gone = it.seen && !there;
            it.seen |= there;
            !gone
        });
    }

    fn keys(&self) -> RwLockReadGuard<'_, HashMap<WrapName, Key>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn opened(row: &WrapRow, key: Arc<WrapKey>) -> Option<(Arc<WrapKey>, RootKey)> {
    let root = open_row(row, &key).ok()?;
    Some((key, root))
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys().keys().map(WrapName::as_str)).finish()
    }
}
