//! Every row of a case and where it stands; the sum over all rows is the tie-out (rule R27).

use super::ladder::{Ladder, ladder};
use super::netting::net;
use super::{Trace, World};
use crate::domain::case::{CaseInvoice, CaseKey, DebtorFile};
use crate::domain::invoice::{Presence, RowStatus};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::time::{days_between, local_date};
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
    let nets = net(&file.rows, case.currency);
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
    let hold = row.holds.iter().filter(|h| today < h.until).max_by_key(|h| h.until);
    if let Some(reason) = own_obstacle(row) {
        return Place::Held(reason, None);
    }
    if let Some(hold) = hold {
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

fn own_obstacle(row: &CaseInvoice) -> Option<Reason> {
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
    let hold = file.holds.iter().filter(|h| today < h.until).max_by_key(|h| h.until)?;
    trace.rule("R19", false, || format!("hold {} until {}: {}", hold.id, hold.until, hold.reason));
    Some((Reason::Held, Some(hold.until)))
}

/// What due steps ask for, in minor units: by steps after the due date and by steps before it (R12). Rows without a
/// step to give do not count: a trifle must not leave because something else is owed too.
pub(super) fn sums(world: &World, placed: &[Placed]) -> (i64, i64) {
    let after_due = |l: &Ladder| l.due.is_some_and(|s| world.cadence.steps[s].overdue);
    let (mut overdue, mut soon) = (0i64, 0i64);
    for p in placed {
        match p.ladder() {
            Some(l) if after_due(l) => overdue = overdue.saturating_add(p.net),
            Some(l) if l.due.is_some() => soon = soon.saturating_add(p.net),
            _ => {}
        }
    }
    (overdue, soon)
}

/// The one state in which each open row of a debtor is, with its signed balance (rule R27).
/// `world_of` gives the world of a cadence by name, `None` when that cadence no longer exists.
pub fn tie_out<'w>(file: &DebtorFile, world_of: impl Fn(&str) -> Option<World<'w>>) -> Vec<(i64, String, Money)> {
    let mut states = Vec::with_capacity(file.rows.len());
    for row in file.rows.iter().filter(|r| r.invoice.is_open()) {
        if row.invoice.cadence.as_deref().and_then(&world_of).is_none() {
            let state = if row.invoice.is_credit() { "credit" } else { Reason::NoCadence.code() };
            states.push((row.invoice.pk, state.to_owned(), row.invoice.balance));
        }
    }
    for case in file.cases() {
        let Some(world) = world_of(&case.cadence) else { continue };
        let today = local_date(world.now, world.zone);
        let obstacle = debtor_obstacle(file, today, &mut super::NoTrace);
        let placed = survey(file, &case, &world, today);
        let minimum = world.cadence.minimum.minor(case.currency);
        let below = sums(&world, &placed).0 < minimum;
        for p in &placed {
            let state = state_of(p, &world, obstacle.map(|o| o.0), below, today);
            states.push((p.row.invoice.pk, state, p.row.invoice.balance));
        }
    }
    states
}

fn state_of(p: &Placed, world: &World, obstacle: Option<Reason>, below_minimum: bool, today: Date) -> String {
    match (&p.place, obstacle) {
        (Place::Credit, _) => "credit".to_owned(),
        (Place::Held(reason, _), _) => format!("held:{reason}"),
        (Place::Covered, _) => "covered".to_owned(),
        (Place::Rounding, _) => "rounding".to_owned(),
        (Place::Live(_), Some(reason)) => format!("held:{reason}"),
        (Place::Live(ladder), None) => match (ladder.stage, ladder.blocked) {
            (_, Some(b)) if b.until.is_none() => format!("held:{}", b.reason),
            (Some(step), _) => format!("step:{}", world.cadence.steps[step].id),
            _ if p.row.invoice.due_on >= today => "not_due".to_owned(),
            _ if below_minimum && ladder.due.is_some() => Reason::BelowMinimum.code().to_owned(),
            _ => "late".to_owned(),
        },
    }
}
