//! Calls that people made, what they were told, and what was promised.

use super::access::Tx;
use super::attempts::{self, NewAttempt};
use super::db::{Store, day, instant};
use super::error::StoreError;
use super::files::pk_list;
use super::packed::packed;
use super::settle::SETTLE_DEAD;
use super::sql::{Row, query};
use super::standings::look;
use super::tasks::{TaskEnd, end, put_off};
use super::{keys, statements};
use crate::domain::case::{CaseKey, HoldKind, Promise};
use crate::domain::decision::Promised as Became;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

statements! {
    PROMISES_OF = packed!("pk, debtor_pk, until_day, known_on, invoices"
        "FROM promise WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND settled_at IS NULL" by "pk");
    CALL_MADE = "INSERT INTO call (task_pk, debtor_pk, at, outcome, excuse, note, next_on, role, number, said_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING pk";
    CALL_CONTACT = "INSERT INTO contact (debtor_pk, cadence, currency, step, state, at, redirected, invoices)
        VALUES ($1, $2, $3, $4, 'left', $5, $6, $7)";
    CALL_SIGN = "UPDATE debtor SET last_sign_at = $2, unreachable_since = NULL, unreachable_why = NULL WHERE pk = $1";
    CALL_HOLD = "INSERT INTO hold (debtor_pk, invoice_pk, kind, until_day, reason, created_at) VALUES ($1, NULL, $2, $3, $4, $5) RETURNING pk";
    CALLS_OF = "SELECT c.at, c.outcome, c.excuse, c.note, c.next_on, c.role, c.said_by FROM call c WHERE c.debtor_pk = $1 ORDER BY c.pk DESC LIMIT 200";
    PROMISE_NEW = "INSERT INTO promise (debtor_pk, call_pk, hold_pk, at, until_day, known_on, invoices, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'open')";
    /// Another promise takes the place of one that is not due: it was put off.
    PROMISE_REPLACED = "UPDATE promise SET state = 'replaced', settled_at = $2 WHERE debtor_pk = $1 AND settled_at IS NULL";
    PROMISE_HOLDS_END = "UPDATE hold SET ended_at = $2 WHERE ended_at IS NULL AND kind = 'promise' AND debtor_pk = $1";
    CALL_HOLDS_END = "UPDATE hold SET ended_at = $2 WHERE ended_at IS NULL AND kind = 'call' AND debtor_pk = $1";
    /// A promise of the answer page holds each invoice by itself.
    PROMISE_HOLD_ENDS = "UPDATE hold SET ended_at = $2 WHERE ended_at IS NULL AND (pk = (SELECT p.hold_pk FROM promise p WHERE p.pk = $1)
        OR (kind = 'promise' AND proposal_pk = (SELECT p.proposal_pk FROM promise p WHERE p.pk = $1)))";
    /// What several calls were to be about is talked about in one.
    CALLS_JOIN = "UPDATE task SET state = 'closed', settled_at = $2, why = 'taken up in another call' WHERE settled_at IS NULL AND kind = 'call'
        AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    CALL_ABOUT = "UPDATE task SET invoices = $2 WHERE pk = $1";
    PROMISE_SETTLE = "UPDATE promise SET state = $2, settled_at = $3 WHERE pk = $1 AND settled_at IS NULL RETURNING debtor_pk";
    PROMISE_EVENT = "INSERT INTO event (debtor_pk, invoice_pk, at, kind, text) SELECT p.debtor_pk, NULL, $2, $3, p.until_day FROM promise p WHERE p.pk = $1";
    PROMISES_TOLD = "SELECT at, until_day, state, settled_at FROM promise WHERE debtor_pk = $1 ORDER BY pk DESC LIMIT 200";
}

#[derive(Deserialize)]
pub(super) struct PromiseRow {
    pk: i64,
    debtor_pk: i64,
    until_day: String,
    known_on: String,
    invoices: String,
}

impl PromiseRow {
    /// The debtor's key, and the promise.
    pub(super) fn read(self) -> Result<(i64, Promise), StoreError> {
        let promise = Promise {
            pk: self.pk,
            until: day(&self.until_day)?,
            known_on: day(&self.known_on)?,
            invoices: pk_list(&self.invoices),
        };
        Ok((self.debtor_pk, promise))
    }
}

/// A promise to put on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPromise {
    /// The day on which is to be paid.
    pub until: Date,
    /// The day by which it is known.
    pub known_on: Date,
    /// What it is about, by store key.
    pub invoices: Vec<i64>,
}

/// A call to put on record.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// The task that it was made for.
    pub task: i64,
    /// The debtor, by store key.
    pub debtor_pk: i64,
    /// What came of it, as the schema has it.
    pub outcome: &'static str,
    /// The kind of excuse, as the schema has it.
    pub excuse: Option<&'static str>,
    /// What was said.
    pub note: Option<String>,
    /// When it goes on.
    pub next_on: Option<Date>,
    /// What the person is for the debtor.
    pub role: Option<String>,
    /// The number that was called.
    pub number: Option<String>,
    /// Who called.
    pub by: Option<String>,
    /// The debtor felt it: the case and step of the contact, and its invoices.
    pub felt: Option<(CaseKey, String, Vec<i64>)>,
    /// It shows that somebody is there.
    pub sign_of_life: bool,
    /// The number is none of the debtor's.
    pub wrong_number: bool,
    /// A hold that comes of it: kind, its end, and why.
    pub hold: Option<(HoldKind, Date, String)>,
    /// What was promised.
    pub promise: Option<NewPromise>,
    /// Other open calls of the case, which this one was about as well.
    pub joined: Vec<i64>,
    /// The invoices of all of them, by store key.
    pub invoices: Vec<i64>,
    /// The task is over; else it is put off to `next_on`.
    pub over: bool,
    /// A trial, with everything redirected.
    pub redirected: bool,
    /// The attempt for the log.
    pub attempt: NewAttempt,
}

/// A call on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: String,
    /// The kind of excuse.
    pub excuse: Option<String>,
    /// What was said.
    pub note: Option<String>,
    /// When it was to go on.
    pub next_on: Option<String>,
    /// Whom it was with, by role.
    pub role: Option<String>,
    /// Who called.
    pub by: Option<String>,
}

/// A promise on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promised {
    /// When it was made.
    pub at: Timestamp,
    /// The day on which was to be paid.
    pub until: Date,
    /// `open`, `kept`, `broken` or `replaced`.
    pub state: String,
}

impl Store {
    /// Puts a call on record with all that comes of it, in one transaction; false when its task is not open (any more).
    pub async fn record_call(&self, call: &NewCall, today: Date, now: Timestamp) -> Result<bool, StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        let open = match (call.over, call.next_on) {
            (true, _) | (_, None) => end(&mut tx, call.task, TaskEnd::Done, call.outcome, today, at).await?,
            (false, Some(next)) => put_off(&mut tx, call.task, next).await?,
        };
        if !open {
            tx.undo().await?;
            return Ok(false);
        }
        if !call.joined.is_empty() {
            query(CALLS_JOIN).bind(keys(call.joined.iter().copied())).bind(at).execute(&mut tx).await?;
            query(CALL_ABOUT).bind(call.task).bind(keys(call.invoices.iter().copied())).execute(&mut tx).await?;
        }
        let made = query(CALL_MADE).bind(call.task).bind(call.debtor_pk).bind(at).bind(call.outcome).bind(call.excuse);
        let made = made.bind(call.note.clone()).bind(call.next_on.map(|d| d.to_string())).bind(call.role.clone());
        let pk: i64 = made.bind(call.number.clone()).bind(call.by.clone()).sure(&mut tx).await?;
        if let Some((case, step, invoices)) = &call.felt {
            let contact = query(CALL_CONTACT).bind(call.debtor_pk).bind(&case.cadence).bind(case.currency.code()).bind(step);
            contact.bind(at).bind(i64::from(call.redirected)).bind(keys(invoices.iter().copied())).execute(&mut tx).await?;
        }
        if call.sign_of_life {
            query(CALL_SIGN).bind(call.debtor_pk).bind(at).execute(&mut tx).await?;
        }
        if let Some(number) = call.number.as_ref().filter(|_| call.wrong_number) {
            let dead = query(SETTLE_DEAD).bind(call.debtor_pk).bind("sms").bind(number).bind(at);
            dead.bind("a call found that the number is not the customer's").execute(&mut tx).await?;
        }
        hold_and_promise(&mut tx, call, pk, at).await?;
        attempts::append(&mut tx, &[NewAttempt { at, ..call.attempt.clone() }]).await?;
        look(&mut tx, call.debtor_pk, at).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Calls of a debtor, the newest first; at most 200.
    pub async fn calls_of(&self, debtor_pk: i64) -> Result<Vec<Call>, StoreError> {
        let call = |row: &Row| {
            Ok(Call {
                at: instant(row.get("at")?)?,
                outcome: row.get("outcome")?,
                excuse: row.get("excuse")?,
                note: row.get("note")?,
                next_on: row.get("next_on")?,
                role: row.get("role")?,
                by: row.get("said_by")?,
            })
        };
        query(CALLS_OF).bind(debtor_pk).all(&self.reader).await?.iter().map(call).collect()
    }

    /// Promises of a debtor, the newest first; at most 200.
    pub async fn promises_of(&self, debtor_pk: i64) -> Result<Vec<Promised>, StoreError> {
        let promised = |row: &Row| {
            let until: String = row.get("until_day")?;
            Ok(Promised { at: instant(row.get("at")?)?, until: day(&until)?, state: row.get("state")? })
        };
        query(PROMISES_TOLD).bind(debtor_pk).all(&self.reader).await?.iter().map(promised).collect()
    }
}

/// The hold that comes of a call, in place of those of earlier calls, and the promise.
async fn hold_and_promise(tx: &mut Tx, call: &NewCall, pk: i64, at: i64) -> Result<(), StoreError> {
    let Some((kind, until, reason)) = &call.hold else { return Ok(()) };
    query(CALL_HOLDS_END).bind(call.debtor_pk).bind(at).execute(&mut *tx).await?;
    // Only another promise takes the place of one.
    if call.promise.is_some() {
        query(PROMISE_HOLDS_END).bind(call.debtor_pk).bind(at).execute(&mut *tx).await?;
        query(PROMISE_REPLACED).bind(call.debtor_pk).bind(at).execute(&mut *tx).await?;
    }
    let hold = query(CALL_HOLD).bind(call.debtor_pk).bind(kind.as_str()).bind(until.to_string()).bind(reason).bind(at);
    let hold: i64 = hold.sure(&mut *tx).await?;
    if let Some(promise) = &call.promise {
        let new = query(PROMISE_NEW).bind(call.debtor_pk).bind(pk).bind(hold).bind(at).bind(promise.until.to_string());
        new.bind(promise.known_on.to_string()).bind(keys(promise.invoices.iter().copied())).execute(&mut *tx).await?;
    }
    Ok(())
}

/// It is known now what became of a promise; it holds nothing any more.
pub(super) async fn settle_promise(tx: &mut Tx, promise: i64, became: Became, at: i64) -> Result<(), StoreError> {
    let (state, event) = match became {
        Became::Kept => ("kept", Some("promise_kept")),
        Became::Broken => ("broken", Some("promise_broken")),
        Became::Overtaken => ("replaced", None),
    };
    let debtor: Option<i64> = query(PROMISE_SETTLE).bind(promise).bind(state).bind(at).value(&mut *tx).await?;
    let Some(debtor) = debtor else { return Ok(()) };
    if let Some(event) = event {
        query(PROMISE_EVENT).bind(promise).bind(at).bind(event).execute(&mut *tx).await?;
    }
    query(PROMISE_HOLD_ENDS).bind(promise).bind(at).execute(&mut *tx).await?;
    look(tx, debtor, at).await
}
