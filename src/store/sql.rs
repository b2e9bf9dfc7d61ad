//! One way to speak to both databases: a statement with its values, and rows. A statement is written once for both
//! wherever their words agree; the schema on PostgreSQL brings a `json_each` of its own for that.

use super::error::StoreError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Decode, Postgres, Row as _, SqlSafeStr as _, SqlStr, Sqlite, Type};

/// A statement in the words of each database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sql {
    /// For SQLite.
    pub sqlite: &'static str,
    /// For PostgreSQL.
    pub postgres: &'static str,
}

impl Sql {
    /// The same words for both.
    pub(super) const fn same(text: &'static str) -> Sql {
        Sql { sqlite: text, postgres: text }
    }

    /// Words for each.
    pub(super) const fn each(sqlite: &'static str, postgres: &'static str) -> Sql {
        Sql { sqlite, postgres }
    }
}

/// A value of a statement, typed also where it is missing: PostgreSQL must know.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// A statement with its values.
#[derive(Clone, Debug)]
pub(super) struct Query {
    sql: Words,
    values: Vec<Value>,
}

#[derive(Clone, Debug)]
enum Words {
    Fixed(Sql),
    /// An INSERT of several rows, whose number makes another statement each.
    Rows {
        insert: Sql,
        rows: usize,
        columns: usize,
    },
    /// For a table that is copied.
    Built(String),
}

/// Begins a statement.
pub(super) fn query(sql: Sql) -> Query {
    Query { sql: Words::Fixed(sql), values: Vec::new() }
}

/// Begins a statement made of our own words, the same for both.
pub(super) fn built(text: String) -> Query {
    Query { sql: Words::Built(text), values: Vec::new() }
}

/// An INSERT of one row, done for many: the words before its VALUES, then each row's values.
pub(super) fn insert_many(insert: Sql, rows: impl IntoIterator<Item = Vec<Value>>) -> Query {
    let (mut count, mut values) = (0, Vec::new());
    for row in rows {
        count += 1;
        values.extend(row);
    }
    Query { sql: Words::Rows { insert, rows: count, columns: values.len() / count.max(1) }, values }
}

/// The words of such an INSERT; `place` gives that of each value, which are counted from one.
fn rows_inserted(insert: &str, rows: usize, columns: usize, place: impl Fn(usize) -> String) -> String {
    let row = |r: usize| {
        let places: Vec<String> = (r * columns + 1..=(r + 1) * columns).map(&place).collect();
        format!("({})", places.join(", "))
    };
    let all: Vec<String> = (0..rows).map(row).collect();
    format!("{}VALUES {}", insert.split("VALUES").next().unwrap_or_default(), all.join(", "))
}

impl Words {
    fn sqlite(self) -> SqlStr {
        match self {
            Words::Fixed(sql) => sql.sqlite.into_sql_str(),
            // Without numbers: the driver asks for the name of each place, for which SQLite goes through all of them.
            Words::Rows { insert, rows, columns } => {
                AssertSqlSafe(rows_inserted(insert.sqlite, rows, columns, |_| "?".to_owned())).into_sql_str()
            }
            // Our own words and places for values: nothing of anybody else's stands in them.
            Words::Built(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }

    fn postgres(self) -> SqlStr {
        match self {
            Words::Fixed(sql) => sql.postgres.into_sql_str(),
            Words::Rows { insert, rows, columns } => {
                AssertSqlSafe(rows_inserted(insert.postgres, rows, columns, |n| format!("${n}"))).into_sql_str()
            }
            Words::Built(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }
}

impl Query {
    /// Gives the next value.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Query {
        self.values.push(value.into());
        self
    }

    /// Runs it; gives how many rows it touched.
    pub(super) async fn execute(self, on: impl Target) -> Result<u64, StoreError> {
        on.execute(self).await
    }

    /// All rows.
    pub(super) async fn all(self, on: impl Target) -> Result<Vec<Row>, StoreError> {
        on.rows(self).await
    }

    /// The first row, if there is one.
    pub(super) async fn optional(self, on: impl Target) -> Result<Option<Row>, StoreError> {
        Ok(on.rows(self).await?.into_iter().next())
    }

    /// The row of a statement that always gives one.
    pub(super) async fn one(self, on: impl Target) -> Result<Row, StoreError> {
        self.optional(on).await?.ok_or_else(|| StoreError::Sql(sqlx::Error::RowNotFound))
    }

    /// The first column of every row.
    pub(super) async fn list<T: Column>(self, on: impl Target) -> Result<Vec<T>, StoreError> {
        on.rows(self).await?.iter().map(|row| row.at(0)).collect()
    }

    /// The first column of the first row, if there is one.
    pub(super) async fn value<T: Column>(self, on: impl Target) -> Result<Option<T>, StoreError> {
        self.optional(on).await?.map(|row| row.at(0)).transpose()
    }

    /// The first column of a statement that always gives a row.
    pub(super) async fn sure<T: Column>(self, on: impl Target) -> Result<T, StoreError> {
        self.one(on).await?.at(0)
    }

    pub(super) fn for_sqlite(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        let query = sqlx::query(self.sql.sqlite());
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Int(i) => query.bind(i),
            Value::Text(t) => query.bind(t),
            Value::Bytes(b) => query.bind(b),
        })
    }

    pub(super) fn for_postgres(self) -> sqlx::query::Query<'static, Postgres, PgArguments> {
        let query = sqlx::query(self.sql.postgres());
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Int(i) => query.bind(i),
            Value::Text(t) => query.bind(t),
            Value::Bytes(b) => query.bind(b),
        })
    }
}

/// Something that a statement can be run on.
pub(super) trait Target {
    /// Runs a statement; gives how many rows it touched.
    async fn execute(self, query: Query) -> Result<u64, StoreError>;

    /// Runs a statement; gives its rows.
    async fn rows(self, query: Query) -> Result<Vec<Row>, StoreError>;
}

/// A row.
#[derive(Debug)]
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a column can be read as, from either database.
pub(super) trait Column:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl<T> Column for T where T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> {}

impl Row {
    /// A column by its name.
    pub(super) fn get<T: Column>(&self, name: &str) -> Result<T, StoreError> {
        Ok(match self {
            Row::Sqlite(row) => row.try_get(name)?,
            Row::Postgres(row) => row.try_get(name)?,
        })
    }

    /// A column by its place.
    pub(super) fn at<T: Column>(&self, place: usize) -> Result<T, StoreError> {
        Ok(match self {
            Row::Sqlite(row) => row.try_get(place)?,
            Row::Postgres(row) => row.try_get(place)?,
        })
    }

    /// A count.
    pub(super) fn count(&self, name: &str) -> Result<u64, StoreError> {
        Ok(self.get::<i64>(name)?.max(0) as u64)
    }
}

macro_rules! values {
    ($($from:ty => $kind:ident, $value:ident => $made:expr;)+) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Value {
                Value::$kind($made)
            }
        })+
    };
}

values! {
    i64 => Int, v => Some(v);
    Option<i64> => Int, v => v;
    u32 => Int, v => Some(v.into());
    bool => Int, v => Some(v.into());
    &str => Text, v => Some(v.to_owned());
    String => Text, v => Some(v);
    &String => Text, v => Some(v.clone());
    Option<&str> => Text, v => v.map(str::to_owned);
    Option<String> => Text, v => v;
    &Option<String> => Text, v => v.clone();
    &[u8] => Bytes, v => Some(v.to_vec());
    Option<&[u8]> => Bytes, v => v.map(<[u8]>::to_vec);
    &Option<Vec<u8>> => Bytes, v => v.clone();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_are_one_insert_whose_places_have_numbers_only_where_they_must() {
        let insert = Sql::same("INSERT INTO t (a, b) VALUES ($1, $2)");
        let many = || insert_many(insert, [vec![1i64.into(), "x".into()], vec![2i64.into(), "y".into()]]);
        assert_eq!(many().values.len(), 4);
        assert_eq!(many().sql.sqlite().as_str(), "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)");
        assert_eq!(many().sql.postgres().as_str(), "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
    }
}
