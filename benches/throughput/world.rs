//! A ledger of any size, a desk on it, and a clock that stands still.

use jiff::Timestamp;
use relance::clock::Clock;
use relance::config::{Environment, Setup};
use relance::flow::Desk;
use relance::store::Store;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use std::path::Path;

/// A Wednesday noon in Brussels.
pub(crate) const NOW: &str = "2026-11-18T11:00:00Z";

/// Makes a ledger of `rows` invoices, `per_debtor` to a debtor, all due on one day.
pub(crate) async fn ledger(folder: &Path, rows: i64, per_debtor: i64, due_on: &str) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new().filename(folder.join("ledger.db")).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    sqlx::raw_sql(
        "PRAGMA journal_mode = WAL; CREATE TABLE relance_invoices (invoice_id INTEGER PRIMARY KEY, number TEXT NOT NULL, customer_id TEXT NOT NULL,
         customer_name TEXT NOT NULL, issued_on TEXT, due_on TEXT NOT NULL, currency TEXT NOT NULL, total TEXT, balance TEXT NOT NULL,
         email TEXT, language TEXT, country TEXT, customer_kind TEXT, reference TEXT)",
    )
    .execute(&pool)
    .await?;
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
         INSERT INTO relance_invoices SELECT i, 'F-' || i, 'C' || (i / $2), 'Client ' || (i / $2) || ' SPRL', '2026-10-05', $3, 'EUR',
           '1250.00', '1250.00', 'client' || (i / $2) || '@customer.example',
           CASE i / $2 % 4 WHEN 0 THEN 'fr' WHEN 1 THEN 'nl' WHEN 2 THEN 'de' ELSE 'en' END, 'BE', 'business', '+++010/8068/17183+++' FROM n",
    )
    .bind(rows)
    .bind(per_debtor)
    .bind(due_on)
    .execute(&pool)
    .await?;
    pool.close().await;
    Ok(())
}

/// A desk that sends to `smtp` over `connections`, with further lines for [guard].
pub(crate) async fn desk(folder: &Path, smtp: &str, connections: usize, guard: &str) -> anyhow::Result<Desk> {
    let text = format!(
        "[creditor]\nname = \"Atelier du Canal SRL\"\ncountry = \"BE\"\nlanguage = \"fr\"\ntimezone = \"Europe/Brussels\"\niban = \"BE71096123456769\"\ncontact = \"compta@canal.example\"\n\
         [source]\nkind = \"sqlite\"\npath = \"ledger.db\"\n[store]\nurl = \"sqlite://relance.db\"\n\
         [email]\nfrom = \"Comptabilite <compta@canal.example>\"\nsmtp = \"{smtp}\"\ntls = \"none\"\nconnections = {connections}\n[guard]\n{guard}\n"
    );
    std::fs::write(folder.join("relance.toml"), text)?;
    let setup = Setup::load(&folder.join("relance.toml"), Environment::new())?;
    let store = Store::open(&setup.settings.store.path).await?;
    Ok(Desk::new(setup, store, Clock::manual(NOW.parse::<Timestamp>()?)).await?)
}

/// Peak memory of this process so far, in MB (Linux).
pub(crate) fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or_default();
    line.split_ascii_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
