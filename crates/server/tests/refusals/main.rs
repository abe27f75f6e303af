//! Refusals, from outside, and the tables that say what is none: real HTTP against a whole node, on
//! SQLite and on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[expect(dead_code, reason = "the tests within know more algorithms")]
#[path = "../../src/oidc/testing.rs"]
mod signer;
#[path = "../support/mod.rs"]
mod support;

/// Runs each test on both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $test() { super::$test(crate::support::Database::Sqlite).await })+
        }
        mod postgres {
            $(#[tokio::test] async fn $test() { super::$test(crate::support::Database::Postgres).await })+
        }
    };
}

mod access;
mod algorithms;
mod callers;
mod diagnosis;
mod existence;
mod federated;
mod gateway;
mod matrix;
mod parameters;
mod readiness;
mod restart;
mod revocation;
mod rotations;
mod secret_reads;
mod separation;
mod sessions;
mod shredding;
mod states;
mod swaps;
mod throttle;
mod two_nodes;

use yaoku_server::api::{self, Entry, KnownBy, Product};

use support::client::Param;

/// Every operation of KMS.
fn operations() -> impl Iterator<Item = &'static Entry> {
    api::operations().filter(|it| it.spec.product == Product::Kms)
}

/// Every operation of every product whose caller signs: those of administration too.
fn all_operations() -> impl Iterator<Item = &'static Entry> {
    api::operations().filter(|it| it.spec.known_by == KnownBy::Signature)
}

fn params(pairs: &[(&str, &str)]) -> Vec<Param> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The same parameters, one of them with another value.
fn with(params: &[Param], name: &str, value: &str) -> Vec<Param> {
    let mut params: Vec<_> = params.to_vec();
    for param in params.iter_mut().filter(|it| it.0 == name) {
        value.clone_into(&mut param.1);
    }
    params
}

/// The same parameters without one.
fn without(params: &[Param], name: &str) -> Vec<Param> {
    params.iter().filter(|it| it.0 != name).cloned().collect()
}
