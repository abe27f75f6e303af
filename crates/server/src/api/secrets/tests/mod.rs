//! Tests of the operations on secrets, through the pipeline.
