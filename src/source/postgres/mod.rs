//! A ledger in a PostgreSQL database, read in read-only transactions. A poll is one statement, read through a cursor:
//! the firm's query is worked out once, sees one moment of the ledger, and keeps nobody who writes there waiting.

mod connections;
mod cursor;
mod relation;
mod words;

pub use connections::Connections;
pub use cursor::Cursor;

use super::row::{Columns, RawRow};
use super::{SourceError, body};
use crate::config::settings::SourceSettings;
use jiff::civil::Date;
use relation::{Kind, Relation};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnection, PgRow};
use std::sync::Arc;

/// A database and the user's query.
#[derive(Clone, Debug)]
pub struct PostgresSource {
    server: Connections,
    columns: Columns,
    ledger: Arc<Relation>,
    /// What some rows are read again from, where it is a query of its own.
    reread: Option<Arc<Relation>>,
    booked: Option<String>,
}

impl PostgresSource {
    /// Connects, and looks at what the queries yield.
    pub async fn open(server: Connections, settings: &SourceSettings) -> Result<PostgresSource, SourceError> {
        let from = settings.query.as_deref().map_or("relance_invoices AS r".to_owned(), |sql| bracketed(body(sql)));
        let mut lease = server.begin().await?;
        let (columns, ledger) = Relation::of_query(&mut lease, from).await?;
        let reread = match &settings.reread {
            None => None,
            Some(sql) => {
                let from = bracketed(&relation::with_ids(body(sql)));
                Some(Arc::new(Relation::of_reread(&mut lease, from, &columns).await?))
            }
        };
        lease.end().await;
        Ok(PostgresSource { server, columns, ledger: Arc::new(ledger), reread, booked: settings.booked_through.clone() })
    }

    /// The database, for messages.
    pub fn place(&self) -> &str {
        self.server.place()
    }

    /// The columns that the query yielded when the source was opened.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Begins to read the whole ledger.
    pub async fn cursor(&self, columns: &Columns, limit: usize) -> Result<Cursor, SourceError> {
        let lease = self.server.begin().await?;
        Cursor::declare(lease, columns, self.ledger.clone(), limit).await
    }

    /// Some rows again. An id that the column's type cannot hold is in no row, and is not asked for.
    pub async fn reread(&self, columns: &Columns, ids: &[String]) -> Result<Vec<RawRow>, SourceError> {
        let ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| self.ledger.ids.can_hold(id)).collect();
        let (relation, sql) = match &self.reread {
            Some(own) => (own, own.select()),
            None => (&self.ledger, format!("{} WHERE {}", self.ledger.select(), self.ledger.ids.among_parameter())),
        };
        let rows = self.rows("re-read", async |c| sqlx::query(AssertSqlSafe(sql)).bind(ids).fetch_all(c).await).await?;
        Ok(rows.iter().map(|row| RawRow::new(columns, relation.cells(row))).collect())
    }

    /// Rows with a number: a few, as a person asks for them.
    pub async fn numbered(&self, columns: &Columns, number: &str) -> Result<Vec<RawRow>, SourceError> {
        let sql = format!("{} WHERE CAST(r.\"number\" AS text) = $1 LIMIT 2", self.ledger.select());
        let rows = self.rows("query", async |c| sqlx::query(AssertSqlSafe(sql)).bind(number).fetch_all(c).await).await?;
        Ok(rows.iter().map(|row| RawRow::new(columns, self.ledger.cells(row))).collect())
    }

    /// The day up to which receipts are booked.
    pub async fn booked_through(&self) -> Result<Option<Date>, SourceError> {
        let Some(sql) = &self.booked else { return Ok(None) };
        let sql = format!("SELECT CAST(b.day AS text) FROM (\n{}\n) AS b(day) LIMIT 1", body(sql));
        let rows = self.rows("booked_through", async |c| sqlx::query(AssertSqlSafe(sql)).fetch_all(c).await).await?;
        super::day(rows.first().map(|row| Kind::Text.cell(row, 0)))
    }

    /// The rows of one statement, in a transaction of its own.
    async fn rows(
        &self,
        what: &'static str,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<Vec<PgRow>, sqlx::Error>,
    ) -> Result<Vec<PgRow>, SourceError> {
        let mut lease = self.server.begin().await?;
        let rows = lease.run(what, work).await?;
        lease.end().await;
        Ok(rows)
    }
}

/// A query as something to read from; on lines of its own, because it may end in a comment.
fn bracketed(sql: &str) -> String {
    format!("(\n{sql}\n) AS r")
}
