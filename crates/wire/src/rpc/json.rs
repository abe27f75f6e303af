//! Fields as JSON, written straight into the answer.

use crate::fields::{Fields, Value};

/// What an answer holds besides its fields.
const ROOM: usize = 64;

/// The fields and `RequestId`. Source: keys.md §1 (flat).
pub(super) fn success(fields: &Fields, request_id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(ROOM + fields.size_in_bytes());
    out.extend_from_slice(b"{\"RequestId\":");
    quote(request_id, &mut out);
    members(fields, false, &mut out);
    out.push(b'}');
    out
}

/// The fields alone.
pub(super) fn object(fields: &Fields) -> Vec<u8> {
    let mut out = Vec::with_capacity(ROOM + fields.size_in_bytes());
    write(fields, &mut out);
    out
}

fn write(fields: &Fields, out: &mut Vec<u8>) {
    out.push(b'{');
    members(fields, true, out);
    out.push(b'}');
}

fn members(fields: &Fields, mut first: bool, out: &mut Vec<u8>) {
    for (name, value) in fields.iter() {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        quote(name, out);
        out.push(b':');
        write_value(value, out);
    }
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => quote(text, out),
        Value::Plain(plain) => out.extend_from_slice(plain.as_bytes()),
        Value::Object(fields) => write(fields, out),
        Value::List(values) => {
            out.push(b'[');
            for (nth, value) in values.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write_value(value, out);
            }
            out.push(b']');
        }
    }
}

/// Appends a JSON string. Most texts need no escape.
fn quote(text: &str, out: &mut Vec<u8>) {
    // Without an early exit: the compiler then looks at many bytes at once.
    let special = |it: u8| it < b' ' || it == b'"' || it == b'\\';
    if !text.bytes().fold(false, |any, it| any | special(it)) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        return out.push(b'"');
    }
    let written = serde_json::to_writer(out, text);
    debug_assert!(written.is_ok(), "writing a string into memory cannot fail");
}
