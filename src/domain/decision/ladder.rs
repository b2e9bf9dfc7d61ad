//! One invoice on its cadence: which step it has had, which is due, what stands in the way.

use super::choice::reach;
use super::{Booked, OldDebts, World};
use crate::domain::calendar::plus_working_days;
use crate::domain::case::{CaseInvoice, DebtorFile, Mark, MarkKind};
use crate::domain::condition::{Facts, lacking, unmet};
use crate::domain::reason::Reason;
use crate::domain::step::{Rank, StepId};
use crate::domain::time::{days_between, plus_days};
use crate::domain::when::{Anchor, Delay, Unit};
use jiff::civil::Date;

/// Where an invoice stands on its cadence today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ladder {
    /// The furthest step had, by place.
    pub(super) stage: Option<usize>,
    /// The furthest step that is due and allowed now.
    pub(super) due: Option<usize>,
    /// The earliest later day on which a further step may become due, and that step.
    pub(super) next: Option<(Date, usize)>,
    /// What stands against a step whose day has come, and the day on which that may end.
    pub(super) blocked: Option<Block>,
    /// Steps whose day has come and whose own condition does not hold (R22).
    pub(super) ruled_out: Vec<usize>,
    /// Notes whose day has come and which no channel can carry: they are left out, and nothing waits for them.
    pub(super) left_out: Vec<usize>,
}

/// Something that stands against a step whose day has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) reason: Reason,
    pub(super) step: usize,
    pub(super) until: Option<Date>,
}

impl Ladder {
    fn look_on(&mut self, day: Date, step: usize) {
        self.next = Some(self.next.map_or((day, step), |next| next.min((day, step))));
    }

    /// The earliest later day on which a further step may become due.
    pub(super) fn next_day(&self) -> Option<Date> {
        self.next.map(|next| next.0)
    }
}

/// Puts an invoice on its cadence.
pub(super) fn ladder(world: &World, file: &DebtorFile, row: &CaseInvoice, facts: &Facts, today: Date) -> Ladder {
    let climb = Climb { world, file, row, facts, today, floor: floor(world, row) };
    let mut ladder = Ladder { stage: climb.progress(), ..Ladder::default() };
    if climb.old_debt_waits(file.is_released(row), ladder.stage) {
        let step = world.cadence.first_overdue().unwrap_or(0);
        ladder.blocked = Some(Block { reason: Reason::OldDebt, step, until: None });
        return ladder;
    }
    let first = ladder.stage.map_or(climb.floor, |s| (s + 1).max(climb.floor));
    for step in first..world.cadence.steps.len() {
        match climb.weigh(step) {
            // What a person has to do takes the place of no message that is about to leave.
            Weighed::Due if world.own.is_some() && world.cadence.steps[step].task().is_some() => {}
            Weighed::Due => ladder.due = Some(step),
            Weighed::Later(day) => ladder.look_on(day, step),
            Weighed::Blocked(block) => {
                // The first block says why; but what stands against a further step may end sooner.
                block.until.into_iter().for_each(|day| ladder.look_on(day, step));
                ladder.blocked.get_or_insert(block);
            }
            Weighed::RuledOut => ladder.ruled_out.push(step),
            Weighed::LeftOut => ladder.left_out.push(step),
            Weighed::Passed | Weighed::Waits => {}
        }
        let entry_only = climb.enters_late() && ladder.stage.is_none_or(|s| !world.cadence.steps[s].overdue);
        if entry_only && ladder.due.is_some() {
            break; // R3, R7: what enters late enters at the first step after due, no further.
        }
    }
    ladder
}

/// The steps that are passed over for good when `given` is given to the invoice, with the reason.
pub(super) fn passed_over(world: &World, row: &CaseInvoice, ladder: &Ladder, given: usize) -> Vec<(StepId, &'static str)> {
    let steps = &world.cadence.steps;
    let floor = floor(world, row);
    // From the beginning: a step that the cadence gained behind the furthest is passed over as well (R8).
    (0..given)
        .filter(|i| !marks(world, row).any(|m| world.cadence.position(&m.step) == Some(*i) && m.kind != MarkKind::Undelivered))
        .map(|i| {
            let why = match (i < floor, steps[i].overdue) {
                (true, _) if row.invoice.reopened => "reopened",
                (true, _) if changed_kind(row) => "kind_changed",
                (true, _) => "first_seen_late",
                _ if ladder.ruled_out.contains(&i) => "ruled_out",
                _ if ladder.left_out.contains(&i) => "no_channel",
                (false, false) if steps[given].overdue => "due_date_passed",
                (false, _) => "overtaken",
            };
            (steps[i].id.clone(), why)
        })
        .collect()
}

/// The marks that count: not those of the contact that is just being decided once more, nor what was written to another
/// kind of customer.
pub(super) fn marks<'a>(world: &'a World, row: &'a CaseInvoice) -> impl Iterator<Item = &'a Mark> {
    row.marks.iter().filter(|m| m.counts() && (world.own.is_none() || m.contact != world.own))
}

/// The lowest step that may be given: after-due steps only, for invoices that enter late.
fn floor(world: &World, row: &CaseInvoice) -> usize {
    if enters_late(row) { world.cadence.first_overdue().unwrap_or(world.cadence.steps.len()) } else { 0 }
}

/// Whether an invoice begins at the first step after due, and at no other: first seen late, reopened (R3, R7), or written
/// about under a cadence for another kind of customer.
pub(super) fn enters_late(row: &CaseInvoice) -> bool {
    row.invoice.reopened || row.invoice.first_seen > row.invoice.due_on || changed_kind(row)
}

/// Whether it was written about to the customer as one of another kind.
pub(super) fn changed_kind(row: &CaseInvoice) -> bool {
    row.marks.iter().any(|m| !m.counts())
}

enum Weighed {
    Due,
    Later(Date),
    Blocked(Block),
    /// Its time is over (a note before the due date, after it), or it was passed over.
    Passed,
    /// Its own condition does not hold, so it counts as passed (R2, R22).
    RuledOut,
    /// A note that no channel can carry: it counts as passed.
    LeftOut,
    /// It counts from a step that has not left yet.
    Waits,
}

struct Climb<'a> {
    world: &'a World<'a>,
    file: &'a DebtorFile,
    row: &'a CaseInvoice,
    facts: &'a Facts<'a>,
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
        let Some(day) = self.day_of(step) else { return Weighed::Waits };
        let own_day = day.max(cadence.steps[step].late_enough(invoice.due_on)).max(self.paced_entry(step));
        if own_day <= self.today && self.is_ruled_out(step) {
            return Weighed::RuledOut;
        }
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
        match self.data_gate(step) {
            Some(reason) => Weighed::Blocked(Block { reason, step, until: None }),
            None if self.is_left_out(step) => Weighed::LeftOut,
            None => Weighed::Due,
        }
    }

    /// Whether a step is a note, which nothing firmer needs, and no channel can carry it.
    fn is_left_out(&self, step: usize) -> bool {
        let this = &self.world.cadence.steps[step];
        let is_note = this.rank.is_none() && this.task().is_none();
        is_note && reach(self.world, self.file, step, &[self.row.invoice.pk]).is_err()
    }

    /// What enters late enters at one step and no further (R3, R7). Where that is something for a person to do, which the
    /// spacing does not count, the steps after it keep the distance that they have from it, also those that count from
    /// the due date. Gives the first day by that.
    fn paced_entry(&self, step: usize) -> Date {
        let cadence = self.world.cadence;
        let by_step = matches!(cadence.steps[step].when.anchor, Anchor::AfterStep(_));
        if by_step || !self.enters_late() || !cadence.steps[step].overdue {
            return Date::MIN;
        }
        let had = marks(self.world, self.row).filter(|m| m.kind.is_progress());
        let entry = had.filter_map(|m| Some((cadence.position(&m.step)?, m.on))).min();
        let is_task = |at: usize| cadence.steps[at].overdue && cadence.steps[at].task().is_some();
        let Some((at, on)) = entry.filter(|(at, _)| *at < step && is_task(*at)) else { return Date::MIN };
        let (first, this) = (&cadence.steps[at].when, &cadence.steps[step].when);
        if first.anchor == this.anchor && first.delay.unit == this.delay.unit {
            let apart = Delay { count: this.delay.count.saturating_sub(first.delay.count), unit: this.delay.unit };
            return apart.after(on, self.world.calendar);
        }
        let apart = self.planned(at).zip(self.planned(step)).map_or(0, |(first, this)| days_between(first, this).max(0));
        plus_days(on, apart)
    }

    /// Whether the step's own condition does not hold (R22).
    fn is_ruled_out(&self, step: usize) -> bool {
        unmet(&self.world.cadence.steps[step].only_if, self.facts).is_some()
    }

    /// What is not known that the step needs (R16, R22).
    fn data_gate(&self, step: usize) -> Option<Reason> {
        let this = &self.world.cadence.steps[step];
        if self.file.debtor.kind.is_none() && this.is_firm() {
            return Some(Reason::KindUnknown);
        }
        let lacks = !lacking(&this.needs, &self.file.debtor, &self.row.invoice).is_empty();
        lacks.then_some(Reason::NeedsData)
    }

    /// The day of a step had every earlier one left on its own day.
    fn planned(&self, step: usize) -> Option<Date> {
        let invoice = &self.row.invoice;
        self.world.cadence.planned(step, invoice.due_on, invoice.issued_on, self.world.calendar)
    }

    fn mark(&self, step: usize) -> Option<&Mark> {
        marks(self.world, self.row).find(|m| self.world.cadence.position(&m.step) == Some(step))
    }

    /// The day of a step for this invoice; `None` while it counts from a step that has not left.
    fn day_of(&self, step: usize) -> Option<Date> {
        let cadence = self.world.cadence;
        let invoice = &self.row.invoice;
        let calendar = self.world.calendar;
        let Anchor::AfterStep(id) = &cadence.steps[step].when.anchor else {
            return self.planned(step);
        };
        let base = cadence.position(id)?;
        let from = match self.mark(base) {
            Some(mark) if mark.kind.is_progress() => mark.on,
            // Passed over: from the day on which it would have been due (R4).
            Some(mark) if mark.kind == MarkKind::Skipped => self.planned(base)?,
            // Had under another cadence, or before this one gained the step.
            _ if self.progress().is_some_and(|p| p >= base) => self.last_left_at_rank(base).unwrap_or(self.planned(base)?),
            _ if base < self.floor || (!cadence.steps[base].overdue && self.today > invoice.due_on) => self.planned(base)?,
            // Ruled out: from the day on which it would have been due (R2).
            _ if self.is_ruled_out(base) => self.planned(base).filter(|day| *day <= self.today)?,
            // Left out: from the day on which it would have been due.
            _ if self.is_left_out(base) => self.day_of(base).filter(|day| *day <= self.today)?,
            _ => return None,
        };
        Some(cadence.steps[step].when.delay.after(from, calendar))
    }

    fn last_left_at_rank(&self, step: usize) -> Option<Date> {
        let rank = self.world.cadence.steps[step].rank?;
        marks(self.world, self.row).filter(|m| m.kind == MarkKind::Left && m.rank == Some(rank)).map(|m| m.on).max()
    }

    /// Rule R2: a firm step, and any note after the due date, needs the nearest lower overdue rank accepted
    /// for this invoice, and the time between the two to have run since. A call is what a person does when letters
    /// do not help: it needs none.
    fn lower_step_gate(&self, step: usize, own_day: Date) -> Gate {
        let cadence = self.world.cadence;
        let this = &cadence.steps[step];
        let is_note = this.rank.is_none() && this.task().is_none();
        if !this.overdue || !(this.is_firm() || is_note) {
            return Gate::Open(own_day);
        }
        let Some(lower) = self.lower_rank(step) else {
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
                () if kinds.contains(&MarkKind::Skipped) => Gate::Shut(Reason::PassedOver),
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
        let waiting = at.or_else(same_rank).and_then(|at| Some(days_between(self.planned(at)?, self.planned(step)?).max(0)));
        Gate::Open(own_day.max(plus_days(accepted.on, waiting.unwrap_or(0))))
    }

    /// The nearest lower overdue rank that is not ruled out as a whole for this invoice: what a step's own condition
    /// ruled out counts as passed (R2).
    fn lower_rank(&self, step: usize) -> Option<Rank> {
        let steps = &self.world.cadence.steps;
        let ruled_out = |rank: Rank| {
            let mut of_rank = (0..step).filter(|s| steps[*s].overdue && steps[*s].rank == Some(rank));
            let marked = |s: usize| self.mark(s).is_some_and(|m| m.kind != MarkKind::Skipped);
            of_rank.all(|s| !marked(s) && self.is_ruled_out(s) && self.planned(s).is_some_and(|day| day <= self.today))
        };
        let mut below = step;
        loop {
            let rank = self.world.cadence.lower_rank(below)?;
            if !ruled_out(rank) {
                return Some(rank);
            }
            below = steps.iter().position(|s| s.overdue && s.rank == Some(rank))?;
        }
    }

    /// Rule R10: until when receipts are not booked far enough for this invoice.
    fn booked_gate(&self) -> Option<Date> {
        let world = self.world;
        let needed = needed_booking(world, self.row.invoice.due_on);
        let booked = booked_for(world, self.row);
        let through = |on| booked.through(on, self.today, world.bank);
        if through(self.today) >= needed {
            return None;
        }
        let guess = (1..=60).map(|n| plus_days(self.today, n)).find(|day| through(*day) >= needed);
        Some(guess.unwrap_or_else(|| plus_days(self.today, 1)))
    }
}

/// Up to when receipts are booked, as far as a row is concerned: it may know better.
pub(super) fn booked_for(world: &World, row: &CaseInvoice) -> Booked {
    row.invoice.booked_through.map_or(world.booked, Booked::Through)
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
