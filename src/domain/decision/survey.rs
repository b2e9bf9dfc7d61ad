//! Every row of a case and where it stands.

use super::ladder::{Ladder, ladder};
use super::netting::net;
use super::{Trace, World};
use crate::domain::case::{CaseInvoice, CaseKey, DebtorFile, in_force};
use crate::domain::invoice::{Presence, RowStatus};
use crate::domain::reason::Reason;
use crate::domain::time::days_between;
use jiff::civil::Date;

/// A row of the case, placed.
pub(super) struct Placed<'a> {
    pub(super) row: &'a CaseInvoice,
    pub(super) net: i64,
    pub(super) place: Place,
    pub(super) days_late: i64,
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
    let nets = net(&file.rows, case.currency, today);
    let of_case = |r: &CaseInvoice| {
        r.invoice.is_open()
            && r.invoice.balance.currency == case.currency
            && (r.invoice.cadence.as_deref() == Some(case.cadence.as_str()))
    };
    let mut placed: Vec<Placed> = file
        .rows
        .iter()
        .zip(nets)
        .filter(|(row, _)| of_case(row))
        .map(|(row, net)| Placed {
            row,
            net,
            place: place(file, world, row, net, today),
            days_late: days_between(row.invoice.due_on, today),
        })
        .collect();
    placed.sort_by_key(|p| (p.row.invoice.due_on, p.row.invoice.pk));
    placed
}

fn place(file: &DebtorFile, world: &World, row: &CaseInvoice, net: i64, today: Date) -> Place {
    let invoice = &row.invoice;
    if invoice.is_credit() {
        return Place::Credit;
    }
    if let Some(reason) = own_obstacle(row) {
        return Place::Held(reason, None);
    }
    if let Some(hold) = in_force(&row.holds, today) {
        return Place::Held(Reason::Held, Some(hold.until));
    }
    let tolerance = world.policy.tolerance.minor(invoice.balance.currency);
    if invoice.balance.minor <= tolerance {
        return Place::Rounding;
    }
    if net <= tolerance {
        return Place::Covered;
    }
    Place::Live(ladder(world, row, today, file.entry_released))
}

/// What the row itself says against chasing it.
pub(super) fn own_obstacle(row: &CaseInvoice) -> Option<Reason> {
    let invoice = &row.invoice;
    match (invoice.presence, invoice.status) {
        (Presence::Missing, _) => Some(Reason::Missing),
        (Presence::Unreadable, _) => Some(Reason::Unreadable),
        (_, RowStatus::Draft) => Some(Reason::Draft),
        (_, RowStatus::Disputed) => Some(Reason::Disputed),
        _ if invoice.disputed.is_some_and(|d| d.minor > 0) => Some(Reason::Disputed),
        _ => None,
    }
}

/// What stands against the debtor as a whole: its state (R15) or a person's hold (R19).
pub(super) fn debtor_obstacle<T: Trace>(file: &DebtorFile, today: Date, trace: &mut T) -> Option<(Reason, Option<Date>)> {
    if let Some(state) = &file.debtor.state {
        trace.rule("R15", false, || format!("the ledger gives the customer the state \"{state}\": no message, a person decides"));
        return Some((Reason::DebtorState, None));
    }
    let hold = in_force(&file.holds, today)?;
    trace.rule("R19", false, || format!("hold {} until {}: {}", hold.id, hold.until, hold.reason));
    Some((Reason::Held, Some(hold.until)))
}
