//! Notices: what operators and their programs are told of that nobody called for.
//! Source: secrets.md §6.8, console.md C.8.

use yaoku_model::{arn::Arn, ids::AccountId, time::Timestamp};
use yaoku_store::Tx;

use crate::{error::ApiError, node::Node};

/// One notice.
#[derive(Debug)]
pub(crate) struct Notice<'a> {
    /// Its name: `Secret:RotateSecret:Failure`.
    pub(crate) name: &'static str,
    /// Whether somebody has to do something.
    pub(crate) critical: bool,
    /// Whose it is.
    pub(crate) account: &'a AccountId,
    /// What it is about.
    pub(crate) about: &'a Arn,
    /// What is said, as the vendor's events have it.
    pub(crate) content: serde_json::Value,
}

/// Leaves a notice, in the transaction of what it tells.
pub(crate) async fn leave(
    _node: &Node,
    _tx: &mut dyn Tx,
    notice: Notice<'_>,
    at: Timestamp,
) -> Result<(), ApiError> {
    let Notice { name, critical, account, about, content } = notice;
    tracing::info!(name, critical, %account, about = about.as_str(), %content, %at, "notice");
    std::future::ready(Ok(())).await
}
