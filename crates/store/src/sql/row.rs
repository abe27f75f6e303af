//! One row, the same for both engines, and how it becomes a thing of the model.

use std::str::FromStr;

use sqlx::{Decode, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow};
use yaoku_model::{ids::Invalid, time::Timestamp};

/// A row of either engine. Its getters answer [`Invalid`] where it is not as we write rows.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a row can be read as.
pub(crate) trait Readable: Sized + Send {
    /// The table, for [`crate::StoreError::Unreadable`].
    const TABLE: &'static str;

    /// Reads a row.
    fn read(row: &Row) -> Result<Self, Invalid>;
}

impl Row {
    /// A column of one of the four types that we use, or its `Option`.
    pub(crate) fn column<'r, T>(&'r self, name: &str) -> Result<T, Invalid>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(name).map_err(|_| Invalid),
            Self::Postgres(row) => row.try_get(name).map_err(|_| Invalid),
        }
    }

    /// A text with a type of its own.
    pub(crate) fn parsed<T: FromStr<Err = Invalid>>(&self, name: &str) -> Result<T, Invalid> {
        self.column::<&str>(name)?.parse()
    }

    /// A text with a type of its own, or null.
    pub(crate) fn maybe_parsed<T: FromStr<Err = Invalid>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Invalid> {
        self.column::<Option<&str>>(name)?.map(str::parse).transpose()
    }

    /// A moment.
    pub(crate) fn time(&self, name: &str) -> Result<Timestamp, Invalid> {
        self.column(name).map(Timestamp::from_unix_ms)
    }

    /// A moment, or null.
    pub(crate) fn maybe_time(&self, name: &str) -> Result<Option<Timestamp>, Invalid> {
        self.column::<Option<i64>>(name).map(|it| it.map(Timestamp::from_unix_ms))
    }
}

/// A count, or any other number in a column called `number`.
pub(crate) struct Number(pub(crate) i64);

impl Readable for Number {
    const TABLE: &'static str = "(a number)";

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.column("number").map(Self)
    }
}

/// A text, in a column called `text`.
pub(crate) struct Text(pub(crate) String);

impl Readable for Text {
    const TABLE: &'static str = "(a text)";

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.column("text").map(Self)
    }
}

/// An answer of yes or no, in a column called `flag`.
pub(crate) struct Flag(pub(crate) bool);

impl Readable for Flag {
    const TABLE: &'static str = "(a flag)";

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.column("flag").map(Self)
    }
}
