//! Conditions and needs of a step (rule R22): for whom it is at all, and what must be known before it may leave.

use super::debtor::{Debtor, Past};
use super::invoice::Invoice;
use super::money::{Money, Threshold};
use std::fmt;

/// Under which a step is taken. All that is named must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// What the case is overdue by in all, net, is at least this.
    pub overdue_min: Option<Threshold>,
    /// What falls due on the invoice's day, net, is at least this.
    pub amount_min: Option<Threshold>,
    /// The invoice is at least so many days past due.
    pub days_late_min: Option<u32>,
    /// Whether nobody knows yet how the customer pays.
    pub new_customer: Option<bool>,
    /// Whether the customer has paid late before.
    pub late_before: Option<bool>,
    /// Whether this is the only invoice ever seen of the customer.
    pub first_invoice: Option<bool>,
    /// Whether a promise of the customer was broken.
    pub promise_broken: Option<bool>,
    /// The invoice has all of these tags.
    pub tags: Vec<String>,
}

/// What a condition is weighed by.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The invoice.
    pub invoice: &'a Invoice,
    /// Days past due; negative before.
    pub days_late: i64,
    /// What the case is overdue by.
    pub overdue: Money,
    /// What falls due on the invoice's day.
    pub same_day: Money,
    /// How the customer has paid so far.
    pub past: Past,
}

impl Condition {
    /// What does not hold, in words; `None` when all does.
    pub fn unmet(&self, facts: &Facts) -> Option<String> {
        let currency = facts.overdue.currency;
        let below = |limit: Option<Threshold>, have: Money, what: &str| {
            let limit = limit.filter(|l| have.minor < l.minor(currency))?;
            Some(format!("{have} {what}, and the step wants {} or more", Money::new(limit.minor(currency), currency)))
        };
        let is = |wanted: Option<bool>, have: bool, yes: &str, no: &str| {
            wanted.filter(|w| *w != have).map(|_| if have { yes } else { no }.to_owned())
        };
        let past = facts.past;
        let late = |days: u32| {
            let have = facts.days_late;
            (have < i64::from(days)).then(|| format!("it is {have} days past due, and the step wants {days}"))
        };
        below(self.overdue_min, facts.overdue, "is overdue in all")
            .or_else(|| below(self.amount_min, facts.same_day, "falls due that day"))
            .or_else(|| self.days_late_min.and_then(late))
            .or_else(|| is(self.new_customer, past.is_new(), "the customer is new", "the customer is not new"))
            .or_else(|| {
                is(self.late_before, past.late > 0, "the customer has paid late before", "the customer has never paid late")
            })
            .or_else(|| {
                is(
                    self.first_invoice,
                    past.invoices <= 1,
                    "it is the customer's first invoice",
                    "it is not the customer's first invoice",
                )
            })
            .or_else(|| {
                is(
                    self.promise_broken,
                    past.broken > 0,
                    "the customer has broken a promise",
                    "the customer has broken no promise",
                )
            })
            .or_else(|| {
                let lacking = self.tags.iter().find(|t| !facts.invoice.tags.contains(t))?;
                Some(format!("the invoice has no tag \"{lacking}\""))
            })
    }
}

/// Any of several conditions; none at all lets everything pass. Gives what does not hold.
pub fn unmet(any_of: &[Condition], facts: &Facts) -> Option<String> {
    let mut why = Vec::with_capacity(any_of.len());
    for condition in any_of {
        why.push(condition.unmet(facts)?);
    }
    (!why.is_empty()).then(|| why.join("; and "))
}

/// Something that must be known before a step may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// A copy of the invoice.
    Document,
    /// The payment reference.
    Reference,
    /// The number of the customer's order.
    PoNumber,
    /// Who looks after the customer in the creditor's firm.
    Owner,
    /// The customer's enterprise number.
    EnterpriseNo,
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
}

impl Need {
    /// All needs.
    pub const ALL: [Need; 7] =
        [Need::Document, Need::Reference, Need::PoNumber, Need::Owner, Need::EnterpriseNo, Need::Phone, Need::Email];

    /// The word in cadence files: the name of the ledger's column.
    pub fn as_str(self) -> &'static str {
        match self {
            Need::Document => "document",
            Need::Reference => "reference",
            Need::PoNumber => "po_number",
            Need::Owner => "owner",
            Need::EnterpriseNo => "enterprise_no",
            Need::Phone => "phone",
            Need::Email => "email",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Need> {
        Need::ALL.into_iter().find(|n| n.as_str() == text)
    }

    /// Whether it is known.
    pub fn is_met(self, debtor: &Debtor, invoice: &Invoice) -> bool {
        match self {
            Need::Document => invoice.document.is_some(),
            Need::Reference => invoice.reference.is_some(),
            Need::PoNumber => invoice.po_number.is_some(),
            Need::Owner => invoice.owner.is_some(),
            Need::EnterpriseNo => debtor.enterprise_no.is_some(),
            Need::Phone => debtor.everybody().iter().any(|p| p.phone.is_some()),
            Need::Email => debtor.everybody().iter().any(|p| p.email.is_some()),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is lacking, by the names of the columns.
pub fn lacking(needs: &[Need], debtor: &Debtor, invoice: &Invoice) -> Vec<Need> {
    needs.iter().copied().filter(|n| !n.is_met(debtor, invoice)).collect()
}
