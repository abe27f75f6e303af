//! Where what opens a wrap must not lie: beside what it protects, or beside another's key file.

use std::path::{Path, PathBuf};

use yaoku_model::ids::WrapName;

/// Where a deployment keeps what is backed up.
#[derive(Debug)]
pub struct Places {
    data: PathBuf,
    /// The directory of its database, if that is a file.
    database: Option<PathBuf>,
}

/// Why a file must not lie where it does.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Misplaced {
    /// A copy of the data would be a copy of what opens it.
    #[error("is in the data directory: the root key would lie beside its backup")]
    InData,
    /// The same, of the database.
    #[error("is beside the database or below it: the root key would lie beside its backup")]
    BesideDatabase,
    /// Whoever loses one loses both.
    #[error("is in the directory of seal {0}: lost together")]
    Beside(WrapName),
}

impl Places {
    /// Of this data directory, and of the directory of the database.
    #[must_use]
    pub fn new(data: &Path, database: Option<&Path>) -> Self {
        Self { data: resolved(data), database: database.map(resolved) }
    }

    /// Checks one file; `others` are the key files that it must not lie with.
    pub fn check<'a>(
        &self,
        file: &Path,
        others: impl IntoIterator<Item = (&'a WrapName, &'a Path)>,
    ) -> Result<(), Misplaced> {
        let file = resolved(file);
        let home = file.parent();
        if file.starts_with(&self.data) {
            return Err(Misplaced::InData);
        }
        if self.database.as_ref().is_some_and(|it| file.starts_with(it)) {
            return Err(Misplaced::BesideDatabase);
        }
        let mut others = others.into_iter();
        let beside = others.find(|(_, it)| home == resolved(it).parent());
        beside.map_or(Ok(()), |(name, _)| Err(Misplaced::Beside(name.clone())))
    }
}

/// The path without links, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path.to_owned(),
    }
}
