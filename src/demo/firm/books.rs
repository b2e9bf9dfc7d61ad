//! The firm's books: the ledger that relance reads, and a journal of all that happened, one JSON object a line. The journal
//! is for whoever judges the year afterwards: it knows what relance could not.

use super::people::Customer;
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use anyhow::Context as _;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SCHEMA: &str = "
CREATE TABLE customer (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT, country TEXT, language TEXT, email TEXT, phone TEXT,
  state TEXT, contacts TEXT, pay_runs TEXT, owner TEXT, since TEXT NOT NULL);
CREATE TABLE invoice (number TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customer (id), kind TEXT NOT NULL,
  issued_on TEXT NOT NULL, due_on TEXT NOT NULL, currency TEXT NOT NULL, total TEXT NOT NULL, balance TEXT NOT NULL,
  status TEXT NOT NULL, disputed_amount TEXT, for_invoice TEXT, document TEXT, lost INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0);
";

/// What relance reads: what is open, and what was settled of late. `lost` marks what an export forgot, on the one day on which
/// it went wrong.
const VIEW: &str = "
CREATE VIEW relance_invoices AS
  SELECT i.number AS invoice_id, i.number, c.id AS customer_id, c.name AS customer_name, i.issued_on, i.due_on, i.currency,
         i.total, i.balance, i.status, i.kind, i.for_invoice, i.disputed_amount, i.document, c.email, c.phone, c.language,
         c.country, c.kind AS customer_kind, c.state, c.contacts, c.pay_runs, c.owner, c.since AS customer_since
  FROM invoice i JOIN customer c ON c.id = i.customer WHERE i.lost = 0 AND i.archived = 0;
";

/// A row of the ledger, as the firm remembers it.
#[derive(Clone, Debug)]
pub(super) struct Paper {
    /// The customer's place in the list.
    pub(super) customer: usize,
    pub(super) kind: &'static str,
    pub(super) issued_on: Date,
    pub(super) due_on: Date,
    pub(super) currency: Currency,
    /// Minor units; less than zero for credit notes and payments.
    pub(super) total: i64,
    pub(super) balance: i64,
    pub(super) for_invoice: Option<String>,
    pub(super) document: Option<String>,
    /// A payment is on its way.
    pub(super) under_way: bool,
    pub(super) disputed: bool,
}

/// The books.
pub(super) struct Books {
    pool: SqlitePool,
    folder: PathBuf,
    zone: TimeZone,
    journal: Vec<String>,
    pub(super) papers: BTreeMap<String, Paper>,
}

impl Books {
    pub(super) async fn create(folder: &Path, zone: &TimeZone) -> anyhow::Result<Books> {
        let path = folder.join("ledger.db");
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).synchronous(SqliteSynchronous::Off);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.context("cannot make the ledger")?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        sqlx::raw_sql(VIEW).execute(&pool).await?;
        let (folder, zone) = (folder.to_path_buf(), zone.clone());
        Ok(Books { pool, folder, zone, journal: Vec::new(), papers: BTreeMap::new() })
    }

    /// A line of the journal; `facts` must be an object.
    pub(super) fn note(&mut self, at: Timestamp, what: &str, facts: Value) {
        let at = at.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        let mut line = serde_json::Map::from_iter([("at".to_owned(), at.into()), ("what".to_owned(), what.into())]);
        if let Value::Object(facts) = facts {
            line.extend(facts);
        }
        self.journal.push(Value::Object(line).to_string());
    }

    pub(super) async fn add_customer(&mut self, c: &Customer, since: Date, at: Timestamp) -> anyhow::Result<()> {
        let insert = sqlx::query("INSERT INTO customer VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
        let insert = insert.bind(&c.id).bind(&c.name).bind(c.kind).bind(c.country).bind(c.language).bind(&c.email);
        let insert = insert.bind(&c.phone).bind(c.state).bind(&c.contacts).bind(c.pay_runs).bind(c.owner).bind(since.to_string());
        insert.execute(&self.pool).await?;
        self.note(at, "customer", json!({"customer": c, "since": since.to_string()}));
        Ok(())
    }

    pub(super) async fn add(&mut self, number: &str, paper: Paper, customer: &str, at: Timestamp) -> anyhow::Result<()> {
        let money = |minor| Money::new(minor, paper.currency).decimal();
        let insert = sqlx::query("INSERT INTO invoice VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10, $11, 0, 0)");
        let insert = insert.bind(number).bind(customer).bind(paper.kind).bind(paper.issued_on.to_string());
        let insert = insert.bind(paper.due_on.to_string()).bind(paper.currency.code()).bind(money(paper.total));
        insert
            .bind(money(paper.balance))
            .bind(if paper.balance == 0 { "paid" } else { "open" })
            .bind(&paper.for_invoice)
            .bind(&paper.document)
            .execute(&self.pool)
            .await?;
        let facts = json!({"invoice": number, "customer": customer, "kind": paper.kind, "issued_on": paper.issued_on.to_string(),
            "due_on": paper.due_on.to_string(), "currency": paper.currency.code(), "total": money(paper.total),
            "balance": money(paper.balance), "for_invoice": paper.for_invoice, "document": paper.document});
        self.note(at, "row", facts);
        self.papers.insert(number.to_owned(), paper);
        Ok(())
    }

    /// What is open on a row is this from now on, and it is paid when that is nothing.
    pub(super) async fn book(&mut self, number: &str, balance: i64, at: Timestamp) -> anyhow::Result<()> {
        let Some(paper) = self.papers.get_mut(number) else { return Ok(()) };
        paper.balance = balance;
        paper.under_way = false;
        let (open, kind, currency) = (Money::new(balance, paper.currency).decimal(), paper.kind, paper.currency);
        let status = if balance == 0 { "paid" } else { "open" };
        self.set(number, "UPDATE invoice SET balance = $2, archived = 0 WHERE number = $1", &open).await?;
        self.set(number, "UPDATE invoice SET status = $2 WHERE number = $1 AND status <> 'disputed'", status).await?;
        if balance == 0 {
            self.set(number, "UPDATE invoice SET status = $2 WHERE number = $1", status).await?;
        }
        self.note(at, "booked", json!({"invoice": number, "kind": kind, "currency": currency.code(), "balance": open}));
        Ok(())
    }

    /// Sets a column of a row; the journal has it under the name `what`.
    pub(super) async fn mark(&mut self, number: &str, what: &'static str, value: &str, at: Timestamp) -> anyhow::Result<()> {
        let sql = match what {
            "status" => "UPDATE invoice SET status = $2 WHERE number = $1",
            "disputed_amount" => "UPDATE invoice SET disputed_amount = nullif($2, '') WHERE number = $1",
            "due_on" => "UPDATE invoice SET due_on = $2 WHERE number = $1",
            _ => anyhow::bail!("no such column: {what}"),
        };
        self.set(number, sql, value).await?;
        self.note(at, what, json!({"invoice": number, "value": value}));
        Ok(())
    }

    /// Sets a column of a customer.
    pub(super) async fn tell(&mut self, customer: &str, what: &'static str, value: &str, at: Timestamp) -> anyhow::Result<()> {
        let sql = match what {
            "state" => "UPDATE customer SET state = nullif($2, '') WHERE id = $1",
            "email" => "UPDATE customer SET email = $2 WHERE id = $1",
            "kind" => "UPDATE customer SET kind = $2 WHERE id = $1",
            "phone" => "UPDATE customer SET phone = $2 WHERE id = $1",
            _ => anyhow::bail!("no such column: {what}"),
        };
        self.set(customer, sql, value).await?;
        self.note(at, what, json!({"customer": customer, "value": value}));
        Ok(())
    }

    async fn set(&self, key: &str, sql: &'static str, value: &str) -> anyhow::Result<()> {
        sqlx::query(sql).bind(key.to_owned()).bind(value.to_owned()).execute(&self.pool).await?;
        Ok(())
    }

    /// What is settled and was due before a day goes into the archive, where no export looks.
    pub(super) async fn archive(&self, before: Date) -> anyhow::Result<()> {
        let sql = "UPDATE invoice SET archived = 1 WHERE status IN ('paid', 'void') AND due_on < $1";
        sqlx::query(sql).bind(before.to_string()).execute(&self.pool).await?;
        Ok(())
    }

    /// The ledger cannot be read, or can be again.
    pub(super) async fn hide(&mut self, away: bool, at: Timestamp) -> anyhow::Result<()> {
        sqlx::raw_sql(if away { "DROP VIEW relance_invoices" } else { VIEW }).execute(&self.pool).await?;
        self.note(at, if away { "ledger_away" } else { "ledger_back" }, json!({}));
        Ok(())
    }

    /// An export forgets every second row, or all of them are there again.
    pub(super) async fn lose(&mut self, lost: bool, at: Timestamp) -> anyhow::Result<()> {
        let sql = if lost { "UPDATE invoice SET lost = rowid % 2" } else { "UPDATE invoice SET lost = 0" };
        sqlx::query(sql).execute(&self.pool).await?;
        self.note(at, if lost { "ledger_halved" } else { "ledger_whole" }, json!({}));
        Ok(())
    }

    /// Ends the year: the journal goes into the folder.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        let path = self.folder.join("journal.jsonl");
        std::fs::write(&path, self.journal.join("\n") + "\n").with_context(|| format!("cannot write {}", path.display()))
    }
}
