//! From where each of relance's columns comes in a system's answer, and what is made of it.

use super::super::node::{Node, Value};
use super::super::section::Section;
use super::Template;
use crate::domain::json::Path;
use crate::domain::ledger::{OPTIONAL, REQUIRED};

/// One of relance's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Where it may come from: the first that gives something counts.
    pub from: Vec<Alternative>,
}

/// One place that a column may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Where: in the invoice, or in its customer.
    pub path: Option<Path>,
    /// The path is one of the customer's.
    pub of_customer: bool,
    /// The same for all.
    pub value: Option<Template>,
    /// Only then.
    pub when: Option<When>,
    /// What is made of it.
    pub convert: As,
    /// Of several things at the path.
    pub several: Several,
    /// What a word there means here: `*` is every other.
    pub table: Vec<(String, String)>,
    /// A text around it, with `{}` in its place.
    pub around: Option<String>,
}

/// A condition on the invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// Where.
    pub path: Path,
    /// One of these words; none: anything but nothing and zero.
    pub is: Vec<String>,
}

/// What is made of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum As {
    /// It stays: a text, a whole number, an exact decimal.
    Plain,
    /// A decimal number, as number or text; zeros behind the last decimal mean nothing.
    Decimal,
    /// A decimal number that was computed in binary fractions there: rounded to six decimals.
    Rounded,
    /// Whole minor units (cents) of the row's currency.
    Minor,
    /// A date by a pattern of strftime.
    Date(String),
    /// The day on which this second since 1970 falls in the source's zone.
    Epoch,
    /// The same in milliseconds.
    EpochMs,
    /// The day on which an instant (RFC 3339) falls in the source's zone; a date alone stays.
    Instant,
    /// A date in its parts, as Tryton writes it.
    Parts,
    /// A language: its first two letters.
    Language,
    /// In capitals.
    Upper,
    /// The first of several parted by a comma or a semicolon.
    First,
}

/// Which of several things at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Several {
    /// The first.
    First,
    /// The least, after conversion: of dates the earliest.
    Least,
    /// All of them, parted by a comma.
    All,
}

const CONVERSIONS: &str =
    "text, decimal, rounded, minor, epoch, epoch_ms, instant, parts, language, upper, first, or \"date PATTERN\"";

impl As {
    fn parse(text: &str) -> Option<As> {
        Some(match text {
            "text" => As::Plain,
            "decimal" => As::Decimal,
            "rounded" => As::Rounded,
            "minor" => As::Minor,
            "epoch" => As::Epoch,
            "epoch_ms" => As::EpochMs,
            "instant" => As::Instant,
            "parts" => As::Parts,
            "language" => As::Language,
            "upper" => As::Upper,
            "first" => As::First,
            _ => As::Date(text.strip_prefix("date ").filter(|p| p.contains('%'))?.trim().to_owned()),
        })
    }

    /// Whether it takes something to be parted, such as an object.
    pub fn takes_table(&self) -> bool {
        *self == As::Parts
    }
}

const PATH: &str = "a path such as \"/client/name\" or \"customer:/email\"";

/// Reads `[columns]`.
pub(super) fn columns(s: Section, has_customer: bool) -> Vec<Column> {
    let mut found = Vec::new();
    for (key, at, node) in s.free() {
        let Some(name) = REQUIRED.iter().chain(&OPTIONAL).find(|name| **name == key) else {
            let known: Vec<&str> = REQUIRED.iter().chain(&OPTIONAL).copied().collect();
            s.problem_at(at, format!("relance has no column \"{key}\"; wanted one of: {}", known.join(", ")));
            continue;
        };
        let nodes = match &node.value {
            Value::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let from: Vec<Alternative> = nodes.iter().flat_map(|node| alternatives(&s, node, has_customer)).collect();
        if nodes.is_empty() {
            s.problem_at(at, format!("the column \"{key}\" comes from nowhere; wanted {PATH}"));
        }
        found.push(Column { name, from });
    }
    for name in REQUIRED.iter().filter(|name| !found.iter().any(|c| c.name == **name)) {
        s.missing(name, "where this column comes from");
    }
    s.finish();
    found
}

/// What one entry gives: an alternative for each of its paths.
fn alternatives(s: &Section, node: &Node, has_customer: bool) -> Vec<Alternative> {
    let plain = |path, of_customer| Alternative {
        path,
        of_customer,
        value: None,
        when: None,
        convert: As::Plain,
        several: Several::First,
        table: Vec::new(),
        around: None,
    };
    let (text, at) = match &node.value {
        Value::Text(text) => (Some(text.clone()), node.at.clone()),
        Value::Table(_) => (None, node.at.clone()),
        other => {
            s.problem_at(&node.at, format!("wanted {PATH}, or a table; found {}", other.kind()));
            return Vec::new();
        }
    };
    if let Some(text) = text {
        let found = place(&text, has_customer);
        if found.is_none() {
            s.problem_at(&at, format!("\"{text}\" is no path here; wanted {PATH}{}", no_customer(&text, has_customer)));
        }
        return found.into_iter().map(|(path, of_customer)| plain(Some(path), of_customer)).collect();
    }
    let t = s.below("column", node);
    let mut found = Vec::new();
    for (at, text) in t.texts("path", PATH) {
        match place(&text, has_customer) {
            Some((path, of_customer)) => found.push((Some(path), of_customer)),
            None => t.problem_at(&at, format!("\"path\" names \"{text}\"; wanted {PATH}{}", no_customer(&text, has_customer))),
        }
    }
    let value =
        t.parse_with("value", |text| Template::parse(text, &[]).map_err(|word| format!("unknown placeholder {{{word}}}")));
    if t.has("path") == t.has("value") || (t.has("path") && t.texts("path", PATH).is_empty()) {
        t.problem("path", "wanted either a \"path\" or a \"value\" that is the same for all");
    }
    let convert = t.parse("as", CONVERSIONS, As::parse).unwrap_or(As::Plain);
    let several = t.parse("several", "first, least or all", |word| match word {
        "first" => Some(Several::First),
        "least" => Some(Several::Least),
        "all" => Some(Several::All),
        _ => None,
    });
    let when = t.section("when").and_then(|w| {
        let path = w.parse("path", "a path into the invoice", Path::parse);
        if !w.has("path") {
            w.missing("path", "a path into the invoice");
        }
        let is = w.texts("is", "texts").into_iter().map(|(_, text)| text).collect();
        w.finish();
        path.map(|path| When { path, is })
    });
    let mut table = Vec::new();
    if let Some(words) = t.section("table") {
        for (key, _, _) in words.free() {
            table.extend(words.text(key, "text").map(|value| (key.clone(), value)));
        }
        words.finish();
    }
    let around = t.text("around", "text with {} in it");
    if around.as_ref().is_some_and(|text| !text.contains("{}")) {
        t.problem("around", "\"around\" has no {}; wanted text with {} where the value goes");
    }
    t.finish();
    found.extend(value.is_some().then_some((None, false)));
    let several = several.unwrap_or(Several::First);
    let of_table = |(path, of_customer)| Alternative {
        path,
        of_customer,
        value: value.clone(),
        when: when.clone(),
        convert: convert.clone(),
        several,
        table: table.clone(),
        around: around.clone(),
    };
    found.into_iter().map(of_table).collect()
}

fn no_customer(text: &str, has_customer: bool) -> &'static str {
    if text.starts_with("customer:") && !has_customer { "; there is no [customer] in this file" } else { "" }
}

/// A path and whether it is the customer's.
fn place(text: &str, has_customer: bool) -> Option<(Path, bool)> {
    match text.strip_prefix("customer:") {
        Some(rest) => Path::parse(rest).filter(|_| has_customer).map(|path| (path, true)),
        None => Path::parse(text).filter(|_| text.starts_with('/')).map(|path| (path, false)),
    }
}
