//! Questions: what a contact or a task waits for before it may leave or be done, and the answers (rule R22).

use super::access::Tx;
use super::alerts::ALERT_END;
use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::files::pk_list;
use super::packed::{json, packed};
use super::settle::{SETTLE_DROPPED_MARKS, SETTLE_ENDED, SETTLE_ENDED_MARKS};
use super::sql::{Row, query};
use super::standings::look;
use super::tasks::{TaskEnd, end};
use super::{keys, statements};
use crate::domain::case::{Asked, CaseKey};
use crate::domain::currency::Currency;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

statements! {
    QUESTIONS_OF = packed!("q.pk, q.debtor_pk, q.contact_pk, q.task_pk, q.kind, q.until_day, q.state, q.balances,
            (SELECT max(a.sent_at) FROM alert a WHERE a.key = 'notice:' || CAST(q.pk AS TEXT))"
        "FROM question q LEFT JOIN contact c ON c.pk = q.contact_pk LEFT JOIN task t ON t.pk = q.task_pk
        WHERE q.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND q.state IN ('waiting', 'yes')
          AND (c.state IN ('in_hand', 'maybe') OR t.state IN ('proposed', 'open'))" by "q.pk");
    QUESTION_NEW = "INSERT INTO question (debtor_pk, contact_pk, task_pk, kind, asked_at, until_day, owner, balances, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting')";
    QUESTION_ANSWER = "UPDATE question SET state = $2, answered_at = $3, said_by = $4, reason = $5 WHERE pk = $1 AND state = 'waiting'
        RETURNING CAST(debtor_pk AS TEXT) || ' ' || coalesce(CAST(contact_pk AS TEXT), '0') || ' ' || coalesce(CAST(task_pk AS TEXT), '0')";
    QUESTION_MESSAGES_GO = "UPDATE message SET awaits = 0 WHERE contact_pk = $1 AND awaits = 1 AND settled_at IS NULL";
    QUESTION_MESSAGES_END = "UPDATE message SET state = $2, settled_at = $3 WHERE contact_pk = $1 AND awaits = 1 AND settled_at IS NULL";
    QUESTION_TASK_OPENS = "UPDATE task SET state = 'open' WHERE pk = $1 AND state = 'proposed'";
    QUESTIONS_WAITING = "SELECT q.pk, q.debtor_pk, d.source_id, d.name, q.contact_pk, q.task_pk, q.kind, q.asked_at, q.until_day, q.owner,
            coalesce(c.cadence, t.cadence) AS cadence, coalesce(c.currency, t.currency) AS currency, coalesce(c.step, t.step) AS step,
            coalesce(c.invoices, t.invoices) AS invoices, t.text, coalesce((SELECT min(m.channel) || ' ' || m.address FROM message m WHERE m.contact_pk = q.contact_pk AND m.copy = 0 GROUP BY m.address LIMIT 1), '') AS way,
            (SELECT count(*) FROM alert a WHERE a.key = 'notice:' || CAST(q.pk AS TEXT)) AS told,
            (SELECT max(a.sent_at) FROM alert a WHERE a.key = 'notice:' || CAST(q.pk AS TEXT)) AS told_at
        FROM question q JOIN debtor d ON d.pk = q.debtor_pk LEFT JOIN contact c ON c.pk = q.contact_pk LEFT JOIN task t ON t.pk = q.task_pk
        WHERE q.state = 'waiting' AND coalesce(c.redirected, t.redirected) = $1 AND (CAST($2 AS BIGINT) IS NULL OR q.pk = $2) ORDER BY q.until_day, q.pk LIMIT 10000";
}

#[derive(Deserialize)]
pub(super) struct QuestionRow {
    pk: i64,
    pub(super) debtor_pk: i64,
    pub(super) contact_pk: Option<i64>,
    pub(super) task_pk: Option<i64>,
    kind: String,
    until_day: String,
    state: String,
    balances: String,
    told_at: Option<i64>,
}

impl QuestionRow {
    pub(super) fn read(self) -> Result<Asked, StoreError> {
        Ok(Asked {
            pk: self.pk,
            silence_is_yes: self.kind == "notice",
            until: day(&self.until_day)?,
            given: self.state == "yes",
            balances: serde_json::from_str(&self.balances).map_err(|e| StoreError::Corrupt(e.to_string()))?,
            told_at: self.told_at.map(instant).transpose()?,
        })
    }
}

/// A question to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewQuestion {
    /// Silence means yes.
    pub silence_is_yes: bool,
    /// When it lapses, or silence becomes a yes, in the debtor's zone.
    pub until: Date,
    /// Who is asked, where somebody looks after the debtor.
    pub owner: Option<String>,
    /// The balances that it is about: invoice by store key, minor units.
    pub balances: Vec<(i64, i64)>,
}

/// An answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It may leave, or be done.
    Yes,
    /// It shall not.
    No,
    /// Nobody answered in time, or what it was about has changed.
    Lapsed,
}

impl Answer {
    fn as_str(self) -> &'static str {
        match self {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Lapsed => "lapsed",
        }
    }
}

/// A question that waits, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub id: i64,
    /// The debtor, by store key.
    pub debtor_pk: i64,
    /// The debtor's id in the source.
    pub debtor: String,
    /// The debtor's name.
    pub name: String,
    /// The contact that waits.
    pub contact_pk: Option<i64>,
    /// The task that waits.
    pub task_pk: Option<i64>,
    /// Silence means yes.
    pub silence_is_yes: bool,
    /// A letter about it was written to the owner.
    pub told: bool,
    /// When that letter left.
    pub told_at: Option<Timestamp>,
    /// Since when.
    pub asked_at: Timestamp,
    /// Until when.
    pub until: Date,
    /// Who is asked.
    pub owner: Option<String>,
    /// The case.
    pub case: Option<CaseKey>,
    /// The step.
    pub step: Option<String>,
    /// The invoices, by store key.
    pub invoices: Vec<i64>,
    /// What is to be done, of a task.
    pub text: Option<String>,
    /// Channel and address, of a message.
    pub way: String,
}

impl Store {
    /// Questions that wait, those that lapse first first; at most 10,000.
    pub async fn questions(&self, redirected: bool, id: Option<i64>) -> Result<Vec<Waiting>, StoreError> {
        let rows = query(QUESTIONS_WAITING).bind(i64::from(redirected)).bind(id).all(&self.reader).await?;
        rows.iter().map(waiting).collect()
    }

    /// A person's answer; false when the question does not wait (any more).
    pub async fn answer(
        &self,
        id: i64,
        answer: Answer,
        by: Option<&str>,
        reason: Option<&str>,
        today: Date,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let answered = settle(&mut tx, id, answer, by, reason, today, now.as_millisecond()).await?;
        match answered {
            true => tx.commit().await?,
            false => tx.undo().await?,
        }
        Ok(answered)
    }
}

impl Waiting {
    /// Whether silence would be a yes, but who may object has not been told.
    pub fn is_untold(&self) -> bool {
        self.silence_is_yes && self.told_at.is_none()
    }
}

fn waiting(row: &Row) -> Result<Waiting, StoreError> {
    let (kind, until, invoices): (String, String, String) = (row.get("kind")?, row.get("until_day")?, row.get("invoices")?);
    let case = match (row.get::<Option<String>>("cadence")?, row.get::<Option<String>>("currency")?) {
        (Some(cadence), Some(code)) => Some(CaseKey { cadence, currency: word(Currency::parse(&code), &code)? }),
        _ => None,
    };
    Ok(Waiting {
        id: row.get("pk")?,
        debtor_pk: row.get("debtor_pk")?,
        debtor: row.get("source_id")?,
        name: row.get("name")?,
        contact_pk: row.get("contact_pk")?,
        task_pk: row.get("task_pk")?,
        silence_is_yes: kind == "notice",
        told: row.count("told")? > 0,
        told_at: row.get::<Option<i64>>("told_at")?.map(instant).transpose()?,
        asked_at: instant(row.get("asked_at")?)?,
        until: day(&until)?,
        owner: row.get("owner")?,
        case,
        step: row.get("step")?,
        invoices: pk_list(&invoices),
        text: row.get("text")?,
        way: row.get("way")?,
    })
}

/// Asks a question about a contact or a task.
pub(super) async fn ask(
    tx: &mut Tx,
    debtor: i64,
    contact: Option<i64>,
    task: Option<i64>,
    question: &NewQuestion,
    at: i64,
) -> Result<(), StoreError> {
    let kind = if question.silence_is_yes { "notice" } else { "approval" };
    let new = query(QUESTION_NEW).bind(debtor).bind(contact).bind(task).bind(kind).bind(at).bind(question.until.to_string());
    new.bind(question.owner.clone()).bind(json(&question.balances)?).execute(tx).await?;
    Ok(())
}

/// Settles a question and what waits for it; false when it does not wait (any more).
pub(super) async fn settle(
    tx: &mut Tx,
    id: i64,
    answer: Answer,
    by: Option<&str>,
    reason: Option<&str>,
    today: Date,
    at: i64,
) -> Result<bool, StoreError> {
    let about = query(QUESTION_ANSWER).bind(id).bind(answer.as_str()).bind(at).bind(by).bind(reason);
    let Some(about): Option<String> = about.value(&mut *tx).await? else { return Ok(false) };
    let numbers: Vec<i64> = about.split(' ').filter_map(|n| n.parse().ok()).collect();
    let [debtor, contact, task] = numbers[..] else { return Err(StoreError::Corrupt(format!("question {id} is about nothing"))) };
    match answer {
        Answer::Yes => {
            query(QUESTION_MESSAGES_GO).bind(contact).execute(&mut *tx).await?;
            query(QUESTION_TASK_OPENS).bind(task).execute(&mut *tx).await?;
        }
        Answer::No | Answer::Lapsed => {
            let state = if answer == Answer::No { "dropped" } else { "cancelled" };
            query(QUESTION_MESSAGES_END).bind(contact).bind(state).bind(at).execute(&mut *tx).await?;
            let contacts = keys([contact]);
            for statement in [SETTLE_ENDED, SETTLE_DROPPED_MARKS, SETTLE_ENDED_MARKS] {
                query(statement).bind(&contacts).execute(&mut *tx).await?;
            }
            let how = if answer == Answer::No { TaskEnd::Dropped } else { TaskEnd::Closed };
            end(tx, task, how, reason.unwrap_or("lapsed"), today, at).await?;
        }
    }
    query(ALERT_END).bind(format!("notice:{id}")).bind(at).execute(&mut *tx).await?;
    look(tx, debtor, at).await?;
    Ok(true)
}
