//! What hardening does to a process. A file of its own, since it is done to the whole process.

use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
use yaoku_crypto::memory::harden_process;

#[test]
fn a_hardened_process_dumps_no_core_and_cannot_be_read() {
    harden_process().unwrap();
    let limit = getrlimit(Resource::Core);
    assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    harden_process().unwrap();
}
