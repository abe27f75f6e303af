//! The fields of one response, before JSON or XML.
//!
//! They may hold secrets: values are wiped on drop and `Debug` shows names only.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// The fields of a response or of an object in it, in the order in which they are written.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Fields(Vec<(&'static str, Value)>);

/// What a field holds.
#[derive(Clone, Eq, PartialEq)]
pub(crate) enum Value {
    /// A text: quoted in JSON.
    Text(Zeroizing<String>),
    /// A number or a boolean: not quoted in JSON.
    Plain(Cow<'static, str>),
    /// Fields within.
    Object(Fields),
    /// An array in JSON, an element for each entry in XML.
    List(Vec<Value>),
}

impl Value {
    fn size_in_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + 2,
            Self::Plain(plain) => plain.len(),
            Self::Object(fields) => fields.size_in_bytes() + 2,
            Self::List(values) => values.iter().map(|it| it.size_in_bytes() + 1).sum(),
        }
    }
}

impl Fields {
    /// Adds a text.
    #[must_use]
    pub fn text(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(name, Value::Text(value.into().into()))
    }

    /// Adds a text if there is one: optional fields are left out, not null. Source: secrets.md §1.4.
    #[must_use]
    pub fn maybe_text(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Adds a text that is a secret, copied once.
    #[must_use]
    pub fn secret(self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.text(name, value.as_ref())
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, name: &'static str, value: i64) -> Self {
        self.with(name, Value::Plain(value.to_string().into()))
    }

    /// Adds a boolean.
    #[must_use]
    pub fn flag(self, name: &'static str, value: bool) -> Self {
        self.with(name, Value::Plain(if value { "true" } else { "false" }.into()))
    }

    /// Adds bytes, as Base64.
    #[must_use]
    pub fn base64(self, name: &'static str, value: &[u8]) -> Self {
        self.text(name, STANDARD.encode(value))
    }

    /// Adds an object.
    #[must_use]
    pub fn object(self, name: &'static str, value: Self) -> Self {
        self.with(name, Value::Object(value))
    }

    /// Adds a list in its wrapper: `{"Keys":{"Key":[…]}}`. An empty list keeps its wrapper, as
    /// Terraform needs it. Source: keys.md §1, secrets.md §1.4.
    #[must_use]
    pub fn list(self, wrapper: &'static str, item: &'static str, values: Vec<Self>) -> Self {
        self.object(wrapper, Self::default().plain_list(item, values))
    }

    /// Adds a list of texts in its wrapper, as [`Fields::list`].
    #[must_use]
    pub fn texts<T: Into<String>>(
        self,
        wrapper: &'static str,
        item: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.object(wrapper, Self::default().plain_texts(item, values))
    }

    /// Adds a list without a wrapper, as `BatchGetSecretValue` has it. Source: secrets.md §1.4.
    #[must_use]
    pub fn plain_list(self, name: &'static str, values: Vec<Self>) -> Self {
        self.with(name, Value::List(values.into_iter().map(Value::Object).collect()))
    }

    /// Adds a list of texts without a wrapper.
    #[must_use]
    pub fn plain_texts<T: Into<String>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let texts = values.into_iter().map(|it| Value::Text(it.into().into()));
        self.with(name, Value::List(texts.collect()))
    }

    /// The text, number or boolean at `path`: names and list positions with dots between them, as
    /// in `Keys.Key.0.KeyId`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        match self.at(path)? {
            Value::Text(text) => Some(text),
            Value::Plain(plain) => Some(plain),
            Value::Object(_) | Value::List(_) => None,
        }
    }

    /// The fields of the object at `path`.
    #[must_use]
    pub fn fields(&self, path: &str) -> Option<&Self> {
        match self.at(path)? {
            Value::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// How many entries the list at `path` has.
    #[must_use]
    pub fn count(&self, path: &str) -> Option<usize> {
        match self.at(path)? {
            Value::List(values) => Some(values.len()),
            _ => None,
        }
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// What they take when they are written, if nothing has to be escaped: roughly.
    pub(crate) fn size_in_bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + 6 + value.size_in_bytes()).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    fn at(&self, path: &str) -> Option<&Value> {
        let mut steps = path.split('.');
        let first = steps.next()?;
        let mut value = self.named(first)?;
        for step in steps {
            value = match value {
                Value::Object(fields) => fields.named(step)?,
                Value::List(values) => values.get(step.parse::<usize>().ok()?)?,
                Value::Text(_) | Value::Plain(_) => return None,
            };
        }
        Some(value)
    }

    fn named(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(it, _)| *it == name).map(|(_, value)| value)
    }

    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.push((name, value));
        self
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// A response that can be written out.
pub trait Encode {
    /// Its fields, in the order of the API reference, without `RequestId`.
    fn encode(self) -> Fields;
}

/// A response without fields of its own.
impl Encode for () {
    fn encode(self) -> Fields {
        Fields::default()
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;

    fn sample() -> Fields {
        Fields::default()
            .number("PageNumber", -1)
            .flag("Value", true)
            .maybe_text("Absent", None::<String>)
            .base64("Blob", &[0xff, 0])
            .list("Keys", "Key", vec![Fields::default().text("KeyId", "k")])
            .texts("VersionStages", "VersionStage", ["a", "b"])
            .list("Tags", "Tag", vec![])
            .plain_texts("Errors", ["x"])
    }

    #[test]
    fn a_path_leads_to_any_value() {
        let fields = sample();
        for (path, expected) in [
            ("PageNumber", Some("-1")),
            ("Value", Some("true")),
            ("Blob", Some("/wA=")),
            ("Keys.Key.0.KeyId", Some("k")),
            ("VersionStages.VersionStage.1", Some("b")),
            ("Errors.0", Some("x")),
            ("Absent", None),
            ("Keys", None),
            ("Keys.Key.1.KeyId", None),
            ("Blob.0", None),
        ] {
            assert_eq!(fields.get(path), expected, "{path}");
        }
        assert_eq!(fields.fields("Keys.Key.0").unwrap().get("KeyId"), Some("k"));
    }

    #[test]
    fn an_empty_list_keeps_its_wrapper() {
        assert_eq!(sample().count("Tags.Tag"), Some(0));
    }

    #[test]
    fn debug_shows_names_only() {
        let text = format!("{:?}", Fields::default().secret("SecretData", "canary"));
        assert!(text.contains("SecretData") && !text.contains("canary"), "{text}");
    }
}
