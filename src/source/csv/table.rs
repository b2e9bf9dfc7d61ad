//! From the bytes of an export to rows: characters, fields, and what each column is.

use crate::config::settings::{CsvColumn, CsvEncoding, CsvSettings};
use crate::domain::ledger::{OPTIONAL, REQUIRED};
use crate::domain::tame::tamed_to;
use crate::source::row::{Cell, Columns, RawRow};
use csv::{ReaderBuilder, StringRecord};
use encoding_rs::{ISO_8859_15, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use jiff::fmt::strtime;

/// So many rows at most.
const ROWS: usize = 2_000_000;

/// Columns of amounts and of dates.
const AMOUNTS: [&str; 3] = ["balance", "total", "disputed_amount"];
const DATES: [&str; 5] = ["due_on", "issued_on", "customer_since", "booked_through", "promised_on"];

/// What every row has been read of a file.
#[derive(Debug)]
pub struct Read {
    /// The columns that are there.
    pub columns: Columns,
    /// The rows, in the order of their ids.
    pub rows: Vec<RawRow>,
    /// Ids that stand more than once.
    pub doubled: Vec<String>,
}

/// Where a cell comes from.
enum From {
    Field(usize),
    Constant(String),
}

/// Reads an export; the error says what is wrong with it as a whole.
pub fn read(bytes: &[u8], settings: &CsvSettings) -> Result<Read, String> {
    let text = decoded(bytes, settings.encoding)?;
    if text.trim().is_empty() {
        return Err("it is empty; wanted at least a line with the names of the columns".to_owned());
    }
    if settings.last_line_end && !text.ends_with(['\n', '\r']) {
        return Err("its last line has no end, so it may have been cut off and what is missing would count as paid; it is read when it is whole (of exports that never end their last line say last_line_end = false)".to_owned());
    }
    let mut reader = ReaderBuilder::new().delimiter(settings.delimiter).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| format!("its first line cannot be read: {e}"))?.clone();
    let (columns, from) = columns(&header, settings)?;
    let mut rows = Vec::new();
    let mut short = None;
    for (n, record) in reader.records().enumerate() {
        let record = record.map_err(|e| format!("it cannot be read: {e}"))?;
        if n >= ROWS {
            return Err(format!("it has more than {ROWS} rows; wanted an export of what is open"));
        }
        short = (record.len() < header.len()).then_some(n + 2);
        rows.push(row(&columns, &from, &record, header.len(), settings));
    }
    if let Some(line) = short {
        return Err(format!(
            "its last row ({line}) has fewer fields than the first line, so it may have been cut off and what is missing would count as paid; it is read when it is whole"
        ));
    }
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let doubled = super::super::doubled(&rows);
    Ok(Read { columns, rows, doubled })
}

/// The text, by the mark at its beginning or by what the configuration says.
fn decoded(bytes: &[u8], encoding: CsvEncoding) -> Result<String, String> {
    let (with, name) = match (encoding, bytes) {
        (CsvEncoding::Utf16, [0xfe, 0xff, ..]) => (UTF_16BE, "utf-16"),
        (CsvEncoding::Utf16, _) => (UTF_16LE, "utf-16"),
        (CsvEncoding::Utf8, _) => (UTF_8, "utf-8"),
        // A byte order mark says more than a setting that was not thought through.
        (_, [0xef, 0xbb, 0xbf, ..]) => (UTF_8, "utf-8"),
        (CsvEncoding::Windows1252, _) => (WINDOWS_1252, "windows-1252"),
        (CsvEncoding::Latin9, _) => (ISO_8859_15, "iso-8859-15"),
    };
    if encoding == CsvEncoding::Utf8 && matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return Err("it is not written in utf-8 but in utf-16; wanted encoding = \"utf-16\"".to_owned());
    }
    let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).filter(|_| with == UTF_8).unwrap_or(bytes);
    let bytes = if with == UTF_16BE || with == UTF_16LE {
        bytes.strip_prefix(&[0xff, 0xfe]).or(bytes.strip_prefix(&[0xfe, 0xff])).unwrap_or(bytes)
    } else {
        bytes
    };
    let text = with.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(std::borrow::Cow::into_owned)
        .ok_or_else(|| format!("it is not written in {name}; wanted another [source] encoding, often \"windows-1252\""))
}

/// Which field is which column. A header that stands twice can be meant by nobody.
fn columns(header: &StringRecord, settings: &CsvSettings) -> Result<(Columns, Vec<From>), String> {
    let (mut names, mut from) = (Vec::new(), Vec::new());
    for name in REQUIRED.iter().chain(&OPTIONAL) {
        let (wanted, said) = match settings.columns.get(*name) {
            Some(CsvColumn::Constant(value)) => {
                names.push((*name).to_owned());
                from.push(From::Constant(value.clone()));
                continue;
            }
            Some(CsvColumn::Header(header)) => (header.as_str(), true),
            None => (*name, false),
        };
        let places: Vec<usize> = header.iter().enumerate().filter(|(_, h)| h.trim() == wanted).map(|(i, _)| i).collect();
        match places.as_slice() {
            [one] => {
                names.push((*name).to_owned());
                from.push(From::Field(*one));
            }
            [] if said => return Err(format!("it has no column \"{wanted}\", which is to be {name}; it has: {}", list(header))),
            [] => {}
            _ => return Err(format!("its column \"{wanted}\" stands there twice; wanted each name once")),
        }
    }
    let columns = Columns::new(names).map_err(|_| {
        let missing: Vec<&str> = REQUIRED
            .into_iter()
            .filter(|name| !settings.columns.contains_key(*name) && !header.iter().any(|h| h.trim() == *name))
            .collect();
        format!("it has no column {}; say in [source.columns] which of its columns each is: {}", missing.join(", "), list(header))
    })?;
    Ok((columns, from))
}

fn list(header: &StringRecord) -> String {
    let names: Vec<String> = header.iter().take(60).map(|h| format!("\"{}\"", tamed_to(h.trim(), 60))).collect();
    names.join(", ")
}

fn row(columns: &Columns, from: &[From], record: &StringRecord, fields: usize, settings: &CsvSettings) -> RawRow {
    let cell = |(name, from): (&&'static str, &From)| {
        let text = match from {
            From::Constant(value) => value.as_str(),
            From::Field(place) => record.get(*place).unwrap_or_default().trim(),
        };
        match text {
            "" => Cell::Null,
            text if AMOUNTS.contains(name) => amount(text, settings.decimal).map_or(Cell::Other, |t| Cell::bounded(&t)),
            text if DATES.contains(name) => Cell::bounded(&day(text, settings.date.as_deref())),
            text => Cell::bounded(text),
        }
    };
    let cells = columns.names().iter().zip(from).map(cell).collect();
    let row = RawRow::new(columns, cells);
    match record.len() == fields {
        true => row,
        false => row.broken("the row has another number of fields than the first line; a field that holds the delimiter must stand in quotation marks"),
    }
}

/// An amount as a decimal number with a point; `None` of what cannot be one, as it would be of `12.50` where a comma is the
/// decimal mark: then `1.250` may be meant either way.
fn amount(text: &str, decimal: char) -> Option<String> {
    let other = if decimal == ',' { '.' } else { ',' };
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '\u{2019}' | '€')).collect();
    let (sign, digits) = match (digits.strip_prefix(['-', '\u{2212}']), digits.strip_suffix('-')) {
        (Some(rest), None) => ("-", rest),
        (None, Some(rest)) => ("-", rest),
        (None, None) => ("", digits.strip_prefix('+').unwrap_or(&digits)),
        (Some(_), Some(_)) => return None,
    };
    let (whole, part) = match digits.split_once(decimal) {
        Some((_, "")) => return None,
        Some((whole, part)) => (whole, part),
        None => (digits, ""),
    };
    let mut groups = whole.split(other);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let all_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let grouped = rest.is_empty() || (first.len() <= 3 && rest.iter().all(|g| g.len() == 3 && all_digits(g)));
    if !all_digits(first) || !grouped || !(part.is_empty() || all_digits(part)) {
        return None;
    }
    let dot = if part.is_empty() { "" } else { "." };
    Some(format!("{sign}{first}{}{dot}{part}", rest.concat()))
}

/// A day as YYYY-MM-DD. One that is not written in the form stays as it is, and the row says so.
fn day(text: &str, form: Option<&str>) -> String {
    let read = form.and_then(|form| strtime::parse(form, text).ok()?.to_date().ok());
    read.map_or_else(|| text.to_owned(), |day| day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_of_half_of_europe_become_the_same() {
        for (text, decimal, wanted) in [
            ("1.250,50", ',', "1250.50"),
            ("1250,5", ',', "1250.5"),
            ("1 250,50 €", ',', "1250.50"),
            ("12'500.00", '.', "12500.00"),
            ("1,250.50", '.', "1250.50"),
            ("-12,00", ',', "-12.00"),
            ("12,00-", ',', "-12.00"),
            ("100.000", ',', "100000"),
        ] {
            assert_eq!(amount(text, decimal).as_deref(), Some(wanted), "{text}");
        }
        for (text, decimal) in [("12.50", ','), ("1,2,3", ','), ("12,", ','), ("a", '.'), ("-5-", '.'), ("1.25.50", ',')] {
            assert_eq!(amount(text, decimal), None, "{text}");
        }
    }

    #[test]
    fn days_are_read_as_they_are_written() {
        assert_eq!(day("30/11/2026", Some("%d/%m/%Y")), "2026-11-30");
        assert_eq!(day("11/30/2026", Some("%d/%m/%Y")), "11/30/2026");
        assert_eq!(day("2026-11-30", None), "2026-11-30");
    }

    proptest! {
        #[test]
        fn no_amount_changes_its_digits(text in "[-+0-9., ']{0,14}", comma in any::<bool>()) {
            let Some(read) = amount(&text, if comma { ',' } else { '.' }) else { return Ok(()) };
            let digits = |t: &str| t.chars().filter(char::is_ascii_digit).collect::<String>();
            prop_assert_eq!(digits(&read), digits(&text));
        }
    }
}
