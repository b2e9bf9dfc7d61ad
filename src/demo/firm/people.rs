//! The customers: who they are, and by which habit they pay.

use super::chance::Chance;
use anyhow::Context as _;
use serde::Deserialize;
use std::collections::BTreeMap;

/// How a customer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Habit {
    /// By the due date.
    Prompt,
    /// One to four weeks late, whatever is written.
    Slow,
    /// After a reminder.
    Forgetful,
    /// Once somebody calls; not every promise is kept.
    Called,
    /// Finds something wrong with some invoices.
    Disputing,
    /// Pays for half a year, then goes under.
    Insolvent,
    /// One day its address is dead and its number another's.
    Moved,
    /// Prompt, but nobody is there in August.
    August,
    /// On fixed days of the month.
    PayRuns,
    /// In two parts, after reminders.
    InParts,
    /// Neither pays nor answers.
    Never,
    /// By direct debit, which sometimes comes back.
    Debit,
}

/// How many of each, among three hundred.
const HABITS: [(Habit, usize); 12] = [
    (Habit::Prompt, 110),
    (Habit::Slow, 50),
    (Habit::Forgetful, 45),
    (Habit::Called, 18),
    (Habit::Disputing, 15),
    (Habit::Insolvent, 6),
    (Habit::Moved, 10),
    (Habit::August, 14),
    (Habit::PayRuns, 12),
    (Habit::InParts, 8),
    (Habit::Never, 6),
    (Habit::Debit, 6),
];

/// Where customers live, and what they speak: country, language, share of a hundred.
const PLACES: [(&str, &str, i64); 9] = [
    ("BE", "fr", 30),
    ("BE", "nl", 25),
    ("BE", "de", 4),
    ("FR", "fr", 14),
    ("NL", "nl", 9),
    ("DE", "de", 9),
    ("LU", "fr", 3),
    ("GB", "en", 4),
    ("IE", "en", 2),
];

/// A customer.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) name: String,
    /// `None`: the firm never found out.
    pub(super) kind: Option<&'static str>,
    pub(super) country: &'static str,
    pub(super) language: &'static str,
    pub(super) currency: &'static str,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) state: Option<&'static str>,
    /// Other people there, as JSON.
    pub(super) contacts: Option<String>,
    pub(super) pay_runs: Option<&'static str>,
    /// The firm's own person for it.
    pub(super) owner: Option<&'static str>,
    pub(super) habit: Habit,
    /// Days between an invoice and its due date.
    #[serde(skip)]
    pub(super) terms: i64,
    /// Days between two invoices.
    #[serde(skip)]
    pub(super) every: i64,
    /// What an invoice comes to, more or less, in minor units.
    #[serde(skip)]
    pub(super) usual: i64,
}

/// Names of a language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    first: Vec<String>,
    last: Vec<String>,
    trade: Vec<String>,
}

/// Makes three hundred customers.
pub(super) fn all(chance: &mut Chance) -> anyhow::Result<Vec<Customer>> {
    let words: BTreeMap<String, Words> = toml::from_str(include_str!("words.toml")).context("the names cannot be read")?;
    let mut customers = Vec::new();
    for (habit, count) in HABITS {
        for i in 0..count {
            let place = place(chance.between(1, 100));
            let words = words.get(place.1).context("a language has no names")?;
            customers.push(one(chance, words, place, habit, i));
        }
    }
    // A ledger is not sorted by habit.
    for i in (1..customers.len()).rev() {
        customers.swap(i, chance.between(0, i as i64) as usize);
    }
    let mut numbers = BTreeMap::new();
    for (i, customer) in customers.iter_mut().enumerate() {
        customer.id = format!("K{:03}", i + 1);
        let plain: String = customer.name.chars().filter(char::is_ascii_alphabetic).collect();
        let domain = format!("{}{}.example", plain.to_lowercase(), i + 1);
        let consumer = customer.kind == Some("consumer");
        customer.email = customer.email.take().map(|_| format!("{}@{domain}", if consumer { "me" } else { "accounts" }));
        let taken: &mut u32 = numbers.entry(customer.country).or_default();
        customer.phone = customer.phone.take().map(|_| number(customer.country, *taken));
        *taken += 1;
        if customer.contacts.is_some() {
            let manager =
                serde_json::json!([{"role": "manager", "name": "Dominique Martin", "email": format!("direction@{domain}")}]);
            customer.contacts = Some(manager.to_string());
        }
    }
    Ok(customers)
}

fn place(percent: i64) -> (&'static str, &'static str) {
    let mut left = percent;
    for (country, language, share) in PLACES {
        left -= share;
        if left <= 0 {
            return (country, language);
        }
    }
    ("BE", "fr")
}

fn one(
    chance: &mut Chance,
    words: &Words,
    (country, language): (&'static str, &'static str),
    habit: Habit,
    nth: usize,
) -> Customer {
    let firm_only = matches!(habit, Habit::PayRuns | Habit::Debit | Habit::Insolvent);
    // Some of the prompt and slow ones are the state, or customers whom a person looks after.
    let state = match (habit, nth) {
        (Habit::Slow, 0..8) => Some("public_body"),
        (Habit::Forgetful, 0..5) => Some("key_account"),
        (Habit::Prompt, 0..2) => Some("intra_group"),
        (Habit::Never, 0) => Some("do_not_contact"),
        (Habit::Debit, _) => Some("direct_debit"),
        _ => None,
    };
    let kind = match (firm_only || state.is_some(), habit, nth) {
        (true, _, _) => Some("business"),
        // Of a few nobody ever wrote down what they are.
        (_, Habit::Forgetful, 5..9) | (_, Habit::Slow, 8..10) | (_, Habit::Prompt, 2..4) => None,
        _ if chance.odds(27) => Some("consumer"),
        _ => Some("business"),
    };
    let consumer = kind == Some("consumer");
    let pick = |chance: &mut Chance, list: &[String]| chance.one(list).cloned().unwrap_or_default();
    let last = pick(chance, &words.last);
    let name = match (consumer, state) {
        (true, _) => format!("{} {last}", pick(chance, &words.first)),
        (_, Some("public_body")) => format!("{} {last}", commune(language)),
        _ => format!("{} {last} {}", pick(chance, &words.trade), legal_form(country, language)),
    };
    let usual = if consumer { chance.amount(3_500, 90_000) } else { chance.amount(9_000, 600_000) };
    Customer {
        id: String::new(),
        name,
        kind,
        country,
        language,
        currency: if country == "GB" { "GBP" } else { "EUR" },
        email: (!(habit == Habit::Slow && nth == 10)).then(String::new),
        phone: chance.odds(80).then(String::new),
        state,
        contacts: (!consumer && chance.odds(35)).then(String::new),
        pay_runs: (habit == Habit::PayRuns).then_some(if nth.is_multiple_of(2) { "10, 25" } else { "last" }),
        owner: (state == Some("key_account")).then_some("eva@canal.example"),
        habit,
        terms: if consumer { 14 } else { *chance.one(&[30, 30, 30, 15, 45]).unwrap_or(&30) },
        every: if consumer { chance.between(70, 200) } else { chance.between(25, 95) },
        usual,
    }
}

fn commune(language: &str) -> &'static str {
    match language {
        "nl" => "Gemeente",
        "de" => "Gemeinde",
        "en" => "Town Council of",
        _ => "Commune de",
    }
}

fn legal_form(country: &str, language: &str) -> &'static str {
    match (country, language) {
        ("FR" | "LU", _) => "SARL",
        ("DE", _) | (_, "de") => "GmbH",
        ("GB" | "IE", _) => "Ltd",
        ("NL", _) | (_, "nl") => "BV",
        _ => "SRL",
    }
}

/// Numbers of ranges that are set apart for fiction where there are such; the others are made up.
fn number(country: &str, nth: u32) -> String {
    match country {
        "FR" => format!("+3363998{:04}", 100 + nth),
        "GB" => format!("+447700900{nth:03}"),
        "DE" => format!("+491713920{nth:03}"),
        "NL" => format!("+316000000{nth:02}"),
        "LU" => format!("+3526210000{nth:02}"),
        "IE" => format!("+3538500000{nth:02}"),
        _ => format!("+32470000{nth:03}"),
    }
}
