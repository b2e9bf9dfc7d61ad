//! Statements of the bank, and exports.

use super::text;
use relance::config::settings::{CsvEncoding, CsvSettings};
use relance::domain::bank::reference::Reference;
use relance::domain::bank::{Candidate, EntryKind, judge, keys, references};
use relance::domain::currency::Currency;
use relance::domain::money::Money;
use relance::domain::tame::is_tame;
use std::collections::{BTreeMap, HashSet};

/// A file of the bank's folder; what is read of it is bounded, tame, and matched with an invoice.
pub fn bank(data: &[u8]) {
    let read = match relance::bank::read(data) {
        Ok(read) => read,
        Err(e) => {
            let said = e.to_string();
            return assert!(is_tame(&said) && said.len() < 3000, "{said:?}");
        }
    };
    let all = keys(&read.entries);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), read.entries.len(), "each entry has a key of its own");
    assert_eq!(all, keys(&read.entries));
    for e in &read.entries {
        assert!(e.amount.minor >= 0 && e.text.chars().count() <= 1000);
        assert!(e.text.split('\n').all(is_tame), "{:?}", e.text);
        for field in [&e.bank_ref, &e.end_to_end, &e.name, &e.iban, &e.why].into_iter().flatten() {
            assert!(is_tame(field) && !field.is_empty() && field.chars().count() <= 160, "{field:?}");
        }
        assert!(references(e).len() < 2000);
        let candidate = Candidate {
            pk: 1,
            debtor_pk: 1,
            name: "Maison C1".to_owned(),
            number: "F-1".to_owned(),
            reference: Reference::read("+++010/8068/17183+++"),
            balance: Money::new(12_000, Currency::EUR),
            covered: 0,
            issued_on: None,
        };
        let judged = judge(e, &[candidate], e.booked_on);
        assert!(e.kind == EntryKind::Credit || judged == relance::domain::bank::Judged::Nothing);
    }
}

/// An export: the first byte says how it is written.
pub fn csv(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let pick = |bits: u8| usize::from(*how >> bits);
    let settings = CsvSettings {
        path: "export".into(),
        delimiter: [b',', b';', b'|', b'\t'][pick(0) % 4],
        encoding: [CsvEncoding::Utf8, CsvEncoding::Windows1252, CsvEncoding::Latin9, CsvEncoding::Utf16][pick(2) % 4],
        decimal: ['.', ','][pick(4) % 2],
        date: [None, Some("%d/%m/%Y".to_owned())][pick(5) % 2].clone(),
        last_line_end: pick(6) % 2 == 0,
        columns: BTreeMap::new(),
    };
    match relance::source::csv::read(rest, &settings) {
        Ok(read) => {
            assert!(read.rows.is_sorted_by(|a, b| a.id <= b.id));
            for row in &read.rows {
                if let Err(why) = row.read(&read.columns, "BE") {
                    assert!(is_tame(&why) && !why.is_empty(), "{why:?}");
                }
            }
        }
        Err(why) => assert!(!why.is_empty() && why.len() < 20_000, "{}", text(why.as_bytes())),
    }
}
