//! Entries of statements, read from files of several banks' shapes.

use super::sample;
use relance::bank::{Kind, read};
use relance::domain::bank::Entry;

/// An entry in short.
fn brief(e: &Entry) -> String {
    let text = |t: &Option<String>| t.clone().unwrap_or_else(|| "-".to_owned());
    let refs = e.references.join(",");
    format!(
        "{} {} {} [{refs}] {:?} name={} iban={} e2e={} why={} ref={}",
        e.kind.as_str(),
        e.booked_on,
        e.amount,
        e.text,
        text(&e.name),
        text(&e.iban),
        text(&e.end_to_end),
        text(&e.why),
        text(&e.bank_ref)
    )
}

fn entries(name: &str) -> (Kind, Vec<String>, Vec<Entry>) {
    let read = read(&sample(name)).unwrap();
    (read.kind, read.entries.iter().map(brief).collect(), read.entries)
}

#[test]
fn belgian() {
    let (kind, brief, entries) = entries("be-camt053-02.xml");
    assert_eq!(kind, Kind::Camt053);
    assert_eq!(
        brief,
        [
            "credit 2026-10-30 120.00 EUR [010806817183] \"\" name=MAISON C1 iban=BE71096123456769 e2e=- why=- ref=BE2026103000001",
            "debit 2026-10-30 45.50 EUR [] \"facture 77\" name=Papeterie du Coin iban=- e2e=- why=- ref=BE2026103000002",
        ],
        "and what is pending is not there"
    );
    assert_eq!((entries[0].account.as_str(), entries[0].statement.as_str()), ("BE68539007547034", "2026-211"));
}

#[test]
fn french() {
    let (_, brief, entries) = entries("fr-camt053-02.xml");
    assert_eq!(
        brief,
        [
            "credit 2026-10-30 250.00 EUR [] \"REGLEMENT FACT FA-2026-0117\\nVIREMENT SEPA RECU\" name=SARL ÉTABLISSEMENTS LEGRAND iban=- e2e=VIR 881 why=- ref=-"
        ]
    );
    assert_eq!((entries[0].statement.as_str(), entries[0].place), ("00211", 1));
}

#[test]
fn german() {
    let (_, brief, _) = entries("de-camt053-08.xml");
    assert_eq!(
        brief,
        [
            "credit 2026-10-30 100.00 EUR [] \"Rechnung R-1001 vom 01.10.2\\n026\" name=Müller & Söhne GmbH iban=DE12500105170648489890 e2e=R-1001 why=- ref=2026103012345",
            "credit 2026-10-30 200.00 EUR [] \"R-1002\" name=Weber KG iban=- e2e=R-1002 why=- ref=2026103012345",
            "reversal 2026-10-30 80.00 EUR [] \"RÜCKLASTSCHRIFT\" name=- iban=- e2e=R-0900 why=AC04 ref=2026103012399",
        ],
        "a sum is its parts"
    );
}

#[test]
fn dutch() {
    let (_, brief, entries) = entries("nl-camt053-06.xml");
    assert_eq!(
        brief,
        [
            "credit 2026-10-30 75.10 EUR [] \"betaling RF18 5390 0754 7034 dank\\n/TRTP/SEPA OVERBOEKING/NAME/BAKKERIJ DE KORENAAR/\" name=Bakkerij De Korenaar B.V. iban=0417164300 e2e=- why=- ref=NL30102026-9"
        ]
    );
    assert!(relance::domain::bank::references(&entries[0]).contains(&"RF18539007547034".to_owned()));
}

#[test]
fn coda() {
    let (kind, brief, entries) = entries("be.cod");
    assert_eq!(kind, Kind::Coda);
    assert_eq!(
        brief,
        [
            "credit 2026-10-30 120.00 EUR [010806817183] \"\" name=MAISON C1 iban=BE71096123456769 e2e=- why=- ref=REF211000001",
            "debit 2026-10-30 45.50 EUR [] \"facture 77\" name=PAPETERIE DU COIN iban=- e2e=- why=- ref=REF211000002",
            "credit 2026-10-30 100.00 EUR [] \"payment R-1001\" name=MUELLER iban=DE12500105170648489890 e2e=R-1001 why=- ref=REF211000003.1",
            "credit 2026-10-30 200.00 EUR [010806817183] \"\" name=WEBER iban=- e2e=- why=- ref=REF211000003.2",
            "reversal 2026-10-30 80.00 EUR [] \"REFUND R-0900\" name=C9 iban=BE71096123456769 e2e=R-0900 why=AC04 ref=REF211000004",
            "credit 2026-10-30 250.00 EUR [] \"betaling van factuur FA-2026-0117 waarvoor dank, met vriendelijke groeten van ons +++090/9337/55493+++\" name=ETS LEGRAND iban=BE62510007547061 e2e=- why=- ref=REF211000005",
        ]
    );
    assert_eq!(relance::domain::bank::references(&entries[5]), ["090933755493"]);
    assert_eq!((entries[0].account.as_str(), entries[0].statement.as_str()), ("BE68539007547034", "2026/211"));
}

/// The error of a text.
fn wrong(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn a_file_of_which_a_part_is_missing_is_not_read() {
    for name in ["be.cod", "de-camt053-08.xml"] {
        let whole = sample(name);
        for part in [whole.len() / 3, whole.len() / 2, whole.len() * 9 / 10] {
            assert!(read(&whole[..part]).is_err(), "{name} cut at {part}");
        }
    }
    let text = String::from_utf8(sample("be.cod")).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for missing in 1..lines.len() {
        let rest: String = lines.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, l)| *l).collect();
        let why = read(rest.as_bytes()).unwrap_err().to_string();
        assert!(why.contains("record") || why.contains("end"), "without {missing}: {why}");
    }
    // Blanks at the ends of lines may be gone, and a byte of a single-byte character set may stand there.
    let bare: Vec<u8> = lines.iter().flat_map(|l| format!("{}\n", l.trim_end()).into_bytes()).collect();
    assert_eq!(read(&bare).unwrap().entries, read(text.as_bytes()).unwrap().entries);
    let latin: Vec<u8> = text.bytes().map(|b| if b == b'W' { 0xc9 } else { b }).collect();
    assert_eq!(read(&latin).unwrap().entries[3].name.as_deref(), Some("ÉEBER"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    assert_eq!(wrong(b""), "its beginning: it is empty");
    assert!(wrong(b"MT940").contains("neither camt.053 (XML) nor CODA"));
    assert!(wrong(b"<Document><BkToCstmrAcctRpt/></Document>").contains("camt.052"));
    assert!(wrong(b"<Document><BkToCstmrDbtCdtNtfctn/></Document>").contains("camt.054"));
    assert!(wrong(b"<html/>").contains("no element BkToCstmrStmt"));
    let of = |entry: &str| {
        format!(
            "<Document><BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><IBAN>BE68539007547034</IBAN></Id></Acct>\n<Ntry>{entry}</Ntry></Stmt></BkToCstmrStmt></Document>"
        )
    };
    let good = "<Amt Ccy=\"EUR\">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-10-30</Dt></BookgDt>";
    assert_eq!(read(of(good).as_bytes()).unwrap().entries.len(), 1);
    for (from, to, wanted) in [
        ("1.00", "1.001", "more decimals"),
        ("1.00", "1e3", "not a decimal number"),
        ("1.00", "-1.00", "below zero"),
        ("EUR", "EURO", "ISO 4217"),
        ("CRDT", "C", "neither CRDT nor DBIT"),
        ("BOOK", "X", "Sts"),
        ("2026-10-30", "30.10.2026", "BookgDt"),
    ] {
        let why = wrong(of(&good.replace(from, to)).as_bytes());
        assert!(why.contains(wanted) && why.contains("line 2"), "{why}");
    }
    assert_eq!(read(of(&good.replace("1.00", "1.00000")).as_bytes()).unwrap().entries[0].amount.minor, 100);
}

#[test]
fn nothing_in_it_makes_it_grow() {
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaa\">]><Document>&a;</Document>";
    assert!(wrong(bomb.as_bytes()).contains("document type"));
    assert!(wrong(b"<Document>&xxe;</Document>").contains("&xxe;"));
    let deep = format!("<Document>{}", "<a>".repeat(100_000));
    assert!(wrong(deep.as_bytes()).contains("deeper"));
    let wide = format!("<Document><BkToCstmrStmt><Stmt><Ntry>{}", "<a/>".repeat(500_000));
    assert!(wrong(wide.as_bytes()).contains("more elements"));
    let long = super::statement("1", &[super::Line { text: "x", ..super::came("1", "1.00") }])
        .replace("<Ustrd>x", &format!("<Ustrd>{}", "y".repeat(100_000)));
    assert!(read(long.as_bytes()).unwrap().entries[0].text.len() <= 4000);
}
