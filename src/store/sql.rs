//! One way to speak to both databases: a statement with its values, rows, transactions. A statement is written once
//! for both wherever their words agree; the schema on PostgreSQL brings a `json_each` of its own for that.

use super::error::{StoreError, WAIT_S};
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Decode, Postgres, Row as _, SqlSafeStr as _, SqlStr, Sqlite, Transaction, Type};
use std::sync::Arc;
use std::time::Duration;

/// No statement takes longer; a server that no longer answers is given up after this.
const STATEMENT_S: u64 = 2 * WAIT_S;

/// What is done to a whole store at once, such as bringing a large one up to date, may take so long.
const SCRIPT_S: u64 = 12 * 3600;

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
    /// An INSERT of several rows, whose number makes another statement each; a table that is copied.
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
    let mut text = insert.sqlite.split("VALUES").next().unwrap_or_default().to_owned();
    let mut values: Vec<Value> = Vec::new();
    for (i, row) in rows.into_iter().enumerate() {
        text.push_str(if i == 0 { "VALUES (" } else { ", (" });
        let places: Vec<String> = (values.len() + 1..=values.len() + row.len()).map(|n| format!("${n}")).collect();
        text.push_str(&places.join(", "));
        text.push(')');
        values.extend(row);
    }
    Query { sql: Words::Built(text), values }
}

impl Words {
    fn sqlite(self) -> SqlStr {
        match self {
            Words::Fixed(sql) => sql.sqlite.into_sql_str(),
            // Our own words and places for values: nothing of anybody else's stands in them.
            Words::Built(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }

    fn postgres(self) -> SqlStr {
        match self {
            Words::Fixed(sql) => sql.postgres.into_sql_str(),
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

    fn for_sqlite(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        let query = sqlx::query(self.sql.sqlite());
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Int(i) => query.bind(i),
            Value::Text(t) => query.bind(t),
            Value::Bytes(b) => query.bind(b),
        })
    }

    fn for_postgres(self) -> sqlx::query::Query<'static, Postgres, PgArguments> {
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

/// Connections to one database.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) kind: PoolKind,
    /// For errors.
    pub(super) place: Arc<str>,
}

#[derive(Clone, Debug)]
pub(super) enum PoolKind {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// To write.
    Write,
    /// To read several things as they were at one moment.
    Read,
}

impl Pool {
    /// Begins a transaction.
    pub(super) async fn begin(&self, how: Begin) -> Result<Tx, StoreError> {
        let place = self.place.clone();
        let kind = match &self.kind {
            PoolKind::Sqlite(pool) => {
                let begun = match how {
                    Begin::Write => pool.begin_with("BEGIN IMMEDIATE").await,
                    Begin::Read => pool.begin().await,
                };
                TxKind::Sqlite(begun.map_err(|e| StoreError::sqlite(e, &place))?)
            }
            PoolKind::Postgres(pool) => {
                let words = match how {
                    Begin::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                    Begin::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                };
                TxKind::Postgres(answered(&place, pool.begin_with(words)).await?)
            }
        };
        Ok(Tx { kind, place })
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        match &self.kind {
            PoolKind::Sqlite(pool) => pool.close().await,
            PoolKind::Postgres(pool) => pool.close().await,
        }
    }
}

impl Target for &Pool {
    async fn execute(self, query: Query) -> Result<u64, StoreError> {
        match &self.kind {
            PoolKind::Sqlite(pool) => {
                let done = query.for_sqlite().execute(pool).await;
                Ok(done.map_err(|e| StoreError::sqlite(e, &self.place))?.rows_affected())
            }
            PoolKind::Postgres(pool) => Ok(answered(&self.place, query.for_postgres().execute(pool)).await?.rows_affected()),
        }
    }

    async fn rows(self, query: Query) -> Result<Vec<Row>, StoreError> {
        match &self.kind {
            PoolKind::Sqlite(pool) => {
                let rows = query.for_sqlite().fetch_all(pool).await.map_err(|e| StoreError::sqlite(e, &self.place))?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            PoolKind::Postgres(pool) => {
                let rows = answered(&self.place, query.for_postgres().fetch_all(pool)).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

/// A transaction; dropped without a commit, it never was.
#[derive(Debug)]
pub(super) struct Tx {
    kind: TxKind,
    place: Arc<str>,
}

#[derive(Debug)]
enum TxKind {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Commits it.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self.kind {
            TxKind::Sqlite(tx) => tx.commit().await.map_err(|e| StoreError::sqlite(e, &self.place)),
            TxKind::Postgres(tx) => answered(&self.place, tx.commit()).await,
        }
    }

    /// Whether it is one of PostgreSQL.
    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.kind, TxKind::Postgres(_))
    }

    /// Gives rows to a COPY of PostgreSQL, as one statement; gives how many it took.
    pub(super) async fn copy_in(&mut self, statement: &str, rows: &[u8]) -> Result<u64, StoreError> {
        let TxKind::Postgres(tx) = &mut self.kind else {
            return Err(StoreError::Corrupt("only PostgreSQL has COPY".to_owned()));
        };
        let copying = async {
            let mut copy = tx.copy_in_raw(statement).await?;
            copy.send(rows).await?;
            copy.finish().await
        };
        answered(&self.place, copying).await
    }

    /// Runs several statements without values: a migration, which takes its time.
    pub(super) async fn script(&mut self, text: SqlStr) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(text);
        match &mut self.kind {
            TxKind::Sqlite(tx) => script.execute(&mut **tx).await.map(|_| ()).map_err(|e| StoreError::sqlite(e, &self.place)),
            TxKind::Postgres(tx) => within(SCRIPT_S, &self.place, script.execute(&mut **tx)).await.map(|_| ()),
        }
    }
}

impl Target for &mut Tx {
    async fn execute(self, query: Query) -> Result<u64, StoreError> {
        match &mut self.kind {
            TxKind::Sqlite(tx) => {
                let done = query.for_sqlite().execute(&mut **tx).await;
                Ok(done.map_err(|e| StoreError::sqlite(e, &self.place))?.rows_affected())
            }
            TxKind::Postgres(tx) => Ok(answered(&self.place, query.for_postgres().execute(&mut **tx)).await?.rows_affected()),
        }
    }

    async fn rows(self, query: Query) -> Result<Vec<Row>, StoreError> {
        match &mut self.kind {
            TxKind::Sqlite(tx) => {
                let rows = query.for_sqlite().fetch_all(&mut **tx).await.map_err(|e| StoreError::sqlite(e, &self.place))?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            TxKind::Postgres(tx) => {
                let rows = answered(&self.place, query.for_postgres().fetch_all(&mut **tx)).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

/// Waits for a server's answer, but not for ever: a connection that was cut without a word gives none.
pub(super) fn answered<T>(
    place: &str,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> impl Future<Output = Result<T, StoreError>> {
    within(STATEMENT_S, place, work)
}

async fn within<T>(seconds: u64, place: &str, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(Duration::from_secs(seconds), work).await {
        Ok(done) => done.map_err(|e| StoreError::postgres(e, place)),
        Err(_) => Err(StoreError::Away { place: place.to_owned(), why: format!("it gave no answer within {seconds} seconds") }),
    }
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
