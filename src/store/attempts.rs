//! The log of attempts: append-only, each row chained to the one before (rule R26).

use super::access::Tx;
use super::chain::{Facts, GENESIS};
use super::db::{Store, instant, word};
use super::error::StoreError;
use super::said::{self, Words};
use super::sql::{Row, Sql, Value, insert_many, query};
use super::statements;
use crate::domain::attempt::Outcome;
use crate::domain::hex::hex;
use jiff::Timestamp;

statements! {
    CHAIN_HEAD = "SELECT pk, hash FROM attempt ORDER BY pk DESC LIMIT 1";
    CHAIN_APPEND = "INSERT INTO attempt (pk, at, debtor_pk, debtor, person, channel, cadence, step, letter, language, invoices, outcome,
            class, why, answer, message_id, message_pk, payload_pk, digest, words, prev, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)";
    LOG_PAGE = "SELECT a.pk, a.at, a.debtor_pk, a.debtor, a.person, a.channel, a.cadence, a.step, a.letter, a.language, a.invoices, a.outcome, a.class,
            a.why, a.answer, a.message_id, a.message_pk, a.payload_pk, a.digest, a.words, a.prev, a.hash, p.address,
            p.erased_at AS payload_erased, w.attempt_pk AS said, w.salt AS words_salt, w.why AS words_why, w.answer AS words_answer, w.erased_at AS words_erased
        FROM attempt a LEFT JOIN payload p ON p.pk = a.payload_pk LEFT JOIN words w ON w.attempt_pk = a.pk
        WHERE a.pk > $1 AND (CAST($2 AS BIGINT) IS NULL OR a.debtor_pk = $2) AND (CAST($3 AS TEXT) IS NULL OR a.channel = $3) AND (CAST($4 AS TEXT) IS NULL OR a.outcome = $4)
          AND (CAST($5 AS TEXT) IS NULL OR a.step = $5) AND (CAST($6 AS BIGINT) IS NULL OR a.at >= $6) AND (CAST($7 AS BIGINT) IS NULL OR a.at < $7)
        ORDER BY a.pk LIMIT 500";
    LOG_LAST = "SELECT a.pk, a.at, a.debtor_pk, a.debtor, a.person, a.channel, a.cadence, a.step, a.letter, a.language, a.invoices, a.outcome, a.class,
            a.why, a.answer, a.message_id, a.message_pk, a.payload_pk, a.digest, a.words, a.prev, a.hash, p.address,
            p.erased_at AS payload_erased, w.attempt_pk AS said, w.salt AS words_salt, w.why AS words_why, w.answer AS words_answer, w.erased_at AS words_erased
        FROM attempt a LEFT JOIN payload p ON p.pk = a.payload_pk LEFT JOIN words w ON w.attempt_pk = a.pk
        WHERE a.pk < $1 AND (CAST($2 AS BIGINT) IS NULL OR a.debtor_pk = $2) AND (CAST($3 AS TEXT) IS NULL OR a.channel = $3) AND (CAST($4 AS TEXT) IS NULL OR a.outcome = $4)
          AND (CAST($5 AS TEXT) IS NULL OR a.step = $5) AND (CAST($6 AS BIGINT) IS NULL OR a.at >= $6) AND (CAST($7 AS BIGINT) IS NULL OR a.at < $7)
        ORDER BY a.pk DESC LIMIT 500";
    LOG_ONE = "SELECT a.pk, a.at, a.debtor_pk, a.debtor, a.person, a.channel, a.cadence, a.step, a.letter, a.language, a.invoices, a.outcome, a.class,
            a.why, a.answer, a.message_id, a.message_pk, a.payload_pk, a.digest, a.words, a.prev, a.hash, p.address,
            p.erased_at AS payload_erased, w.attempt_pk AS said, w.salt AS words_salt, w.why AS words_why, w.answer AS words_answer, w.erased_at AS words_erased
        FROM attempt a LEFT JOIN payload p ON p.pk = a.payload_pk LEFT JOIN words w ON w.attempt_pk = a.pk WHERE a.pk = $1";
}

/// An attempt about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of the log, see README")]
pub struct NewAttempt {
    pub at: i64,
    pub debtor_pk: i64,
    pub debtor: String,
    /// A role or a number, never a name: the chain covers it.
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
    /// A reason code, or words that may quote somebody: those are kept beside the log.
    pub why: Option<String>,
    /// The other side's words, kept beside the log.
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
    /// When its address and message, or what others said of it, were erased.
    pub erased_at: Option<Timestamp>,
    pub(super) message_pk: Option<i64>,
    debtor_pk: i64,
    /// What the row itself says; the words beside it come before these.
    own: (Option<String>, Option<String>),
    pub(super) digest: Option<Vec<u8>>,
    pub(super) words: Option<Vec<u8>>,
    pub(super) said: Option<Said>,
    prev: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

/// What others said of an attempt, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) salt: Vec<u8>,
    pub(super) why: Option<String>,
    pub(super) answer: Option<String>,
    pub(super) erased: bool,
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

impl NewAttempt {
    /// The reason, where it is one of our own codes: only then it stands in the log itself.
    fn code(&self) -> Option<&str> {
        self.why.as_deref().filter(|why| said::is_code(why))
    }

    /// What others said.
    fn words(&self) -> Result<Option<Words>, StoreError> {
        Words::new(self.why.as_deref().filter(|why| !said::is_code(why)), self.answer.as_deref())
    }

    fn facts<'a>(&'a self, id: i64, words: Option<&'a [u8; 32]>) -> Facts<'a> {
        Facts {
            id,
            at: self.at,
            debtor_pk: self.debtor_pk,
            debtor: &self.debtor,
            person: self.person.as_deref(),
            channel: self.channel.as_deref(),
            cadence: &self.cadence,
            step: &self.step,
            letter: &self.letter,
            language: self.language.as_deref(),
            invoices: &self.invoices,
            outcome: self.outcome.as_str(),
            class: self.class,
            why: self.code(),
            answer: None,
            message_id: self.message_id.as_deref(),
            message_pk: self.message_pk,
            payload_pk: self.payload_pk,
            digest: self.digest.as_ref().map(<[u8; 32]>::as_slice),
            words: words.map(<[u8; 32]>::as_slice),
        }
    }

    /// The values of its row, in the order of the statement's columns.
    fn values(&self, id: i64, words: Option<&[u8; 32]>, prev: &[u8], hash: &[u8]) -> Vec<Value> {
        vec![
            id.into(),
            self.at.into(),
            self.debtor_pk.into(),
            (&self.debtor).into(),
            (&self.person).into(),
            (&self.channel).into(),
            (&self.cadence).into(),
            (&self.step).into(),
            (&self.letter).into(),
            (&self.language).into(),
            (&self.invoices).into(),
            self.outcome.as_str().into(),
            self.class.into(),
            self.code().into(),
            None::<String>.into(),
            (&self.message_id).into(),
            self.message_pk.into(),
            self.payload_pk.into(),
            self.digest.as_ref().map(<[u8; 32]>::as_slice).into(),
            words.map(<[u8; 32]>::as_slice).into(),
            prev.into(),
            hash.into(),
        ]
    }
}

/// Appends attempts in order; gives the new head.
pub(super) async fn append(tx: &mut Tx, attempts: &[NewAttempt]) -> Result<[u8; 32], StoreError> {
    let last = query(CHAIN_HEAD).optional(&mut *tx).await?;
    let (mut id, mut head) = match &last {
        Some(row) => (row.get("pk")?, row.get::<Vec<u8>>("hash")?.try_into().unwrap_or(GENESIS)),
        None => (0, GENESIS),
    };
    let mut linked = Vec::with_capacity(attempts.len());
    for a in attempts {
        let prev = head;
        id += 1;
        let words = a.words()?;
        let digest = words.as_ref().map(Words::digest);
        head = a.facts(id, digest.as_ref()).hash(&prev);
        linked.push((id, a, words, digest, prev, head));
    }
    for chunk in super::chunks(&linked) {
        let rows = chunk.iter().map(|(id, a, _, words, prev, hash)| a.values(*id, words.as_ref(), prev, hash));
        insert_many(CHAIN_APPEND, rows).execute(&mut *tx).await?;
    }
    let said: Vec<(i64, &Words)> = linked.iter().filter_map(|(id, _, words, ..)| Some((*id, words.as_ref()?))).collect();
    super::said::insert(tx, &said).await?;
    if !attempts.is_empty() {
        // Said once more elsewhere: a chain whose last links are cut off is still a whole chain.
        query(super::db::WRITE_META).bind(super::chain::HEAD).bind(hex(&head)).execute(tx).await?;
    }
    Ok(head)
}

fn attempt(row: &Row) -> Result<AttemptRow, StoreError> {
    let outcome: String = row.get("outcome")?;
    let own: (Option<String>, Option<String>) = (row.get("why")?, row.get("answer")?);
    let said = said_beside(row)?;
    let words = |said: Option<&String>, own: &Option<String>| said.cloned().or_else(|| own.clone());
    let erased: [Option<i64>; 2] = [row.get("payload_erased")?, row.get("words_erased")?];
    Ok(AttemptRow {
        id: row.get("pk")?,
        at: instant(row.get("at")?)?,
        debtor: row.get("debtor")?,
        person: row.get("person")?,
        channel: row.get("channel")?,
        address: row.get("address")?,
        cadence: row.get("cadence")?,
        step: row.get("step")?,
        letter: row.get("letter")?,
        language: row.get("language")?,
        invoices: row.get("invoices")?,
        outcome: word(Outcome::parse(&outcome), &outcome)?,
        class: row.get("class")?,
        why: words(said.as_ref().and_then(|s| s.why.as_ref()), &own.0),
        answer: words(said.as_ref().and_then(|s| s.answer.as_ref()), &own.1),
        message_id: row.get("message_id")?,
        payload_pk: row.get("payload_pk")?,
        erased_at: erased.into_iter().flatten().max().map(instant).transpose()?,
        debtor_pk: row.get("debtor_pk")?,
        message_pk: row.get("message_pk")?,
        own,
        digest: row.get("digest")?,
        words: row.get("words")?,
        said,
        prev: row.get("prev")?,
        hash: row.get("hash")?,
    })
}

fn said_beside(row: &Row) -> Result<Option<Said>, StoreError> {
    if row.get::<Option<i64>>("said")?.is_none() {
        return Ok(None);
    }
    let erased = row.get::<Option<i64>>("words_erased")?.is_some();
    Ok(Some(Said { salt: row.get("words_salt")?, why: row.get("words_why")?, answer: row.get("words_answer")?, erased }))
}

impl AttemptRow {
    fn facts(&self) -> Facts<'_> {
        Facts {
            id: self.id,
            at: self.at.as_millisecond(),
            debtor_pk: self.debtor_pk,
            debtor: &self.debtor,
            person: self.person.as_deref(),
            channel: self.channel.as_deref(),
            cadence: &self.cadence,
            step: &self.step,
            letter: &self.letter,
            language: self.language.as_deref(),
            invoices: &self.invoices,
            outcome: self.outcome.as_str(),
            class: self.class.as_deref(),
            why: self.own.0.as_deref(),
            answer: self.own.1.as_deref(),
            message_id: self.message_id.as_deref(),
            message_pk: self.message_pk,
            payload_pk: self.payload_pk,
            digest: self.digest.as_deref(),
            words: self.words.as_deref(),
        }
    }

    /// Whether the row's hash is that of its facts behind `prev`.
    pub(super) fn links(&self, prev: &[u8]) -> bool {
        self.prev == prev && self.hash == self.facts().hash(prev)
    }

    /// What is put into the log when something more becomes known of the same message.
    pub fn once_more(&self) -> NewAttempt {
        let AttemptRow { debtor, person, channel, cadence, step, letter, language, invoices, message_id, .. } = self.clone();
        NewAttempt {
            at: self.at.as_millisecond(),
            debtor_pk: self.debtor_pk,
            debtor,
            person,
            channel,
            cadence,
            step,
            letter,
            language,
            invoices,
            outcome: self.outcome,
            class: None,
            why: None,
            answer: None,
            message_id,
            message_pk: self.message_pk,
            payload_pk: self.payload_pk,
            digest: self.digest.as_deref().and_then(|d| d.try_into().ok()),
        }
    }

    /// Whether the log itself holds the other side's words, as before version 3 of the store: they cannot be erased.
    pub fn holds_words(&self) -> bool {
        self.own.1.is_some() || self.own.0.as_deref().is_some_and(|why| !said::is_code(why))
    }

    /// The row's hash: after the last row, the head of the chain.
    pub fn hash_text(&self) -> String {
        hex(&self.hash)
    }
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

    async fn log_query(&self, sql: Sql, id: i64, filter: &LogFilter) -> Result<Vec<AttemptRow>, StoreError> {
        let rows = query(sql)
            .bind(id)
            .bind(filter.debtor_pk)
            .bind(&filter.channel)
            .bind(&filter.outcome)
            .bind(&filter.step)
            .bind(filter.since)
            .bind(filter.until)
            .all(&self.reader)
            .await?;
        rows.iter().map(attempt).collect()
    }

    /// One attempt.
    pub async fn attempt(&self, id: i64) -> Result<Option<AttemptRow>, StoreError> {
        query(LOG_ONE).bind(id).optional(&self.reader).await?.as_ref().map(attempt).transpose()
    }
}
