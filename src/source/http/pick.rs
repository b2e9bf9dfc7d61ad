//! From an item of an answer to the cells of a row. What cannot be made of a value stays as it stood, so that the reader of
//! rows says what is wrong with it, as with every other source.

use crate::config::system::{Alternative, As, Column, Name, Several, System};
use crate::domain::currency::Currency;
use crate::domain::json::{Json, Path};
use crate::domain::time::local_date;
use crate::source::row::{Cell, Columns, MAX_TEXT, RawRow};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// The most characters of a value that is shown to whoever sets a system up.
const SHOWN: usize = 120;

/// The widest power of ten that a number may be written with.
const WIDEST: i32 = 30;

/// How a column was read, for whoever sets a system up.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The column.
    pub column: &'static str,
    /// Where it was taken from: a path, or `(fixed)`; `None`: nowhere had anything.
    pub from: Option<String>,
    /// What stood there.
    pub raw: Option<String>,
    /// What became of it.
    pub cell: Cell,
}

/// What items are read by.
#[derive(Debug)]
pub struct Picker<'a> {
    /// The system.
    pub system: &'a System,
    /// The zone of its midnights.
    pub zone: &'a TimeZone,
    /// What `[source]` says by name.
    pub words: &'a BTreeMap<Name, String>,
}

impl Picker<'_> {
    /// The row of an item and its customer.
    pub fn row(&self, columns: &Columns, item: &Json, customer: Option<&Json>) -> RawRow {
        let code = self.currency(item, customer);
        let cell = |name: &&'static str| {
            let column = self.system.columns.iter().find(|column| column.name == *name);
            let cell = column.map_or(Cell::Null, |column| self.column(column, item, customer, code.as_deref()).cell);
            // A system without encryption has links that no letter may print; its invoices are owed all the same.
            let is_plain = |text: &str| text.trim_start().get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://"));
            match cell {
                Cell::Text(link) if *name == "pay_url" && is_plain(&link) => Cell::Null,
                other => other,
            }
        };
        RawRow::new(columns, columns.names().iter().map(cell).collect())
    }

    /// How each column of an item was read.
    pub fn traces(&self, item: &Json, customer: Option<&Json>) -> Vec<Trace> {
        let code = self.currency(item, customer);
        self.system.columns.iter().map(|column| self.column(column, item, customer, code.as_deref())).collect()
    }

    /// The currency comes first: how many decimals minor units have is known by it.
    fn currency(&self, item: &Json, customer: Option<&Json>) -> Option<String> {
        let column = self.system.columns.iter().find(|column| column.name == "currency")?;
        match self.column(column, item, customer, None).cell {
            Cell::Text(code) => Some(code),
            _ => None,
        }
    }

    fn column(&self, column: &Column, item: &Json, customer: Option<&Json>, code: Option<&str>) -> Trace {
        for from in &column.from {
            if let Some((path, raw, cell)) = self.alternative(from, item, customer, code) {
                return Trace { column: column.name, from: Some(path), raw, cell };
            }
        }
        Trace { column: column.name, from: None, raw: None, cell: Cell::Null }
    }

    fn alternative(
        &self,
        from: &Alternative,
        item: &Json,
        customer: Option<&Json>,
        code: Option<&str>,
    ) -> Option<(String, Option<String>, Cell)> {
        if !from.when.as_ref().is_none_or(|when| holds(&when.path, &when.is, item)) {
            return None;
        }
        let Some(path) = &from.path else {
            let value = from.value.as_ref()?.fill(|name| self.words.get(&name).cloned().unwrap_or_default());
            return Some(("(fixed)".to_owned(), None, Cell::bounded(&value)));
        };
        let within = if from.of_customer { customer? } else { item };
        let found: Vec<&Json> = path.all(within).into_iter().filter(|value| !value.is_empty()).collect();
        let first = *found.first()?;
        let cells = found.iter().map(|value| self.cell(from, value, code));
        let cell = match from.several {
            Several::First => self.cell(from, first, code),
            Several::Least => cells.min_by_key(|cell| text_of(cell).unwrap_or_default())?,
            Several::All => Cell::bounded(&cells.filter_map(|cell| text_of(&cell)).collect::<Vec<_>>().join(", ")),
        };
        if matches!(&cell, Cell::Null) || matches!(&cell, Cell::Text(text) if text.trim().is_empty()) {
            return None;
        }
        let place = if from.of_customer { format!("customer:{}", path.text()) } else { path.text().to_owned() };
        Some((place, Some(first.shown(SHOWN)), cell))
    }

    fn cell(&self, from: &Alternative, value: &Json, code: Option<&str>) -> Cell {
        if from.convert.takes_table() {
            return parts(value);
        }
        let Some(word) = value.word() else { return Cell::Other };
        let word = match meaning(&from.table, &word) {
            Some(meant) => meant.to_owned(),
            None => word,
        };
        let cell = self.converted(&from.convert, value, word.trim(), code);
        match (&from.around, text_of(&cell)) {
            (Some(around), Some(text)) => Cell::bounded(&around.replace("{}", &encoded(&text))),
            _ => cell,
        }
    }

    fn converted(&self, convert: &As, value: &Json, word: &str, code: Option<&str>) -> Cell {
        let text = || Cell::bounded(word);
        let day = |day: Option<Date>| day.map_or_else(text, |day| Cell::Text(day.to_string()));
        match convert {
            As::Plain => match value {
                // What a table of words has made of it is a text, whatever it was.
                Json::Number(number) if number == word => number_cell(word),
                _ => text(),
            },
            As::Decimal => decimal(word).map_or_else(text, Cell::Decimal),
            As::Rounded => decimal(word).and_then(|d| rounded(&d)).map_or_else(text, Cell::Decimal),
            As::Minor => self.minor(word, code).map_or_else(text, Cell::Decimal),
            As::Date(pattern) => day(jiff::fmt::strtime::parse(pattern, word).and_then(|t| t.to_date()).ok()),
            As::Epoch => day(whole(word).and_then(|n| Timestamp::from_second(n).ok()).map(|t| local_date(t, self.zone))),
            As::EpochMs => {
                // As /Date(1539993600000+0000)/ too, which is how some write milliseconds.
                let digits = word.strip_prefix("/Date(").map_or(word, |rest| rest.split([')', '+']).next().unwrap_or(rest));
                day(whole(digits).and_then(|n| Timestamp::from_millisecond(n).ok()).map(|t| local_date(t, self.zone)))
            }
            As::Instant => match word.parse::<Timestamp>() {
                Ok(at) => Cell::Text(local_date(at, self.zone).to_string()),
                Err(_) => text(),
            },
            As::Language => Cell::bounded(&word.split(['_', '-', '@', '.']).next().unwrap_or_default().to_lowercase()),
            As::Upper => Cell::bounded(&word.to_uppercase()),
            As::First => Cell::bounded(word.split([',', ';']).map(str::trim).find(|part| !part.is_empty()).unwrap_or_default()),
            As::Parts => Cell::Other,
        }
    }

    /// Minor units as decimal text.
    fn minor(&self, word: &str, code: Option<&str>) -> Option<String> {
        let code = code?.trim().to_uppercase();
        let own = self.system.decimals.get(&code).copied();
        let decimals = own.or_else(|| Currency::parse(&code).map(|c| c.decimals()))? as usize;
        let (sign, digits) = word.strip_prefix('-').map_or(("", word), |rest| ("-", rest));
        if digits.is_empty() || digits.len() > WIDEST as usize || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let padded = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, part) = padded.split_at(padded.len() - decimals);
        Some(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
    }
}

/// What a word means by a table; `*` is every other word.
fn meaning<'t>(table: &'t [(String, String)], word: &str) -> Option<&'t str> {
    let named = |name: &str| table.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    named(word).or_else(|| named("*"))
}

fn holds(path: &Path, is: &[String], item: &Json) -> bool {
    let found = path.all(item);
    match is.is_empty() {
        true => found.into_iter().any(|value| !value.is_nothing()),
        false => found.into_iter().filter_map(Json::word).any(|word| is.contains(&word)),
    }
}

fn text_of(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) | Cell::Decimal(text) => Some(text.clone()),
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Real(_) | Cell::Null | Cell::Other => None,
    }
}

/// A number that is whole, or exact.
fn number_cell(word: &str) -> Cell {
    match word.parse::<i64>() {
        Ok(number) => Cell::Integer(number),
        Err(_) => decimal(word).map_or_else(|| Cell::bounded(word), Cell::Decimal),
    }
}

fn whole(word: &str) -> Option<i64> {
    decimal(word)?.split('.').next()?.parse().ok()
}

/// A decimal number without exponent.
fn decimal(word: &str) -> Option<String> {
    let (mantissa, power) = match word.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok().filter(|p| p.abs() <= WIDEST)?),
        None => (word, 0),
    };
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) || mantissa.len() > MAX_TEXT {
        return None;
    }
    if power == 0 {
        return Some(mantissa.to_owned());
    }
    let all = format!("{whole}{part}");
    let point = whole.len() as i32 + power;
    Some(match usize::try_from(point) {
        Ok(point) if point >= all.len() => format!("{sign}{all:0<point$}"),
        Ok(point) if point > 0 => format!("{sign}{}.{}", &all[..point], &all[point..]),
        _ => format!("{sign}0.{}{all}", "0".repeat(point.unsigned_abs() as usize)),
    })
}

/// Half up, to six decimals, digit by digit.
fn rounded(decimal: &str) -> Option<String> {
    const KEPT: usize = 6;
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |rest| ("-", rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if part.len() <= KEPT {
        return Some(decimal.to_owned());
    }
    let number: i128 = format!("{whole}{}", part.get(..KEPT)?).parse().ok()?;
    let up = i128::from(part.as_bytes().get(KEPT).is_some_and(|digit| *digit >= b'5'));
    let text = format!("{:0>width$}", number.checked_add(up)?, width = KEPT + 1);
    let (whole, part) = text.split_at(text.len() - KEPT);
    Some(format!("{sign}{whole}.{part}"))
}

/// `{"__class__": "date", "year": …}` and `{"__class__": "Decimal", "decimal": …}`; anything else stays what it is.
fn parts(value: &Json) -> Cell {
    let Json::Table(table) = value else {
        return value.word().map_or(Cell::Other, |word| Cell::bounded(&word));
    };
    let number = |key: &str| table.get(key).and_then(Json::word).and_then(|word| word.parse::<i16>().ok());
    if let Some(text) = table.get("decimal").and_then(Json::word) {
        return decimal(&text).map_or_else(|| Cell::bounded(&text), Cell::Decimal);
    }
    let short = |key: &str| number(key).and_then(|n| i8::try_from(n).ok());
    let day = number("year").zip(short("month")).zip(short("day")).and_then(|((y, m), d)| Date::new(y, m, d).ok());
    day.map_or(Cell::Other, |day| Cell::Text(day.to_string()))
}

/// A text as it can stand anywhere in a URL.
pub(super) fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_nothing() {
        assert_eq!(decimal("144.60000000").as_deref(), Some("144.60000000"));
        assert_eq!(decimal("1.5e3").as_deref(), Some("1500"));
        assert_eq!(decimal("1.2345E2").as_deref(), Some("123.45"));
        assert_eq!(decimal("-12e-4").as_deref(), Some("-0.0012"));
        assert_eq!(decimal("1e400"), None);
        for bad in ["", "-", ".5", "1,5", "0x1", "1.2.3", "NaN"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
        assert_eq!(rounded("1210.0000000000002").as_deref(), Some("1210.000000"));
        assert_eq!(rounded("-0.9999999").as_deref(), Some("-1.000000"));
        assert_eq!(rounded("120.5").as_deref(), Some("120.5"));
    }

    #[test]
    fn dates_in_parts_and_decimals_in_parts() {
        let cell = |text: &str| parts(&Json::parse(text).unwrap());
        assert_eq!(cell(r#"{"__class__": "date", "year": 2026, "month": 9, "day": 12}"#), Cell::Text("2026-09-12".to_owned()));
        assert_eq!(cell(r#"{"__class__": "Decimal", "decimal": "120.50"}"#), Cell::Decimal("120.50".to_owned()));
        assert_eq!(cell(r#"{"year": 2026, "month": 13, "day": 12}"#), Cell::Other);
        assert_eq!(cell("[1]"), Cell::Other);
    }
}
