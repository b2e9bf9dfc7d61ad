//! What people of the creditor's firm said about customers: the last word on each matter counts, and all stay on record.

use super::access::Tx;
use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::packed::packed;
use super::sql::query;
use super::statements;
use crate::domain::debtor::{Matter, Word};
use jiff::Timestamp;
use serde::Deserialize;

statements! {
    WORDS_OF = packed!("debtor_pk, matter, value, on_day, reason"
        "FROM standing WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND ended_at IS NULL" by "pk");
    WORD_ENDS = "UPDATE standing SET ended_at = $3 WHERE debtor_pk = $1 AND matter = $2 AND ended_at IS NULL";
    WORD_SAID = "INSERT INTO standing (debtor_pk, matter, value, on_day, at, reason, said_by) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    WORD_NOW = "SELECT value FROM standing WHERE debtor_pk = $1 AND matter = $2 AND ended_at IS NULL ORDER BY pk DESC LIMIT 1";
    WORD_LOOK = "UPDATE debtor SET next_at = CAST($2 AS BIGINT) - CASE WHEN next_at = $2 THEN 1 ELSE 0 END WHERE pk = $1";
    WORD_EVENT = "INSERT INTO event (debtor_pk, invoice_pk, at, kind, text) VALUES ($1, NULL, $2, $3, $4)";
    WORD_HISTORY = "SELECT matter, value, on_day, at, reason, said_by, ended_at FROM standing WHERE debtor_pk = $1 ORDER BY pk DESC LIMIT 200";
}

#[derive(Deserialize)]
pub(super) struct WordRow {
    pub(super) debtor_pk: i64,
    matter: String,
    value: Option<String>,
    on_day: String,
    reason: String,
}

impl WordRow {
    pub(super) fn read(self) -> Result<Word, StoreError> {
        let matter = word(Matter::parse(&self.matter), &self.matter)?;
        Ok(Word { matter, value: self.value, on: day(&self.on_day)?, reason: self.reason })
    }
}

/// A word on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What was said.
    pub word: Word,
    /// By whom, where it is known.
    pub by: Option<String>,
    /// When.
    pub at: Timestamp,
    /// When another took its place.
    pub ended_at: Option<Timestamp>,
}

impl Store {
    /// Puts a word on record in place of an earlier one on the matter; `None` only takes that back, so that the ledger
    /// counts again. The debtor is looked at anew.
    pub async fn say(
        &self,
        debtor_pk: i64,
        matter: Matter,
        said: Option<&Word>,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        query(WORD_ENDS).bind(debtor_pk).bind(matter.as_str()).bind(at).execute(&mut tx).await?;
        let text = match said {
            Some(word) => {
                let said = query(WORD_SAID).bind(debtor_pk).bind(matter.as_str()).bind(word.value.clone());
                said.bind(word.on.to_string()).bind(at).bind(&word.reason).bind(by).execute(&mut tx).await?;
                format!("{} ({})", word.words(), word.reason)
            }
            None => format!("{}: as the ledger says", matter.as_str()),
        };
        query(WORD_EVENT).bind(debtor_pk).bind(at).bind("word").bind(text).execute(&mut tx).await?;
        look(&mut tx, debtor_pk, at).await?;
        tx.commit().await
    }

    /// The word on a matter that counts: nothing where nobody said anything, or it was taken back; then its value.
    pub async fn said_now(&self, debtor_pk: i64, matter: Matter) -> Result<Option<Option<String>>, StoreError> {
        let rows = query(WORD_NOW).bind(debtor_pk).bind(matter.as_str()).all(&self.reader).await?;
        rows.first().map(|row| row.get("value")).transpose()
    }

    /// What was said about a debtor, the newest first; at most 200.
    pub async fn said(&self, debtor_pk: i64) -> Result<Vec<Said>, StoreError> {
        let rows = query(WORD_HISTORY).bind(debtor_pk).all(&self.reader).await?;
        let said = |row: &super::sql::Row| {
            let (matter, on, at): (String, String, i64) = (row.get("matter")?, row.get("on_day")?, row.get("at")?);
            let ended: Option<i64> = row.get("ended_at")?;
            let matter = word(Matter::parse(&matter), &matter)?;
            Ok(Said {
                word: Word { matter, value: row.get("value")?, on: day(&on)?, reason: row.get("reason")? },
                by: row.get("said_by")?,
                at: instant(at)?,
                ended_at: ended.map(instant).transpose()?,
            })
        };
        rows.iter().map(said).collect()
    }
}

/// The debtor is looked at now. Its `next_at` always becomes another than it was, so that a look under way sees it.
pub(super) async fn look(tx: &mut Tx, debtor_pk: i64, at: i64) -> Result<(), StoreError> {
    query(WORD_LOOK).bind(debtor_pk).bind(at).execute(tx).await?;
    Ok(())
}
