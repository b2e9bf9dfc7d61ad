//! The sentence on the law on late payment, in a letter's language: the act, and its figures where they hold on the day.

use super::Letters;
use super::labels::Labels;
use crate::config::law::{Fee, Law, LawBook, RateOf};
use jiff::civil::Date;

impl Letters {
    /// What the law of a country says on late payment between firms, as a sentence. Figures that do not hold on the
    /// day, or not for all debts, are left out; empty where there is no law of that country, day or language.
    /// `since` are the days on which the debts began to be late.
    pub fn law(&self, book: &LawBook, country: &str, language: &str, day: Date, since: &[Date]) -> String {
        let sentence = || {
            let law = book.country(country)?;
            let (act, name) = law.act_on(day, language)?;
            let labels = self.labels(language)?;
            let phrase = |key: &str| book.phrase(law, language, key);
            let interest = match rate(law, act.rate_of, day, since) {
                Some(rate) => {
                    let key = if act.rate_of == RateOf::Start { "interest_since" } else { "interest_now" };
                    phrase(key)?.replace("{rate}", &labels.number(rate))
                }
                None => phrase("interest")?,
            };
            let pattern = phrase(if act.fixed_fee { "sentence" } else { "sentence_without_fee" })?;
            let fee = fee(law.fee_on(day), labels, phrase)?;
            Some(pattern.replace("{act}", name).replace("{interest}", &interest).replace("{fee}", &fee))
        };
        sentence().unwrap_or_default()
    }
}

/// The rate that a letter may name for all of the debts.
fn rate<'a>(law: &'a Law, of: RateOf, day: Date, since: &[Date]) -> Option<&'a str> {
    match of {
        RateOf::None => None,
        RateOf::Day => law.rate_on(day),
        RateOf::Start => {
            let mut rates = since.iter().map(|day| law.rate_on(*day));
            let first = rates.next()??;
            rates.all(|rate| rate == Some(first)).then_some(first)
        }
    }
}

fn fee(fee: Option<&Fee>, labels: &Labels, phrase: impl Fn(&str) -> Option<String>) -> Option<String> {
    let steps = fee.map(|f| f.steps.as_slice()).unwrap_or_default();
    match steps {
        [] => phrase("fee"),
        [one] => {
            let key = if fee.is_some_and(|f| f.at_least) { "fee_least" } else { "fee_of" };
            Some(phrase(key)?.replace("{fee}", &labels.round_money(one.amount)))
        }
        [first, .., last] => {
            let (least, most) = (labels.round_money(first.amount), labels.round_money(last.amount));
            Some(phrase("fee_between")?.replace("{least}", &least).replace("{most}", &most))
        }
    }
}
