//! Names and values of a request, decoded: from the query, a form body or a JSON body.

use percent_encoding::percent_decode;
use yaoku_model::{ids::Invalid, text::Wiped};

use crate::object::Members;

/// All pairs of one request, in one buffer that is wiped on drop.
///
/// Those of the query come first; both parts are sorted bytewise by name, then by value.
pub(super) struct Pairs {
    bytes: Wiped,
    spans: Vec<Span>,
    /// How many of them came in the query.
    query: usize,
}

/// Where one pair lies in the buffer: the name, and right after it the value.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    middle: usize,
    end: usize,
}

/// A body, by what its content type makes of it.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// Not looked into.
    Opaque,
    /// `application/x-www-form-urlencoded`.
    Form(&'a [u8]),
    /// `application/json`: an object.
    Json(&'a [u8]),
}

impl Pairs {
    /// The most pairs of one request, query and body together. (Our choice: the largest operation
    /// takes a few dozen.)
    pub(super) const MAX: usize = 2000;

    /// Decodes a query and a body. Only JSON can be malformed. Pairs beyond one too many are left
    /// out: see [`Self::are_too_many`].
    pub(super) fn read(query: &[u8], body: Body<'_>) -> Result<Self, Invalid> {
        let mut pairs = Self::of_query(query);
        match body {
            Body::Opaque => {}
            Body::Form(form) => pairs.decode(form),
            Body::Json(json) => {
                let json = std::str::from_utf8(json).map_err(|_| Invalid)?;
                for member in Members::parse(json)?.texts().take(pairs.room()) {
                    let (name, value) = member?;
                    pairs.push(name.as_bytes(), value.as_bytes());
                }
            }
        }
        let from_query = pairs.query;
        pairs.sort(from_query);
        Ok(pairs)
    }

    /// Decodes a query alone.
    pub(super) fn of_query(query: &[u8]) -> Self {
        let bytes = Wiped::with_room(query.len());
        let mut pairs = Self { bytes, spans: Vec::with_capacity(8), query: 0 };
        pairs.decode(query);
        pairs.query = pairs.spans.len();
        pairs.sort(0);
        pairs
    }

    /// Whether there are more than [`Self::MAX`]: such a request must be refused.
    pub(super) fn are_too_many(&self) -> bool {
        self.spans.len() > Self::MAX
    }

    /// The pairs of the query, sorted.
    pub(super) fn of_the_query(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.spans[..self.query].iter().map(|it| self.pair(*it))
    }

    /// Query and body together, sorted, none twice.
    pub(super) fn merged(&self) -> Vec<(&[u8], &[u8])> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Every pair, the query's first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.spans.iter().map(|it| self.pair(*it))
    }

    /// The first value of `name`, if it is UTF-8.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.iter().find(|(it, _)| *it == name.as_bytes())?;
        std::str::from_utf8(value).ok()
    }

    /// How many more are read: up to one too many.
    fn room(&self) -> usize {
        (Self::MAX + 1).saturating_sub(self.spans.len())
    }

    fn pair(&self, span: Span) -> (&[u8], &[u8]) {
        (&self.bytes[span.start..span.middle], &self.bytes[span.middle..span.end])
    }

    fn sort(&mut self, from: usize) {
        let bytes = &self.bytes;
        self.spans[from..].sort_unstable_by(|a, b| {
            let key = |it: &Span| (&bytes[it.start..it.middle], &bytes[it.middle..it.end]);
            key(a).cmp(&key(b))
        });
    }

    /// Splits at `&` and the first `=`; `+` is a space. Never looks at the text before decoding.
    ///
    /// Source: identity.md §1.1.
    fn decode(&mut self, text: &[u8]) {
        self.bytes.reserve(text.len());
        let parts = text.split(|it| *it == b'&').filter(|it| !it.is_empty());
        for part in parts.take(self.room()) {
            let equals = part.iter().position(|it| *it == b'=');
            let (name, value) = equals.map_or((part, &[][..]), |at| (&part[..at], &part[at + 1..]));
            let start = self.bytes.len();
            self.unescape(name);
            let middle = self.bytes.len();
            self.unescape(value);
            self.spans.push(Span { start, middle, end: self.bytes.len() });
        }
    }

    fn unescape(&mut self, text: &[u8]) {
        // Names, and many values, are as they are.
        if !text.iter().any(|it| matches!(it, b'+' | b'%')) {
            return self.bytes.extend_from_slice(text);
        }
        for (nth, part) in text.split(|it| *it == b'+').enumerate() {
            if nth > 0 {
                self.bytes.push(b' ');
            }
            self.bytes.extend(percent_decode(part));
        }
    }

    fn push(&mut self, name: &[u8], value: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.spans.push(Span { start, middle, end: self.bytes.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, Pairs};

    fn decoded(query: &str) -> Vec<(String, String)> {
        let pairs = Pairs::of_query(query.as_bytes());
        let text = |it: &[u8]| String::from_utf8(it.to_vec()).unwrap();
        pairs.iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn what_clients_write_is_decoded_alike() {
        for (query, name, value) in [
            ("a=b%20c", "a", "b c"),
            ("a=b+c", "a", "b c"),
            ("a=b%2Bc", "a", "b+c"),
            ("a=b%2bc", "a", "b+c"),
            ("a=*!'()~:/", "a", "*!'()~:/"),
            ("a=b=c", "a", "b=c"),
            ("a=%zz%", "a", "%zz%"),
            ("a=", "a", ""),
            ("a", "a", ""),
            ("&a&&", "a", ""),
            ("%E5%90%8D+x=1", "名 x", "1"),
        ] {
            assert_eq!(decoded(query), [(name.to_owned(), value.to_owned())], "{query}");
        }
    }

    #[test]
    fn the_order_is_that_of_the_decoded_names() {
        let names: Vec<_> = decoded("b=1&a.1=2&%61=3&B=4").into_iter().map(|it| it.0).collect();
        assert_eq!(names, ["B", "a", "a.1", "b"]);
    }

    #[test]
    fn query_and_body_stay_apart_until_merged() {
        let pairs = Pairs::read(b"b=1&c=2", Body::Json(b"{\"a\":true,\"c\":\"2\"}")).unwrap();
        assert_eq!(pairs.of_the_query().count(), 2);
        let merged: [(&[u8], &[u8]); 3] = [(b"a", b"true"), (b"b", b"1"), (b"c", b"2")];
        assert_eq!(pairs.merged(), merged);
    }
}
