//! The words around a letter, and how a language writes dates and amounts.

use crate::config::LetterSource;
use crate::config::node::{Node, Value};
use crate::config::problem::Problems;
use crate::config::section::Section;
use crate::domain::fill::{fill, filled};
use crate::domain::money::Money;
use crate::domain::step::Rank;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// The labels of a language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    texts: BTreeMap<String, String>,
    months: Vec<String>,
    months_short: Vec<String>,
    date_long: String,
    date_short: String,
    day_first: String,
    decimal: String,
    colon: String,
    group: String,
    money: String,
}

/// Every label that a language must have.
const KEYS: [&str; 38] = [
    "section_asked_courtesy",
    "section_asked_reminder",
    "section_asked_firm",
    "section_asked_final",
    "section_asked_other",
    "section_late_reminded",
    "section_late",
    "section_just_due",
    "section_due_soon",
    "section_disputed",
    "section_credits",
    "row_issued",
    "row_due",
    "row_due_was",
    "late_one",
    "late_many",
    "part",
    "part_disputed",
    "row_order",
    "glance_title",
    "glance_late",
    "glance_just_due",
    "glance_soon",
    "glance_disputed",
    "glance_due",
    "glance_total",
    "sum_asked",
    "sum_section",
    "pay_title",
    "pay_beneficiary",
    "pay_iban",
    "pay_amount",
    "pay_amount_now",
    "pay_amount_here",
    "pay_reference",
    "pay_link",
    "copy_note",
    "footer",
];

impl Labels {
    /// Reads a labels.toml.
    pub(super) fn read(source: &LetterSource, problems: &Problems) -> Labels {
        let root = Node::parse(&source.file, &source.text, problems);
        let top = Section::new("", &root, problems);
        let mut labels = Labels::default();
        for key in KEYS {
            if let Some(text) = top.required(key, "the words for it in this language") {
                labels.texts.insert(key.to_owned(), text);
            }
        }
        match top.section("format") {
            None => top.missing("format", "a [format] table"),
            Some(format) => {
                labels.months = format.texts("months", "the names of the months").into_iter().map(|(_, t)| t).collect();
                if labels.months.len() != 12 {
                    format.problem("months", "\"months\": wanted twelve names");
                }
                labels.months_short = format.texts("months_short", "the months in short").into_iter().map(|(_, t)| t).collect();
                labels.date_short = format
                    .text("date_short", "a pattern such as \"{dd}/{mm}/{y}\"")
                    .unwrap_or_else(|| "{dd}/{mm}/{y}".to_owned());
                if labels.date_short.contains("{mon}") && labels.months_short.len() != 12 {
                    format.problem("date_short", "\"date_short\" has {mon}; wanted twelve names under \"months_short\"");
                }
                labels.date_long = format.required("date_long", "a pattern such as \"{d} {month} {y}\"").unwrap_or_default();
                labels.day_first = format.required("day_first", "how the first of a month is written").unwrap_or_default();
                labels.decimal = format.required("decimal", "the decimal sign").unwrap_or_default();
                labels.group = spaced(&format, "group").unwrap_or_default();
                labels.colon = spaced(&format, "colon").unwrap_or_else(|| ": ".to_owned());
                labels.money = format.required("money", "a pattern such as \"{amount} {symbol}\"").unwrap_or_default();
                format.finish();
            }
        }
        top.finish();
        labels
    }

    /// A label; empty only if the language lacks it, which the check refuses.
    pub fn text(&self, key: &str) -> &str {
        self.texts.get(key).map(String::as_str).unwrap_or_default()
    }

    /// A label with `{name}` filled in.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        fill(self.text(key), values)
    }

    /// A date in words: `3 décembre 2026`.
    pub fn date(&self, date: Date) -> String {
        let month = self.months.get(date.month() as usize - 1).map(String::as_str).unwrap_or_default();
        filled(&self.date_long, |name, out| match name {
            "d" if date.day() == 1 => put(out, &self.day_first),
            "d" => put(out, date.day()),
            "month" => put(out, month),
            "y" => put(out, date.year()),
            _ => false,
        })
    }

    /// A date in figures, or nearly: `03/12/2026`.
    pub fn date_short(&self, date: Date) -> String {
        let month = self.months_short.get(date.month() as usize - 1).map(String::as_str).unwrap_or_default();
        filled(&self.date_short, |name, out| match name {
            "dd" => put(out, format_args!("{:02}", date.day())),
            "d" => put(out, date.day()),
            "mm" => put(out, format_args!("{:02}", date.month())),
            "mon" => put(out, month),
            "y" => put(out, date.year()),
            _ => false,
        })
    }

    /// An amount as the language writes it: `1 234,56 €`.
    pub fn money(&self, money: Money) -> String {
        self.amount(money, &money.decimal())
    }

    /// The same without decimals where they are all zeros: `40 €`.
    pub fn round_money(&self, money: Money) -> String {
        let decimal = money.decimal();
        let whole = decimal.split_once('.').filter(|(_, part)| part.bytes().all(|b| b == b'0')).map(|(whole, _)| whole);
        self.amount(money, whole.unwrap_or(&decimal))
    }

    /// A decimal number as the language writes it, without zeros at its end: `10.50` is `10,5`.
    pub fn number(&self, decimal: &str) -> String {
        match decimal.split_once('.').map(|(whole, part)| (whole, part.trim_end_matches('0'))) {
            Some((whole, part)) if !part.is_empty() => format!("{whole}{}{part}", self.decimal),
            Some((whole, _)) => whole.to_owned(),
            None => decimal.to_owned(),
        }
    }

    /// A whole number as the language writes it: `1 234`.
    pub fn count(&self, n: u64) -> String {
        self.grouped(&n.to_string())
    }

    fn grouped(&self, whole: &str) -> String {
        let mut grouped = String::new();
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                grouped.push_str(&self.group);
            }
            grouped.push(digit);
        }
        grouped
    }

    fn amount(&self, money: Money, decimal: &str) -> String {
        let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |d| ("−", d));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let grouped = self.grouped(whole);
        let amount = if part.is_empty() { grouped } else { format!("{grouped}{}{part}", self.decimal) };
        let symbol = symbol(money.currency.code());
        let glued = self.money.contains("{symbol}{amount}") && symbol.chars().all(char::is_alphabetic);
        let pattern = if glued { "{symbol}\u{a0}{amount}" } else { self.money.as_str() };
        let written = filled(pattern, |name, out| match name {
            "amount" => put(out, &amount),
            "symbol" => put(out, symbol),
            _ => false,
        });
        if sign.is_empty() { written } else { format!("{sign}{written}") }
    }

    /// `12 jours de retard`; nothing when not late.
    pub fn late(&self, days: i64) -> String {
        match days {
            ..=0 => String::new(),
            1 => self.text("late_one").to_owned(),
            n => self.fill("late_many", &[("n", &n.to_string())]),
        }
    }

    /// What stands between a label and its value in plain text.
    pub fn colon(&self) -> &str {
        &self.colon
    }

    /// The heading of what a letter of a rank asks for.
    pub fn asked(&self, rank: Option<Rank>) -> &str {
        self.text(match rank {
            Some(Rank::Courtesy) => "section_asked_courtesy",
            Some(Rank::Reminder) => "section_asked_reminder",
            Some(Rank::Firm) => "section_asked_firm",
            Some(Rank::Final) => "section_asked_final",
            _ => "section_asked_other",
        })
    }
}

/// Writes a value; always true.
fn put(out: &mut String, value: impl std::fmt::Display) -> bool {
    use std::fmt::Write as _;
    write!(out, "{value}").is_ok()
}

/// A text whose spaces count.
fn spaced(format: &Section, key: &str) -> Option<String> {
    match &format.node(key)?.value {
        Value::Text(text) => Some(text.clone()),
        other => {
            format.problem(key, format!("\"{key}\" is {}; wanted text, in quotation marks", other.kind()));
            None
        }
    }
}

fn symbol(code: &str) -> &str {
    match code {
        "EUR" => "€",
        "GBP" => "£",
        "USD" => "$",
        "JPY" => "¥",
        other => other,
    }
}
