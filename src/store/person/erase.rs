//! Erasing a customer: refused while anything is claimed or under way, else all of it in one transaction, which leaves a
//! tombstone.

use super::places::PERSONAL;
use crate::store::access::{PoolKind, Tx};
use crate::store::db::Store;
use crate::store::error::StoreError;
use crate::store::packed::json;
use crate::store::sql::query;
use crate::store::{keys, statements};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;

statements! {
    OPEN_COUNT = "SELECT count(*) FROM invoice WHERE debtor_pk = $1 AND presence <> 'closed'";
    OPEN_NUMBERS = "SELECT number FROM invoice WHERE debtor_pk = $1 AND presence <> 'closed' ORDER BY pk LIMIT 5";
    OPEN_MESSAGES = "SELECT m.pk, m.state FROM contact c JOIN message m ON m.contact_pk = c.pk
        WHERE c.debtor_pk = $1 AND m.settled_at IS NULL ORDER BY m.pk LIMIT 5";
    OPEN_HOLDS = "SELECT h.pk, h.until_day, i.number FROM hold h LEFT JOIN invoice i ON i.pk = h.invoice_pk
        WHERE h.debtor_pk = $1 AND h.ended_at IS NULL AND h.until_day > $2 ORDER BY h.pk LIMIT 5";
    ERASED_BEFORE = "SELECT erased_at FROM debtor WHERE pk = $1";
    WORDS_IN_LOG = "SELECT count(*) FROM attempt WHERE debtor_pk = $1 AND answer IS NOT NULL";
    TOMBSTONE_PUT = "INSERT INTO tombstone (debtor_pk, at, cause, reason, author, counts) VALUES ($1, $2, $3, $4, $5, $6)";
    /// Gives 0 when SQLite's log of pages is empty now, and 1 while somebody reads from it.
    CHECKPOINT = each!(sqlite "PRAGMA wal_checkpoint(TRUNCATE)", postgres "SELECT CAST(0 AS BIGINT)");
}

/// Who erases, and why.
#[derive(Clone, Copy, Debug)]
pub struct Word<'w> {
    /// `person` or `retention`.
    pub cause: &'static str,
    /// Why.
    pub reason: &'w str,
    /// Who said so, where that is known.
    pub author: Option<&'w str>,
}

/// What is open, in words that name it, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// How many rows of the ledger are not settled, and the numbers of the first.
    pub rows: (i64, Vec<String>),
    /// Messages that are not settled: number and state.
    pub messages: Vec<(i64, String)>,
    /// Holds that run: number, day of their end, and the invoice if it is about one alone.
    pub holds: Vec<(i64, String, Option<String>)>,
}

impl Open {
    /// Whether nothing is.
    pub fn is_nothing(&self) -> bool {
        *self == Open::default()
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// Something is open: nothing was erased.
    Refused(Open),
    /// Nothing was left to erase; when it was erased before.
    Nothing(Option<i64>),
    /// Erased: how many rows of which table.
    Done(BTreeMap<&'static str, u64>),
}

impl Store {
    /// Erases a customer, all or nothing. `today` is the day in the creditor's zone.
    pub async fn erase_person(&self, debtor_pk: i64, word: Word<'_>, today: Date, now: Timestamp) -> Result<Erasure, StoreError> {
        // With the pen: nothing is planned and no page of the ledger written until it is done.
        let mut tx = self.begin().await?;
        let open = open(&mut tx, debtor_pk, today).await?;
        if !open.is_nothing() {
            tx.undo().await?;
            return Ok(Erasure::Refused(open));
        }
        let before: Option<i64> = query(ERASED_BEFORE).bind(debtor_pk).sure(&mut tx).await?;
        let counts = erase(&mut tx, debtor_pk, word, now).await?;
        if counts.is_empty() {
            tx.undo().await?;
            return Ok(Erasure::Nothing(before));
        }
        tx.commit().await?;
        Ok(Erasure::Done(counts))
    }

    /// Attempts of a customer from before version 3 of the store, of which the log itself holds the other side's words.
    pub async fn words_in_log(&self, debtor_pk: i64) -> Result<u64, StoreError> {
        let count: i64 = query(WORDS_IN_LOG).bind(debtor_pk).sure(&self.reader).await?;
        Ok(count.max(0) as u64)
    }

    /// Has a file forget what was erased: the pages as they were before still stand in the log of pages beside it. False
    /// while others are reading from there; then a later one will do. A database has its own ways (VACUUM).
    pub async fn forget_erased(&self) -> Result<bool, StoreError> {
        match &self.writer.kind {
            PoolKind::Sqlite(_) => Ok(query(CHECKPOINT).sure::<i64>(&self.writer).await? == 0),
            PoolKind::Postgres(_) => Ok(true),
        }
    }
}

async fn open(tx: &mut Tx, debtor_pk: i64, today: Date) -> Result<Open, StoreError> {
    let count: i64 = query(OPEN_COUNT).bind(debtor_pk).sure(&mut *tx).await?;
    let numbers = query(OPEN_NUMBERS).bind(debtor_pk).list(&mut *tx).await?;
    let messages = query(OPEN_MESSAGES).bind(debtor_pk).all(&mut *tx).await?;
    let holds = query(OPEN_HOLDS).bind(debtor_pk).bind(today.to_string()).all(&mut *tx).await?;
    let messages = messages.iter().map(|row| Ok((row.get("pk")?, row.get("state")?)));
    let holds = holds.iter().map(|row| Ok((row.get("pk")?, row.get("until_day")?, row.get("number")?)));
    Ok(Open {
        rows: (count, numbers),
        messages: messages.collect::<Result<_, StoreError>>()?,
        holds: holds.collect::<Result<_, StoreError>>()?,
    })
}

/// Takes everything away and sets the tombstone; nothing where nothing was left.
pub(super) async fn erase(
    tx: &mut Tx,
    debtor_pk: i64,
    word: Word<'_>,
    now: Timestamp,
) -> Result<BTreeMap<&'static str, u64>, StoreError> {
    let at = now.as_millisecond();
    let mut counts = BTreeMap::new();
    let mut found: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (table, find) in PERSONAL.iter().filter_map(|place| Some((place.table, place.find?))) {
        found.insert(table, query(find).bind(debtor_pk).list(&mut *tx).await?);
    }
    for place in &PERSONAL {
        let erase = match found.remove(place.table) {
            Some(rows) => query(place.erase).bind(keys(rows)),
            None => query(place.erase).bind(debtor_pk),
        };
        let erase = if place.dated { erase.bind(at) } else { erase };
        let touched = erase.execute(&mut *tx).await?;
        if touched > 0 {
            counts.insert(place.table, touched);
        }
    }
    if !counts.is_empty() {
        let put = query(TOMBSTONE_PUT).bind(debtor_pk).bind(at).bind(word.cause).bind(word.reason).bind(word.author);
        put.bind(json(&counts)?).execute(tx).await?;
    }
    Ok(counts)
}
