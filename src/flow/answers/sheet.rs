//! What the page shows: what is owed at this moment, the answers, and what happens next. Words and HTML are the letters' room's.

use super::take::{Said, form_of};
use super::{MOST_ROWS, Visit};
use crate::domain::answer::form::Fault;
use crate::domain::answer::{AnswerKind, FARTHEST_DAY};
use crate::domain::case::CaseInvoice;
use crate::domain::currency::Currency;
use crate::domain::fill::fill;
use crate::domain::money::Money;
use crate::domain::tame::tame;
use crate::domain::time::{days_between, local_date, plus_days};
use crate::flow::desk::{Desk, DeskError};
use crate::letter::Labels;
use crate::letter::page::{Done, Form, Frame, Gone, PageRow, Sheet, Words, words};
use askama::Template as _;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// A page, ready to be sent.
pub type Shown = Result<String, DeskError>;

/// What a customer is told of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What it was.
    pub kind: AnswerKind,
    /// The day that it named.
    pub on: Option<Date>,
    /// Nothing is sent about these before this day.
    pub held_until: Option<Date>,
    /// The numbers of the invoices that are held.
    pub numbers: String,
    /// Others that it was about are not.
    pub rest: bool,
    /// It was on record before.
    pub again: bool,
    /// The link has given all the answers that it may; this one is not on record.
    pub enough: bool,
    /// A trial: nothing is on record.
    pub trial: bool,
}

impl Given {
    /// An answer of which nothing is known yet.
    pub(super) fn of(kind: AnswerKind) -> Given {
        let (again, enough, trial) = (false, false, false);
        Given { kind, on: None, held_until: None, numbers: String::new(), rest: false, again, enough, trial }
    }
}

/// Why a page could not be made; it never is, as long as the words of letters are there, which `check` sees to.
fn unmade(e: &impl std::fmt::Display) -> DeskError {
    DeskError::Page(e.to_string())
}

fn labels<'d>(desk: &'d Desk, language: &str) -> Result<&'d Labels, DeskError> {
    desk.letters.labels(language).ok_or_else(|| unmade(&"there are no words for dates and amounts"))
}

fn frame<'d>(desk: &'d Desk, w: &'static Words, tongues: bool) -> Frame<'d> {
    let creditor = &desk.setup.settings.creditor;
    Frame { w, creditor: &creditor.name, contact: &creditor.contact, tongues }
}

/// The page of a link; with what is wrong, where a form came back that does not hold together.
pub async fn sheet(desk: &Desk, visit: &Visit, language: &'static str, wrong: Option<(&Said, Fault)>, now: Timestamp) -> Shown {
    let (w, labels) = (words(language), labels(desk, language)?);
    let creditor = &desk.setup.settings.creditor;
    let conditions = desk.conditions(now).await?;
    let booked = conditions.booked_through(local_date(now, &creditor.timezone), &desk.setup.settings);
    let rows = visit.rows();
    let shown = &rows[..rows.len().min(MOST_ROWS)];
    let (about, others): (Vec<&CaseInvoice>, Vec<&CaseInvoice>) = shown.iter().copied().partition(|r| visit.is_about(r));
    let list = |of: &[&CaseInvoice]| of.iter().map(|r| row(r, w, labels, visit.today)).collect::<Vec<_>>();
    let more = match rows.len() - shown.len() {
        0 => String::new(),
        n => fill(w.more, &[("n", &labels.count(n as u64))]),
    };
    let (credits, totals) = sums(visit, &rows, labels);
    let forms = match rows.is_empty() {
        true => vec![],
        false => AnswerKind::ALL.into_iter().map(|kind| form(kind, visit, w, labels, shown, wrong)).collect(),
    };
    let sheet = Sheet {
        f: frame(desk, w, true),
        customer: fill(w.customer, &[("name", &visit.file.debtor.name)]),
        as_of: fill(w.as_of, &[("today", &labels.date(visit.today)), ("booked", &labels.date(booked))]),
        about: list(&about),
        others: list(&others),
        more,
        credits,
        totals,
        form: form_of(desk, visit, now),
        forms,
    };
    sheet.render().map_err(|e| unmade(&e))
}

fn row(r: &CaseInvoice, w: &Words, labels: &Labels, today: Date) -> PageRow {
    let i = &r.invoice;
    let due = if i.due_on < today { w.was_due } else { w.due };
    PageRow {
        id: i.pk,
        number: i.number.clone(),
        due: fill(due, &[("date", &labels.date(i.due_on))]),
        late: labels.late(days_between(i.due_on, today)),
        amount: labels.money(i.balance),
    }
}

/// Credits, and what is open in all, each currency by itself.
fn sums(visit: &Visit, rows: &[&CaseInvoice], labels: &Labels) -> (Vec<String>, Vec<(String, String)>) {
    let mut open: BTreeMap<Currency, i64> = BTreeMap::new();
    let (mut credits, mut late) = (BTreeMap::new(), BTreeMap::new());
    let add = |to: &mut BTreeMap<Currency, i64>, money: Money| {
        let sum = to.entry(money.currency).or_default();
        *sum = sum.saturating_add(money.minor);
    };
    rows.iter().for_each(|r| add(&mut open, r.invoice.balance));
    rows.iter().filter(|r| r.invoice.due_on < visit.today).for_each(|r| add(&mut late, r.invoice.balance));
    let is_own = |r: &&CaseInvoice| r.invoice.is_open() && r.invoice.is_credit() && !r.invoice.for_another;
    for credit in visit.file.rows.iter().filter(is_own) {
        let balance = credit.invoice.balance;
        if open.contains_key(&balance.currency) {
            add(&mut credits, Money::new(balance.minor.saturating_abs().saturating_neg(), balance.currency));
        }
    }
    let total = |(currency, minor): (&Currency, &i64)| {
        let credited = credits.get(currency).copied().unwrap_or_default();
        let overdue = late.get(currency).filter(|late| **late < *minor).map(|late| labels.money(Money::new(*late, *currency)));
        (labels.money(Money::new(minor.saturating_add(credited).max(0), *currency)), overdue.unwrap_or_default())
    };
    let totals = open.iter().map(total).collect();
    (credits.iter().filter(|(_, m)| **m != 0).map(|(c, m)| labels.money(Money::new(*m, *c))).collect(), totals)
}

/// One of the six forms, with what was typed in it where it came back.
fn form(
    kind: AnswerKind,
    visit: &Visit,
    w: &'static Words,
    labels: &Labels,
    shown: &[&CaseInvoice],
    wrong: Option<(&Said, Fault)>,
) -> Form {
    let at = AnswerKind::ALL.iter().position(|k| *k == kind).unwrap_or_default();
    let back = wrong.filter(|(said, _)| said.kind == kind.as_str());
    let said = back.map(|(said, _)| said);
    let about = shown.iter().any(|r| visit.is_about(r));
    let usual = |r: &CaseInvoice| match kind {
        // Which one is wrong only the customer knows.
        AnswerKind::Wrong => false,
        _ => visit.is_about(r) || !about,
    };
    let chosen = |r: &CaseInvoice| said.map_or_else(|| usual(r), |s| s.invoices.contains(&r.invoice.pk.to_string()));
    let choices = match shown.len() > 1 && kind != AnswerKind::Person {
        true => shown.iter().map(|r| (row(r, w, labels, visit.today), chosen(r))).collect(),
        false => vec![],
    };
    let (first, last) = match kind {
        AnswerKind::Paid => (plus_days(visit.today, -FARTHEST_DAY), visit.today),
        _ => (visit.today, plus_days(visit.today, FARTHEST_DAY)),
    };
    Form {
        words: &w.kinds[at],
        open: back.is_some(),
        wrong: back.map(|(_, fault)| wrong_words(w, fault).to_owned()).unwrap_or_default(),
        on: said.map(|s| bounded(&s.on, 20)).unwrap_or_default(),
        first: first.to_string(),
        last: last.to_string(),
        amount: said.map(|s| bounded(&s.amount, 20)).unwrap_or_default(),
        written: said
            .map(|s| if kind == AnswerKind::Paid { bounded(&s.how, 200) } else { bounded(&s.words, 2_000) })
            .unwrap_or_default(),
        rows: choices,
    }
}

/// What somebody typed, given back to them: no more of it than a field takes.
fn bounded(text: &str, most: usize) -> String {
    text.chars().filter_map(|c| if c == '\n' { Some(c) } else { tame(c) }).take(most).collect()
}

fn wrong_words(w: &'static Words, fault: Fault) -> &'static str {
    match fault {
        Fault::Form => w.wrong_form,
        Fault::Day => w.wrong_day,
        Fault::DayAhead => w.wrong_day_ahead,
        Fault::DayPast => w.wrong_day_past,
        Fault::DayFar => w.wrong_day_far,
        Fault::Amount => w.wrong_amount,
        Fault::Words => w.wrong_words,
        Fault::Choose => w.wrong_choose,
    }
}

/// What is said after an answer: what it was, and exactly what happens next.
pub fn done(desk: &Desk, given: &Given, language: &'static str) -> Shown {
    let (w, labels) = (words(language), labels(desk, language)?);
    let f = frame(desk, w, false);
    let mut lines = Vec::new();
    if given.enough {
        lines.push(fill(w.enough, &[("contact", f.contact)]));
    } else if given.trial {
        lines.push(w.trial.to_owned());
    } else {
        let said = w.kinds.iter().find(|k| k.kind == given.kind).map_or("", |k| k.said);
        lines.push(fill(said, &[("date", &given.on.map(|d| labels.date(d)).unwrap_or_default())]));
        match given.held_until {
            Some(until) => {
                lines.push(fill(w.held, &[("numbers", &given.numbers), ("date", &labels.date(until))]));
                lines.extend((given.kind == AnswerKind::Promise).then(|| w.held_promise.to_owned()));
                lines.extend(given.rest.then(|| w.rest.to_owned()));
            }
            None => lines.push(w.not_held.to_owned()),
        }
        lines.push(fill(w.person, &[("creditor", f.creditor)]));
        lines.extend(given.again.then(|| w.again.to_owned()));
    }
    Done { f, good: !given.enough, lines }.render().map_err(|e| unmade(&e))
}

/// The one page for whoever has a link that leads nowhere, whatever the reason; `later` is for a moment at which there is none.
pub fn gone(desk: &Desk, language: &'static str, later: bool) -> Shown {
    let w = words(language);
    let f = frame(desk, w, false);
    let (title, text) = if later { (w.later, w.later_text) } else { (w.gone, w.gone_text) };
    let text = fill(text, &[("creditor", f.creditor), ("contact", f.contact)]);
    Gone { f, title, text }.render().map_err(|e| unmade(&e))
}
