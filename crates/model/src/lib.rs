//! What a key and secret manager is: names, states, rules. Pure: no async, no SQL, no HTTP.
//!
//! Reading order: [`ids`] and [`arn`] (names), [`time`] and [`random`] (the world as arguments),
//! [`text`] (texts that must not leak), [`context`], [`key`], [`secret`], [`instance`],
//! [`identity`], [`login`], [`tag`], [`target`], [`hook`] (things).

pub mod algorithm;
pub mod arn;
pub mod context;
pub mod hook;
pub mod identity;
pub mod ids;
pub mod instance;
pub mod key;
pub mod login;
pub mod policy;
pub mod random;
pub mod secret;
pub mod tag;
pub mod target;
pub mod text;
pub mod time;
pub mod wrap;
