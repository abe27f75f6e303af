//! The parameters of one call, whatever carried them: query, form body or JSON body.
//!
//! They may hold secrets: values are wiped on drop and `Debug` shows names only.

use std::{
    collections::BTreeMap,
    fmt,
    ops::{Bound, RangeInclusive},
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
    values: BTreeMap<String, Zeroizing<String>>,
    /// What stands before the names in a refusal: `Tag.1.` within a record, else nothing.
    path: String,
}

impl Params {
    /// The names not taken yet. `RegionId` is not among them: clients send it with any call.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str).filter(|it| *it != "RegionId")
    }

    /// The region that the client believes it talks to, not taken. Source: secrets.md §1.2.
    pub fn region(&self) -> Result<Option<Region>, Refusal> {
        let raw = self.values.get("RegionId").filter(|it| !it.is_empty());
        raw.map(|it| it.parse()).transpose().map_err(|Invalid| self.invalid("RegionId"))
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
        self.values.remove(name)
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
        let mut found = BTreeMap::new();
        for name in self.below(prefix) {
            if let Some(index) = index(&name[prefix.len() + 1..]) {
                found.extend(self.values.remove(&name).map(|it| (index, it)));
            }
        }
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
        let mut found: BTreeMap<u32, Self> = BTreeMap::new();
        for name in self.below(prefix) {
            let Some((at, member)) = name[prefix.len() + 1..].split_once('.') else { continue };
            let (Some(at), true) = (index(at), members.contains(&member)) else { continue };
            let Some(value) = self.values.remove(&name) else { continue };
            let record = found.entry(at).or_insert_with(|| self.record(prefix, at));
            record.values.insert(member.to_owned(), value);
        }
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
        let names = self.below(prefix);
        let found = names.iter().filter_map(|name| self.values.remove_entry(name));
        found.map(|(name, value)| (name[prefix.len() + 1..].to_owned(), value)).collect()
    }

    /// Adds one value. Refused, with the other value kept, if there is a different one.
    pub(crate) fn insert(&mut self, name: &str, value: Zeroizing<String>) -> Result<(), Invalid> {
        match self.values.get(name) {
            None => _ = self.values.insert(name.to_owned(), value),
            Some(same) if *same == value => {}
            Some(_) => return Err(Invalid),
        }
        Ok(())
    }

    /// Adds the members of a JSON object, as texts.
    pub(crate) fn insert_all(&mut self, members: &Members<'_>) -> Result<(), Invalid> {
        members.texts().try_for_each(|it| it.and_then(|(name, value)| self.insert(name, value)))
    }

    fn filled(&mut self, name: &str) -> Option<Zeroizing<String>> {
        self.values.remove(name).filter(|it| !it.is_empty())
    }

    /// The names that begin with `prefix` and a dot.
    fn below(&self, prefix: &str) -> Vec<String> {
        let from = self.values.range::<str, _>((Bound::Excluded(prefix), Bound::Unbounded));
        let names = from.map(|(name, _)| name).take_while(|it| it.starts_with(prefix));
        names.filter(|it| it.as_bytes().get(prefix.len()) == Some(&b'.')).cloned().collect()
    }

    /// The texts of the JSON array called `name`.
    fn array(&mut self, name: &str) -> Result<Vec<Zeroizing<String>>, Refusal> {
        let Some(raw) = self.filled(name) else { return Ok(Vec::new()) };
        let values: Vec<&RawValue> = serde_json::from_str(&raw).map_err(|_| self.invalid(name))?;
        let texts = values.into_iter().map(object::text);
        texts.collect::<Result<_, _>>().map_err(|Invalid| self.invalid(name))
    }

    fn record(&self, prefix: &str, at: u32) -> Self {
        Self { values: BTreeMap::new(), path: format!("{}{prefix}.{at}.", self.path) }
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
        let values = pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned().into()));
        Self { values: values.collect(), path: String::new() }
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
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
