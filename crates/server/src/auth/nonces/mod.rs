//! Nonces that were used: each is good once for an access key. Kept over restarts.

mod journal;
mod live;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::hmac;
use yaoku_model::{
    identity::Identity,
    ids::{AccessKeyId, AccountId},
    random::Random,
    time::Timestamp,
};

use self::{journal::Journal, live::Live};
use crate::disk::Disk;

/// How far a timestamp may be from the clock, on either side. Source: identity.md §1.6.
const WINDOW_SECONDS: i64 = 15 * 60;

/// What nonces are opened with.
pub struct Setup<'a> {
    /// The data directory: nonces lie in `nonces` there.
    pub data: &'a Path,
    /// Whether the data directory was made by this start: then no call can have come before.
    pub new: bool,
    /// The time of this start, by the gateway's clock.
    pub now: Timestamp,
    /// What `/proc/sys/kernel/random/boot_id` says.
    pub boot_id: &'a str,
    /// For the key of the hashes.
    pub random: &'a dyn Random,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The bound: with half as many, callers that have more than others begin to be throttled. See
    /// [`Nonces`].
    pub max_entries: usize,
}

/// Why nonces of before this start may be missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Doubt {
    /// None are missing.
    None,
    /// The journal is not there, or not whole.
    Missing,
    /// The machine went down while we ran: what was not on the medium is lost.
    MachineWentDown,
}

/// Why a nonce is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The access key used it before: `SignatureNonceUsed`.
    #[error("the nonce was used before")]
    Seen,
    /// Signed at a time whose nonces are not known any more, or were lost: as if expired.
    #[error("signed at a time whose nonces are not known")]
    TooEarly,
    /// Too many are remembered, and this caller and its account have equal parts of them or more:
    /// throttled.
    #[error("too many nonces are remembered")]
    Full,
    /// It could not be written down.
    #[error("the nonce could not be written")]
    Io(#[from] io::Error),
}

/// The nonces that were used in the last 15 minutes, or with timestamps that are to come.
///
/// At most 56 bytes each, and 24 in the journal. Accounts that call alike have at most half of
/// [`Setup::max_entries`] together, and so has one alone. An account that has less than an equal part
/// of that half is never refused, nor is an identity that has less than an equal part of its
/// account's: so that the very most, if `a` accounts of `m` identities reach for it in turns, is
/// `max_entries + max_entries / 2 * (1/1 + … + 1/a) * (1/1 + … + 1/m)`. Source: architecture.md,
/// "State and speed".
#[derive(Debug)]
pub struct Nonces {
    key: hmac::Key,
    refuse_before: Option<Timestamp>,
    live: Live,
    journal: Mutex<Journal>,
}

impl Nonces {
    /// Half of it is what 2,200 calls a second leave in 15 minutes: 112 MB, while there are so many.
    pub const DEFAULT_ENTRIES: usize = 4_000_000;

    /// Reads what was used before, or begins.
    pub fn open(setup: &Setup<'_>) -> io::Result<(Self, Doubt)> {
        let live = Live::new(setup.max_entries);
        let opened = Journal::open(setup, |it| live.load(it, setup.now))?;
        let nonces = Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &*opened.key),
            refuse_before: opened.refuse_before,
            live,
            journal: Mutex::new(opened.journal),
        };
        Ok((nonces, opened.doubt))
    }

    /// Takes a nonce, once. `timestamp` is the request's, already found to be within 15 minutes of
    /// `now`. Call it after the signature was found right: a forged request must not use up nonces.
    ///
    /// It is written by the next [`Nonces::write_down`], which must be before the call has an effect
    /// that is not undone with it: before its answer, or by its transaction, which keeps the nonce too.
    ///
    /// The nonce is `access_key`'s; it counts as `holder`'s, who may have several access keys.
    pub fn check_and_remember(
        &self,
        holder: &Holder<'_>,
        access_key: &AccessKeyId,
        nonce: &str,
        timestamp: Timestamp,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if self.refuse_before.is_some_and(|it| timestamp < it) {
            return Err(Refused::TooEarly);
        }
        let nonce = Used {
            hash: self.hash(access_key, nonce),
            holder: live::number(holder),
            second: timestamp.unix_seconds(),
        };
        self.live.remember(nonce, now)?;
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        if journal.is_behind() {
            journal.write_down(now)?;
        }
        journal.take_up(nonce);
        Ok(())
    }

    /// Writes down all nonces that were taken up to now (without a sync: a crash of the machine makes
    /// the journal doubtful instead).
    pub fn write_down(&self, now: Timestamp) -> io::Result<()> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).write_down(now)
    }

    /// Timestamps earlier than this are refused, because nonces of before the start are missing.
    #[must_use]
    pub const fn refuse_before(&self) -> Option<Timestamp> {
        self.refuse_before
    }

    /// As many nonces as are remembered now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Marks the journal as whole: at the end, after the last call. No nonce is taken any more.
    pub fn close(&self, now: Timestamp) -> io::Result<()> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.write_down(now)?;
        journal.close()
    }

    /// Eight bytes of a keyed hash: nobody outside can make two nonces meet.
    fn hash(&self, access_key: &AccessKeyId, nonce: &str) -> u64 {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(access_key.as_str().as_bytes());
        // No access key id holds a zero byte, so this reads in one way only.
        context.update(&[0]);
        context.update(nonce.as_bytes());
        let tag = context.sign();
        tag.as_ref().iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
    }
}

/// Whose nonces are counted together: one identity's of an account.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Holder<'a>(pub &'a AccountId, pub &'a Identity);

/// A nonce, as it is remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Used {
    hash: u64,
    /// Whose it is: see [`live::number`].
    holder: u64,
    /// The request's timestamp, in seconds since 1970.
    second: i64,
}

impl Used {
    /// Whether a request with this timestamp would be refused as expired.
    const fn is_over(second: i64, now: Timestamp) -> bool {
        second < Self::oldest(now)
    }

    /// The earliest second that is still remembered. One more than the window, for a request that
    /// is judged as the window closes.
    const fn oldest(now: Timestamp) -> i64 {
        now.unix_seconds() - WINDOW_SECONDS - 1
    }
}
