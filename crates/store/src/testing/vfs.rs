//! [`Files`] as SQLite takes it: its own file system (a "VFS"), with some functions replaced.
//!
//! What opens, changes and syncs files asks [`Files`] first; everything else is SQLite's own.
#![expect(unsafe_code, reason = "SQLite's interface is C; a tool of tests, not in the program")]
#![expect(clippy::panic, reason = "a test that cannot have its disk must say so loudly")]

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt as _,
    path::PathBuf,
    ptr, slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use libsqlite3_sys::{
    SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR, SQLITE_IOERR_DELETE, SQLITE_IOERR_FSYNC, SQLITE_OK,
    sqlite3_file, sqlite3_filename, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
    sqlite3_vfs_find, sqlite3_vfs_register,
};

use super::files::{Files, Trouble};

/// What a registered file system leads to.
struct Own {
    real: *mut sqlite3_vfs,
    files: Arc<Files>,
}

/// An open file, found by the address that SQLite keeps it at.
#[derive(Clone)]
struct Open {
    files: Arc<Files>,
    path: PathBuf,
    real: &'static sqlite3_io_methods,
}

static OPEN: Mutex<BTreeMap<usize, Open>> = Mutex::new(BTreeMap::new());

/// Our tables of functions, by the address of the one that each replaces.
static TABLES: Mutex<BTreeMap<usize, &'static sqlite3_io_methods>> = Mutex::new(BTreeMap::new());

/// Registers `files` as `name`, for as long as the process lives.
pub(super) fn register(name: &str, files: Arc<Files>) {
    let Ok(name) = CString::new(name) else { panic!("{name:?} is no name for SQLite") };
    // SAFETY: null asks for the default file system, which is there as long as the process; its
    // structure is plain data, and a copy of it, with a name and data that are never freed, is what
    // SQLite expects to be given. Its functions take their own structure from `real` (`open`), or
    // do not look at it.
    let code = unsafe {
        libsqlite3_sys::sqlite3_initialize();
        let real = sqlite3_vfs_find(ptr::null());
        let mut vfs = *real;
        vfs.zName = name.into_raw();
        vfs.pNext = ptr::null_mut();
        vfs.pAppData = Box::into_raw(Box::new(Own { real, files })).cast();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0)
    };
    assert!(code == SQLITE_OK, "SQLite does not take our file system: {code}");
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with what `register` gave it, an address of at least `szOsFile`
    // bytes, and a name that ends in 0, or none for a temporary file.
    unsafe {
        let own = &*(*vfs).pAppData.cast::<Own>();
        (*file).pMethods = ptr::null();
        let Some(real_open) = (*own.real).xOpen else { return SQLITE_CANTOPEN };
        let code = real_open(own.real, name, file, flags, out);
        if code != SQLITE_OK || name.is_null() || (*file).pMethods.is_null() {
            return code;
        }
        let path = PathBuf::from(OsStr::from_bytes(CStr::from_ptr(name).to_bytes()));
        let real = &*(*file).pMethods;
        if own.files.opened(&path).is_err() {
            if let Some(close) = real.xClose {
                close(file);
            }
            (*file).pMethods = ptr::null();
            return SQLITE_CANTOPEN;
        }
        (*file).pMethods = table(real);
        let open = Open { files: Arc::clone(&own.files), path, real };
        lock(&OPEN).insert(file.addr(), open);
        SQLITE_OK
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: as for `open`; there is always a name.
    unsafe {
        let own = &*(*vfs).pAppData.cast::<Own>();
        let path = PathBuf::from(OsStr::from_bytes(CStr::from_ptr(name).to_bytes()));
        if own.files.may_write().is_err() {
            return SQLITE_IOERR_DELETE;
        }
        let code = (*own.real).xDelete.map_or(SQLITE_IOERR, |it| it(own.real, name, sync));
        if code == SQLITE_OK {
            own.files.removed(&path);
        }
        code
    }
}

/// The functions of a file, with ours in their places.
fn table(real: &'static sqlite3_io_methods) -> &'static sqlite3_io_methods {
    lock(&TABLES).entry(ptr::from_ref(real).addr()).or_insert_with(|| {
        Box::leak(Box::new(sqlite3_io_methods {
            xClose: Some(close),
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xSync: Some(sync),
            ..*real
        }))
    })
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let Some(open) = lock(&OPEN).remove(&file.addr()) else { return SQLITE_IOERR };
    // SAFETY: the file is the one that SQLite opened with these functions.
    let code = open.real.xClose.map_or(SQLITE_IOERR, |it| unsafe { it(file) });
    open.files.closed();
    code
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let Some(open) = find(file) else { return SQLITE_IOERR };
    if let Err(trouble) = open.files.may_write() {
        return code_of(trouble);
    }
    // SAFETY: as for `close`; SQLite gives as many bytes as it says.
    let (code, bytes) = unsafe {
        let code = open.real.xWrite.map_or(SQLITE_IOERR, |it| it(file, bytes, length, offset));
        (code, slice::from_raw_parts(bytes.cast::<u8>(), length.cast_unsigned() as usize))
    };
    if let (SQLITE_OK, Ok(offset)) = (code, usize::try_from(offset)) {
        open.files.written(&open.path, offset, bytes);
    }
    code
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    let Some(open) = find(file) else { return SQLITE_IOERR };
    if let Err(trouble) = open.files.may_write() {
        return code_of(trouble);
    }
    // SAFETY: as for `close`.
    let code = open.real.xTruncate.map_or(SQLITE_IOERR, |it| unsafe { it(file, size) });
    if let (SQLITE_OK, Ok(size)) = (code, usize::try_from(size)) {
        open.files.cut(&open.path, size);
    }
    code
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let Some(open) = find(file) else { return SQLITE_IOERR };
    if open.files.may_sync().is_err() {
        return SQLITE_IOERR_FSYNC;
    }
    // SAFETY: as for `close`.
    let code = open.real.xSync.map_or(SQLITE_IOERR, |it| unsafe { it(file, flags) });
    if code == SQLITE_OK {
        open.files.synced(&open.path);
    }
    code
}

fn find(file: *mut sqlite3_file) -> Option<Open> {
    lock(&OPEN).get(&file.addr()).cloned()
}

const fn code_of(trouble: Trouble) -> c_int {
    match trouble {
        Trouble::Full => SQLITE_FULL,
        Trouble::Broken | Trouble::SyncFails => SQLITE_IOERR,
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
