//! What came of a call: put on record with the hold or the promise that follows, and the day on which it goes on.

use super::calls::{Excuse, Number, Owed, Reached, numbers, owed};
use super::desk::{Desk, DeskError};
use super::work;
use crate::domain::attempt::about;
use crate::domain::calendar::plus_working_days;
use crate::domain::case::{DebtorFile, HoldKind};
use crate::domain::debtor::Role;
use crate::domain::step::{StepId, TaskKind};
use crate::domain::time::{days_between, local_date};
use crate::store::attempts::NewAttempt;
use crate::store::calls::{NewCall, NewPromise};
use crate::store::tasks::OpenTask;
use jiff::Timestamp;
use jiff::civil::Date;

/// A promise lies at most so many days ahead.
const LONGEST_PROMISE: i64 = 92;

/// What a person reports of a call.
#[derive(Clone, Debug)]
pub struct Report {
    /// What came of it.
    pub reached: Reached,
    /// The day on which payment was promised.
    pub promise: Option<Date>,
    /// Why it was not paid.
    pub excuse: Option<Excuse>,
    /// What was said.
    pub note: Option<String>,
    /// When it goes on.
    pub next: Option<Date>,
    /// The number that was called, where there are several.
    pub number: Option<String>,
    /// Who called.
    pub by: Option<String>,
}

/// Why a report cannot be put on record.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The desk failed.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The report does not hold together; the text says what was wanted.
    #[error("{0}")]
    Wrong(String),
}

impl From<crate::store::StoreError> for ReportError {
    fn from(e: crate::store::StoreError) -> ReportError {
        ReportError::Desk(e.into())
    }
}

/// What a report came to, for whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Nothing is sent before this day.
    pub held_until: Option<Date>,
    /// The call is on the list again on this day.
    pub next: Date,
    /// Numbers of the invoices that it was about.
    pub numbers: Vec<String>,
}

/// Puts a call on record: the contact, the hold or the promise that comes of it, the next date.
pub async fn record(desk: &Desk, task: i64, report: &Report, now: Timestamp) -> Result<Recorded, ReportError> {
    let wrong = |text: String| Err(ReportError::Wrong(text));
    let found = desk.store.open_task(task, desk.is_redirected()).await?.filter(|t| t.kind == TaskKind::Call && !t.proposed);
    let Some(mut found) = found else { return wrong(format!("there is no open call {task}; `relance calls` lists them")) };
    let file = desk.files(&[found.debtor_pk], now).await?.pop();
    let Some(file) = file else { return wrong(format!("call {task} has no debtor")) };
    let zone = desk.setup.zone(&file.debtor);
    let today = local_date(now, &zone);
    if report.promise.is_some() && report.reached != Reached::Reached {
        return wrong("only who was reached can have promised something".to_owned());
    }
    let bank = desk.setup.settings.creditor.calendar.as_deref();
    let known_on = report.promise.map(|day| plus_working_days(desk.setup.settings.policy.grace.after(day, bank), 1, bank));
    let Some(next) = report.next.or(known_on) else {
        return wrong("--next is missing; wanted the day on which it goes on".to_owned());
    };
    if next <= today || report.promise.is_some_and(|day| day < today) || days_between(today, next) > 366 {
        return wrong(format!("wanted days after today, {today}, and within a year"));
    }
    // A mistyped year would silence the customer without a word.
    if report.promise.is_some_and(|day| days_between(today, day) > LONGEST_PROMISE) {
        return wrong(format!(
            "a promise may lie {LONGEST_PROMISE} days ahead; what was agreed for later is a hold: `relance hold` with a reason"
        ));
    }
    let joined = siblings(desk, &mut found).await?;
    let owed = owed(desk, &file, &found.invoices, now);
    let hold = hold(report, known_on, next, &owed);
    let promise =
        report.promise.zip(known_on).map(|(until, known_on)| NewPromise { until, known_on, invoices: overdue(desk, &file, now) });
    let Some(number) = called_number(&file, report.number.as_deref()) else {
        return wrong(format!("\"{}\" is none of the customer's numbers", report.number.as_deref().unwrap_or_default()));
    };
    let held_until = hold.as_ref().map(|(_, until, _)| *until);
    let step = found.step.clone().unwrap_or_default();
    let call = NewCall {
        task,
        debtor_pk: found.debtor_pk,
        outcome: report.reached.as_str(),
        excuse: report.excuse.map(Excuse::as_str),
        note: report.note.clone(),
        next_on: Some(next),
        role: number.as_ref().map(|n| n.role.as_str().to_owned()),
        number: number.as_ref().map(|n| n.number.clone()),
        by: report.by.clone(),
        felt: found.case.clone().filter(|_| report.reached.is_felt()).map(|case| (case, step.clone(), found.invoices.clone())),
        sign_of_life: report.reached.is_sign_of_life(),
        wrong_number: report.reached == Reached::WrongNumber,
        hold,
        promise,
        joined,
        invoices: found.invoices.clone(),
        over: false,
        redirected: desk.is_redirected(),
        attempt: attempt(&found, &file, report, &step, number.as_ref().map(|n| n.role), today),
    };
    match desk.store.record_call(&call, today, now).await? {
        true => Ok(Recorded { held_until, next, numbers: owed.into_iter().map(|o| o.number).collect() }),
        false => wrong(format!("call {task} is not open any more; `relance calls` lists those that are")),
    }
}

/// What keeps everything still after a call: who was reached is not written to before the day that was agreed.
fn hold(report: &Report, known_on: Option<Date>, next: Date, owed: &[Owed]) -> Option<(HoldKind, Date, String)> {
    let disputes = report.excuse == Some(Excuse::Dispute) && report.reached == Reached::Refused;
    if report.reached != Reached::Reached && !disputes {
        return None;
    }
    let numbers = owed.iter().map(|o| o.number.as_str()).collect::<Vec<_>>().join(", ");
    Some(match (report.promise, known_on) {
        (Some(day), Some(known)) => (HoldKind::Promise, known, format!("promised to pay {numbers} by {day}")),
        _ => {
            let why = report.excuse.map_or(SPOKEN_TO, |e| e.as_str()).replace('_', " ");
            (HoldKind::Call, next, format!("by phone about {numbers}: {why}"))
        }
    })
}

/// What stands where no excuse was given.
const SPOKEN_TO: &str = "spoken to";

/// What came of a call, as it stands in the reason of its hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByPhone<'t> {
    /// Payment was promised.
    Promised {
        /// Numbers of the invoices.
        numbers: &'t str,
        /// The day.
        day: &'t str,
    },
    /// It was spoken about.
    Spoken {
        /// Numbers of the invoices.
        numbers: &'t str,
        /// Why it was not paid, where that was said.
        excuse: Option<Excuse>,
    },
}

/// Reads the reason of a hold that came of a call, so that it can be told in another language; `None` for any other.
pub fn by_phone(reason: &str) -> Option<ByPhone<'_>> {
    if let Some(rest) = reason.strip_prefix("promised to pay ") {
        let (numbers, day) = rest.rsplit_once(" by ")?;
        return Some(ByPhone::Promised { numbers, day });
    }
    let (numbers, why) = reason.strip_prefix("by phone about ")?.rsplit_once(": ")?;
    if why == SPOKEN_TO {
        return Some(ByPhone::Spoken { numbers, excuse: None });
    }
    let excuse = Excuse::ALL.into_iter().find(|e| e.as_str().replace('_', " ") == why)?;
    Some(ByPhone::Spoken { numbers, excuse: Some(excuse) })
}

/// What is overdue, by store key: what a promise is about.
fn overdue(desk: &Desk, file: &DebtorFile, now: Timestamp) -> Vec<i64> {
    let ground = work::ground(desk, file, now);
    let late = file.rows.iter().filter(|r| r.invoice.due_on < ground.today).map(|r| r.invoice.pk);
    late.filter(|pk| ground.is_chased(file, *pk)).collect()
}

/// Other open calls of the same case: whoever has the customer on the phone talks about all of it. Their invoices are
/// this call's from now on. Calls with a rank keep their own, since firmer steps wait for each.
async fn siblings(desk: &Desk, call: &mut OpenTask) -> Result<Vec<i64>, DeskError> {
    let today = local_date(desk.clock.now(), &desk.setup.settings.creditor.timezone);
    let ranked = |t: &OpenTask| {
        let cadence = t.case.as_ref().and_then(|c| desk.setup.cadence(&c.cadence));
        let step = |id: &str| StepId::parse(id);
        cadence.zip(t.step.as_deref().and_then(step)).and_then(|(c, s)| Some(c.steps[c.position(&s)?].rank.is_some()))
            == Some(true)
    };
    let others = desk.store.open_tasks(desk.is_redirected(), today).await?;
    let same = |t: &&OpenTask| {
        t.kind == TaskKind::Call && t.debtor_pk == call.debtor_pk && t.case == call.case && t.id != call.id && !t.proposed
    };
    let others: Vec<OpenTask> = others.iter().filter(same).filter(|t| !ranked(t)).cloned().collect();
    call.invoices.extend(others.iter().flat_map(|t| t.invoices.iter().copied()));
    call.invoices.sort_unstable();
    call.invoices.dedup();
    Ok(others.iter().map(|t| t.id).collect())
}

/// The number that was called: the one named, else the first. `None` when the one named is not the debtor's.
fn called_number(file: &DebtorFile, named: Option<&str>) -> Option<Option<Number>> {
    let all = numbers(file);
    match named {
        None => Some(all.into_iter().next()),
        Some(name) => all.into_iter().find(|n| n.number == name).map(Some),
    }
}

fn attempt(task: &OpenTask, file: &DebtorFile, report: &Report, step: &str, role: Option<Role>, today: Date) -> NewAttempt {
    let rows = file.rows.iter().filter(|r| task.invoices.contains(&r.invoice.pk));
    let invoices: Vec<serde_json::Value> = rows
        .map(|r| {
            let i = &r.invoice;
            about(&i.id, &i.number, i.balance, Some(step), days_between(i.due_on, today))
        })
        .collect();
    NewAttempt {
        at: 0,
        debtor_pk: file.debtor.pk,
        debtor: file.debtor.id.clone(),
        person: role.map(|r| r.as_str().to_owned()),
        channel: Some(TaskKind::Call.as_str().to_owned()),
        cadence: task.case.as_ref().map(|c| c.cadence.clone()).unwrap_or_default(),
        step: step.to_owned(),
        letter: TaskKind::Call.as_str().to_owned(),
        language: None,
        invoices: serde_json::Value::from(invoices).to_string(),
        outcome: report.reached.outcome(),
        class: None,
        why: Some(report.reached.as_str().to_owned()),
        answer: report.excuse.map(|e| e.as_str().to_owned()),
        message_id: None,
        message_pk: None,
        payload_pk: None,
        digest: None,
    }
}
