//! Setting credits off against invoices (rule R11).

use super::survey::{disputed_part, own_obstacle};
use crate::domain::case::{CaseInvoice, in_force};
use crate::domain::currency::Currency;
use jiff::civil::Date;

/// Where a credit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// It names no invoice: the oldest.
    Oldest,
    /// The invoice that it names, by place among the rows.
    Named(usize),
    /// It names one that is not open: the oldest.
    Gone,
    /// It names another customer's: that one, and none of this one's.
    Another,
}

/// What is done with a credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SetOff {
    /// The credit, by place among the rows.
    pub(super) credit: usize,
    /// Where it goes.
    pub(super) target: Target,
    /// How much of it is set off against the invoice that it names, in minor units.
    pub(super) on_named: i64,
    /// What is left of it for the oldest.
    pub(super) rest: i64,
}

/// What is owed on each row of a currency after credits, in minor units, parallel to `rows`;
/// 0 for credits themselves and for rows in other currencies.
///
/// A receipt or credit note that names an invoice goes to it. What names none, or names one that is
/// not open, is set off against the oldest invoices first, those that may be chased before those in
/// dispute or on hold today, whatever cadence they are under: whoever has paid is not asked again. What names another
/// customer's invoice pays that one, and nothing of the payer's own.
pub fn net(rows: &[CaseInvoice], currency: Currency, today: Date) -> Vec<i64> {
    let mut pool: i64 = 0;
    let mut nets = named(rows, currency, today, |credit| pool = pool.saturating_add(credit.rest));
    if pool > 0 {
        let mut order: Vec<usize> = (0..rows.len()).filter(|i| nets[*i] > 0).collect();
        order.sort_by_key(|i| (!chaseable(&rows[*i], today), rows[*i].invoice.due_on, rows[*i].invoice.pk));
        for i in order {
            let used = pool.min(nets[i]);
            nets[i] -= used;
            pool -= used;
        }
    }
    nets
}

/// What is owed on each row after the credits that name it; each credit is told as it is used.
pub(super) fn named(rows: &[CaseInvoice], currency: Currency, today: Date, mut each: impl FnMut(SetOff)) -> Vec<i64> {
    let in_currency = |r: &CaseInvoice| r.invoice.balance.currency == currency && r.invoice.is_open();
    let mut nets: Vec<i64> =
        rows.iter().map(|r| if in_currency(r) && !r.invoice.is_credit() { owed(r, today) } else { 0 }).collect();
    for (at, credit) in rows.iter().enumerate().filter(|(_, r)| in_currency(r) && r.invoice.is_credit()) {
        let amount = credit.invoice.balance.minor.saturating_abs();
        let is_named = |r: &CaseInvoice, name: &str| {
            in_currency(r) && !r.invoice.is_credit() && (r.invoice.id == name || r.invoice.number == name)
        };
        let target = match credit.invoice.for_invoice.as_deref() {
            _ if credit.invoice.for_another => Target::Another,
            None => Target::Oldest,
            Some(name) => rows.iter().position(|r| is_named(r, name)).map_or(Target::Gone, Target::Named),
        };
        let on_named = match target {
            Target::Named(i) => amount.min(nets[i]),
            _ => 0,
        };
        if let Target::Named(i) = target {
            nets[i] -= on_named;
        }
        let rest = if target == Target::Another { 0 } else { amount - on_named };
        each(SetOff { credit: at, target, on_named, rest });
    }
    nets
}

/// What is owed on an invoice before the credits of its own customer, and without what is in dispute (R18).
fn owed(row: &CaseInvoice, today: Date) -> i64 {
    let invoice = &row.invoice;
    let part = disputed_part(row, today);
    // An invoice that is in dispute as a whole still takes the credits that nothing else does.
    let disputed = if part < invoice.balance.minor { part } else { 0 };
    invoice.balance.minor.saturating_sub(disputed).saturating_sub(invoice.paid_by_others).max(0)
}

fn chaseable(row: &CaseInvoice, today: Date) -> bool {
    own_obstacle(row, today).is_none() && in_force(&row.holds, today).is_none()
}
