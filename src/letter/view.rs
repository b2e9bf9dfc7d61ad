//! What a letter can say: one view-model of ready-made strings, in the letter's language.

use super::labels::Labels;
use crate::domain::decision::{Line, Section};
use crate::domain::invoice::{CustomerKind, Debtor, Invoice};
use crate::domain::money::Money;
use crate::domain::step::Rank;
use jiff::civil::Date;
use serde::Serialize;

/// The mark that stands where the items go. Private-use characters are taken out of all data at the border,
/// so no customer's name can hold it.
pub(super) const ITEMS: &str = "\u{e000}items\u{e000}";
/// The mark that stands where the payment panel goes.
pub(super) const PAYMENT: &str = "\u{e000}payment\u{e000}";

/// How many invoice numbers `numbers` spells out.
const NUMBERS: usize = 3;

/// The facts from which a view is made.
#[derive(Clone, Debug)]
pub struct LetterFacts<'a> {
    /// Name of the firm.
    pub creditor: &'a str,
    /// Its address for replies.
    pub contact: &'a str,
    /// Its account.
    pub iban: Option<&'a str>,
    /// The debtor.
    pub debtor: &'a Debtor,
    /// The rows of the message, each with its invoice.
    pub rows: &'a [(&'a Line, &'a Invoice)],
    /// What is asked for.
    pub asked: Money,
    /// The rank of the letter.
    pub rank: Option<Rank>,
    /// Payments are taken into account up to this day.
    pub booked_through: Option<Date>,
    /// Today, in the debtor's zone.
    pub today: Date,
    /// How many copies of invoices are attached.
    pub copies: usize,
    /// Whether every invoice asked for has its copy attached.
    pub copies_all: bool,
}

/// The view-model.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the variables of letters, see README")]
pub struct View {
    pub creditor: CreditorView,
    pub debtor: DebtorView,
    pub invoice: InvoiceView,
    pub count: usize,
    pub numbers: String,
    pub single: bool,
    pub sum: String,
    pub days_late: i64,
    pub part_paid: bool,
    pub other_stages: bool,
    pub payments_shown: bool,
    pub payments_until: String,
    pub today: String,
    pub copies: usize,
    pub copies_all: bool,
    pub items: &'static str,
    pub payment: &'static str,
    pub pay_reference: String,
    pub pay_link: String,
    #[serde(skip)]
    pub(super) sections: Vec<SectionView>,
    #[serde(skip)]
    pub(super) panel: PaymentView,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the variables of letters, see README")]
pub struct CreditorView {
    pub name: String,
    pub contact: String,
    pub iban: String,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the variables of letters, see README")]
pub struct DebtorView {
    pub name: String,
    pub business: bool,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the variables of letters, see README")]
pub struct InvoiceView {
    pub number: String,
    pub issued_on: String,
    pub due_on: String,
    pub due_short: String,
    pub amount: String,
    pub days_late: i64,
}

/// A section of the items.
#[derive(Clone, Debug)]
pub(super) struct SectionView {
    pub(super) title: String,
    pub(super) tone: &'static str,
    pub(super) rows: Vec<RowView>,
    pub(super) sum_label: String,
    pub(super) sum: String,
}

/// A row of the items.
#[derive(Clone, Debug)]
pub(super) struct RowView {
    pub(super) number: String,
    pub(super) amount: String,
    pub(super) dates: String,
    pub(super) late: String,
    pub(super) detail: String,
}

/// How to pay.
#[derive(Clone, Debug, Default)]
pub(super) struct PaymentView {
    pub(super) title: String,
    pub(super) rows: Vec<PaymentRow>,
    pub(super) link_url: String,
    pub(super) link_label: String,
}

/// A line of the payment panel.
#[derive(Clone, Debug)]
pub(super) struct PaymentRow {
    pub(super) label: String,
    pub(super) value: String,
}

/// The variables that letters and SMS may use, as they stand in templates.
pub(super) const VARIABLES: [&str; 27] = [
    "creditor.name",
    "creditor.contact",
    "creditor.iban",
    "debtor.name",
    "debtor.business",
    "invoice.number",
    "invoice.issued_on",
    "invoice.due_on",
    "invoice.due_short",
    "invoice.amount",
    "invoice.days_late",
    "count",
    "numbers",
    "single",
    "sum",
    "days_late",
    "part_paid",
    "other_stages",
    "payments_shown",
    "payments_until",
    "today",
    "copies",
    "copies_all",
    "items",
    "payment",
    "pay_reference",
    "pay_link",
];

/// Makes the view in a language.
pub fn view(facts: &LetterFacts, labels: &Labels) -> View {
    let asked: Vec<&(&Line, &Invoice)> = facts.rows.iter().filter(|(l, _)| l.section == Section::Asked).collect();
    let oldest = asked.iter().min_by_key(|(_, i)| (i.due_on, i.pk)).map(|r| (r.0, r.1));
    let text = |t: Option<String>| t.unwrap_or_default();
    let invoice = InvoiceView {
        number: text(oldest.map(|(_, i)| i.number.clone())),
        issued_on: text(oldest.and_then(|(_, i)| i.issued_on).map(|d| labels.date(d))),
        due_on: text(oldest.map(|(_, i)| labels.date(i.due_on))),
        due_short: text(oldest.map(|(_, i)| labels.date_short(i.due_on))),
        amount: text(oldest.map(|(l, _)| labels.money(l.net))),
        days_late: oldest.map_or(0, |(l, _)| l.days_late.max(0)),
    };
    let references: Vec<&str> = asked.iter().filter_map(|(_, i)| i.reference.as_deref()).collect();
    let reference = match (asked.as_slice(), references.as_slice()) {
        ([(_, one)], []) => one.number.clone(),
        (_, [one]) if asked.len() == 1 => (*one).to_owned(),
        _ => asked.iter().map(|(_, i)| i.reference.clone().unwrap_or_else(|| i.number.clone())).collect::<Vec<_>>().join(", "),
    };
    let link = if asked.len() == 1 { text(asked[0].1.pay_url.clone()) } else { String::new() };
    let received = |l: &Line, i: &Invoice| i.total.is_some_and(|t| t.minor > i.balance.minor) || l.net.minor < i.balance.minor;
    View {
        creditor: CreditorView {
            name: facts.creditor.to_owned(),
            contact: facts.contact.to_owned(),
            iban: facts.iban.map(spaced).unwrap_or_default(),
        },
        debtor: DebtorView { name: facts.debtor.name.clone(), business: facts.debtor.kind == Some(CustomerKind::Business) },
        count: asked.len(),
        numbers: numbers(&asked),
        single: asked.len() == 1,
        sum: labels.money(facts.asked),
        days_late: asked.iter().map(|(l, _)| l.days_late.max(0)).max().unwrap_or(0),
        part_paid: asked.iter().any(|(l, i)| received(l, i)),
        other_stages: facts.rows.iter().any(|(l, _)| l.section != Section::Asked && l.section != Section::Credit),
        payments_shown: facts.rows.iter().any(|(l, i)| matches!(l.section, Section::Late | Section::Credit) || received(l, i)),
        payments_until: text(facts.booked_through.map(|d| labels.date(d))),
        today: labels.date(facts.today),
        copies: facts.copies,
        copies_all: facts.copies_all,
        items: ITEMS,
        payment: PAYMENT,
        sections: sections(facts, labels),
        panel: panel(facts, labels, &reference, &link),
        pay_reference: reference,
        pay_link: link,
        invoice,
    }
}

fn sections(facts: &LetterFacts, labels: &Labels) -> Vec<SectionView> {
    let order = [
        (Section::Asked, "asked"),
        (Section::Late, "late"),
        (Section::DueSoon, "soon"),
        (Section::Disputed, "disputed"),
        (Section::Credit, "credit"),
    ];
    let mut sections = Vec::new();
    for (place, tone) in order {
        let rows: Vec<&(&Line, &Invoice)> = facts.rows.iter().filter(|(l, _)| l.section == place).collect();
        if rows.is_empty() {
            continue;
        }
        let total = rows.iter().fold(0i64, |sum, (l, _)| sum.saturating_add(l.net.minor));
        let show_sum = rows.len() > 1 && place != Section::Disputed;
        let label = if place == Section::Asked { "sum_asked" } else { "sum_section" };
        sections.push(SectionView {
            title: labels.section(place, facts.rank).to_owned(),
            tone,
            rows: rows.iter().map(|(l, i)| row(l, i, labels)).collect(),
            sum_label: labels.text(label).to_owned(),
            sum: if show_sum { labels.money(Money::new(total, facts.asked.currency)) } else { String::new() },
        });
    }
    sections
}

fn row(line: &Line, invoice: &Invoice, labels: &Labels) -> RowView {
    let mut dates = Vec::new();
    if let Some(issued) = invoice.issued_on {
        dates.push(labels.fill("row_issued", &[("date", &labels.date(issued))]));
    }
    if line.section != Section::Credit {
        let key = if line.days_late > 0 { "row_due_was" } else { "row_due" };
        dates.push(labels.fill(key, &[("date", &labels.date(invoice.due_on))]));
    }
    let chased = matches!(line.section, Section::Asked | Section::Late | Section::DueSoon);
    let total = invoice.total.filter(|t| chased && t.minor > line.net.minor);
    let detail = total.map(|total| {
        let received = Money::new(total.minor - line.net.minor, total.currency);
        let (total, received, balance) = (labels.money(total), labels.money(received), labels.money(line.net));
        labels.fill("part", &[("total", &total), ("received", &received), ("balance", &balance)])
    });
    let amount = if line.section == Section::Disputed { invoice.balance } else { line.net };
    RowView {
        number: invoice.number.clone(),
        amount: labels.money(amount),
        dates: dates.join(" · "),
        late: if chased { labels.late(line.days_late) } else { String::new() },
        detail: detail.unwrap_or_default(),
    }
}

fn panel(facts: &LetterFacts, labels: &Labels, reference: &str, link: &str) -> PaymentView {
    let mut rows = Vec::new();
    let mut add = |label: &str, value: String| rows.push(PaymentRow { label: labels.text(label).to_owned(), value });
    if let Some(iban) = facts.iban {
        add("pay_beneficiary", facts.creditor.to_owned());
        add("pay_iban", spaced(iban));
    }
    add("pay_amount", labels.money(facts.asked));
    if !reference.is_empty() {
        add("pay_reference", reference.to_owned());
    }
    PaymentView {
        title: labels.text("pay_title").to_owned(),
        rows,
        link_url: link.to_owned(),
        link_label: if link.is_empty() { String::new() } else { labels.text("pay_link").to_owned() },
    }
}

/// The numbers of what is asked for, the oldest first; of many only the first, and how many more.
fn numbers(asked: &[&(&Line, &Invoice)]) -> String {
    let mut all: Vec<&Invoice> = asked.iter().map(|(_, i)| *i).collect();
    all.sort_by_key(|i| (i.due_on, i.pk));
    let mut text = all.iter().take(NUMBERS).map(|i| i.number.as_str()).collect::<Vec<_>>().join(", ");
    if all.len() > NUMBERS {
        text.push_str(&format!(" +{}", all.len() - NUMBERS));
    }
    text
}

/// An IBAN in groups of four, as it is printed.
fn spaced(iban: &str) -> String {
    let mut out = String::new();
    for (i, c) in iban.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push('\u{a0}');
        }
        out.push(c);
    }
    out
}
