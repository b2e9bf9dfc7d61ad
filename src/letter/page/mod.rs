//! The answer page as its visitors see it: words in four languages and HTML by askama, without a script, an image or anything
//! else that a browser would have to fetch. Whatever a ledger or a visitor wrote is escaped where it goes in.

mod de;
mod en;
mod fr;
mod nl;

use crate::domain::answer::AnswerKind;
use crate::domain::base64::plain;
use crate::domain::fill::fill;
use askama::Template;
use sha2::{Digest as _, Sha256};

/// The languages of the page.
pub const LANGUAGES: [&str; 4] = ["fr", "nl", "de", "en"];

/// All that the page looks like.
const STYLE: &str = include_str!("../../../templates/page/style.css");

/// What the page says, in one language. `{name}` is filled in.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is what its name says, and the four files beside this one show it")]
pub struct Words {
    pub language: &'static str,
    pub name: &'static str,
    pub languages: &'static str,
    pub title: &'static str,
    pub heading: &'static str,
    pub customer: &'static str,
    pub as_of: &'static str,
    pub about: &'static str,
    pub others: &'static str,
    pub open: &'static str,
    pub due: &'static str,
    pub was_due: &'static str,
    pub more: &'static str,
    pub credits: &'static str,
    pub total: &'static str,
    pub overdue: &'static str,
    pub nothing: &'static str,
    pub ask: &'static str,
    pub which: &'static str,
    pub optional: &'static str,
    pub day_paid: &'static str,
    pub day_pay: &'static str,
    pub amount: &'static str,
    pub how: &'static str,
    pub send: &'static str,
    pub kinds: [KindWords; 7],
    pub wrong_form: &'static str,
    pub wrong_day: &'static str,
    pub wrong_day_ahead: &'static str,
    pub wrong_day_past: &'static str,
    pub wrong_day_far: &'static str,
    pub wrong_amount: &'static str,
    pub wrong_words: &'static str,
    pub wrong_choose: &'static str,
    pub done: &'static str,
    pub held: &'static str,
    pub held_promise: &'static str,
    pub rest: &'static str,
    pub not_held: &'static str,
    pub person: &'static str,
    pub again: &'static str,
    pub enough: &'static str,
    pub trial: &'static str,
    pub back: &'static str,
    pub close: &'static str,
    pub gone: &'static str,
    pub gone_text: &'static str,
    pub later: &'static str,
    pub later_text: &'static str,
    pub contact: &'static str,
    pub footer: &'static str,
    /// In e-mails: what stands above the button, and on it.
    pub link: &'static str,
    pub button: &'static str,
    /// Before the link in an SMS.
    pub sms: &'static str,
}

/// The words of one answer.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is what its name says")]
pub struct KindWords {
    pub kind: AnswerKind,
    pub title: &'static str,
    pub note: &'static str,
    pub words: &'static str,
    /// What is said once it is sent; `{date}` is the day that was named.
    pub said: &'static str,
}

/// The words of a language of [`LANGUAGES`]; English for any other.
pub fn words(language: &str) -> &'static Words {
    match language {
        "fr" => &fr::WORDS,
        "nl" => &nl::WORDS,
        "de" => &de::WORDS,
        _ => &en::WORDS,
    }
}

/// An invoice on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRow {
    /// Its key, for the forms.
    pub id: i64,
    /// Its number.
    pub number: String,
    /// When it is due.
    pub due: String,
    /// How late it is; empty when it is not.
    pub late: String,
    /// What is open.
    pub amount: String,
}

/// A form of the page.
#[derive(Clone, Debug)]
pub struct Form {
    /// Which answer.
    pub words: &'static KindWords,
    /// It is open, with what was typed in it.
    pub open: bool,
    /// What is wrong in it; empty when nothing is.
    pub wrong: String,
    /// The day as typed, and the bounds of its field.
    pub on: String,
    /// The first day that may be named.
    pub first: String,
    /// The last.
    pub last: String,
    /// The amount as typed.
    pub amount: String,
    /// What was written.
    pub written: String,
    /// The invoices to choose from, each with whether it is chosen; empty where there is nothing to choose.
    pub rows: Vec<(PageRow, bool)>,
}

/// What stands on every page.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The words.
    pub w: &'static Words,
    /// The creditor's name.
    pub creditor: &'a str,
    /// Its address.
    pub contact: &'a str,
    /// The page can be had in other languages.
    pub tongues: bool,
}

/// The page with what is owed and the answers.
#[derive(Clone, Debug, Template)]
#[template(path = "page/sheet.html", whitespace = "minimize")]
pub struct Sheet<'a> {
    /// Around it.
    pub f: Frame<'a>,
    /// Whose page it is.
    pub customer: String,
    /// As of when.
    pub as_of: String,
    /// What the message was about.
    pub about: Vec<PageRow>,
    /// What else is open.
    pub others: Vec<PageRow>,
    /// How many more there are; empty when all are shown.
    pub more: String,
    /// Credits, by currency.
    pub credits: Vec<String>,
    /// What is open in all, by currency, and of that what is overdue, where it is not all.
    pub totals: Vec<(String, String)>,
    /// The forms' own value.
    pub form: String,
    /// The forms.
    pub forms: Vec<Form>,
}

/// What is said after an answer.
#[derive(Clone, Debug, Template)]
#[template(path = "page/done.html", whitespace = "minimize")]
pub struct Done<'a> {
    /// Around it.
    pub f: Frame<'a>,
    /// It is on record.
    pub good: bool,
    /// What was said, and what happens next.
    pub lines: Vec<String>,
}

/// The one page for a link that leads nowhere, and for a moment at which there is no page.
#[derive(Clone, Debug, Template)]
#[template(path = "page/gone.html", whitespace = "minimize")]
pub struct Gone<'a> {
    /// Around it.
    pub f: Frame<'a>,
    /// The heading.
    pub title: &'a str,
    /// What it means.
    pub text: String,
}

impl Frame<'_> {
    fn css(&self) -> &'static str {
        STYLE
    }

    fn footer(&self) -> String {
        fill(self.w.footer, &[("creditor", self.creditor), ("contact", self.contact)])
    }

    fn title(&self) -> String {
        fill(self.w.title, &[("creditor", self.creditor)])
    }

    fn all(&self) -> Vec<&'static Words> {
        LANGUAGES.into_iter().map(words).collect()
    }
}

/// The page's Content-Security-Policy: nothing is fetched, nothing runs, and of styles only the page's own, by its digest.
pub fn policy() -> String {
    let digest = plain(&Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_says_everything_in_order() {
        for language in LANGUAGES {
            let w = words(language);
            assert_eq!(w.language, language);
            assert_eq!(w.kinds.each_ref().map(|k| k.kind), AnswerKind::ALL, "{language}");
            for (text, wanted) in [
                (w.held, vec!["{numbers}", "{date}"]),
                (w.as_of, vec!["{today}", "{booked}"]),
                (w.gone_text, vec!["{creditor}", "{contact}"]),
                (w.footer, vec!["{creditor}", "{contact}"]),
                (w.enough, vec!["{contact}"]),
                (w.more, vec!["{n}"]),
            ] {
                assert!(wanted.iter().all(|name| text.contains(name)), "{language}: {text}");
            }
            assert!(w.kinds.iter().all(|k| k.kind.has_day() == k.said.contains("{date}")), "{language}");
            assert_eq!(w.kinds.iter().filter(|k| k.words.is_empty()).count(), 2, "{language}: a day needs no words");
        }
    }
}
