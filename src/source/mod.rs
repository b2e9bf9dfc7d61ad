//! Where the invoices are. A source gives pages of rows, in the order of their ids, and reads some rows again.

mod phone;
pub mod row;
pub mod sqlite;
mod wal;

use crate::config::settings::SourceSettings;
use row::{Columns, RawRow};
use std::path::Path;

/// A source that cannot be read. The texts are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be opened.
    #[error(
        "cannot open the ledger {path}: {why}; see that the file exists and that this user may read it (of a ledger in WAL mode also its -wal and -shm files)"
    )]
    Open {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// Another program does not let go of it.
    #[error(
        "another program has kept the ledger {path} locked for {seconds} seconds; see that it ends its transaction (`fuser {path}` names it). It is read again by itself, and nothing leaves before"
    )]
    Locked {
        /// The file.
        path: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The query fails.
    #[error("the ledger's {what} failed: {why}")]
    Query {
        /// Which statement.
        what: &'static str,
        /// What the database said.
        why: String,
    },
    /// A needed column is not there.
    #[error(
        "the ledger's query yields no column {0}; needed are invoice_id, number, customer_id, customer_name, due_on, currency, balance"
    )]
    MissingColumns(String),
    /// It took too long.
    #[error(
        "the ledger {path} did not answer within {seconds} seconds; its query may be slow, or another program may hold it locked"
    )]
    TimedOut {
        /// The file.
        path: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// No row has an id: the query is at fault, and which invoices are there is not known.
    #[error("no row of the ledger's query has an invoice_id that is text or a whole number; every row needs one")]
    NoId,
}

/// A source.
#[derive(Clone, Debug)]
pub enum Source {
    /// An SQLite file.
    Sqlite(sqlite::SqliteSource),
}

/// A page of rows.
#[derive(Debug)]
pub struct Page {
    /// The rows, in the order of their ids.
    pub rows: Vec<RawRow>,
    /// Ids that stood more than once: their rows cannot be trusted.
    pub doubled: Vec<String>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<row::Cell>,
}

impl Source {
    /// Opens the source that the settings name.
    pub async fn open(settings: &SourceSettings) -> Result<Source, SourceError> {
        Ok(Source::Sqlite(sqlite::SqliteSource::open(settings).await?))
    }

    /// The columns of the query, checked.
    pub async fn columns(&self) -> Result<Columns, SourceError> {
        match self {
            Source::Sqlite(source) => source.columns().await,
        }
    }

    /// A page of at most `limit` rows behind an id.
    pub async fn page(&self, columns: &Columns, after: Option<&row::Cell>, limit: usize) -> Result<Page, SourceError> {
        match self {
            Source::Sqlite(source) => source.page(columns, after, limit).await,
        }
    }

    /// Ids that stand both as a number and as text, which no two neighbouring rows show. Asked once a poll.
    pub async fn twins(&self) -> Result<Vec<String>, SourceError> {
        match self {
            Source::Sqlite(source) => source.twins().await,
        }
    }

    /// Some rows again, by id, in one statement (R13). What is gone is simply not among them.
    pub async fn reread(&self, columns: &Columns, ids: &[String]) -> Result<Vec<RawRow>, SourceError> {
        match self {
            Source::Sqlite(source) => source.reread(columns, ids).await,
        }
    }

    /// Rows with a number.
    pub async fn numbered(&self, columns: &Columns, number: &str) -> Result<Vec<RawRow>, SourceError> {
        match self {
            Source::Sqlite(source) => source.numbered(columns, number).await,
        }
    }

    /// The day up to which receipts are booked, where a query says so (R10).
    pub async fn booked_through(&self) -> Result<Option<jiff::civil::Date>, SourceError> {
        match self {
            Source::Sqlite(source) => source.booked_through().await,
        }
    }

    /// Whether what is open is still what the settings name.
    pub fn is_current(&self) -> bool {
        match self {
            Source::Sqlite(source) => source.is_current(),
        }
    }

    /// The file, for messages.
    pub fn place(&self) -> &Path {
        match self {
            Source::Sqlite(source) => source.path(),
        }
    }
}
