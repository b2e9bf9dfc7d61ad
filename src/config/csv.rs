//! `[source] kind = "csv"`: how an export is written, and which of its columns is what.

use super::node::Value;
use super::section::Section;
use crate::domain::ledger::{OPTIONAL, REQUIRED};
use jiff::civil::{Date, date};
use jiff::fmt::strtime;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// An export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvSettings {
    /// A file that is a whole ledger, or a folder into which such files are dropped.
    pub path: PathBuf,
    /// What stands between two fields.
    pub delimiter: u8,
    /// How characters are written.
    pub encoding: CsvEncoding,
    /// What stands between whole units and parts of one.
    pub decimal: char,
    /// How dates are written, as strptime has it; `None`: as YYYY-MM-DD.
    pub date: Option<String>,
    /// Whether a whole file ends with a line end: then one that does not was cut off.
    pub last_line_end: bool,
    /// Where the columns come from that do not bear relance's own name.
    pub columns: BTreeMap<String, CsvColumn>,
}

/// Where a column comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsvColumn {
    /// From the column with this header.
    Header(String),
    /// It is the same in every row.
    Constant(String),
}

/// How characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvEncoding {
    /// With or without a mark at the beginning.
    Utf8,
    /// Western Windows.
    Windows1252,
    /// Western, with the euro sign.
    Latin9,
    /// In either order of bytes, as the mark at the beginning says; without one the lower byte first.
    Utf16,
}

/// A day whose day, month and year cannot be taken for each other.
const SAMPLE: Date = date(2026, 11, 30);

/// Reads what belongs to an export; the place of the file is taken from `base`.
pub(super) fn read(s: &Section, base: &Path) -> Option<CsvSettings> {
    for (key, why) in [
        ("url", "an export is a file or a folder; wanted \"path\""),
        ("password", "an export is a file and has none; wanted the line taken out"),
        ("query", "a file is read as it is; wanted [source.columns]"),
        ("reread", "the file is read again whenever it has changed; wanted the line taken out"),
        ("booked_through", "a file answers no query; wanted a column booked_through, or booking_lag"),
    ] {
        s.misplaced(key, why);
    }
    let path = s.required("path", "the path of the export, or of the folder into which it is dropped");
    let delimiter = or(s, "delimiter", "\",\", \";\", \"|\" or \"tab\"", b',', |t| match t {
        "," | ";" | "|" => t.bytes().next(),
        "tab" | "\t" => Some(b'\t'),
        _ => None,
    });
    let wanted = "\"utf-8\", \"windows-1252\", \"iso-8859-15\" or \"utf-16\"";
    let encoding = or(s, "encoding", wanted, CsvEncoding::Utf8, |t| match t.to_ascii_lowercase().as_str() {
        "utf-8" => Some(CsvEncoding::Utf8),
        "windows-1252" => Some(CsvEncoding::Windows1252),
        "iso-8859-15" => Some(CsvEncoding::Latin9),
        "utf-16" => Some(CsvEncoding::Utf16),
        _ => None,
    });
    let decimal = or(s, "decimal", "\".\" or \",\"", '.', |t| match t {
        "." => Some('.'),
        "," => Some(','),
        _ => None,
    });
    let date = match s.has("date") {
        true => s.parse("date", "the form of its dates, such as \"%d/%m/%Y\"", |t| is_form(t).then(|| t.to_owned())).map(Some),
        false => Some(None),
    };
    let last_line_end = if s.has("last_line_end") { s.bool("last_line_end") } else { Some(true) };
    let columns = s.section("columns").map_or_else(|| Some(BTreeMap::new()), columns);
    Some(CsvSettings {
        path: base.join(path?),
        delimiter: delimiter?,
        encoding: encoding?,
        decimal: decimal?,
        date: date?,
        last_line_end: last_line_end?,
        columns: columns?,
    })
}

fn or<T>(s: &Section, key: &str, wanted: &str, default: T, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    if s.has(key) { s.parse(key, wanted, read) } else { Some(default) }
}

/// Whether a day that is written in this form can be read again.
fn is_form(form: &str) -> bool {
    let written = strtime::format(form, SAMPLE).ok();
    written.and_then(|text| strtime::parse(form, text).ok()?.to_date().ok()) == Some(SAMPLE)
}

/// `[source.columns]`: the header of each, or `{ value = "…" }`.
fn columns(s: Section) -> Option<BTreeMap<String, CsvColumn>> {
    let mut found = BTreeMap::new();
    let mut good = true;
    for (name, at, node) in s.free() {
        let known = REQUIRED.iter().chain(&OPTIONAL).any(|k| k == name);
        let column = match &node.value {
            Value::Text(header) if !header.trim().is_empty() => Some(CsvColumn::Header(header.trim().to_owned())),
            Value::Table(entries) => match entries.as_slice() {
                [(key, _, node)] if key == "value" => match &node.value {
                    Value::Text(value) => Some(CsvColumn::Constant(value.clone())),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        if !known {
            s.problem_at(at, format!("unknown column \"{name}\" in [source.columns]; wanted one of: {}", all()));
        } else if column.is_none() {
            let text = format!("\"{name}\": wanted the header of a column, or {{ value = \"the same in every row\" }}");
            s.problem_at(at, text);
        }
        good &= known && column.is_some();
        found.extend(column.map(|column| (name.clone(), column)));
    }
    s.finish();
    good.then_some(found)
}

fn all() -> String {
    REQUIRED.iter().chain(&OPTIONAL).copied().collect::<Vec<_>>().join(", ")
}
