//! Rotation: the credentials of managed secrets change, on real servers, and never without one that
//! works. Source: secrets.md §6.
//!
//! What is known of a rotation is in its row ([`Rotation`](yaoku_model::secret::Rotation)), and every
//! step may be done again:
//!
//! 1. A candidate is made, sealed and kept ([`begin`]): nothing was asked of the target yet.
//! 2. The target is given the candidate, and it is tried there ([`steps`]).
//! 3. It works: it becomes the current version, and the row is gone ([`finish`]).
//! 4. It does not: what may pass is tried again for two minutes. Then the rotation has failed, and the
//!    row stays: the target may have taken the candidate after all, so it is asked now and then, and
//!    the next rotation gives it the same one.
//!
//! A key pair has one step more: the key before is taken from its server when the new one is current.
//!
//! Access keys are in the store itself: there the first three steps are one transaction ([`ram`]).
//! Generic secrets are rotated by what their owner has, which is called step by step ([`hook`]).

mod administrator;
pub(crate) mod begin;
mod check;
mod engine;
mod finish;
mod hook;
pub(crate) mod password;
mod patience;
pub(crate) mod ram;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod wait;
mod work;

pub(crate) use self::{
    check::{Problem, check},
    engine::{EVERY, Engine},
    wait::wait_until_made,
};
