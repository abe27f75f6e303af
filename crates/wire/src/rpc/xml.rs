//! Fields as XML: a list is one element for each entry, under the list's name.
//!
//! XML 1.0 has no way to write most control characters, `U+FFFE` and `U+FFFF`.

use quick_xml::escape::partial_escape;

use crate::fields::{Fields, Value};

/// Whether XML can carry every value.
pub(super) fn carries(fields: &Fields) -> bool {
    fields.iter().all(|(_, value)| carries_value(value))
}

fn carries_value(value: &Value) -> bool {
    match value {
        Value::Text(text) => carries_text(text),
        Value::Plain(_) => true,
        Value::Object(fields) => carries(fields),
        Value::List(values) => values.iter().all(carries_value),
    }
}

/// `<{Action}Response>` with `RequestId` and the fields. What cannot be carried becomes `U+FFFD`.
pub(super) fn success(action: &str, fields: &Fields, request_id: &str) -> Vec<u8> {
    let root = format!("{action}Response");
    let mut out = Writer::default();
    out.open(&root);
    out.element("RequestId", &Value::Text(request_id.to_owned().into()));
    out.fields(fields);
    out.close(&root);
    out.text.into_bytes()
}

/// `<Error>` with the fields. What cannot be carried becomes `U+FFFD`.
pub(super) fn error(fields: &Fields) -> Vec<u8> {
    let mut out = Writer::default();
    out.open("Error");
    out.fields(fields);
    out.close("Error");
    out.text.into_bytes()
}

struct Writer {
    text: String,
}

impl Default for Writer {
    fn default() -> Self {
        Self { text: "<?xml version='1.0' encoding='UTF-8'?>".to_owned() }
    }
}

impl Writer {
    fn fields(&mut self, fields: &Fields) {
        for (name, value) in fields.iter() {
            match value {
                Value::List(values) => values.iter().for_each(|it| self.element(name, it)),
                _ => self.element(name, value),
            }
        }
    }

    fn element(&mut self, name: &str, value: &Value) {
        self.open(name);
        match value {
            Value::Text(text) => self.content(text),
            Value::Plain(plain) => self.content(plain),
            Value::Object(fields) => self.fields(fields),
            // Lists of lists are not part of the API.
            Value::List(values) => values.iter().for_each(|it| self.element(name, it)),
        }
        self.close(name);
    }

    fn open(&mut self, name: &str) {
        self.text.extend(["<", name, ">"]);
    }

    fn close(&mut self, name: &str) {
        self.text.extend(["</", name, ">"]);
    }

    fn content(&mut self, text: &str) {
        if carries_text(text) {
            self.text.push_str(&partial_escape(text));
            return;
        }
        let replaced: String =
            text.chars().map(|c| if carried(c) { c } else { '\u{fffd}' }).collect();
        self.text.push_str(&partial_escape(&replaced));
    }
}

/// Whether XML can carry a text. Most are plain ASCII, which is seen faster.
fn carries_text(text: &str) -> bool {
    text.bytes().all(|it| (b' '..0x7f).contains(&it)) || text.chars().all(carried)
}

/// Whether XML 1.0 can carry the character.
fn carried(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}
