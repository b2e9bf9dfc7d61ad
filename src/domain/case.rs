//! All that is known of a debtor when a decision is made: rows, marks, holds, contacts, addresses.

use super::currency::Currency;
use super::invoice::{Debtor, Invoice};
use super::step::{Channel, Rank, StepId};
use jiff::Timestamp;
use jiff::civil::Date;

/// A case: a debtor's open invoices of one currency under one cadence, seen together (rule R1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseKey {
    /// The cadence's name.
    pub cadence: String,
    /// The currency; amounts in different currencies never meet.
    pub currency: Currency,
}

/// What became of a step for one invoice in one term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// A message with it is in hand.
    InHand,
    /// It left and was accepted by the other side.
    Left,
    /// It may have left.
    Maybe,
    /// It could not be delivered.
    Undelivered,
    /// It was passed over, with the reason recorded.
    Skipped,
}

impl MarkKind {
    const ALL: [MarkKind; 5] = [MarkKind::InHand, MarkKind::Left, MarkKind::Maybe, MarkKind::Undelivered, MarkKind::Skipped];

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            MarkKind::InHand => "in_hand",
            MarkKind::Left => "left",
            MarkKind::Maybe => "maybe",
            MarkKind::Undelivered => "undelivered",
            MarkKind::Skipped => "skipped",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<MarkKind> {
        MarkKind::ALL.into_iter().find(|k| k.as_str() == text)
    }

    /// Whether the invoice's progress includes this step.
    pub fn is_progress(self) -> bool {
        matches!(self, MarkKind::InHand | MarkKind::Left | MarkKind::Maybe)
    }
}

/// A step that an invoice has had in its present term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which step.
    pub step: StepId,
    /// Its rank when the mark was made; survives a change of cadence.
    pub rank: Option<Rank>,
    /// What became of it.
    pub kind: MarkKind,
    /// The day, in the debtor's zone.
    pub on: Date,
    /// The contact that gave it, by store key.
    pub contact: Option<i64>,
}

/// A standstill with a reason and an end (rule R19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The hold's number.
    pub id: i64,
    /// What kind of hold.
    pub kind: HoldKind,
    /// The day on which things move again, in the debtor's zone.
    pub until: Date,
    /// Why, in the words of the person who put it.
    pub reason: String,
}

/// The hold that keeps things still on a day: of several, the one that lasts longest.
pub fn in_force(holds: &[Hold], today: Date) -> Option<&Hold> {
    holds.iter().filter(|h| today < h.until).max_by_key(|h| h.until)
}

/// What put a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldKind {
    /// The operator.
    Operator,
}

impl HoldKind {
    /// The word in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            HoldKind::Operator => "operator",
        }
    }
}

/// A row of the ledger with what has happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseInvoice {
    /// The row.
    pub invoice: Invoice,
    /// Steps had in the present term.
    pub marks: Vec<Mark>,
    /// Holds on this invoice alone.
    pub holds: Vec<Hold>,
    /// Fingerprint of the row as it was last read: tells at the re-read whether it changed (R13).
    pub digest: i64,
}

/// How a contact went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContactState {
    /// Planned or under way.
    InHand,
    /// It left and was accepted.
    Left,
    /// It may have left; a person has yet to say.
    Maybe,
    /// It may have left; a person said that it shall not leave (again).
    Dropped,
}

/// One step on one or more channels: what the debtor feels as one contact (rule R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The key in relance's store.
    pub pk: i64,
    /// When it left (or was planned).
    pub at: Timestamp,
    /// How it went.
    pub state: ContactState,
    /// The case it belongs to.
    pub case: CaseKey,
    /// The step whose letter it was.
    pub step: StepId,
    /// The invoices that it gave a mark, by store key.
    pub invoices: Vec<i64>,
}

/// Whether an address may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointState {
    /// It may.
    Usable,
    /// It cannot be one: the text says why.
    Invalid(String),
    /// The other side said that it does not exist: the text is the evidence.
    Dead(String),
}

/// An address of a person on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactPoint {
    /// The channel.
    pub channel: Channel,
    /// The address as it is used on the wire, or as it stands in the ledger when it is invalid.
    pub address: String,
    /// Whether it may be used.
    pub state: PointState,
}

/// A permanent refusal: it ends a contact point for the step and the invoices concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The step that was refused.
    pub step: StepId,
    /// The channel.
    pub channel: Channel,
    /// The address.
    pub address: String,
    /// The invoices it was about, by store key.
    pub invoices: Vec<i64>,
}

/// All that is known of a debtor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebtorFile {
    /// The debtor.
    pub debtor: Debtor,
    /// Every row of the ledger that is not closed, in all currencies.
    pub rows: Vec<CaseInvoice>,
    /// Holds on the debtor as a whole.
    pub holds: Vec<Hold>,
    /// Contacts that ceilings and spacing may still count, and those in hand or uncertain however old.
    pub contacts: Vec<Contact>,
    /// Addresses.
    pub points: Vec<ContactPoint>,
    /// Refusals of steps.
    pub refusals: Vec<Refusal>,
    /// The operator let old debts of this debtor enter (`release DEBTOR`).
    pub entry_released: bool,
}

impl DebtorFile {
    /// The cases among the open rows, in a stable order.
    pub fn cases(&self) -> Vec<CaseKey> {
        let mut keys: Vec<CaseKey> = self
            .rows
            .iter()
            .filter_map(|r| Some(CaseKey { cadence: r.invoice.cadence.clone()?, currency: r.invoice.balance.currency }))
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }
}
