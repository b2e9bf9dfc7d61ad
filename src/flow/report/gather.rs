//! The one pass over all customers with something open: the state of each row, and what leaves today by the decision itself.

use super::{Decide, FEW, Group, Silence, Sums, Today, Who};
use crate::domain::case::{CaseKey, Contact, DebtorFile};
use crate::domain::debtor::State;
use crate::domain::decision::{NoTrace, Plan, Verdict, decide};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::time::{instant, local_date, plus_days};
use crate::flow::desk::{Conditions, Desk, DeskError};
use crate::flow::pulse::Pump;
use crate::flow::simulate::{Foreseen, Horizon, foresee, outlook};
use crate::flow::tie::Ties;
use crate::store::views::UnderWay;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of invoices that are named for a customer.
const NAMED: usize = 3;

/// What the pass finds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) decide: Decide,
    pub(super) silence: Silence,
    pub(super) today: Today,
}

/// A contact that leaves today.
struct Leaves {
    debtor: i64,
    who: Who,
    is_key: bool,
}

/// Reads every customer once, page by page; what is kept does not grow with them.
pub(super) async fn gather(desk: &Desk, conditions: &Conditions, now: Timestamp) -> Result<(Ties, Found), DeskError> {
    let zone = &desk.setup.settings.creditor.timezone;
    let tomorrow = instant(plus_days(local_date(now, zone), 1), Time::midnight(), zone).unwrap_or(now);
    let horizon = Horizon { from: now, until: tomorrow };
    // What would leave, were nothing to stop it: the report says above whether something does.
    let free = Conditions { brakes: vec![], booked: conditions.booked, read_on: None };
    let mut ties = Ties::begin(desk).await?;
    let mut found = Found::default();
    let mut after = 0;
    loop {
        let keys = desk.store.open_debtors_after(after).await?;
        let Some(last) = keys.last() else { return Ok((ties, found)) };
        after = *last;
        let under_way = desk.store.under_way(&keys).await?;
        let mut leaves = Vec::new();
        for file in desk.files(&keys, now).await? {
            let states = ties.add(desk, conditions, &file, now);
            found.place(&file, &states, local_date(now, &desk.setup.zone(&file.debtor)));
            let own: Vec<&UnderWay> = under_way.iter().filter(|m| m.debtor_pk == file.debtor.pk).collect();
            found.ahead(desk, &free, &file, &own, horizon, &mut leaves);
        }
        found.whom(desk, leaves).await?;
        desk.pulses.moved(Pump::Report);
    }
}

impl Found {
    /// Sorts a customer's rows by what their states ask of a person.
    fn place(&mut self, file: &DebtorFile, states: &[(i64, String, Money)], today: Date) {
        let mut by_state: BTreeMap<&str, Vec<(i64, Money)>> = BTreeMap::new();
        states.iter().for_each(|(pk, state, amount)| by_state.entry(state).or_default().push((*pk, *amount)));
        let times = |pk: i64| states.iter().filter(|(other, _, _)| *other == pk).count();
        let Found { decide, silence, .. } = self;
        for (state, rows) in by_state {
            let reason = Reason::parse(state.strip_prefix("held:").unwrap_or(state));
            let group = match (state, reason) {
                ("covered", _) => &mut decide.covered,
                (_, Some(Reason::NeedsData)) => &mut decide.needs_data,
                (_, Some(Reason::CannotReach)) => &mut decide.cannot_reach,
                (_, Some(Reason::PassedOver)) => &mut decide.finished,
                (_, Some(Reason::DebtorState)) => &mut decide.state,
                (_, Some(Reason::OldDebt)) => &mut decide.old_debt,
                (_, Some(Reason::NoCadence)) => &mut silence.no_cadence,
                (_, Some(Reason::NoAddress)) => &mut silence.no_address,
                (_, Some(Reason::BelowMinimum)) => &mut silence.below_minimum,
                (_, Some(Reason::Disputed)) => {
                    // Of a dispute in part the rest has a state of its own.
                    let (part, whole): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(pk, _)| times(*pk) > 1);
                    decide.disputed.add(file, &whole);
                    decide.disputed_part.add(file, &part);
                    continue;
                }
                _ => continue,
            };
            group.add(file, &rows);
        }
        if file.debtor.kind.is_none() {
            let late = |r: &&crate::domain::case::CaseInvoice| {
                r.invoice.is_open() && !r.invoice.is_credit() && r.invoice.due_on < today && r.invoice.cadence.is_some()
            };
            let late: Vec<(i64, Money)> = file.rows.iter().filter(late).map(|r| (r.invoice.pk, r.invoice.balance)).collect();
            decide.kind_unknown.add(file, &late);
        }
    }

    /// What leaves for a customer today: what is planned already, and what the decision comes to in the day's hours.
    fn ahead(
        &mut self,
        desk: &Desk,
        free: &Conditions,
        file: &DebtorFile,
        own: &[&UnderWay],
        horizon: Horizon,
        leaves: &mut Vec<Leaves>,
    ) {
        let mut seen: BTreeSet<i64> = BTreeSet::new();
        for message in own.iter().filter(|m| !waits_for_a_person(&file.contacts, m.contact_pk)) {
            if !seen.insert(message.contact_pk) {
                continue;
            }
            let Some(found) = outlook(desk, free, file, message, horizon.from) else { continue };
            if let (Verdict::Send(plan), Some(at)) = (&found.decision.verdict, found.at)
                && at < horizon.until
            {
                self.leaves(desk, file, &message.case.cadence, plan, leaves);
            }
        }
        for foreseen in foresee(desk, free.booked, file, horizon) {
            match foreseen {
                Foreseen::Contact { case, plan, .. } if !plan.way.to().is_empty() => {
                    self.leaves(desk, file, &case.cadence, &plan, leaves);
                }
                Foreseen::Nothing { case: Some(case), reason: Reason::Finished }
                    if is_finished(desk, free, file, &case, horizon.from) =>
                {
                    let of_case = |r: &&crate::domain::case::CaseInvoice| {
                        let i = &r.invoice;
                        i.is_open() && i.cadence.as_ref() == Some(&case.cadence) && i.balance.currency == case.currency
                    };
                    let rows: Vec<_> = file.rows.iter().filter(of_case).map(|r| (r.invoice.pk, r.invoice.balance)).collect();
                    self.decide.finished.add(file, &rows);
                }
                _ => {}
            }
        }
    }

    /// Counts a contact. One that has to be asked about first does not leave today.
    fn leaves(&mut self, desk: &Desk, file: &DebtorFile, cadence: &str, plan: &Plan, leaves: &mut Vec<Leaves>) {
        let Some(step) = desk.setup.cadence(cadence).map(|c| &c.steps[plan.step]) else { return };
        let asked_already = file.contacts.iter().any(|c| c.step == step.id && c.word.as_ref().is_some_and(|w| w.given));
        if (step.approval || step.notify_owner.is_some()) && !asked_already {
            return;
        }
        let entry = self.today.leaving.entry((step.rank, step.id.to_string())).or_default();
        entry.count += 1;
        let sum = entry.sums.entry(plan.asked.currency).or_default();
        *sum = sum.saturating_add(plan.asked.minor);
        let numbers =
            plan.lines.iter().filter(|l| l.mark.is_some()).filter_map(|l| file.rows.iter().find(|r| r.invoice.pk == l.pk));
        let who = Who {
            debtor: file.debtor.id.clone(),
            name: file.debtor.name.clone(),
            invoices: numbers.take(NAMED).map(|r| r.invoice.number.clone()).collect(),
            amount: plan.asked,
        };
        leaves.push(Leaves { debtor: file.debtor.pk, who, is_key: file.debtor.state == Some(State::KeyAccount) });
    }

    /// Tells first contacts and key accounts among a page's contacts.
    async fn whom(&mut self, desk: &Desk, leaves: Vec<Leaves>) -> Result<(), DeskError> {
        let debtors: Vec<i64> = leaves.iter().map(|l| l.debtor).collect();
        let strangers = desk.store.strangers(&debtors, desk.is_redirected()).await?;
        for Leaves { debtor, who, is_key } in leaves {
            if strangers.contains(&debtor) {
                self.today.first.one(who.clone(), 1);
            }
            if is_key {
                self.today.key.one(who, 1);
            }
        }
        Ok(())
    }
}

/// Whether every step has been had, now: looking ahead takes for done what people still have in hand.
fn is_finished(desk: &Desk, free: &Conditions, file: &DebtorFile, case: &CaseKey, now: Timestamp) -> bool {
    let Some(cadence) = desk.setup.cadence(&case.cadence) else { return false };
    let zone = desk.setup.zone(&file.debtor);
    let decision = decide(file, case, &desk.world(free, &file.debtor, &zone, cadence, now), &mut NoTrace);
    decision.reason == Reason::Finished && !file.tasks.iter().any(|t| t.case == *case)
}

/// Whether a contact waits for a yes, or for the day on which silence is one.
fn waits_for_a_person(contacts: &[Contact], pk: i64) -> bool {
    contacts.iter().any(|c| c.pk == pk && c.word.as_ref().is_some_and(|w| !w.given))
}

impl Group {
    /// Adds rows of a customer: one entry for each currency.
    fn add(&mut self, file: &DebtorFile, rows: &[(i64, Money)]) {
        if rows.is_empty() {
            return;
        }
        let mut sums = Sums::new();
        rows.iter().for_each(|(_, m)| {
            let sum = sums.entry(m.currency).or_default();
            *sum = sum.saturating_add(m.minor);
        });
        self.customers += 1;
        self.rows += rows.len() as u64;
        for (currency, minor) in sums {
            let amount = Money::new(minor, currency);
            self.sum(amount);
            if !self.would_keep(amount) {
                continue;
            }
            let of = |pk: i64| file.rows.iter().find(|r| r.invoice.pk == pk);
            let named = rows.iter().filter(|(_, m)| m.currency == currency).filter_map(|(pk, _)| of(*pk)).take(NAMED);
            let invoices = named.map(|r| r.invoice.number.clone()).collect();
            self.keep(Who { debtor: file.debtor.id.clone(), name: file.debtor.name.clone(), invoices, amount });
        }
    }

    /// Adds a customer.
    fn one(&mut self, who: Who, rows: u64) {
        self.customers += 1;
        self.rows += rows;
        self.sum(who.amount);
        self.keep(who);
    }

    fn sum(&mut self, amount: Money) {
        let sum = self.sums.entry(amount.currency).or_default();
        *sum = sum.saturating_add(amount.minor);
    }

    /// Whether an amount is among the largest so far.
    fn would_keep(&self, amount: Money) -> bool {
        self.few.len() < FEW || self.few.last().is_some_and(|w| w.amount.minor < amount.minor)
    }

    /// Keeps the largest, those of one amount in the order in which they came.
    fn keep(&mut self, who: Who) {
        if self.would_keep(who.amount) {
            let at = self.few.partition_point(|w| w.amount.minor >= who.amount.minor);
            self.few.insert(at, who);
            self.few.truncate(FEW);
        }
    }
}
