//! The RPC gateway: one request in, one answer out, and the signatures of both directions.
//!
//! A server goes through a request in this order, which is also the order of the refusals
//! (identity.md §1.6): [`read`], then its own question whether the action is known, then
//! [`Incoming::claim`], then clock, access key and token, then [`Incoming::verify`], then the nonce.
//! Answers are written by [`encode_success`] and [`encode_error`].

mod answer;
mod authorization;
mod canonical;
mod digest;
mod explain;
mod json;
mod pairs;
mod read;
mod sign;
mod verify;
mod xml;

pub use answer::{encode_error, encode_success, must_be_carried};
pub use authorization::{Claim, Scheme};
pub use explain::Explanation;
pub use read::{Auth, Format, Incoming, Rejected, Request, read};
pub use sign::{Credentials, Outgoing, Signed, sign_v1, sign_v3};
pub use verify::{SigningKey, Verified};
