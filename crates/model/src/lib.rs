//! What a key and secret manager is: names, states, rules. Pure: no async, no SQL, no HTTP.
//!

//! [`text`] (texts that must not leak), [`key`], [`secret`], [`instance`], [`identity`] (things),
//! [`policy`] (who may do what).

// pub mod arn;
// pub mod context;
pub mod ids;
// pub mod identity;
// pub mod instance;
// pub mod key;
// pub mod policy;
pub mod random;
// pub mod secret;
// pub mod tag;
// pub mod text;
pub mod time;
