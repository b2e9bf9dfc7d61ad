//! The answer page: whose a link is, what it shows at this moment, and what an answer brings about. A link shows one customer's
//! own invoices and nothing else; an answer holds them for a limited time, once, for a person to decide.

mod decide;
mod sheet;
mod take;

pub use decide::{DecideError, Decided, Ruling, decide};
pub use sheet::{Given, Shown, done, gone, sheet};
pub use take::{Said, take, weigh};

use super::desk::{Desk, DeskError};
use crate::channel::token::ANSWER;
use crate::domain::case::{CaseInvoice, DebtorFile};
use crate::domain::invoice::{Presence, RowStatus};
use crate::domain::time::local_date;
use crate::letter::page::LANGUAGES;
use crate::store::returns::Ours;
use jiff::Timestamp;
use jiff::civil::Date;

/// How the reason of a hold begins that came of an answer.
pub const ON_THE_PAGE: &str = "on the answer page: ";

/// So many invoices are listed on a page; of more it is said how many they are.
pub const MOST_ROWS: usize = 60;

/// Seconds in a day.
const DAY: i64 = 86_400;

/// What a request to the page came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Called {
    /// The page was shown.
    Shown,
    /// An answer was taken.
    Answered,
    /// An answer that was on record before, or one more than a link may give.
    Again,
    /// A form that does not hold together, or is none.
    Wrong,
    /// A link that leads nowhere.
    Gone,
    /// Too many at once.
    Many,
    /// The page could not be shown, or the answer not be put on record.
    Failed,
}

impl Called {
    /// All of them.
    pub const ALL: [Called; 7] =
        [Called::Shown, Called::Answered, Called::Again, Called::Wrong, Called::Gone, Called::Many, Called::Failed];

    /// The word in the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Called::Shown => "shown",
            Called::Answered => "answered",
            Called::Again => "again",
            Called::Wrong => "wrong",
            Called::Gone => "gone",
            Called::Many => "many",
            Called::Failed => "failed",
        }
    }
}

/// A link that is good, and what it leads to.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The token, as it stood in the link.
    pub token: String,
    /// The message that carried it.
    pub ours: Ours,
    /// The customer's file, as it is now.
    pub file: DebtorFile,
    /// The invoices that the message was about, by store key.
    pub about: Vec<i64>,
    /// Today in the customer's zone.
    pub today: Date,
}

impl Visit {
    /// What is owed: what the message was about first, then by the due date.
    pub fn rows(&self) -> Vec<&CaseInvoice> {
        let owed = |r: &&CaseInvoice| {
            let i = &r.invoice;
            let is_asked = matches!(i.status, RowStatus::Open | RowStatus::Disputed) && i.presence == Presence::Open;
            is_asked && !i.is_credit() && i.balance.minor > 0
        };
        let mut rows: Vec<&CaseInvoice> = self.file.rows.iter().filter(owed).collect();
        rows.sort_by_key(|r| (!self.is_about(r), r.invoice.due_on, r.invoice.pk));
        rows
    }

    /// Whether the message was about an invoice.
    pub fn is_about(&self, row: &CaseInvoice) -> bool {
        self.about.contains(&row.invoice.pk)
    }

    /// Everything went to the trial's own address: what is answered there is nobody's word.
    pub fn is_trial(&self) -> bool {
        self.ours.redirected
    }

    /// Numbers of some invoices, as the customer knows them.
    pub fn numbers(&self, of: &[i64]) -> String {
        let known = self.file.rows.iter().filter(|r| of.contains(&r.invoice.pk));
        known.map(|r| r.invoice.number.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a link is one of ours, and not too old, by itself: nothing is looked up for one that is not.
pub fn is_ours(desk: &Desk, token: &str, now: Timestamp) -> Option<i64> {
    let settings = desk.setup.settings.answers.as_ref()?;
    // No token of ours is longer.
    let (message, day) = (token.len() <= 64).then(|| desk.keys.verify(ANSWER, token)).flatten()?;
    let age = now.as_second().div_euclid(DAY).saturating_sub(day);
    (-1..=i64::from(settings.valid.count)).contains(&age).then_some(message)
}

/// What a link leads to; `None` when it is not ours, too old, or about somebody who is not known any more. Which of these is
/// told to nobody.
pub async fn open(desk: &Desk, token: &str, now: Timestamp) -> Result<Option<Visit>, DeskError> {
    let Some(message) = is_ours(desk, token, now) else { return Ok(None) };
    let Some(ours) = desk.store.ours(message).await? else { return Ok(None) };
    let Some(file) = desk.files(&[ours.debtor_pk], now).await?.pop() else { return Ok(None) };
    // Who was erased has no name.
    if file.debtor.name.is_empty() {
        return Ok(None);
    }
    let about = desk.store.contact_about(ours.contact_pk).await?;
    let today = local_date(now, &desk.setup.zone(&file.debtor));
    Ok(Some(Visit { token: token.to_owned(), ours, file, about, today }))
}

/// The language of the page: the one asked for, else the customer's, else the creditor's, else English.
pub fn language(desk: &Desk, wanted: &[&str], file: Option<&DebtorFile>) -> &'static str {
    let own = file.and_then(|f| f.debtor.language.as_deref());
    let creditor = desk.setup.settings.creditor.language.as_str();
    let all = wanted.iter().copied().chain(own).chain([creditor]);
    let base = |text: &str| text.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    all.map(base).find_map(|l| LANGUAGES.into_iter().find(|known| **known == *l)).unwrap_or("en")
}

/// The link of a message, as it goes into a letter.
pub(super) fn link(desk: &Desk, message: i64, day: i64) -> Option<String> {
    let settings = desk.setup.settings.answers.as_ref()?;
    Some(format!("{}/a/{}", settings.public, desk.keys.token(ANSWER, message, day)))
}
