//! Patterns: `*` is any characters or none, `?` is exactly one; both cross `/` and `:`.
//!
//! Source: identity.md §3.2. There is no escape.

/// A pattern, taken apart at its stars when the document is compiled.
///
/// A match goes over the text once: leftmost is best for every part, so nothing is tried again.
/// Only a part that holds `?` is compared at each place, so the worst is text × pattern steps,
/// both bounded by their limits.
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
    middle: Box<[Part]>,
    /// What the text ends with.
    end: Part,
}

/// Text without stars.
#[derive(Clone, Debug)]
struct Part {
    text: Box<str>,
    /// Whether it holds `?`.
    open: bool,
}

impl Pattern {
    /// Compiles `pattern`. Every text is a pattern.
    pub(super) fn new(pattern: &str) -> Self {
        let Some((head, rest)) = pattern.split_once('*') else {
            return Self { head: Part::new(pattern), rest: None };
        };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let middle = middle.split('*').filter(|it| !it.is_empty()).map(Part::new).collect();
        Self { head: Part::new(head), rest: Some(Tail { middle, end: Part::new(end) }) }
    }

    /// Whether the whole of `text` fits, exactly as written.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some(text) = self.head.strip_start(text) else { return false };
        let Some(rest) = &self.rest else { return text.is_empty() };
        let Some(text) = rest.end.strip_end(text) else { return false };
        rest.middle.iter().try_fold(text, |text, part| part.after_first(text)).is_some()
    }
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

    /// What follows the first place in `text` where this part stands.
    fn after_first<'t>(&self, text: &'t str) -> Option<&'t str> {
        if !self.open {
            let at = text.find(&*self.text)?;
            return text.get(at + self.text.len()..);
        }
        text.char_indices().find_map(|(at, _)| self.strip_start(text.get(at..)?))
    }
}

fn fits(pattern: char, text: Option<char>) -> bool {
    text.is_some_and(|it| pattern == '?' || pattern == it)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Pattern;

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
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_its_length() {
        let pattern = format!("{}b", "a*".repeat(3000));
        assert!(!Pattern::new(&pattern).matches(&"a".repeat(8192)));
        let pattern = format!("{}b", "*a?".repeat(2000));
        assert!(!Pattern::new(&pattern).matches(&"a".repeat(8192)));
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_definition(
            pattern in "[ab密*?]{0,8}",
            text in "[ab密/]{0,10}",
        ) {
            let expected = oracle(&chars(&pattern), &chars(&text));
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), expected);
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
