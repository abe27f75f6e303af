//! Who calls: what stands between a request and the caller it claims.

pub mod nonces;
