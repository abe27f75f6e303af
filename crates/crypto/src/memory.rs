//! Memory for root and wrapping keys, and what keeps the whole process from being read.
//!
//! The arena is `memfd_secret(2)`: not even the kernel maps it, so no core dump, `ptrace`, swap or
//! `/proc/<pid>/mem` shows it. Where the kernel has none, pages are locked and left out of dumps.
//! Source: architecture.md, "Memory".

use std::{
    ffi::c_void,
    fmt,
    os::fd::{FromRawFd, OwnedFd, RawFd},
    ptr::{self, NonNull},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::{
    io::Errno,
    mm::{self, Advice, MapFlags, ProtFlags},
    process::{DumpableBehavior, Resource, Rlimit},
};
use yaoku_model::random::Random;
use zeroize::Zeroize;

use crate::backend::BackendError;

/// Bytes of a root, wrapping or data key.
pub(crate) const SECRET_LEN: usize = 32;

/// The system gave no memory that can be protected, or would not protect the process.
///
/// The arena counts against `RLIMIT_MEMLOCK`: one page holds 128 keys where pages have 4 KiB.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("protected memory: {0}")]
pub struct MemoryError(Errno);

/// How the arena is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protection {
    /// By `memfd_secret(2)`.
    Secret,
    /// Locked in memory and left out of core dumps: other programs of the same user may read it.
    Locked,
}

/// How new pages of the arena are protected on this machine. Maps the first page if there is none.
pub fn protection() -> Result<Protection, MemoryError> {
    let mut arena = arena();
    arena.grow_if_full()?;
    Ok(arena.protection)
}

/// Forbids core dumps, and reading by a debugger or another program of the same user.
///
/// Call it before the first key is loaded. A child that is started by `exec` is not covered.
pub fn harden_process() -> Result<(), MemoryError> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none).map_err(MemoryError)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(MemoryError)
}

/// 32 bytes in the arena. Wiped on drop; `Debug` shows nothing.
pub(crate) struct Protected(Slot);

impl Protected {
    /// Whatever `fill` writes, in place.
    pub(crate) fn filled<E: From<MemoryError>>(
        fill: impl FnOnce(&mut [u8; SECRET_LEN]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut it = Self::zero()?;
        fill(it.expose_mut())?;
        Ok(it)
    }

    /// Fresh random bytes.
    pub(crate) fn generate(random: &dyn Random) -> Result<Self, BackendError> {
        Self::filled(|to| Ok(random.fill(to)?))
    }

    /// A copy of `bytes`. The caller wipes its own.
    pub(crate) fn copy_of(bytes: &[u8; SECRET_LEN]) -> Result<Self, MemoryError> {
        Self::filled(|to| {
            to.copy_from_slice(bytes);
            Ok(())
        })
    }

    /// Lends the bytes to `use_it`, which must not keep a copy.
    pub(crate) fn expose<T>(&self, use_it: impl FnOnce(&[u8; SECRET_LEN]) -> T) -> T {
        #[expect(unsafe_code, reason = "reads a slot that this value owns")]
        // SAFETY: mapped for ever, initialised (fresh pages and freed slots are zero), and not
        // written while `self` is borrowed.
        let bytes = unsafe { self.0.0.as_ref() };
        use_it(bytes)
    }

    fn expose_mut(&mut self) -> &mut [u8; SECRET_LEN] {
        #[expect(unsafe_code, reason = "writes a slot that this value owns")]
        // SAFETY: as in `expose`, and nobody else borrows `self`.
        unsafe {
            self.0.0.as_mut()
        }
    }

    fn zero() -> Result<Self, MemoryError> {
        let mut arena = arena();
        arena.grow_if_full()?;
        arena.free.pop().map(Self).ok_or(MemoryError(Errno::NOMEM))
    }
}

impl Drop for Protected {
    fn drop(&mut self) {
        self.expose_mut().zeroize();
        arena().free.push(Slot(self.0.0));
    }
}

impl fmt::Debug for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protected(..)")
    }
}

/// A place for 32 bytes in a page that is never unmapped. In the free list or in one [`Protected`].
struct Slot(NonNull<[u8; SECRET_LEN]>);

#[expect(unsafe_code, reason = "a slot has one owner, which may be any thread")]
// SAFETY: the memory belongs to the process, not to a thread, and has one owner at a time.
unsafe impl Send for Slot {}

#[expect(unsafe_code, reason = "shared slots are only read")]
// SAFETY: a shared `Protected` only reads; writing needs `&mut`.
unsafe impl Sync for Slot {}

/// Slots that nobody has, all zero.
struct Arena {
    free: Vec<Slot>,
    protection: Protection,
}

static ARENA: Mutex<Arena> = Mutex::new(Arena { free: Vec::new(), protection: Protection::Secret });

fn arena() -> MutexGuard<'static, Arena> {
    // No code that panics runs with the lock held.
    ARENA.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Arena {
    /// Maps another page when no slot is left.
    fn grow_if_full(&mut self) -> Result<(), MemoryError> {
        if !self.free.is_empty() {
            return Ok(());
        }
        let len = rustix::param::page_size();
        let (page, protection) = match secret_page(len) {
            Ok(page) => (page, Protection::Secret),
            Err(_) => (locked_page(len).map_err(MemoryError)?, Protection::Locked),
        };
        self.protection = protection;
        let first: NonNull<[u8; SECRET_LEN]> = page.cast();
        self.free.extend((0..len / SECRET_LEN).map(|n| {
            #[expect(unsafe_code, reason = "slots of a page that was just mapped")]
            // SAFETY: `n` slots further is inside the page.
            Slot(unsafe { first.add(n) })
        }));
        Ok(())
    }
}

#[expect(unsafe_code, reason = "memfd_secret has no safe wrapper; mmap is unsafe")]
fn secret_page(len: usize) -> Result<NonNull<c_void>, Errno> {
    // SAFETY: takes flags alone and answers a new file descriptor, or -1.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let fd = RawFd::try_from(fd).ok().filter(|it| *it >= 0).ok_or(Errno::NOSYS)?;
    // SAFETY: just opened, owned by nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    rustix::fs::ftruncate(&fd, len as u64)?;
    // SAFETY: a fresh mapping of a file that only we know.
    let page = unsafe {
        mm::mmap(ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, fd, 0)
    }?;
    keep_from_children(page, len)
}

#[expect(unsafe_code, reason = "mmap, mlock and madvise are unsafe")]
fn locked_page(len: usize) -> Result<NonNull<c_void>, Errno> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh mapping; the other two calls concern these bytes alone.
    let page = unsafe {
        let page = mm::mmap_anonymous(ptr::null_mut(), len, access, MapFlags::PRIVATE)?;
        if let Err(error) =
            mm::mlock(page, len).and_then(|()| mm::madvise(page, len, Advice::LinuxDontDump))
        {
            mm::munmap(page, len)?;
            return Err(error);
        }
        page
    };
    keep_from_children(page, len)
}

/// A process that is forked off does not get the page.
fn keep_from_children(page: *mut c_void, len: usize) -> Result<NonNull<c_void>, Errno> {
    #[expect(unsafe_code, reason = "madvise is unsafe")]
    // SAFETY: concerns a page of ours; this process keeps it.
    unsafe { mm::madvise(page, len, Advice::LinuxDontFork) }?;
    NonNull::new(page).ok_or(Errno::NOMEM)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        os::unix::fs::FileExt,
    };

    use super::{Protected, Protection, SECRET_LEN, locked_page, protection};
    use crate::random::SystemRandom;

    fn address(secret: &Protected) -> usize {
        secret.expose(|it| it.as_ptr().addr())
    }

    /// As another program reads it, or a debugger.
    fn read_from_outside(address: usize) -> std::io::Result<[u8; SECRET_LEN]> {
        let mut bytes = [0; SECRET_LEN];
        File::open("/proc/self/mem")?.read_exact_at(&mut bytes, address as u64)?;
        Ok(bytes)
    }

    #[test]
    fn the_kernel_does_not_show_the_arena() {
        let heap = Box::new([7; SECRET_LEN]);
        assert_eq!(read_from_outside(heap.as_ptr().addr()).unwrap(), *heap);

        let secret = Protected::copy_of(&heap).unwrap();
        let seen = read_from_outside(address(&secret));
        match protection().unwrap() {
            Protection::Secret => assert!(seen.is_err()),
            Protection::Locked => assert_eq!(seen.unwrap(), *heap),
        }
    }

    #[test]
    fn a_kernel_without_secret_memory_gives_locked_pages() {
        let len = rustix::param::page_size();
        let page = locked_page(len).unwrap();
        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let start = format!("{:x}-", page.as_ptr().addr());
        let flags = maps.split_once(&start).unwrap().1.lines().find(|it| it.contains("VmFlags"));
        // Locked, not in dumps, not in children.
        for flag in [" lo", " dd", " dc"] {
            assert!(flags.unwrap().contains(flag), "{flag} is not in {flags:?}");
        }
    }

    #[test]
    fn the_arena_grows_and_no_two_secrets_share_a_slot() {
        let secrets: Vec<_> = (0..1000_u32)
            .map(|n| Protected::copy_of(&[n.to_le_bytes(); 8].concat().try_into().unwrap()))
            .map(Result::unwrap)
            .collect();
        for (n, secret) in (0..1000_u32).zip(&secrets) {
            assert!(secret.expose(|it| it.chunks(4).all(|it| it == n.to_le_bytes())), "{n}");
        }
    }

    #[test]
    fn a_freed_slot_is_wiped() {
        let secret = Protected::generate(&SystemRandom).unwrap();
        assert!(secret.expose(|it| it.iter().any(|it| *it != 0)));
        drop(secret);
        // Other tests share the arena, but whoever gets a slot finds it clean.
        let all: Vec<_> = (0..500).map(|_| Protected::zero().unwrap()).collect();
        assert!(all.iter().all(|it| it.expose(|it| *it == [0; SECRET_LEN])));
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = Protected::copy_of(&[0xab; SECRET_LEN]).unwrap();
        assert_eq!(format!("{secret:?}"), "Protected(..)");
    }
}
