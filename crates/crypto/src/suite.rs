//! The promises of [`crate::backend::Backend`], each a test that every backend passes.
