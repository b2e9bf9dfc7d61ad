//! The log of attempts: append-only, each row chained to the one before (rule R26).

use super::db::{Store, StoreError, instant, word};
use super::{payloads, statements};
use crate::domain::attempt::Outcome;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

statements! {
    CHAIN_HEAD = "SELECT hash FROM attempt ORDER BY pk DESC LIMIT 1";
    CHAIN_APPEND = "INSERT INTO attempt (at, debtor_pk, debtor, person, channel, cadence, step, letter, language, invoices, outcome,
            class, why, answer, message_id, message_pk, payload_pk, digest, prev, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    LOG_PAGE = "SELECT a.pk, a.at, a.debtor, a.person, a.channel, a.cadence, a.step, a.letter, a.language, a.invoices, a.outcome, a.class,
            a.why, a.answer, a.message_id, a.payload_pk, a.digest, a.prev, a.hash, p.address
        FROM attempt a LEFT JOIN payload p ON p.pk = a.payload_pk
        WHERE a.pk > $1 AND ($2 IS NULL OR a.debtor_pk = $2) AND ($3 IS NULL OR a.channel = $3) AND ($4 IS NULL OR a.outcome = $4)
          AND ($5 IS NULL OR a.step = $5) AND ($6 IS NULL OR a.at >= $6) AND ($7 IS NULL OR a.at < $7)
        ORDER BY a.pk LIMIT 500";
    LOG_LAST = "SELECT a.pk, a.at, a.debtor, a.person, a.channel, a.cadence, a.step, a.letter, a.language, a.invoices, a.outcome, a.class,
            a.why, a.answer, a.message_id, a.payload_pk, a.digest, a.prev, a.hash, p.address
        FROM attempt a LEFT JOIN payload p ON p.pk = a.payload_pk
        WHERE a.pk < $1 AND ($2 IS NULL OR a.debtor_pk = $2) AND ($3 IS NULL OR a.channel = $3) AND ($4 IS NULL OR a.outcome = $4)
          AND ($5 IS NULL OR a.step = $5) AND ($6 IS NULL OR a.at >= $6) AND ($7 IS NULL OR a.at < $7)
        ORDER BY a.pk DESC LIMIT 500";
    LOG_ONE = "SELECT a.pk, a.at, a.debtor, a.person, a.channel, a.cadence, a.step, a.letter, a.language, a.invoices, a.outcome, a.class,
            a.why, a.answer, a.message_id, a.payload_pk, a.digest, a.prev, a.hash, p.address
        FROM attempt a LEFT JOIN payload p ON p.pk = a.payload_pk WHERE a.pk = $1";
}

/// The head of an empty chain.
pub const GENESIS: [u8; 32] = [0; 32];

/// An attempt about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of the log, see README")]
pub struct NewAttempt {
    pub at: i64,
    pub debtor_pk: i64,
    pub debtor: String,
    pub person: Option<String>,
    pub channel: Option<String>,
    pub cadence: String,
    pub step: String,
    pub letter: String,
    pub language: Option<String>,
    /// JSON: id, number, balance, currency, stage and days late of each invoice.
    pub invoices: String,
    pub outcome: Outcome,
    pub class: Option<&'static str>,
    pub why: Option<String>,
    pub answer: Option<String>,
    pub message_id: Option<String>,
    pub message_pk: Option<i64>,
    pub payload_pk: Option<i64>,
    pub digest: Option<[u8; 32]>,
}

/// An attempt from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of the log, see README")]
pub struct AttemptRow {
    pub id: i64,
    pub at: Timestamp,
    pub debtor: String,
    pub person: Option<String>,
    pub channel: Option<String>,
    pub address: Option<String>,
    pub cadence: String,
    pub step: String,
    pub letter: String,
    pub language: Option<String>,
    pub invoices: String,
    pub outcome: Outcome,
    pub class: Option<String>,
    pub why: Option<String>,
    pub answer: Option<String>,
    pub message_id: Option<String>,
    pub payload_pk: Option<i64>,
    digest: Option<Vec<u8>>,
    prev: Vec<u8>,
    hash: Vec<u8>,
}

/// Which attempts to show.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// The debtor, by store key.
    pub debtor_pk: Option<i64>,
    /// Channel.
    pub channel: Option<String>,
    /// Outcome.
    pub outcome: Option<String>,
    /// Step.
    pub step: Option<String>,
    /// Not before.
    pub since: Option<i64>,
    /// Before.
    pub until: Option<i64>,
}

/// The hash of a row: its facts, each with its length, behind the hash of the row before.
fn chain_hash(prev: &[u8], facts: [&str; 14], digest: Option<&[u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(prev);
    for fact in facts {
        hash.update((fact.len() as u64).to_be_bytes());
        hash.update(fact.as_bytes());
    }
    hash.update(digest.unwrap_or_default());
    hash.finalize().into()
}

impl NewAttempt {
    /// The row's hash behind the one before.
    fn link(&self, prev: &[u8]) -> [u8; 32] {
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let facts = [
            self.at.to_string().as_str(),
            &self.debtor,
            &text(&self.person),
            &text(&self.channel),
            &self.cadence,
            &self.step,
            &self.letter,
            &text(&self.language),
            &self.invoices,
            self.outcome.as_str(),
            self.class.unwrap_or_default(),
            &text(&self.why),
            &text(&self.message_id),
            &self.payload_pk.map(|p| p.to_string()).unwrap_or_default(),
        ]
        .map(str::to_owned);
        chain_hash(prev, facts.each_ref().map(String::as_str), self.digest.as_ref().map(|d| d.as_slice()))
    }
}

/// Appends attempts in order; gives the new head.
pub(super) async fn append(tx: &mut Transaction<'_, Sqlite>, attempts: &[NewAttempt]) -> Result<[u8; 32], StoreError> {
    let head: Option<Vec<u8>> = sqlx::query_scalar(CHAIN_HEAD).fetch_optional(&mut **tx).await?;
    let mut head: [u8; 32] = head.and_then(|h| h.try_into().ok()).unwrap_or(GENESIS);
    let mut linked = Vec::with_capacity(attempts.len());
    for a in attempts {
        let prev = head;
        head = a.link(&prev);
        linked.push((a, prev, head));
    }
    for chunk in super::chunks(&linked) {
        let mut query = super::many_rows(CHAIN_APPEND);
        query.push_values(chunk, |mut row, (a, prev, hash)| {
            row.push_bind(a.at).push_bind(a.debtor_pk).push_bind(&a.debtor).push_bind(&a.person).push_bind(&a.channel);
            row.push_bind(&a.cadence).push_bind(&a.step).push_bind(&a.letter).push_bind(&a.language).push_bind(&a.invoices);
            row.push_bind(a.outcome.as_str()).push_bind(a.class).push_bind(&a.why).push_bind(&a.answer).push_bind(&a.message_id);
            row.push_bind(a.message_pk).push_bind(a.payload_pk).push_bind(a.digest.as_ref().map(|d| d.as_slice()));
            row.push_bind(prev.as_slice()).push_bind(hash.as_slice());
        });
        query.build().execute(&mut **tx).await?;
    }
    Ok(head)
}

fn attempt(row: &SqliteRow) -> Result<AttemptRow, StoreError> {
    let outcome: String = row.get("outcome");
    Ok(AttemptRow {
        id: row.get("pk"),
        at: instant(row.get("at"))?,
        debtor: row.get("debtor"),
        person: row.get("person"),
        channel: row.get("channel"),
        address: row.get("address"),
        cadence: row.get("cadence"),
        step: row.get("step"),
        letter: row.get("letter"),
        language: row.get("language"),
        invoices: row.get("invoices"),
        outcome: word(Outcome::parse(&outcome), &outcome)?,
        class: row.get("class"),
        why: row.get("why"),
        answer: row.get("answer"),
        message_id: row.get("message_id"),
        payload_pk: row.get("payload_pk"),
        digest: row.get("digest"),
        prev: row.get("prev"),
        hash: row.get("hash"),
    })
}

impl AttemptRow {
    /// Whether the row's hash is that of its facts behind `prev`.
    fn links(&self, prev: &[u8]) -> bool {
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let at = self.at.as_millisecond().to_string();
        let payload = self.payload_pk.map(|p| p.to_string()).unwrap_or_default();
        let facts = [
            at.as_str(),
            &self.debtor,
            &text(&self.person),
            &text(&self.channel),
            &self.cadence,
            &self.step,
            &self.letter,
            &text(&self.language),
            &self.invoices,
            self.outcome.as_str(),
            &text(&self.class),
            &text(&self.why),
            &text(&self.message_id),
            &payload,
        ];
        self.prev == prev && self.hash == chain_hash(prev, facts, self.digest.as_deref())
    }

    /// The row's hash: after the last row, the head of the chain.
    pub fn hash_text(&self) -> String {
        self.hash.iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// What `log verify` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Rows read.
    pub rows: u64,
    /// Payloads that match their digest (with `--deep`).
    pub payloads: u64,
    /// Payloads erased by right: only their digest is left.
    pub erased: u64,
    /// Head of the chain.
    pub head: String,
    /// What does not hold; empty when all does. At most 100.
    pub broken: Vec<String>,
}

impl Store {
    /// A page of the log above an id, at most 500 rows.
    pub async fn log_page(&self, after: i64, filter: &LogFilter) -> Result<Vec<AttemptRow>, StoreError> {
        self.log_query(LOG_PAGE, after, filter).await
    }

    /// A page of the log below an id, the newest first, at most 500 rows.
    pub async fn log_page_before(&self, before: i64, filter: &LogFilter) -> Result<Vec<AttemptRow>, StoreError> {
        self.log_query(LOG_LAST, before, filter).await
    }

    async fn log_query(&self, sql: &'static str, id: i64, filter: &LogFilter) -> Result<Vec<AttemptRow>, StoreError> {
        let rows = sqlx::query(sql)
            .bind(id)
            .bind(filter.debtor_pk)
            .bind(&filter.channel)
            .bind(&filter.outcome)
            .bind(&filter.step)
            .bind(filter.since)
            .bind(filter.until)
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(attempt).collect()
    }

    /// One attempt.
    pub async fn attempt(&self, id: i64) -> Result<Option<AttemptRow>, StoreError> {
        sqlx::query(LOG_ONE).bind(id).fetch_optional(&self.reader).await?.as_ref().map(attempt).transpose()
    }

    /// Walks the chain from its beginning, a page at a time; with `deep`, unpacks and checks every payload too.
    pub async fn verify_log(&self, deep: bool) -> Result<Verified, StoreError> {
        let mut found = Verified { head: hex(&GENESIS), ..Verified::default() };
        let mut prev = GENESIS.to_vec();
        let mut after = 0;
        loop {
            let page = self.log_page(after, &LogFilter::default()).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = last.id;
            for row in &page {
                found.rows += 1;
                if !row.links(&prev) && found.broken.len() < 100 {
                    found.broken.push(format!("attempt {}: the row or the one before it was changed, added or removed", row.id));
                }
                if deep {
                    self.verify_payload(row, &mut found).await?;
                }
                prev = row.hash.clone();
            }
            found.head = hex(&prev);
        }
    }

    async fn verify_payload(&self, row: &AttemptRow, found: &mut Verified) -> Result<(), StoreError> {
        let Some(pk) = row.payload_pk else { return Ok(()) };
        let kept = match self.payload(pk).await {
            Ok(Some(kept)) => kept,
            Ok(None) | Err(StoreError::Corrupt(_)) => {
                found.broken.push(format!("attempt {}: its payload is gone or cannot be unpacked", row.id));
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        let Some(address) = &kept.address else {
            found.erased += 1;
            return Ok(());
        };
        let body = payloads::body_hash(&kept.salt, kept.message.as_deref().unwrap_or_default());
        let digest = payloads::digest(&kept.salt, address, &kept.body_hash, row.answer.as_deref());
        let whole = body.as_slice() == kept.body_hash && row.digest.as_deref() == Some(digest.as_slice());
        match whole {
            true => found.payloads += 1,
            false if found.broken.len() < 100 => {
                found.broken.push(format!("attempt {}: address, message or answer was changed", row.id))
            }
            false => {}
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
