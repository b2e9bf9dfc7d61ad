//! Questions that wait for a person's yes, with the draft of what would leave (rule R22).

use super::compose::{Order, draft};
use super::copies;
use super::desk::{Conditions, Desk, DeskError};
use super::simulate::outlook;
use crate::domain::case::DebtorFile;
use crate::domain::decision::Verdict;
use crate::domain::mail::Mail;
use crate::domain::money::Money;
use crate::domain::time::local_date;
use crate::store::questions::Waiting;
use jiff::Timestamp;

/// What would leave, were the answer yes.
#[derive(Clone, Debug)]
pub enum Draft {
    /// A message to this address.
    Message {
        /// Channel and address.
        to: String,
        /// Its words.
        mail: Box<Mail>,
        /// What it asks for.
        asked: Money,
    },
    /// Something for a person to do.
    Task(String),
    /// Nothing, as things stand, and why.
    Nothing(String),
}

/// The draft of what a question is about, as it would leave at the next moment at which it may.
pub async fn drafted(desk: &Desk, question: &Waiting, now: Timestamp) -> Result<Vec<Draft>, DeskError> {
    if let Some(text) = &question.text {
        return Ok(vec![Draft::Task(text.clone())]);
    }
    let Some(file) = desk.files(&[question.debtor_pk], now).await?.pop() else { return Ok(vec![]) };
    let under_way = desk.store.under_way(&[question.debtor_pk]).await?;
    let booked = desk.conditions(now).await?.booked;
    let free = Conditions { brakes: vec![], booked, read_on: None };
    let mut drafts = Vec::new();
    for message in under_way.iter().filter(|m| Some(m.contact_pk) == question.contact_pk) {
        let Some(found) = outlook(desk, &free, &file, message, now) else { continue };
        let (Verdict::Send(plan), Some(at)) = (&found.decision.verdict, found.at) else {
            drafts.push(Draft::Nothing(found.decision.reason.text().to_owned()));
            continue;
        };
        let to = plan.way.to().iter().find(|t| t.channel == message.channel && t.address == message.address);
        let (Some(cadence), Some(to)) = (desk.setup.cadence(&message.case.cadence), to) else { continue };
        let today = local_date(at, &desk.setup.zone(&file.debtor));
        // Which go along is worked out anew when it leaves; what the letter says of them is to be read beforehand.
        let copies = &copies::foreseen(desk, &file, cadence, plan, to.channel, now).await?;
        let order = Order { file: &file, cadence, plan, to, message_id: "", message: 0, today, now: at, booked, copies };
        drafts.push(match draft(desk, &order) {
            Ok(mail) => Draft::Message { to: format!("{} {}", to.channel, to.address), mail: Box::new(mail), asked: plan.asked },
            Err(e) => Draft::Nothing(e.to_string()),
        });
    }
    Ok(drafts)
}

/// What the invoices of a question come to, as they stand.
pub fn balance_of(file: &DebtorFile, question: &Waiting) -> Option<Money> {
    let currency = question.case.as_ref()?.currency;
    let rows = file.rows.iter().filter(|r| question.invoices.contains(&r.invoice.pk) && r.invoice.is_open());
    Some(Money::new(rows.map(|r| r.invoice.balance.minor).sum(), currency))
}
