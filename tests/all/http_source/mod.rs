//! Invoicing systems with an HTTP API: a server of our own on a socket gives what the real ones were recorded to give, or what
//! they publish that they give.

mod datasette;
mod faults;
mod flow;
mod oauth;
mod paging;
mod patience;
mod presets;
mod program;
mod shapes;
mod tls;

use crate::support::Config;
use relance::config::Setup;
use relance::domain::ledger::LedgerRow;
use relance::source::row::{Columns, RawRow};
use relance::source::{Source, SourceError};
use std::collections::BTreeMap;
use tempfile::TempDir;

/// A recorded answer.
pub fn sample(name: &str) -> String {
    let path = format!("{}/tests/samples/http/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A source as a configuration opens it.
pub struct Opened {
    folder: TempDir,
    pub source: Source,
    pub columns: Columns,
}

impl Opened {
    /// The source of a preset at a URL; `more` are further lines of `[source]`.
    pub async fn new(preset: &str, url: &str, more: &str) -> Opened {
        Opened::with(Config::mail(25).system(preset, url, more)).await
    }

    pub async fn with(config: Config) -> Opened {
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = TempDir::new().unwrap();
        config.write(folder.path());
        let setup = Setup::load(&folder.path().join("relance.toml"), BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
        let source = Source::open(&setup).await.unwrap();
        let columns = source.columns().await.unwrap();
        Opened { folder, source, columns }
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The whole list, each row in short.
    pub async fn list(&self) -> Result<Vec<String>, SourceError> {
        let mut reading = self.source.read(&self.columns, 1000).await?;
        let mut rows = Vec::new();
        while let Some(page) = reading.next_page().await? {
            rows.extend(page.rows);
        }
        Ok(self.short(&rows))
    }

    pub async fn reread(&self, ids: &[&str]) -> Result<Vec<String>, SourceError> {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let mut rows = self.short(&self.source.reread(&self.columns, &ids).await?);
        rows.sort();
        Ok(rows)
    }

    pub async fn numbered(&self, number: &str) -> Vec<String> {
        self.short(&self.source.numbered(&self.columns, number).await.unwrap())
    }

    fn short(&self, rows: &[RawRow]) -> Vec<String> {
        rows.iter()
            .map(|row| row.read(&self.columns, "BE").map_or_else(|why| format!("{}: {why}", row.id), |row| brief(&row)))
            .collect()
    }
}

/// A row in short: what matters of it.
pub fn brief(row: &LedgerRow) -> String {
    let customer = &row.customer;
    let mut words = vec![
        row.id.clone(),
        row.number.clone(),
        format!("{}/{}", customer.id, customer.name),
        row.due_on.to_string(),
        row.balance.to_string(),
        format!("{} {}", row.kind.as_str(), row.status.as_str()),
    ];
    words.extend([&customer.email, &customer.phone, &customer.language, &customer.country].into_iter().flatten().cloned());
    words.extend(row.promised_on.map(|day| format!("promised {day}")));
    words.join(" | ")
}
