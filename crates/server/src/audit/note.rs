//! What a journal writes about itself: events that no call has caused.

use yaoku_model::time::Timestamp;

use super::{
    chain::Fault,
    event::{Event, Source, UserAgent},
};

/// The gateway's clock jumped by more than a second against one that cannot.
pub(super) fn clock_jumped(now: Timestamp, before: Timestamp, jump: i64) -> Event {
    note(now, "audit:ClockJumped", format!("{jump} ms after {before}"))
}

/// A segment was changed from outside.
pub(super) fn noticed(now: Timestamp, segment: u32, fault: Fault) -> Event {
    note(now, "audit:Noticed", format!("segment {segment}: {fault}"))
}

/// An operator went on after damage.
pub(super) fn accepted(now: Timestamp, reason: &str) -> Event {
    note(now, "audit:Accepted", reason.to_owned())
}

/// The journal stands as who; what it says stands where the ARNs of calls stand.
fn note(at: Timestamp, action: &'static str, what: String) -> Event {
    Event {
        at,
        request_id: String::new(),
        account: None,
        principal: "journal".to_owned(),
        access_key: None,
        source_identity: None,
        source: Source::Anywhere,
        user_agent: UserAgent::default(),
        action: action.into(),
        resources: vec![what],
        code: None,
        status: 0,
        tls: false,
        count: 1,
    }
}
