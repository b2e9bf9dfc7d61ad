//! Calls: who is to be called today, with the facts at hand, and what comes of a call (mission F1, rules R15 and R21).

use super::desk::{Desk, DeskError};
use super::work;
use crate::domain::attempt::Outcome;
use crate::domain::case::{CaseInvoice, DebtorFile, PointState};
use crate::domain::currency::Currency;
use crate::domain::debtor::Role;
use crate::domain::decision::{Standing, net};
use crate::domain::money::Money;
use crate::domain::step::{Channel, TaskKind};
use crate::domain::time::{days_between, local_date};
use crate::store::attempts::{AttemptRow, LogFilter};
use crate::store::calls::{Call, Promised};
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
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Reached::Reached | Reached::Voicemail => Outcome::Accepted,
            Reached::NoAnswer => Outcome::Deferred,
            Reached::WrongNumber => Outcome::NoAddress,
            Reached::Refused => Outcome::Refused,
        }
    }

    /// Whether the debtor felt it, so that spacing and ceilings count it (R6).
    pub(super) fn is_felt(self) -> bool {
        matches!(self, Reached::Reached | Reached::Voicemail | Reached::Refused)
    }

    /// Whether it shows that somebody is there.
    pub(super) fn is_sign_of_life(self) -> bool {
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
    let conditions = desk.conditions(now).await?;
    let mut calls = Vec::new();
    for batch in tasks.chunks(BATCH) {
        let mut debtors: Vec<i64> = batch.iter().map(|t| t.debtor_pk).collect();
        debtors.sort_unstable();
        debtors.dedup();
        let files = desk.files(&debtors, now).await?;
        let agreed = desk.store.agreed(&debtors).await?;
        for file in &files {
            let standing = batch.iter().filter(|t| t.debtor_pk == file.debtor.pk);
            let standing = standing.filter(|t| work::of(desk, &conditions, file, t.id, now) == Standing::Stands);
            let calls_of_it = joined(standing.cloned());
            calls.extend(calls_of_it.iter().filter_map(|t| rank(desk, t, file, agreed.get(&t.debtor_pk), now)));
        }
    }
    in_order(&mut calls);
    Ok(calls)
}

/// Calls that were given out and are not to be made now, and why.
pub async fn resting(desk: &Desk, now: Timestamp) -> Result<Vec<(OpenTask, Standing)>, DeskError> {
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    let tasks = desk.store.tasks_to_do(TaskKind::Call, desk.is_redirected(), today).await?;
    let standings = work::standings(desk, &tasks, now).await?;
    Ok(tasks.into_iter().zip(standings).filter(|(_, standing)| *standing != Standing::Stands).collect())
}

/// One call about a case takes up all that is to be called about: it has the number of the newest, and every invoice.
fn joined(tasks: impl Iterator<Item = OpenTask>) -> Vec<OpenTask> {
    let mut calls: Vec<OpenTask> = Vec::new();
    for task in tasks {
        match calls.iter_mut().find(|c| c.case == task.case) {
            Some(call) => {
                let mut invoices = std::mem::take(&mut call.invoices);
                invoices.extend(&task.invoices);
                let (tries, due_on) = (call.tries.max(task.tries), call.due_on.min(task.due_on));
                if task.id > call.id {
                    *call = task;
                }
                invoices.sort_unstable();
                invoices.dedup();
                (call.invoices, call.tries, call.due_on) = (invoices, tries, due_on);
            }
            None => calls.push(task),
        }
    }
    calls
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
    let owed = owed(desk, file, &task.invoices, now);
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
        owed: owed(desk, file, &ranked.task.invoices, now),
        opens: window.next_open(now, today, &zone, desk.setup.calendar(&file.debtor, None)),
        contacts,
        calls: desk.store.calls_of(debtor).await?,
        promises: desk.store.promises_of(debtor).await?,
        why: ranked.why(today),
        sum: ranked.sum,
        task: ranked.task,
    })
}

pub(super) fn owed(desk: &Desk, file: &DebtorFile, invoices: &[i64], now: Timestamp) -> Vec<Owed> {
    let ground = work::ground(desk, file, now);
    let today = ground.today;
    // With a new due date (R7) the marks are gone, and there is nothing to call about.
    let marked = |row: &CaseInvoice| !row.marks.is_empty();
    let of = |row: &&CaseInvoice| invoices.contains(&row.invoice.pk) && marked(row) && ground.is_chased(file, row.invoice.pk);
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
pub(super) fn numbers(file: &DebtorFile) -> Vec<Number> {
    let number = |point: &crate::domain::case::ContactPoint| Number {
        number: point.address.clone(),
        name: point.name.clone(),
        role: point.role,
        language: point.language.clone().or_else(|| file.debtor.language.clone()),
        wrong: match &point.state {
            PointState::Usable | PointState::Suspect(_) => None,
            PointState::Invalid(why) | PointState::Dead(why) => Some(why.clone()),
            PointState::Stopped => None,
        },
    };
    let mut numbers: Vec<Number> = file.points.iter().filter(|p| p.channel == Channel::Sms).map(number).collect();
    numbers.sort_by_key(|n| n.wrong.is_some());
    numbers
}
