//! Tests of the operations on aliases.
