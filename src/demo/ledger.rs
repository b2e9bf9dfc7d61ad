//! The demo's ledger: an SQLite file such as a small firm's invoicing program keeps, written from the outside.

use super::story::{Customer, Event, Row, Story};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::time::plus_days;
use anyhow::{Context as _, anyhow};
use jiff::civil::Date;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use std::path::Path;

const SCHEMA: &str = "
CREATE TABLE customer (id TEXT PRIMARY KEY, name TEXT NOT NULL, language TEXT, country TEXT, kind TEXT, email TEXT, phone TEXT,
  enterprise_no TEXT, state TEXT);
CREATE TABLE invoice (number TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customer (id), kind TEXT NOT NULL, issued_on TEXT NOT NULL,
  due_on TEXT NOT NULL, currency TEXT NOT NULL, total TEXT NOT NULL, received TEXT NOT NULL, balance TEXT NOT NULL, status TEXT NOT NULL,
  for_invoice TEXT);
-- What relance reads. A firm with another schema makes such a view, or writes the query into relance.toml.
CREATE VIEW relance_invoices AS
  SELECT i.number AS invoice_id, i.number, c.id AS customer_id, c.name AS customer_name, i.issued_on, i.due_on, i.currency, i.total,
         i.balance, i.status, i.kind, i.for_invoice, c.email, c.phone, c.language, c.country, c.kind AS customer_kind,
         c.enterprise_no, c.state
  FROM invoice i JOIN customer c ON c.id = i.customer;
";

/// The firm's own side of the ledger.
pub(super) struct Ledger {
    pool: SqlitePool,
    first_day: Date,
}

impl Ledger {
    pub(super) async fn create(path: &Path, story: &Story, first_day: Date) -> anyhow::Result<Ledger> {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let pool =
            SqlitePoolOptions::new().max_connections(1).connect_with(options).await.context("cannot make the demo's ledger")?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        let ledger = Ledger { pool, first_day };
        for customer in &story.debtor {
            ledger.add_customer(customer).await?;
        }
        Ok(ledger)
    }

    async fn add_customer(&self, c: &Customer) -> anyhow::Result<()> {
        sqlx::query("INSERT INTO customer VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
            .bind(&c.id)
            .bind(&c.name)
            .bind(&c.language)
            .bind(&c.country)
            .bind(&c.kind)
            .bind(&c.email)
            .bind(&c.phone)
            .bind(&c.enterprise_no)
            .bind(&c.state)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What the firm does on a day: books new invoices, receipts and corrections.
    pub(super) async fn day(&self, story: &Story, day: i64) -> anyhow::Result<()> {
        for customer in &story.debtor {
            for row in &customer.invoice {
                if row.appears() == day {
                    self.add_row(&customer.id, row).await?;
                }
                for event in row.events.iter().filter(|e| e.day == day) {
                    self.happen(row, event).await.with_context(|| row.number.clone())?;
                }
            }
        }
        Ok(())
    }

    async fn add_row(&self, customer: &str, row: &Row) -> anyhow::Result<()> {
        let currency = currency(row)?;
        let total = money(&row.total, currency)?;
        let received = money(row.received.as_deref().unwrap_or("0"), currency)?;
        let kind = row.kind.as_deref().unwrap_or("invoice");
        let sign = if kind == "invoice" { 1 } else { -1 };
        let signed = |m: Money| Money::new(sign * m.minor, currency).decimal();
        sqlx::query("INSERT INTO invoice VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
            .bind(&row.number)
            .bind(customer)
            .bind(kind)
            .bind(plus_days(self.first_day, row.issued).to_string())
            .bind(plus_days(self.first_day, row.due).to_string())
            .bind(currency.code())
            .bind(signed(total))
            .bind(received.decimal())
            .bind(signed(Money::new(total.minor - received.minor, currency)))
            .bind(row.status.as_deref().unwrap_or("open"))
            .bind(&row.for_invoice)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn happen(&self, row: &Row, event: &Event) -> anyhow::Result<()> {
        let currency = currency(row)?;
        let total = money(&row.total, currency)?;
        if let Some(part) = &event.received {
            let before = money(row.received.as_deref().unwrap_or("0"), currency)?;
            let received = before.minor + money(part, currency)?.minor;
            self.book(row, received, total.minor - received, currency).await?;
        }
        if event.paid == Some(true) {
            self.book(row, total.minor, 0, currency).await?;
            self.set("UPDATE invoice SET status = $2 WHERE number = $1", row, "paid").await?;
        }
        if event.reopened == Some(true) {
            self.book(row, 0, total.minor, currency).await?;
            self.set("UPDATE invoice SET status = $2 WHERE number = $1", row, "open").await?;
        }
        if let Some(due) = event.due {
            let day = plus_days(self.first_day, due).to_string();
            self.set("UPDATE invoice SET due_on = $2 WHERE number = $1", row, &day).await?;
        }
        if let Some(status) = &event.status {
            self.set("UPDATE invoice SET status = $2 WHERE number = $1", row, status).await?;
        }
        Ok(())
    }

    async fn book(&self, row: &Row, received: i64, balance: i64, currency: Currency) -> anyhow::Result<()> {
        sqlx::query("UPDATE invoice SET received = $2, balance = $3 WHERE number = $1")
            .bind(&row.number)
            .bind(Money::new(received, currency).decimal())
            .bind(Money::new(balance, currency).decimal())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn set(&self, sql: &'static str, row: &Row, value: &str) -> anyhow::Result<()> {
        sqlx::query(sql).bind(&row.number).bind(value.to_owned()).execute(&self.pool).await?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

fn currency(row: &Row) -> anyhow::Result<Currency> {
    let code = row.currency.as_deref().unwrap_or("EUR");
    Currency::parse(code).ok_or_else(|| anyhow!("{}: unknown currency {code}", row.number))
}

fn money(text: &str, currency: Currency) -> anyhow::Result<Money> {
    Money::parse(text, currency).map_err(|e| anyhow!("\"{text}\": {e}"))
}
