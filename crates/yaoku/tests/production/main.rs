//! Production: `yaoku init`, `server` and `unseal`, as an operator uses them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[expect(dead_code, reason = "shared with the tests of the server, which use all of it")]
#[path = "../../../server/tests/support/client.rs"]
mod client;
mod harness;
mod hooks;
#[path = "../support/mortal.rs"]
mod mortal;
mod refusals;
mod sealed;
mod serving;
mod systemd;
mod tls;
