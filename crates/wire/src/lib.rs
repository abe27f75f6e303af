//! Bytes to meaning and back: parameters, signatures, JSON, XML and error codes of the RPC API.
//!
//! The server verifies with it, the command line signs with it. Knows no operation, no store and
//! no clock: what a check needs comes in as an argument.

pub mod error;
pub mod fields;
mod object;
pub mod params;
mod refusal;
pub mod rpc;

pub use error::{Code, Refusal};
pub use fields::{Encode, Fields};
pub use params::Params;
