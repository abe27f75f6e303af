//! Where heads and bodies begin and end: pure functions over bytes, in hyper's own reading of HTTP/1.1
//! or stricter, so that the front and hyper never disagree.

use std::ops::Range;

use super::{http::Fault, lane::MARKER};

/// The longest request target. Source: identity.md §1.1 ("at least 256 KiB").
pub(super) const MAX_TARGET: usize = 256 * 1024;
/// The longest head: our choice.
pub(super) const MAX_HEAD: usize = 384 * 1024;
/// The longest target that hyper takes.
pub(super) const HYPER_TARGET: usize = 65_534;
/// As many as hyper parses.
const MAX_HEADERS: usize = 100;
/// Heads that are not whole yet are looked at for mistakes up to this many bytes.
const GLANCE: usize = 8 * 1024;
/// A chunk-size line that we follow has at most this many digits.
const MAX_CHUNK_DIGITS: usize = 8;

/// What the bytes at the place of a head are.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// Not yet all of it.
    Partial,
    /// A head that hyper takes, if the target is short and plain or replaced.
    Head(Head),
    /// No head that may be served.
    Refused(Fault),
}

/// One whole head.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Head {
    /// Bytes, up to and with the empty line.
    pub(super) len: usize,
    /// Where the target stands.
    pub(super) target: Range<usize>,
    /// Whether hyper gives the target back byte for byte.
    pub(super) plain: bool,
    /// How long the body is.
    pub(super) body: Framing,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Framing {
    /// After so many bytes; 0 if the head names no length.
    Length(u64),
    /// After the last chunk.
    Chunked,
}

/// Looks at a head. `seen` bytes of it were [`Verdict::Partial`] before: a long one that comes in small
/// pieces is not read from its start each time.
pub(super) fn examine(bytes: &[u8], seen: usize) -> Verdict {
    if seen == 0 || bytes.len() <= GLANCE || has_end(bytes, seen) {
        let verdict = parse(bytes);
        if verdict != Verdict::Partial {
            return verdict;
        }
    }
    if target_so_far(bytes) > MAX_TARGET {
        return Verdict::Refused(Fault::TargetTooLong);
    }
    if bytes.len() > MAX_HEAD {
        return Verdict::Refused(Fault::HeadTooLarge);
    }
    Verdict::Partial
}

fn has_end(bytes: &[u8], seen: usize) -> bool {
    let fresh = &bytes[seen.saturating_sub(3)..];
    let ends_line = |(at, byte): (usize, &u8)| {
        *byte == b'\n'
            && (fresh[at + 1..].starts_with(b"\n") || fresh[at + 1..].starts_with(b"\r\n"))
    };
    fresh.iter().enumerate().any(ends_line)
}

/// The length of the target as far as it is there.
fn target_so_far(bytes: &[u8]) -> usize {
    if bytes.len() <= MAX_TARGET {
        return 0;
    }
    let mut words = bytes.splitn(3, |byte| *byte == b' ' || *byte == b'\n');
    words.next();
    words.next().map_or(0, <[u8]>::len)
}

fn parse(bytes: &[u8]) -> Verdict {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let len = match request.parse(bytes) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Verdict::Partial,
        Err(httparse::Error::TooManyHeaders) => return Verdict::Refused(Fault::HeadTooLarge),
        Err(_) => return Verdict::Refused(Fault::BadRequest),
    };
    match judge(&request, len) {
        Ok(head) => Verdict::Head(head),
        Err(fault) => Verdict::Refused(fault),
    }
}

fn judge(request: &httparse::Request<'_, '_>, len: usize) -> Result<Head, Fault> {
    let (Some(method), Some(target)) = (request.method, request.path) else {
        return Err(Fault::BadRequest);
    };
    if target.len() > MAX_TARGET {
        return Err(Fault::TargetTooLong);
    }
    if len > MAX_HEAD {
        return Err(Fault::HeadTooLarge);
    }
    if http::Method::from_bytes(method.as_bytes()).is_err() {
        return Err(Fault::BadRequest);
    }
    let start = method.len() + 1;
    Ok(Head {
        len,
        target: start..start + target.len(),
        plain: is_plain(target),
        body: framing(request)?,
    })
}

/// What hyper gives back as it came: origin form, of bytes that `http::Uri` neither refuses nor cuts.
fn is_plain(target: &str) -> bool {
    let strange = |byte: u8| matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{'..=b'}' | 0x7f..);
    target.starts_with('/')
        && target.len() <= HYPER_TARGET
        // Without an early exit: the compiler then looks at many bytes at once.
        && !target.bytes().fold(false, |any, byte| any | strange(byte))
        && !target.starts_with(MARKER)
}

/// One `Content-Length` of digits, or one `Transfer-Encoding: chunked`, or neither.
/// Anything else is how requests are smuggled, so it is refused, also where hyper would take it.
fn framing(request: &httparse::Request<'_, '_>) -> Result<Framing, Fault> {
    let mut framing = None;
    for header in request.headers.iter() {
        // hyper refuses names that `http` cannot hold.
        if header.name.len() > usize::from(u16::MAX) {
            return Err(Fault::HeadTooLarge);
        }
        let found = if header.name.eq_ignore_ascii_case("content-length") {
            Framing::Length(length(header.value)?)
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if request.version != Some(1) || !header.value.eq_ignore_ascii_case(b"chunked") {
                return Err(Fault::BadRequest);
            }
            Framing::Chunked
        } else {
            continue;
        };
        if framing.replace(found).is_some() {
            return Err(Fault::BadRequest);
        }
    }
    Ok(framing.unwrap_or(Framing::Length(0)))
}

fn length(value: &[u8]) -> Result<u64, Fault> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Fault::BadRequest);
    }
    // Past what hyper counts in; no body limit is near it.
    if value.len() > 18 {
        return Err(Fault::BodyTooLarge);
    }
    std::str::from_utf8(value).ok().and_then(|it| it.parse().ok()).ok_or(Fault::BadRequest)
}

/// Where we are in a chunked body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Chunks {
    /// Before a size line.
    Size,
    /// So many bytes before the end of a chunk's data.
    Data(u64),
    /// Before the line end after a chunk's data.
    DataEnd,
    /// After `0`, before the empty line.
    Last,
}

/// One step through a chunked body.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// So many bytes belong to the body; go on like this after them.
    On(usize, Chunks),
    /// So many bytes end the body.
    End(usize),
    /// More bytes are needed to say.
    More,
    /// Extensions, trailers, or no chunks at all: hyper may read on, we do not follow.
    Odd,
}

impl Chunks {
    /// The next step, for `bytes` that begin at this place.
    pub(super) fn step(self, bytes: &[u8]) -> Step {
        match self {
            Self::Size => size_line(bytes),
            Self::Data(left) => {
                let there = bytes.len() as u64;
                if there < left {
                    return Step::On(bytes.len(), Self::Data(left - there));
                }
                usize::try_from(left).map_or(Step::Odd, |left| Step::On(left, Self::DataEnd))
            }
            Self::DataEnd => line_end(bytes, Step::On(2, Self::Size)),
            Self::Last => line_end(bytes, Step::End(2)),
        }
    }
}

fn size_line(bytes: &[u8]) -> Step {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits > MAX_CHUNK_DIGITS {
        return Step::Odd;
    }
    match line_end(&bytes[digits..], Step::End(2)) {
        Step::End(_) if digits > 0 => {}
        Step::More => return Step::More,
        _ => return Step::Odd,
    }
    let size = std::str::from_utf8(&bytes[..digits]).ok();
    match size.and_then(|it| u64::from_str_radix(it, 16).ok()) {
        Some(0) => Step::On(digits + 2, Chunks::Last),
        Some(size) => Step::On(digits + 2, Chunks::Data(size)),
        None => Step::Odd,
    }
}

fn line_end(bytes: &[u8], then: Step) -> Step {
    match bytes {
        [b'\r', b'\n', ..] => then,
        [] | [b'\r'] => Step::More,
        _ => Step::Odd,
    }
}
