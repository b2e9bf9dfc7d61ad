//! Lives through a debtor's months as planner, deliverer, operator and ledger would, and judges every decision.

use super::build::{Scene, key};
use super::checker::{Given, Judge, Past};
use super::random::{Event, Fate, Life};
use crate::domain::calendar::plus_working_days;
use crate::domain::case::{CaseKey, Contact, ContactState, Hold, HoldKind, Mark, MarkKind, Refusal};
use crate::domain::decision::*;
use crate::domain::invoice::{Presence, RowKind, RowStatus};
use crate::domain::money::Money;
use crate::domain::step::Channel;
use crate::domain::time::{local_date, plus_days};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::HashMap;

/// Hours at which the daemon happens to look.
const LOOKS: [(i8, i8); 5] = [(6, 40), (9, 0), (11, 15), (16, 59), (21, 5)];

/// A message on its way or in doubt.
struct OnItsWay {
    contact: i64,
    case: CaseKey,
    plan: Plan,
    fate: Fate,
    since: Date,
}

pub(super) struct Simulation<'a> {
    life: &'a Life,
    pub(super) scene: Scene,
    pub(super) past: Past,
    /// Until when each case said that nothing would happen by itself.
    quiet: HashMap<CaseKey, Option<Timestamp>>,
    on_its_way: Vec<OnItsWay>,
    contacts: i64,
    fates: usize,
}

impl<'a> Simulation<'a> {
    pub(super) fn new(life: &'a Life) -> Simulation<'a> {
        let (quiet, on_its_way) = (HashMap::new(), vec![]);
        Simulation { life, scene: life.scene.clone(), past: Past::default(), quiet, on_its_way, contacts: 0, fates: 0 }
    }

    /// Looks several times a day, events and all.
    pub(super) fn run(&mut self, days: i64) -> Result<(), String> {
        for n in 0..days {
            let date = plus_days(self.life.start, n);
            let events: Vec<_> = self.life.events.iter().filter(|e| e.0 == n).copied().collect();
            for (_, which, event) in events {
                self.happens(date, which, event);
            }
            for (hour, minute) in LOOKS {
                let at = date.at(hour, minute, 0, 0).to_zoned(self.scene.zone.clone()).map_err(|e| e.to_string())?.timestamp();
                self.deliver(at)?;
                self.look(at)?;
            }
        }
        Ok(())
    }

    /// Decides every case until nothing more leaves; gives the earliest next look.
    pub(super) fn look(&mut self, now: Timestamp) -> Result<Option<Timestamp>, String> {
        loop {
            let mut next: Option<Timestamp> = None;
            let mut left = false;
            for case in self.scene.file.cases() {
                let decision = self.decide(&case, now)?;
                if let Verdict::Send(plan) = &decision.verdict {
                    self.send(&case, plan, now)?;
                    left = true;
                } else {
                    next = [next, decision.next].into_iter().flatten().min();
                    self.quiet.insert(case, decision.next);
                }
            }
            if !left {
                return Ok(next);
            }
        }
    }

    fn judge(&self, now: Timestamp) -> Judge<'_> {
        let (holidays, bank_holidays) = (&self.life.holidays, &self.life.bank_holidays);
        Judge { scene: &self.scene, past: &self.past, holidays, bank_holidays, now }
    }

    fn decide(&mut self, case: &CaseKey, now: Timestamp) -> Result<Decision, String> {
        let said = |text: String| format!("at {}: {text}", self.scene.local(now));
        let mut trace = Explanation::default();
        let decision = decide(&self.scene.file, case, &self.scene.world(now), &mut trace);
        let silent = decide(&self.scene.file, case, &self.scene.world(now), &mut NoTrace);
        if decision != silent {
            return Err(said("the explanation changes the decision".to_owned()));
        }
        let is_send = matches!(decision.verdict, Verdict::Send(_));
        if let Verdict::Send(plan) = &decision.verdict {
            self.judge(now).may_leave(plan).map_err(said)?;
            match self.quiet.get(case) {
                Some(None) => return Err(said(format!("something leaves, though nothing ever was to: {plan:?}"))),
                Some(Some(next)) if now < *next => {
                    let next = self.scene.local(*next);
                    return Err(said(format!("something leaves, though nothing was to before {next}: {plan:?}")));
                }
                _ => {}
            }
        } else if decision.next.is_some_and(|next| next <= now) {
            return Err(said(format!("the next look is not in the future: {decision:?}")));
        }
        if is_send == (decision.reason != crate::domain::reason::Reason::Due) {
            return Err(said(format!("the reason does not fit: {decision:?}")));
        }
        let today = local_date(now, &self.scene.zone);
        for lost in &decision.undeliverable {
            self.undelivered(lost, today);
        }
        Ok(decision)
    }

    /// As the store records a step without an address: once.
    fn undelivered(&mut self, lost: &Undeliverable, on: Date) {
        let step = self.scene.cadence.steps[lost.step].clone();
        for pk in &lost.invoices {
            let row = self.scene.row(*pk);
            if !row.marks.iter().any(|m| m.step == step.id) {
                row.marks.push(Mark {
                    step: step.id.clone(),
                    rank: step.rank,
                    kind: MarkKind::Undelivered,
                    on,
                    contact: None,
                    other_kind: false,
                });
            }
        }
    }

    fn send(&mut self, case: &CaseKey, plan: &Plan, now: Timestamp) -> Result<(), String> {
        self.contacts += 1;
        let contact = self.contacts;
        self.quiet.clear();
        self.write(contact, case, plan, now, MarkKind::InHand, ContactState::InHand);
        // The deliverer decides once more before it leaves, and comes to the same.
        self.again(contact, case, plan, now)?.ok_or("the second look before sending comes to another decision")?;
        let fate = self.life.fates[self.fates % self.life.fates.len()];
        self.fates += 1;
        let on_its_way =
            OnItsWay { contact, case: case.clone(), plan: plan.clone(), fate, since: local_date(now, &self.scene.zone) };
        match fate {
            Fate::Accepted => self.write(contact, case, plan, now, MarkKind::Left, ContactState::Left),
            Fate::Refused => self.refuse(contact, plan),
            Fate::Doubtful => {
                self.write(contact, case, plan, now, MarkKind::Maybe, ContactState::Maybe);
                self.on_its_way.push(on_its_way);
            }
            Fate::Delayed => self.on_its_way.push(on_its_way),
        }
        Ok(())
    }

    /// The decision of a planned contact once more: the plan, when its step and addresses still stand.
    fn again(&self, contact: i64, case: &CaseKey, plan: &Plan, now: Timestamp) -> Result<Option<Plan>, String> {
        let world = World { own: Some(contact), ..self.scene.world(now) };
        let decision = decide(&self.scene.file, case, &world, &mut NoTrace);
        Ok(match decision.verdict {
            Verdict::Send(again) if again.step == plan.step && again.way == plan.way => Some(again),
            _ => None,
        })
    }

    /// Delayed messages leave or are cancelled the next day; of doubtful ones the operator says on the third what became of them.
    fn deliver(&mut self, now: Timestamp) -> Result<(), String> {
        let today = local_date(now, &self.scene.zone);
        for message in std::mem::take(&mut self.on_its_way) {
            let age = crate::domain::time::days_between(message.since, today);
            let OnItsWay { contact, case, plan, fate, .. } = &message;
            match fate {
                Fate::Delayed if age >= 1 => {
                    self.quiet.clear();
                    match self.again(*contact, case, plan, now)? {
                        Some(plan) => {
                            self.erase(*contact);
                            self.judge(now)
                                .may_leave(&plan)
                                .map_err(|e| format!("delayed, at {}: {e}", self.scene.local(now)))?;
                            self.write(*contact, case, &plan, now, MarkKind::Left, ContactState::Left);
                        }
                        None => self.erase(*contact),
                    }
                }
                Fate::Doubtful if age >= 3 => {
                    self.quiet.clear();
                    match contact % 2 {
                        0 => self.dropped(*contact),
                        _ => self.settled(*contact, now),
                    }
                }
                _ => self.on_its_way.push(message),
            }
        }
        Ok(())
    }

    /// The operator says that a doubtful message left.
    fn settled(&mut self, contact: i64, now: Timestamp) {
        let on = local_date(now, &self.scene.zone);
        let marks = self.scene.file.rows.iter_mut().flat_map(|r| &mut r.marks);
        for mark in marks.filter(|m| m.contact == Some(contact) && m.kind == MarkKind::Maybe) {
            (mark.kind, mark.on) = (MarkKind::Left, on);
        }
        for c in self.scene.file.contacts.iter_mut().filter(|c| c.pk == contact) {
            (c.state, c.at) = (ContactState::Left, now);
        }
        self.past.given.iter_mut().filter(|g| g.contact == contact).for_each(|g| g.accepted = Some(on));
        self.past.contacts.iter_mut().filter(|c| c.0 == contact).for_each(|c| c.1 = now);
    }

    /// The operator drops a doubtful message: its steps count as passed over.
    fn dropped(&mut self, contact: i64) {
        let marks = self.scene.file.rows.iter_mut().flat_map(|r| &mut r.marks);
        marks.filter(|m| m.contact == Some(contact)).for_each(|m| m.kind = MarkKind::Skipped);
        self.scene.file.contacts.retain(|c| c.pk != contact);
        let given: Vec<Given> = self.past.given.extract_if(.., |g| g.contact == contact).collect();
        self.past.passed.extend(given.into_iter().map(|g| (contact, g.invoice, g.term, g.step)));
        self.past.contacts.retain(|c| c.0 != contact);
    }

    fn refuse(&mut self, contact: i64, plan: &Plan) {
        self.erase(contact);
        let step = self.scene.cadence.steps[plan.step].id.clone();
        let invoices: Vec<i64> = plan.lines.iter().filter(|l| l.mark.is_some()).map(|l| l.pk).collect();
        for To { channel, address, .. } in plan.way.to() {
            let refusal = Refusal { step: step.clone(), channel: *channel, address: address.clone(), invoices: invoices.clone() };
            self.scene.file.refusals.push(refusal);
        }
    }

    /// A contact that did not leave: its marks are gone, as in the store.
    fn erase(&mut self, contact: i64) {
        self.scene.file.rows.iter_mut().for_each(|r| r.marks.retain(|m| m.contact != Some(contact)));
        self.scene.file.contacts.retain(|c| c.pk != contact);
        self.past.given.retain(|g| g.contact != contact);
        self.past.passed.retain(|p| p.0 != contact);
        self.past.contacts.retain(|c| c.0 != contact);
    }

    /// Marks and contact, as the store would write them, and the same for the judge.
    fn write(&mut self, contact: i64, case: &CaseKey, plan: &Plan, now: Timestamp, kind: MarkKind, state: ContactState) {
        self.erase(contact);
        let on = local_date(now, &self.scene.zone);
        let steps = self.scene.cadence.steps.clone();
        let mut invoices = vec![];
        for line in &plan.lines {
            let Some(given) = line.mark.map(|m| &steps[m]) else { continue };
            invoices.push(line.pk);
            let row = self.scene.row(line.pk);
            row.marks.retain(|m| m.step != given.id);
            row.marks.push(Mark {
                step: given.id.clone(),
                rank: given.rank,
                kind,
                on,
                contact: Some(contact),
                other_kind: false,
            });
            let (step, rank, overdue, term) = (given.id.clone(), given.rank, given.overdue, row.invoice.term);
            let accepted = (kind == MarkKind::Left).then_some(on);
            self.past.given.push(Given { contact, invoice: line.pk, term, step, rank, overdue, accepted });
        }
        for (pk, skipped, _) in &plan.skipped {
            let rank = steps.iter().find(|s| s.id == *skipped).and_then(|s| s.rank);
            let row = self.scene.row(*pk);
            row.marks.retain(|m| m.step != *skipped);
            row.marks.push(Mark {
                step: skipped.clone(),
                rank,
                kind: MarkKind::Skipped,
                on,
                contact: Some(contact),
                other_kind: false,
            });
            self.past.passed.push((contact, *pk, row.invoice.term, skipped.clone()));
        }
        self.past.contacts.push((contact, now, invoices.clone()));
        let step = steps[plan.step].id.clone();
        self.scene.file.contacts.push(Contact { pk: contact, at: now, state, case: case.clone(), step, invoices, word: None });
    }

    fn happens(&mut self, today: Date, which: usize, event: Event) {
        self.quiet.clear();
        let invoices: Vec<i64> =
            self.scene.file.rows.iter().filter(|r| r.invoice.kind == RowKind::Invoice).map(|r| r.invoice.pk).collect();
        let pk = invoices[which % invoices.len()];
        let overdue: Vec<_> = [&self.life.scene.cadence, &self.life.other]
            .into_iter()
            .flat_map(|c| &c.steps)
            .filter(|s| s.overdue)
            .map(|s| s.id.clone())
            .collect();
        let hold = |days| Hold {
            id: 1,
            kind: HoldKind::Operator,
            until: plus_days(today, days),
            reason: "asked to wait".to_owned(),
            part: None,
        };
        let bank = self.scene.bank.clone();
        let other = self.life.other.clone();
        let row = self.scene.row(pk);
        let open = row.invoice.presence != Presence::Closed;
        match event {
            Event::PartPaid(percent) if open => {
                row.invoice.balance.minor = (row.invoice.balance.minor * i64::from(percent) / 100).max(1);
                row.invoice.paused_until = Some(plus_working_days(today, 3, bank.as_ref()));
            }
            Event::Paid => row.invoice.presence = Presence::Closed,
            Event::Reopened if !open => {
                row.invoice.presence = Presence::Open;
                row.invoice.term += 1;
                row.invoice.reopened = true;
                row.marks.clear();
            }
            Event::DueLater(days) if open => {
                row.invoice.due_on = plus_days(row.invoice.due_on, days);
                row.invoice.term += 1;
                row.invoice.reopened = false;
                row.marks.retain(|m| !overdue.contains(&m.step));
                let (term, kept) = (row.invoice.term, row.marks.clone());
                // Notes before due are carried into the new term.
                let carried: Vec<Given> =
                    self.past.given.iter().filter(|g| g.invoice == pk && g.term == term - 1).cloned().collect();
                let carried = carried.into_iter().filter(|g| kept.iter().any(|m| m.step == g.step));
                self.past.given.extend(carried.map(|g| Given { term, ..g }));
                let passed: Vec<_> = self.past.passed.iter().filter(|p| p.1 == pk && p.2 == term - 1).cloned().collect();
                self.past
                    .passed
                    .extend(passed.into_iter().filter(|p| kept.iter().any(|m| m.step == p.3)).map(|p| (p.0, p.1, term, p.3)));
            }
            Event::Disputed(yes) => row.invoice.status = if yes { RowStatus::Disputed } else { RowStatus::Open },
            Event::InvoiceHeld(days) => row.holds = vec![hold(days)],
            Event::DebtorHeld(days) => self.scene.file.holds = vec![hold(days)],
            Event::Missing(yes) if open => row.invoice.presence = if yes { Presence::Missing } else { Presence::Open },
            Event::Credit(minor) => {
                let currency = row.invoice.balance.currency;
                let pk = self.scene.file.rows.len() as i64 + 1;
                let mut credit = super::build::invoice(pk, today, Money::new(-minor, currency));
                credit.invoice.kind = RowKind::Payment;
                self.scene.file.rows.push(credit);
            }
            Event::NewAddress => {
                let n = self.scene.file.refusals.len();
                self.scene.file.points = vec![
                    super::build::point(Channel::Email, &format!("new{n}@debtor.example")),
                    super::build::point(Channel::Sms, &format!("+3247000{n:04}")),
                ];
            }
            Event::OtherCadence => self.scene.cadence = other,
            Event::Released => self.scene.file.entry_released = i64::MAX,
            _ => {}
        }
    }
}

/// The case of a currency.
pub(super) fn case(code: &str) -> CaseKey {
    key(crate::domain::currency::Currency::parse(code).unwrap())
}
