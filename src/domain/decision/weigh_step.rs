//! The rules about one step, each in words: what it needs, by which addresses it goes, how often and when.

use super::choice::{doubt, passed_over, reach};
use super::ladder::{changed_kind, enters_late, marks};
use super::pace::{Ceiled, is_consumer, pay_run, spacing};
use super::survey::{Place, Placed, facts_on};
use super::verdict::firm_until;
use super::weigh::{Next, Weighing, names};
use super::words::{self, booked, is_booked, rule};
use super::{OldDebts, RuleWeighed};
use crate::domain::case::MarkKind;
use crate::domain::condition::{lacking, unmet};
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, StepId};

impl Weighing<'_> {
    /// The rules about the step, its rows, its addresses and the hour.
    pub(super) fn about_step(&self, next: &Next) -> Vec<RuleWeighed> {
        let mut found = Vec::new();
        let each = |found: &mut Vec<RuleWeighed>, weigh: &dyn Fn(&Placed) -> RuleWeighed| {
            let (hold, block): (Vec<_>, Vec<_>) = next.rows.iter().map(|i| weigh(&self.placed[*i])).partition(|r| r.holds);
            let more = hold.len().saturating_sub(1);
            if let Some(mut first) = hold.into_iter().next().filter(|_| block.is_empty()) {
                if more > 0 {
                    first.text.push_str(&format!(" (so also {more} more)"));
                }
                found.push(first);
            }
            found.extend(block);
        };
        each(&mut found, &|p| self.lower_step(next.step, p));
        each(&mut found, &|p| self.entry(p));
        each(&mut found, &|p| self.bookings(next.step, p));
        each(&mut found, &|p| self.conditions(next.step, p));
        found.extend(next.rows.iter().flat_map(|i| self.ruled_out(next.step, &self.placed[*i])));
        if !self.placed.iter().any(|p| matches!(p.place, Place::Credit | Place::Covered)) {
            let text = "the ledger has no payments or credit notes of this customer to be set off".to_owned();
            found.push(rule("R11", true, Reason::Due, text));
        }
        each(&mut found, &|p| self.pause(next.step, p));
        found.extend(self.ways_to(next));
        found.extend(self.pace(next));
        found.extend(self.windows(next));
        if !self.placed.iter().any(|p| matches!(p.place, Place::Held(Reason::Missing, _))) {
            let text =
                "its invoices were in the ledger when it was last read; they are read again just before the message leaves";
            found.push(rule("R13", true, Reason::Due, text.to_owned()));
        }
        // What stops another channel does not stop this step, and is told all the same.
        for brake in self.world.brakes {
            let name = if brake.reason == Reason::IbanChanged { "R23" } else { "R14" };
            found.push(rule(name, !brake.stops(&next.to), brake.reason, brake.text.clone()));
        }
        found
    }

    /// R2: the nearest lower rank.
    fn lower_step(&self, step: usize, p: &Placed) -> RuleWeighed {
        let (cadence, number) = (self.world.cadence, &p.row.invoice.number);
        let this = &cadence.steps[step];
        let needs = this.overdue && (this.is_firm() || (this.rank.is_none() && this.task().is_none()));
        let Some(lower) = cadence.lower_rank(step).filter(|_| needs) else {
            return rule("R2", true, Reason::Due, format!("{number}: step {} needs no step before it", this.id));
        };
        if let Some(block) = p.ladder().and_then(|l| l.blocked).filter(|b| words::rule_of(b.reason) == "R2") {
            return rule("R2", false, block.reason, words::blocked(self.world, self.file, p, &block));
        }
        let accepted = marks(self.world, p.row).filter(|m| m.rank == Some(lower) && m.kind == MarkKind::Left).map(|m| m.on).max();
        match accepted {
            Some(on) => rule(
                "R2",
                true,
                Reason::Due,
                format!("{number}: the {lower}, which comes before step {}, was accepted on {on}", this.id),
            ),
            None => {
                let of_lower = |kind| marks(self.world, p.row).any(|m| m.rank == Some(lower) && m.kind == kind);
                let lost = match () {
                    () if of_lower(MarkKind::Undelivered) => Some(("could not be delivered", Reason::CannotReach)),
                    () if of_lower(MarkKind::Skipped) => Some(("was passed over by a person's word", Reason::PassedOver)),
                    () => None,
                };
                let text = match lost {
                    Some((how, _)) => {
                        format!("{number}: the {lower} {how}: when the day of step {} comes, it may not leave", this.id)
                    }
                    None => format!("{number}: step {} waits for the {lower} before it, which has not left yet", this.id),
                };
                rule("R2", false, lost.map_or(Reason::NotYet, |l| l.1), text)
            }
        }
    }

    /// R3: how the invoice came in.
    fn entry(&self, p: &Placed) -> RuleWeighed {
        let invoice = &p.row.invoice;
        let (number, seen) = (&invoice.number, invoice.first_seen);
        if let Some(block) = p.ladder().and_then(|l| l.blocked).filter(|b| words::rule_of(b.reason) == "R3") {
            return rule("R3", false, block.reason, words::blocked(self.world, self.file, p, &block));
        }
        let text = match () {
            () if invoice.reopened => {
                format!("{number}: open again after it was paid: it begins again at the first step after due")
            }
            () if changed_kind(p.row) => format!(
                "{number}: written about under a cadence for another kind of customer: it begins again at the first step after due"
            ),
            () if !enters_late(p.row) => format!("{number}: known since {seen}, before it fell due"),
            () if self.world.policy.old_debts == OldDebts::Hold && self.file.is_released(p.row) => {
                format!("{number}: first seen on {seen}, after it fell due, and released by a person")
            }
            () => format!("{number}: first seen on {seen}, after it fell due: it enters at the first step after due"),
        };
        rule("R3", true, Reason::Due, text)
    }

    /// R16 and R22: what the step needs to know, and for whom it is.
    fn conditions(&self, step: usize, p: &Placed) -> RuleWeighed {
        let (this, invoice) = (&self.world.cadence.steps[step], &p.row.invoice);
        let number = &invoice.number;
        if this.is_firm() && self.file.debtor.kind.is_none() {
            let text = format!(
                "{number}: step {} is {}, and it is not known whether the customer is a firm or a private person",
                this.id,
                this.rank.map_or("", |r| r.as_str())
            );
            return rule("R16", false, Reason::KindUnknown, text);
        }
        let lacking = lacking(&this.needs, &self.file.debtor, invoice);
        if !lacking.is_empty() {
            let what = lacking.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
            let text = format!("{number}: step {} needs {what}, which the ledger does not give", this.id);
            return rule("R22", false, Reason::NeedsData, text);
        }
        if this.only_if.is_empty() {
            return rule("R22", true, Reason::Due, format!("step {} has no condition of its own", this.id));
        }
        let out = p.ladder().is_some_and(|l| l.ruled_out.contains(&step));
        let day = p.ladder().and_then(|l| l.next).filter(|(_, next)| *next == step).map_or(self.today, |(day, _)| day);
        let facts = facts_on(self.file, self.case, self.world, p.row, if out { self.today } else { day });
        let (id, cadence) = (&this.id, &self.world.cadence.name);
        let text = match (unmet(&this.only_if, &facts), out, day > self.today) {
            (Some(why), true, _) => format!("{number}: step {id} is passed over: {why} (by cadence \"{cadence}\", only_if)"),
            (Some(why), false, true) => {
                format!(
                    "{number}: step {id} has a condition, weighed on its day, {day}; as things stand {why} (by cadence \"{cadence}\", only_if)"
                )
            }
            (None, false, true) => {
                format!("{number}: the condition of step {id} holds as things stand; it is weighed on its day, {day}")
            }
            (Some(why), false, false) => {
                format!("{number}: the condition of step {id} is not met: {why} (by cadence \"{cadence}\", only_if)")
            }
            (None, ..) => format!("{number}: the condition of step {id} holds"),
        };
        rule("R22", !out, Reason::RuledOut, text)
    }

    /// R22: the steps before this one whose own condition does not hold today, each with what it wants.
    fn ruled_out(&self, step: usize, p: &Placed) -> Vec<RuleWeighed> {
        let Some(ladder) = p.ladder() else { return vec![] };
        let facts = facts_on(self.file, self.case, self.world, p.row, self.today);
        let before = ladder
            .ruled_out
            .iter()
            .map(|out| &self.world.cadence.steps[*out])
            .take_while(|s| self.world.cadence.position(&s.id).is_some_and(|at| at < step));
        let text = |id: &StepId, why: String| {
            let (number, cadence) = (&p.row.invoice.number, &self.world.cadence.name);
            format!("{number}: step {id} was passed over: {why} (by cadence \"{cadence}\", only_if)")
        };
        before.filter_map(|s| Some(rule("R22", true, Reason::Due, text(&s.id, unmet(&s.only_if, &facts)?)))).collect()
    }

    /// R10: bookings.
    fn bookings(&self, step: usize, p: &Placed) -> RuleWeighed {
        let (this, number) = (&self.world.cadence.steps[step], &p.row.invoice.number);
        if !this.overdue {
            return rule(
                "R10",
                true,
                Reason::Due,
                format!("step {} lies before the due date and waits for no bookings", this.id),
            );
        }
        let text = booked(self.world, p.row);
        match is_booked(self.world, p.row) {
            true => rule("R10", true, Reason::Due, format!("{number}: {text}")),
            false => rule("R10", false, Reason::PaymentsNotBooked, format!("{number}: step {} waits: {text}", this.id)),
        }
    }

    /// R12: a part payment.
    fn pause(&self, step: usize, p: &Placed) -> RuleWeighed {
        let (this, number) = (&self.world.cadence.steps[step], &p.row.invoice.number);
        match p.row.invoice.paused_until.filter(|until| this.overdue && *until > self.today) {
            Some(until) => {
                let text = format!("{number}: step {} waits until {until} because of a part payment", this.id);
                rule("R12", false, Reason::PartPaid, text)
            }
            None => rule("R12", true, Reason::Due, format!("{number}: no part payment that the step would wait for")),
        }
    }

    /// R17: the addresses; R2 where there is none.
    fn ways_to(&self, next: &Next) -> Vec<RuleWeighed> {
        let name = &self.world.cadence.steps[next.step].id;
        let mut found = Vec::new();
        if !next.to.is_empty() {
            found.push(rule("R17", true, Reason::Due, format!("step \"{name}\" goes by {}", names(&next.to))));
            let about: Vec<i64> = next.rows.iter().map(|i| self.placed[*i].row.invoice.pk).collect();
            let others = passed_over(self.world, self.file, next.step, &about, &next.to);
            let doubts: Vec<String> = next.to.iter().filter_map(|to| doubt(self.file, to)).collect();
            let notable = !doubts.is_empty() || !others.is_empty();
            let chosen = next.to.iter().filter(|t| notable && !t.copy);
            let chosen = chosen.map(|t| format!("to {} ({})", t.address, t.role.as_str()));
            found.extend(
                chosen
                    .chain(doubts.clone())
                    .chain(others.clone())
                    .map(|text| rule("R17", true, Reason::Due, format!("step \"{name}\": {text}"))),
            );
        }
        let lost = self.decision.undeliverable.iter();
        found.extend(lost.map(|l| {
            let step = &self.world.cadence.steps[l.step].id;
            rule("R2", false, l.reason, format!("step \"{step}\" cannot be delivered: {}", l.text))
        }));
        if found.is_empty() {
            let about: Vec<i64> = next.rows.iter().map(|i| self.placed[*i].row.invoice.pk).collect();
            if let Err((reason, text)) = reach(self.world, self.file, next.step, &about) {
                found.push(rule("R2", false, reason, format!("step \"{name}\" could not be delivered: {text}")));
            }
        }
        found
    }

    /// R6: the spacing and each ceiling.
    fn pace(&self, next: &Next) -> Vec<RuleWeighed> {
        let about: Vec<i64> = next.rows.iter().map(|i| self.placed[*i].row.invoice.pk).collect();
        let cadence = self.world.cadence;
        let this = &cadence.steps[next.step];
        if let Some(kind) = this.task() {
            let text =
                format!("step {} is a {} for a person: no message, so no spacing, ceiling or hours", this.id, kind.as_str());
            return vec![rule("R6", true, Reason::Due, text)];
        }
        let run = pay_run(self.world, self.file, self.today).filter(|_| this.overdue).map(|(run, free)| {
            let text = format!(
                "the customer pays on {run}; within {} of that nothing asks for it, and what it paid is booked by {free}",
                cadence.pay_run_guard
            );
            rule("R22", false, Reason::PayRun, text)
        });
        let spaced = match spacing(self.world, self.file, &about) {
            Some((last, free)) => {
                let text = format!(
                    "last contact on {last}; the spacing of \"{}\" is {}, so the next is possible from {free}",
                    cadence.name, cadence.spacing
                );
                rule("R6", free <= self.today, Reason::Spacing, text)
            }
            None => rule("R6", true, Reason::Due, "no contact yet that the spacing would count from".to_owned()),
        };
        let ceilings = Ceiled::new(self.world, self.file);
        let month = if is_consumer(self.file) { "contacts_per_30_days_consumer" } else { "contacts_per_30_days" };
        let keys = [("today", "contacts_per_day"), ("in 7 days", "contacts_per_7_days"), ("in 30 days", month)];
        let ceiling = |((span, most), (when, key)): ((i64, u32), (&str, &str))| {
            let count = ceilings.count(self.today, span);
            let text = format!("contacts {when}: {count}, and at most {most} ([guard] {key})");
            rule("R6", count < u64::from(most), Reason::Ceiling, text)
        };
        run.into_iter().chain(std::iter::once(spaced)).chain(ceilings.limits.into_iter().zip(keys).map(ceiling)).collect()
    }

    /// R9 and R21: the hours of each channel; R20: the days on which nothing firm leaves.
    fn windows(&self, next: &Next) -> Vec<RuleWeighed> {
        let world = self.world;
        let step = &world.cadence.steps[next.step];
        let all = step.channels().iter().filter(|c| world.channels.contains(c));
        let mut channels: Vec<Channel> = match next.to.is_empty() {
            true => all.copied().collect(),
            false => next.to.iter().map(|to| to.channel).collect(),
        };
        channels.dedup();
        let zone = world.zone.iana_name().unwrap_or("its zone");
        let clock = |at| world.zone.to_datetime(at).strftime("%a %Y-%m-%d %H:%M").to_string();
        let local = clock(world.now);
        let one = |channel: Channel| {
            let (name, window) = (&world.cadence.name, world.cadence.window_of(channel));
            let opens = window.next_open(world.now, self.today, world.zone, world.calendar);
            let open = opens.is_some_and(|at| at <= world.now);
            let holiday = world.calendar.is_some_and(|c| c.is_holiday(self.today));
            let why = if holiday { ", and a holiday" } else { "" };
            let hours = format!("the hours of \"{name}\" for {channel} ({window})");
            let text = match opens.filter(|_| !open) {
                Some(at) => format!("it is {local} in {zone}{why}: outside {hours}, which begin again on {}", clock(at)),
                None if open => format!("it is {local} in {zone}: within {hours}"),
                None => format!("it is {local} in {zone}{why}: outside {hours}"),
            };
            rule(if channel == Channel::Sms { "R21" } else { "R9" }, open, Reason::OutsideWindow, text)
        };
        let mut found: Vec<RuleWeighed> = channels.into_iter().map(one).collect();
        if step.is_firm() && step.task().is_none() {
            found.push(self.calm_days(step.rank.map_or("", |r| r.as_str())));
        }
        found
    }

    /// R20: Friday afternoons, eves of holidays, quiet weeks.
    fn calm_days(&self, rank: &str) -> RuleWeighed {
        let now = self.world.zone.to_datetime(self.world.now);
        let minute = now.hour() as u16 * 60 + now.minute() as u16;
        let holds = firm_until(self.world, self.today).is_some_and(|last| minute < last);
        let quiet = self.world.cadence.quiet.iter().find(|range| range.contains(self.today));
        let text = match (holds, quiet) {
            (true, _) => format!(
                "{} is no Friday afternoon, no eve of a holiday and in no quiet weeks: a step of rank {rank} may leave",
                self.today
            ),
            (false, Some(range)) => {
                format!("{} lies in the quiet weeks {range} of the cadence: nothing of rank {rank} leaves", self.today)
            }
            (false, None) => {
                format!("{} is a Friday after 12:00, a holiday or the eve of one: nothing of rank {rank} leaves", self.today)
            }
        };
        rule("R20", holds, Reason::QuietTime, text)
    }
}
