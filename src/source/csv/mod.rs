//! An export as a ledger: a file, or a folder into which an export drops files, each of which is a whole ledger. The file is
//! read whole and kept by id, so that it is read again only when it has changed.
//!
//! A file that ends in the middle of a row is no ledger: to take it for one would be to take what is missing for paid.

mod file;
mod table;

pub use table::{Read, read};

use super::row::{Cell, Columns, RawRow};
use super::{Page, SourceError};
use crate::config::settings::CsvSettings;
use file::Stamp;
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;

/// An export, read.
#[derive(Clone, Debug)]
pub struct CsvSource {
    settings: CsvSettings,
    stamp: Stamp,
    table: Arc<Read>,
}

impl CsvSource {
    /// Reads the newest file that is complete.
    pub async fn open(settings: &CsvSettings) -> Result<CsvSource, SourceError> {
        let own = settings.clone();
        let place = settings.path.display().to_string();
        let failed = |why: String| SourceError::File { path: place.clone(), why };
        // Megabytes, and a wait of a moment: on a thread of its own.
        let opened = tokio::task::spawn_blocking(move || {
            let (stamp, bytes) = file::newest(&own)?;
            let table = read(&bytes, &own).map_err(|why| named(&stamp, &own, why))?;
            Ok(CsvSource { settings: own, stamp, table: Arc::new(table) })
        });
        opened.await.map_err(|_| failed("reading it failed; see for yourself what it is".to_owned()))?.map_err(failed)
    }

    /// The columns that are there.
    pub fn columns(&self) -> &Columns {
        &self.table.columns
    }

    /// Begins to read the whole ledger.
    pub fn pages(&self, limit: usize) -> Pages {
        Pages { table: Arc::clone(&self.table), limit: limit.max(1), next: Some(0) }
    }

    /// Some rows, by id.
    pub fn rows(&self, ids: &[String]) -> Vec<RawRow> {
        let rows = &self.table.rows;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let from = rows.partition_point(|r| r.id < *id);
            found.extend(rows.get(from..).unwrap_or_default().iter().take_while(|r| r.id == *id).cloned());
        }
        found
    }

    /// Rows with a number: a few, as a person asks for them.
    pub fn numbered(&self, number: &str) -> Vec<RawRow> {
        let Some(place) = self.table.columns.place("number") else { return Vec::new() };
        let is = |r: &&RawRow| matches!(r.cell(place), Some(Cell::Text(text)) if text.trim() == number);
        self.table.rows.iter().filter(is).take(2).cloned().collect()
    }

    /// When the file was written.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.stamp.written()
    }

    /// Whether the file that was read is still the one that counts, and as it was.
    pub fn is_current(&self) -> bool {
        file::current(&self.settings).is_ok_and(|stamp| stamp == self.stamp)
    }

    /// The file.
    pub fn place(&self) -> String {
        self.stamp.path.display().to_string()
    }
}

/// Of a folder it is said which file it is.
fn named(stamp: &Stamp, settings: &CsvSettings, why: String) -> String {
    match stamp.path == settings.path {
        true => why,
        false => format!("{}: {why}", stamp.path.file_name().unwrap_or_default().to_string_lossy()),
    }
}

/// The pages of a file.
#[derive(Debug)]
pub struct Pages {
    table: Arc<Read>,
    limit: usize,
    next: Option<usize>,
}

impl Pages {
    /// The next page, in the order of the ids.
    pub fn next_page(&mut self) -> Option<Page> {
        let from = self.next?;
        let rows = &self.table.rows;
        let to = from.saturating_add(self.limit).min(rows.len());
        self.next = (to < rows.len()).then_some(to);
        let rows = rows.get(from..to).unwrap_or_default().to_vec();
        let here: HashSet<&String> = rows.iter().map(|r| &r.id).collect();
        let doubled = self.table.doubled.iter().filter(|id| here.contains(id)).cloned().collect();
        Some(Page { rows, doubled })
    }
}
