//! JSON as policies need it: a member given twice is seen, not overwritten.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// Numbers from here on have no exact value once read as a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A JSON value, its members in their order and all of them kept.
///
/// Nesting is bounded by the reader: 128 levels. The grammar itself needs six.
#[derive(Debug)]
pub(super) enum Json {
    /// A string.
    Text(String),
    /// A number or boolean, as text. A policy may leave out its quotes: identity.md §3.1.
    Bare(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
    /// `null`, or a number too long to be read exactly: allowed nowhere.
    Other,
}

impl Json {
    /// The value of `text`, if it is JSON and nothing follows.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The members of an object, if it is one.
    pub(super) fn members(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether this value, at any depth, has an object with one name twice.
    pub(super) fn repeats_a_member(&self) -> bool {
        match self {
            Self::List(items) => items.iter().any(Self::repeats_a_member),
            Self::Object(members) => {
                let mut seen = HashSet::new();
                members.iter().any(|(name, value)| !seen.insert(name) || value.repeats_a_member())
            }
            Self::Text(_) | Self::Bare(_) | Self::Other => false,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bare(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Bare(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Bare(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(if value.abs() < EXACT { Json::Bare(value.to_string()) } else { Json::Other })
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn a_member_given_twice_is_seen_at_any_depth_and_in_any_spelling() {
        for (text, expected) in [
            (r#"{"a":1,"a":2}"#, true),
            (r#"{"a":1,"\u0061":2}"#, true),
            (r#"[{"x":{"a":1,"a":1}}]"#, true),
            (r#"{"a":{"a":1},"A":1}"#, false),
        ] {
            assert_eq!(Json::parse(text).unwrap().repeats_a_member(), expected, "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(Json::parse(&"[".repeat(100_000)).is_none());
        assert!(Json::parse(&format!("{}{}", "[".repeat(200), "]".repeat(200))).is_none());
    }

    #[test]
    fn a_number_without_an_exact_value_is_not_a_number() {
        assert!(matches!(Json::parse("18446744073709551616"), Some(Json::Other)));
        assert!(matches!(Json::parse("1.5"), Some(Json::Bare(it)) if it == "1.5"));
        assert!(Json::parse("1e400").is_none());
    }
}
