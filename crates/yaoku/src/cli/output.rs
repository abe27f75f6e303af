//! Answers as a person or a program wants them: what of them, and in which form.

use std::{
    fmt::Write as _,
    io::{ErrorKind, IsTerminal as _, Write as _, stdout},
};

use anyhow::Context as _;
use jmespath::Expression;
use serde_json::Value;

use super::{misuse, options::Form};
use crate::screen::{commands_terminals, harmless_lines, lines, words};

/// How an answer is written.
pub(super) struct Writer {
    /// What of it; `None`: all.
    pub(super) query: Option<Expression<'static>>,
    pub(super) form: Form,
}

/// Reads a query, before anything is sent.
pub(super) fn query(text: Option<&str>) -> anyhow::Result<Option<Expression<'static>>> {
    let read = |it| jmespath::compile(it).map_err(|error| misuse(format!("--query: {error}")));
    text.map(read).transpose()
}

impl Writer {
    /// Whether it is for a person, who wants what was asked for and nothing round it.
    pub(super) fn is_plain_table(&self) -> bool {
        self.form == Form::Table && self.query.is_none()
    }

    /// Writes an answer of which a person wants one part only.
    pub(super) fn write_part(&self, answer: &Value, path: &str) -> anyhow::Result<()> {
        let part = answer.pointer(path).filter(|_| self.is_plain_table());
        self.write(part.unwrap_or(answer))
    }

    /// Writes what describes one thing: a list in it is one of its parts.
    pub(super) fn write_one(&self, answer: &Value) -> anyhow::Result<()> {
        if !self.is_plain_table() {
            return self.write(answer);
        }
        let mut rows = Vec::new();
        let members = answer.as_object().into_iter().flatten();
        for (name, member) in members.filter(|(name, _)| *name != "RequestId") {
            flatten(name, member, &mut rows);
        }
        print(&lines(&rows))
    }

    /// Writes it to standard output.
    pub(super) fn write(&self, answer: &Value) -> anyhow::Result<()> {
        let found = match &self.query {
            None => answer.clone(),
            Some(query) => {
                // The fault may quote the answer, which may hold a secret.
                let found = query.search(answer).map_err(|_| misuse("--query does not fit"))?;
                serde_json::to_value(&*found)?
            }
        };
        let text = match self.form {
            Form::Json => json(&found)?,
            Form::Yaml => yaml(&found)?,
            Form::Table if !found.is_array() && !found.is_object() => {
                return print_value(&format!("{}\n", cell(&found)));
            }
            Form::Table => table(&found),
        };
        print(&text)
    }
}

/// Indented JSON, in which a terminal finds nothing to obey: JSON itself lets DEL and what is above
/// it stand.
pub(super) fn json(value: &Value) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        // All of them are in texts, and in the first plane.
        if c != '\n' && commands_terminals(c) {
            write!(out, "\\u{:04x}", u32::from(c))?;
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    Ok(out)
}

/// YAML. What its writer would leave for a terminal to obey makes the whole JSON, which is YAML too.
fn yaml(value: &Value) -> anyhow::Result<String> {
    let text = serde_saphyr::to_string(value).context("the answer makes no YAML")?;
    if text.lines().any(|it| it.contains(commands_terminals)) { json(value) } else { Ok(text) }
}

/// Writes one value to standard output: as it is for a file or a program, and with nothing in it that
/// a terminal would obey for a terminal.
pub(super) fn print_value(text: &str) -> anyhow::Result<()> {
    if stdout().is_terminal() { print(&harmless_lines(text)) } else { print(text) }
}

/// Writes a text to standard output, as it is. Who has read enough (`| head`) need not read the rest.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// A list as columns, an object as lines of names and values.
fn table(value: &Value) -> String {
    match value {
        Value::Array(rows) => columns(rows),
        Value::Object(members) => {
            if let Some(rows) = only_list(value) {
                return columns(rows);
            }
            let mut rows = Vec::new();
            for (name, member) in members {
                flatten(name, member, &mut rows);
            }
            lines(&rows)
        }
        one => lines(&[vec![cell(one)]]),
    }
}

/// The one list of an answer, however deep it lies: that is what was asked for.
fn only_list(value: &Value) -> Option<&[Value]> {
    fn all<'a>(value: &'a Value, found: &mut Vec<&'a [Value]>) {
        match value {
            Value::Array(rows) => found.push(rows),
            Value::Object(members) => members.values().for_each(|it| all(it, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    all(value, &mut found);
    // In what describes one thing, a list is one of its parts.
    let shallow = value.as_object()?.values().filter(|it| it.is_object()).count() == 1;
    match found.as_slice() {
        [rows] if shallow => Some(rows),
        _ => None,
    }
}

fn columns(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "(none)\n".to_owned();
    }
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().filter_map(Value::as_object).flat_map(|it| it.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let row = |it: &Value| match it {
        Value::Object(members) => {
            names.iter().map(|it| members.get(*it).map_or(String::new(), words)).collect()
        }
        Value::Array(cells) => cells.iter().map(words).collect(),
        one => vec![words(one)],
    };
    let heading: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
    let heading = Some(heading).filter(|it| !it.is_empty());
    lines(&heading.into_iter().chain(rows.iter().map(row)).collect::<Vec<Vec<String>>>())
}

fn flatten(name: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (member, value) in members {
                flatten(&format!("{name}.{member}"), value, rows);
            }
        }
        one => rows.push(vec![name.to_owned(), words(one)]),
    }
}

/// A text as it is, anything else as JSON.
pub(super) fn cell(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{commands_terminals, json as as_json, query, table, yaml};

    #[test]
    fn a_query_that_is_none_is_refused() {
        assert!(query(Some("Keys[")).is_err());
        assert!(query(Some("Keys.Key[].KeyId")).unwrap().is_some());
        assert!(query(None).unwrap().is_none());
    }

    #[test]
    fn the_list_of_an_answer_makes_columns() {
        let answer =
            json!({"Keys": {"Key": [{"A": "x", "B": 1}, {"A": "long"}]}, "RequestId": "r"});
        assert_eq!(table(&answer), "A     B\nx     1\nlong\n");
        assert_eq!(table(&json!({"Keys": {"Key": []}, "TotalCount": 0})), "(none)\n");
        assert_eq!(table(&json!([["a", 1], ["b", 2]])), "a  1\nb  2\n");
    }

    #[test]
    fn one_thing_makes_lines_and_one_value_stands_alone() {
        let at = |id, stages: &[&str]| json!({"Id": id, "Stages": {"Stage": stages}});
        let stages = json!([at("v1", &["a", "b"]), at("v2", &[])]);
        assert_eq!(table(&stages), "Id  Stages\nv1  a, b\nv2  (none)\n");
        let answer = json!({"KeyMetadata": {"KeyId": "k", "On": true}, "RequestId": "r"});
        assert_eq!(
            table(&answer),
            "KeyMetadata.KeyId  k\nKeyMetadata.On     true\nRequestId          r\n"
        );
    }

    const HOSTILE: &str = "a\u{1b}]0;x\u{7}\u{9b}2J\u{202e}: - \"'\r\n# b";

    #[test]
    fn nothing_that_a_terminal_obeys_is_in_an_answer_and_nothing_is_lost() {
        let answer = json!({"Description": HOSTILE, "Keys": [HOSTILE], HOSTILE: {"a": HOSTILE}});
        let in_json = as_json(&answer).unwrap();
        let in_table = table(&answer) + &table(&json!([{"Description": HOSTILE}]));
        for text in [&in_json, &yaml(&answer).unwrap(), &in_table] {
            let left = text.replace('\n', "");
            assert!(!left.contains(commands_terminals), "{left:?}");
        }
        assert_eq!(serde_json::from_str::<Value>(&in_json).unwrap(), answer);
    }

    #[test]
    fn yaml_quotes_what_would_be_something_else() {
        for (text, expected) in [
            ("\x1b[2J: x", "D: \"\\e[2J: x\"\n"),
            ("\u{9b}2J", "D: \"\\x9B2J\"\n"),
            ("\u{202e}x", "{\n  \"D\": \"\\u202ex\"\n}\n"),
            ("a: b", "D: \"a: b\"\n"),
            ("no", "D: \"no\"\n"),
        ] {
            assert_eq!(yaml(&json!({"D": text})).unwrap(), expected, "{text:?}");
        }
    }
}
