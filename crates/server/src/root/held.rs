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
use yaoku_model::ids::WrapName;
use yaoku_store::WrapRow;

use super::{NamedOpener, Opener, wraps::open_row};

/// Keys of wraps, in the arena. `Debug` shows the wraps' names.
#[derive(Default)]
pub struct Held {
    keys: RwLock<HashMap<WrapName, Key>>,
    /// Where key files lie that may be read again: a wrap's file can come back.
    files: HashMap<WrapName, PathBuf>,
}

struct Key {
    key: Arc<WrapKey>,
    /// Whether its wrap was seen in the store.
    seen: bool,
}

impl Held {
    /// None yet, but these openers' key files can be read again.
    pub(super) fn of(openers: &[NamedOpener]) -> Self {
        let files = openers.iter().filter_map(|it| match &it.by {
            Opener::KeyFile(path) => Some((it.wrap.clone(), path.clone())),
            Opener::Passphrase(_) | Opener::Shares(_) => None,
        });
        Self { keys: RwLock::default(), files: files.collect() }
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
        let key = KeyFile::at(self.files.get(&row.name)?).read().ok()?;
        let (key, root) = opened(row, Arc::new(key))?;
        self.keep(row.name.clone(), Arc::clone(&key));
        Some((key, root))
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
