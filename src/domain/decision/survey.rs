//! Every row of a case and where it stands.

use super::World;
use super::ladder::{Ladder, ladder};
use super::netting::net;
use crate::domain::calendar::{Calendar, plus_working_days};
use crate::domain::case::{CaseInvoice, CaseKey, DebtorFile, in_force};
use crate::domain::condition::Facts;
use crate::domain::currency::Currency;
use crate::domain::debtor::State;
use crate::domain::invoice::{Presence, RowStatus};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::time::{days_between, local_date, plus_days};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// A row of the case, placed.
pub(super) struct Placed<'a> {
    pub(super) row: &'a CaseInvoice,
    pub(super) net: i64,
    pub(super) place: Place,
    pub(super) days_late: i64,
    /// What of it is in dispute, and set aside (R18).
    pub(super) disputed: i64,
}

/// Where a row stands.
pub(super) enum Place {
    /// A credit: set off, never chased.
    Credit,
    /// Not chased, for a reason of its own.
    Held(Reason, Option<Date>),
    /// Credits without an invoice cover it (R11).
    Covered,
    /// Only a rounding difference is left (R12).
    Rounding,
    /// On its cadence.
    Live(Ladder),
}

impl Placed<'_> {
    pub(super) fn ladder(&self) -> Option<&Ladder> {
        match &self.place {
            Place::Live(ladder) => Some(ladder),
            _ => None,
        }
    }

    pub(super) fn is_overdue(&self) -> bool {
        self.days_late > 0
    }
}

/// Places every row of a case.
pub(super) fn survey<'a>(file: &'a DebtorFile, case: &CaseKey, world: &World, today: Date) -> Vec<Placed<'a>> {
    let rows = rows_of(file, case, today);
    let places: Vec<Option<Place>> = rows.iter().map(|(row, net)| off_the_ladder(file, world, row, *net, today)).collect();
    let sums = Sums::of(world, rows.iter().zip(&places).filter(|(_, place)| place.is_none()).map(|(row, _)| row), today);
    let mut placed: Vec<Placed> = rows
        .into_iter()
        .zip(places)
        .map(|((row, net), place)| {
            let facts = sums.facts(file, row, case.currency, today);
            let place = place.unwrap_or_else(|| Place::Live(ladder(world, file, row, &facts, today)));
            Placed { row, net, place, days_late: facts.days_late, disputed: disputed_part(row, today) }
        })
        .collect();
    placed.sort_by_key(|p| (p.row.invoice.due_on, p.row.invoice.pk));
    placed
}

/// The open rows of a case, with what is owed on each after credits.
fn rows_of<'a>(file: &'a DebtorFile, case: &CaseKey, today: Date) -> Vec<(&'a CaseInvoice, i64)> {
    let of_case = |r: &CaseInvoice| {
        r.invoice.is_open()
            && r.invoice.balance.currency == case.currency
            && (r.invoice.cadence.as_deref() == Some(case.cadence.as_str()))
    };
    let nets = net(&file.rows, case.currency, today);
    file.rows.iter().zip(nets).filter(|(row, _)| of_case(row)).collect()
}

/// What the conditions of steps will be weighed by for a row on a later day, were nothing to be paid until then: more may
/// be overdue.
pub(super) fn facts_on<'r>(file: &'r DebtorFile, case: &CaseKey, world: &World, row: &'r CaseInvoice, day: Date) -> Facts<'r> {
    let today = local_date(world.now, world.zone);
    let rows = rows_of(file, case, today);
    let chased = rows.iter().filter(|(row, net)| off_the_ladder(file, world, row, *net, today).is_none());
    Sums::of(world, chased, day).facts(file, row, case.currency, day)
}

/// What the conditions of steps are weighed by (R22), over the rows of a case that may be chased.
#[derive(Default)]
struct Sums {
    overdue: i64,
    by_day: BTreeMap<Date, i64>,
}

impl Sums {
    fn of<'r>(world: &World, rows: impl Iterator<Item = &'r (&'r CaseInvoice, i64)>, today: Date) -> Sums {
        let mut sums = Sums::default();
        if world.cadence.steps.iter().all(|s| s.only_if.is_empty()) {
            return sums;
        }
        for (row, net) in rows {
            let due_on = row.invoice.due_on;
            if due_on < today {
                sums.overdue = sums.overdue.saturating_add(*net);
            }
            let day = sums.by_day.entry(due_on).or_default();
            *day = day.saturating_add(*net);
        }
        sums
    }

    fn facts<'r>(&self, file: &DebtorFile, row: &'r CaseInvoice, currency: Currency, today: Date) -> Facts<'r> {
        let money = |minor| Money::new(minor, currency);
        Facts {
            invoice: &row.invoice,
            days_late: days_between(row.invoice.due_on, today),
            overdue: money(self.overdue),
            same_day: money(self.by_day.get(&row.invoice.due_on).copied().unwrap_or_default()),
            past: file.debtor.past,
        }
    }
}

/// Where a row stands that is not chased now; `None` where it is on its cadence.
fn off_the_ladder(file: &DebtorFile, world: &World, row: &CaseInvoice, net: i64, today: Date) -> Option<Place> {
    let invoice = &row.invoice;
    if invoice.is_credit() {
        return Some(Place::Credit);
    }
    if let Some(reason) = own_obstacle(row, today) {
        return Some(Place::Held(reason, None));
    }
    if let Some(hold) = in_force(&row.holds, today) {
        return Some(Place::Held(hold.kind.reason(), Some(hold.until.max(plus_days(today, 1)))));
    }
    if let Some(until) = debit_ends(file, world.bank, row).filter(|until| *until > today) {
        return Some(Place::Held(Reason::DirectDebit, Some(until)));
    }
    if let Some(until) = pending_ends(world.bank, row).filter(|until| *until > today) {
        return Some(Place::Held(Reason::Pending, Some(until)));
    }
    let tolerance = world.policy.tolerance.minor(invoice.balance.currency);
    if invoice.balance.minor <= tolerance {
        return Some(Place::Rounding);
    }
    let rest = invoice.balance.minor - disputed_part(row, today);
    if rest <= tolerance {
        return Some(Place::Held(Reason::Disputed, None));
    }
    (net <= tolerance).then_some(Place::Covered)
}

/// Working days after the due date that a direct debit may take (R15).
const DEBIT_DAYS: i32 = 5;

/// Until when a direct debit is waited for, where the customer pays by one and it was not returned.
pub(super) fn debit_ends(file: &DebtorFile, bank: Option<&Calendar>, row: &CaseInvoice) -> Option<Date> {
    let debited = file.debtor.state == Some(State::DirectDebit) && !row.invoice.reopened;
    debited.then(|| plus_days(plus_working_days(row.invoice.due_on, DEBIT_DAYS, bank), 1))
}

/// Bank days for which a payment that is under way counts as one.
const PENDING_DAYS: i32 = 5;

/// Until when a payment that is under way is waited for.
pub(super) fn pending_ends(bank: Option<&Calendar>, row: &CaseInvoice) -> Option<Date> {
    row.invoice.pending_since.map(|since| plus_days(plus_working_days(since, PENDING_DAYS, bank), 1))
}

/// What the row itself says against chasing it.
pub(super) fn own_obstacle(row: &CaseInvoice, today: Date) -> Option<Reason> {
    let invoice = &row.invoice;
    match (invoice.presence, invoice.status) {
        (Presence::Missing, _) => Some(Reason::Missing),
        (Presence::Unreadable, _) => Some(Reason::Unreadable),
        (_, RowStatus::Draft) => Some(Reason::Draft),
        (_, RowStatus::Disputed) => Some(Reason::Disputed),
        _ if invoice.dispute_tag.is_some() => Some(Reason::Disputed),
        _ if invoice.balance.minor > 0 && disputed_part(row, today) >= invoice.balance.minor => Some(Reason::Disputed),
        _ => None,
    }
}

/// How much of an invoice is in dispute, in minor units: what the ledger says, or a person, whichever is more (R18).
pub(super) fn disputed_part(row: &CaseInvoice, today: Date) -> i64 {
    let ledger = row.invoice.disputed.map_or(0, |d| d.minor.max(0));
    let told = row.holds.iter().filter(|h| today < h.until).filter_map(|h| h.part).max().unwrap_or(0);
    ledger.max(told).min(row.invoice.balance.minor.max(0))
}

/// What stands against the debtor as a whole: its state (R15) or a person's hold (R19).
pub(super) fn debtor_obstacle(file: &DebtorFile, today: Date) -> Option<(Reason, Option<Date>)> {
    if file.debtor.state.is_some_and(State::silences) {
        return Some((Reason::DebtorState, None));
    }
    in_force(&file.holds, today).map(|hold| (hold.kind.reason(), Some(hold.until)))
}
