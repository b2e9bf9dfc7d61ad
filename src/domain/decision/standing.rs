//! Whether what people were asked still stands.

use super::netting::net;
use super::survey::own_obstacle;
use crate::domain::case::{Asked, CaseInvoice, DebtorFile};
use crate::domain::debtor::State;
use jiff::civil::Date;

fn open_row(file: &DebtorFile, pk: i64) -> Option<(usize, &CaseInvoice)> {
    file.rows.iter().enumerate().find(|(_, r)| r.invoice.pk == pk && r.invoice.is_open() && !r.invoice.is_credit())
}

/// Whether anything is asked for on an invoice: it is open, nothing it says itself stands against that, and no credit
/// covers it.
pub fn is_chased(file: &DebtorFile, pk: i64, today: Date) -> bool {
    let Some((at, row)) = open_row(file, pk) else { return false };
    own_obstacle(row, today).is_none() && net(&file.rows, row.invoice.balance.currency, today)[at] > 0
}

/// Why a question that nobody has answered lapses: it is asked about balances, for a time, of a customer that may be
/// written to (R22).
pub fn lapses(file: &DebtorFile, asked: &Asked, today: Date) -> Option<&'static str> {
    let is_still = |(pk, balance): &(i64, i64)| {
        open_row(file, *pk).is_some_and(|(_, r)| r.invoice.balance.minor == *balance && own_obstacle(r, today).is_none())
    };
    if file.debtor.state.is_some_and(State::silences) {
        return Some("the customer's state forbids it");
    }
    if !asked.balances.iter().all(is_still) {
        return Some("what it was asked about has changed");
    }
    (!asked.silence_is_yes && today >= asked.until).then_some("nobody answered in time")
}
