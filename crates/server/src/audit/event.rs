//! What is written down about a call. Never a parameter: a parameter may hold a secret.

use std::{borrow::Cow, fmt, io::Write as _, net::IpAddr, str::FromStr};

use serde::Deserialize;
use yaoku_model::{
    ids::{AccessKeyId, AccountId, Invalid},
    time::Timestamp,
};

/// The longest kept user agent, in bytes, escapes included: what names the client and its version,
/// so that a usual call on one thing takes at most 500 bytes in the journal. Our choice.
const MAX_USER_AGENT: usize = 72;

/// The longest kept id, principal or action, in bytes: longer than any that is valid.
const MAX_TEXT: usize = 256;

/// The longest kept ARN, in bytes: longer than any that names something we have.
const MAX_RESOURCE: usize = 512;

/// As many ARNs as one call can name (`TagResources`: 50), and some. Of more, the last says how many
/// are left. Source: keys.md, tags.
const MAX_RESOURCES: usize = 64;

/// Bytes of an event, escapes included, after which no more ARNs are kept: a record holds 128 KiB.
const MAX_BYTES: usize = 64 * 1024;

/// More than a usual event takes.
const ROOM: usize = 512;

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
    /// Who is behind a session, as the one who began it said: the `SourceIdentity` of `AssumeRole`.
    /// Journals of before that was kept have it of nobody.
    pub source_identity: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// What the client calls itself.
    pub user_agent: UserAgent,
    /// Product and operation, as policies spell them: `kms:Encrypt`.
    pub action: Cow<'static, str>,
    /// The ARNs that the call was judged on. At most 64 are kept; where there were more, the last of
    /// these is `and <number> more`.
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

/// What a client calls itself: at most 72 bytes, with control characters escaped.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UserAgent(String);

impl Event {
    /// The event as one line of compact JSON, without the line's end. Also what the store keeps.
    #[must_use]
    pub fn to_row(&self) -> Vec<u8> {
        Called {
            at: self.at,
            request_id: &self.request_id,
            account: self.account.as_ref(),
            principal: [&self.principal, "", "", ""],
            access_key: self.access_key.as_ref(),
            source_identity: self.source_identity.as_deref(),
            source: self.source,
            user_agent: self.user_agent.as_str(),
            action: [&self.action, "", ""],
            resources: &self.resources,
            code: self.code.as_deref(),
            status: self.status,
            tls: self.tls,
            count: self.count,
        }
        .to_row()
    }

    /// Reads what [`Event::to_row`] wrote.
    pub fn from_row(row: &[u8]) -> Result<Self, Invalid> {
        serde_json::from_slice::<Line<'_>>(row).map_err(|_| Invalid)?.try_into()
    }
}

/// An event that is only written: all of it is somebody else's. See [`Event`].
#[derive(Clone, Copy, Debug)]
pub struct Called<'a, R> {
    /// When the call came.
    pub at: Timestamp,
    /// The id that the answer carries.
    pub request_id: &'a str,
    /// The account that called.
    pub account: Option<&'a AccountId>,
    /// Who called, in up to three parts.
    pub principal: [&'a str; 4],
    /// The access key that signed.
    pub access_key: Option<&'a AccessKeyId>,
    /// Who is behind a session.
    pub source_identity: Option<&'a str>,
    /// Where it came from.
    pub source: Source,
    /// What the client calls itself, as [`UserAgent`] has it.
    pub user_agent: &'a str,
    /// Product and operation, in up to three parts.
    pub action: [&'a str; 3],
    /// What the call was judged on.
    pub resources: &'a [R],
    /// Why it was refused.
    pub code: Option<&'a str>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Whether it came over TLS.
    pub tls: bool,
    /// How many calls it stands for.
    pub count: u64,
}

impl<R: AsRef<str>> Called<'_, R> {
    /// The event as [`Event::to_row`] has it. Short names, and nothing where there is nothing.
    #[must_use]
    pub fn to_row(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ROOM);
        // Writing to memory cannot fail.
        _ = write!(out, r#"{{"at":{}"#, self.at.unix_ms());
        if !self.request_id.is_empty() {
            member("id", &[self.request_id], &mut out);
        }
        if let Some(account) = self.account {
            member("account", &[account.as_str()], &mut out);
        }
        member("who", &self.principal, &mut out);
        if let Some(key) = self.access_key {
            member("key", &[key.as_str()], &mut out);
        }
        if let Some(behind) = self.source_identity {
            member("behind", &[behind], &mut out);
        }
        _ = write!(out, r#","from":"{}""#, self.source);
        if !self.user_agent.is_empty() {
            member("agent", &[self.user_agent], &mut out);
        }
        if self.action.iter().any(|it| !it.is_empty()) {
            member("action", &self.action, &mut out);
        }
        self.write_resources(&mut out);
        self.write_outcome(&mut out);
        out.push(b'}');
        out
    }

    fn write_resources(&self, out: &mut Vec<u8>) {
        for (nth, it) in self.resources.iter().enumerate() {
            out.extend_from_slice(if nth == 0 { br#","on":["# } else { b"," });
            let left = self.resources.len() - nth;
            // The very last one is written: what was cut once is not cut again.
            if left > 1 && (nth + 1 == MAX_RESOURCES || out.len() > MAX_BYTES) {
                quote(&[&format!("and {left} more")], out);
                break;
            }
            quote(&[start(it.as_ref(), MAX_RESOURCE)], out);
        }
        if !self.resources.is_empty() {
            out.push(b']');
        }
    }

    fn write_outcome(&self, out: &mut Vec<u8>) {
        if let Some(code) = self.code {
            member("code", &[code], out);
        }
        if self.status != 0 {
            _ = write!(out, r#","status":{}"#, self.status);
        }
        if self.tls {
            out.extend_from_slice(br#","tls":true"#);
        }
        if self.count != 1 {
            _ = write!(out, r#","count":{}"#, self.count);
        }
    }
}

/// Appends a name and a text that is cut where it is too long.
fn member(name: &str, parts: &[&str], out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    if parts.iter().map(|it| it.len()).sum::<usize>() <= MAX_TEXT {
        quote(parts, out);
    } else {
        quote(&[start(&parts.concat(), MAX_TEXT)], out);
    }
}

/// Appends a JSON string.
fn quote(parts: &[&str], out: &mut Vec<u8>) {
    // Without an early exit: the compiler then looks at many bytes at once.
    let special = |it: u8| it < b' ' || it == b'"' || it == b'\\';
    out.push(b'"');
    for part in parts {
        if part.bytes().fold(false, |any, it| any | special(it)) {
            // Writing a text to memory cannot fail.
            let quoted = serde_json::to_vec(part).unwrap_or_default();
            let within = quoted.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\""));
            out.extend_from_slice(within.unwrap_or_default());
        } else {
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.push(b'"');
}

impl UserAgent {
    /// Keeps what fits of `raw`.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        Self(Self::kept(raw.as_bytes()).into_owned())
    }

    /// What is kept of the bytes that a client sent: usually all of them, as they are.
    #[must_use]
    pub fn kept(raw: &[u8]) -> Cow<'_, str> {
        match std::str::from_utf8(raw) {
            Ok(text) if raw.len() <= MAX_USER_AGENT && !text.chars().any(char::is_control) => {
                text.into()
            }
            _ => escaped(&String::from_utf8_lossy(raw)).into(),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn escaped(raw: &str) -> String {
    let mut kept = String::with_capacity(raw.len().min(MAX_USER_AGENT));
    for c in raw.chars() {
        let before = kept.len();
        if c.is_control() {
            // Writing to a string cannot fail.
            _ = fmt::Write::write_fmt(&mut kept, format_args!("\\u{{{:x}}}", u32::from(c)));
        } else {
            kept.push(c);
        }
        if kept.len() > MAX_USER_AGENT {
            kept.truncate(before);
            break;
        }
    }
    kept
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

/// An event as it is read.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    at: i64,
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    account: Option<Cow<'a, str>>,
    #[serde(borrow)]
    who: Cow<'a, str>,
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    behind: Option<Cow<'a, str>>,
    from: String,
    #[serde(borrow, default)]
    agent: Cow<'a, str>,
    #[serde(borrow, default)]
    action: Cow<'a, str>,
    #[serde(default)]
    on: Vec<String>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    tls: bool,
    #[serde(default = "one")]
    count: u64,
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
            source_identity: it.behind.map(Cow::into_owned),
            source: it.from.parse()?,
            user_agent: UserAgent::new(&it.agent),
            action: it.action.into_owned().into(),
            resources: it.on,
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
            source_identity: None,
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
        let of_somebody = Event { source_identity: Some("alice@corp".to_owned()), ..event(3) };
        for it in [event(1), refused, of_somebody] {
            assert_eq!(Event::from_row(&it.to_row()), Ok(it));
        }
    }

    #[test]
    fn a_row_is_compact_json_without_what_is_not_there() {
        let row = |event: Event| String::from_utf8(event.to_row()).unwrap();
        let whole = r#"{"at":1795295000124,"id":"4C467B38-3910-447D-87BC-000000000001","account":"1540355698848459","who":"user/alice","key":"LTAI5tAbCdEfGhIjKlMnOpQr","from":"192.0.2.7","agent":"AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3","action":"kms:Encrypt","on":["acs:kms:cn-hangzhou:1540355698848459:key/key-hzz62f1cb66fa42qo7ftz"],"status":200,"tls":true}"#;
        assert_eq!(row(event(1)), whole);
        let count = Event {
            request_id: String::new(),
            account: None,
            access_key: None,
            user_agent: UserAgent::default(),
            action: "".into(),
            resources: vec!["a\"\\\u{1}密".to_owned(), "*".to_owned()],
            code: Some("Throttling".into()),
            status: 0,
            tls: false,
            count: 9,
            ..event(0)
        };
        let behind = Event { source_identity: Some("bob".to_owned()), ..event(1) };
        let expected = whole.replace(r#","from""#, r#","behind":"bob","from""#);
        assert_eq!(row(behind), expected);
        let count = row(count);
        let expected = r#"{"at":1795295000123,"who":"user/alice","from":"192.0.2.7","on":["a\"\\\u0001密","*"],"code":"Throttling","count":9}"#;
        assert_eq!(count, expected);
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
        assert_eq!(UserAgent::new(&"é".repeat(200)).as_str().len(), 72);
        assert!(UserAgent::new(&"\0".repeat(300)).as_str().len() <= 72);
        let long = Event {
            principal: "é".repeat(9999),
            action: "\n".repeat(9999).into(),
            resources: vec!["x".repeat(9999); 100],
            ..event(1)
        };
        let row = long.to_row();
        assert!(row.len() < 40_000 && !row.contains(&b'\n'), "{}", row.len());
        let read = Event::from_row(&row).unwrap();
        assert_eq!((read.principal.len(), read.resources.len()), (256, 64));
    }

    #[test]
    fn all_that_one_call_can_name_is_kept_and_a_cut_is_marked() {
        let named = |count: usize| (0..count).map(|it| format!("acs:kms:r:1:key/{it}"));
        let kept = |resources: Vec<String>| {
            let once = Event { resources, ..event(1) }.to_row();
            let read = Event::from_row(&once).unwrap();
            assert_eq!(read.to_row(), once, "what was cut is not cut again");
            read.resources
        };
        for count in [0, 1, 51, 64] {
            assert!(kept(named(count).collect()).into_iter().eq(named(count)), "{count}");
        }
        let cut = kept(named(70).collect());
        assert!(cut.iter().eq(&named(63).chain(["and 7 more".to_owned()]).collect::<Vec<_>>()));
        // Escaped, each takes six times its length.
        let large = kept(vec!["\u{1}".repeat(512); 64]);
        assert_eq!((large.len(), large.last().unwrap().as_str()), (23, "and 42 more"));
    }

    #[test]
    fn a_source_reads_as_it_is_written() {
        for text in ["192.0.2.7", "2001:db8::1", "192.0.2.0/24", "2001:db8::/64", "*"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        assert!("192.0.2.0/x".parse::<Source>().is_err());
    }
}
