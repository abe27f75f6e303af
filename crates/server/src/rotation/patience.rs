//! When a rotation gives up: each time of it, in seconds of its age.

/// What may pass by itself, or is the operator's to put right: a server that is away or full, a target
/// or an administrator that is missing because it is being changed. Source: secrets.md §6.1 for the
/// first (inferred there), our choice for the second.
pub(super) const MAY_PASS: i64 = 120;

/// An administrator's password that is wrong: it is changed in two places, one after the other. Not
/// longer, for servers lock out who is wrong too often. Our choice.
pub(super) const WRONG_ADMIN: i64 = 30;

/// A hook: longer than the start of a server takes; and so many tries of one step. Our choice.
pub(super) const HOOK: i64 = 900;
pub(super) const HOOK_TRIES: i64 = 5;

/// A candidate of a rotation that has failed, if the current credential works instead: what was asked
/// then is over. A target that has said neither is asked on, once an hour. Our choice.
pub(super) const SETTLES: i64 = 86_400;
