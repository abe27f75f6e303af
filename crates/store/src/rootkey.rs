//! The contract for the root key: its wraps, and the wrapping keys that it seals.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, InstanceId, WrapName},
    time::Timestamp,
    wrap::WrapKind,
};

use crate::StoreError;

/// One generation of the root key, sealed under one wrap's key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrapRow {
    /// The wrap's name.
    pub name: WrapName,
    /// Where its key comes from.
    pub kind: WrapKind,
    /// What, besides its secret, gives its key. As `crypto` wrote it; not secret.
    pub parameters: String,
    /// Which generation of the root key is sealed here.
    pub generation: u32,
    /// The root key, sealed.
    pub sealed: Vec<u8>,
    /// When the wrap was made.
    pub created: Timestamp,
}

/// The wrapping key of an account's default keys, or of one of its instances, sealed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrappingKeyRow {
    /// The account.
    pub account: AccountId,
    /// The instance; `None` is everything outside instances.
    pub instance: Option<InstanceId>,
    /// The wrapping key, sealed by the root key.
    pub sealed: Vec<u8>,
}

/// The wraps of the root key, and the wrapping keys under it.
#[async_trait]
pub trait RootKeys: Send {
    /// All wraps, by name, then by generation.
    async fn wraps(&mut self) -> Result<Vec<WrapRow>, StoreError>;

    /// Adds a wrap. Fails if it has this generation already.
    async fn insert_wrap(&mut self, row: &WrapRow) -> Result<(), StoreError>;

    /// Removes a wrap, all its generations; `false` if there is none of that name.
    async fn delete_wrap(&mut self, name: &WrapName) -> Result<bool, StoreError>;

    /// Removes a generation from all wraps.
    async fn delete_wrapped_generation(&mut self, generation: u32) -> Result<(), StoreError>;

    /// All wrapping keys, by account, then by instance.
    async fn wrapping_keys(&mut self) -> Result<Vec<WrappingKeyRow>, StoreError>;

    /// Adds a wrapping key.
    async fn insert_wrapping_key(&mut self, row: &WrappingKeyRow) -> Result<(), StoreError>;

    /// Replaces the sealed bytes of a wrapping key, if they are still those of `old`; `false` if
    /// not. The key itself is the same, so the feed is not told.
    async fn reseal_wrapping_key(
        &mut self,
        old: &WrappingKeyRow,
        sealed: &[u8],
    ) -> Result<bool, StoreError>;
}
