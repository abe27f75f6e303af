//! The contracts of this crate in SQL: one text and one code path for both engines.
//!
//! [`statement`] and [`row`] hide which engine it is, [`session`] runs statements and ends
//! transactions, [`feed`] tells what changed; the other files are one contract each.

mod accesses;
mod error;
mod feed;
mod groups;
mod hooks;
mod identities;
mod instances;
mod keys;
mod logins;
mod migrations;
mod nodes;
mod notices;
mod policies;
mod records;
mod rootkey;
mod rotations;
mod row;
mod secrets;
mod session;
mod statement;
mod tags;
mod uses;

pub(crate) use error::{from as failure, is_broken_connection};
pub(crate) use feed::{Added, Places};
pub(crate) use migrations::{POSTGRES, SQLITE};
pub(crate) use nodes::{CHANGED, FOLLOWED, beat_aloud, tell};
pub(crate) use session::{Link, Session};
