//! What a letter can say: one view-model of ready-made strings, in the letter's language.

use super::blocks::{GlanceView, PaymentView, SectionView, glance, panel, sections};
use super::labels::Labels;
use super::page::Words;
use crate::domain::debtor::{CustomerKind, Debtor};
use crate::domain::decision::{Line, Section};
use crate::domain::invoice::Invoice;
use crate::domain::money::Money;
use crate::domain::step::{Rank, Tone};
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
    /// Its number in the register of enterprises, as it is printed.
    pub enterprise_no: Option<&'a str>,
    /// The debtor.
    pub debtor: &'a Debtor,
    /// The person at the debtor's whom the letter addresses by name, where one is known.
    pub person: Option<&'a str>,
    /// Of a copy whom the message itself went to: nothing in it is said to whoever gets the copy.
    pub copy_of: Option<&'a str>,
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
    /// The working day by which payment or an answer is asked.
    pub deadline: Option<Date>,
    /// The day on which the formal notice follows, where the cadence has one.
    pub formal_on: Option<Date>,
    /// What the law says on late payment between firms (see [`super::Letters::law`]); empty where it has no place.
    pub law: &'a str,
    /// So many of the invoices asked for have their copy attached.
    pub copies: usize,
    /// How the letter sounds.
    pub tone: Tone,
    /// This reminder must be free, by the law of the consumer's country.
    pub free_reminder: bool,
    /// So many calendar days, from the day after sending, that law gives before anything may be added; 0: it says nothing.
    pub free_days: u32,
    /// The working day by which those days are over.
    pub free_until: Option<Date>,
}

/// The view-model.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the variables of letters, see README")]
pub struct View {
    pub creditor: CreditorView,
    pub debtor: DebtorView,
    pub person: PersonView,
    pub invoice: InvoiceView,
    pub count: usize,
    pub numbers: String,
    pub single: bool,
    pub sum: String,
    pub days_late: i64,
    pub part_paid: bool,
    pub undisputed: bool,
    pub heading: String,
    pub other_stages: bool,
    pub others_firmer: bool,
    pub payments_shown: bool,
    pub payments_until: String,
    pub today: String,
    pub deadline: String,
    pub deadline_short: String,
    pub formal_on: String,
    pub law: String,
    pub copies: usize,
    pub copies_all: bool,
    pub free_reminder: bool,
    pub tone: &'static str,
    pub free_days: u32,
    pub free_until: String,
    pub items: &'static str,
    pub payment: &'static str,
    pub pay_reference: String,
    pub pay_link: String,
    #[serde(skip)]
    pub(super) answer: Option<AnswerLink>,
    #[serde(skip)]
    pub(super) copy_note: String,
    #[serde(skip)]
    pub(super) glance: Option<GlanceView>,
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
    pub enterprise_no: String,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the variables of letters, see README")]
pub struct DebtorView {
    pub name: String,
    pub business: bool,
    pub consumer: bool,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the variables of letters, see README")]
pub struct PersonView {
    pub name: String,
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
    pub po_number: String,
}

/// The way to the answer page, which stands around a letter and not in it.
#[derive(Clone, Debug)]
pub(super) struct AnswerLink {
    pub(super) url: String,
    pub(super) words: &'static Words,
}

impl View {
    /// The message carries a link to the answer page.
    pub fn answered_at(&mut self, url: String, language: &str) {
        self.answer = Some(AnswerLink { url, words: super::page::words(language) });
    }
}

/// The variables that letters and SMS may use, as they stand in templates.
pub(super) const VARIABLES: [&str; 42] = [
    "creditor.name",
    "creditor.contact",
    "creditor.iban",
    "creditor.enterprise_no",
    "debtor.name",
    "debtor.business",
    "debtor.consumer",
    "person.name",
    "invoice.number",
    "invoice.issued_on",
    "invoice.due_on",
    "invoice.due_short",
    "invoice.amount",
    "invoice.days_late",
    "invoice.po_number",
    "count",
    "numbers",
    "single",
    "sum",
    "days_late",
    "part_paid",
    "undisputed",
    "heading",
    "other_stages",
    "others_firmer",
    "payments_shown",
    "payments_until",
    "today",
    "deadline",
    "deadline_short",
    "formal_on",
    "law",
    "copies",
    "copies_all",
    "free_reminder",
    "tone",
    "free_days",
    "free_until",
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
        po_number: text(oldest.and_then(|(_, i)| i.po_number.clone())),
    };
    let references: Vec<&str> = asked.iter().filter_map(|(_, i)| i.reference.as_deref()).collect();
    let reference = match (asked.as_slice(), references.as_slice()) {
        ([(_, one)], []) => one.number.clone(),
        (_, [one]) if asked.len() == 1 => (*one).to_owned(),
        _ => asked.iter().map(|(_, i)| i.reference.clone().unwrap_or_else(|| i.number.clone())).collect::<Vec<_>>().join(", "),
    };
    let link = if asked.len() == 1 { text(asked[0].1.pay_url.clone()) } else { String::new() };
    let received = |l: &Line, i: &Invoice| {
        let credited = l.net.minor.saturating_add(l.disputed.minor) < i.balance.minor;
        credited || i.total.is_some_and(|t| t.minor > i.balance.minor)
    };
    View {
        creditor: CreditorView {
            name: facts.creditor.to_owned(),
            contact: facts.contact.to_owned(),
            iban: facts.iban.map(spaced).unwrap_or_default(),
            enterprise_no: facts.enterprise_no.unwrap_or_default().to_owned(),
        },
        debtor: DebtorView {
            name: facts.debtor.name.clone(),
            business: facts.debtor.kind == Some(CustomerKind::Business),
            consumer: facts.debtor.kind == Some(CustomerKind::Consumer),
        },
        person: PersonView { name: facts.person.unwrap_or_default().to_owned() },
        count: asked.len(),
        numbers: numbers(&asked),
        single: asked.len() == 1,
        sum: labels.money(facts.asked),
        days_late: asked.iter().map(|(l, _)| l.days_late.max(0)).max().unwrap_or(0),
        part_paid: asked.iter().any(|(l, i)| received(l, i)),
        undisputed: asked.iter().any(|(l, _)| l.disputed.minor > 0),
        heading: labels.asked(facts.rank).to_owned(),
        other_stages: facts.rows.iter().any(|(l, _)| l.section != Section::Asked && l.section != Section::Credit),
        others_firmer: facts.rows.iter().any(|(l, _)| l.section == Section::Late && l.rank > facts.rank),
        payments_shown: facts.rows.iter().any(|(l, i)| matches!(l.section, Section::Late | Section::Credit) || received(l, i)),
        payments_until: text(facts.booked_through.map(|d| labels.date(d))),
        today: labels.date(facts.today),
        deadline: text(facts.deadline.map(|d| labels.date(d))),
        deadline_short: text(facts.deadline.map(|d| labels.date_short(d))),
        formal_on: text(facts.formal_on.map(|d| labels.date(d))),
        law: facts.law.to_owned(),
        copies: facts.copies,
        copies_all: facts.copies > 0 && facts.copies >= asked.len(),
        free_reminder: facts.free_reminder,
        tone: facts.tone.as_str(),
        free_days: facts.free_days,
        free_until: text(facts.free_until.map(|d| labels.date(d))),
        items: ITEMS,
        payment: PAYMENT,
        answer: None,
        copy_note: facts.copy_of.map(|who| labels.fill("copy_note", &[("who", who)])).unwrap_or_default(),
        glance: glance(facts, labels),
        sections: sections(facts, labels),
        panel: panel(facts, labels, &reference, &link),
        pay_reference: reference,
        pay_link: link,
        invoice,
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
pub(super) fn spaced(iban: &str) -> String {
    let mut out = String::new();
    for (i, c) in iban.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push('\u{a0}');
        }
        out.push(c);
    }
    out
}
