//! Tests of the operations on tags.
