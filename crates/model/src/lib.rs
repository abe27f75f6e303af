//! What a key and secret manager is: names, states, rules. Pure: no async, no SQL, no HTTP.

pub mod ids;
pub mod key;
pub mod policy;
pub mod random;
pub mod time;
