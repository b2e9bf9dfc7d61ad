//! What is erased by itself when it has been kept for long enough: batches, each a transaction of its own, in the order of
//! time. Every statement asks anew whether anything is open; a row whose closing is not known counts as open.

use super::erase::{Word, erase};
use crate::store::db::Store;
use crate::store::error::StoreError;
use crate::store::packed::json;
use crate::store::sql::{Sql, query};
use crate::store::{keys, statements};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

statements! {
    /// Contacts that are over, with all that their messages named settled for long enough.
    KEPT_CONTACTS = "SELECT c.pk, c.at FROM contact c
        WHERE c.erased_at IS NULL AND c.at < $1 AND (c.at > $2 OR (c.at = $2 AND c.pk > $3)) AND c.state NOT IN ('in_hand', 'maybe')
          AND NOT EXISTS (SELECT 1 FROM message m WHERE m.contact_pk = c.pk AND (m.settled_at IS NULL OR m.settled_at >= $1))
          AND NOT EXISTS (SELECT 1 FROM json_each(c.invoices) v JOIN invoice i ON i.pk = CAST(v.value AS BIGINT)
              WHERE i.closed_at IS NULL OR i.closed_at >= $1)
          AND NOT EXISTS (SELECT 1 FROM message m JOIN attempt a ON a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk
              JOIN json_each(a.invoices) v ON 1 = 1 JOIN invoice i ON i.source_id = v.value ->> 'id'
              WHERE m.contact_pk = c.pk AND (i.closed_at IS NULL OR i.closed_at >= $1))
        ORDER BY c.at, c.pk LIMIT 200";
    KEEP_NO_WORDS = each!(
        sqlite "UPDATE words SET salt = x'', why = NULL, answer = NULL, erased_at = $2 WHERE erased_at IS NULL AND attempt_pk IN (
            SELECT a.pk FROM message m JOIN attempt a ON a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk
            WHERE m.contact_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)))",
        postgres "UPDATE words SET salt = '', why = NULL, answer = NULL, erased_at = $2 WHERE erased_at IS NULL AND attempt_pk IN (
            SELECT a.pk FROM message m JOIN attempt a ON a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk
            WHERE m.contact_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)))");
    KEEP_NO_PAYLOADS = each!(
        sqlite "UPDATE payload SET salt = x'', address = NULL, body = NULL, body_hash = x'', dictionary_pk = NULL, erased_at = $2
            WHERE erased_at IS NULL AND pk IN (SELECT m.payload_pk FROM message m
                WHERE m.payload_pk IS NOT NULL AND m.contact_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
                UNION SELECT a.payload_pk FROM message m JOIN attempt a ON a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk
                WHERE a.payload_pk IS NOT NULL AND m.contact_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)))",
        postgres "UPDATE payload SET salt = '', address = NULL, body = NULL, body_hash = '', dictionary_pk = NULL, erased_at = $2
            WHERE erased_at IS NULL AND pk IN (SELECT m.payload_pk FROM message m
                WHERE m.payload_pk IS NOT NULL AND m.contact_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
                UNION SELECT a.payload_pk FROM message m JOIN attempt a ON a.debtor_pk = m.debtor_pk AND a.message_pk = m.pk
                WHERE a.payload_pk IS NOT NULL AND m.contact_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)))");
    KEEP_NO_ADDRESSES = "UPDATE message SET address = '' WHERE contact_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    KEEP_NO_CONTACTS = "UPDATE contact SET erased_at = $2 WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    /// Attempts without a message, such as those that found no address, with words that say what was wrong with it.
    KEPT_ALONE = "SELECT a.pk, a.at FROM attempt a JOIN words w ON w.attempt_pk = a.pk AND w.erased_at IS NULL
        WHERE a.message_pk IS NULL AND a.at < $1 AND (a.at > $2 OR (a.at = $2 AND a.pk > $3))
          AND NOT EXISTS (SELECT 1 FROM json_each(a.invoices) v JOIN invoice i ON i.source_id = v.value ->> 'id'
              WHERE i.closed_at IS NULL OR i.closed_at >= $1)
        ORDER BY a.at, a.pk LIMIT 200";
    KEEP_NOT_ALONE = each!(
        sqlite "UPDATE words SET salt = x'', why = NULL, answer = NULL, erased_at = $2 WHERE attempt_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
        postgres "UPDATE words SET salt = '', why = NULL, answer = NULL, erased_at = $2 WHERE attempt_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))");
    KEPT_EVENTS = "SELECT e.pk, e.at FROM event e WHERE e.text <> '' AND e.at < $1 AND (e.at > $2 OR (e.at = $2 AND e.pk > $3))
          AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.pk = e.invoice_pk AND (i.closed_at IS NULL OR i.closed_at >= $1))
          AND (e.invoice_pk IS NOT NULL OR NOT EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = e.debtor_pk AND i.presence <> 'closed'))
        ORDER BY e.at, e.pk LIMIT 500";
    KEEP_NO_EVENTS = "UPDATE event SET text = '' WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    /// What came back is about the claims that there were by then; what belongs to nobody is about none.
    KEPT_INBOUND = "SELECT b.pk, b.at FROM inbound b WHERE b.erased_at IS NULL AND b.state <> 'unread' AND b.at < $1 AND (b.at > $2 OR (b.at = $2 AND b.pk > $3))
          AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = b.debtor_pk AND i.presence <> 'closed' AND i.first_seen <= $4)
          AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = b.debtor_pk AND i.presence = 'closed'
              AND (i.closed_at IS NULL OR i.closed_at >= $1) AND i.first_seen <= $4)
        ORDER BY b.at, b.pk LIMIT 500";
    KEEP_NO_INBOUND = "UPDATE inbound SET sender = NULL, subject = '', text = '', class = NULL, grave = NULL, back_on = NULL, said_by = NULL, remark = NULL, erased_at = $2
        WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    /// An answer is about its invoices. One that still waits for a person stays.
    KEPT_PROPOSALS = "SELECT p.pk, p.at FROM proposal p WHERE p.erased_at IS NULL AND p.decided_at < $1 AND (p.at > $2 OR (p.at = $2 AND p.pk > $3))
          AND NOT EXISTS (SELECT 1 FROM json_each(p.invoices) v JOIN invoice i ON i.pk = CAST(v.value AS BIGINT)
              WHERE i.closed_at IS NULL OR i.closed_at >= $1)
        ORDER BY p.at, p.pk LIMIT 500";
    KEEP_NO_PROPOSALS = "UPDATE proposal SET on_day = NULL, amount = NULL, currency = NULL, text = '', said_by = NULL, reason = NULL, erased_at = $2
        WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    /// What the bank showed is about the invoices that it pays; what pays none is about nobody.
    KEPT_BANK = "SELECT e.pk, e.at FROM bank_entry e WHERE e.erased_at IS NULL AND e.state <> 'proposed' AND e.at < $1 AND (e.at > $2 OR (e.at = $2 AND e.pk > $3))
          AND NOT EXISTS (SELECT 1 FROM bank_match m JOIN invoice i ON i.pk = m.invoice_pk WHERE m.entry_pk = e.pk AND (i.closed_at IS NULL OR i.closed_at >= $1))
        ORDER BY e.at, e.pk LIMIT 500";
    KEEP_NO_BANK = "UPDATE bank_entry SET reference = '[]', text = '', end_to_end = NULL, name = NULL, iban = NULL, said_by = NULL, remark = NULL, erased_at = $2
        WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    /// A hold on a customer as a whole is about the claims that there were while it lasted.
    KEPT_HOLDS = "SELECT h.pk, h.created_at AS at FROM hold h
        WHERE h.reason <> 'erased' AND h.created_at < $1 AND (h.created_at > $2 OR (h.created_at = $2 AND h.pk > $3))
          AND h.until_day < $4 AND (h.ended_at IS NULL OR h.ended_at < $1)
          AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.pk = h.invoice_pk AND (i.closed_at IS NULL OR i.closed_at >= $1))
          AND (h.invoice_pk IS NOT NULL OR (
            NOT EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = h.debtor_pk AND i.presence <> 'closed' AND i.first_seen <= h.until_day)
            AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = h.debtor_pk AND i.presence = 'closed'
                AND (i.closed_at IS NULL OR i.closed_at >= $1) AND i.first_seen <= h.until_day)))
        ORDER BY h.created_at, h.pk LIMIT 500";
    KEEP_NO_HOLDS = "UPDATE hold SET reason = 'erased' WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    /// What was said in a call is about the invoices of its task.
    KEPT_CALLS = "SELECT c.pk, c.at FROM call c JOIN task t ON t.pk = c.task_pk
        WHERE c.note IS NOT NULL AND c.at < $1 AND (c.at > $2 OR (c.at = $2 AND c.pk > $3))
          AND NOT EXISTS (SELECT 1 FROM json_each(t.invoices) v JOIN invoice i ON i.pk = CAST(v.value AS BIGINT)
              WHERE i.closed_at IS NULL OR i.closed_at >= $1)
        ORDER BY c.at, c.pk LIMIT 500";
    KEEP_NO_CALLS = "UPDATE call SET note = NULL WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    KEPT_TASKS = "SELECT t.pk, t.settled_at AS at FROM task t
        WHERE t.text <> '' AND t.settled_at < $1 AND (t.settled_at > $2 OR (t.settled_at = $2 AND t.pk > $3))
          AND NOT EXISTS (SELECT 1 FROM json_each(t.invoices) v JOIN invoice i ON i.pk = CAST(v.value AS BIGINT)
              WHERE i.closed_at IS NULL OR i.closed_at >= $1)
        ORDER BY t.settled_at, t.pk LIMIT 500";
    KEEP_NO_TASKS = "UPDATE task SET text = '', owner = NULL, why = NULL WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    /// A word on a customer that another has replaced is about the claims that there were by then. One that counts stays.
    KEPT_STANDINGS = "SELECT s.pk, s.ended_at AS at FROM standing s
        WHERE s.reason <> 'erased' AND s.ended_at < $1 AND (s.ended_at > $2 OR (s.ended_at = $2 AND s.pk > $3))
          AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = s.debtor_pk AND i.presence <> 'closed' AND i.first_seen <= $4)
          AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = s.debtor_pk AND i.presence = 'closed'
              AND (i.closed_at IS NULL OR i.closed_at >= $1) AND i.first_seen <= $4)
        ORDER BY s.ended_at, s.pk LIMIT 500";
    KEEP_NO_STANDINGS = "UPDATE standing SET value = NULL, reason = 'erased', said_by = NULL WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    KEPT_ALERTS = "SELECT pk, ended_at AS at FROM alert WHERE ended_at < $1 AND (ended_at > $2 OR (ended_at = $2 AND pk > $3)) ORDER BY ended_at, pk LIMIT 500";
    KEEP_NO_ALERTS = "DELETE FROM alert WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    /// Customers of whom nothing is claimed and nothing has happened for long enough.
    KEPT_CUSTOMERS = "SELECT d.pk FROM debtor d WHERE d.pk > $2 AND d.erased_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = d.pk AND i.presence <> 'closed')
          AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = d.pk AND i.presence = 'closed' AND (i.closed_at IS NULL OR i.closed_at >= $1))
          AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.debtor_pk = d.pk AND c.at >= $1)
          AND NOT EXISTS (SELECT 1 FROM contact c JOIN message m ON m.contact_pk = c.pk
              WHERE c.debtor_pk = d.pk AND (m.settled_at IS NULL OR m.settled_at >= $1))
          AND NOT EXISTS (SELECT 1 FROM event e WHERE e.debtor_pk = d.pk AND e.at >= $1)
          AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.debtor_pk = d.pk AND (h.created_at >= $1 OR h.ended_at >= $1 OR h.until_day >= $3))
          AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.debtor_pk = d.pk AND a.at >= $1)
        ORDER BY d.pk LIMIT 50";
}

/// The name under which the last run is kept.
const LAST: &str = "retention";

/// A run that came to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The creditor's day, YYYY-MM-DD.
    pub day: String,
    /// When it ended, in milliseconds since 1970.
    pub at: i64,
    /// Contacts of which the messages were erased, and attempts without a message whose words were.
    pub messages: u64,
    /// Reasons of holds and of words on customers, words of events, notes of calls, tasks, letters to the creditor.
    pub notes: u64,
    /// Customers.
    pub customers: u64,
}

/// What is erased by itself, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Messages with their addresses and answers, a contact at a time.
    Contacts,
    /// Words about attempts that had no message.
    Alone,
    /// Words of events.
    Events,
    /// What came back.
    Inbound,
    /// Answers on the page, and what became of them.
    Proposals,
    /// What the bank showed.
    Bank,
    /// Reasons of holds.
    Holds,
    /// Notes of calls.
    Calls,
    /// What was to be done, and what came of it.
    Tasks,
    /// Words on customers that others have replaced.
    Standings,
    /// Letters to the creditor.
    Alerts,
    /// Whole customers.
    Customers,
}

/// Where the next batch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    at: i64,
    pk: i64,
}

impl Since {
    /// The very first.
    pub const START: Since = Since { at: i64::MIN, pk: i64::MIN };
}

/// What a batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// How many were erased.
    pub erased: u64,
    /// Where the next one begins; `None` at the end.
    pub next: Option<Since>,
}

impl Kind {
    /// What finds them, and what takes them away, with or without the moment.
    fn statements(self) -> (Sql, &'static [(Sql, bool)]) {
        match self {
            Kind::Contacts => (
                KEPT_CONTACTS,
                &[(KEEP_NO_WORDS, true), (KEEP_NO_PAYLOADS, true), (KEEP_NO_ADDRESSES, false), (KEEP_NO_CONTACTS, true)],
            ),
            Kind::Alone => (KEPT_ALONE, &[(KEEP_NOT_ALONE, true)]),
            Kind::Events => (KEPT_EVENTS, &[(KEEP_NO_EVENTS, false)]),
            Kind::Inbound => (KEPT_INBOUND, &[(KEEP_NO_INBOUND, true)]),
            Kind::Proposals => (KEPT_PROPOSALS, &[(KEEP_NO_PROPOSALS, true)]),
            Kind::Bank => (KEPT_BANK, &[(KEEP_NO_BANK, true)]),
            Kind::Holds => (KEPT_HOLDS, &[(KEEP_NO_HOLDS, false)]),
            Kind::Calls => (KEPT_CALLS, &[(KEEP_NO_CALLS, false)]),
            Kind::Tasks => (KEPT_TASKS, &[(KEEP_NO_TASKS, false)]),
            Kind::Standings => (KEPT_STANDINGS, &[(KEEP_NO_STANDINGS, false)]),
            Kind::Alerts => (KEPT_ALERTS, &[(KEEP_NO_ALERTS, false)]),
            Kind::Customers => (KEPT_CUSTOMERS, &[]),
        }
    }
}

impl Store {
    /// Erases a batch of what was over before `until`, the beginning of a day, all or nothing.
    pub async fn retain(&self, kind: Kind, until: (Timestamp, Date), from: Since, now: Timestamp) -> Result<Batch, StoreError> {
        let (find, take) = kind.statements();
        let (before, day) = (until.0.as_millisecond(), until.1.to_string());
        let mut tx = self.begin().await?;
        let find = query(find).bind(before);
        let find = match kind {
            Kind::Customers => find.bind(from.pk).bind(day),
            Kind::Holds | Kind::Standings | Kind::Inbound => find.bind(from.at).bind(from.pk).bind(day),
            _ => find.bind(from.at).bind(from.pk),
        };
        let rows = find.all(&mut tx).await?;
        let found: Vec<i64> = rows.iter().map(|row| row.get("pk")).collect::<Result<_, StoreError>>()?;
        let (Some(last), Some(pk)) = (rows.last(), found.last().copied()) else {
            tx.undo().await?;
            return Ok(Batch { erased: 0, next: None });
        };
        let at = if kind == Kind::Customers { 0 } else { last.get("at")? };
        for (sql, dated) in take {
            let take = query(*sql).bind(keys(found.iter().copied()));
            if *dated { take.bind(now.as_millisecond()) } else { take }.execute(&mut tx).await?;
        }
        if kind == Kind::Customers {
            let word = Word { cause: "retention", reason: "kept long enough", author: None };
            for debtor in &found {
                erase(&mut tx, *debtor, word, now).await?;
            }
        }
        tx.commit().await?;
        Ok(Batch { erased: found.len() as u64, next: Some(Since { at, pk }) })
    }

    /// The last run that came to its end.
    pub async fn last_retention(&self) -> Result<Option<Run>, StoreError> {
        let text = self.meta(LAST).await?;
        text.map(|t| serde_json::from_str(&t).map_err(|e| StoreError::Corrupt(format!("the last retention: {e}")))).transpose()
    }

    /// Records a run that came to its end.
    pub async fn record_retention(&self, run: &Run) -> Result<(), StoreError> {
        self.set_meta(LAST, Some(&json(run)?)).await
    }
}
