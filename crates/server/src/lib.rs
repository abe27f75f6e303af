//! The server: the one path of a call and what it needs on the way.

pub mod audit;
pub mod auth;
pub mod disk;
