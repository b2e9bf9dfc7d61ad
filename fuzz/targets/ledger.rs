//! Rows of a ledger: cells to a checked row.

use super::text;
use jiff::tz::TimeZone;
use relance::config::bundled;
use relance::config::node::Node;
use relance::config::problem::Problems;
use relance::config::system::{System, system};
use relance::domain::debtor::parse_people;
use relance::domain::json::Json;
use relance::domain::people::PeopleWord;
use relance::domain::tame::is_tame;
use relance::source::http::Picker;
use relance::source::row::{Cell, Columns, OPTIONAL, REQUIRED, RawRow};
use std::collections::BTreeMap;
use std::sync::OnceLock;

fn columns() -> &'static Columns {
    static COLUMNS: OnceLock<Columns> = OnceLock::new();
    let all = || REQUIRED.iter().chain(&OPTIONAL).map(|c| (*c).to_owned()).collect();
    COLUMNS.get_or_init(|| Columns::new(all()).unwrap())
}

/// The shipped systems, by which answers are read.
fn systems() -> &'static [System] {
    static SYSTEMS: OnceLock<Vec<System>> = OnceLock::new();
    SYSTEMS.get_or_init(|| {
        let read = |(path, text): &(&str, &str)| {
            let problems = Problems::default();
            system(path, &Node::parse(path, text, &problems), &problems).unwrap()
        };
        bundled::SOURCES.iter().map(read).collect()
    })
}

/// An answer of a system: whatever stands in it, each shipped file makes rows of it that are read, or refused in words.
pub fn item(data: &[u8]) {
    let text = text(data);
    let json = match Json::parse(&text) {
        Ok(json) => json,
        Err(why) => return assert!(is_tame(&why) && why.len() < 100, "{why}"),
    };
    let (none, zone) = (BTreeMap::new(), TimeZone::UTC);
    for system in systems() {
        let picker = Picker { system, zone: &zone, words: &none };
        let names = system.columns.iter().map(|column| column.name.to_owned()).collect();
        let columns = Columns::new(names).unwrap();
        for item in [&json].into_iter().chain(json.list().unwrap_or_default()) {
            let row = picker.row(&columns, item, Some(&json));
            assert_eq!(row.digest, picker.row(&columns, item, Some(&json)).digest);
            if let Err(why) = row.read(&columns, "BE") {
                assert!(!why.is_empty() && is_tame(&why), "{why:?}");
            }
            picker.traces(item, None).iter().for_each(|t| assert!(t.raw.as_ref().is_none_or(|raw| raw.chars().count() <= 121)));
        }
    }
}

/// A line `column=text`, or `column:number`, over a row that can be read; an unknown column is the country.
pub fn row(data: &[u8]) {
    let text = text(data);
    let known = ["i1", "F-1", "C1", "Brasserie du Parvis", "2026-06-01", "EUR", "125.00"];
    let mut cells: Vec<Cell> = known.map(|t| Cell::Text(t.to_owned())).into_iter().collect();
    cells.extend(OPTIONAL.iter().map(|_| Cell::Null));
    let mut country = "BE";
    for line in text.split('\n') {
        let (name, value, is_text) = match (line.split_once('='), line.split_once(':')) {
            (Some((name, value)), Some((other, _))) if name.len() < other.len() => (name, value, true),
            (_, Some((name, value))) => (name, value, false),
            (Some((name, value)), None) => (name, value, true),
            (None, None) => continue,
        };
        match columns().place(name) {
            Some(place) => cells[place] = if is_text { Cell::Text(value.to_owned()) } else { number(value) },
            None => country = value,
        }
    }
    let raw = RawRow::new(columns(), cells);
    assert!(is_tame(&raw.shown_id().replace('\u{fffd}', "")));
    let row = match raw.read(columns(), country) {
        Ok(row) => row,
        Err(why) => return assert!(!why.is_empty() && is_tame(&why) && why.len() < 4000, "{why:?}"),
    };
    let c = &row.customer;
    let needed = [&row.id, &row.number, &c.id, &c.name];
    assert!(needed.iter().all(|t| !t.is_empty()));
    let more = [&c.language, &c.email, &c.phone, &c.enterprise_no, &c.pay_runs, &row.reference, &row.pay_url, &row.document];
    let rest = [&row.po_number, &row.owner, &row.for_invoice, &row.cadence, &c.timezone, &c.country];
    let texts = needed.into_iter().chain(more.into_iter().chain(rest).flatten()).chain(&row.tags);
    texts.for_each(|t| assert!(is_tame(t) && t.len() <= 4000, "{t:?}"));
    assert!(row.pay_url.as_deref().is_none_or(|u| u.starts_with("https://")));
    for person in c.contacts.as_deref().map(|people| parse_people(people).unwrap()).into_iter().flatten() {
        for text in [&person.name, &person.email, &person.phone, &person.language].into_iter().flatten() {
            assert!(is_tame(text) && !text.is_empty(), "{text:?}");
        }
    }
}

fn number(text: &str) -> Cell {
    match (text.parse::<i64>(), text.parse::<f64>()) {
        _ if text == "null" => Cell::Null,
        _ if text == "other" => Cell::Other,
        (Ok(whole), _) => Cell::Integer(whole),
        (_, Ok(real)) if text.contains('e') => Cell::Real(real),
        _ => Cell::Decimal(text.to_owned()),
    }
}

/// The column `contacts`, and the word of a person on it: what is kept is read as the same.
pub fn contacts(data: &[u8]) {
    let text = text(data);
    if let Ok(people) = parse_people(&text) {
        assert!(people.len() <= 20);
    }
    if let Ok(word) = PeopleWord::parse(Some(&text)) {
        assert_eq!(PeopleWord::parse(Some(&word.text())), Ok(word.clone()));
        word.words();
    }
}
