//! One invoice on its cadence: which step it has had, which is due, what stands in the way.

use super::{OldDebts, World};
use crate::domain::calendar::plus_working_days;
use crate::domain::case::{CaseInvoice, Mark, MarkKind};
use crate::domain::reason::Reason;
use crate::domain::step::StepId;
use crate::domain::time::{days_between, plus_days};
use crate::domain::when::{Anchor, Unit};
use jiff::civil::Date;

/// Where an invoice stands on its cadence today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ladder {
    /// The furthest step had, by place.
    pub(super) stage: Option<usize>,
    /// The furthest step that is due and allowed now.
    pub(super) due: Option<usize>,
    /// The earliest later day on which a further step may become due.
    pub(super) next: Option<Date>,
    /// What stands against a step whose day has come, and the day on which that may end.
    pub(super) blocked: Option<Block>,
}

/// Something that stands against a step whose day has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) reason: Reason,
    pub(super) step: usize,
    pub(super) until: Option<Date>,
}

impl Ladder {
    fn look_on(&mut self, day: Date) {
        self.next = Some(self.next.map_or(day, |d| d.min(day)));
    }
}

/// Puts an invoice on its cadence.
pub(super) fn ladder(world: &World, row: &CaseInvoice, today: Date, entry_released: bool) -> Ladder {
    let climb = Climb { world, row, today, floor: floor(world, row) };
    let mut ladder = Ladder { stage: climb.progress(), ..Ladder::default() };
    if climb.old_debt_waits(entry_released, ladder.stage) {
        let step = world.cadence.first_overdue().unwrap_or(0);
        ladder.blocked = Some(Block { reason: Reason::OldDebt, step, until: None });
        return ladder;
    }
    let first = ladder.stage.map_or(climb.floor, |s| (s + 1).max(climb.floor));
    for step in first..world.cadence.steps.len() {
        match climb.weigh(step) {
            Weighed::Due => ladder.due = Some(step),
            Weighed::Later(day) => ladder.look_on(day),
            Weighed::Blocked(block) => {
                // The first block says why; but what stands against a further step may end sooner.
                block.until.into_iter().for_each(|day| ladder.look_on(day));
                ladder.blocked.get_or_insert(block);
            }
            Weighed::Passed | Weighed::Waits => {}
        }
        let entry_only = climb.enters_late() && ladder.stage.is_none_or(|s| !world.cadence.steps[s].overdue);
        if entry_only && ladder.due.is_some() {
            break; // R3, R7: old debts and reopened invoices enter at the first step after due, no further.
        }
    }
    ladder
}

/// The steps that are passed over for good when `given` is given to the invoice, with the reason.
pub(super) fn passed_over(world: &World, row: &CaseInvoice, given: usize) -> Vec<(StepId, &'static str)> {
    let steps = &world.cadence.steps;
    let floor = floor(world, row);
    // From the beginning: a step that the cadence gained behind the furthest is passed over as well (R8).
    (0..given)
        .filter(|i| !marks(world, row).any(|m| world.cadence.position(&m.step) == Some(*i) && m.kind != MarkKind::Undelivered))
        .map(|i| {
            let why = match (i < floor, steps[i].overdue) {
                (true, _) if row.invoice.reopened => "reopened",
                (true, _) => "first_seen_late",
                (false, false) if steps[given].overdue => "due_date_passed",
                (false, _) => "overtaken",
            };
            (steps[i].id.clone(), why)
        })
        .collect()
}

/// The marks that count: not those of the contact that is just being decided once more.
fn marks<'a>(world: &'a World, row: &'a CaseInvoice) -> impl Iterator<Item = &'a Mark> {
    row.marks.iter().filter(|m| world.own.is_none() || m.contact != world.own)
}

/// The lowest step that may be given: after-due steps only, for invoices first seen late or reopened (R3, R7).
fn floor(world: &World, row: &CaseInvoice) -> usize {
    if enters_late(row) { world.cadence.first_overdue().unwrap_or(world.cadence.steps.len()) } else { 0 }
}

fn enters_late(row: &CaseInvoice) -> bool {
    row.invoice.reopened || row.invoice.first_seen > row.invoice.due_on
}

enum Weighed {
    Due,
    Later(Date),
    Blocked(Block),
    /// Its time is over (a note before the due date, after it), or it was passed over.
    Passed,
    /// It counts from a step that has not left yet.
    Waits,
}

struct Climb<'a> {
    world: &'a World<'a>,
    row: &'a CaseInvoice,
    today: Date,
    floor: usize,
}

impl Climb<'_> {
    fn enters_late(&self) -> bool {
        enters_late(self.row)
    }

    fn old_debt_waits(&self, released: bool, stage: Option<usize>) -> bool {
        let late = self.row.invoice.first_seen > self.row.invoice.due_on && !self.row.invoice.reopened;
        self.world.policy.old_debts == OldDebts::Hold && late && !released && stage.is_none()
    }

    /// The furthest step had. A mark from another cadence, or from a time when the step spoke more strongly,
    /// counts by its rank: progress never goes back (R1).
    fn progress(&self) -> Option<usize> {
        let cadence = self.world.cadence;
        let by_mark = |m: &Mark| {
            let by_name = cadence.position(&m.step).filter(|p| m.rank <= cadence.steps[*p].rank);
            by_name.or_else(|| {
                let rank = m.rank?;
                cadence.steps.iter().rposition(|s| s.rank.is_some_and(|r| r <= rank))
            })
        };
        marks(self.world, self.row).filter(|m| m.kind.is_progress()).filter_map(by_mark).max()
    }

    fn weigh(&self, step: usize) -> Weighed {
        let cadence = self.world.cadence;
        let invoice = &self.row.invoice;
        let overdue = cadence.steps[step].overdue;
        if !overdue && self.today > invoice.due_on {
            return Weighed::Passed;
        }
        if self.mark(step).is_some_and(|m| m.kind == MarkKind::Skipped) {
            return Weighed::Passed; // For good: a person dropped it, or a further step has left since.
        }
        let Some(own_day) = self.day_of(step) else { return Weighed::Waits };
        let day = match self.lower_step_gate(step, own_day) {
            Gate::Open(day) => day,
            Gate::Waits => return Weighed::Waits,
            Gate::Shut(reason) if own_day <= self.today => return Weighed::Blocked(Block { reason, step, until: None }),
            Gate::Shut(_) => return Weighed::Later(own_day), // Held from that day on, and shown.
        };
        if day > self.today {
            return Weighed::Later(day);
        }
        if overdue {
            if let Some(until) = invoice.paused_until.filter(|d| *d > self.today) {
                return Weighed::Blocked(Block { reason: Reason::PartPaid, step, until: Some(until) });
            }
            if let Some(until) = self.booked_gate() {
                return Weighed::Blocked(Block { reason: Reason::PaymentsNotBooked, step, until: Some(until) });
            }
        }
        Weighed::Due
    }

    fn mark(&self, step: usize) -> Option<&Mark> {
        marks(self.world, self.row).find(|m| self.world.cadence.position(&m.step) == Some(step))
    }

    /// The day of a step for this invoice; `None` while it counts from a step that has not left.
    fn day_of(&self, step: usize) -> Option<Date> {
        let cadence = self.world.cadence;
        let invoice = &self.row.invoice;
        let calendar = cadence.calendar.as_deref();
        let Anchor::AfterStep(id) = &cadence.steps[step].when.anchor else {
            return cadence.planned(step, invoice.due_on, invoice.issued_on);
        };
        let base = cadence.position(id)?;
        let from = match self.mark(base) {
            Some(mark) if mark.kind.is_progress() => mark.on,
            // Passed over: from the day on which it would have been due (R4).
            Some(mark) if mark.kind == MarkKind::Skipped => cadence.planned(base, invoice.due_on, invoice.issued_on)?,
            // Had under another cadence, or before this one gained the step.
            _ if self.progress().is_some_and(|p| p >= base) => {
                self.last_left_at_rank(base).unwrap_or(cadence.planned(base, invoice.due_on, invoice.issued_on)?)
            }
            _ if base < self.floor || (!cadence.steps[base].overdue && self.today > invoice.due_on) => {
                cadence.planned(base, invoice.due_on, invoice.issued_on)?
            }
            _ => return None,
        };
        Some(cadence.steps[step].when.delay.after(from, calendar))
    }

    fn last_left_at_rank(&self, step: usize) -> Option<Date> {
        let rank = self.world.cadence.steps[step].rank?;
        marks(self.world, self.row).filter(|m| m.kind == MarkKind::Left && m.rank == Some(rank)).map(|m| m.on).max()
    }

    /// Rule R2: a firm step, and any note after the due date, needs the nearest lower overdue rank accepted
    /// for this invoice, and the time between the two to have run since.
    fn lower_step_gate(&self, step: usize, own_day: Date) -> Gate {
        let cadence = self.world.cadence;
        let this = &cadence.steps[step];
        if !this.overdue || !(this.is_firm() || this.rank.is_none()) {
            return Gate::Open(own_day);
        }
        let Some(lower) = cadence.lower_rank(step) else {
            return if this.is_firm() { Gate::Shut(Reason::FirstContact) } else { Gate::Open(own_day) };
        };
        let at_rank = |m: &&Mark| m.rank == Some(lower);
        let accepted = marks(self.world, self.row).filter(at_rank).filter(|m| m.kind == MarkKind::Left).max_by_key(|m| m.on);
        let Some(accepted) = accepted else {
            let kinds: Vec<MarkKind> = marks(self.world, self.row).filter(at_rank).map(|m| m.kind).collect();
            return match () {
                () if kinds.contains(&MarkKind::Maybe) => Gate::Shut(Reason::Uncertain),
                () if kinds.contains(&MarkKind::InHand) => Gate::Waits,
                () if kinds.contains(&MarkKind::Undelivered) => Gate::Shut(Reason::CannotReach),
                () if kinds.contains(&MarkKind::Skipped) => Gate::Shut(Reason::CannotReach),
                () => Gate::Waits,
            };
        };
        let at = cadence.position(&accepted.step).filter(|at| *at < step);
        let counts_from_it = this.after_step().and_then(|id| cadence.position(id)).is_some_and(|base| at == Some(base));
        if counts_from_it {
            return Gate::Open(own_day);
        }
        // Under another cadence it had another name: then from the last step of its rank here.
        let same_rank = || cadence.steps[..step].iter().rposition(|s| s.overdue && s.rank == Some(lower));
        let waiting = at.or_else(same_rank).and_then(|at| {
            let day = |s| cadence.planned(s, self.row.invoice.due_on, self.row.invoice.issued_on);
            Some(days_between(day(at)?, day(step)?).max(0))
        });
        Gate::Open(own_day.max(plus_days(accepted.on, waiting.unwrap_or(0))))
    }

    /// Rule R10: until when receipts are not booked far enough for this invoice.
    fn booked_gate(&self) -> Option<Date> {
        let world = self.world;
        let invoice = &self.row.invoice;
        let needed = needed_booking(world, invoice.due_on);
        let booked = invoice.booked_through.map_or(world.booked, super::Booked::Through);
        let through = |on| booked.through(on, self.today, world.bank);
        if through(self.today) >= needed {
            return None;
        }
        let guess = (1..=60).map(|n| plus_days(self.today, n)).find(|day| through(*day) >= needed);
        Some(guess.unwrap_or_else(|| plus_days(self.today, 1)))
    }
}

/// The day up to which receipts must be booked before an overdue step may leave (R10).
pub(super) fn needed_booking(world: &World, due_on: Date) -> Date {
    let grace = world.policy.grace;
    match grace.unit {
        Unit::WorkingDays => plus_working_days(due_on, grace.count as i32, world.bank),
        Unit::Days | Unit::Weeks => grace.after(due_on, None),
    }
}

enum Gate {
    Open(Date),
    Waits,
    Shut(Reason),
}
