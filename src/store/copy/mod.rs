//! Moves a store from its file to PostgreSQL: one transaction there, from one state of the file, which nobody can change
//! meanwhile. Nothing is committed before every value was read back and found the same, the log's with them: its chain
//! is the one that was verified in the file. At once after the commit the file is marked as moved: should the program die
//! between the two, both are whole, and the next `store copy` says so.

mod tables;
mod target;

use super::access::{Begin, Tx};
use super::chain::Verified;
use super::db::{MOVED, Store, WRITE_META};
use super::error::{StoreError, in_words};
use super::sql::{Sql, query};
use super::sqlite::StoreLock;
use crate::config::Environment;
use crate::config::database::DatabaseSettings;
use crate::config::settings::{StorePlace, StoreSettings};
use tables::{Column, Digest, Pages, TABLES, Table};

pub use tables::names;

const IN_HAND: Sql = Sql::same("SELECT count(*) FROM message WHERE state IN ('leased', 'sending') AND settled_at IS NULL");

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The file.
    pub from: String,
    /// Each table with its rows.
    pub tables: Vec<(&'static str, u64)>,
    /// What `log verify --deep` says of the file, and so of the copy: every value of the log is the same there.
    pub log: Verified,
}

/// Why a store was not moved.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The store in the file cannot be opened or read, or the database not be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no file to copy from.
    #[error("the store {0} is in PostgreSQL already; `relance store copy` moves one that is in a file")]
    NoFile(String),
    /// A program that is no more has left messages half done.
    #[error(
        "the store {place} holds messages that were in hand when `relance run` last ended ({count}), and some may have left; start `relance run` and stop it once: it settles them at its start. Then copy"
    )]
    InHand {
        /// The file.
        place: String,
        /// How many.
        count: i64,
    },
    /// Something is there already.
    #[error(
        "the schema relance in {to} is in use: {what}. Nothing was copied, and the store {from} is as it was. If another relance works there, name another database. If an earlier `relance store copy` made it, which was cut off before its end: either go on with it (set [store] url to {to} and put {from} away, so that nothing starts with that any more), or drop it (DROP SCHEMA relance CASCADE) and copy again"
    )]
    InUse {
        /// The database.
        to: String,
        /// The file.
        from: String,
        /// What is there.
        what: String,
    },
    /// A text that PostgreSQL has no way to hold.
    #[error(
        "the store {from} cannot go to PostgreSQL as it is: column {column} of table {table} holds a NUL character, which PostgreSQL has no way to keep, in the row with {row}. Nothing was copied. If the text comes from the ledger, mend it there, let `relance run` poll once and copy again"
    )]
    Nul {
        /// The file.
        from: String,
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// What the row is known by.
        row: String,
    },
    /// The database would not take it.
    #[error("cannot copy the store to {to}: {why}; nothing was copied, and the store {from} is as it was")]
    Refused {
        /// The database.
        to: String,
        /// The file.
        from: String,
        /// What it said.
        why: String,
    },
    /// What was read back is not what was copied.
    #[error(
        "the copy in {to} is not the same as the store {from}: {what}. It was taken back, and the store is as it was; see what changes rows there (a trigger, a rule, an encoding) before you copy again"
    )]
    Different {
        /// The database.
        to: String,
        /// The file.
        from: String,
        /// Where they differ.
        what: String,
    },
    /// The copy is there, and the file not marked.
    #[error(
        "the copy to {to} was at its end, but {why}. See whether it is there (`relance store copy` again tells). If it is, set [store] url to {to} and put {from} away, so that nothing starts with that any more; nothing is lost"
    )]
    CutOff {
        /// The database.
        to: String,
        /// The file.
        from: String,
        /// What happened.
        why: String,
    },
}

/// The two places, for errors.
struct Places {
    from: String,
    to: String,
}

impl Places {
    /// The database failed before anything was committed there.
    fn refused(&self, error: StoreError) -> CopyError {
        let why = match error {
            // Says by itself where it is and what to do.
            StoreError::Open { .. } => return error.into(),
            other => plain(other),
        };
        CopyError::Refused { to: self.to.clone(), from: self.from.clone(), why }
    }

    /// Something failed when the copy was there already.
    fn cut_off(&self, why: impl Into<String>) -> CopyError {
        CopyError::CutOff { to: self.to.clone(), from: self.from.clone(), why: why.into() }
    }

    fn in_use(&self, what: String) -> CopyError {
        CopyError::InUse { to: self.to.clone(), from: self.from.clone(), what }
    }

    fn different(&self, what: String) -> CopyError {
        CopyError::Different { to: self.to.clone(), from: self.from.clone(), what }
    }
}

/// What the database said, without the words for a store that is at work.
fn plain(error: StoreError) -> String {
    match error {
        StoreError::Sql(e) => in_words(&e),
        StoreError::Away { why, .. } => why,
        other => other.to_string(),
    }
}

/// Copies the store of `settings`, which must be a file, to a database, and marks the file as moved there.
pub async fn copy(settings: &StoreSettings, to: &DatabaseSettings, environment: &Environment) -> Result<Copied, CopyError> {
    let StorePlace::Sqlite(file) = &settings.place else { return Err(CopyError::NoFile(settings.place.name())) };
    let source = Store::existing(settings, environment).await?;
    let lock = StoreLock::take(file)?;
    let places = Places { from: source.place().to_owned(), to: to.place().to_owned() };
    let place = StoreSettings { place: StorePlace::Postgres(to.clone()), lease: settings.lease };
    let target = Store::connect(&place, environment).await.map_err(|e| places.refused(e))?;
    // Apart from the caller's own stack: it is a deep call with large frames.
    let done = Box::pin(copy_between(&source, &target, to.url(), &places)).await;
    // What was not committed is taken back by now on both sides, also where the caller goes on.
    target.close().await;
    source.close().await;
    drop(lock);
    done
}

async fn copy_between(source: &Store, target: &Store, url: &str, places: &Places) -> Result<Copied, CopyError> {
    // From here on nobody else writes into the file: no verb can slip in between.
    let mut from = source.begin().await?;
    let count: i64 = query(IN_HAND).sure(&mut from).await?;
    if count > 0 {
        return Err(CopyError::InHand { place: places.from.clone(), count });
    }
    let log = source.verify_log(true).await?;
    let mut into = target.writer.begin(Begin::Write).await.map_err(|e| places.refused(e))?;
    target::prepare(&mut into, places).await?;
    let mut tables = Vec::new();
    for table in &TABLES {
        let columns = table.columns(&mut from).await?;
        let copied = copy_table(table, &columns, &mut from, &mut into, places).await?;
        compare(table, &columns, &copied, &mut into, places).await?;
        tables.push((table.name, copied.rows));
    }
    target::finish(&mut into).await.map_err(|e| places.refused(e))?;
    into.commit().await.map_err(|e| places.cut_off(format!("the database did not confirm it: {}", plain(e))))?;
    // At once: between these two there are two stores.
    mark(from, url).await.map_err(|e| places.cut_off(format!("the file could not be marked as moved: {}", plain(e))))?;
    Ok(Copied { from: places.from.clone(), tables, log })
}

/// Tells everybody who opens the file where it has gone.
async fn mark(mut tx: Tx, to: &str) -> Result<(), StoreError> {
    query(WRITE_META).bind(MOVED).bind(to).execute(&mut tx).await?;
    tx.commit().await
}

/// Copies a table page by page; gives the digest of what was read.
async fn copy_table(
    table: &'static Table,
    columns: &[Column],
    from: &mut Tx,
    into: &mut Tx,
    places: &Places,
) -> Result<Digest, CopyError> {
    let (mut pages, mut digest) = (Pages::new(table, columns), Digest::default());
    let mut text = Vec::new();
    loop {
        let page = pages.next(from).await?;
        if page.is_empty() {
            return Ok(digest);
        }
        text.clear();
        for row in &page {
            if let Some((column, row)) = table.nul(columns, row) {
                return Err(CopyError::Nul { from: places.from.clone(), table: table.name, column, row });
            }
            digest.add(row);
            target::line(&mut text, row);
        }
        let taken = into.copy_in(&target::statement(table, columns), &text).await.map_err(|e| places.refused(e))?;
        if taken != page.len() as u64 {
            return Err(places.different(format!("of {} rows of table {} it took {taken}", page.len(), table.name)));
        }
    }
}

/// Reads a table back and sees that every value of it is as it was.
async fn compare(
    table: &'static Table,
    columns: &[Column],
    copied: &Digest,
    into: &mut Tx,
    places: &Places,
) -> Result<(), CopyError> {
    let (mut pages, mut digest) = (Pages::new(table, columns), Digest::default());
    loop {
        let page = pages.next(into).await.map_err(|e| places.refused(e))?;
        if page.is_empty() {
            break;
        }
        page.iter().for_each(|row| digest.add(row));
    }
    if digest.rows != copied.rows {
        return Err(places.different(format!("table {} has {} rows there in place of {}", table.name, digest.rows, copied.rows)));
    }
    match digest.hash() == copied.hash() {
        true => Ok(()),
        false => Err(places.different(format!("a value in table {} was changed on its way", table.name))),
    }
}
