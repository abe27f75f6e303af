//! One line of a segment, and how it is chained to the line before.
//!
//! `{"hash":"<43 characters>","seq":7,…}`: the hash is SHA-256 over the hash of the line before
//! and the bytes that follow the hash's own field. What follows is one of `event` (with `row` if
//! the store has it too), `open` (first in each segment) and `head`.

use std::{borrow::Cow, fmt, io::Write as _, str::FromStr};

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};
use yaoku_model::ids::Invalid;

use super::{gap::Gap, head::Head};

/// The longest line, in bytes: what a reader takes into memory. Events are bounded well below.
pub(super) const MAX_LINE: u64 = 128 * 1024;

/// What every hash begins with, so that it is good for nothing else.
const DOMAIN: &[u8] = b"yaoku audit record 1\0";

/// What stands before the hash.
const BEFORE: &str = r#"{"hash":""#;

/// What stands between the hash and the bytes that it is over.
const AFTER: &str = r#"","#;

/// The length of a hash in Base64.
const HASH_LEN: usize = 43;

/// The hash of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Hash([u8; 32]);

impl Hash {
    /// What the first record of all follows.
    pub(super) const NONE: Self = Self([0; 32]);

    /// Of all the parts, one after the other.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(DOMAIN);
        for part in parts {
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }

    /// The 32 bytes.
    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl FromStr for Hash {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let bytes = BASE64.decode(raw).map_err(|_| Invalid)?;
        bytes.try_into().map(Self).map_err(|_| Invalid)
    }
}

/// What a segment begins with.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Opening<'a> {
    /// The version of this format: 1.
    pub(super) version: u32,
    #[serde(borrow)]
    pub(super) node: Cow<'a, str>,
    pub(super) segment: u32,
    /// The last hash of the segment before.
    pub(super) previous: String,
    /// When it was begun, in milliseconds since 1970; 0 in journals of before that was kept.
    #[serde(default)]
    pub(super) at: i64,
    /// The highest row that stands before it, so that it is known without reading on; not in
    /// journals of before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) row: Option<i64>,
    /// All that is missing before it, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) gaps: Vec<Gap>,
}

/// A signature over the record before it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct SignedHead<'a> {
    /// When it was signed, in milliseconds since 1970.
    pub(super) at: i64,
    #[serde(borrow)]
    pub(super) signature: Cow<'a, str>,
}

/// A line, read; `E` is as much of an event as the reader wants.
#[derive(Debug, Deserialize)]
pub(super) struct Fields<'a, E> {
    pub(super) seq: u64,
    pub(super) row: Option<i64>,
    pub(super) event: Option<E>,
    #[serde(borrow)]
    pub(super) open: Option<Opening<'a>>,
    #[serde(borrow)]
    pub(super) head: Option<SignedHead<'a>>,
}

/// What is written into a line.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    /// An event, as [`super::Event::to_row`] writes it, and its row in the store.
    Event(&'a [u8], Option<i64>),
    /// A segment's beginning.
    Open(&'a Opening<'a>),
    /// A signature.
    Head(&'a SignedHead<'a>),
}

/// The line that follows `last`, its end included, and the head that it makes.
pub(super) fn line(last: Head, content: Content<'_>) -> (Head, Vec<u8>) {
    let mut line = Vec::new();
    (write_line(last, content, &mut line), line)
}

/// Appends the line that follows `last`, its end included; gives the head that it makes.
pub(super) fn write_line(last: Head, content: Content<'_>, out: &mut Vec<u8>) -> Head {
    let sequence = last.sequence + 1;
    let row = match content {
        Content::Event(_, row) => row,
        Content::Open(_) | Content::Head(_) => None,
    };
    let (name, body) = match content {
        Content::Event(event, _) => ("event", Cow::Borrowed(event)),
        // Writing a plain structure of texts and numbers to memory cannot fail.
        Content::Open(it) => ("open", serde_json::to_vec(it).unwrap_or_default().into()),
        Content::Head(it) => ("head", serde_json::to_vec(it).unwrap_or_default().into()),
    };
    out.reserve(160 + body.len());
    // There is room for the hash of what follows it.
    out.extend_from_slice(BEFORE.as_bytes());
    let hash_at = out.len();
    out.extend_from_slice(&[b'A'; HASH_LEN]);
    out.extend_from_slice(AFTER.as_bytes());
    let hashed = out.len();
    // Writing to memory cannot fail.
    _ = write!(out, r#""seq":{sequence}"#);
    if let Some(row) = row {
        _ = write!(out, r#","row":{row}"#);
    }
    _ = write!(out, r#","{name}":"#);
    out.extend_from_slice(&body);
    out.push(b'}');
    let hash = Hash::of(&[last.hash.as_bytes(), &out[hashed..]]);
    _ = BASE64.encode_slice(hash.0, &mut out[hash_at..hash_at + HASH_LEN]);
    out.push(b'\n');
    Head { sequence, hash }
}

/// A line's hash, and the hash that it should have after `previous`. Without the line's end.
pub(super) fn hashes(line: &[u8], previous: Hash) -> Result<(Hash, Hash), Invalid> {
    let rest = line.strip_prefix(BEFORE.as_bytes()).ok_or(Invalid)?;
    let (stated, rest) = rest.split_at_checked(HASH_LEN).ok_or(Invalid)?;
    let rest = rest.strip_prefix(AFTER.as_bytes()).ok_or(Invalid)?;
    let stated = std::str::from_utf8(stated).map_err(|_| Invalid)?.parse()?;
    Ok((stated, Hash::of(&[previous.as_bytes(), rest])))
}
