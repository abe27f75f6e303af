//! The server: it listens, judges each call, serves it, and remembers.

pub mod listen;
