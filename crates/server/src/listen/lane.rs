//! What the front and the service of one connection tell each other.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::{
    crowd::Place,
    http::{Fault, Permit},
    share::Pool,
};

/// Where a target's number stands in for it. A client's own target that begins like this is itself
/// replaced, so none can be mistaken for a marker.
pub(super) const MARKER: &str = "/.yaoku-front/";

/// Calls that a connection may carry of which none is a known caller's: who sends them one behind the
/// other must come again, and so wait in line with others. Our choice.
const STRANGER_CALLS: u64 = 8;

/// What a marker stands for: the target, or why there is none.
pub(super) type Kept = Result<(Bytes, Permit), Fault>;

/// One connection's notes.
pub(super) struct Lane {
    place: Place,
    large: Arc<Pool>,
    kept: Mutex<VecDeque<(u64, Kept)>>,
    count: AtomicU64,
    calls: AtomicU64,
    last: AtomicBool,
    unread: AtomicBool,
    closing: AtomicBool,
}

impl Lane {
    /// Of a connection at `place`, that shares `large` with others.
    pub(super) fn new(place: Place, large: Arc<Pool>) -> Self {
        Self {
            place,
            large,
            kept: Mutex::default(),
            count: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            last: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        }
    }

    /// Keeps what hyper shall not see; gives the target that it sees instead.
    pub(super) fn keep(&self, kept: Kept) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        self.kept().push_back((number, kept));
        format!("{MARKER}{number}")
    }

    /// What stands behind the target that hyper saw; `None` if that is the target itself. Markers come
    /// back in the order they were given: any other order is a fault, never another call's target.
    pub(super) fn original(&self, shown: &str) -> Option<Kept> {
        let number = shown.strip_prefix(MARKER)?;
        let oldest = self.kept().pop_front();
        Some(match oldest {
            Some((expected, kept)) if number.parse() == Ok(expected) => kept,
            _ => Err(Fault::BadRequest),
        })
    }

    /// The connection's place among all.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The right to hold a large head or body, unless there are too many already.
    pub(super) fn hold_large(&self) -> Permit {
        self.large.take(self.place.source(), self.place.is_known())
    }

    /// One more call is served.
    pub(super) fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there were as many calls as a connection may carry without a known caller's.
    pub(super) fn has_said_enough(&self) -> bool {
        self.calls.load(Ordering::Relaxed) >= STRANGER_CALLS
    }

    /// After the next answer the connection closes.
    pub(super) fn end_after_this(&self) {
        self.last.store(true, Ordering::Relaxed);
    }

    /// As [`Lane::end_after_this`]; the client may still be sending, and shall be able to read the
    /// answer.
    pub(super) fn refuse_rest(&self) {
        self.end_after_this();
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Whether the connection closes after the answer being made.
    pub(super) fn is_last(&self) -> bool {
        self.last.load(Ordering::Relaxed)
    }

    /// Whether the client may still be sending what nobody will read.
    pub(super) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// The server stops: no new head is taken.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether the server stops.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, VecDeque<(u64, Kept)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Targets hold secrets.
impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("last", &self.last).finish_non_exhaustive()
    }
}
