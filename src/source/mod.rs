//! Where the invoices are. A source gives pages of rows, in the order of their ids, and reads some rows again.

pub mod csv;
pub mod document;
pub mod http;
pub mod look;
pub mod postgres;
pub mod row;
pub mod sqlite;
mod wal;

use crate::config::Setup;
use crate::config::settings::SourceKind;
use jiff::Timestamp;
use jiff::civil::Date;
use row::{Cell, Columns, RawRow};

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
    /// A server cannot be reached, or lets nobody in.
    #[error("cannot reach the ledger {place}: {why}; {advice}")]
    Server {
        /// The database.
        place: String,
        /// What the server or the system said.
        why: String,
        /// What can be done.
        advice: &'static str,
    },
    /// Another program's transaction keeps a table of it.
    #[error(
        "another program's transaction has kept a table of the ledger {place} locked for {seconds} seconds; see that it ends (pg_locks and pg_stat_activity name it). It is read again by itself, and nothing leaves before"
    )]
    Kept {
        /// The database.
        place: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The password cannot be read.
    #[error(transparent)]
    Secret(#[from] crate::config::secret::SecretError),
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
        "the ledger {place} did not answer within {seconds} seconds; its query may be slow, or another program may hold it locked"
    )]
    TimedOut {
        /// The file or database.
        place: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A file that is a whole ledger cannot be read to its end.
    #[error("the export {path}: {why}")]
    File {
        /// The file or folder.
        path: String,
        /// What is wrong, and what can be done.
        why: String,
    },
    /// A system cannot be asked, or answers what cannot be read.
    #[error("the ledger {place} cannot be read: {why}")]
    Http {
        /// The base URL.
        place: String,
        /// What is wrong, without anything that the other side said.
        why: String,
        /// What the other side said: for whoever sets it up, and for no log.
        said: Option<String>,
        /// How long it asks to be left alone, where that is longer than it was waited for.
        wait: Option<std::time::Duration>,
    },
    /// A reading that did not come to its end, or under which the ledger moved.
    #[error(
        "the ledger {place} could be read only in part: {why}. It is read again by itself; until then nothing leaves, and nothing counts as paid"
    )]
    Partial {
        /// The base URL.
        place: String,
        /// What was seen.
        why: String,
    },
    /// No row has an id: the query is at fault, and which invoices are there is not known.
    #[error("no row of the ledger's query has an invoice_id that is text or a whole number; every row needs one")]
    NoId,
}

impl SourceError {
    /// The same, with how long the other side asks to be left alone.
    fn asking(mut self, asked: Option<std::time::Duration>) -> SourceError {
        if let SourceError::Http { wait, .. } = &mut self {
            *wait = asked;
        }
        self
    }
}

/// A source.
#[derive(Clone, Debug)]
pub enum Source {
    /// An SQLite file.
    Sqlite(sqlite::SqliteSource),
    /// A PostgreSQL database.
    Postgres(postgres::PostgresSource),
    /// A file, read whole.
    Csv(csv::CsvSource),
    /// An invoicing system with an HTTP API.
    Http(http::HttpSource),
}

/// What becomes of invoices that a whole reading did not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// They are gone.
    IsGone,
    /// They are asked for alone: a list may lose one between two pages.
    AskAlone,
    /// They are gone when the next whole reading does not show them either.
    Twice,
}

/// A page of rows.
#[derive(Debug)]
pub struct Page {
    /// The rows, in the order of their ids.
    pub rows: Vec<RawRow>,
    /// Ids that stood more than once: their rows cannot be trusted.
    pub doubled: Vec<String>,
}

/// A reading of the whole ledger, from its first page to its last.
#[derive(Debug)]
pub enum Reading {
    /// Each page a statement of its own.
    Sqlite(sqlite::Pages),
    /// All pages of one statement, in one transaction. Dropped half way, it leaves nothing open.
    Postgres(postgres::Cursor),
    /// From memory.
    Csv(csv::Pages),
    /// Each page an answer of its own.
    Http(Box<http::Listing>),
}

impl Reading {
    /// The next page; `None` after the last.
    pub async fn next_page(&mut self) -> Result<Option<Page>, SourceError> {
        match self {
            Reading::Sqlite(pages) => pages.next_page().await,
            Reading::Postgres(cursor) => cursor.next_page().await,
            Reading::Csv(pages) => Ok(pages.next_page()),
            Reading::Http(listing) => listing.next_page().await,
        }
    }

    /// Ends the reading before its last page. Dropping it does the same, but costs a server the connection.
    pub async fn end(self) {
        match self {
            Reading::Sqlite(_) | Reading::Csv(_) | Reading::Http(_) => {}
            Reading::Postgres(cursor) => cursor.end().await,
        }
    }
}

impl Source {
    /// Opens the source that the settings name.
    pub async fn open(setup: &Setup) -> Result<Source, SourceError> {
        let settings = &setup.settings.source;
        Ok(match &settings.kind {
            SourceKind::Sqlite(path) => Source::Sqlite(sqlite::SqliteSource::open(path, settings).await?),
            SourceKind::Postgres(database) => {
                let options = database.options(&setup.environment)?;
                let zone = setup.settings.creditor.timezone.iana_name();
                let server = postgres::Connections::new(options, database.place(), zone);
                Source::Postgres(postgres::PostgresSource::open(server, settings).await?)
            }
            SourceKind::Csv(file) => Source::Csv(csv::CsvSource::open(file).await?),
            SourceKind::Http(http) => {
                Source::Http(http::HttpSource::open(http, &setup.settings.creditor.timezone, &setup.environment)?)
            }
        })
    }

    /// The columns of the query, checked.
    pub async fn columns(&self) -> Result<Columns, SourceError> {
        match self {
            Source::Sqlite(source) => source.columns().await,
            Source::Postgres(source) => Ok(source.columns().clone()),
            Source::Csv(source) => Ok(source.columns().clone()),
            Source::Http(source) => source.columns(),
        }
    }

    /// Begins to read the whole ledger, in pages of `limit` rows (or one more, where an id stands twice at the edge).
    pub async fn read(&self, columns: &Columns, limit: usize) -> Result<Reading, SourceError> {
        match self {
            Source::Sqlite(source) => Ok(Reading::Sqlite(source.pages(columns, limit))),
            Source::Postgres(source) => Ok(Reading::Postgres(source.cursor(columns, limit).await?)),
            Source::Csv(source) => Ok(Reading::Csv(source.pages(limit))),
            Source::Http(source) => Ok(Reading::Http(Box::new(source.list(columns, &http::Scope::All)))),
        }
    }

    /// Begins to read what has changed since an instant, paid invoices among it; `None` where the source cannot tell.
    pub fn changes(&self, columns: &Columns, since: jiff::Timestamp) -> Option<Reading> {
        let Source::Http(source) = self else { return None };
        let changes = source.system().changes.as_ref()?;
        let since = since.checked_sub(jiff::SignedDuration::from_secs(changes.overlap)).unwrap_or(since);
        Some(Reading::Http(Box::new(source.list(columns, &http::Scope::Since(since)))))
    }

    /// What becomes of invoices that a whole reading did not show.
    pub fn absence(&self) -> Absence {
        match self {
            // Read in one order, by keys: what moves shows, and what is not there is gone.
            Source::Sqlite(_) | Source::Postgres(_) => Absence::IsGone,
            // A file may have been cut off at a line's end, and another one is needed to see that it was not.
            Source::Csv(_) => Absence::Twice,
            Source::Http(source) if source.asks_alone() => Absence::AskAlone,
            Source::Http(_) => Absence::Twice,
        }
    }

    /// How many rows one request can be about.
    pub fn at_once(&self) -> usize {
        match self {
            Source::Sqlite(_) | Source::Postgres(_) | Source::Csv(_) => usize::MAX,
            Source::Http(source) => source.at_once(),
        }
    }

    /// Some rows again, in a poll: with more patience than a re-read before sending has.
    pub async fn confirm(&self, columns: &Columns, ids: &[String]) -> Result<Vec<RawRow>, SourceError> {
        match self {
            Source::Http(source) => source.confirm(columns, ids).await,
            _ => self.reread(columns, ids).await,
        }
    }

    /// Ids that stand both as a number and as text, which no two neighbouring rows show. Asked once a poll.
    pub async fn twins(&self) -> Result<Vec<String>, SourceError> {
        match self {
            Source::Sqlite(source) => source.twins().await,
            // A column has one type there, and what is equal in it stands together; a list is looked through as it is read.
            Source::Postgres(_) | Source::Csv(_) | Source::Http(_) => Ok(Vec::new()),
        }
    }

    /// Some rows again, by id, in one statement (R13). What is gone is simply not among them.
    pub async fn reread(&self, columns: &Columns, ids: &[String]) -> Result<Vec<RawRow>, SourceError> {
        match self {
            Source::Sqlite(source) => source.reread(columns, ids).await,
            Source::Postgres(source) => source.reread(columns, ids).await,
            // A file that has changed is opened anew before anything is asked of it, see [`Source::is_current`].
            Source::Csv(source) => Ok(source.rows(ids)),
            Source::Http(source) => source.reread(columns, ids).await,
        }
    }

    /// Rows with a number.
    pub async fn numbered(&self, columns: &Columns, number: &str) -> Result<Vec<RawRow>, SourceError> {
        match self {
            Source::Sqlite(source) => source.numbered(columns, number).await,
            Source::Postgres(source) => source.numbered(columns, number).await,
            Source::Csv(source) => Ok(source.numbered(number)),
            Source::Http(source) => source.numbered(columns, number).await,
        }
    }

    /// The day up to which receipts are booked, where a query says so (R10).
    pub async fn booked_through(&self) -> Result<Option<Date>, SourceError> {
        match self {
            Source::Sqlite(source) => source.booked_through().await,
            Source::Postgres(source) => source.booked_through().await,
            Source::Csv(_) | Source::Http(_) => Ok(None),
        }
    }

    /// As of when what is read is true, where that is not the moment of reading: a file is as old as it is.
    pub fn as_of(&self) -> Option<Timestamp> {
        match self {
            Source::Csv(source) => source.as_of(),
            Source::Sqlite(_) | Source::Postgres(_) | Source::Http(_) => None,
        }
    }

    /// Whether what is open is still what the settings name.
    pub fn is_current(&self) -> bool {
        match self {
            Source::Sqlite(source) => source.is_current(),
            // A server that was replaced has ended our connections.
            Source::Postgres(_) | Source::Http(_) => true,
            Source::Csv(source) => source.is_current(),
        }
    }

    /// The file or database, for messages.
    pub fn place(&self) -> String {
        match self {
            Source::Sqlite(source) => source.path().display().to_string(),
            Source::Postgres(source) => source.place().to_owned(),
            Source::Csv(source) => source.place(),
            Source::Http(source) => source.place().to_owned(),
        }
    }
}

/// Ids that stand on neighbouring rows, each once.
fn doubled(rows: &[RawRow]) -> Vec<String> {
    let same = |w: &&[RawRow]| w[0].has_id() && w[0].id == w[1].id;
    let mut ids: Vec<String> = rows.windows(2).filter(same).map(|w| w[0].id.clone()).collect();
    ids.dedup();
    ids
}

/// The text of a query without the semicolon at its end and the comments behind that, so that it can stand in
/// brackets. A comment on its last line is for the caller, who closes the bracket on a new line.
fn body(sql: &str) -> &str {
    let mut end = sql.trim();
    while let Some(before) = before_comment(end) {
        end = before.trim_end();
    }
    if end.ends_with(';') { end.trim_end_matches(|c: char| c == ';' || c.is_whitespace()) } else { sql.trim() }
}

/// What stands before a comment that is a line of its own or stands behind a semicolon. One with a quotation mark may
/// be no comment but a part of a text, and is left alone.
fn before_comment(sql: &str) -> Option<&str> {
    let start = sql.rfind('\n').map_or(0, |at| at + 1);
    let (before, line) = sql.split_at(start);
    if line.trim_start().starts_with("--") {
        return Some(before);
    }
    let behind_semicolon = |at: &usize| line[..*at].trim_end().ends_with(';') && !line[*at..].contains(['\'', '"']);
    line.match_indices("--").map(|(at, _)| at).find(behind_semicolon).map(|at| &sql[..start + at])
}

/// The day that a `booked_through` query gave.
fn day(cell: Option<Cell>) -> Result<Option<Date>, SourceError> {
    let wrong = |why: String| SourceError::Query { what: "booked_through", why };
    match cell {
        Some(Cell::Text(text)) => {
            let day = text.get(..10).unwrap_or(&text);
            day.parse().map(Some).map_err(|_| wrong(format!("it gave \"{text}\"; wanted a date YYYY-MM-DD")))
        }
        _ => Err(wrong("it gave no date".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_end_in_a_semicolon_or_a_comment() {
        assert_eq!(body(" SELECT 1 ;\n"), "SELECT 1");
        assert_eq!(body("SELECT 1;;\n -- all of them\n\n-- really; all\n"), "SELECT 1");
        assert_eq!(body("SELECT 1 -- all"), "SELECT 1 -- all");
        assert_eq!(body("SELECT 1 ; -- all -- of them"), "SELECT 1");
        assert_eq!(body("SELECT ';-- x'"), "SELECT ';-- x'");
        assert_eq!(body("SELECT ';' AS a"), "SELECT ';' AS a");
        assert_eq!(body("SELECT 1\n-- all\n-- of them"), "SELECT 1\n-- all\n-- of them");
        assert_eq!(body(";"), "");
    }
}
