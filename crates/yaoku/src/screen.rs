//! What a person reads: tables, and texts that cannot take over the terminal.

use std::{borrow::Cow, fmt::Write as _};

use serde_json::Value;

/// A table with a heading: each column is as wide as its longest text.
pub(crate) fn table(entries: &[Value], columns: &[(&str, &str)]) -> String {
    if entries.is_empty() {
        return "(none)\n".to_owned();
    }
    let heading = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let cell = |it: &Value, path| it.pointer(path).map(words).unwrap_or_default();
    let row = |it| columns.iter().map(|(_, path)| cell(it, path)).collect();
    let rows: Vec<Vec<String>> = [heading].into_iter().chain(entries.iter().map(row)).collect();
    lines(&rows)
}

/// What an answer says, for a person: texts, numbers and tags as they are, several of them (in the
/// wrapper that lists have, too) with commas between; anything else as JSON.
pub(crate) fn words(value: &Value) -> String {
    match value {
        Value::Array(all) => match all.iter().map(word).collect::<Option<Vec<_>>>() {
            Some(words) if words.is_empty() => "(none)".to_owned(),
            Some(words) => words.join(", "),
            None => value.to_string(),
        },
        Value::Object(members) => match members.values().next() {
            None => "(none)".to_owned(),
            Some(list @ Value::Array(_)) if members.len() == 1 => words(list),
            Some(_) => word(value).unwrap_or_else(|| value.to_string()),
        },
        one => word(one).unwrap_or_default(),
    }
}

/// One text, number or tag; `None` for what has parts of its own.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(members) if members.len() == 2 => {
            let [key, value] = ["TagKey", "TagValue"].map(|it| members.get(it)?.as_str());
            Some(format!("{}={}", key?, value?))
        }
        Value::Array(_) | Value::Object(_) => None,
        plain => Some(plain.to_string()),
    }
}

/// A text of somebody else's, on one line: what a terminal would obey is written as `\u{1b}`, the end
/// of a line as `\n`.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

/// The same of a text that has lines and tabs.
pub(crate) fn harmless_lines(text: &str) -> Cow<'_, str> {
    escaped(text, &['\n', '\t'])
}

/// What moves the cursor, starts a command to the terminal, or turns the order of letters round.
/// Source: ECMA-48, control functions; Unicode UAX #9, explicit formatting characters.
pub(crate) fn commands_terminals(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

fn escaped<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    let bad = |c: char| commands_terminals(c) && !kept.contains(&c);
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if bad(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Rows of as many cells each, as lines: each column is as wide as its longest text. Cells are made
/// [`harmless`].
pub(crate) fn lines<T: AsRef<str>>(rows: &[Vec<T>]) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|it| it.iter().map(|it| harmless(it.as_ref())).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &[Cow<'_, str>], nth: usize| row.get(nth).map_or(0, |it| it.chars().count());
    let width = |nth| rows.iter().map(|it| cell(it, nth)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            _ = write!(line, "{cell:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{harmless, harmless_lines, lines, table, words};

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (text, expected) in [
            ("a\x1b[2Jb", r"a\u{1b}[2Jb"),
            ("a\rb\nc\td", r"a\rb\nc\td"),
            ("\u{9b}31m\x7f", r"\u{9b}31m\u{7f}"),
            ("txt\u{202e}exe", r"txt\u{202e}exe"),
            ("钥库 é \\ \"", "钥库 é \\ \""),
        ] {
            assert_eq!(harmless(text), expected);
        }
        assert_eq!(harmless_lines("a\n\tb\x1b"), "a\n\tb\\u{1b}");
        assert_eq!(lines(&[vec!["\x1b", "x"], vec!["y", "z"]]), "\\u{1b}  x\ny       z\n");
    }

    #[test]
    fn columns_are_as_wide_as_need_be() {
        let entries = [json!({"A": "long", "B": 1}), json!({"A": "x"})];
        let columns = [("NAME", "/A"), ("N", "/B")];
        assert_eq!(table(&entries, &columns), "NAME  N\nlong  1\nx\n", "numbers too");
        assert_eq!(table(&[], &columns), "(none)\n");
    }

    #[test]
    fn lists_are_words_with_commas_between() {
        for (value, expected) in [
            (json!({"VersionStage": ["ACSCurrent", "next"]}), "ACSCurrent, next"),
            (json!(["a", 1, true]), "a, 1, true"),
            (json!([]), "(none)"),
            (json!({}), "(none)"),
            (json!({"Tag": [{"TagKey": "team", "TagValue": "a"}]}), "team=a"),
            (json!([{"A": 1}]), r#"[{"A":1}]"#),
            (json!({"A": ["x"], "B": ["y"]}), r#"{"A":["x"],"B":["y"]}"#),
            (json!("as it is"), "as it is"),
        ] {
            assert_eq!(words(&value), expected, "{value}");
        }
    }
}
