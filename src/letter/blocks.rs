//! The two blocks of a mail: the table of invoices, in sections by stage, and the payment panel.
//!
//! Whoever owes five invoices at three stages must see at once which are to be paid now, which are late besides,
//! and which are only there for completeness (rule R5).

use super::labels::Labels;
use super::view::LetterFacts;
use crate::domain::decision::{Line, Section};
use crate::domain::invoice::Invoice;
use crate::domain::money::Money;
use crate::domain::step::Rank;

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
    pub(super) details: Vec<String>,
}

/// What is to be paid now and what is open besides, in a few lines above the sections.
#[derive(Clone, Debug)]
pub(super) struct GlanceView {
    pub(super) title: String,
    /// What the letter asks for goes first.
    pub(super) rows: Vec<(String, String)>,
    pub(super) total_label: String,
    pub(super) total: String,
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

/// Where a row stands for its reader; a finer division than the decision's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Asked for by this letter.
    Asked,
    /// Late, and written about before.
    Reminded,
    /// Late, and at a milder stage with this letter.
    Late,
    /// Past its due date, before its first reminder: the money may be on its way.
    JustDue,
    /// Not due yet.
    Soon,
    Disputed,
    Credit,
}

/// The places in the order of a letter: tone of the table, and label of the heading (of what is asked for it depends on
/// the rank).
const ORDER: [(Place, &str, &str); 7] = [
    (Place::Asked, "asked", ""),
    (Place::Reminded, "late", "section_late_reminded"),
    (Place::Late, "late", "section_late"),
    (Place::JustDue, "soon", "section_just_due"),
    (Place::Soon, "soon", "section_due_soon"),
    (Place::Disputed, "disputed", "section_disputed"),
    (Place::Credit, "credit", "section_credits"),
];

fn place(line: &Line) -> Place {
    match line.section {
        Section::Asked => Place::Asked,
        Section::Late if line.mark.is_none() => Place::Reminded,
        Section::Late => Place::Late,
        Section::DueSoon if line.days_late > 0 => Place::JustDue,
        Section::DueSoon => Place::Soon,
        Section::Disputed => Place::Disputed,
        Section::Credit => Place::Credit,
    }
}

/// The sums of a letter that lists more than it asks for; `None` where what it asks for is all.
pub(super) fn glance(facts: &LetterFacts, labels: &Labels) -> Option<GlanceView> {
    let money = |minor| labels.money(Money::new(minor, facts.asked.currency));
    let part = |label: &str, minor: i64| (minor > 0).then(|| (labels.text(label).to_owned(), money(minor)));
    let (late, just_due) = (listed(facts, &[Place::Reminded, Place::Late]), listed(facts, &[Place::JustDue]));
    let soon = listed(facts, &[Place::Soon]);
    // Of what is in dispute in part the rest stands in its own section.
    let parts = facts.rows.iter().filter(|(l, _)| !matches!(place(l), Place::Disputed | Place::Credit));
    let disputed = parts.fold(listed(facts, &[Place::Disputed]), |sum, (l, _)| sum.saturating_add(l.disputed.minor));
    let mut rows = vec![(labels.asked(facts.rank).to_owned(), money(facts.asked.minor))];
    rows.extend(part("glance_late", late));
    rows.extend(part("glance_just_due", just_due));
    let due = facts.asked.minor.saturating_add(late).saturating_add(just_due);
    let rest = soon.saturating_add(disputed);
    // A note before the due date asks for what is not due yet.
    let is_due = rows.len() > 1 && facts.rank != Some(Rank::Courtesy);
    if is_due && rest > 0 {
        rows.extend(part("glance_due", due));
    }
    rows.extend(part("glance_soon", soon));
    rows.extend(part("glance_disputed", disputed));
    let total = if is_due && rest == 0 { "glance_due" } else { "glance_total" };
    let (title, total_label) = (labels.text("glance_title").to_owned(), labels.text(total).to_owned());
    (rows.len() > 1).then(|| GlanceView { title, rows, total_label, total: money(due.saturating_add(rest)) })
}

/// What the rows at some places come to.
fn listed(facts: &LetterFacts, places: &[Place]) -> i64 {
    let rows = facts.rows.iter().filter(|(l, _)| places.contains(&place(l)));
    rows.fold(0i64, |sum, (l, i)| sum.saturating_add(listed_at(l, i).minor))
}

/// The amount that stands with a row.
fn listed_at(line: &Line, invoice: &Invoice) -> Money {
    if line.section == Section::Disputed { invoice.balance } else { line.net }
}

/// The sections that have rows.
pub(super) fn sections(facts: &LetterFacts, labels: &Labels) -> Vec<SectionView> {
    let mut sections = Vec::new();
    for (here, tone, heading) in ORDER {
        let rows: Vec<&(&Line, &Invoice)> = facts.rows.iter().filter(|(l, _)| place(l) == here).collect();
        if rows.is_empty() {
            continue;
        }
        let total = rows.iter().fold(0i64, |sum, (l, _)| sum.saturating_add(l.net.minor));
        let show_sum = rows.len() > 1 && here != Place::Disputed;
        let title = if here == Place::Asked { labels.asked(facts.rank) } else { labels.text(heading) };
        let label = if here == Place::Asked { "sum_asked" } else { "sum_section" };
        sections.push(SectionView {
            title: title.to_owned(),
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
    let amount = listed_at(line, invoice);
    RowView {
        number: invoice.number.clone(),
        amount: labels.money(amount),
        dates: dates.join(" · "),
        late: if chased { labels.late(line.days_late) } else { String::new() },
        details: if chased { details(line, invoice, labels) } else { Vec::new() },
    }
}

/// How the amount came about, and the buyer's own number: each a line below the row.
fn details(line: &Line, invoice: &Invoice, labels: &Labels) -> Vec<String> {
    let currency = line.net.currency;
    let disputed = if line.section == Section::Disputed { 0 } else { line.disputed.minor };
    let remaining = line.net.minor.saturating_add(disputed);
    let mut details = Vec::new();
    if let Some(total) = invoice.total.filter(|t| t.minor > remaining) {
        let received = Money::new(total.minor - remaining, currency);
        let (total, received) = (labels.money(total), labels.money(received));
        let balance = labels.money(Money::new(remaining, currency));
        details.push(labels.fill("part", &[("total", &total), ("received", &received), ("balance", &balance)]));
    }
    if disputed > 0 {
        let (open, part) = (Money::new(remaining, currency), Money::new(disputed, currency));
        details.push(labels.fill("part_disputed", &[("open", &labels.money(open)), ("disputed", &labels.money(part))]));
    }
    if let Some(order) = invoice.po_number.as_deref() {
        details.push(labels.fill("row_order", &[("number", order)]));
    }
    details
}

/// The payment panel.
pub(super) fn panel(facts: &LetterFacts, labels: &Labels, reference: &str, link: &str) -> PaymentView {
    let mut rows = Vec::new();
    let mut add = |label: &str, value: String| rows.push(PaymentRow { label: labels.text(label).to_owned(), value });
    if let Some(iban) = facts.iban {
        add("pay_beneficiary", facts.creditor.to_owned());
        add("pay_iban", super::view::spaced(iban));
    }
    // What else is due is no part of it, and nothing is to be paid now by a note before the due date.
    let more = facts.rank != Some(Rank::Courtesy) && glance(facts, labels).is_some();
    let others_due = listed(facts, &[Place::Reminded, Place::Late, Place::JustDue]) > 0;
    let label = match (more, others_due) {
        (false, _) => "pay_amount",
        (true, false) => "pay_amount_now",
        (true, true) => "pay_amount_here",
    };
    add(label, labels.money(facts.asked));
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
