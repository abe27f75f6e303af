//! What was done, by whom, and the proof that nothing of it was changed since.
//!
//! Each node keeps a journal of its own: segments of lines, each line chained to the one before
//! by its hash, with signed heads in between. Source: architecture.md, Audit.

mod accept;
mod chain;
mod closed;
mod event;
mod gap;
mod head;
mod journal;
mod note;
mod past;
mod record;
mod segment;
mod tail;
#[cfg(test)]
mod tests;
mod unknown;
mod verify;
mod writer;

pub use accept::accept;
pub use chain::Fault;
pub use event::{Called, Event, Source, UserAgent};
pub use gap::{Accepted, Gap};
pub use head::{Head, HeadSigner, NodeName, PublicKey};
pub use journal::{AuditError, Fsync, Journal, Options, Setup, Vitals, Written, directory};
pub use tail::{Entry, Tail};
pub use unknown::Unknown;
pub use verify::{Problem, Report, verify};
