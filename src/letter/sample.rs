//! Sample data, from which `check` makes every letter: for a firm, a person and somebody of unknown kind, with one
//! invoice or several at different stages, with and without all that may be known. A letter must read well each time.

use super::Labels;
use super::view::{LetterFacts, View, view};
use crate::domain::currency::Currency;
use crate::domain::debtor::{CustomerKind, Debtor};
use crate::domain::decision::{Line, Section};
use crate::domain::invoice::{Invoice, Presence, RowKind, RowStatus};
use crate::domain::money::Money;
use crate::domain::step::{Rank, StepId, Tone};
use crate::domain::time::plus_days;
use jiff::civil::{Date, date};

/// How many samples there are. The odd ones ask for two invoices and show others at several stages.
pub const VARIANTS: usize = 8;

/// The day of all samples, a Friday.
const TODAY: Date = date(2026, 11, 20);

/// Who is written to, and how much is known.
struct Sample {
    name: &'static str,
    kind: Option<CustomerKind>,
    many: bool,
    /// Optional columns, an account, a contact person, dates, attached copies.
    full: bool,
}

fn sample(variant: usize) -> Sample {
    let (name, kind, full) = match variant % VARIANTS / 2 {
        0 => ("Brasserie du Parvis SPRL", Some(CustomerKind::Business), true),
        1 => ("Brasserie du Parvis SPRL", None, false),
        2 => ("Marie Lambert", Some(CustomerKind::Consumer), true),
        _ => ("Brasserie du Parvis SPRL", Some(CustomerKind::Business), false),
    };
    Sample { name, kind, many: variant % 2 == 1, full }
}

/// The view of a sample, as a reminder shows it: 0 and 1 a firm of which all is known, 2 and 3 somebody of unknown kind, 4 and 5 a consumer,
/// 6 and 7 a firm of which little is known.
pub fn sample_view(labels: &Labels, variant: usize) -> View {
    sample_at(labels, variant, Some(Rank::Reminder))
}

/// The same in a letter of another rank; a courtesy note asks for what is not due yet.
pub fn sample_at(labels: &Labels, variant: usize, rank: Option<Rank>) -> View {
    let Sample { name, kind, many, full } = sample(variant);
    let debtor =
        Debtor { pk: 1, id: "C1".to_owned(), name: name.to_owned(), country: Some("BE".to_owned()), kind, ..Debtor::default() };
    // A dispute in part is shown where the rest is bare, so that each of the two is seen alone.
    let rows: Vec<(Line, Invoice)> =
        samples(full, many && !full, rank == Some(Rank::Courtesy)).into_iter().take(if many { 8 } else { 1 }).collect();
    let pairs: Vec<(&Line, &Invoice)> = rows.iter().map(|(l, i)| (l, i)).collect();
    let asked = pairs.iter().filter(|(l, _)| l.section == Section::Asked).map(|(l, _)| l.net.minor).sum();
    let business = kind == Some(CustomerKind::Business);
    let consumer = kind == Some(CustomerKind::Consumer);
    let facts = LetterFacts {
        creditor: "Atelier du Canal SRL",
        contact: "compta@canal.example",
        iban: full.then_some("BE71096123456769"),
        enterprise_no: full.then_some("0123.456.749"),
        debtor: &debtor,
        person: (full && business).then_some("Anne Dubois"),
        copy_of: None,
        rows: &pairs,
        asked: Money::new(asked, Currency::EUR),
        rank,
        booked_through: full.then_some(plus_days(TODAY, -1)),
        today: TODAY,
        deadline: full.then_some(date(2026, 11, 30)),
        formal_on: (full && business).then_some(date(2026, 12, 3)),
        law: if full && business { "§ 1." } else { "" },
        copies: usize::from(full),
        tone: Tone::Neutral,
        free_reminder: consumer,
        free_days: if consumer && !many { 14 } else { 0 },
        free_until: (consumer && !many).then(|| plus_days(TODAY, 14)),
    };
    view(&facts, labels)
}

/// What a row of the samples is: section, number, total, net, days late, and whether its step is given by this letter.
type Row = (Section, &'static str, i64, i64, i64, bool);

const ROWS: [Row; 8] = [
    (Section::Asked, "F-1031", 125_000, 85_000, 12, true),
    (Section::Asked, "F-1036", 95_000, 95_000, 9, true),
    (Section::Late, "F-1038", 36_000, 36_000, 8, false),
    (Section::Late, "F-1040", 42_000, 42_000, 6, true),
    (Section::DueSoon, "F-1047", 28_000, 28_000, 2, false),
    (Section::DueSoon, "F-1052", 310_000, 310_000, -4, false),
    (Section::Disputed, "F-1028", 18_000, 18_000, 30, false),
    (Section::Credit, "N-2001", -5_000, -5_000, 0, false),
];

fn samples(full: bool, disputed: bool, early: bool) -> Vec<(Line, Invoice)> {
    let eur = |minor| Money::new(minor, Currency::EUR);
    let one = |(i, (section, number, total, net, days, given)): (usize, Row)| {
        let credit = section == Section::Credit;
        let days = if early && section == Section::Asked { days - 17 } else { days };
        // What was written about before is at the same stage where little is known, and at a firmer one else.
        let firmer = full && section == Section::Late && !given;
        let part = if disputed && i == 0 { 20_000 } else { 0 };
        let line = Line {
            pk: i as i64,
            section,
            mark: given.then_some(1),
            stage: StepId::parse(if firmer { "firm" } else { "reminder" }),
            rank: Some(if firmer { Rank::Firm } else { Rank::Reminder }),
            days_late: days,
            net: eur(net - part),
            disputed: eur(part),
        };
        let due_on = plus_days(TODAY, -days);
        let invoice = Invoice {
            pk: i as i64,
            id: number.to_owned(),
            number: number.to_owned(),
            kind: if credit { RowKind::CreditNote } else { RowKind::Invoice },
            status: RowStatus::Open,
            presence: Presence::Open,
            issued_on: full.then(|| plus_days(due_on, -30)),
            due_on,
            balance: eur(net),
            total: full.then(|| eur(total)),
            disputed: (part > 0).then(|| eur(part)),
            reference: full.then(|| if i == 0 { "+++010/8068/17183+++" } else { "+++010/8068/18496+++" }.to_owned()),
            pay_url: full.then(|| "https://pay.canal.example/F-1031".to_owned()),
            document: None,
            po_number: (full && i == 0).then(|| "4500012345".to_owned()),
            owner: None,
            tags: vec![],
            dispute_tag: None,
            for_invoice: None,
            for_another: false,
            paid_by_others: 0,
            booked_through: None,
            cadence: None,
            term: 1,
            first_seen: due_on,
            reopened: false,
            paused_until: None,
            pending_since: None,
            thread: None,
        };
        (line, invoice)
    };
    ROWS.into_iter().enumerate().map(one).collect()
}
