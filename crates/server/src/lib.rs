//! The server, as a library: listener, authentication, the one path of a call, the operations.
//!
//! Reading order: [`api`] (what an operation is), [`pipeline`] (the path), [`call`] (what an
//! operation may touch), [`caller`], [`cache`], [`node`], [`gateway`] (from bytes to a known
//! caller, and back), [`auth`], [`audit`], [`listen`].

mod access;
pub mod accounts;
pub mod api;
pub mod audit;
pub mod auth;
mod batch;
pub mod cache;
pub mod call;
pub mod caller;
pub mod claim;
pub mod client;
mod compiled;
pub mod dev;
pub mod disk;
mod due;
pub mod error;
mod faults;
pub mod follow;
pub mod gate;
pub mod gateway;
pub mod heavy;
pub mod hooks;
mod judge;
pub mod last_uses;
pub mod lease;
pub mod listen;
pub mod metrics;
pub mod node;
mod notices;
pub mod oidc;
pub mod operations;
mod outbound;
pub mod peers;
pub mod pipeline;
pub mod private;
pub mod process;
mod prune;
pub mod root;
mod rotation;
pub mod sealed;
mod seals;
mod shelf;
pub mod standing;
pub mod start;
#[cfg(feature = "test-clock")]
pub mod test_clock;
#[cfg(test)]
mod testing;
pub mod throttle;
pub mod turns;
pub mod uses;
mod values;
pub mod versions;
pub mod webhooks;
pub mod witness;
