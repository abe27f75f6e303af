//! What an operation may touch: the caller, the time, caches or store, the backend. Nothing else.
//!
//! Everything here that finds an object asks for the action first, so that no object is reachable
//! without naming it, and a refusal never tells what exists.

use std::sync::Arc;

use yaoku_crypto::backend::KeyHandle;
use yaoku_model::{
    arn::{Arn, Place},
    context::EncryptionContext,
    ids::{AccountId, KeyVersionId, Region},
    policy::Work,
    random::Random,
    tag::Tag,
    time::Timestamp,
};
use yaoku_store::Tx;
use yaoku_wire::error::Code;

use crate::{
    api::{Action, Spec},
    cache::{CachedKey, Caches},
    caller::Caller,
    error::ApiError,
    node::Node,
    uses::Touched,
};

mod instances;
mod keys;
mod ram;
mod secrets;

pub use self::{
    instances::{RUNNING_INSTANCE, running_instance},
    keys::{KEY_BY_ID, KEY_BY_NAME, KEY_FIXED, VersionName, WRONG_STATE},
    secrets::{CACHED_SECRET, LIVE_SECRET, SECRET},
};

/// One call, after its signature was checked.
pub struct Call<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// The time: read once, the same when the call is run again.
    pub now: Timestamp,
    /// The node that serves it.
    pub node: &'a Node,
    /// Whether nothing may come of it but a verdict: no key is made, and none seals.
    pub dry_run: bool,
    /// The tags that it would give.
    pub(crate) request_tags: Vec<Tag>,
    pub(crate) spec: &'static Spec,
    on: On<'a>,
    pub(crate) touched: &'a mut Touched,
    /// What judging it may still take: all that it asks for together.
    pub(crate) work: Work,
}

/// What a call works on: its [`Effect`](crate::api::Effect) decides, the pipeline provides.
pub(crate) enum On<'a> {
    /// The caches.
    Caches(&'a Caches),
    /// An open transaction, which is the pipeline's to commit.
    Store(&'a mut dyn Tx),
}

/// What is asked of a key, or of a role, besides its name.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub(crate) action: Action,
    pub(crate) context: Option<&'a EncryptionContext>,
    pub(crate) algorithm: Option<&'static str>,
    /// What else came along, by condition key: `sts:ExternalId`.
    pub(crate) presented: &'a [(&'static str, &'a str)],
}

/// One version of a key that may be used now. For a caller, only [`Call`] hands these out.
#[derive(Clone, Debug)]
pub struct UsableKey {
    /// The key, whatever name the client used.
    pub key: Arc<CachedKey>,
    /// The version.
    pub version: KeyVersionId,
    /// Its cipher.
    pub handle: KeyHandle,
}

impl<'a> Ask<'a> {
    /// An action on the key as such.
    #[must_use]
    pub const fn to(action: Action) -> Self {
        Self { action, context: None, algorithm: None, presented: &[] }
    }

    /// Symmetric cryptography with a context. Source: identity.md §3.4, §4.4.
    #[must_use]
    pub const fn cipher(action: Action, context: &'a EncryptionContext) -> Self {
        let algorithm = Some("SYMMETRIC_DEFAULT");
        Self { action, context: Some(context), algorithm, presented: &[] }
    }

    /// Cryptography with an algorithm that the client named.
    #[must_use]
    pub const fn algorithm(action: Action, algorithm: &'static str) -> Self {
        Self { action, context: None, algorithm: Some(algorithm), presented: &[] }
    }

    /// The same, with what a trust policy may look at besides. Source: identity.md §2.6.
    #[must_use]
    pub const fn presenting(self, presented: &'a [(&'static str, &'a str)]) -> Self {
        Self { presented, ..self }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        node: &'a Node,
        caller: &'a Caller,
        now: Timestamp,
        spec: &'static Spec,
        on: On<'a>,
        touched: &'a mut Touched,
    ) -> Self {
        let (request_tags, work) = (Vec::new(), Work::default());
        Self { caller, now, node, dry_run: false, request_tags, spec, on, touched, work }
    }

    /// The caller's account.
    #[must_use]
    pub fn account(&self) -> &'a AccountId {
        &self.caller.account
    }

    /// The region served.
    #[must_use]
    pub fn region(&self) -> &'a Region {
        &self.node.region
    }

    /// Randomness.
    #[must_use]
    pub fn random(&self) -> &'a dyn Random {
        &*self.node.random
    }

    /// The transaction. A `Use` operation has none, and neither has `prepare`: asking for it there
    /// is a bug of ours.
    pub fn tx(&mut self) -> Result<&mut dyn Tx, ApiError> {
        match &mut self.on {
            On::Caches(_) => Err(ApiError::caused(Code::InternalFailure, "no transaction here")),
            On::Store(tx) => Ok(&mut **tx),
        }
    }

    /// Fails unless the caller may do this operation to `resource`.
    pub fn allow(&mut self, resource: &Arn) -> Result<(), ApiError> {
        self.judge(Ask::to(self.spec.action()), &self.caller.account, &[resource], &[], None)
    }

    /// The same of something that policies may name by its container too, which its
    /// [`Spec`] says. Source: identity.md §4.1.
    pub fn allow_in_container(&mut self, item: &Arn) -> Result<(), ApiError> {
        debug_assert!(self.spec.or_container, "{} asks for a container", self.spec.name);
        let spellings = [&item.its_container(), item];
        self.judge(Ask::to(self.spec.action()), &self.caller.account, &spellings, &[], None)
    }

    /// What the operation has made: its event names it. To be called last, as a refusal makes nothing.
    pub fn has_made(&mut self, thing: Arn) {
        self.touch(thing);
    }

    /// What the operation is about: its event names it.
    pub(crate) fn touch(&mut self, thing: Arn) {
        if !self.touched.asked.contains(&thing) {
            self.touched.asked.push(thing);
        }
    }

    pub(super) fn caches(&self) -> Result<&'a Caches, ApiError> {
        match &self.on {
            On::Caches(caches) => Ok(caches),
            On::Store(_) => Err(ApiError::caused(Code::InternalFailure, "no caches here")),
        }
    }

    pub(super) fn home(&self) -> Place {
        self.at_home_of(self.account())
    }

    pub(super) fn at_home_of(&self, account: &AccountId) -> Place {
        Place { region: self.region().clone(), account: account.clone() }
    }
}

#[cfg(test)]
mod tests;
