//! A ledger in a PostgreSQL database. Left out where RELANCE_TEST_POSTGRES names no server.

mod faults;
mod flow;
mod pages;
mod types;
mod writes;

use super::support::{Config, Database};
use relance::config::Setup;
use relance::source::row::{Columns, RawRow};
use relance::source::{Source, SourceError};
use std::collections::BTreeMap;

/// The source of a firm with some lines in `[source]`, opened.
async fn source(url: &str, lines: &str) -> Result<Source, SourceError> {
    let folder = tempfile::tempdir().unwrap();
    Config::mail(25).ledger(url).source_line(lines).write(folder.path());
    Source::open(&Setup::load(&folder.path().join("relance.toml"), BTreeMap::new()).unwrap()).await
}

/// A line of `[source]` that holds SQL.
fn line(key: &str, sql: &str) -> String {
    format!("{key} = '''{sql}'''")
}

/// The columns that must be there, with some replaced or added, as `SELECT` gives them; one row.
fn one_row(other: &[(&str, &str)]) -> String {
    let mut columns = vec![
        ("invoice_id", "'i1'"),
        ("number", "'F-1'"),
        ("customer_id", "'C1'"),
        ("customer_name", "'Maison C1'"),
        ("due_on", "'2026-10-26'"),
        ("currency", "'EUR'"),
        ("balance", "'120.00'"),
    ];
    for (name, value) in other {
        columns.retain(|(n, _)| n != name);
        columns.push((name, value));
    }
    format!("SELECT {}", columns.iter().map(|(n, v)| format!("{v} AS {n}")).collect::<Vec<_>>().join(", "))
}

/// All rows of the ledger, in pages of some size, and the ids that stand twice.
async fn all(source: &Source, limit: usize) -> (Columns, Vec<RawRow>, Vec<String>) {
    let columns = source.columns().await.unwrap();
    let mut reading = source.read(&columns, limit).await.unwrap();
    let (mut rows, mut doubled) = (Vec::new(), Vec::new());
    while let Some(page) = reading.next_page().await.unwrap() {
        rows.extend(page.rows);
        doubled.extend(page.doubled);
    }
    (columns, rows, doubled)
}

/// The text of an error when a source is opened and read to its end.
async fn told(url: &str, lines: &str) -> String {
    let read = async {
        let source = source(url, lines).await?;
        let columns = source.columns().await?;
        let mut reading = source.read(&columns, 1000).await?;
        while reading.next_page().await?.is_some() {}
        source.reread(&columns, &["i1".to_owned()]).await?;
        source.booked_through().await
    };
    let told = read.await.unwrap_err().to_string();
    assert!(!told.contains("hunter2"), "{told}");
    told
}

/// Transactions of relance that lie open.
async fn open_transactions(database: &Database) -> usize {
    let sql = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'relance' \
               AND xact_start IS NOT NULL";
    database.texts(sql).await.len()
}
