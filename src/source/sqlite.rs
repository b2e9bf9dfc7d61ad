//! An SQLite ledger, opened read-only. Each page is a statement of its own, so that no cursor stays open
//! between pages and the firm's own writer is never kept waiting.

use super::look::{self, Relation};
use super::row::{Cell, Columns, RawRow};
use super::{Page, SourceError, body};
use crate::config::settings::SourceSettings;
use crate::domain::tame::tamed;
use jiff::civil::Date;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Row as _, SqlSafeStr as _, Statement as _, TypeInfo as _, ValueRef as _,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest wait for one statement.
const TIMEOUT_S: u64 = 120;

/// So many rows are read before they are asked for, whatever their size.
const AHEAD: usize = 16;

/// How long a statement waits for another program to let go of the ledger.
const BUSY_S: u64 = 10;

/// An SQLite file and the user's query.
#[derive(Clone, Debug)]
pub struct SqliteSource {
    pool: SqlitePool,
    path: PathBuf,
    /// Device and number of the file that is open.
    identity: Option<(u64, u64)>,
    base: String,
    reread: Option<String>,
    booked: Option<String>,
}

impl SqliteSource {
    /// Opens the file, read-only.
    pub async fn open(path: &Path, settings: &SourceSettings) -> Result<SqliteSource, SourceError> {
        let path = path.to_path_buf();
        let failed = |why: String| SourceError::Open { path: path.display().to_string(), why };
        if !path.exists() {
            return Err(failed("there is no such file".to_owned()));
        }
        let identity = identity(&path);
        if let Some(why) = super::wal::harm(&path) {
            return Err(failed(why));
        }
        let options = SqliteConnectOptions::new()
            .disable_statement_logging()
            .filename(&path)
            .read_only(true)
            .create_if_missing(false)
            .busy_timeout(Duration::from_secs(BUSY_S))
            .row_buffer_size(AHEAD)
            .pragma("query_only", "1")
            .pragma("cache_size", "-1000");
        let pool = SqlitePoolOptions::new().max_connections(2).min_connections(0).acquire_timeout(Duration::from_secs(30));
        let pool = pool.connect_with(options).await.map_err(|e| locked(&path, &e).unwrap_or_else(|| failed(plain(&e))))?;
        let base = match &settings.query {
            Some(query) => format!("(\n{}\n)", body(query)),
            None => "relance_invoices".to_owned(),
        };
        Ok(SqliteSource { pool, path, identity, base, reread: settings.reread.clone(), booked: settings.booked_through.clone() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to the file that is open. A ledger that is written anew and moved over the
    /// old one would else be read for ever as it was.
    pub fn is_current(&self) -> bool {
        self.identity.is_some() && identity(&self.path) == self.identity
    }

    /// The tables and views with their columns. One that cannot be looked at (a view of a table that is gone) is left out.
    pub async fn relations(&self) -> Result<Vec<Relation>, SourceError> {
        let names = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                     ORDER BY name LIMIT $1";
        let query = sqlx::query_scalar::<_, String>(names).bind(look::MOST as i64);
        let mut rows = Vec::new();
        for name in self.bounded("list of tables", query.fetch_all(&self.pool)).await? {
            let columns = sqlx::query_scalar::<_, String>("SELECT name FROM pragma_table_info($1)").bind(name.clone());
            if let Ok(columns) = self.bounded("list of columns", columns.fetch_all(&self.pool)).await {
                rows.extend(columns.into_iter().map(|column| (look::quoted(&name), column)));
            }
        }
        Ok(look::gathered(rows))
    }

    /// The columns that the query yields.
    pub async fn columns(&self) -> Result<Columns, SourceError> {
        use sqlx::Executor as _;
        let sql = AssertSqlSafe(format!("SELECT * FROM {}", self.base)).into_sql_str();
        let statement = self.bounded("query", (&self.pool).prepare(sql)).await?;
        Columns::new(statement.columns().iter().map(|c| c.name().to_owned()).collect())
    }

    /// Begins to read the whole ledger.
    pub fn pages(&self, columns: &Columns, limit: usize) -> Pages {
        Pages { source: self.clone(), columns: columns.clone(), limit, next: Next::First }
    }

    /// Some rows again.
    pub async fn reread(&self, columns: &Columns, ids: &[String]) -> Result<Vec<RawRow>, SourceError> {
        let list = list(columns);
        let sql = match &self.reread {
            Some(sql) => format!("SELECT {list} FROM (\n{}\n)", body(sql).replace(":ids", "$1")),
            None => format!("SELECT {list} FROM {} WHERE invoice_id IN (SELECT value FROM json_each($1))", self.base),
        };
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id_list(ids)).map(|row| cells(&row, columns));
        let rows = self.bounded("re-read", query.fetch_all(&self.pool)).await?;
        Ok(rows.into_iter().map(|cells| RawRow::new(columns, cells)).collect())
    }

    /// Rows with a number: a few, as a person asks for them.
    pub async fn numbered(&self, columns: &Columns, number: &str) -> Result<Vec<RawRow>, SourceError> {
        let list = list(columns);
        let sql = format!("SELECT {list} FROM {} WHERE CAST(number AS TEXT) = $1 LIMIT 2", self.base);
        let query = sqlx::query(AssertSqlSafe(sql)).bind(number).map(|row| cells(&row, columns));
        let rows = self.bounded("query", query.fetch_all(&self.pool)).await?;
        Ok(rows.into_iter().map(|cells| RawRow::new(columns, cells)).collect())
    }

    /// Ids that stand both as a number and as text: they sort apart, so that no page shows the two together.
    /// Only a ledger that holds both kinds is searched for them.
    pub async fn twins(&self) -> Result<Vec<String>, SourceError> {
        let end = |order: &str| {
            format!(
                "SELECT typeof(invoice_id) FROM {} WHERE invoice_id IS NOT NULL ORDER BY invoice_id {order} LIMIT 1",
                self.base
            )
        };
        let (first, last) = (self.word(end("ASC")).await?, self.word(end("DESC")).await?);
        let numbers = matches!(first.as_deref(), Some("integer" | "real"));
        if !numbers || !matches!(last.as_deref(), Some("text" | "blob")) {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT CAST(invoice_id AS TEXT) FROM {} WHERE typeof(invoice_id) IN ('integer', 'text')
             GROUP BY 1 HAVING count(DISTINCT typeof(invoice_id)) > 1",
            self.base
        );
        self.bounded("query", sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&self.pool)).await
    }

    /// The one word that a statement gives.
    async fn word(&self, sql: String) -> Result<Option<String>, SourceError> {
        self.bounded("query", sqlx::query_scalar(AssertSqlSafe(sql)).fetch_optional(&self.pool)).await
    }

    /// The day up to which receipts are booked.
    pub async fn booked_through(&self) -> Result<Option<Date>, SourceError> {
        let Some(sql) = &self.booked else { return Ok(None) };
        let work = sqlx::query(AssertSqlSafe(sql.clone())).fetch_optional(&self.pool);
        let row = self.bounded("booked_through", work).await?;
        super::day(row.map(|r| cell(&r, 0, false)))
    }

    /// Waits for a statement, but not for ever.
    async fn bounded<T>(&self, what: &'static str, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, SourceError> {
        match tokio::time::timeout(Duration::from_secs(TIMEOUT_S), work).await {
            Err(_) => Err(SourceError::TimedOut { place: self.path.display().to_string(), seconds: TIMEOUT_S }),
            Ok(Ok(value)) => Ok(value),
            Ok(Err(e)) => Err(locked(&self.path, &e).unwrap_or_else(|| SourceError::Query { what, why: plain(&e) })),
        }
    }
}

/// The pages of a ledger, each a statement of its own.
#[derive(Debug)]
pub struct Pages {
    source: SqliteSource,
    columns: Columns,
    limit: usize,
    next: Next,
}

/// Where the next page begins.
#[derive(Debug)]
enum Next {
    First,
    Behind(Cell),
    Nowhere,
}

impl Pages {
    /// The next page. One row more than asked for is read, to see doubled ids across the edge.
    pub async fn next_page(&mut self) -> Result<Option<Page>, SourceError> {
        let behind = match &self.next {
            Next::Nowhere => return Ok(None),
            Next::First => "",
            // Rows without an id come first; a page of them is enough to report.
            Next::Behind(Cell::Null) => "WHERE invoice_id IS NOT NULL",
            Next::Behind(_) => "WHERE invoice_id > $2",
        };
        let (source, columns) = (&self.source, &self.columns);
        let sql = format!("SELECT {} FROM {} {behind} ORDER BY invoice_id LIMIT $1", list(columns), source.base);
        let query = sqlx::query(AssertSqlSafe(sql)).bind(self.limit as i64 + 1);
        let query = match &self.next {
            Next::Behind(cell) if *cell != Cell::Null => bind(query, cell),
            _ => query,
        };
        // Cut to their bound one by one as they come: of a whole page of long texts none is kept.
        let query = query.map(|row| cells(&row, columns));
        let rows = source.bounded("query", query.fetch_all(&source.pool)).await?;
        let place = columns.place("invoice_id").unwrap_or(0);
        let last = rows.get(self.limit.saturating_sub(1)).filter(|_| rows.len() > self.limit).and_then(|r| r.get(place)).cloned();
        let mut raw: Vec<RawRow> = rows.into_iter().map(|cells| RawRow::new(columns, cells)).collect();
        let doubled = super::doubled(&raw);
        raw.truncate(self.limit);
        self.next = last.map_or(Next::Nowhere, Next::Behind);
        Ok(Some(Page { rows: raw, doubled }))
    }
}

/// The columns for a SELECT.
fn list(columns: &Columns) -> String {
    columns.names().iter().map(|name| format!("[{name}]")).collect::<Vec<_>>().join(", ")
}

/// The error that says that another program keeps the file, if that is what it is (SQLITE_BUSY, SQLITE_LOCKED).
fn locked(path: &Path, error: &sqlx::Error) -> Option<SourceError> {
    let code: i64 = error.as_database_error()?.code()?.parse().ok()?;
    let path = path.display().to_string();
    matches!(code & 0xff, 5 | 6).then_some(SourceError::Locked { path, seconds: BUSY_S })
}

/// Device and number of a file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// Ids as a JSON array. An id that looks like a whole number stands there as number and as text, because
/// the ledger may keep it as either.
fn id_list(ids: &[String]) -> String {
    let mut list = Vec::with_capacity(ids.len());
    for id in ids {
        if let Ok(number) = id.parse::<i64>()
            && number.to_string() == *id
        {
            list.push(serde_json::Value::from(number));
        }
        list.push(serde_json::Value::from(id.as_str()));
    }
    serde_json::Value::Array(list).to_string()
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>;

fn bind<'q>(query: Query<'q>, cell: &Cell) -> Query<'q> {
    match cell {
        Cell::Integer(i) => query.bind(*i),
        Cell::Real(r) => query.bind(*r),
        Cell::Text(t) | Cell::Decimal(t) => query.bind(t.clone()),
        Cell::Null | Cell::Other => query.bind(None::<i64>),
    }
}

/// The database's own words, without the wrapping.
fn plain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(e) => tamed(e.message()),
        other => tamed(&other.to_string()),
    }
}

/// The cells of a row. The id stays whole, because the next page begins behind it.
fn cells(row: &SqliteRow, columns: &Columns) -> Vec<Cell> {
    let id = columns.place("invoice_id");
    (0..row.len()).map(|i| cell(row, i, Some(i) == id)).collect()
}

fn cell(row: &SqliteRow, i: usize, whole: bool) -> Cell {
    let Ok(raw) = row.try_get_raw(i) else { return Cell::Other };
    if raw.is_null() {
        return Cell::Null;
    }
    let kind = raw.type_info().name().to_owned();
    match kind.as_str() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked(i).map_or(Cell::Other, Cell::Integer),
        "REAL" => row.try_get_unchecked(i).map_or(Cell::Other, Cell::Real),
        "TEXT" | "DATE" | "DATETIME" | "TIME" if whole => row.try_get_unchecked(i).map_or(Cell::Other, Cell::Text),
        "TEXT" | "DATE" | "DATETIME" | "TIME" => row.try_get_unchecked(i).map_or(Cell::Other, Cell::bounded),
        _ => Cell::Other,
    }
}
