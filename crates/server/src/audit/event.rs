//! What is written down about a call. Never a parameter: a parameter may hold a secret.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    net::IpAddr,
    str::FromStr,
};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq as _};
use yaoku_model::{
    ids::{AccessKeyId, AccountId, Invalid},
    time::Timestamp,
};

/// The longest kept user agent, in bytes, escapes included. Our choice.
const MAX_USER_AGENT: usize = 256;

/// The longest kept id, principal or action, in bytes: longer than any that is valid.
const MAX_TEXT: usize = 256;

/// The longest kept ARN, in bytes: longer than any that names something we have.
const MAX_RESOURCE: usize = 512;

/// As many ARNs as one call can name (`BatchGetSecretValue`: 20), and some. Source: secrets.md §8.
const MAX_RESOURCES: usize = 32;

/// One call of a known caller, served or refused; or a count of calls whose caller is not known.
///
/// Texts longer than their limits are cut where the event is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// When the call came, by the gateway's clock.
    pub at: Timestamp,
    /// The id that the answer carries. Empty in counts.
    pub request_id: String,
    /// The account that called; `None` in counts.
    pub account: Option<AccountId>,
    /// Who called: `root`, `user/alice`, `assumed-role/…`; `unknown` in counts.
    pub principal: String,
    /// The access key that signed.
    pub access_key: Option<AccessKeyId>,
    /// Where it came from.
    pub source: Source,
    /// What the client calls itself.
    pub user_agent: UserAgent,
    /// Product and operation, as policies spell them: `kms:Encrypt`.
    pub action: Cow<'static, str>,
    /// The ARNs that the call was judged on. At most 32 are kept.
    pub resources: Vec<String>,
    /// Why it was refused, as the answer says it; `None` if it was served.
    pub code: Option<Cow<'static, str>>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Whether it came over TLS.
    pub tls: bool,
    /// How many calls this event stands for: 1, but for counts.
    pub count: u64,
}

/// Where a call came from.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Source {
    /// One address.
    Address(IpAddr),
    /// A network: its first address and the length of its prefix.
    Network(IpAddr, u8),
    /// More networks than are told apart.
    Anywhere,
}

/// What a client calls itself: at most 256 bytes, with control characters escaped.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UserAgent(String);

impl Event {
    /// The event as one line of compact JSON, without the line's end. Also what the store keeps.
    #[must_use]
    pub fn to_row(&self) -> Vec<u8> {
        // Writing a plain structure of texts and numbers to memory cannot fail.
        serde_json::to_vec(&Line::from(self)).unwrap_or_default()
    }

    /// Reads what [`Event::to_row`] wrote.
    pub fn from_row(row: &[u8]) -> Result<Self, Invalid> {
        serde_json::from_slice::<Line<'_>>(row).map_err(|_| Invalid)?.try_into()
    }
}

impl UserAgent {
    /// Keeps what fits of `raw`.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let mut kept = String::with_capacity(raw.len().min(MAX_USER_AGENT));
        for c in raw.chars() {
            let before = kept.len();
            if c.is_control() {
                // Writing to a string cannot fail.
                _ = write!(kept, "\\u{{{:x}}}", u32::from(c));
            } else {
                kept.push(c);
            }
            if kept.len() > MAX_USER_AGENT {
                kept.truncate(before);
                break;
            }
        }
        Self(kept)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(it) => it.fmt(f),
            Self::Network(first, prefix) => write!(f, "{first}/{prefix}"),
            Self::Anywhere => f.write_str("*"),
        }
    }
}

impl FromStr for Source {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        if raw == "*" {
            return Ok(Self::Anywhere);
        }
        let Some((first, prefix)) = raw.split_once('/') else {
            return raw.parse().map(Self::Address).map_err(|_| Invalid);
        };
        let first = first.parse().map_err(|_| Invalid)?;
        Ok(Self::Network(first, prefix.parse().map_err(|_| Invalid)?))
    }
}

/// An event as JSON writes it: short names, and nothing where there is nothing.
#[derive(Deserialize, Serialize)]
pub(super) struct Line<'a> {
    at: i64,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty", serialize_with = "cut")]
    id: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    account: Option<Cow<'a, str>>,
    #[serde(borrow, serialize_with = "cut")]
    who: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    from: String,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    agent: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty", serialize_with = "cut")]
    action: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "no_resources", serialize_with = "cut_all")]
    on: Cow<'a, [String]>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_zero")]
    status: u16,
    #[serde(default, skip_serializing_if = "is_false")]
    tls: bool,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    count: u64,
}

impl<'a> From<&'a Event> for Line<'a> {
    fn from(it: &'a Event) -> Self {
        Self {
            at: it.at.unix_ms(),
            id: it.request_id.as_str().into(),
            account: it.account.as_ref().map(|id| id.as_str().into()),
            who: it.principal.as_str().into(),
            key: it.access_key.as_ref().map(|id| id.as_str().into()),
            from: it.source.to_string(),
            agent: it.user_agent.as_str().into(),
            action: it.action.as_ref().into(),
            on: it.resources.as_slice().into(),
            code: it.code.as_deref().map(Cow::Borrowed),
            status: it.status,
            tls: it.tls,
            count: it.count,
        }
    }
}

impl TryFrom<Line<'_>> for Event {
    type Error = Invalid;

    fn try_from(it: Line<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            at: Timestamp::from_unix_ms(it.at),
            request_id: it.id.into_owned(),
            account: it.account.as_deref().map(str::parse).transpose()?,
            principal: it.who.into_owned(),
            access_key: it.key.as_deref().map(str::parse).transpose()?,
            source: it.from.parse()?,
            user_agent: UserAgent::new(&it.agent),
            action: it.action.into_owned().into(),
            resources: it.on.into_owned(),
            code: it.code.map(|code| code.into_owned().into()),
            status: it.status,
            tls: it.tls,
            count: it.count,
        })
    }
}

/// The longest start of `text` that fits `max` bytes.
fn start(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

fn cut<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(start(text, MAX_TEXT))
}

fn cut_all<S: Serializer>(all: &[String], to: S) -> Result<S::Ok, S::Error> {
    let kept = &all[..all.len().min(MAX_RESOURCES)];
    let mut list = to.serialize_seq(Some(kept.len()))?;
    for it in kept {
        list.serialize_element(start(it, MAX_RESOURCE))?;
    }
    list.end()
}

fn no_resources(all: &[String]) -> bool {
    all.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(status: &u16) -> bool {
    *status == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_one(count: &u64) -> bool {
    *count == 1
}

fn one() -> u64 {
    1
}

#[cfg(test)]
pub(super) mod testing {
    //! An event for tests.

    use super::{Event, Source, UserAgent};
    use yaoku_model::time::Timestamp;

    /// What an Encrypt of a RAM user leaves behind, the `number`th.
    pub(crate) fn event(number: u64) -> Event {
        Event {
            at: Timestamp::from_unix_ms(1_795_295_000_123 + number.cast_signed()),
            request_id: format!("4C467B38-3910-447D-87BC-{number:012}"),
            account: Some("1540355698848459".parse().unwrap()),
            principal: "user/alice".to_owned(),
            access_key: Some("LTAI5tAbCdEfGhIjKlMnOpQr".parse().unwrap()),
            source: Source::Address("192.0.2.7".parse().unwrap()),
            user_agent: UserAgent::new("AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3"),
            action: "kms:Encrypt".into(),
            resources: vec![
                "acs:kms:cn-hangzhou:1540355698848459:key/key-hzz62f1cb66fa42qo7ftz".to_owned(),
            ],
            code: None,
            status: 200,
            tls: true,
            count: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Source, UserAgent, testing::event};

    #[test]
    fn reads_what_it_writes() {
        let refused = Event {
            code: Some("Forbidden.NoPermission".into()),
            status: 403,
            account: None,
            access_key: None,
            tls: false,
            resources: Vec::new(),
            source: "2001:db8::/64".parse().unwrap(),
            count: 7,
            ..event(2)
        };
        for it in [event(1), refused] {
            assert_eq!(Event::from_row(&it.to_row()), Ok(it));
        }
    }

    #[test]
    fn refuses_what_is_no_event() {
        for row in ["", "{}", "[]", r#"{"at":1,"who":"root","from":"nowhere"}"#] {
            assert!(Event::from_row(row.as_bytes()).is_err(), "{row}");
        }
    }

    #[test]
    fn a_usual_event_is_short() {
        assert!(event(1).to_row().len() <= 400, "{}", event(1).to_row().len());
    }

    #[test]
    fn what_a_client_sends_is_bounded_and_cannot_break_a_line() {
        assert_eq!(UserAgent::new("a\r\n\u{1b}[31m").as_str(), "a\\u{d}\\u{a}\\u{1b}[31m");
        assert_eq!(UserAgent::new(&"é".repeat(200)).as_str().len(), 256);
        assert!(UserAgent::new(&"\0".repeat(300)).as_str().len() <= 256);
        let long = Event {
            principal: "é".repeat(9999),
            action: "\n".repeat(9999).into(),
            resources: vec!["x".repeat(9999); 100],
            ..event(1)
        };
        let row = long.to_row();
        assert!(row.len() < 20_000 && !row.contains(&b'\n'), "{}", row.len());
        let read = Event::from_row(&row).unwrap();
        assert_eq!((read.principal.len(), read.resources.len()), (256, 32));
    }

    #[test]
    fn a_source_reads_as_it_is_written() {
        for text in ["192.0.2.7", "2001:db8::1", "192.0.2.0/24", "2001:db8::/64", "*"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        assert!("192.0.2.0/x".parse::<Source>().is_err());
    }
}
