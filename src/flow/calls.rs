//! Calls: who is to be called today, with the facts at hand, and what comes of a call (mission F1, rules R15 and R21).

use super::desk::{Desk, DeskError};
use crate::domain::attempt::{Outcome, about};
use crate::domain::calendar::plus_working_days;
use crate::domain::case::{CaseInvoice, DebtorFile, HoldKind, PointState, in_force};
use crate::domain::currency::Currency;
use crate::domain::debtor::Role;
use crate::domain::decision::{is_chased, net};
use crate::domain::money::Money;
use crate::domain::step::{Channel, TaskKind};
use crate::domain::time::{days_between, local_date};
use crate::store::attempts::{AttemptRow, LogFilter, NewAttempt};
use crate::store::calls::{Call, NewCall, NewPromise, Promised};
use crate::store::reports::Agreed;
use crate::store::tasks::OpenTask;
use jiff::Timestamp;
use jiff::civil::Date;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Somebody who can speak for the debtor was on the phone.
    Reached,
    /// A message was left.
    Voicemail,
    /// Nobody answered.
    NoAnswer,
    /// The number is somebody else's.
    WrongNumber,
    /// Somebody was on the phone and would not pay, or not speak.
    Refused,
}

impl Reached {
    /// All of them.
    pub const ALL: [Reached; 5] =
        [Reached::Reached, Reached::Voicemail, Reached::NoAnswer, Reached::WrongNumber, Reached::Refused];

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Reached::Reached => "reached",
            Reached::Voicemail => "voicemail",
            Reached::NoAnswer => "no_answer",
            Reached::WrongNumber => "wrong_number",
            Reached::Refused => "refused",
        }
    }

    /// What it is in the log.
    fn outcome(self) -> Outcome {
        match self {
            Reached::Reached | Reached::Voicemail => Outcome::Accepted,
            Reached::NoAnswer => Outcome::Deferred,
            Reached::WrongNumber => Outcome::NoAddress,
            Reached::Refused => Outcome::Refused,
        }
    }

    /// Whether the debtor felt it, so that spacing and ceilings count it (R6).
    fn is_felt(self) -> bool {
        matches!(self, Reached::Reached | Reached::Voicemail | Reached::Refused)
    }

    /// Whether it shows that somebody is there.
    fn is_sign_of_life(self) -> bool {
        matches!(self, Reached::Reached | Reached::Refused)
    }
}

/// Why the debtor has not paid, as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excuse {
    /// The invoice waits for somebody's approval.
    AwaitingApproval,
    /// The invoice never came.
    NotReceived,
    /// Something is wrong with it.
    Dispute,
    /// It is being paid.
    UnderWay,
    /// There is no money.
    CashTrouble,
    /// Who pays is away.
    Absence,
    /// Anything else.
    Other,
}

impl Excuse {
    /// All of them.
    pub const ALL: [Excuse; 7] = [
        Excuse::AwaitingApproval,
        Excuse::NotReceived,
        Excuse::Dispute,
        Excuse::UnderWay,
        Excuse::CashTrouble,
        Excuse::Absence,
        Excuse::Other,
    ];

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Excuse::AwaitingApproval => "awaiting_approval",
            Excuse::NotReceived => "not_received",
            Excuse::Dispute => "dispute",
            Excuse::UnderWay => "under_way",
            Excuse::CashTrouble => "cash_trouble",
            Excuse::Absence => "absence",
            Excuse::Other => "other",
        }
    }
}

/// A number to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number.
    pub number: String,
    /// Whose: the person's name, where it is known.
    pub name: Option<String>,
    /// What the person is for the debtor.
    pub role: Role,
    /// The language to speak.
    pub language: Option<String>,
    /// Why it is of no use, if it is not.
    pub wrong: Option<String>,
}

/// An invoice as the caller needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Its number.
    pub number: String,
    /// What is owed on it.
    pub net: Money,
    /// The day on which it was due.
    pub due_on: Date,
    /// Days past due.
    pub days_late: i64,
}

/// A call to make, with the facts at hand.
#[derive(Clone, Debug)]
pub struct CallToMake {
    /// The task.
    pub task: OpenTask,
    /// Whom, the first that may be called first.
    pub numbers: Vec<Number>,
    /// What is owed, the oldest first.
    pub owed: Vec<Owed>,
    /// All of it.
    pub sum: Money,
    /// When the debtor may be called, in its own time, and the next moment at which it may.
    pub opens: Option<Timestamp>,
    /// The last that was written, the newest first: a mail once, whoever had a copy of it.
    pub contacts: Vec<AttemptRow>,
    /// Calls so far, the newest first.
    pub calls: Vec<Call>,
    /// Promises so far, the newest first.
    pub promises: Vec<Promised>,
    /// Why it stands where it stands in the list.
    pub why: String,
}

/// Contacts that a caller sees.
const LAST_CONTACTS: usize = 3;

/// Files of so many debtors are read at once.
const BATCH: usize = 256;

/// Why a call stands where it stands in the list. What was agreed goes before what is merely large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A promise for this day was broken.
    Broken(Date),
    /// The last call agreed on this day.
    Agreed(String),
    /// By amount and days alone.
    Weight,
}

/// A call as the list ranks it.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// The task.
    pub task: OpenTask,
    /// All that is owed.
    pub sum: Money,
    /// The most days that any of it is late.
    pub days_late: i64,
    /// Why it stands where it stands.
    pub urgency: Urgency,
    /// What goes before what.
    class: u8,
    /// Minor units of its currency times days: to be compared within the currency only.
    weight: i64,
}

impl Ranked {
    fn why(&self, today: Date) -> String {
        let what = format!("{}, {} days late", self.sum, self.days_late);
        match &self.urgency {
            Urgency::Broken(until) => format!("promised for {until}, not paid: {what}"),
            Urgency::Agreed(day) if *day == today.to_string() => format!("to be called again today: {what}"),
            Urgency::Agreed(day) => format!("to be called again since {day}: {what}"),
            Urgency::Weight => format!("amount and days: {what}"),
        }
    }
}

/// The calls that are due by today, the most urgent first.
pub async fn due(desk: &Desk, now: Timestamp) -> Result<Vec<CallToMake>, DeskError> {
    let mut calls = Vec::new();
    for ranked in ranked(desk, now).await? {
        let Some(file) = desk.files(&[ranked.task.debtor_pk], now).await?.pop() else { continue };
        calls.push(prepared(desk, ranked, &file, now).await?);
    }
    Ok(calls)
}

/// The same without the facts at hand: what is owed and why each stands where it stands.
pub async fn ranked(desk: &Desk, now: Timestamp) -> Result<Vec<Ranked>, DeskError> {
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    let tasks = desk.store.tasks_to_do(TaskKind::Call, desk.is_redirected(), today).await?;
    let mut calls = Vec::new();
    for batch in tasks.chunks(BATCH) {
        let mut debtors: Vec<i64> = batch.iter().map(|t| t.debtor_pk).collect();
        debtors.sort_unstable();
        debtors.dedup();
        let files = desk.files(&debtors, now).await?;
        let agreed = desk.store.agreed(&debtors).await?;
        for task in batch {
            let Some(file) = files.iter().find(|f| f.debtor.pk == task.debtor_pk) else { continue };
            if in_force(&file.holds, today).is_none() {
                calls.extend(rank(desk, task, file, agreed.get(&task.debtor_pk), now));
            }
        }
    }
    in_order(&mut calls);
    Ok(calls)
}

/// Puts calls in order: by class, and in a class by amount times days. Amounts in different currencies never meet (R25):
/// the first of each currency go before the second of each, and among equals who is late for longer.
fn in_order(calls: &mut Vec<Ranked>) {
    calls.sort_by_key(|c| Reverse((c.class, c.weight)));
    let mut places: HashMap<(u8, Currency), u64> = HashMap::new();
    let mut placed: Vec<(u64, Ranked)> = Vec::with_capacity(calls.len());
    for call in calls.drain(..) {
        let place = places.entry((call.class, call.sum.currency)).or_default();
        *place += 1;
        placed.push((*place, call));
    }
    placed.sort_by_key(|(place, c)| (Reverse(c.class), *place, Reverse(c.days_late), c.sum.currency.code().to_owned()));
    calls.extend(placed.into_iter().map(|(_, call)| call));
}

/// Where a call stands; `None` when nothing is owed (any more).
fn rank(desk: &Desk, task: &OpenTask, file: &DebtorFile, agreed: Option<&Agreed>, now: Timestamp) -> Option<Ranked> {
    let today = local_date(now, &desk.setup.zone(&file.debtor));
    let owed = owed(file, &task.invoices, today);
    let first = owed.first()?;
    let sum = owed.iter().fold(Money::new(0, first.net.currency), |sum, o| Money::new(sum.minor + o.net.minor, sum.currency));
    let days_late = owed.iter().map(|o| o.days_late).max().unwrap_or(0);
    let broken = agreed.and_then(|a| a.promise.clone()).filter(|(state, _)| state == "broken");
    let next = agreed.and_then(|a| a.next_on.clone()).filter(|_| task.tries > 0);
    let (urgency, class) = match (broken, next) {
        (Some((_, until)), _) => (Urgency::Broken(until), 3),
        (None, Some(day)) => (Urgency::Agreed(day), 2),
        (None, None) => (Urgency::Weight, 1),
    };
    let weight = sum.minor.saturating_mul(days_late.max(1));
    Some(Ranked { task: task.clone(), sum, days_late, urgency, class, weight })
}

/// The facts for a call.
async fn prepared(desk: &Desk, ranked: Ranked, file: &DebtorFile, now: Timestamp) -> Result<CallToMake, DeskError> {
    let zone = desk.setup.zone(&file.debtor);
    let today = local_date(now, &zone);
    let debtor = ranked.task.debtor_pk;
    let filter = LogFilter { debtor_pk: Some(debtor), ..LogFilter::default() };
    let mut contacts = desk.store.log_page_before(i64::MAX, &filter).await?;
    contacts.sort_by_key(|a| std::cmp::Reverse(a.id));
    // Calls are told by themselves; and a mail is one contact, whoever had a copy of it.
    let written = |a: &AttemptRow| a.outcome == Outcome::Accepted && a.channel.as_deref().and_then(Channel::parse).is_some();
    contacts.retain(written);
    let mut known: HashSet<String> = HashSet::new();
    contacts.retain(|a| a.message_id.clone().is_none_or(|id| known.insert(id)));
    contacts.truncate(LAST_CONTACTS);
    let window = &desk.setup.settings.people.calls;
    Ok(CallToMake {
        numbers: numbers(file),
        owed: owed(file, &ranked.task.invoices, today),
        opens: window.next_open(now, today, &zone, desk.setup.calendar(&file.debtor, None)),
        contacts,
        calls: desk.store.calls_of(debtor).await?,
        promises: desk.store.promises_of(debtor).await?,
        why: ranked.why(today),
        sum: ranked.sum,
        task: ranked.task,
    })
}

fn owed(file: &DebtorFile, invoices: &[i64], today: Date) -> Vec<Owed> {
    let of = |row: &&CaseInvoice| invoices.contains(&row.invoice.pk) && is_chased(file, row.invoice.pk, today);
    let mut owed: Vec<Owed> = file
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| of(row))
        .map(|(at, row)| Owed {
            number: row.invoice.number.clone(),
            net: Money::new(net(&file.rows, row.invoice.balance.currency, today)[at], row.invoice.balance.currency),
            due_on: row.invoice.due_on,
            days_late: days_between(row.invoice.due_on, today),
        })
        .collect();
    owed.sort_by_key(|o| o.due_on);
    owed
}

/// The numbers, those that can be called first.
fn numbers(file: &DebtorFile) -> Vec<Number> {
    let number = |point: &crate::domain::case::ContactPoint| Number {
        number: point.address.clone(),
        name: point.name.clone(),
        role: point.role,
        language: point.language.clone().or_else(|| file.debtor.language.clone()),
        wrong: match &point.state {
            PointState::Usable => None,
            PointState::Invalid(why) | PointState::Dead(why) => Some(why.clone()),
        },
    };
    let mut numbers: Vec<Number> = file.points.iter().filter(|p| p.channel == Channel::Sms).map(number).collect();
    numbers.sort_by_key(|n| n.wrong.is_some());
    numbers
}

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
}

/// Puts a call on record: the contact, the hold or the promise that comes of it, the next date.
pub async fn record(desk: &Desk, task: i64, report: &Report, now: Timestamp) -> Result<Recorded, ReportError> {
    let wrong = |text: String| Err(ReportError::Wrong(text));
    let found = desk.store.open_task(task, desk.is_redirected()).await?.filter(|t| t.kind == TaskKind::Call && !t.proposed);
    let Some(found) = found else { return wrong(format!("there is no open call {task}; `relance calls` lists them")) };
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
    let owed = owed(&file, &found.invoices, today);
    let hold = hold(report, known_on, next, &owed);
    let promise =
        report.promise.zip(known_on).map(|(until, known_on)| NewPromise { until, known_on, invoices: overdue(&file, today) });
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
        over: false,
        redirected: desk.is_redirected(),
        attempt: attempt(&found, &file, report, &step, number.as_ref().map(|n| n.role), today),
    };
    match desk.store.record_call(&call, today, now).await? {
        true => Ok(Recorded { held_until, next }),
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
            let why = report.excuse.map_or("spoken to", |e| e.as_str()).replace('_', " ");
            (HoldKind::Call, next, format!("by phone about {numbers}: {why}"))
        }
    })
}

/// What is overdue, by store key: what a promise is about.
fn overdue(file: &DebtorFile, today: Date) -> Vec<i64> {
    let late = file.rows.iter().filter(|r| r.invoice.due_on < today).map(|r| r.invoice.pk);
    late.filter(|pk| is_chased(file, *pk, today)).collect()
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
