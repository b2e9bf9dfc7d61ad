//! What a bank's statement shows, before anything of it is believed; what it is known by when it comes again.

mod matching;
pub mod reference;
mod settle;
#[cfg(test)]
mod tests;

pub use matching::{Candidate, Judged, Near, Seek, Share, judge, references};
pub use settle::{Live, Past, booked, undone};

use super::hex::hex;
use super::money::Money;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// Money came.
    Credit,
    /// Money that had come went back, and the bank says so: a returned transfer, a returned direct debit.
    Reversal,
    /// Money went. It may be a refund, which undoes no payment.
    Debit,
}

impl EntryKind {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            EntryKind::Credit => "credit",
            EntryKind::Reversal => "reversal",
            EntryKind::Debit => "debit",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<EntryKind> {
        [EntryKind::Credit, EntryKind::Reversal, EntryKind::Debit].into_iter().find(|k| k.as_str() == text)
    }
}

/// A booked entry of a statement: a payment, or one of those that were booked as one sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Our account: an IBAN without spaces, or a number of another form.
    pub account: String,
    /// The bank's name for the statement.
    pub statement: String,
    /// The bank's name for the entry, where it has one that is its own.
    pub bank_ref: Option<String>,
    /// Its place in the statement.
    pub place: u32,
    /// What it is.
    pub kind: EntryKind,
    /// The day on which the bank booked it.
    pub booked_on: Date,
    /// How much; never below zero.
    pub amount: Money,
    /// References that stand in a field of their own.
    pub references: Vec<String>,
    /// What the payer wrote.
    pub text: String,
    /// The payer's own name for the payment.
    pub end_to_end: Option<String>,
    /// The other side's name.
    pub name: Option<String>,
    /// The other side's account.
    pub iban: Option<String>,
    /// Why money went back, by the bank's code.
    pub why: Option<String>,
}

/// What entries of one file are known by when they come again, in whatever file. Two that are alike in all are counted.
pub fn keys(entries: &[Entry]) -> Vec<String> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let key = |e: &Entry| {
        let own = match &e.bank_ref {
            Some(bank_ref) => format!("={bank_ref}"),
            None => format!("#{}#{}", e.statement, e.place),
        };
        let parts = [
            e.account.clone(),
            own,
            e.kind.as_str().to_owned(),
            e.booked_on.to_string(),
            e.amount.to_string(),
            e.references.join(","),
            e.end_to_end.clone().unwrap_or_default(),
            e.iban.clone().unwrap_or_default(),
        ];
        let base = parts.join("\u{1f}");
        let nth = seen.entry(base.clone()).or_default();
        *nth += 1;
        hex(&Sha256::digest(format!("{base}\u{1f}{nth}").as_bytes()))
    };
    entries.iter().map(key).collect()
}
