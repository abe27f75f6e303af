//! What the program does to its own process, and where it opens its store: for `main` alone.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
pub use yaoku_crypto::{
    allocator::WipingAllocator,
    memory::{Protection, harden_process, protection},
    random::SystemRandom,
};
pub use yaoku_store::{Store, open as open_store};

/// Raises the number of files and connections that this process may have open as far as it may be
/// raised; answers what it is then. For [`Limits::within`](crate::listen::Limits::within).
#[must_use]
pub fn raise_open_files() -> u64 {
    let before = getrlimit(Resource::Nofile);
    // A refusal leaves what was.
    _ = setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
