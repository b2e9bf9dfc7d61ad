//! An answer: found to hold together, put on record once, and told to the creditor. What it holds, it holds for a limited time.

use super::{DAY, ON_THE_PAGE, Visit};
use crate::channel::token::ANSWER_FORM;
use crate::domain::answer::form::{self, Fault};
use crate::domain::answer::{Answer, AnswerKind, LONGEST_PROMISE};
use crate::domain::calendar::plus_working_days;
use crate::domain::case::HoldKind;
use crate::domain::inbound::{Came, Via};
use crate::domain::time::{days_between, local_date};
use crate::flow::desk::{Desk, DeskError};
use crate::flow::listen::GRAVE_HOLD;
use crate::store::proposals::{NewProposal, Taken, Told};
use crate::store::returns::{Effect, MatchedBy, Taking};
use jiff::Timestamp;
use jiff::civil::Date;

/// A page that was opened so many days ago can still be sent; after that its figures are too old to be answered.
const FORM_DAYS: i64 = 1;

/// What a form says, as it came.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// What it is.
    pub kind: String,
    /// The page's own value, by which it is known that somebody had the page before them.
    pub form: String,
    /// The day.
    pub on: String,
    /// How much was paid.
    pub amount: String,
    /// How it was paid.
    pub how: String,
    /// The customer's words.
    pub words: String,
    /// The invoices chosen.
    pub invoices: Vec<String>,
}

/// The value of a page's forms on a day: nobody can send an answer who has not had the page.
pub(super) fn form_of(desk: &Desk, visit: &Visit, now: Timestamp) -> String {
    desk.keys.token(&purpose(visit), visit.ours.pk, now.as_second().div_euclid(DAY))
}

fn purpose(visit: &Visit) -> String {
    format!("{ANSWER_FORM} {}", visit.token)
}

/// Reads a form; gives the answer and the day of its page.
pub fn weigh(desk: &Desk, visit: &Visit, said: &Said, now: Timestamp) -> Result<(Answer, i64), Fault> {
    let of_form = desk.keys.verify(&purpose(visit), said.form.trim());
    let today = now.as_second().div_euclid(DAY);
    let day = of_form.map(|(_, day)| day).filter(|day| (0..=FORM_DAYS).contains(&(today - day))).ok_or(Fault::Form)?;
    let kind = AnswerKind::parse(&said.kind).ok_or(Fault::Form)?;
    let rows = visit.rows();
    // Where there is one there is nothing to choose; where something was chosen that is open no more, it is not that one.
    let only = rows.len() == 1 && said.invoices.is_empty();
    let chosen = |pk: i64| kind == AnswerKind::Person || only || said.invoices.contains(&pk.to_string());
    let invoices: Vec<i64> = rows.iter().map(|r| r.invoice.pk).filter(|pk| chosen(*pk)).collect();
    if invoices.is_empty() {
        return Err(Fault::Choose);
    }
    let on = if kind.has_day() { Some(form::day(kind, &said.on, visit.today)?) } else { None };
    let currency = rows.iter().find(|r| invoices.contains(&r.invoice.pk)).map(|r| r.invoice.balance.currency);
    let amount = match (kind, said.amount.trim(), currency) {
        (AnswerKind::Paid, text, Some(currency)) if !text.is_empty() => Some(form::amount(text, currency)?),
        _ => None,
    };
    let words = match kind {
        AnswerKind::Paid => form::words(&said.how),
        _ => form::words(&said.words),
    };
    if kind.needs_words() && words.is_empty() {
        return Err(Fault::Words);
    }
    Ok((Answer { kind, invoices, on, amount, words }, day))
}

/// The same for the same answer from the same page, so that whoever presses twice has answered once.
fn key(desk: &Desk, visit: &Visit, answer: &Answer, day: i64) -> String {
    let invoices = format!("{:?}", answer.invoices);
    let on = answer.on.map(|d| d.to_string()).unwrap_or_default();
    let amount = answer.amount.map(|m| m.to_string()).unwrap_or_default();
    let parts = [answer.kind.as_str(), &invoices, &on, &amount, &answer.words];
    format!("page:{}", desk.keys.answer(visit.ours.pk, day, &parts))
}

/// Puts an answer on record with all that follows; gives what the customer is told. The same answer again changes nothing and is
/// told the same.
pub async fn take(desk: &Desk, visit: &Visit, answer: &Answer, day: i64, now: Timestamp) -> Result<super::Given, DeskError> {
    let mut given = super::Given { kind: answer.kind, on: answer.on, trial: visit.is_trial(), ..super::Given::of(answer.kind) };
    if visit.is_trial() {
        return Ok(given);
    }
    let (taking, proposal) = (taking(desk, visit, answer, day, now).await?, proposal(desk, visit, answer, now));
    let tell = |id: i64, held: &[i64]| letter(visit, answer, taking.grave, &proposal, id, held);
    let taken = desk.store.take_answer(&taking, &proposal, &tell, now).await?;
    if let Taken::New(_) = taken {
        desk.tally.came(Via::Page, &Came::Reply);
        crate::flow::reach::refresh(desk, &[visit.ours.debtor_pk], now).await?;
    }
    given.enough = taken == Taken::Enough;
    given.again = taken == Taken::Known;
    if let Some(found) = desk.store.given(&taking.key, visit.ours.debtor_pk).await? {
        given.held_until = found.held_until;
        given.numbers = visit.numbers(&found.held);
        given.rest = found.invoices.len() > found.held.len();
    }
    Ok(given)
}

async fn taking(desk: &Desk, visit: &Visit, answer: &Answer, day: i64, now: Timestamp) -> Result<Taking, DeskError> {
    let grave = desk.setup.grave.grave(&answer.words);
    let debtor = visit.ours.debtor_pk;
    let effect = match grave {
        // Whoever is not the right person shows nobody who is.
        None if answer.kind == AnswerKind::Person => Effect::Listed,
        None => Effect::Answered,
        // As a mail that speaks of such things: all of the customer's is still until somebody has read it, for a limited time.
        Some(about) => {
            let creditor = &desk.setup.settings.creditor;
            let today = local_date(now, &creditor.timezone);
            let waits = desk.store.unread_of(debtor, true).await? > 0 && desk.store.is_held_by_reply(debtor, today).await?;
            let until = plus_working_days(today, GRAVE_HOLD, creditor.calendar.as_deref());
            let why = format!("unread answer on the page, speaks of {}", about.as_str());
            Effect::Wrote { hold: (!waits).then_some((until, why)), sign_of_life: answer.kind != AnswerKind::Person }
        }
    };
    Ok(Taking {
        key: key(desk, visit, answer, day),
        via: Via::Page,
        kind: Came::Reply.as_str(),
        matched: Some((MatchedBy::Token, debtor, Some(visit.ours.clone()))),
        sender: None,
        subject: answer.told(),
        text: answer.words.clone(),
        class: None,
        grave: grave.map(|g| g.as_str()),
        back_on: None,
        dated: None,
        effect,
        event: Some(("page", answer.told())),
        letter: None,
    })
}

fn proposal(desk: &Desk, visit: &Visit, answer: &Answer, now: Timestamp) -> NewProposal {
    let settings = &desk.setup.settings;
    let bank = settings.creditor.calendar.as_deref();
    let usual = settings.answers.as_ref();
    let after = |delay: Option<crate::domain::when::Delay>| delay.map(|d| d.after(visit.today, bank));
    let known_on = |day: Date| plus_working_days(settings.policy.grace.after(day, bank), 1, bank);
    // One for later than that waits for a person, who may not want to wait so long.
    let promised =
        answer.on.filter(|day| answer.kind == AnswerKind::Promise && days_between(visit.today, *day) <= LONGEST_PROMISE);
    let until = match answer.kind {
        AnswerKind::Paid => after(usual.map(|u| u.hold_paid)),
        AnswerKind::Promise => promised.map(known_on),
        _ => after(usual.map(|u| u.hold)),
    };
    let kind = if answer.kind == AnswerKind::Promise { HoldKind::Promise } else { HoldKind::Answer };
    let numbers = visit.numbers(&answer.invoices);
    let words = answer.words.replace('\n', " ");
    let task = match answer.kind {
        AnswerKind::Person => Some(format!(
            "says on the answer page that somebody else is the right person: \"{words}\". Ask there; what is right is put down with `relance contact`"
        )),
        AnswerKind::Missing | AnswerKind::Papers => {
            let has_copy = visit.rows().iter().any(|r| answer.invoices.contains(&r.invoice.pk) && r.invoice.document.is_some());
            let copy = if has_copy { "; a copy lies where the ledger says" } else { "" };
            let said = if words.is_empty() { String::new() } else { format!(": \"{words}\"") };
            Some(match answer.kind {
                AnswerKind::Missing => {
                    format!("says on the answer page that the invoice never came ({numbers}){said}. Send it{copy}")
                }
                _ => format!("asks on the answer page for papers ({numbers}){said}. Send them{copy}"),
            })
        }
        _ => None,
    };
    NewProposal {
        kind: answer.kind,
        invoices: answer.invoices.clone(),
        on: answer.on,
        amount: answer.amount,
        text: answer.words.clone(),
        hold: until.map(|until| (kind, until, format!("{ON_THE_PAGE}{}", answer.told()))),
        promise: promised.map(|day| (day, known_on(day))),
        task: task.map(|text| (text, local_date(now, &settings.creditor.timezone))),
    }
}

/// What the creditor is told at once: the morning report may be a day away.
fn letter(visit: &Visit, answer: &Answer, grave: Option<&str>, p: &NewProposal, id: i64, held: &[i64]) -> Told {
    let debtor = &visit.file.debtor;
    let about = visit.numbers(&answer.invoices);
    let what = match (&p.hold, held.is_empty()) {
        (Some((_, until, _)), false) => format!("Nothing is sent about {} until {until}.", visit.numbers(held)),
        (Some(_), true) => "It holds nothing: the same was said before. Reminders go on unless you hold them.".to_owned(),
        (None, _) => {
            format!("It holds nothing: the day is more than {LONGEST_PROMISE} days ahead. Reminders go on unless you accept it.")
        }
    };
    let words = if answer.words.is_empty() { String::new() } else { format!("\n\n{}", answer.words) };
    let grave = grave.map(|g| format!("\n\nIt speaks of {g}: nothing is sent to them before you have read it (relance inbox). If it is so, say it: relance debtor {} --state … --reason …", debtor.id));
    let text = format!(
        "{} ({}) has answered on the page about {about}: {}.{words}\n\n{what}{}\n\nYour word on it: relance proposals accept {id}, or relance proposals refuse {id} --reason …",
        debtor.name,
        debtor.id,
        answer.told(),
        grave.unwrap_or_default()
    );
    (format!("relance: {} has answered on the page", debtor.id), text)
}
