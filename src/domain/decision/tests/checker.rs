//! What may leave, worked out a second time from the rules' own words. Nothing here calls the planner or the
//! helpers that it uses: days, windows, waiting times and sums are counted anew.

use super::build::Scene;
use crate::domain::cadence::Group;
use crate::domain::case::{ContactPoint, PointState, Refusal};
use crate::domain::debtor::CustomerKind;
use crate::domain::decision::{Booked, Line, OldDebts, Plan, Section, To};
use crate::domain::invoice::{Invoice, Presence, RowKind, RowStatus};
use crate::domain::step::{Channel, Rank, Step, StepId};
use crate::domain::when::{Anchor, Delay, Unit};
use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan};

/// A step given to an invoice, as the simulation saw it happen.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) contact: i64,
    pub(super) invoice: i64,
    pub(super) term: u32,
    pub(super) step: StepId,
    pub(super) rank: Option<Rank>,
    pub(super) overdue: bool,
    /// The day on which it was accepted, if it was.
    pub(super) accepted: Option<Date>,
}

/// Everything that happened so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    pub(super) given: Vec<Given>,
    /// Contact, invoice, term, step passed over.
    pub(super) passed: Vec<(i64, i64, u32, StepId)>,
    /// Contacts in hand, left or doubtful: number, when, invoices.
    pub(super) contacts: Vec<(i64, Timestamp, Vec<i64>)>,
}

/// Scene and plain lists of holidays.
pub(super) struct Judge<'a> {
    pub(super) scene: &'a Scene,
    pub(super) past: &'a Past,
    pub(super) holidays: &'a [Date],
    pub(super) bank_holidays: &'a [Date],
    pub(super) now: Timestamp,
}

type Verdict = Result<(), String>;

fn works(day: Date, holidays: &[Date]) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !holidays.contains(&day)
}

/// Moves by a delay, one day after the other.
fn moved(from: Date, delay: Delay, back: bool, holidays: &[Date]) -> Date {
    let mut day = from;
    let mut left = if delay.unit == Unit::Weeks { delay.count * 7 } else { delay.count };
    while left > 0 {
        day = if back { day.yesterday().unwrap() } else { day.tomorrow().unwrap() };
        if delay.unit != Unit::WorkingDays || works(day, holidays) {
            left -= 1;
        }
    }
    day
}

fn apart(a: Date, b: Date) -> i32 {
    (b - a).get_days()
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(text()) }
}

impl Judge<'_> {
    fn today(&self) -> Date {
        self.scene.zone.to_datetime(self.now).date()
    }

    fn steps(&self) -> &[Step] {
        &self.scene.cadence.steps
    }

    fn invoice(&self, pk: i64) -> &Invoice {
        &self.scene.file.rows.iter().find(|r| r.invoice.pk == pk).unwrap().invoice
    }

    fn had(&self, invoice: &Invoice) -> impl Iterator<Item = &Given> {
        self.past.given.iter().filter(|g| g.invoice == invoice.pk && g.term == invoice.term)
    }

    /// The day of a step had everything before it gone as planned.
    fn planned(&self, step: &Step, invoice: &Invoice) -> Date {
        let delay = step.when.delay;
        match &step.when.anchor {
            Anchor::BeforeDue => moved(invoice.due_on, delay, true, self.holidays),
            Anchor::AfterDue => moved(invoice.due_on, delay, false, self.holidays),
            Anchor::AfterIssued => moved(invoice.issued_on.unwrap(), delay, false, self.holidays),
            Anchor::AfterStep(id) => {
                let base = self.steps().iter().find(|s| s.id == *id).unwrap();
                moved(self.planned(base, invoice), delay, false, self.holidays)
            }
        }
    }

    /// Judges a contact that is about to leave.
    pub(super) fn may_leave(&self, plan: &Plan) -> Verdict {
        self.hours(plan)?;
        self.calm(plan)?;
        self.pace(plan)?;
        self.debtor()?;
        self.message(plan)?;
        for line in &plan.lines {
            let Some(given) = line.mark else { continue };
            let invoice = self.invoice(line.pk);
            self.row(invoice, line.net.minor)?;
            self.once(invoice, &self.steps()[given])?;
            self.firmness(invoice, given)?;
            self.entry(invoice, given)?;
            self.unpaid(invoice, given)?;
            self.accounted(invoice, given, plan)?;
        }
        self.worth_it(plan)?;
        self.along(plan)
    }

    fn hours(&self, plan: &Plan) -> Verdict {
        let local = self.scene.zone.to_datetime(self.now);
        ensure(!plan.way.to().is_empty(), || "to nobody".to_owned())?;
        for To { channel, address, .. } in plan.way.to() {
            let w = if *channel == Channel::Sms { &self.scene.cadence.sms_window } else { &self.scene.cadence.window };
            let weekday = local.date().weekday().to_monday_zero_offset() as usize;
            let minute = local.hour() as u16 * 60 + local.minute() as u16;
            let open =
                w.days[weekday] && (w.from_minute..w.to_minute).contains(&minute) && !self.holidays.contains(&local.date());
            ensure(open, || format!("R9: {channel} is closed at {local}"))?;
            let there = self.scene.file.points.iter().any(|p| p.channel == *channel && p.address == *address);
            ensure(there, || format!("{address} is not the debtor's"))?;
        }
        Ok(())
    }

    /// R16 and R20: what is firm goes to no unknown kind, on no Friday afternoon and on no eve of a holiday.
    fn calm(&self, plan: &Plan) -> Verdict {
        let rank = self.steps()[plan.step].rank;
        if rank < Some(Rank::Firm) {
            return Ok(());
        }
        let local = self.scene.zone.to_datetime(self.now);
        let friday = local.date().weekday() == Weekday::Friday && local.hour() >= 12;
        let eve = self.holidays.contains(&local.date().tomorrow().unwrap());
        ensure(!friday && !eve, || format!("R20: {rank:?} at {local}"))?;
        ensure(self.scene.file.debtor.kind.is_some(), || format!("R16: {rank:?} to a customer of unknown kind"))
    }

    fn pace(&self, plan: &Plan) -> Verdict {
        let marked: Vec<i64> = plan.lines.iter().filter(|l| l.mark.is_some()).map(|l| l.pk).collect();
        let day = |at: &Timestamp| self.scene.zone.to_datetime(*at).date();
        for (_, at, about) in &self.past.contacts {
            let concerns = self.scene.cadence.group == Group::Debtor || about.iter().any(|pk| marked.contains(pk));
            let free = moved(day(at), self.scene.cadence.spacing, false, self.holidays);
            ensure(!concerns || free <= self.today(), || format!("R6: contact on {}, spaced until {free}", day(at)))?;
        }
        let c = self.scene.policy.ceilings;
        let month = if self.scene.file.debtor.kind == Some(CustomerKind::Consumer) { c.month_consumer } else { c.month };
        for (span, most) in [(1, c.day), (7, c.week), (30, month)] {
            let since = self.today().checked_sub((span - 1).days()).unwrap();
            let count = self.past.contacts.iter().filter(|(_, at, _)| day(at) >= since && day(at) <= self.today()).count();
            ensure(count < most as usize, || format!("R6: {count} contacts in {span} days already"))?;
        }
        Ok(())
    }

    fn debtor(&self) -> Verdict {
        let held = self.scene.file.holds.iter().any(|h| h.until > self.today());
        ensure(!held, || "R19: the debtor is held".to_owned())
    }

    fn message(&self, plan: &Plan) -> Verdict {
        let asked: Vec<_> = plan.lines.iter().filter(|l| l.section == Section::Asked).collect();
        ensure(!asked.is_empty(), || "asks for nothing".to_owned())?;
        ensure(asked.iter().any(|l| l.mark == Some(plan.step)), || "R5: the letter is nobody's".to_owned())?;
        ensure(asked.iter().all(|l| l.mark.is_none_or(|m| m == plan.step)), || {
            "R5: asks for an invoice at another stage".to_owned()
        })?;
        let formal = self.steps()[plan.step].rank >= Some(Rank::Formal);
        let listed = |l: &&Line| !matches!(l.section, Section::Asked | Section::Credit);
        ensure(!formal || !plan.lines.iter().any(|l| listed(&l)), || "R5: a formal notice lists another stage".to_owned())?;
        let sum: i64 = asked.iter().map(|l| l.net.minor).sum();
        ensure(plan.asked.minor == sum, || format!("R5: asks for {} instead of {sum}", plan.asked))?;
        ensure(plan.lines.iter().all(|l| l.mark.is_none_or(|m| m <= plan.step)), || {
            "R5: a stage beyond the letter's".to_owned()
        })?;
        let one = self.scene.cadence.group == Group::Debtor || plan.lines.len() == 1;
        ensure(one, || "R5: several invoices in one message".to_owned())?;
        let of_case = |pk| self.invoice(pk).balance.currency == plan.asked.currency;
        ensure(plan.lines.iter().all(|l| of_case(l.pk)), || "R1: two currencies in one message".to_owned())
    }

    fn row(&self, invoice: &Invoice, net: i64) -> Verdict {
        let row = self.scene.file.rows.iter().find(|r| r.invoice.pk == invoice.pk).unwrap();
        let held = row.holds.iter().any(|h| h.until > self.today());
        let clean = invoice.presence == Presence::Open && invoice.status == RowStatus::Open && invoice.disputed.is_none();
        ensure(clean && !held && invoice.kind == RowKind::Invoice, || {
            format!("chases row {} in spite of its state", invoice.pk)
        })?;
        let expected = self.nets().into_iter().find(|(pk, _)| *pk == invoice.pk).map(|(_, net)| net);
        ensure(expected == Some(net), || format!("R11: {net} asked on {}, {expected:?} owed", invoice.pk))?;
        ensure(net > self.scene.policy.tolerance.minor(invoice.balance.currency), || {
            "R12: chases a rounding difference".to_owned()
        })
    }

    /// What each invoice still owes when every credit of its currency is set off, a cent at a time.
    fn nets(&self) -> Vec<(i64, i64)> {
        let open = || self.scene.file.rows.iter().filter(|r| r.invoice.presence != Presence::Closed);
        let mut owed: Vec<_> =
            open().filter(|r| r.invoice.kind == RowKind::Invoice).map(|r| (r, r.invoice.balance.minor)).collect();
        let chased = |r: &crate::domain::case::CaseInvoice| {
            let held = r.holds.iter().any(|h| h.until > self.today());
            r.invoice.presence == Presence::Open && r.invoice.status == RowStatus::Open && !held
        };
        owed.sort_by_key(|(r, _)| (!chased(r), r.invoice.due_on, r.invoice.pk));
        for credit in open().filter(|r| r.invoice.kind != RowKind::Invoice) {
            for _ in 0..-credit.invoice.balance.minor {
                let same = |r: &crate::domain::case::CaseInvoice| r.invoice.balance.currency == credit.invoice.balance.currency;
                if let Some((_, left)) = owed.iter_mut().find(|(r, left)| *left > 0 && same(r)) {
                    *left -= 1;
                }
            }
        }
        owed.into_iter().map(|(r, left)| (r.invoice.pk, left)).collect()
    }

    fn once(&self, invoice: &Invoice, step: &Step) -> Verdict {
        let twice = self.had(invoice).any(|g| g.step == step.id);
        ensure(!twice, || format!("R1: {} gets {} twice in a term", invoice.pk, step.id))?;
        let highest = self.had(invoice).filter_map(|g| g.rank).max();
        ensure(step.rank.is_none() || step.rank >= highest, || {
            format!("R1: {} goes back from {highest:?} to {:?}", invoice.pk, step.rank)
        })
    }

    fn firmness(&self, invoice: &Invoice, given: usize) -> Verdict {
        let step = &self.steps()[given];
        let before: Vec<&Step> = self.steps()[..given].iter().filter(|s| s.overdue && s.rank.is_some()).collect();
        let firm = step.rank >= Some(Rank::Firm);
        let lower = match step.rank {
            Some(_) if firm => before.iter().filter(|s| s.rank < step.rank).filter_map(|s| s.rank).max(),
            None if step.overdue => before.iter().filter_map(|s| s.rank).max(),
            _ => return Ok(()),
        };
        if !firm && lower.is_none() {
            return Ok(());
        }
        let accepted = self.had(invoice).filter(|g| g.rank == lower && g.accepted.is_some()).max_by_key(|g| g.accepted);
        let Some(accepted) = accepted else { return Err(format!("R2: {} gets {} without {lower:?}", invoice.pk, step.id)) };
        let since = accepted.accepted.unwrap();
        let base = self.steps()[..given].iter().find(|s| s.id == accepted.step);
        let base = base.or_else(|| before.iter().rev().find(|s| s.rank == lower).copied()).unwrap();
        let from_it = matches!(&step.when.anchor, Anchor::AfterStep(id) if *id == accepted.step);
        let free = match from_it {
            true => moved(since, step.when.delay, false, self.holidays),
            false => since.checked_add(apart(self.planned(base, invoice), self.planned(step, invoice)).max(0).days()).unwrap(),
        };
        ensure(free <= self.today(), || format!("R2: {} gets {} before {free}", invoice.pk, step.id))
    }

    fn entry(&self, invoice: &Invoice, given: usize) -> Verdict {
        let step = &self.steps()[given];
        let late = invoice.first_seen > invoice.due_on;
        if self.had(invoice).any(|g| g.accepted.is_some() && g.rank >= Some(Rank::Reminder)) || !(late || invoice.reopened) {
            return ensure(step.overdue || self.today() <= invoice.due_on, || "R4: a note before due, after it".to_owned());
        }
        ensure(step.overdue && step.rank <= Some(Rank::Reminder), || format!("R3: {} enters at {}", invoice.pk, step.id))?;
        let entered = self.had(invoice).any(|g| g.overdue);
        let passed =
            |s: &Step| self.past.passed.iter().any(|(_, pk, term, id)| (*pk, *term, id) == (invoice.pk, invoice.term, &s.id));
        let due = |s: &Step| s.overdue && !passed(s) && self.planned(s, invoice) <= self.today() && self.is_carried(invoice, s);
        let first_due = (0..self.steps().len()).find(|i| due(&self.steps()[*i]) && self.firmness(invoice, *i).is_ok());
        ensure(entered || Some(given) == first_due, || {
            format!("R3: {} enters at {}, not at the first step", invoice.pk, step.id)
        })?;
        let first = self.had(invoice).next().is_none() && !invoice.reopened;
        let waits = self.scene.policy.old_debts == OldDebts::Hold && self.scene.file.entry_released == 0 && first;
        ensure(!waits, || "R3: an old debt enters without a word".to_owned())
    }

    /// Whether a note has a channel that reaches; all else is held where it has none, and so is there.
    fn is_carried(&self, invoice: &Invoice, step: &Step) -> bool {
        let file = &self.scene.file;
        let refused = |p: &ContactPoint| {
            let same = |r: &Refusal| r.step == step.id && r.channel == p.channel && r.address == p.address;
            file.refusals.iter().any(|r| same(r) && r.invoices.contains(&invoice.pk))
        };
        let good = |p: &ContactPoint| step.channels().contains(&p.channel) && p.state == PointState::Usable && !refused(p);
        step.rank.is_some()
            || step.task().is_some()
            || file.points.iter().any(|p| self.scene.channels.contains(&p.channel) && good(p))
    }

    fn unpaid(&self, invoice: &Invoice, given: usize) -> Verdict {
        if !self.steps()[given].overdue {
            return Ok(());
        }
        let day = self.planned(&self.steps()[given], invoice);
        let from_due = self.steps()[given].when.anchor == Anchor::AfterDue;
        ensure(!from_due || day <= self.today(), || format!("{} leaves before its day {day}", self.steps()[given].id))?;
        let paused = invoice.paused_until.is_some_and(|until| until > self.today());
        ensure(!paused, || "R12: in the pause after a part payment".to_owned())?;
        let Booked::Lag(lag) = self.scene.booked else { return Ok(()) };
        let booked = moved(self.today(), lag, true, self.bank_holidays);
        let needed = moved(invoice.due_on, self.scene.policy.grace, false, self.bank_holidays);
        ensure(booked >= needed, || format!("R10: booked through {booked}, needed {needed}"))
    }

    /// Every step below the one given was had, or is on record as passed over.
    fn accounted(&self, invoice: &Invoice, given: usize, plan: &Plan) -> Verdict {
        for step in &self.steps()[..given] {
            let had = self.had(invoice).any(|g| g.step == step.id);
            let passed =
                self.past.passed.iter().any(|(_, pk, term, id)| (*pk, *term, id) == (invoice.pk, invoice.term, &step.id));
            let now = plan.skipped.iter().any(|(pk, id, why)| *pk == invoice.pk && *id == step.id && !why.is_empty());
            ensure(had || passed || now, || format!("R4: {} of {} is passed over without a word", step.id, invoice.pk))?;
            ensure(!(had && now), || format!("R4: {} of {} was had and is called passed over", step.id, invoice.pk))?;
        }
        Ok(())
    }

    /// Each step that a message gives is worth a message by itself; only the letter's own may be so with what it asks
    /// for along.
    fn worth_it(&self, plan: &Plan) -> Verdict {
        let minimum = self.scene.cadence.minimum.minor(plan.asked.currency);
        ensure(plan.asked.minor >= minimum, || format!("R12: asks for {}, below the minimum", plan.asked))?;
        for step in 0..plan.step {
            let nets: Vec<i64> = plan.lines.iter().filter(|l| l.mark == Some(step)).map(|l| l.net.minor).collect();
            let sum: i64 = nets.iter().sum();
            ensure(nets.is_empty() || sum >= minimum, || format!("R12: gives step {step} for {sum}, below the minimum"))?;
        }
        Ok(())
    }

    /// What is asked for without getting the letter's step is due for more, and too little for that.
    fn along(&self, plan: &Plan) -> Verdict {
        let minimum = self.scene.cadence.minimum.minor(plan.asked.currency);
        let letter = &self.steps()[plan.step];
        let given: i64 = plan.lines.iter().filter(|l| l.mark == Some(plan.step)).map(|l| l.net.minor).sum();
        for line in plan.lines.iter().filter(|l| l.section == Section::Asked && l.mark.is_none()) {
            let invoice = self.invoice(line.pk);
            self.row(invoice, line.net.minor)?;
            self.unpaid(invoice, plan.step)?;
            ensure(given < minimum, || format!("R12: {} is asked for along without need", line.pk))?;
            ensure(letter.rank < Some(Rank::Formal), || format!("R5: {} is asked for in a formal notice", line.pk))?;
            let due_for = |i: usize| {
                let step = &self.steps()[i];
                let had = self.had(invoice).any(|g| g.step == step.id);
                !had && step.overdue == letter.overdue
                    && self.planned(step, invoice) <= self.today()
                    && self.firmness(invoice, i).is_ok()
            };
            let further = (plan.step + 1..self.steps().len()).any(due_for);
            ensure(further, || format!("R5: {} is asked for and not at that stage nor beyond", line.pk))?;
        }
        Ok(())
    }
}
