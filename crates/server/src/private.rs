//! Files and directories that nobody but their owner may open.

use std::{
    fs::Metadata,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

/// What any access of others shows.
pub const OTHERS: u32 = 0o077;

/// Why a path is not private.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotPrivate {
    /// Its mode lets others in.
    #[error("{0} may be opened by others (mode {mode:04o}): chmod go= {0}", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is neither this process's user's nor root's.
    #[error("{} belongs to user {owner}, and this is user {us}", path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose this process is.
        us: u32,
    },
}

/// What is private here.
#[derive(Clone, Debug, Default)]
pub struct Privacy {
    /// Where systemd puts credentials (`$CREDENTIALS_DIRECTORY`): files there are its own to
    /// protect, and show a group's bits: the mask of an access list, which names the service's user
    /// alone.
    pub credentials: Option<PathBuf>,
}

impl Privacy {
    /// Checks mode and owner of a path.
    pub fn check(&self, path: &Path, it: &Metadata) -> Result<(), NotPrivate> {
        if self.credentials.as_ref().is_some_and(|home| path.starts_with(home)) {
            return closed_to(0o007, path, it);
        }
        closed_to(OTHERS, path, it)?;
        let (owner, us) = (it.uid(), geteuid().as_raw());
        if owner != us && owner != 0 {
            return Err(NotPrivate::Foreign { path: path.to_owned(), owner, us });
        }
        Ok(())
    }
}

/// Checks that the mode of a path has none of the bits `others`.
pub fn closed_to(others: u32, path: &Path, it: &Metadata) -> Result<(), NotPrivate> {
    let mode = it.permissions().mode() & 0o777;
    if mode & others != 0 {
        return Err(NotPrivate::Open { path: path.to_owned(), mode });
    }
    Ok(())
}
