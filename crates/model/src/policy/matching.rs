//! Patterns: `*` is any characters or none, `?` is exactly one; both cross `/` and `:`.
//!
//! Source: identity.md §3.2. There is no escape.

use std::collections::BTreeMap;

use super::work::Work;

/// A pattern, taken apart at its stars when the document is compiled.
///
/// A match goes over the text once: leftmost is best for every part, so nothing is tried again.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// What the text begins with; all of it when `rest` is `None`.
    head: Part,
    /// What follows the first star.
    rest: Option<Tail>,
}

#[derive(Clone, Debug)]
struct Tail {
    /// Between stars, in order. None is empty.
    middle: Box<[Middle]>,
    /// What the text ends with.
    end: Part,
}

/// Text between two stars, to be found anywhere.
#[derive(Clone, Debug)]
enum Middle {
    Plain(Box<str>),
    Open(Open),
}

/// Text with `?` that is looked for at all places at once: one bit for each of its characters.
#[derive(Clone, Debug)]
struct Open {
    /// Where each character stands, sorted by character.
    places: Box<[(char, u128)]>,
    /// Where `?` stands.
    any: u128,
    /// The last place.
    last: u128,
}

/// Text without stars, at the start or at the end.
#[derive(Clone, Debug)]
struct Part {
    text: Box<str>,
    /// Whether it holds `?`.
    open: bool,
}

impl Pattern {
    /// The most `?` in one pattern (our choice).
    const MAX_OPEN: usize = 64;

    /// Compiles `pattern`. Refused if it holds more `?` than [`Self::MAX_OPEN`], or one between
    /// two stars that are more than 128 characters apart.
    pub(super) fn new(pattern: &str) -> Result<Self, &'static str> {
        if pattern.matches('?').count() > Self::MAX_OPEN {
            return Err("A pattern holds more than 64 ?");
        }
        let Some((head, rest)) = pattern.split_once('*') else {
            return Ok(Self { head: Part::new(pattern), rest: None });
        };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let middle = middle.split('*').filter(|it| !it.is_empty()).map(Middle::new);
        let middle = middle.collect::<Result<_, _>>()?;
        Ok(Self { head: Part::new(head), rest: Some(Tail { middle, end: Part::new(end) }) })
    }

    /// Whether `text` fits any of `patterns`.
    pub(super) fn any(patterns: &[Self], text: &str, work: &Work) -> bool {
        work.spend(Work::LOOK * patterns.len());
        patterns.iter().any(|it| it.matches(text, work))
    }

    /// The memory that it takes, in bytes.
    pub(super) fn size_in_bytes(&self) -> usize {
        let tail = self.rest.as_ref().map_or(0, |it| {
            let middle: usize = it.middle.iter().map(Middle::size_in_bytes).sum();
            middle + it.end.text.len()
        });
        size_of::<Self>() + self.head.text.len() + tail
    }

    /// What every text that fits ends with.
    pub(super) fn ending(&self) -> Ending {
        let end = self.rest.as_ref().map_or(&self.head, |it| &it.end);
        let plain = end.text.rsplit('?').next().unwrap_or_default();
        let mask = match plain.len() {
            0 => 0,
            len @ 1..8 => (1 << (8 * len)) - 1,
            _ => u64::MAX,
        };
        Ending { bytes: ending_of(plain), mask }
    }

    /// Whether the whole of `text` fits, exactly as written. If `work` is used up by it, or was, the
    /// answer means nothing.
    fn matches(&self, text: &str, work: &Work) -> bool {
        let Some(text) = self.head.strip_start(text) else { return false };
        let Some(rest) = &self.rest else { return text.is_empty() };
        let Some(text) = rest.end.strip_end(text) else { return false };
        rest.middle.is_empty() || rest.is_within(text, work)
    }
}

impl Tail {
    /// Whether the parts between stars stand in `text` one after another. Most patterns never come
    /// here, and are compared quicker if it is apart.
    #[inline(never)]
    fn is_within(&self, text: &str, work: &Work) -> bool {
        self.middle.iter().try_fold(text, |text, part| part.after_first(text, work)).is_some()
    }
}

/// The last eight bytes that a text must have, as far as a pattern says: to pass over, at the cost
/// of one comparison, most of what does not fit. The default fits every text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ending {
    bytes: u64,
    /// Which of them count: the last ones.
    mask: u64,
}

impl Ending {
    /// Whether a text with this [`ending_of`] may fit. If not, it does not.
    pub(super) const fn may_be(self, ending: u64) -> bool {
        ending & self.mask == self.bytes
    }
}

/// The last eight bytes of `text`, zeros before it if it is shorter.
pub(super) fn ending_of(text: &str) -> u64 {
    let last = &text.as_bytes()[text.len().saturating_sub(8)..];
    last.iter().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

impl Middle {
    fn new(text: &str) -> Result<Self, &'static str> {
        if text.contains('?') {
            Open::new(text).map(Self::Open)
        } else {
            Ok(Self::Plain(text.into()))
        }
    }

    fn size_in_bytes(&self) -> usize {
        let apart = match self {
            Self::Plain(text) => text.len(),
            Self::Open(open) => size_of_val(&*open.places),
        };
        size_of::<Self>() + apart
    }

    /// What follows the first place in `text` where this part stands. Only here does a pattern look
    /// at more of a text than is as long as itself: so it is here that it pays by the byte.
    fn after_first<'t>(&self, text: &'t str, work: &Work) -> Option<&'t str> {
        if work.is_used_up() {
            return None;
        }
        let (after, byte) = match self {
            Self::Plain(part) => (after_plain(part, text), Work::BYTE),
            Self::Open(part) => (part.after_first(text), Work::SLOW_BYTE),
        };
        work.spend(Work::FIND + byte * (text.len() - after.map_or(0, str::len)));
        after
    }
}

impl Open {
    fn new(text: &str) -> Result<Self, &'static str> {
        let (mut places, mut any, mut place) = (BTreeMap::new(), 0, 0_u128);
        for (nth, it) in text.chars().enumerate() {
            if nth >= 128 {
                return Err("A pattern holds a ? between two * that are over 128 characters apart");
            }
            place = 1 << nth;
            *(if it == '?' { &mut any } else { places.entry(it).or_default() }) |= place;
        }
        Ok(Self { places: places.into_iter().collect(), any, last: place })
    }

    fn after_first<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut reached = 0;
        let mut rest = text.chars();
        while let Some(it) = rest.next() {
            let found = self.places.binary_search_by_key(&it, |(at, _)| *at).ok();
            let places = found.and_then(|it| self.places.get(it)).map_or(0, |(_, places)| *places);
            reached = (reached << 1 | 1) & (places | self.any);
            if reached & self.last != 0 {
                return Some(rest.as_str());
            }
        }
        None
    }
}

/// Unlike `split_once`, this prepares nothing for a text that is as short as an ARN.
fn after_plain<'t>(part: &str, text: &'t str) -> Option<&'t str> {
    let at = memchr::memmem::find(text.as_bytes(), part.as_bytes())?;
    text.get(at + part.len()..)
}

impl Part {
    fn new(text: &str) -> Self {
        Self { text: text.into(), open: text.contains('?') }
    }

    /// What follows this part, if `text` begins with it.
    fn strip_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        if !self.open {
            return text.strip_prefix(&*self.text);
        }
        let mut rest = text.chars();
        self.text.chars().all(|it| fits(it, rest.next())).then_some(rest.as_str())
    }

    /// What comes before this part, if `text` ends with it.
    fn strip_end<'t>(&self, text: &'t str) -> Option<&'t str> {
        if !self.open {
            return text.strip_suffix(&*self.text);
        }
        let mut rest = text.chars();
        self.text.chars().rev().all(|it| fits(it, rest.next_back())).then_some(rest.as_str())
    }
}

fn fits(pattern: char, text: Option<char>) -> bool {
    text.is_some_and(|it| pattern == '?' || pattern == it)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Pattern, Work, ending_of};

    #[test]
    fn wildcards_cross_slashes_and_colons() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
            ("?", "", false),
            ("?", "密", true),
            ("??", "密", false),
            ("acs:kms:*:*:key*", "acs:kms:cn-hangzhou:1:key", true),
            ("acs:kms:*:*:key*", "acs:kms:cn-hangzhou:1:key/a", true),
            ("acs:kms:*:*:key*", "acs:kms:cn-hangzhou:1:keystore/a", true),
            ("acs:kms:*:*:key*", "acs:kms:cn-hangzhou:1:secret/a", false),
            ("a?c", "a/c", true),
            ("a?c", "a:c", true),
            ("a*a", "a", false),
            ("a*?", "a", false),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "abab", true),
            ("*a?c*", "aacabcx", true),
            ("A", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn an_ending_passes_over_only_what_does_not_fit() {
        for (pattern, text, expected) in [
            ("acs:kms:*:*:key/key-bench-1", "acs:kms:r:1:key/key-bench-2", false),
            ("acs:kms:*:*:key/key-bench-1", "acs:kms:r:1:key/key-bench-1", true),
            ("*:a?c", "acs:kms:r:1:abd", false),
            ("*:a?c", "acs:kms:r:1:abc", true),
            ("a?", "xyz", true),
            ("*", "", true),
            ("abc", "bc", false),
            ("", "x", true),
        ] {
            let ending = Pattern::new(pattern).unwrap().ending();
            assert_eq!(ending.may_be(ending_of(text)), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_its_length() {
        let (text, long) = ("a".repeat(8192), "a".repeat(126));
        for pattern in [
            format!("{}b", "a*".repeat(3000)),
            format!("{}b", "*a?".repeat(64)),
            format!("*{long}?b*"),
            format!("*{}b*", "?".repeat(64)),
            format!("{}*{}b*", "?".repeat(32), "a?".repeat(32)),
        ] {
            assert!(!fits(&pattern, &text), "{pattern}");
        }
        assert!(fits(&format!("*{long}?a*"), &text));
    }

    #[test]
    fn a_pattern_that_would_cost_too_much_is_refused() {
        let long = "a".repeat(128);
        for pattern in ["?".repeat(65), "*?".repeat(65), format!("*{long}?*")] {
            assert!(Pattern::new(&pattern).is_err(), "{pattern}");
        }
        for pattern in ["?".repeat(64), format!("{long}?*?{long}"), format!("*{long}{long}*?")] {
            assert!(Pattern::new(&pattern).is_ok(), "{pattern}");
        }
    }

    /// Whether `text` fits, however long it takes to see it.
    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(text, &Work::of(u32::MAX))
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_definition(
            pattern in "[ab密*?]{0,12}",
            text in "[ab密/]{0,14}",
        ) {
            let expected = oracle(&chars(&pattern), &chars(&text));
            let read = Pattern::new(&pattern).unwrap();
            prop_assert_eq!(fits(&pattern, &text), expected);
            prop_assert!(!expected || read.ending().may_be(ending_of(&text)), "passed over");
        }

        /// Most texts of the test above fit nothing: these are made to fit, or nearly.
        #[test]
        fn finds_what_was_made_to_fit(
            parts in prop::collection::vec(("[ab]{0,3}", "[ab密/]{0,4}"), 1..5),
            change in any::<prop::sample::Index>(),
        ) {
            let end = &parts[0].0;
            let pattern: String = parts.iter().flat_map(|it| [&*it.0, "*"]).collect();
            let text: String = parts.iter().flat_map(|it| [&*it.0, &*it.1]).collect();
            let (pattern, text) = (format!("{pattern}{end}"), format!("{text}{end}"));
            prop_assert!(fits(&pattern, &text), "{pattern} {text}");
            let mut other = chars(&text);
            if !other.is_empty() {
                let at = change.index(other.len());
                other[at] = 'b';
                let expected = oracle(&chars(&pattern), &other);
                let other: String = other.into_iter().collect();
                prop_assert_eq!(fits(&pattern, &other), expected);
            }
        }
    }

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    /// The definition, word for word: slow and plain.
    fn oracle(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            (['*', rest @ ..], _) => (0..=text.len()).any(|at| oracle(rest, &text[at..])),
            ([first, rest @ ..], [other, left @ ..]) => {
                (*first == '?' || first == other) && oracle(rest, left)
            }
            (_, []) => false,
        }
    }
}
