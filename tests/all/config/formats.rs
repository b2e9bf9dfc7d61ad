//! Dates and amounts as each language writes them, down to the spaces that do not break.

use super::{GOOD, Tree};
use jiff::civil::date;
use relance::domain::currency::Currency;
use relance::domain::money::Money;
use relance::letter::Labels;

fn labels(language: &str) -> Labels {
    let (_, letters) = Tree::new(GOOD).read().map_err(|e| e.join("\n")).unwrap();
    letters.labels(language).unwrap().clone()
}

fn amounts(language: &str) -> Vec<String> {
    let labels = labels(language);
    let list = [
        ("1234567.89", "EUR"),
        ("999.00", "EUR"),
        ("-5.00", "EUR"),
        ("1234567", "JPY"),
        ("12.50", "GBP"),
        ("12.50", "CHF"),
        ("0.05", "USD"),
        ("1234.567", "TND"),
    ];
    let money = |(text, code): (&str, &str)| Money::parse(text, Currency::parse(code).unwrap()).unwrap();
    list.map(|m| visible(&labels.money(money(m)))).to_vec()
}

/// The narrow space that does not break as ⍽, the wide one as ~.
fn visible(text: &str) -> String {
    text.replace('\u{202f}', "⍽").replace('\u{a0}', "~")
}

fn dates<const N: usize>(labels: &Labels, list: [(i16, i8, i8); N]) -> [String; N] {
    list.map(|(year, month, day)| visible(&labels.date(date(year, month, day))))
}

#[test]
fn french() {
    assert_eq!(
        amounts("fr"),
        ["1⍽234⍽567,89~€", "999,00~€", "−5,00~€", "1⍽234⍽567~¥", "12,50~£", "12,50~CHF", "0,05~$", "1⍽234,567~TND"]
    );
    let l = labels("fr");
    assert_eq!(dates(&l, [(2026, 12, 3), (2027, 1, 1), (2026, 8, 11)]), ["3~décembre 2026", "1er~janvier 2027", "11~août 2026"]);
    assert_eq!([l.late(-3), l.late(0), l.late(1), l.late(12)], ["", "", "1 jour de retard", "12 jours de retard"]);
}

#[test]
fn dutch() {
    assert_eq!(
        amounts("nl"),
        ["€~1.234.567,89", "€~999,00", "−€~5,00", "¥~1.234.567", "£~12,50", "CHF~12,50", "$~0,05", "TND~1.234,567"]
    );
    let l = labels("nl");
    assert_eq!(dates(&l, [(2026, 12, 3), (2027, 1, 1), (2026, 3, 11)]), ["3~december 2026", "1~januari 2027", "11~maart 2026"]);
    assert_eq!([l.late(1), l.late(12)], ["1 dag te laat", "12 dagen te laat"]);
}

#[test]
fn german() {
    assert_eq!(
        amounts("de"),
        ["1.234.567,89~€", "999,00~€", "−5,00~€", "1.234.567~¥", "12,50~£", "12,50~CHF", "0,05~$", "1.234,567~TND"]
    );
    let l = labels("de");
    assert_eq!(dates(&l, [(2026, 12, 3), (2027, 1, 1), (2026, 3, 11)]), ["3.~Dezember 2026", "1.~Januar 2027", "11.~März 2026"]);
    assert_eq!([l.late(1), l.late(12)], ["1 Tag überfällig", "12 Tage überfällig"]);
}

#[test]
fn english() {
    assert_eq!(
        amounts("en"),
        ["€1,234,567.89", "€999.00", "−€5.00", "¥1,234,567", "£12.50", "CHF~12.50", "$0.05", "TND~1,234.567"]
    );
    let l = labels("en");
    assert_eq!(dates(&l, [(2026, 12, 3), (2027, 1, 1), (2026, 3, 11)]), ["3~December 2026", "1~January 2027", "11~March 2026"]);
    assert_eq!([l.late(1), l.late(12)], ["1 day overdue", "12 days overdue"]);
}
