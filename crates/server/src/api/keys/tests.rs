//! Tests of the operations on keys.
