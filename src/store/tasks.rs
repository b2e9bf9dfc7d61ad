//! Tasks: what people of the creditor's firm have to do, and what came of it.

use super::access::Tx;
use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::files::{pk_list, step};
use super::packed::packed;
use super::plan::{MarkOf, NewMark, write_marks};
use super::questions::NewQuestion;
use super::sql::{Row, query};
use super::standings::look;
use super::{keys, statements};
use crate::domain::case::{CaseKey, StateTask, Task};
use crate::domain::currency::Currency;
use crate::domain::debtor::State;
use crate::domain::reach::TaskWanted;
use crate::domain::step::TaskKind;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

statements! {
    TASKS_OF = packed!("pk, debtor_pk, kind, cadence, currency, step, invoices, due_on, tries"
        "FROM task WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND settled_at IS NULL AND redirected <= $2
          AND step IS NOT NULL" by "pk");
    /// Those that a state made, the settled ones as well: it makes none twice for the same invoices.
    STATE_TASKS_OF = packed!("pk, debtor_pk, key, invoices, settled_at"
        "FROM task WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND key LIKE 'state:%' AND redirected <= $2" by "pk");
    TASK_LIFT = "UPDATE task SET key = NULL WHERE pk = $1";
    TASK_NEW = "INSERT INTO task (debtor_pk, kind, state, cadence, currency, step, rank, text, owner, invoices, redirected, created_at, due_on, key)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (key) DO NOTHING RETURNING pk";
    TASK_SETTLE = "UPDATE task SET state = $2, settled_at = $3, why = $4 WHERE pk = $1 AND settled_at IS NULL RETURNING debtor_pk";
    /// What was done about an answer decides on it as well.
    TASK_ANSWERS = "UPDATE proposal SET state = $2, decided_at = $3, reason = $4 WHERE state = 'open' AND 'answer:' || CAST(pk AS TEXT) = (SELECT t.key FROM task t WHERE t.pk = $1)";
    TASK_MOVE = "UPDATE task SET due_on = $2, tries = tries + 1 WHERE pk = $1 AND settled_at IS NULL";
    /// The marks of a task that has a rank wait for it; they belong to no contact.
    TASK_MARKS = "UPDATE mark SET kind = $2, on_day = $3, why = $4 WHERE kind = 'in_hand' AND contact_pk IS NULL AND step = (SELECT t.step FROM task t WHERE t.pk = $1)
        AND invoice_pk IN (SELECT CAST(value AS BIGINT) FROM json_each((SELECT t.invoices FROM task t WHERE t.pk = $1)))
        AND term = (SELECT i.term FROM invoice i WHERE i.pk = mark.invoice_pk)";
    TASK_UNMARK = "DELETE FROM mark WHERE kind = 'in_hand' AND contact_pk IS NULL AND step = (SELECT t.step FROM task t WHERE t.pk = $1)
        AND invoice_pk IN (SELECT CAST(value AS BIGINT) FROM json_each((SELECT t.invoices FROM task t WHERE t.pk = $1)))
        AND term = (SELECT i.term FROM invoice i WHERE i.pk = mark.invoice_pk)";
    TASKS_OPEN = "SELECT t.pk, t.debtor_pk, d.source_id, d.name, t.kind, t.state, t.cadence, t.currency, t.step, t.text, t.owner, t.invoices, t.created_at, t.due_on, t.tries, t.key
        FROM task t JOIN debtor d ON d.pk = t.debtor_pk
        WHERE t.settled_at IS NULL AND t.redirected = $1 AND t.due_on <= $2 AND (CAST($3 AS BIGINT) IS NULL OR t.pk = $3)
          AND (CAST($4 AS TEXT) IS NULL OR (t.kind = CAST($4 AS TEXT) AND t.state = 'open')) ORDER BY t.due_on, t.pk LIMIT 10000";
}

#[derive(Deserialize)]
pub(super) struct TaskRow {
    pk: i64,
    debtor_pk: i64,
    kind: String,
    cadence: String,
    currency: String,
    step: String,
    invoices: String,
    due_on: String,
    tries: i64,
}

impl TaskRow {
    /// The debtor's key, and the task.
    pub(super) fn read(self) -> Result<(i64, Task), StoreError> {
        let currency = word(Currency::parse(&self.currency), &self.currency)?;
        let task = Task {
            pk: self.pk,
            kind: word(TaskKind::parse(&self.kind), &self.kind)?,
            case: CaseKey { cadence: self.cadence, currency },
            step: step(&self.step)?,
            word: None,
            invoices: pk_list(&self.invoices),
            due_on: day(&self.due_on)?,
            agreed: self.tries > 0,
        };
        Ok((self.debtor_pk, task))
    }
}

#[derive(Deserialize)]
pub(super) struct StateTaskRow {
    pk: i64,
    debtor_pk: i64,
    key: String,
    invoices: String,
    settled_at: Option<i64>,
}

impl StateTaskRow {
    /// The debtor's key, and the task.
    pub(super) fn read(self) -> Result<(i64, StateTask), StoreError> {
        let state = self.key.split(':').nth(1).and_then(State::parse);
        let task = StateTask {
            pk: self.pk,
            state: word(state, &self.key)?,
            invoices: pk_list(&self.invoices),
            open: self.settled_at.is_none(),
        };
        Ok((self.debtor_pk, task))
    }
}

/// A task to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// The debtor, by store key.
    pub debtor_pk: i64,
    /// What kind.
    pub kind: TaskKind,
    /// The case and the step that it comes from: cadence, currency, step, rank.
    pub from: Option<(String, String, String, Option<&'static str>)>,
    /// What is to be done.
    pub text: String,
    /// Who looks after the debtor.
    pub owner: Option<String>,
    /// The invoices that it is about, by store key.
    pub invoices: Vec<i64>,
    /// Everything goes to `redirect_to`: the task is a trial as well.
    pub redirected: bool,
    /// The day on which it is to be done, in the debtor's zone.
    pub due_on: Date,
    /// What may be there once only.
    pub key: Option<String>,
    /// The invoices' marks.
    pub marks: Vec<NewMark>,
    /// What it waits for.
    pub question: Option<NewQuestion>,
}

/// How a task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// A person did it.
    Done,
    /// A person says that it shall not be done.
    Dropped,
    /// There is nothing to do any more, or it is to be asked anew.
    Closed,
}

impl TaskEnd {
    fn as_str(self) -> &'static str {
        match self {
            TaskEnd::Done => "done",
            TaskEnd::Dropped => "dropped",
            TaskEnd::Closed => "closed",
        }
    }
}

/// An open task, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTask {
    /// Its number.
    pub id: i64,
    /// The debtor, by store key.
    pub debtor_pk: i64,
    /// The debtor's id in the source.
    pub debtor: String,
    /// The debtor's name.
    pub name: String,
    /// What kind.
    pub kind: TaskKind,
    /// Waits for a yes.
    pub proposed: bool,
    /// The case that it belongs to.
    pub case: Option<CaseKey>,
    /// The step that it comes from.
    pub step: Option<String>,
    /// What is to be done.
    pub text: String,
    /// Who looks after the debtor.
    pub owner: Option<String>,
    /// The invoices that it is about, by store key.
    pub invoices: Vec<i64>,
    /// Since when.
    pub since: Timestamp,
    /// The day on which it is to be done.
    pub due_on: Date,
    /// How often it was tried.
    pub tries: u32,
    /// It is about a customer who cannot be reached: what was wanted.
    pub reach: Option<TaskWanted>,
    /// It comes from an answer on the page.
    pub answer: bool,
}

impl Store {
    /// Open tasks that are due by a day, by day; at most 10,000.
    pub async fn open_tasks(&self, redirected: bool, until: Date) -> Result<Vec<OpenTask>, StoreError> {
        let query = query(TASKS_OPEN).bind(i64::from(redirected)).bind(until.to_string()).bind(None::<i64>).bind(None::<String>);
        query.all(&self.reader).await?.iter().map(open_task).collect()
    }

    /// Tasks of a kind that are due by a day and wait for no yes, by day; at most 10,000 of that kind.
    pub async fn tasks_to_do(&self, kind: TaskKind, redirected: bool, until: Date) -> Result<Vec<OpenTask>, StoreError> {
        let query = query(TASKS_OPEN).bind(i64::from(redirected)).bind(until.to_string()).bind(None::<i64>);
        query.bind(kind.as_str()).all(&self.reader).await?.iter().map(open_task).collect()
    }

    /// An open task by its number.
    pub async fn open_task(&self, id: i64, redirected: bool) -> Result<Option<OpenTask>, StoreError> {
        let query = query(TASKS_OPEN).bind(i64::from(redirected)).bind(Date::MAX.to_string()).bind(Some(id)).bind(None::<String>);
        query.all(&self.reader).await?.first().map(open_task).transpose()
    }

    /// Ends a task by a person's word; false when it is not open (any more).
    pub async fn end_task(&self, id: i64, how: TaskEnd, why: &str, today: Date, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let ended = end(&mut tx, id, how, why, today, now.as_millisecond()).await?;
        match ended {
            true => tx.commit().await?,
            false => tx.undo().await?,
        }
        Ok(ended)
    }
}

fn open_task(row: &Row) -> Result<OpenTask, StoreError> {
    let (kind, state, invoices, due_on): (String, String, String, String) =
        (row.get("kind")?, row.get("state")?, row.get("invoices")?, row.get("due_on")?);
    let case = match (row.get::<Option<String>>("cadence")?, row.get::<Option<String>>("currency")?) {
        (Some(cadence), Some(code)) => Some(CaseKey { cadence, currency: word(Currency::parse(&code), &code)? }),
        _ => None,
    };
    Ok(OpenTask {
        id: row.get("pk")?,
        debtor_pk: row.get("debtor_pk")?,
        debtor: row.get("source_id")?,
        name: row.get("name")?,
        kind: word(TaskKind::parse(&kind), &kind)?,
        proposed: state == "proposed",
        case,
        step: row.get("step")?,
        text: row.get("text")?,
        owner: row.get("owner")?,
        invoices: pk_list(&invoices),
        since: instant(row.get("created_at")?)?,
        due_on: day(&due_on)?,
        tries: row.count("tries")? as u32,
        reach: row
            .get::<Option<String>>("key")?
            .and_then(|key| TaskWanted::parse(key.strip_prefix("reach:")?.split(':').next()?)),
        answer: row.get::<Option<String>>("key")?.is_some_and(|key| key.starts_with("answer:")),
    })
}

/// Ends a task and what its marks say; false when it is not open (any more).
pub(super) async fn end(tx: &mut Tx, id: i64, how: TaskEnd, why: &str, today: Date, at: i64) -> Result<bool, StoreError> {
    let debtor: Option<i64> = query(TASK_SETTLE).bind(id).bind(how.as_str()).bind(at).bind(why).value(&mut *tx).await?;
    let Some(debtor) = debtor else { return Ok(false) };
    let decided = if how == TaskEnd::Done { "accepted" } else { "refused" };
    query(TASK_ANSWERS).bind(id).bind(decided).bind(at).bind(why).execute(&mut *tx).await?;
    let mark =
        |kind: &'static str, why: Option<&'static str>| query(TASK_MARKS).bind(id).bind(kind).bind(today.to_string()).bind(why);
    match how {
        TaskEnd::Done => mark("left", None).execute(&mut *tx).await?,
        TaskEnd::Dropped => mark("skipped", Some("dropped")).execute(&mut *tx).await?,
        TaskEnd::Closed => query(TASK_UNMARK).bind(id).execute(&mut *tx).await?,
    };
    look(tx, debtor, at).await?;
    Ok(true)
}

/// The state that made a task is no longer in force: there is nothing to do, and should the state come back it makes
/// another task.
pub(super) async fn lift(tx: &mut Tx, id: i64, today: Date, at: i64) -> Result<(), StoreError> {
    end(tx, id, TaskEnd::Closed, "the state is no longer in force", today, at).await?;
    query(TASK_LIFT).bind(id).execute(tx).await?;
    Ok(())
}

/// Puts off a task to another day; false when it is not open (any more).
pub(super) async fn put_off(tx: &mut Tx, id: i64, until: Date) -> Result<bool, StoreError> {
    Ok(query(TASK_MOVE).bind(id).bind(until.to_string()).execute(tx).await? == 1)
}

/// Writes tasks with their marks and questions. An invoice that has had a step already cannot have it again: then the
/// task is not written.
pub(super) async fn insert(tx: &mut Tx, tasks: &[NewTask], at: i64) -> Result<(), StoreError> {
    for task in tasks {
        let (cadence, currency, step, rank) = match &task.from {
            Some((cadence, currency, step, rank)) => {
                (Some(cadence.as_str()), Some(currency.as_str()), Some(step.as_str()), *rank)
            }
            None => (None, None, None, None),
        };
        let state = if task.question.is_some() { "proposed" } else { "open" };
        let new = query(TASK_NEW).bind(task.debtor_pk).bind(task.kind.as_str()).bind(state).bind(cadence).bind(currency);
        let new = new.bind(step).bind(rank).bind(&task.text).bind(task.owner.clone()).bind(keys(task.invoices.iter().copied()));
        let new = new.bind(task.redirected).bind(at).bind(task.due_on.to_string()).bind(task.key.clone());
        let Some(pk) = new.value::<i64>(&mut *tx).await? else { continue };
        let cadence = cadence.unwrap_or_default();
        let of = |mark| MarkOf { mark, cadence, contact: None, redirected: task.redirected };
        write_marks(tx, &task.marks.iter().map(of).collect::<Vec<_>>()).await?;
        if let Some(question) = &task.question {
            super::questions::ask(tx, task.debtor_pk, None, Some(pk), question, at).await?;
        }
    }
    Ok(())
}
