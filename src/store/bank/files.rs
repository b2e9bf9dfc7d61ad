//! Which files of the bank's folder have been read, and which cannot be.

use crate::store::db::{Store, instant};
use crate::store::error::StoreError;
use crate::store::packed::names;
use crate::store::sql::query;
use crate::store::statements;
use jiff::Timestamp;
use std::collections::HashMap;

statements! {
    BANK_FILES = "SELECT name, size, changed, digest, state FROM bank_file WHERE name IN (SELECT value ->> 0 FROM json_each($1))";
    BANK_FILE_SAME = "SELECT count(*) FROM bank_file WHERE digest = $1 AND state = 'read'";
    /// A file that cannot be read stays as old as it is while it does not change.
    BANK_FILE_PUT = "INSERT INTO bank_file (name, size, changed, digest, kind, state, problem, entries, fresh, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (name) DO UPDATE SET size = excluded.size, changed = excluded.changed, digest = excluded.digest, kind = excluded.kind, state = excluded.state,
            problem = excluded.problem, entries = excluded.entries, fresh = excluded.fresh, at = excluded.at";
    BANK_FILES_FAILED = "SELECT name, problem, at FROM bank_file WHERE state = 'failed' ORDER BY name LIMIT 200";
    BANK_FILES_LAST = "SELECT max(at) FROM bank_file WHERE state = 'read'";
    BANK_FILE_GOES = "DELETE FROM bank_file WHERE name = $1 AND state = 'failed'";
    /// What has been read longest ago is forgotten: its entries are known by themselves.
    BANK_FILES_KEPT = "DELETE FROM bank_file WHERE state = 'read' AND at < $1";
}

/// A file that lies in the folder, as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lies {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// When it changed last, in milliseconds since 1970.
    pub changed: i64,
    /// Over its bytes.
    pub digest: String,
}

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its name.
    pub name: String,
    /// Where in it, and what.
    pub problem: String,
    /// Since when.
    pub at: Timestamp,
}

impl Store {
    /// Size and time of files by their names, as they were when they were read or could not be.
    pub async fn bank_files(&self, list: &[String]) -> Result<HashMap<String, (i64, i64)>, StoreError> {
        let mut found = HashMap::new();
        for chunk in list.chunks(5000) {
            for row in query(BANK_FILES).bind(names(chunk)?).all(&self.reader).await? {
                found.insert(row.get("name")?, (row.get("size")?, row.get("changed")?));
            }
        }
        Ok(found)
    }

    /// Whether a file with these bytes has been read.
    pub async fn bank_has_read(&self, digest: &str) -> Result<bool, StoreError> {
        Ok(query(BANK_FILE_SAME).bind(digest).sure::<i64>(&self.reader).await? > 0)
    }

    /// A file has been read: of its kind, with so many entries, so many of which were new.
    pub async fn bank_file_read(
        &self,
        file: &Lies,
        kind: Option<&str>,
        (entries, fresh): (i64, i64),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let put = query(BANK_FILE_PUT).bind(&file.name).bind(file.size).bind(file.changed).bind(&file.digest);
        self.write(put.bind(kind).bind("read").bind(None::<String>).bind(entries).bind(fresh).bind(now.as_millisecond())).await?;
        Ok(())
    }

    /// A file cannot be read.
    pub async fn bank_file_failed(&self, file: &Lies, problem: &str, now: Timestamp) -> Result<(), StoreError> {
        let put = query(BANK_FILE_PUT).bind(&file.name).bind(file.size).bind(file.changed).bind(&file.digest);
        self.write(put.bind(None::<String>).bind("failed").bind(problem).bind(0i64).bind(0i64).bind(now.as_millisecond()))
            .await?;
        Ok(())
    }

    /// Files that cannot be read; at most 200.
    pub async fn bank_files_failed(&self) -> Result<Vec<FileRow>, StoreError> {
        let rows = query(BANK_FILES_FAILED).all(&self.reader).await?;
        rows.iter()
            .map(|r| {
                let problem: Option<String> = r.get("problem")?;
                Ok(FileRow { name: r.get("name")?, problem: problem.unwrap_or_default(), at: instant(r.get("at")?)? })
            })
            .collect()
    }

    /// When a file was read last.
    pub async fn bank_last_read(&self) -> Result<Option<Timestamp>, StoreError> {
        query(BANK_FILES_LAST).sure::<Option<i64>>(&self.reader).await?.map(instant).transpose()
    }

    /// A file that could not be read is no longer there.
    pub async fn bank_file_gone(&self, name: &str) -> Result<(), StoreError> {
        self.write(query(BANK_FILE_GOES).bind(name)).await?;
        Ok(())
    }

    /// Forgets files that were read before an instant.
    pub async fn bank_forget_files(&self, before: Timestamp) -> Result<(), StoreError> {
        self.write(query(BANK_FILES_KEPT).bind(before.as_millisecond())).await?;
        Ok(())
    }
}
