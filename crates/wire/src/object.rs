//! JSON objects as clients send them: members in order, numbers as written, no name twice.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use yaoku_model::ids::Invalid;
use zeroize::Zeroizing;

/// The members of one JSON object, each value as it was written.
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads one object. A name that comes twice with different values is refused: readers differ
    /// in which of the two they take, and one of the two may not be what was checked.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Invalid> {
        serde_json::from_str(text).map_err(|_| Invalid)
    }

    /// Name and value as text, as [`text`] has it. Members that are `null` are left out.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Result<(&str, Zeroizing<String>), Invalid>> {
        self.present().map(|(name, value)| Ok((name, text(value)?)))
    }

    /// Name and value, where each value must be a string. Members that are `null` are left out.
    pub(crate) fn strings(
        &self,
    ) -> impl Iterator<Item = Result<(&str, Zeroizing<String>), Invalid>> {
        self.present().map(|(name, value)| Ok((name, string(value)?)))
    }

    fn present(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let present = self.0.iter().filter(|(_, value)| value.get() != "null");
        present.map(|(name, value)| (name.as_ref(), *value))
    }
}

/// The text of a value: a string's content, anything else as written, without the spaces between
/// tokens.
pub(crate) fn text(value: &RawValue) -> Result<Zeroizing<String>, Invalid> {
    match value.get().as_bytes().first() {
        Some(b'"') => string(value),
        Some(b'{' | b'[') => Ok(compact(value.get())),
        _ => Ok(value.get().to_owned().into()),
    }
}

fn string(value: &RawValue) -> Result<Zeroizing<String>, Invalid> {
    serde_json::from_str::<String>(value.get()).map(Zeroizing::new).map_err(|_| Invalid)
}

/// Valid JSON without the spaces between its tokens.
fn compact(json: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(json.len()));
    let (mut quoted, mut escaped) = (false, false);
    for c in json.chars() {
        if quoted || !c.is_ascii_whitespace() {
            out.push(c);
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
    }
    out
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

/// A name that may or may not have to be unescaped.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Reader {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            match seen.insert(name.clone(), value.get()) {
                None => members.push((name, value)),
                Some(first) if first == value.get() => {}
                Some(_) => return Err(M::Error::custom("one name, two values")),
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::Members;

    fn texts(json: &str) -> Vec<(String, String)> {
        let members = Members::parse(json).unwrap();
        members.texts().map(|it| it.unwrap()).map(|(k, v)| (k.to_owned(), v.to_string())).collect()
    }

    #[test]
    fn values_are_texts_as_written() {
        for (value, text) in [
            ("\"a\\u0062\\\"c\"", "ab\"c"),
            ("true", "true"),
            ("1.50", "1.50"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("[ 1, \"x y\" ]", "[1,\"x y\"]"),
            ("{ \"a\\\\\" : \" \\\" \" , \"b\": [ ] }", "{\"a\\\\\":\" \\\" \",\"b\":[]}"),
        ] {
            let json = format!("{{ \"n\" : {value} }}");
            assert_eq!(texts(&json), [("n".to_owned(), text.to_owned())], "{value}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for json in ["", "[]", "1", "{", "{}x", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}"] {
            assert!(Members::parse(json).is_err(), "{json}");
        }
        assert_eq!(texts("{\"a\":1,\"a\":1}").len(), 1);
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(texts("{\"a\":null}"), []);
    }
}
