//! Tests of the operations on instances.
