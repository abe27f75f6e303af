//! Answers as a person or a program wants them: what of them, and in which form.

use std::io::Write as _;

use anyhow::Context as _;
use jmespath::Expression;
use serde_json::Value;

use super::{misuse, options::Form};
use crate::screen::lines;

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
            Form::Json => format!("{}\n", serde_json::to_string_pretty(&found)?),
            Form::Yaml => serde_saphyr::to_string(&found).context("the answer makes no YAML")?,
            Form::Table => table(&found),
        };
        print(&text)
    }
}

/// Writes a text to standard output, as it is.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// A list as columns, an object as lines of names and values, a single value as it is.
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
        one => format!("{}\n", cell(one)),
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
            names.iter().map(|it| members.get(*it).map_or(String::new(), cell)).collect()
        }
        Value::Array(cells) => cells.iter().map(cell).collect(),
        one => vec![cell(one)],
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
        one => rows.push(vec![name.to_owned(), cell(one)]),
    }
}

/// A text as it is, anything else as JSON.
fn cell(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{query, table};

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
        let answer = json!({"KeyMetadata": {"KeyId": "k", "On": true}, "RequestId": "r"});
        assert_eq!(
            table(&answer),
            "KeyMetadata.KeyId  k\nKeyMetadata.On     true\nRequestId          r\n"
        );
        assert_eq!(table(&json!("two\nlines")), "two\nlines\n");
    }
}
