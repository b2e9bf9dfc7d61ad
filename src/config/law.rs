//! What the law says on late payment, by country: data, so that nothing statutory stands in code (law/*.toml).
//!
//! Every figure has its days and the basis on which it stands here. A figure that has run out is not printed.

use super::node::Node;
use super::problem::{At, Problems};
use super::section::Section;
use crate::domain::country::is_country;
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// The file of phrases, beside those of countries.
const WORDS: &str = "words";

/// The phrases of a language.
const PHRASES: [&str; 9] = [
    "sentence",
    "sentence_without_fee",
    "interest",
    "interest_now",
    "interest_since",
    "fee",
    "fee_of",
    "fee_least",
    "fee_between",
];

/// What a first reminder to a consumer may have to name.
const MUST_NAME: [&str; 7] = ["creditor", "enterprise_number", "invoice", "goods", "due_date", "amount", "days"];

/// All countries that have a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LawBook {
    countries: BTreeMap<String, Law>,
    /// Phrases by language.
    words: BTreeMap<String, Phrases>,
}

/// Phrases by name.
type Phrases = BTreeMap<String, String>;

/// The law of a country.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Law {
    act: Option<Act>,
    rates: Vec<Dated<String>>,
    fees: Vec<Dated<Fee>>,
    words: BTreeMap<String, Phrases>,
    consumer: Option<Dated<ConsumerLaw>>,
}

/// The act on late payment between firms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    days: Days,
    names: BTreeMap<String, String>,
    /// Which day's rate a letter may name.
    pub rate_of: RateOf,
    /// Whether there is a fixed sum for the costs of recovery.
    pub fixed_fee: bool,
}

/// Which day's rate holds for a late payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateOf {
    /// Each day's own: a letter names that of the day on which it is written.
    Day,
    /// That of the day on which interest begins to run.
    Start,
    /// A letter names none, for a reason that the file tells.
    None,
}

/// A fixed sum for the costs of recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// The sums, the least first: by the size of the debt, where there are several.
    pub steps: Vec<FeeStep>,
    /// More may be due: by a scale, or by agreement.
    pub at_least: bool,
}

/// A sum, and the debts for which it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeStep {
    /// Debts below this; `None` is any.
    pub below: Option<Money>,
    /// The sum.
    pub amount: Money,
}

/// What holds for the first reminder to a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerLaw {
    /// Nothing may be asked for it.
    pub free: bool,
    /// So many calendar days, from the day after an electronic sending, before anything may be added; 0: it says nothing.
    pub days: u32,
    /// What it must name.
    pub must_name: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Days {
    from: Date,
    until: Option<Date>,
}

impl Days {
    fn cover(self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Dated<T> {
    days: Days,
    value: T,
}

impl LawBook {
    /// The law of a country (ISO 3166).
    pub fn country(&self, country: &str) -> Option<&Law> {
        self.countries.get(country)
    }

    /// A phrase for a country in a language: its own, else the common one.
    pub fn phrase(&self, law: &Law, language: &str, name: &str) -> Option<String> {
        let of = |words: &BTreeMap<String, Phrases>| words.get(language).and_then(|w| w.get(name)).cloned();
        of(&law.words).or_else(|| of(&self.words))
    }
}

impl Law {
    /// The act and its name in a language, where it holds on a day.
    pub fn act_on(&self, day: Date, language: &str) -> Option<(&Act, &str)> {
        let act = self.act.as_ref().filter(|a| a.days.cover(day))?;
        Some((act, act.names.get(language)?))
    }

    /// Percent a year between firms on a day, as the file writes it: `10.50`.
    pub fn rate_on(&self, day: Date) -> Option<&str> {
        on(&self.rates, day).map(String::as_str)
    }

    /// The fixed sum on a day.
    pub fn fee_on(&self, day: Date) -> Option<&Fee> {
        on(&self.fees, day)
    }

    /// What holds on a day for the first reminder to a consumer.
    pub fn consumer_on(&self, day: Date) -> Option<&ConsumerLaw> {
        self.consumer.as_ref().filter(|c| c.days.cover(day)).map(|c| &c.value)
    }

    /// The newest that is known of it.
    pub fn consumer_newest(&self) -> Option<&ConsumerLaw> {
        self.consumer.as_ref().map(|c| &c.value)
    }
}

fn on<T>(list: &[Dated<T>], day: Date) -> Option<&T> {
    list.iter().find(|d| d.days.cover(day)).map(|d| &d.value)
}

/// Reads the files: name, path for messages, text.
pub fn read(files: Vec<(String, String, String)>, problems: &Problems) -> LawBook {
    let mut book = LawBook::default();
    for (id, file, text) in files {
        let root = Node::parse(&file, &text, problems);
        if id == WORDS {
            let top = Section::new("", &root, problems);
            book.words = languages(&top, true);
            top.finish();
        } else if is_country(&id) {
            book.countries.insert(id, law(&root, problems));
        } else {
            let wanted = "an ISO 3166 code in capitals such as \"BE.toml\", or \"words.toml\"";
            problems.add(&At::start(&file), format!("\"{id}\" is no country; wanted {wanted}"));
        }
    }
    book
}

fn law(root: &Node, problems: &Problems) -> Law {
    let top = Section::new("", root, problems);
    top.required("name", "the name of the country");
    let rates = dated(&top, "rate", percent);
    let fees = dated(&top, "fee", fee);
    let act = top.section("act").and_then(act);
    let words = top.section("words").map(|s| {
        let words = languages(&s, false);
        s.finish();
        words
    });
    let consumer = top.section("consumer").and_then(consumer);
    top.finish();
    Law { act, rates, fees, words: words.unwrap_or_default(), consumer }
}

/// The phrases of every language below a table.
fn languages(section: &Section, all: bool) -> BTreeMap<String, Phrases> {
    let codes: Vec<String> = section.free().iter().map(|(code, _, _)| code.clone()).collect();
    let mut words = BTreeMap::new();
    for code in codes {
        let Some(table) = section.section(&code) else { continue };
        let wanted = "the phrase in this language";
        let one = |name: &str| if all { table.required(name, wanted) } else { table.text(name, wanted) };
        let phrases = PHRASES.iter().filter_map(|name| Some(((*name).to_owned(), one(name)?))).collect();
        table.finish();
        words.insert(code, phrases);
    }
    words
}

fn act(s: Section) -> Option<Act> {
    let days = days(&s);
    basis(&s);
    let modes = [("day", RateOf::Day), ("start", RateOf::Start), ("none", RateOf::None)];
    let rate_of = s.parse("rate_of", "\"day\", \"start\" or \"none\"", |t| modes.iter().find(|m| m.0 == t).map(|m| m.1));
    if !s.has("rate_of") {
        s.missing("rate_of", "\"day\", \"start\" or \"none\"");
    }
    let fixed_fee = s.bool("fixed_fee").unwrap_or(true);
    let mut names = BTreeMap::new();
    match s.section("name") {
        None => s.missing("name", "a table with the act's name in each language"),
        Some(table) => {
            let codes: Vec<String> = table.free().iter().map(|(code, _, _)| code.clone()).collect();
            for code in codes {
                names.extend(table.required(&code, "the act's name in this language").map(|name| (code, name)));
            }
            table.finish();
        }
    }
    s.finish();
    Some(Act { days: days?, names, rate_of: rate_of?, fixed_fee })
}

fn percent(s: &Section) -> Option<String> {
    let legal = |t: &str| {
        let (whole, part) = t.split_once('.')?;
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        (digits(whole) && whole.len() <= 2 && digits(part) && part.len() <= 4).then(|| t.to_owned())
    };
    if !s.has("percent") {
        s.missing("percent", "a rate a year such as \"10.50\"");
    }
    s.parse("percent", "a rate a year such as \"10.50\", below 100", legal)
}

fn fee(s: &Section) -> Option<Fee> {
    if !s.has("currency") {
        s.missing("currency", "an ISO 4217 code such as \"EUR\"");
    }
    let currency = s.parse("currency", "an ISO 4217 code such as \"EUR\"", Currency::parse)?;
    let amount = |t: &str| Money::parse(t, currency).ok().filter(|m| m.minor > 0);
    let mut steps: Vec<FeeStep> = Vec::new();
    for step in s.tables("steps") {
        let wanted = "an amount such as \"40.00\"";
        let below = step.parse("below", wanted, amount);
        if !step.has("amount") {
            step.missing("amount", wanted);
        }
        let sum = step.parse("amount", wanted, amount);
        let (at, last) = (step.at().clone(), !step.has("below"));
        step.finish();
        let rises = |b: &FeeStep| b.below.is_some_and(|x| below.is_none_or(|y| x.minor < y.minor));
        if !steps.last().is_none_or(rises) {
            s.problem_at(&at, "the steps of a fee: wanted them by rising \"below\", only the last without it");
        }
        steps.extend(sum.map(|amount| FeeStep { below: if last { None } else { below }, amount }));
    }
    if steps.is_empty() {
        s.missing("steps", "a list such as [{ amount = \"40.00\" }]");
        return None;
    }
    Some(Fee { steps, at_least: s.bool("at_least").unwrap_or(false) })
}

fn consumer(s: Section) -> Option<Dated<ConsumerLaw>> {
    let days = days(&s);
    basis(&s);
    let free = s.bool("free");
    if !s.has("free") {
        s.missing("free", "true or false");
    }
    let waiting = s.integer("days", 0..=365).unwrap_or(0);
    let wanted = format!("any of: {}", MUST_NAME.join(", "));
    let named = s.texts("must_name", &wanted);
    for (at, name) in named.iter().filter(|(_, name)| !MUST_NAME.contains(&name.as_str())) {
        s.problem_at(at, format!("\"must_name\" holds \"{name}\"; wanted {wanted}"));
    }
    s.finish();
    let value =
        ConsumerLaw { free: free?, days: waiting.unsigned_abs() as u32, must_name: named.into_iter().map(|(_, n)| n).collect() };
    Some(Dated { days: days?, value })
}

/// Entries with their days, in order and apart.
fn dated<T>(top: &Section, key: &str, read: impl Fn(&Section) -> Option<T>) -> Vec<Dated<T>> {
    let mut list: Vec<Dated<T>> = Vec::new();
    for s in top.tables(key) {
        let days = days(&s);
        basis(&s);
        let value = read(&s);
        let apart = |before: &Dated<T>| days.is_none_or(|d| before.days.until.is_some_and(|until| until < d.from));
        if !list.last().is_none_or(apart) {
            s.problem("from", "the entries overlap; wanted each to begin after the \"until\" of the one before");
        }
        s.finish();
        list.extend(days.zip(value).map(|(days, value)| Dated { days, value }));
    }
    list
}

fn days(s: &Section) -> Option<Days> {
    let wanted = "a day such as \"2026-07-01\"";
    if !s.has("from") {
        s.missing("from", wanted);
    }
    let from = s.parse("from", wanted, |t| t.parse::<Date>().ok())?;
    let until = s.parse("until", wanted, |t| t.parse::<Date>().ok());
    if until.is_some_and(|until| until < from) {
        s.problem("until", "\"until\" lies before \"from\"; wanted the last day on which this holds");
    }
    Some(Days { from, until })
}

/// On what a figure stands. What nobody has read anywhere has no place in letters.
fn basis(s: &Section) {
    let wanted = "\"sourced\" (read at a source that a comment names) or \"derived\" (worked out from such)";
    if !s.has("basis") {
        s.missing("basis", wanted);
    }
    s.parse("basis", wanted, |t| matches!(t, "sourced" | "derived").then_some(()));
}
