//! The reading of heads, for whoever gives it hostile bytes.

use std::ops::Range;

use super::{
    Fault,
    head::{self, Verdict},
};

/// What the bytes at the place of a head are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// Not yet all of it.
    Partial,
    /// A head.
    Head {
        /// Bytes, up to and with the empty line.
        length: usize,
        /// Where the target stands.
        target: Range<usize>,
        /// Whether hyper gives the target back byte for byte.
        plain: bool,
    },
    /// No head that may be served.
    Refused(Fault),
}

/// What the front makes of bytes of which `seen` were not enough before.
#[must_use]
pub fn examine(bytes: &[u8], seen: usize) -> Found {
    match head::examine(bytes, seen) {
        Verdict::Partial => Found::Partial,
        Verdict::Head(it) => Found::Head { length: it.len, target: it.target, plain: it.plain },
        Verdict::Refused(fault) => Found::Refused(fault),
    }
}
