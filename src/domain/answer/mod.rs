//! What a customer may say on the answer page, and proposals: what somebody said or something suggests, for a person to take
//! up or refuse. Nothing that a customer says changes an amount, an address or a state by itself.

pub mod form;

use super::money::Money;
use jiff::civil::Date;

/// The most characters that are kept of what somebody writes on the page.
pub const MOST_WORDS: usize = 2_000;

/// The most answers that are taken from one link; whoever has more to say writes or calls.
pub const MOST_ANSWERS: i64 = 10;

/// A promise holds at most so many days ahead; one for later waits for a person, and holds nothing.
pub const LONGEST_PROMISE: i64 = 15;

/// A day that is further away than this is a slip of the pen.
pub const FARTHEST_DAY: i64 = 366;

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnswerKind {
    /// It has been paid.
    Paid,
    /// It will be paid on a day.
    Promise,
    /// It cannot be paid at once: instalments, another day.
    Arrangement,
    /// The invoice is wrong.
    Wrong,
    /// Somebody else sees to it.
    Person,
    /// The invoice never came.
    Missing,
    /// Papers that belong to an invoice are asked for: an order, a proof of delivery, a statement.
    Papers,
}

impl AnswerKind {
    /// All of them, in the order in which the page offers them.
    pub const ALL: [AnswerKind; 7] = [
        AnswerKind::Paid,
        AnswerKind::Promise,
        AnswerKind::Arrangement,
        AnswerKind::Wrong,
        AnswerKind::Person,
        AnswerKind::Missing,
        AnswerKind::Papers,
    ];

    /// The word in the store, in forms and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            AnswerKind::Paid => "paid",
            AnswerKind::Promise => "promise",
            AnswerKind::Arrangement => "arrangement",
            AnswerKind::Wrong => "wrong",
            AnswerKind::Person => "person",
            AnswerKind::Missing => "missing",
            AnswerKind::Papers => "papers",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<AnswerKind> {
        AnswerKind::ALL.into_iter().find(|k| k.as_str() == text)
    }

    /// Whether it names a day.
    pub fn has_day(self) -> bool {
        matches!(self, AnswerKind::Paid | AnswerKind::Promise)
    }

    /// Whether nothing can be made of it without words.
    pub fn needs_words(self) -> bool {
        matches!(self, AnswerKind::Arrangement | AnswerKind::Wrong | AnswerKind::Person | AnswerKind::Papers)
    }

    /// Whether somebody of the creditor's has something to do about it, whatever is decided.
    pub fn is_task(self) -> bool {
        matches!(self, AnswerKind::Person | AnswerKind::Missing | AnswerKind::Papers)
    }
}

/// An answer, as it was given and found to hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it is.
    pub kind: AnswerKind,
    /// The invoices that it is about, by store key, in the order of the page.
    pub invoices: Vec<i64>,
    /// The day that it names, in the debtor's zone.
    pub on: Option<Date>,
    /// How much was paid.
    pub amount: Option<Money>,
    /// The customer's own words, tamed; may be empty.
    pub words: String,
}

impl Answer {
    /// In short, for the operator and the log.
    pub fn told(&self) -> String {
        let day = self.on.map(|day| day.to_string()).unwrap_or_default();
        match self.kind {
            AnswerKind::Paid => {
                let amount = self.amount.map(|m| format!(" {m}")).unwrap_or_default();
                format!("already paid{amount} on {day}")
            }
            AnswerKind::Promise => format!("will pay on {day}"),
            AnswerKind::Arrangement => "asks for an arrangement".to_owned(),
            AnswerKind::Wrong => "says that the invoice is wrong".to_owned(),
            AnswerKind::Person => "says that somebody else is the right person".to_owned(),
            AnswerKind::Missing => "never got the invoice".to_owned(),
            AnswerKind::Papers => "asks for papers".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AnswerKind;

    #[test]
    fn words_read_back() {
        assert!(AnswerKind::ALL.into_iter().all(|k| AnswerKind::parse(k.as_str()) == Some(k)));
        assert_eq!(AnswerKind::parse("payment"), None);
    }
}
