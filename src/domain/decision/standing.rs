//! Whether what people were asked, or have to do, still stands: a promise, a question, a call, a task.

use super::netting::net;
use super::pace::pace;
use super::survey::{debit_ends, debtor_obstacle, own_obstacle, pending_ends};
use super::verdict::{first_calm, is_calm};
use super::{Policy, World};
use crate::domain::calendar::Calendar;
use crate::domain::case::{Asked, CaseInvoice, DebtorFile, MarkKind, Promise, Task, in_force};
use crate::domain::debtor::State;
use crate::domain::reason::Reason;
use crate::domain::step::{StepId, TaskKind};
use crate::domain::time::days_between;
use jiff::civil::Date;

/// What standing is weighed by.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'g> {
    /// Settings.
    pub policy: &'g Policy,
    /// The creditor's holidays.
    pub bank: Option<&'g Calendar>,
    /// The day, in the debtor's zone.
    pub today: Date,
    /// The day on which the ledger was last read: what came later is not known.
    pub read_on: Option<Date>,
}

/// How something that a person has to do stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is to be done.
    Stands,
    /// Not now: why, and the day on which it stands again, where that is known.
    Rests(Reason, Option<Date>),
    /// There is nothing to do about it any more, and why.
    Over(&'static str),
}

/// How an invoice stands that somebody has to do something about.
enum Owed {
    Chased,
    Obstacle(Reason, Option<Date>),
    /// Credits of the debtor cover it that name no invoice; they may yet be used for another.
    Covered,
    /// Paid, or gone from the ledger, to within a rounding.
    Settled,
}

impl Ground<'_> {
    /// The ground of a case's world.
    pub fn of<'w>(world: &World<'w>, today: Date) -> Ground<'w> {
        Ground { policy: world.policy, bank: world.bank, today, read_on: None }
    }

    fn owed(&self, file: &DebtorFile, pk: i64) -> Owed {
        let Some((at, row)) = open_row(file, pk) else { return Owed::Settled };
        if let Some(reason) = own_obstacle(row, self.today) {
            return Owed::Obstacle(reason, None);
        }
        let currency = row.invoice.balance.currency;
        let tolerance = self.policy.tolerance.minor(currency);
        if row.invoice.balance.minor <= tolerance {
            return Owed::Settled;
        }
        if let Some(hold) = in_force(&row.holds, self.today) {
            return Owed::Obstacle(hold.kind.reason(), Some(hold.until));
        }
        if let Some(until) = debit_ends(file, self.bank, row).filter(|until| *until > self.today) {
            return Owed::Obstacle(Reason::DirectDebit, Some(until));
        }
        if let Some(until) = pending_ends(self.bank, row).filter(|until| *until > self.today) {
            return Owed::Obstacle(Reason::Pending, Some(until));
        }
        if net(&file.rows, currency, self.today)[at] <= tolerance { Owed::Covered } else { Owed::Chased }
    }

    /// Whether an invoice is asked for: it is open, nothing stands against it, and no credit covers it.
    pub fn is_chased(&self, file: &DebtorFile, pk: i64) -> bool {
        matches!(self.owed(file, pk), Owed::Chased)
    }

    /// Whether the invoices that a task is about are still asked for in the same term. What a dispute, a hold or a row that
    /// cannot be read keeps from being asked for rests; only what is settled, or has a new due date (R7), is over.
    pub fn task(&self, file: &DebtorFile, task: &Task) -> Standing {
        let stays = |pk: &&i64| open_row(file, **pk).is_none_or(|(_, row)| is_of_this_term(row, &task.step));
        let of_now: Vec<i64> = task.invoices.iter().filter(stays).copied().collect();
        let owed: Vec<Owed> = of_now.iter().map(|pk| self.owed(file, *pk)).collect();
        if owed.iter().all(|o| matches!(o, Owed::Settled)) {
            let moved = of_now.len() < task.invoices.len();
            return Standing::Over(if moved { "the due date was moved" } else { "nothing is open any more" });
        }
        if let Some((reason, until)) = debtor_obstacle(file, self.today) {
            return Standing::Rests(reason, until);
        }
        if owed.iter().any(|o| matches!(o, Owed::Chased)) {
            return Standing::Stands;
        }
        let obstacle =
            owed.iter().find_map(|o| if let Owed::Obstacle(reason, until) = o { Some((*reason, *until)) } else { None });
        let (reason, until) = obstacle.unwrap_or((Reason::UnallocatedCovers, None));
        Standing::Rests(reason, until)
    }

    /// What became of a promise; `None` as long as that is not known. What is disputed or cannot be read says nothing about
    /// whether the debtor keeps its word.
    pub fn promise(&self, file: &DebtorFile, promise: &Promise) -> Option<Promised> {
        let owed: Vec<Owed> = promise.invoices.iter().map(|pk| self.owed(file, *pk)).collect();
        if owed.iter().all(|o| matches!(o, Owed::Settled)) {
            return Some(Promised::Kept);
        }
        if self.today < promise.known_on || self.read_on.is_none_or(|day| day < promise.known_on) {
            return None;
        }
        // A hold on the invoice does not excuse the debtor: it is the promise's own, or a person's.
        let unpaid = |o: &Owed| match o {
            Owed::Chased => true,
            Owed::Obstacle(reason, _) => {
                !matches!(reason, Reason::Missing | Reason::Unreadable | Reason::Draft | Reason::Disputed | Reason::Pending)
            }
            Owed::Covered | Owed::Settled => false,
        };
        Some(match () {
            () if owed.iter().any(unpaid) => Promised::Broken,
            () if owed.iter().all(|o| matches!(o, Owed::Covered | Owed::Settled)) => Promised::Kept,
            () => Promised::Overtaken,
        })
    }

    /// Why a question that nobody has answered lapses: it is asked about balances, in one term of the invoices, for a time,
    /// of a customer that may be written to (R22).
    pub fn lapses(&self, file: &DebtorFile, asked: &Asked, step: &StepId) -> Option<&'static str> {
        let is_still = |(pk, balance): &(i64, i64)| {
            open_row(file, *pk).is_some_and(|(_, r)| {
                let marked = r.marks.iter().any(|m| m.kind == MarkKind::InHand) || is_of_this_term(r, step);
                r.invoice.balance.minor == *balance && own_obstacle(r, self.today).is_none() && marked
            })
        };
        if file.debtor.state.is_some_and(State::silences) {
            return Some("the customer's state forbids it");
        }
        if !asked.balances.iter().all(is_still) {
            return Some("what it was asked about has changed");
        }
        (!asked.silence_is_yes && self.today >= asked.until).then_some("nobody answered in time")
    }
}

/// What became of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promised {
    /// It was paid, or money covers it.
    Kept,
    /// It was not.
    Broken,
    /// A dispute came in between, or the ledger does not say.
    Overtaken,
}

/// So long a day that a person chose for a call counts.
const AGREED_DAYS: i64 = 3;

/// Whether a task may be done at this moment, besides what its invoices say: firm ones not in quiet weeks (R20), and no
/// call on a day on which the customer has heard enough (R6), unless a person chose the day.
pub fn now(world: &World, file: &DebtorFile, task: &Task, today: Date) -> Standing {
    let standing = Ground::of(world, today).task(file, task);
    if let (Standing::Rests(Reason::Promised | Reason::Answered, _), true) = (&standing, task.agreed && task.due_on <= today) {
        return Standing::Stands;
    }
    // A day that a person chose is kept, over a weekend too; what has rested for longer is a call like any other.
    let agreed = task.agreed && (0..=AGREED_DAYS).contains(&days_between(task.due_on, today));
    if standing != Standing::Stands || agreed {
        return standing;
    }
    let Some(step) = world.cadence.position(&task.step).map(|at| &world.cadence.steps[at]) else { return standing };
    if step.is_firm() && !is_calm(world, today) {
        return Standing::Rests(Reason::QuietTime, first_calm(world, today));
    }
    if task.kind == TaskKind::Call
        && let Some((reason, free)) = pace(world, file, step.overdue, &task.invoices, today)
    {
        return Standing::Rests(reason, Some(free));
    }
    standing
}

fn open_row(file: &DebtorFile, pk: i64) -> Option<(usize, &CaseInvoice)> {
    file.rows.iter().enumerate().find(|(_, r)| r.invoice.pk == pk && r.invoice.is_open() && !r.invoice.is_credit())
}

/// A step that was given leaves its mark; in a new term of the invoice (R7) there is none.
fn is_of_this_term(row: &CaseInvoice, step: &StepId) -> bool {
    row.marks.iter().any(|m| m.step == *step)
}
