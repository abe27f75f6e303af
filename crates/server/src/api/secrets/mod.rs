//! Operations on secrets.

use super::Entry;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[];
