//! A row of the firm's ledger as it was read and checked, before it meets what we knew.

use super::debtor::{CustomerKind, State};
use super::invoice::{RowKind, RowStatus};
use super::money::Money;
use jiff::civil::Date;

/// The columns that a source must give.
pub const REQUIRED: [&str; 7] = ["invoice_id", "number", "customer_id", "customer_name", "due_on", "currency", "balance"];

/// The columns that a source may give.
pub const OPTIONAL: [&str; 27] = [
    "issued_on",
    "total",
    "status",
    "kind",
    "email",
    "phone",
    "language",
    "country",
    "customer_kind",
    "enterprise_no",
    "timezone",
    "state",
    "contacts",
    "pay_runs",
    "customer_since",
    "reference",
    "pay_url",
    "document",
    "disputed_amount",
    "po_number",
    "owner",
    "updated_at",
    "cadence",
    "tags",
    "booked_through",
    "for_invoice",
    "promised_on",
];

/// The customer columns of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// customer_id.
    pub id: String,
    /// customer_name.
    pub name: String,
    /// language.
    pub language: Option<String>,
    /// country, ISO 3166.
    pub country: Option<String>,
    /// customer_kind.
    pub kind: Option<CustomerKind>,
    /// timezone, IANA.
    pub timezone: Option<String>,
    /// state (rule R15).
    pub state: Option<State>,
    /// email, as it stands.
    pub email: Option<String>,
    /// phone: international form where it could be read, else as it stands.
    pub phone: Option<String>,
    /// enterprise_no.
    pub enterprise_no: Option<String>,
    /// contacts: people by role, as JSON, with numbers in their international form where they could be read.
    pub contacts: Option<String>,
    /// pay_runs: days of the month, as text.
    pub pay_runs: Option<String>,
    /// customer_since.
    pub since: Option<Date>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// invoice_id.
    pub id: String,
    /// number.
    pub number: String,
    /// The customer.
    pub customer: Customer,
    /// kind.
    pub kind: RowKind,
    /// status.
    pub status: RowStatus,
    /// issued_on.
    pub issued_on: Option<Date>,
    /// due_on.
    pub due_on: Date,
    /// balance; of credit notes and payments negative, whichever sign the ledger uses.
    pub balance: Money,
    /// total.
    pub total: Option<Money>,
    /// disputed_amount.
    pub disputed: Option<Money>,
    /// reference.
    pub reference: Option<String>,
    /// pay_url.
    pub pay_url: Option<String>,
    /// document.
    pub document: Option<String>,
    /// po_number.
    pub po_number: Option<String>,
    /// owner.
    pub owner: Option<String>,
    /// for_invoice.
    pub for_invoice: Option<String>,
    /// booked_through.
    pub booked_through: Option<Date>,
    /// tags.
    pub tags: Vec<String>,
    /// cadence, by name.
    pub cadence: Option<String>,
    /// promised_on: the day for which the ledger itself has payment promised.
    pub promised_on: Option<Date>,
}

impl LedgerRow {
    /// Whether anything is owed or credited by this row now.
    pub fn is_open(&self) -> bool {
        self.balance.minor != 0 && !matches!(self.status, RowStatus::Paid | RowStatus::Void)
    }
}
