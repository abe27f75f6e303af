//! One statement with its values, the same for both engines.

use std::borrow::Cow;

use sqlx::{Database, Encode, Postgres, Sqlite, Type, database::HasStatementCache, query::Query};
use yaoku_model::time::Timestamp;

/// A statement and the values of its `$1`, `$2`, ….
///
/// Its text is made of constants alone, so nothing that a caller sends is ever read as SQL.
#[derive(Debug)]
pub(crate) struct Statement {
    /// What runs before it, in the same round trip.
    before: Vec<Cow<'static, str>>,
    text: Cow<'static, str>,
    values: Vec<Value>,
    cached: bool,
}

/// A value to bind.
#[derive(Debug)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
    Bytes(Option<Vec<u8>>),
    Flag(bool),
}

/// Starts a statement that each connection keeps prepared.
pub(crate) fn sql(text: &'static str) -> Statement {
    Statement { before: Vec::new(), text: Cow::Borrowed(text), values: Vec::new(), cached: true }
}

/// How an engine runs several statements in one round trip.
pub(crate) trait Together: Database {
    /// One text of several. Their placeholders count through.
    fn together(before: &[Cow<'static, str>], last: &str) -> String;
}

impl Together for Sqlite {
    fn together(before: &[Cow<'static, str>], last: &str) -> String {
        [&before.join("; "), "; ", last].concat()
    }
}

/// A prepared statement is one statement: the others go into its `WITH`.
impl Together for Postgres {
    fn together(before: &[Cow<'static, str>], last: &str) -> String {
        let parts = before.iter().enumerate();
        let parts: Vec<_> = parts.map(|(index, it)| format!("w{index} AS ({it})")).collect();
        ["WITH ", &parts.join(", "), " ", last].concat()
    }
}

impl Statement {
    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Does not keep it prepared: there are too many texts like it.
    pub(crate) fn uncached(mut self) -> Self {
        self.cached = false;
        self
    }

    /// Adds to the text.
    pub(crate) fn push(mut self, text: &'static str) -> Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Adds a value to the text, as the next placeholder.
    pub(crate) fn push_value(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self.text.to_mut().push('$');
        self.text.to_mut().push_str(&self.values.len().to_string());
        self
    }

    /// Adds `before`, then `(v1, v2, …)`; nothing at all if there are no values.
    pub(crate) fn push_any(self, before: &'static str, values: &[String]) -> Self {
        let mut statement = self;
        for (index, value) in values.iter().enumerate() {
            statement = statement.push(if index == 0 { before } else { "" });
            statement = statement.push(if index == 0 { " (" } else { ", " }).push_value(value);
        }
        if values.is_empty() { statement } else { statement.push(")") }
    }

    /// Runs `last` after it, in the same round trip; how many rows they touched is not to be asked.
    ///
    /// Each must be a write, and none may touch a row that another has touched: on PostgreSQL they
    /// all see what was there before the first.
    pub(crate) fn and(mut self, last: Self) -> Self {
        let offset = self.values.len();
        let mut parts = last.before;
        parts.push(last.text);
        let parts = parts.iter().map(|it| Cow::Owned(renumbered(it, offset)));
        self.before.push(std::mem::take(&mut self.text));
        self.before.extend(parts);
        self.text = self.before.pop().unwrap_or_default();
        self.values.extend(last.values);
        self.cached &= last.cached;
        self
    }

    /// The statement as one engine takes it.
    pub(crate) fn query<DB>(self) -> Query<'static, DB, DB::Arguments>
    where
        DB: Together + HasStatementCache,
        Option<String>: for<'q> Encode<'q, DB> + Type<DB>,
        Option<i64>: for<'q> Encode<'q, DB> + Type<DB>,
        Option<Vec<u8>>: for<'q> Encode<'q, DB> + Type<DB>,
        bool: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let text = match self.before.as_slice() {
            [] => self.text,
            before => DB::together(before, &self.text).into(),
        };
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).persistent(self.cached);
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Text(it) => query.bind(it),
            Value::Number(it) => query.bind(it),
            Value::Bytes(it) => query.bind(it),
            Value::Flag(it) => query.bind(it),
        })
    }
}

/// The text with each `$n` as `$(n + offset)`. Nothing else in our texts begins with `$`.
fn renumbered(text: &str, offset: usize) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|it: char| !it.is_ascii_digit()).unwrap_or(part.len());
        let number: usize = part[..end].parse().unwrap_or_default();
        out.push('$');
        out.push_str(&(number + offset).to_string());
        out.push_str(&part[end..]);
    }
    out
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::Text(Some(it.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(it: &String) -> Self {
        Self::Text(Some(it.clone()))
    }
}

impl From<Option<&str>> for Value {
    fn from(it: Option<&str>) -> Self {
        Self::Text(it.map(str::to_owned))
    }
}

impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Self::Number(Some(it))
    }
}

impl From<Option<i64>> for Value {
    fn from(it: Option<i64>) -> Self {
        Self::Number(it)
    }
}

impl From<Timestamp> for Value {
    fn from(it: Timestamp) -> Self {
        Self::Number(Some(it.unix_ms()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(it: Option<Timestamp>) -> Self {
        Self::Number(it.map(Timestamp::unix_ms))
    }
}

impl From<&[u8]> for Value {
    fn from(it: &[u8]) -> Self {
        Self::Bytes(Some(it.to_vec()))
    }
}

impl From<Option<&[u8]>> for Value {
    fn from(it: Option<&[u8]>) -> Self {
        Self::Bytes(it.map(<[u8]>::to_vec))
    }
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Flag(it)
    }
}
