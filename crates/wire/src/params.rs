//! The parameters of one call, whatever carried them: query, form body or JSON body.
//!
//! They may hold secrets: values are wiped on drop and `Debug` shows names only.

use std::{
    collections::BTreeMap,
    fmt,
    ops::{Range, RangeInclusive},
    str::FromStr,
};

use serde_json::{Value, value::RawValue};
use yaoku_model::ids::{Invalid, Region};
use zeroize::Zeroizing;

use crate::{
    error::{Code, Refusal},
    object::{self, Members},
};

/// Longest map that a parameter may hold, in characters of its JSON text. Source: keys.md §9.3.
pub const MAX_MAP_CHARS: usize = 8192;

/// The effective parameters of one call, or the members of one record of a list.
///
/// Each accessor *takes* what it reads, so that [`Params::left`] tells what nobody asked for.
#[derive(Default)]
pub struct Params {
    /// Sorted by name, none twice.
    values: Vec<(String, Zeroizing<String>)>,
    /// What stands before the names in a refusal: `Tag.1.` within a record, else nothing.
    path: String,
}

impl Params {
    /// The names not taken yet. `RegionId` is not among them: clients send it with any call.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| name.as_str()).filter(|it| *it != "RegionId")
    }

    /// The region that the client believes it talks to, not taken. Source: secrets.md §1.2.
    pub fn region(&self) -> Result<Option<Region>, Refusal> {
        let place = self.place("RegionId").ok();
        let raw = place.and_then(|at| self.values.get(at)).filter(|(_, it)| !it.is_empty());
        raw.map(|(_, it)| it.parse()).transpose().map_err(|Invalid| self.invalid("RegionId"))
    }

    /// Takes a parameter that must be there. An empty value counts as absent.
    pub fn required<T: FromStr<Err = Invalid>>(&mut self, name: &str) -> Result<T, Refusal> {
        self.optional(name)?.ok_or_else(|| self.missing(name))
    }

    /// Takes a parameter that may be absent. An empty value counts as absent.
    ///
    /// Source: secrets.md §1.2.
    pub fn optional<T: FromStr<Err = Invalid>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, Refusal> {
        let raw = self.filled(name);
        raw.map(|it| it.parse()).transpose().map_err(|Invalid| self.invalid(name))
    }

    /// Takes a parameter as it came: present but empty is `Some("")`.
    pub fn text(&mut self, name: &str) -> Option<Zeroizing<String>> {
        self.place(name).ok().map(|at| self.values.remove(at).1)
    }

    /// A parameter as it came, not taken: for what must be known before there is an operation.
    #[must_use]
    pub fn peek(&self, name: &str) -> Option<&str> {
        let at = self.place(name).ok()?;
        self.values.get(at).map(|(_, value)| value.as_str())
    }

    /// Takes `true` or `false`, in any case: Python sends `True`. Source: keys.md §1.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(raw) = self.filled(name) else { return Ok(None) };
        match () {
            () if raw.eq_ignore_ascii_case("true") => Ok(Some(true)),
            () if raw.eq_ignore_ascii_case("false") => Ok(Some(false)),
            () => Err(self.invalid(name)),
        }
    }

    /// Takes a whole number in decimal text, within `range`. Source: keys.md §1.
    pub fn integer(
        &mut self,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Refusal> {
        let Some(raw) = self.filled(name) else { return Ok(None) };
        let digits = raw.strip_prefix('-').unwrap_or(&raw);
        let decimal = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
        let number = raw.parse().ok().filter(|it| decimal && range.contains(it));
        number.map(Some).ok_or_else(|| self.invalid(name))
    }

    /// Takes `<prefix>.1`, `<prefix>.2`, …: any indices, in ascending order, gaps allowed.
    ///
    /// Also takes a JSON array under the bare name, as a JSON body carries it.
    /// Source: keys.md §1 (order and gaps: inferred there; the array: our choice).
    pub fn list<T: FromStr<Err = Invalid>>(&mut self, prefix: &str) -> Result<Vec<T>, Refusal> {
        let (mut found, mut others) = (BTreeMap::new(), Vec::new());
        for (name, value) in self.take_below(prefix) {
            match index(&name[prefix.len() + 1..]) {
                Some(index) => _ = found.insert(index, value),
                None => others.push((name, value)),
            }
        }
        self.put_back(others);
        let bare = self.array(prefix)?;
        if !found.is_empty() && !bare.is_empty() {
            return Err(self.invalid(prefix));
        }
        let parsed = found.into_values().chain(bare).map(|it| it.parse());
        parsed.collect::<Result<_, _>>().map_err(|Invalid| self.invalid(prefix))
    }

    /// Takes `<prefix>.1.<member>`, `<prefix>.2.<member>`, … for the `members` named.
    ///
    /// Order and the JSON array under the bare name are as in [`Params::list`]. Other members stay.
    pub fn records(&mut self, prefix: &str, members: &[&str]) -> Result<Vec<Self>, Refusal> {
        let (mut found, mut others): (BTreeMap<u32, Self>, _) = (BTreeMap::new(), Vec::new());
        for (name, value) in self.take_below(prefix) {
            let member = name[prefix.len() + 1..].split_once('.');
            let member = member.and_then(|(at, member)| Some((index(at)?, member)));
            match member.filter(|(_, it)| members.contains(it)) {
                // Those of one record come in order.
                Some((at, member)) => {
                    let record = found.entry(at).or_insert_with(|| self.record(prefix, at));
                    record.values.push((member.to_owned(), value));
                }
                None => others.push((name, value)),
            }
        }
        self.put_back(others);
        let bare = self.array(prefix)?;
        if !found.is_empty() && !bare.is_empty() {
            return Err(self.invalid(prefix));
        }
        for (at, text) in (1..).zip(bare) {
            let mut record = self.record(prefix, at);
            let read = Members::parse(&text).and_then(|it| record.insert_all(&it));
            read.map_err(|Invalid| self.invalid(prefix))?;
            found.insert(at, record);
        }
        Ok(found.into_values().collect())
    }

    /// Takes a parameter that holds JSON. An empty value counts as absent.
    pub fn json(&mut self, name: &str) -> Result<Option<Value>, Refusal> {
        let Some(raw) = self.filled(name) else { return Ok(None) };
        serde_json::from_str(&raw).map(Some).map_err(|_| self.invalid(name))
    }

    /// Takes a map of texts: `<name>.<key>=<value>` for each key, or a JSON object under `name`.
    ///
    /// `None` for absent, empty, `{}` and `null`: clients spell "no context" in all four ways.
    /// Members that are `null` are left out; anything else that is no string is refused, and so is
    /// a map of more than [`MAX_MAP_CHARS`]. Source: keys.md §1, §9.3.
    pub fn map(
        &mut self,
        name: &str,
    ) -> Result<Option<BTreeMap<String, Zeroizing<String>>>, Refusal> {
        let flat = self.prefixed(name);
        let raw = self.filled(name).filter(|it| *it.trim_ascii() != *"null");
        let map = match raw {
            None => flat,
            Some(_) if !flat.is_empty() => return Err(self.invalid(name)),
            Some(raw) if raw.chars().count() > MAX_MAP_CHARS => return Err(self.invalid(name)),
            Some(raw) => Members::parse(&raw)
                .and_then(|it| it.strings().map(|it| it.map(|(k, v)| (k.to_owned(), v))).collect())
                .map_err(|Invalid| self.invalid(name))?,
        };
        if flat_chars(&map) > MAX_MAP_CHARS {
            return Err(self.invalid(name));
        }
        Ok(Some(map).filter(|it| !it.is_empty()))
    }

    /// Takes everything called `<prefix>.…`; the names come without the prefix and its dot.
    pub fn prefixed(&mut self, prefix: &str) -> BTreeMap<String, Zeroizing<String>> {
        let found = self.take_below(prefix).into_iter();
        found.map(|(name, value)| (name[prefix.len() + 1..].to_owned(), value)).collect()
    }

    /// Parameters of these values. Refused if one name has two of them.
    pub(crate) fn of(values: Vec<(String, Zeroizing<String>)>) -> Result<Self, Invalid> {
        let mut params = Self { values, path: String::new() };
        params.settle()?;
        Ok(params)
    }

    /// Adds the members of a JSON object, as texts. Refused if one name then has two values.
    pub(crate) fn insert_all(&mut self, members: &Members<'_>) -> Result<(), Invalid> {
        for member in members.texts() {
            let (name, value) = member?;
            self.values.push((name.to_owned(), value));
        }
        self.settle()
    }

    /// Sorts. The same name twice is fine if the values are the same.
    fn settle(&mut self) -> Result<(), Invalid> {
        self.sort();
        self.values.dedup();
        let twice = self.values.windows(2).any(|it| matches!(it, [(a, _), (b, _)] if a == b));
        if twice { Err(Invalid) } else { Ok(()) }
    }

    fn sort(&mut self) {
        self.values.sort_by(|(one, _), (other, _)| one.cmp(other));
    }

    /// Where `name` is, or would be.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.values.binary_search_by(|(it, _)| it.as_str().cmp(name))
    }

    fn filled(&mut self, name: &str) -> Option<Zeroizing<String>> {
        self.text(name).filter(|it| !it.is_empty())
    }

    /// Takes what is called `prefix`, a dot and more.
    fn take_below(&mut self, prefix: &str) -> Vec<(String, Zeroizing<String>)> {
        let range = self.below(prefix);
        self.values.drain(range).collect()
    }

    /// Where the names are that begin with `prefix` and a dot: side by side, as they are sorted.
    fn below(&self, prefix: &str) -> Range<usize> {
        let rest = |name: &str| name.strip_prefix(prefix).map(|it| it.as_bytes().first().copied());
        let before = |name: &str| name < prefix || rest(name).is_some_and(|it| it < Some(b'.'));
        let within = |name: &str| before(name) || rest(name) == Some(Some(b'.'));
        let start = self.values.partition_point(|(name, _)| before(name));
        start..self.values.partition_point(|(name, _)| within(name))
    }

    /// Puts back what was taken and nobody asked for.
    fn put_back(&mut self, values: Vec<(String, Zeroizing<String>)>) {
        if !values.is_empty() {
            self.values.extend(values);
            self.sort();
        }
    }

    /// The texts of the JSON array called `name`.
    fn array(&mut self, name: &str) -> Result<Vec<Zeroizing<String>>, Refusal> {
        let Some(raw) = self.filled(name) else { return Ok(Vec::new()) };
        let values: Vec<&RawValue> = serde_json::from_str(&raw).map_err(|_| self.invalid(name))?;
        let texts = values.into_iter().map(object::text);
        texts.collect::<Result<_, _>>().map_err(|Invalid| self.invalid(name))
    }

    fn record(&self, prefix: &str, at: u32) -> Self {
        Self { values: Vec::new(), path: format!("{}{prefix}.{at}.", self.path) }
    }

    fn missing(&self, name: &str) -> Refusal {
        Refusal::parameter(Code::MissingParameter, &format!("{}{name}", self.path))
    }

    fn invalid(&self, name: &str) -> Refusal {
        Refusal::parameter(Code::InvalidParameter, &format!("{}{name}", self.path))
    }
}

/// A list index: decimal, at most nine digits, without leading zeros.
fn index(text: &str) -> Option<u32> {
    let plain = text == "0" || !text.starts_with('0');
    let fits = (1..=9).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    if plain && fits { text.parse().ok() } else { None }
}

/// The length of a map as compact JSON, escapes not counted.
fn flat_chars(map: &BTreeMap<String, Zeroizing<String>>) -> usize {
    const PUNCTUATION: usize = "\"\":\"\",".len();
    map.iter().map(|(k, v)| k.chars().count() + v.chars().count() + PUNCTUATION).sum::<usize>() + 1
}

impl<'a> FromIterator<(&'a str, &'a str)> for Params {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        // As in a map: the last value of a name counts.
        let values = pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned().into()));
        let values: BTreeMap<String, Zeroizing<String>> = values.collect();
        Self { values: values.into_iter().collect(), path: String::new() }
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_MAP_CHARS, Params};
    use crate::error::Code;
    use yaoku_model::ids::SecretName;

    fn params<const N: usize>(pairs: [(&str, &str); N]) -> Params {
        pairs.into_iter().collect()
    }

    #[test]
    fn a_refusal_names_the_parameter_but_not_its_value() {
        let mut params = params([("SecretName", "no such char: \u{7f}")]);
        let refusal = params.required::<SecretName>("SecretName").unwrap_err();
        assert_eq!(refusal.code(), Code::InvalidParameter);
        assert_eq!(refusal.message(), "The specified parameter \"SecretName\" is not valid.");
        let refusal = params.required::<SecretName>("SecretName").unwrap_err();
        assert_eq!(refusal.code(), Code::MissingParameter);
    }

    #[test]
    fn empty_is_absent_except_as_a_text() {
        let empty = || params([("A", "")]);
        assert_eq!(empty().optional::<SecretName>("A"), Ok(None));
        assert_eq!(empty().flag("A"), Ok(None));
        assert_eq!(empty().integer("A", 0..=1), Ok(None));
        assert_eq!(empty().json("A"), Ok(None));
        assert_eq!(empty().text("A").unwrap().as_str(), "");
        assert_eq!(params([]).text("A"), None);
    }

    #[test]
    fn flags_are_true_or_false_in_any_case() {
        for (text, expected) in [("true", true), ("True", true), ("FALSE", false)] {
            assert_eq!(params([("A", text)]).flag("A"), Ok(Some(expected)));
        }
        for text in ["1", "yes", " true"] {
            assert!(params([("A", text)]).flag("A").is_err(), "{text}");
        }
    }

    #[test]
    fn integers_are_decimal_and_within_range() {
        for (text, expected) in [("1", Some(1)), ("100", Some(100)), ("007", Some(7))] {
            assert_eq!(params([("A", text)]).integer("A", 1..=100).ok().flatten(), expected);
        }
        for text in ["0", "101", "-1", "+1", "1.0", "1e1", "x", " 1", "99999999999999999999"] {
            assert!(params([("A", text)]).integer("A", 1..=100).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_go_by_index_and_may_have_gaps() {
        let mut sent =
            params([("R.10", "c"), ("R.2", "b"), ("R.1", "a"), ("R.x", "?"), ("R.01", "?")]);
        let names = sent.list::<SecretName>("R").unwrap();
        assert_eq!(names.iter().map(SecretName::as_str).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(sent.left().collect::<Vec<_>>(), ["R.01", "R.x"]);
        let mut sent = params([("R", "[\"a\",\"b\"]")]);
        assert_eq!(sent.list::<SecretName>("R").unwrap().len(), 2);
        assert!(params([("R", "a")]).list::<SecretName>("R").is_err());
        assert!(params([("R", "[\"a\"]"), ("R.1", "a")]).list::<SecretName>("R").is_err());
    }

    #[test]
    fn records_say_which_of_them_is_wrong() {
        let members = ["Key", "Value"];
        let mut sent = params([("Tag.1.Key", "a"), ("Tag.1.Value", ""), ("Tag.3.Value", "c")]);
        let mut tags = sent.records("Tag", &members).unwrap();
        assert_eq!(tags.len(), 2);
        assert_eq!(tags[0].text("Key").unwrap().as_str(), "a");
        let refusal = tags[1].required::<SecretName>("Key").unwrap_err();
        assert_eq!(refusal.message(), "The parameter \"Tag.3.Key\" is needed but not provided.");
        let mut sent = params([("Tag", "[{\"Key\":\"a\",\"Value\":\"b\"}]")]);
        assert_eq!(sent.records("Tag", &members).unwrap()[0].text("Value").unwrap().as_str(), "b");
    }

    #[test]
    fn no_context_has_four_spellings() {
        for pairs in
            [&[][..], &[("C", "")], &[("C", "{}")], &[("C", "null")], &[("C", "{\"a\":null}")]]
        {
            let mut sent: Params = pairs.iter().copied().collect();
            assert_eq!(sent.map("C"), Ok(None), "{pairs:?}");
        }
    }

    #[test]
    fn a_map_is_the_same_however_it_came() {
        let as_json =
            params([("C", " {\"k\": \"v\", \"ключ\":\"\", \"n\":null}")]).map("C").unwrap();
        let flat = params([("C.k", "v"), ("C.ключ", "")]).map("C").unwrap();
        assert_eq!(as_json, flat);
        assert_eq!(flat.unwrap().len(), 2);
    }

    #[test]
    fn a_map_holds_strings_only_and_not_too_many() {
        for text in [
            "[]",
            "1",
            "x",
            "{\"a\":1}",
            "{\"a\":[]}",
            "{\"a\":{}}",
            "{\"a\":true}",
            "{\"a\":\"1\",\"a\":\"2\"}",
        ] {
            assert!(params([("C", text)]).map("C").is_err(), "{text}");
        }
        let of = |len: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(len - 8));
        assert!(params([("C", &of(MAX_MAP_CHARS))]).map("C").is_ok());
        assert!(params([("C", &of(MAX_MAP_CHARS + 1))]).map("C").is_err());
        assert!(params([("C.a", &"x".repeat(MAX_MAP_CHARS))]).map("C").is_err());
        assert!(params([("C.a", "x"), ("C", "{\"a\":\"x\"}")]).map("C").is_err());
    }

    #[test]
    fn what_begins_with_a_prefix_is_taken_without_it() {
        let mut sent = params([("E.C.a", "1"), ("E.C.b.c", "2"), ("E.Cx", "3"), ("E.C", "4")]);
        let taken = sent.prefixed("E.C");
        assert_eq!(taken.keys().collect::<Vec<_>>(), ["a", "b.c"]);
        assert_eq!(sent.left().collect::<Vec<_>>(), ["E.C", "E.Cx"]);
    }

    #[test]
    fn the_region_is_there_but_never_left_over() {
        let sent = params([("RegionId", "cn-hangzhou")]);
        assert_eq!(sent.left().count(), 0);
        assert_eq!(sent.region().unwrap().unwrap().as_str(), "cn-hangzhou");
    }

    #[test]
    fn debug_shows_names_only() {
        let text = format!("{:?}", params([("SecretData", "canary")]));
        assert!(text.contains("SecretData") && !text.contains("canary"), "{text}");
    }
}
