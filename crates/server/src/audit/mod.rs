//! What was done, by whom, and the proof that nothing of it was changed since.
//!
//! Each node keeps a journal of its own: segments of lines, each line chained to the one before
//! by its hash, with signed heads in between. Source: architecture.md, Audit.

mod chain;
mod event;
mod head;
mod journal;
mod past;
mod record;
mod tail;
#[cfg(test)]
mod tests;
mod unknown;
mod verify;
mod writer;

pub use chain::Fault;
pub use event::{Event, Source, UserAgent};
pub use head::{Head, HeadSigner, NodeName, PublicKey};
pub use journal::{AuditError, Fsync, Journal, Options, Setup, Vitals, Written, directory};
pub use tail::{Entry, Tail};
pub use unknown::Unknown;
pub use verify::{Problem, Report, verify};
