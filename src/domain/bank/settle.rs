//! How what the bank showed comes to its end: the ledger books it, or the bank takes it back.

use super::matching::{names, references};
use super::reference::Reference;
use super::{Entry, EntryKind};
use jiff::civil::Date;

/// A payment that the ledger has not booked yet, of one invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// Its key in the store.
    pub pk: i64,
    /// How much it pays, in minor units.
    pub amount: i64,
    /// What the ledger had open when it was seen.
    pub balance: i64,
}

/// Which of the payments of an invoice, the oldest first, the ledger has booked, by what it has open now (`None`: nothing, the
/// invoice is closed). A payment is booked when the balance has fallen by as much; what has fallen counts for one of them only.
pub fn booked(live: &[Live], open: Option<i64>) -> Vec<i64> {
    let Some(open) = open else { return live.iter().map(|l| l.pk).collect() };
    let mut used = 0i64;
    let mut done = Vec::new();
    for payment in live {
        let fallen = payment.balance.saturating_sub(open).saturating_sub(used);
        if fallen >= payment.amount {
            used = used.saturating_add(payment.amount);
            done.push(payment.pk);
        }
    }
    done
}

/// A credit that was seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its key in the store.
    pub pk: i64,
    /// When the bank booked it.
    pub booked_on: Date,
    /// Its references, as [`references`] gives them.
    pub references: Vec<String>,
    /// The bank's name for it.
    pub bank_ref: Option<String>,
    /// The payer's name for it.
    pub end_to_end: Option<String>,
    /// The payer's account.
    pub iban: Option<String>,
}

/// Whether two names for a payment are the same name, and one at all.
fn same(a: Option<&str>, b: Option<&str>) -> bool {
    const NONE: [&str; 3] = ["NOTPROVIDED", "NONREF", "NOT PROVIDED"];
    matches!((a, b), (Some(a), Some(b)) if a == b && !a.trim().is_empty() && !NONE.contains(&a.to_ascii_uppercase().as_str()))
}

/// Which credit a reversal takes back, of those of its account, currency and amount, the newest first. What names the payment
/// goes before what names the invoice, and that before the account alone, which counts only where it is plain.
pub fn undone(reversal: &Entry, past: &[Past]) -> Option<i64> {
    let before: Vec<&Past> = past.iter().filter(|p| p.booked_on <= reversal.booked_on).collect();
    let own = |p: &&&Past| {
        same(p.end_to_end.as_deref(), reversal.end_to_end.as_deref()) || same(p.bank_ref.as_deref(), reversal.bank_ref.as_deref())
    };
    let named = references(reversal);
    let refers = |p: &&&Past| p.references.iter().any(|r| named.contains(r));
    if let Some(found) = before.iter().find(own).or_else(|| before.iter().find(refers)) {
        return Some(found.pk);
    }
    // One that names something else, or a payment that is not here, is about that and not about whatever else came from there.
    let speaks = !named.is_empty() || same(reversal.end_to_end.as_deref(), reversal.end_to_end.as_deref());
    if speaks {
        return None;
    }
    let of_account: Vec<&&Past> = before.iter().filter(|p| same(p.iban.as_deref(), reversal.iban.as_deref())).collect();
    match of_account.as_slice() {
        [one] => Some(one.pk),
        _ => None,
    }
}

impl Entry {
    /// Whether a direct debit of this invoice is what came back.
    pub fn returns_debit_of(&self, reference: Option<&Reference>, number: &str) -> bool {
        self.kind == EntryKind::Reversal && names(self, reference, number)
    }
}
