//! A person's word on a proposal, with what follows from it: what was only said becomes a hold, a promise or a dispute, or is let
//! go. What was said and what was decided stay on record.

use crate::domain::answer::AnswerKind;
use crate::domain::calendar::plus_working_days;
use crate::domain::case::{DebtorFile, HoldKind};
use crate::domain::money::Money;
use crate::domain::time::local_date;
use crate::flow::desk::{Desk, DeskError};
use crate::store::proposals::{Proposal, Word};
use jiff::Timestamp;
use jiff::civil::Date;

/// A payment that you take for made is in the ledger after so many working days, or something is wrong with it.
const BOOKED_WITHIN: i32 = 10;

/// A dispute that you take up is looked at again after so many working days, unless you say otherwise.
const DISPUTE: i32 = 20;

/// What a person says.
#[derive(Clone, Debug, Default)]
pub struct Ruling {
    /// Yes or no.
    pub accept: bool,
    /// Who says so.
    pub by: Option<String>,
    /// Why, or what was agreed.
    pub reason: Option<String>,
    /// Until when nothing is sent.
    pub until: Option<Date>,
    /// Of a dispute about a part: how much.
    pub amount: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// In words.
    pub text: String,
}

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// The desk failed.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The word does not hold together; the text says what was wanted.
    #[error("{0}")]
    Wrong(String),
}

impl From<crate::store::StoreError> for DecideError {
    fn from(e: crate::store::StoreError) -> DecideError {
        DecideError::Desk(e.into())
    }
}

/// Takes a proposal up, or refuses it.
pub async fn decide(desk: &Desk, id: i64, ruling: &Ruling, now: Timestamp) -> Result<Decided, DecideError> {
    let gone = || DecideError::Wrong(format!("proposal {id} does not wait for a word; `relance proposals` lists those that do"));
    let found = desk.store.proposal(id).await?.filter(|p| p.state == "open").ok_or_else(gone)?;
    let creditor = &desk.setup.settings.creditor;
    let today = local_date(now, &creditor.timezone);
    if let Some(until) =
        ruling.until.filter(|until| *until <= today || *until > today.saturating_add(jiff::Span::new().days(366)))
    {
        return Err(DecideError::Wrong(format!("--until is {until}; wanted a day after today, {today}, and within a year")));
    }
    let mut word = Word { accepted: ruling.accept, by: ruling.by.clone(), reason: ruling.reason.clone(), ..Word::default() };
    let text = match ruling.accept {
        false => {
            word.ends_holds = true;
            "refused: what it held is let go, and the case goes on".to_owned()
        }
        true => {
            let file = desk.files(&[found.debtor_pk], now).await?.pop().ok_or_else(gone)?;
            accepted(desk, &found, &file, ruling, &mut word, today).await?
        }
    };
    match desk.store.decide(id, &word, today, now).await? {
        true => Ok(Decided { text }),
        false => Err(gone()),
    }
}

/// What follows from a yes, by what was said.
async fn accepted(
    desk: &Desk,
    p: &Proposal,
    file: &DebtorFile,
    ruling: &Ruling,
    word: &mut Word,
    today: Date,
) -> Result<String, DecideError> {
    let wrong = |text: String| Err(DecideError::Wrong(text));
    let settings = &desk.setup.settings;
    let bank = settings.creditor.calendar.as_deref();
    let kind = AnswerKind::parse(&p.kind);
    if ruling.amount.is_some() && kind != Some(AnswerKind::Wrong) {
        return wrong("--amount is about an invoice that is said to be wrong; wanted none here".to_owned());
    }
    let open: Vec<i64> = file.rows.iter().map(|r| r.invoice.pk).filter(|pk| p.invoices.contains(pk)).collect();
    let said = ruling.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
    let mut hold = |kind, until, why: String, part| {
        word.ends_holds = true;
        word.holds = open.iter().map(|pk| (*pk, kind, until, format!("{why}{said} (proposal {})", p.id), part)).collect();
    };
    match kind {
        Some(AnswerKind::Paid) => {
            let until = ruling.until.unwrap_or_else(|| plus_working_days(today, BOOKED_WITHIN, bank));
            let on = p.on.map(|d| d.to_string()).unwrap_or_default();
            hold(HoldKind::Operator, until, format!("paid on {on}, waits to be booked"), None);
            Ok(format!("accepted: {} rests until {until}, or until the payment is booked", p.numbers))
        }
        Some(AnswerKind::Promise) if desk.store.is_promised(p.id).await? => {
            Ok(format!("accepted: the promise stands, and {} rests until it is known whether it was kept", p.numbers))
        }
        Some(AnswerKind::Promise) => {
            let Some(day) = p.on.filter(|day| *day >= today) else {
                return wrong("the day that was promised is over; refuse it, or hold the invoice with `relance hold`".to_owned());
            };
            let known_on = plus_working_days(settings.policy.grace.after(day, bank), 1, bank);
            hold(HoldKind::Promise, known_on, format!("promised on the answer page to pay by {day}"), None);
            word.promise = Some((day, known_on));
            Ok(format!("accepted: {} rests until {known_on}, when it is known whether the promise was kept", p.numbers))
        }
        Some(AnswerKind::Arrangement) => {
            let Some(until) = ruling.until else {
                return wrong("--until is missing; wanted the day on which it goes on by what you have agreed".to_owned());
            };
            hold(HoldKind::Operator, until, "arrangement".to_owned(), None);
            Ok(format!("accepted: {} rests until {until}", p.numbers))
        }
        Some(AnswerKind::Wrong) => {
            let part = part(p, file, ruling.amount.as_deref())?;
            let until = ruling.until.unwrap_or_else(|| plus_working_days(today, DISPUTE, bank));
            hold(HoldKind::Dispute, until, "in dispute, as the customer says on the answer page".to_owned(), part);
            let rest = if part.is_some() { "; the rest is chased" } else { "" };
            Ok(format!("accepted: {} is in dispute until {until}{rest}", p.numbers))
        }
        Some(AnswerKind::Person | AnswerKind::Missing | AnswerKind::Papers) => {
            Ok("accepted: its task is done; what it holds ends on its day, or with `relance resume INVOICE`".to_owned())
        }
        None => wrong(format!("proposal {} is of a kind that this verb does not know: {}", p.id, p.kind)),
    }
}

/// The part of an invoice that is in dispute, in minor units; `None` for all of it.
fn part(p: &Proposal, file: &DebtorFile, amount: Option<&str>) -> Result<Option<i64>, DecideError> {
    let Some(text) = amount else { return Ok(None) };
    let [pk] = p.invoices.as_slice() else {
        let text = "--amount is about one invoice, and this proposal is about several; use `relance hold … --disputed` for each";
        return Err(DecideError::Wrong(text.to_owned()));
    };
    let row = file.rows.iter().find(|r| r.invoice.pk == *pk);
    let Some(balance) = row.map(|r| r.invoice.balance) else {
        return Err(DecideError::Wrong("this invoice is not open any more".to_owned()));
    };
    let part = Money::parse(text, balance.currency).ok().filter(|m| m.minor > 0 && m.minor < balance.minor);
    match part {
        Some(part) => Ok(Some(part.minor)),
        None => Err(DecideError::Wrong(format!(
            "--amount is \"{text}\"; wanted more than nothing and less than what is open, {balance}, such as 125.00"
        ))),
    }
}
