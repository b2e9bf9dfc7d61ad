//! Setting credits off against invoices (rule R11).

use super::survey::own_obstacle;
use crate::domain::case::{CaseInvoice, in_force};
use crate::domain::currency::Currency;
use jiff::civil::Date;

/// What is owed on each row of a currency after credits, in minor units, parallel to `rows`;
/// 0 for credits themselves and for rows in other currencies.
///
/// A receipt or credit note that names an invoice goes to it. What names none, or names one that is
/// not open, is set off against the oldest invoices first, those that may be chased before those in
/// dispute or on hold today, whatever cadence they are under: whoever has paid is not asked again.
pub fn net(rows: &[CaseInvoice], currency: Currency, today: Date) -> Vec<i64> {
    let in_currency = |r: &CaseInvoice| r.invoice.balance.currency == currency && r.invoice.is_open();
    let mut nets: Vec<i64> =
        rows.iter().map(|r| if in_currency(r) && !r.invoice.is_credit() { r.invoice.balance.minor.max(0) } else { 0 }).collect();
    let credits = rows.iter().filter(|r| in_currency(r) && r.invoice.is_credit());
    let mut pool: i64 = 0;
    for credit in credits {
        let mut amount = credit.invoice.balance.minor.saturating_abs();
        let named = credit.invoice.for_invoice.as_deref();
        if let Some(i) = named.and_then(|name| {
            rows.iter()
                .position(|r| in_currency(r) && !r.invoice.is_credit() && (r.invoice.id == name || r.invoice.number == name))
        }) {
            let used = amount.min(nets[i]);
            nets[i] -= used;
            amount -= used;
        }
        pool = pool.saturating_add(amount);
    }
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

fn chaseable(row: &CaseInvoice, today: Date) -> bool {
    own_obstacle(row).is_none() && in_force(&row.holds, today).is_none()
}
