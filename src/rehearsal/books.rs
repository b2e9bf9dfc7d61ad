//! The ledger of a test: an SQLite file such as a firm's own program would write, with one customer.

use super::script::Row;
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::source::row::{OPTIONAL, REQUIRED};
use anyhow::{Context as _, anyhow};
use jiff::civil::Date;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::collections::HashMap;
use std::path::Path;

/// The customer's id in every test.
pub(super) const CUSTOMER: &str = "C1";

/// What stands in every row unless the test says otherwise.
const USUAL: [(&str, &str); 7] = [
    ("customer_id", CUSTOMER),
    ("customer_name", "Customer SA"),
    ("email", "accounts@customer.example"),
    ("phone", "+32470000001"),
    ("language", "en"),
    ("country", "BE"),
    ("currency", "EUR"),
];

/// The books.
pub(super) struct Books {
    pool: SqlitePool,
    customer: Vec<(&'static str, String)>,
    /// What was open on each row at first.
    amounts: HashMap<String, String>,
}

impl Books {
    pub(super) async fn create(path: &Path, customer: &[(&'static str, String)]) -> anyhow::Result<Books> {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).synchronous(SqliteSynchronous::Off);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.context("no ledger for the test")?;
        let columns: Vec<String> = REQUIRED.iter().chain(&OPTIONAL).map(|c| format!("{c} TEXT")).collect();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE TABLE relance_invoices ({})", columns.join(", ")))).execute(&pool).await?;
        Ok(Books { pool, customer: customer.to_vec(), amounts: HashMap::new() })
    }

    /// Books a row.
    pub(super) async fn add(&mut self, row: &Row) -> anyhow::Result<()> {
        let own = [("invoice_id", row.id.clone()), ("number", row.id.clone())];
        let usual = USUAL.iter().map(|(column, value)| (*column, (*value).to_owned()));
        // The last word on a column counts.
        let mut cells: HashMap<&str, String> = usual.chain(own).collect();
        cells.extend(self.customer.iter().chain(&row.cells).map(|(column, value)| (*column, value.clone())));
        self.amounts.insert(row.id.clone(), cells.get("balance").cloned().unwrap_or_default());
        cells.retain(|_, value| !value.is_empty());
        let (names, values): (Vec<&str>, Vec<String>) = cells.into_iter().unzip();
        let places: Vec<String> = (1..=names.len()).map(|i| format!("${i}")).collect();
        let sql = format!("INSERT INTO relance_invoices ({}) VALUES ({})", names.join(", "), places.join(", "));
        let query = values.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| query.bind(value));
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Nothing is owed on a row.
    pub(super) async fn pay(&self, id: &str) -> anyhow::Result<()> {
        self.set(id, "balance", "0.00").await
    }

    /// A part of a row is paid.
    pub(super) async fn pay_part(&self, id: &str, amount: &str) -> anyhow::Result<()> {
        let (balance, currency): (String, String) =
            sqlx::query_as("SELECT balance, currency FROM relance_invoices WHERE invoice_id = $1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await?
                .ok_or_else(|| anyhow!("there is no invoice \"{id}\""))?;
        let currency = Currency::parse(&currency).context("an unknown currency")?;
        let money = |text: &str| Money::parse(text, currency).map_err(|e| anyhow!("\"{text}\": {e}"));
        let rest = Money::new(money(&balance)?.minor - money(amount)?.minor, currency);
        self.set(id, "balance", &rest.decimal()).await
    }

    /// A payment was returned: all is owed again.
    pub(super) async fn reopen(&self, id: &str) -> anyhow::Result<()> {
        let amount = self.amounts.get(id).ok_or_else(|| anyhow!("there is no invoice \"{id}\""))?;
        self.set(id, "balance", amount).await
    }

    /// Writes a cell of a row.
    pub(super) async fn set(&self, id: &str, column: &str, value: &str) -> anyhow::Result<()> {
        let sql = format!("UPDATE relance_invoices SET {column} = $2 WHERE invoice_id = $1");
        let done = sqlx::query(AssertSqlSafe(sql)).bind(id).bind(value).execute(&self.pool).await?;
        anyhow::ensure!(done.rows_affected() == 1, "there is no invoice \"{id}\"");
        Ok(())
    }

    /// Writes a cell of all rows: something about the customer, also in rows to come.
    pub(super) async fn set_all(&mut self, column: &'static str, value: &str) -> anyhow::Result<()> {
        self.customer.push((column, value.to_owned()));
        let value = Some(value).filter(|v| !v.is_empty());
        let sql = format!("UPDATE relance_invoices SET {column} = $1");
        sqlx::query(AssertSqlSafe(sql)).bind(value).execute(&self.pool).await?;
        Ok(())
    }

    /// A payment or credit note comes in.
    pub(super) async fn credit(&mut self, amount: &str, names: Option<&str>, on: Date) -> anyhow::Result<()> {
        let id = format!("credit-{}", self.amounts.len() + 1);
        let mut cells = vec![("kind", "credit_note".to_owned()), ("balance", format!("-{amount}")), ("due_on", on.to_string())];
        cells.extend(names.map(|n| ("for_invoice", n.to_owned())));
        self.add(&Row { id, seen: on, cells }).await
    }

    /// Rows are in the ledger no more.
    pub(super) async fn remove(&self, count: usize) -> anyhow::Result<()> {
        let sql = "DELETE FROM relance_invoices WHERE rowid IN (SELECT rowid FROM relance_invoices ORDER BY rowid LIMIT $1)";
        sqlx::query(sql).bind(count as i64).execute(&self.pool).await?;
        Ok(())
    }

    /// The ledger cannot be read, or can be again.
    pub(super) async fn hide(&self, hidden: bool) -> anyhow::Result<()> {
        let sql = match hidden {
            true => "ALTER TABLE relance_invoices RENAME TO hidden",
            false => "ALTER TABLE hidden RENAME TO relance_invoices",
        };
        sqlx::query(sql).execute(&self.pool).await.context("poll_fails and poll_works take turns")?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}
