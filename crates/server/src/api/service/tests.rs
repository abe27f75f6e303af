//! Tests of the operations on the service as such.
