//! What a person reads: tables.

use std::fmt::Write as _;

use serde_json::Value;

use crate::exchange::text;

/// A table with a heading: each column is as wide as its longest text.
pub(crate) fn table(entries: &[Value], columns: &[(&str, &str)]) -> String {
    if entries.is_empty() {
        return "(none)\n".to_owned();
    }
    let heading: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    let row = |it| columns.iter().map(|(_, path)| text(it, path)).collect();
    let rows: Vec<Vec<&str>> = [heading].into_iter().chain(entries.iter().map(row)).collect();
    lines(&rows)
}

/// Rows of as many cells each, as lines: each column is as wide as its longest text.
pub(crate) fn lines<T: AsRef<str>>(rows: &[Vec<T>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &Vec<T>, nth: usize| row.get(nth).map_or(0, |it| it.as_ref().chars().count());
    let width = |nth| rows.iter().map(|it| cell(it, nth)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().map(AsRef::as_ref).zip(&widths) {
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

    use super::table;

    #[test]
    fn columns_are_as_wide_as_need_be() {
        let entries = [json!({"A": "long", "B": "1"}), json!({"A": "x"})];
        let columns = [("NAME", "/A"), ("N", "/B")];
        assert_eq!(table(&entries, &columns), "NAME  N\nlong  1\nx\n");
        assert_eq!(table(&[], &columns), "(none)\n");
    }
}
