//! From the cells of a row to a checked [`LedgerRow`]: everything outside is doubted here, once.

use super::SourceError;
use crate::domain::currency::Currency;
use crate::domain::debtor::{CustomerKind, Role, State, parse_pay_runs, parse_people};
use crate::domain::invoice::{RowKind, RowStatus};
use crate::domain::ledger::{Customer, LedgerRow};
pub use crate::domain::ledger::{OPTIONAL, REQUIRED};
use crate::domain::money::{AmountError, Money};
use crate::domain::phone;
use crate::domain::tame::{is_tame, tame, tamed, tamed_to};
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

/// The longest text that a column may hold.
pub const MAX_TEXT: usize = 4000;

/// The longest text of a column by which rows are found. PostgreSQL's indexes take up to 2,700 bytes.
const MAX_KEY: usize = 2000;

/// The most characters of the words on a row that cannot be read: they go into alerts.
const LONGEST_WHY: usize = 500;

/// The columns by which rows are found.
const KEYS: [&str; 4] = ["number", "customer_id", "for_invoice", "email"];

/// The years that a date may lie in. Books fill empty dates with 0001-01-01, 1900-01-01 or 9999-12-31.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

/// A value of the source.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A fraction.
    Real(f64),
    /// An exact decimal number as a database with such a type writes it: zeros at its end mean nothing, as they may in text.
    Decimal(String),
    /// Text.
    Text(String),
    /// Something else, which no column may hold.
    Other,
}

impl Cell {
    /// A text as far as it is needed to see that it is too long: a page holds a thousand rows, and a field of a megabyte in
    /// each must not be kept.
    pub fn bounded(text: &str) -> Cell {
        Cell::Text(text[..text.floor_char_boundary(MAX_TEXT + 4)].to_owned())
    }

    /// The value as text; `None` where there is nothing, or nothing that a column may hold.
    pub fn word(&self) -> Option<String> {
        match self {
            Cell::Null | Cell::Other => None,
            Cell::Integer(i) => Some(i.to_string()),
            Cell::Real(r) => Some(r.to_string()),
            Cell::Decimal(t) => Some(plain(t).to_owned()),
            Cell::Text(t) => Some(t.clone()),
        }
    }

    /// The value as people look at it.
    pub fn shown(&self) -> String {
        match self {
            Cell::Null => "(nothing)".to_owned(),
            Cell::Other => "(neither text nor a number)".to_owned(),
            other => other.word().unwrap_or_default(),
        }
    }

    /// The cell as an id, or why it can be none.
    fn as_id(&self) -> Result<String, &'static str> {
        match self {
            Cell::Integer(i) => Ok(i.to_string()),
            // No text of PostgreSQL can hold it, and no ledger means it.
            Cell::Text(t) if t.contains('\0') => Err("invoice_id holds a NUL character"),
            Cell::Text(t) if t.len() > MAX_KEY => Err("invoice_id is longer than 2000 bytes"),
            Cell::Text(t) if !t.is_empty() => Ok(t.clone()),
            Cell::Decimal(t) if is_whole(plain(t)) => Ok(plain(t).to_owned()),
            Cell::Null | Cell::Text(_) => Err("invoice_id is empty"),
            Cell::Real(_) | Cell::Decimal(_) => Err("invoice_id is a fraction; wanted text or a whole number"),
            Cell::Other => Err("invoice_id is neither text nor a whole number"),
        }
    }
}

/// A decimal number without the zeros at its end: `12.500` is `12.5`, `7.00` is `7`.
fn plain(decimal: &str) -> &str {
    if decimal.contains('.') { decimal.trim_end_matches('0').trim_end_matches('.') } else { decimal }
}

fn is_whole(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Which cell holds which column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    names: Vec<&'static str>,
    unknown: Vec<String>,
}

impl Columns {
    /// Checks that all needed columns are there. Of those that a query gives besides, none is read.
    pub fn new(found: Vec<String>) -> Result<Columns, SourceError> {
        let (mut names, mut unknown) = (Vec::new(), Vec::new());
        for name in found {
            match REQUIRED.iter().chain(&OPTIONAL).find(|known| **known == name) {
                Some(known) if !names.contains(known) => names.push(*known),
                Some(_) => {}
                None => unknown.push(name),
            }
        }
        let missing: Vec<&str> = REQUIRED.into_iter().filter(|r| !names.contains(r)).collect();
        if missing.is_empty() { Ok(Columns { names, unknown }) } else { Err(SourceError::MissingColumns(missing.join(", "))) }
    }

    /// Columns that relance does not know, perhaps mistyped.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The columns to be read, in the order of their cells. Each is asked for by its name: a view may change its order,
    /// and a re-read may have its own.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The place of a column.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| *n == name)
    }
}

/// A row as it was read, with a digest that tells whether it changed.
#[derive(Clone, Debug)]
pub struct RawRow {
    /// invoice_id as text; of a row without a usable one, words by which it can be found.
    pub id: String,
    /// A digest over all cells.
    pub digest: i64,
    /// Why invoice_id cannot be an id.
    unusable: Option<&'static str>,
    /// Why none of its cells can be trusted.
    broken: Option<&'static str>,
    cells: Vec<Cell>,
}

impl RawRow {
    /// Takes the cells of a row. One whose invoice_id is of no use can still be named, so that it is reported
    /// and left out like any other that cannot be read.
    pub fn new(columns: &Columns, cells: Vec<Cell>) -> RawRow {
        let cell = |name: &str| columns.place(name).and_then(|p| cells.get(p)).unwrap_or(&Cell::Null);
        let (id, unusable) = match cell("invoice_id").as_id() {
            Ok(id) => (id, None),
            Err(why) => (stand_in(cell("invoice_id"), cell("number")).replace('\0', "\u{fffd}"), Some(why)),
        };
        RawRow { id, digest: digest(&cells), unusable, broken: None, cells }
    }

    /// The same row, whose cells cannot be trusted: it is reported and left out.
    pub fn broken(mut self, why: &'static str) -> RawRow {
        self.broken = Some(why);
        self
    }

    /// Whether it has an id by which it can be known again.
    pub fn has_id(&self) -> bool {
        self.unusable.is_none()
    }

    /// A cell by its place.
    pub fn cell(&self, place: usize) -> Option<&Cell> {
        self.cells.get(place)
    }

    /// Whether it has this number.
    pub fn is_number(&self, columns: &Columns, number: &str) -> bool {
        match columns.place("number").and_then(|place| self.cells.get(place)) {
            Some(Cell::Text(text) | Cell::Decimal(text)) => text.trim() == number,
            Some(Cell::Integer(i)) => i.to_string() == number,
            _ => false,
        }
    }

    /// The cells, in the order of the columns.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The id as it may be shown.
    pub fn shown_id(&self) -> String {
        self.id.chars().map(|c| if tame(c) == Some(c) { c } else { '\u{fffd}' }).take(200).collect()
    }

    /// Reads the row; the error says what is wrong with it.
    pub fn read(&self, columns: &Columns, creditor_country: &str) -> Result<LedgerRow, String> {
        // The words repeat what stands in the row.
        Reader { columns, row: self }.read(creditor_country).map_err(|why| tamed_to(&why, LONGEST_WHY))
    }
}

/// What a row without a usable id goes by. A fraction stands as it is: if it was a whole number once, the invoice of
/// that id is still there and cannot be read.
fn stand_in(id: &Cell, number: &Cell) -> String {
    match (id, number) {
        (Cell::Real(r), _) => r.to_string(),
        (Cell::Decimal(d), _) => plain(d).to_owned(),
        (_, Cell::Text(number) | Cell::Decimal(number)) => format!("(no invoice_id; number {number})"),
        (_, Cell::Integer(number)) => format!("(no invoice_id; number {number})"),
        _ => "(no invoice_id)".to_owned(),
    }
}

fn digest(cells: &[Cell]) -> i64 {
    let mut hash = Sha256::new();
    for cell in cells {
        match cell {
            Cell::Null => hash.update([0]),
            Cell::Other => hash.update([1]),
            Cell::Integer(i) => {
                hash.update([2]);
                hash.update(i.to_be_bytes());
            }
            Cell::Real(r) => {
                hash.update([3]);
                hash.update(r.to_bits().to_be_bytes());
            }
            Cell::Text(t) | Cell::Decimal(t) => {
                hash.update([if matches!(cell, Cell::Text(_)) { 4 } else { 5 }]);
                hash.update((t.len() as u64).to_be_bytes());
                hash.update(t.as_bytes());
            }
        }
    }
    let bytes: [u8; 32] = hash.finalize().into();
    bytes.first_chunk().map_or(0, |b| i64::from_be_bytes(*b))
}

struct Reader<'a> {
    columns: &'a Columns,
    row: &'a RawRow,
}

impl Reader<'_> {
    fn cell(&self, name: &str) -> &Cell {
        self.columns.place(name).and_then(|p| self.row.cells.get(p)).unwrap_or(&Cell::Null)
    }

    /// Text without characters that could break a header, a line or the direction of reading; empty is nothing.
    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let text = match self.cell(name) {
            Cell::Null => return Ok(None),
            Cell::Integer(i) => i.to_string(),
            Cell::Real(r) => r.to_string(),
            Cell::Text(t) | Cell::Decimal(t) => t.clone(),
            Cell::Other => return Err(format!("{name} is neither text nor a number")),
        };
        let most = if KEYS.contains(&name) { MAX_KEY } else { MAX_TEXT };
        if text.len() > most {
            return Err(format!("{name} is longer than {most} bytes"));
        }
        let clean = tamed(&text).trim().to_owned();
        Ok((!clean.is_empty()).then_some(clean))
    }

    fn needed(&self, name: &str) -> Result<String, String> {
        self.text(name)?.ok_or_else(|| format!("{name} is empty"))
    }

    fn date(&self, name: &str) -> Result<Option<Date>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let day = match text.get(..10) {
            Some(day) if text.len() == 10 || matches!(text.as_bytes().get(10), Some(b' ' | b'T')) => day,
            _ => text.as_str(),
        };
        let day: Date = day.parse().map_err(|_| format!("{name} is \"{text}\"; wanted a date YYYY-MM-DD"))?;
        if !YEARS.contains(&day.year()) {
            return Err(format!("{name} is {day}; wanted a year from {} to {}", YEARS.start(), YEARS.end()));
        }
        Ok(Some(day))
    }

    fn word<T>(&self, name: &str, wanted: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        read(&text).map(Some).ok_or_else(|| format!("{name} is \"{text}\"; wanted {wanted}"))
    }

    fn money(&self, name: &str, currency: Currency) -> Result<Option<Money>, String> {
        let read = match self.cell(name) {
            Cell::Null => return Ok(None),
            Cell::Integer(i) => Money::parse(&i.to_string(), currency),
            Cell::Real(r) => Money::from_real(*r, currency),
            Cell::Decimal(t) => Money::parse(plain(t), currency),
            Cell::Text(t) if t.trim().is_empty() => return Ok(None),
            Cell::Text(t) => Money::parse(t, currency),
            Cell::Other => Err(AmountError::NotANumber),
        };
        read.map(Some).map_err(|e| format!("{name} in {currency}: {e}"))
    }

    fn customer(&self, creditor_country: &str) -> Result<Customer, String> {
        let country = |t: &str| {
            let code = t.to_ascii_uppercase();
            (code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())).then_some(code)
        };
        let country = self.word("country", "an ISO 3166 code such as BE", country)?;
        let phone = self.text("phone")?.map(|text| {
            let home = country.as_deref().or(Some(creditor_country));
            phone::normalise(&text, home).unwrap_or(text)
        });
        let zone = |t: &str| jiff::tz::TimeZone::get(t).ok().map(|_| t.to_owned());
        let home = country.as_deref().or(Some(creditor_country));
        let contacts = self.text("contacts")?.map(|text| people(&text, home)).transpose()?;
        let pay_runs = |t: &str| parse_pay_runs(t).map(|_| t.to_owned());
        Ok(Customer {
            id: self.needed("customer_id")?,
            name: self.needed("customer_name")?,
            language: self.text("language")?,
            country,
            kind: self.word("customer_kind", "business or consumer", CustomerKind::parse)?,
            timezone: self.word("timezone", "an IANA time zone", zone)?,
            state: self.word("state", &format!("one of: {}", State::words()), State::parse)?,
            email: self.text("email")?,
            phone,
            enterprise_no: self.text("enterprise_no")?,
            contacts,
            pay_runs: self.word("pay_runs", "days of the month such as \"10, 25\" or \"last\"", pay_runs)?,
            since: self.date("customer_since")?,
        })
    }

    fn read(&self, creditor_country: &str) -> Result<LedgerRow, String> {
        if let Some(why) = self.row.broken.or(self.row.unusable) {
            return Err(why.to_owned());
        }
        if !is_tame(&self.row.id) {
            return Err("invoice_id holds characters that cannot be shown".to_owned());
        }
        let code = self.needed("currency")?;
        let currency =
            Currency::parse(&code).ok_or_else(|| format!("currency is \"{code}\"; wanted an ISO 4217 code such as EUR"))?;
        let kind = self.word("kind", "invoice, credit_note or payment", RowKind::parse)?.unwrap_or(RowKind::Invoice);
        let statuses = RowStatus::ALL.map(RowStatus::as_str).join(", ");
        let status = self.word("status", &format!("one of: {statuses}"), RowStatus::parse)?.unwrap_or(RowStatus::Open);
        let mut balance = self.money("balance", currency)?.ok_or("balance is empty")?;
        if kind != RowKind::Invoice {
            balance.minor = -balance.minor.saturating_abs();
        }
        let tags = self.text("tags")?.unwrap_or_default();
        let tags = tags.split([',', ';']).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect();
        let web =
            |t: &str| t.strip_prefix("https://").filter(|rest| !rest.is_empty() && !rest.contains(' ')).map(|_| t.to_owned());
        Ok(LedgerRow {
            id: self.row.id.clone(),
            number: self.needed("number")?,
            customer: self.customer(creditor_country)?,
            kind,
            status,
            issued_on: self.date("issued_on")?,
            due_on: self.date("due_on")?.ok_or("due_on is empty")?,
            balance,
            total: self.money("total", currency)?,
            disputed: self.money("disputed_amount", currency)?.filter(|m| m.minor > 0),
            reference: self.text("reference")?,
            pay_url: self.word("pay_url", "a link that begins with https://", web)?,
            document: self.text("document")?,
            po_number: self.text("po_number")?,
            owner: self.text("owner")?,
            for_invoice: self.text("for_invoice")?,
            booked_through: self.date("booked_through")?,
            tags,
            cadence: self.text("cadence")?,
            promised_on: self.date("promised_on")?,
        })
    }
}

/// The column `contacts`, with phone numbers brought into their international form.
fn people(text: &str, home: Option<&str>) -> Result<String, String> {
    let mut people = parse_people(text).map_err(|why| format!("contacts: {why}"))?;
    for person in &mut people {
        // What JSON writes as \u202e was no such character when the cell was read.
        for text in [&mut person.name, &mut person.email, &mut person.phone, &mut person.language] {
            *text = text.take().map(|t| tamed(&t).trim().to_owned()).filter(|t| !t.is_empty());
        }
        person.phone = person.phone.take().map(|p| phone::normalise(&p, home).unwrap_or(p));
    }
    let list: Vec<serde_json::Value> = people
        .iter()
        .map(|p| {
            serde_json::json!({ "role": Role::as_str(p.role), "name": p.name, "email": p.email, "phone": p.phone, "language": p.language })
        })
        .collect();
    Ok(serde_json::Value::from(list).to_string())
}
