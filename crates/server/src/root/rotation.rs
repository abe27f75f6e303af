//! A new root key while the old one is in use.

use yaoku_crypto::{
    backend::BackendError,
    keyring::Keyring,
    rootkey::{Generation, RootKey},
};
use yaoku_store::{Tx, WrapRow};

use super::{Held, generations, wraps::open_row};
use crate::{error::ApiError, node::Node};

/// The generation of the root key that new wrapping keys are sealed under, in the ring.
///
/// Asked in the transaction that adds one: sealed under a generation that another node has just
/// replaced, it would never open again.
pub(crate) async fn newest(node: &Node, tx: &mut dyn Tx) -> Result<Generation, ApiError> {
    let wraps = tx.wraps().await?;
    let newest = generations(&wraps).last().copied().ok_or(BackendError::NoRootKey)?;
    learn(&wraps, newest, &node.keyring, &node.held)?;
    Ok(newest)
}

/// Puts a generation of the root key in the ring, opened by any wrap whose key is at hand.
fn learn(
    wraps: &[WrapRow],
    generation: Generation,
    keyring: &Keyring,
    held: &Held,
) -> Result<(), BackendError> {
    if keyring.root(generation).is_ok() {
        return Ok(());
    }
    let of_it = wraps.iter().filter(|it| it.generation == generation.0);
    let open = |row: &WrapRow| -> Option<RootKey> { open_row(row, &*held.key(&row.name)?).ok() };
    keyring.add_root(of_it.into_iter().find_map(open).ok_or(BackendError::NoRootKey)?);
    Ok(())
}
