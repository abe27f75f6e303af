//! Operations on aliases.

use super::Entry;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[];
