//! The bank's own files: statements in camt.053 and CODA, as a folder gets them. What they show is read here and believed
//! nowhere; everything in them is bounded, because whoever pays writes a part of it.

pub mod camt;
pub mod coda;
pub mod folder;
mod xml;

use crate::domain::bank::Entry;

/// The most entries that a file may have.
const ENTRIES: usize = 200_000;

/// The longest text that is kept of an entry, in characters.
const TEXT: usize = 1000;

/// The longest of any other field.
const FIELD: usize = 140;

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ISO 20022, a statement.
    Camt053,
    /// Febelfin, coded statement of account.
    Coda,
}

impl Kind {
    /// The word in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Camt053 => "camt.053",
            Kind::Coda => "coda",
        }
    }
}

/// A file, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statements {
    /// What kind of file it is.
    pub kind: Kind,
    /// Its booked entries, in its order.
    pub entries: Vec<Entry>,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Unread {
    /// The line or record.
    pub place: String,
    /// What is wrong with it, and what was wanted.
    pub what: String,
}

impl Unread {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Unread {
        let tame = |text: String| crate::domain::tame::tamed_to(&text, 300);
        Unread { place: tame(place.into()), what: tame(what.into()) }
    }
}

/// Reads a file of either kind, by what it begins with.
pub fn read(bytes: &[u8]) -> Result<Statements, Unread> {
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace());
    let rest = start.and_then(|s| bytes.get(s..)).unwrap_or_default();
    let marked = [&[0xef, 0xbb, 0xbf][..], &[0xff, 0xfe], &[0xfe, 0xff]];
    if rest.starts_with(b"<") || marked.iter().any(|m| rest.starts_with(m)) {
        return camt::read(bytes);
    }
    if rest.starts_with(b"0") {
        return coda::read(bytes);
    }
    let text = "it is neither camt.053 (XML) nor CODA (records of 128 characters, the first of which begins with 0); statements in other forms are not read";
    Err(Unread::new("its beginning", if rest.is_empty() { "it is empty" } else { text }))
}

/// A field of others' making, as it is kept: tamed, of a bounded length; nothing where it is empty.
fn field(text: &str) -> Option<String> {
    let tame = crate::domain::tame::tamed_to(text.trim(), FIELD).trim().to_owned();
    (!tame.is_empty()).then_some(tame)
}

/// An account: letters and digits in capitals.
fn account(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).take(40).map(|c| c.to_ascii_uppercase()).collect();
    (!plain.is_empty()).then_some(plain)
}
