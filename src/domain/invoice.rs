//! The ledger as relance sees it: its open rows.

use super::money::Money;
use jiff::civil::Date;

/// What a row of the ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// An invoice: the debtor owes its balance.
    Invoice,
    /// A credit note: lowers what the debtor owes.
    CreditNote,
    /// A receipt: lowers what the debtor owes.
    Payment,
}

impl RowKind {
    /// The word in the source and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            RowKind::Invoice => "invoice",
            RowKind::CreditNote => "credit_note",
            RowKind::Payment => "payment",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<RowKind> {
        [RowKind::Invoice, RowKind::CreditNote, RowKind::Payment].into_iter().find(|k| k.as_str() == text)
    }
}

/// The state of a row as the source tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowStatus {
    /// Open; paid when its balance is zero.
    Open,
    /// Paid.
    Paid,
    /// Cancelled.
    Void,
    /// The customer disputes it.
    Disputed,
    /// Not issued yet.
    Draft,
    /// On the way to paid: a payment was entered or begun, and the bank has not confirmed it.
    Pending,
}

impl RowStatus {
    /// All words.
    pub const ALL: [RowStatus; 6] =
        [RowStatus::Open, RowStatus::Paid, RowStatus::Void, RowStatus::Disputed, RowStatus::Draft, RowStatus::Pending];

    /// The word in the source and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            RowStatus::Open => "open",
            RowStatus::Paid => "paid",
            RowStatus::Void => "void",
            RowStatus::Disputed => "disputed",
            RowStatus::Draft => "draft",
            RowStatus::Pending => "pending",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<RowStatus> {
        RowStatus::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// Where an invoice stands between the source and us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Read, and open.
    Open,
    /// Not there when it was read again just before sending; the next full poll decides (R13).
    Missing,
    /// Its row can no longer be read; not chased meanwhile.
    Unreadable,
    /// Paid, void or gone from a complete poll.
    Closed,
}

impl Presence {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Presence::Open => "open",
            Presence::Missing => "missing",
            Presence::Unreadable => "unreadable",
            Presence::Closed => "closed",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Presence> {
        [Presence::Open, Presence::Missing, Presence::Unreadable, Presence::Closed].into_iter().find(|p| p.as_str() == text)
    }
}

/// A row of the ledger, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The key in relance's store.
    pub pk: i64,
    /// The key in the source.
    pub id: String,
    /// The number that the customer knows.
    pub number: String,
    /// What the row is.
    pub kind: RowKind,
    /// Its state at the source.
    pub status: RowStatus,
    /// Where it stands between the source and us.
    pub presence: Presence,
    /// Day of issue.
    pub issued_on: Option<Date>,
    /// Day on which payment is due.
    pub due_on: Date,
    /// What is open; of credits the sign may be either.
    pub balance: Money,
    /// What was invoiced.
    pub total: Option<Money>,
    /// The part that the customer disputes.
    pub disputed: Option<Money>,
    /// Payment reference.
    pub reference: Option<String>,
    /// Link to pay.
    pub pay_url: Option<String>,
    /// Where a copy of it lies, as the ledger says (R24).
    pub document: Option<String>,
    /// The number of the customer's order.
    pub po_number: Option<String>,
    /// Who looks after it in the creditor's firm: a name or an address.
    pub owner: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// The tag that says that it is in dispute.
    pub dispute_tag: Option<String>,
    /// The invoice that a payment or credit note names.
    pub for_invoice: Option<String>,
    /// The invoice that it names belongs to another customer: it lowers nothing of the payer's own.
    pub for_another: bool,
    /// What receipts of other customers that name this invoice come to, in minor units.
    pub paid_by_others: i64,
    /// Receipts are in the ledger up to this day, where the row says so itself (R10).
    pub booked_through: Option<Date>,
    /// The cadence that takes it; `None` when none does.
    pub cadence: Option<String>,
    /// Counts due dates: a later due date or a reopening begins a new term (R7).
    pub term: u32,
    /// The day on which the row was first seen, in the debtor's zone.
    pub first_seen: Date,
    /// The current term began by a reopening after paid (R7).
    pub reopened: bool,
    /// The day on which the row was first seen on the way to paid, in the debtor's zone; `None` when it is not.
    pub pending_since: Option<Date>,
    /// The next step waits until this day because of a part payment (R12).
    pub paused_until: Option<Date>,
    /// Message-ID of the first mail about it, under which later ones are threaded.
    pub thread: Option<String>,
}

impl Invoice {
    /// Whether the row counts in the ledger's total (R27).
    pub fn is_open(&self) -> bool {
        self.presence != Presence::Closed
    }

    /// Whether it lowers what the debtor owes, whatever its kind says.
    pub fn is_credit(&self) -> bool {
        self.kind != RowKind::Invoice || self.balance.minor < 0
    }
}
