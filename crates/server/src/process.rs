//! What the program does to its own process, and where it opens its store: for `main` alone.

pub use yaoku_crypto::{
    allocator::WipingAllocator,
    memory::{Protection, harden_process, protection},
    random::SystemRandom,
};
pub use yaoku_store::open as open_store;
