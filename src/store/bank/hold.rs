//! What the bank shows, where decisions see it: as holds on the invoices that it pays.

use crate::domain::case::{DebtorFile, Hold, HoldKind};
use crate::domain::currency::Currency;
use crate::domain::debtor::State;
use crate::domain::money::Money;
use crate::store::db::{day, word};
use crate::store::error::StoreError;
use crate::store::packed::packed;
use crate::store::statements;
use serde::Deserialize;

statements! {
    BANK_HOLDS = packed!("m.invoice_pk, m.entry_pk, m.state, m.until_day, e.amount, e.currency, e.booked_on, m.amount"
        "FROM bank_match m JOIN bank_entry e ON e.pk = m.entry_pk
        WHERE m.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND m.ended_at IS NULL AND m.state <> 'perhaps'" by "m.pk");
}

/// A payment of an invoice, or a direct debit of it that came back.
#[derive(Deserialize)]
pub(in crate::store) struct BankHoldRow {
    pub(in crate::store) invoice_pk: i64,
    entry_pk: i64,
    state: String,
    until_day: Option<String>,
    came: i64,
    currency: String,
    booked_on: String,
    pays: i64,
}

impl BankHoldRow {
    /// Puts it where it belongs: on the row of a file at a place.
    pub(in crate::store) fn weigh_on(self, file: &mut DebtorFile, at: usize) -> Result<(), StoreError> {
        let debited = file.debtor.state == Some(State::DirectDebit);
        let Some(of) = file.rows.get_mut(at) else { return Ok(()) };
        let Some(until) = self.until_day else {
            // A returned debit is no longer waited for (R15), and its reminder is the first step (R7).
            of.invoice.reopened |= debited && self.state == "returned";
            return Ok(());
        };
        let currency = word(Currency::parse(&self.currency), &self.currency)?;
        let (came, pays) = (Money::new(self.came, currency), Money::new(self.pays, currency));
        let of_it = if came == pays { String::new() } else { format!(", {pays} of it for this invoice") };
        let kind = if self.state == "live" { HoldKind::Bank } else { HoldKind::BankNear };
        let reason = format!("{came} came on {}{of_it}", self.booked_on);
        of.holds.push(Hold { id: self.entry_pk, kind, until: day(&until)?, reason, part: None });
        Ok(())
    }
}
