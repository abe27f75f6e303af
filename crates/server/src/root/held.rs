//! The wrap keys that a node has at hand: without them it could not seal a new root key.

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use yaoku_crypto::seal::{WrapKey, key_file::KeyFile};
use yaoku_model::ids::WrapName;

use super::{NamedOpener, Opener};

/// Keys of wraps, in the arena. `Debug` shows the wraps' names.
#[derive(Default)]
pub struct Held {
    keys: RwLock<HashMap<WrapName, Arc<WrapKey>>>,
    /// Where key files lie that may be read again: a wrap's file can come back.
    files: HashMap<WrapName, PathBuf>,
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

    /// The key of a wrap, read again from its file if need be.
    ///
    /// Whether it still is the wrap's, only opening tells: a wrap can be removed, and another made
    /// under its name.
    pub(crate) fn key(&self, wrap: &WrapName) -> Option<Arc<WrapKey>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let held = keys.get(wrap).cloned();
        held.or_else(|| KeyFile::at(self.files.get(wrap)?).read().ok().map(Arc::new))
    }

    /// Keeps a wrap's key, in place of the one that was there.
    pub(crate) fn keep(&self, wrap: WrapName, key: Arc<WrapKey>) {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(wrap, key);
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(keys.keys().map(WrapName::as_str)).finish()
    }
}
