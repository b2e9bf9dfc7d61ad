//! Rows of a ledger, whatever they hold: read or refused with a reason, never a panic, and nothing let through that
//! could break a header, a line or the direction of reading.

use proptest::prelude::*;
use relance::domain::invoice::RowKind;
use relance::source::row::{Cell, Columns, OPTIONAL, REQUIRED, RawRow};

fn columns() -> Columns {
    Columns::new(REQUIRED.iter().chain(&OPTIONAL).map(|c| (*c).to_owned()).collect()).unwrap()
}

/// Anything at all, and what ledgers hold.
fn cell() -> impl Strategy<Value = Cell> {
    let known = prop::sample::select(vec![
        "",
        " ",
        "2026-06-01",
        "2026-06-01 00:00:00",
        "2026-06-01T10:00:00Z",
        "2026-02-30",
        "-9999-01-01",
        "9999-12-31",
        "EUR",
        "JPY",
        "TND",
        "XYZ",
        "invoice",
        "payment",
        "credit_note",
        "open",
        "void",
        "BE",
        "be",
        "Europe/Brussels",
        "consumer",
        "0470 00 00 01",
        "+32 470",
        "1e5",
        "12.34",
        "-0.00",
        "99999999999999999999",
        "-9223372036854775808",
        "https://x",
        "javascript:alert(1)",
        "a,b;c",
        "\u{202e}abc\r\nBcc: x@y",
    ]);
    prop_oneof![
        1 => Just(Cell::Null),
        1 => Just(Cell::Other),
        2 => any::<i64>().prop_map(Cell::Integer),
        2 => any::<f64>().prop_map(Cell::Real),
        2 => "-?[0-9]{1,20}(\\.[0-9]{1,9})?".prop_map(Cell::Decimal),
        1 => "\\PC{0,9}".prop_map(Cell::Decimal),
        3 => "\\PC{0,30}".prop_map(Cell::Text),
        1 => any::<String>().prop_map(Cell::Text),
        6 => known.prop_map(|t| Cell::Text(t.to_owned())),
    ]
}

/// A row that can be read, to be spoilt in a few places.
fn good() -> Vec<Cell> {
    let values = ["i1", "F-1", "C1", "Brasserie du Parvis", "2026-06-01", "EUR", "125.00"];
    values.into_iter().map(|t| Cell::Text(t.to_owned())).chain(OPTIONAL.iter().map(|_| Cell::Null)).collect()
}

fn is_tame(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    })
}

#[test]
fn a_plain_row_is_read() {
    let row = RawRow::new(&columns(), good()).read(&columns(), "BE").unwrap();
    assert_eq!((row.id.as_str(), row.number.as_str(), row.balance.decimal()), ("i1", "F-1", "125.00".to_owned()));
}

#[test]
fn what_is_wrong_is_told_with_what_was_wanted() {
    let told = |column: &str, value: Cell| {
        let mut cells = good();
        cells[columns().place(column).unwrap()] = value;
        RawRow::new(&columns(), cells).read(&columns(), "BE").unwrap_err()
    };
    let text = |t: &str| Cell::Text(t.to_owned());
    assert_eq!(told("due_on", text("01/06/2026")), "due_on is \"01/06/2026\"; wanted a date YYYY-MM-DD");
    assert_eq!(told("due_on", Cell::Null), "due_on is empty");
    assert_eq!(told("due_on", text("0001-01-01")), "due_on is 0001-01-01; wanted a year from 1970 to 2199");
    assert_eq!(told("issued_on", text("1900-01-01 00:00:00")), "issued_on is 1900-01-01; wanted a year from 1970 to 2199");
    assert_eq!(told("booked_through", text("9999-12-31")), "booked_through is 9999-12-31; wanted a year from 1970 to 2199");
    assert_eq!(told("currency", text("EURO")), "currency is \"EURO\"; wanted an ISO 4217 code such as EUR");
    assert_eq!(told("balance", text("12.345")), "balance in EUR: more decimals than the currency has");
    assert_eq!(told("balance", text("100.000")), "balance in EUR: more decimals than the currency has");
    assert_eq!(told("balance", text("92233720368547758.07")), "balance in EUR: too large");
    assert_eq!(told("balance", Cell::Real(12.345)), "balance in EUR: more decimals than the currency has");
    assert_eq!(told("balance", text("1.250,00")), "balance in EUR: not a decimal number such as 1250.00");
    assert_eq!(told("balance", Cell::Integer(i64::MIN)), "balance in EUR: too large");
    assert_eq!(told("balance", Cell::Null), "balance is empty");
    assert_eq!(told("status", text("late")), "status is \"late\"; wanted one of: open, paid, void, disputed, draft, pending");
    assert_eq!(told("kind", text("bill")), "kind is \"bill\"; wanted invoice, credit_note or payment");
    assert_eq!(told("country", text("Belgium")), "country is \"Belgium\"; wanted an ISO 3166 code such as BE");
    assert_eq!(told("timezone", text("Brussels")), "timezone is \"Brussels\"; wanted an IANA time zone");
    assert_eq!(
        told("pay_url", text("javascript:alert(1)")),
        "pay_url is \"javascript:alert(1)\"; wanted a link that begins with https://"
    );
    for link in ["http://pay.example/1", "data:text/html,x", "https://", "https://pay.example/a b", "HTTPS://x"] {
        assert!(told("pay_url", text(link)).ends_with("wanted a link that begins with https://"), "{link}");
    }
    assert_eq!(told("number", Cell::Other), "number is neither text nor a number");
    assert_eq!(told("customer_name", text(&"x".repeat(5000))), "customer_name is longer than 4000 bytes");
    assert_eq!(told("customer_name", text("\r\n\t")), "customer_name is empty");
}

#[test]
fn a_row_without_a_usable_id_is_refused_and_can_still_be_found() {
    let wanted = "wanted text or a whole number";
    for (id, name, why) in [
        (Cell::Null, "(no invoice_id; number F-1)", "invoice_id is empty".to_owned()),
        (Cell::Text(String::new()), "(no invoice_id; number F-1)", "invoice_id is empty".to_owned()),
        (Cell::Other, "(no invoice_id; number F-1)", "invoice_id is neither text nor a whole number".to_owned()),
        (Cell::Real(5.5), "5.5", format!("invoice_id is a fraction; {wanted}")),
        (Cell::Real(5.0), "5", format!("invoice_id is a fraction; {wanted}")),
    ] {
        let mut cells = good();
        cells[0] = id;
        let row = RawRow::new(&columns(), cells);
        assert_eq!((row.shown_id().as_str(), row.has_id()), (name, false));
        assert_eq!(row.read(&columns(), "BE").unwrap_err(), why);
    }
    let short = RawRow::new(&columns(), vec![]);
    assert_eq!(short.shown_id(), "(no invoice_id)");
    assert!(short.read(&columns(), "BE").is_err(), "fewer cells than columns");
}

/// Where the type says that it is a number, a zero at its end is no doubt.
#[test]
fn exact_decimal_numbers() {
    let read = |column: &str, value: &str| {
        let mut cells = good();
        cells[columns().place(column).unwrap()] = Cell::Decimal(value.to_owned());
        RawRow::new(&columns(), cells).read(&columns(), "BE")
    };
    for (value, wanted) in
        [("12.50", "12.50"), ("100.000", "100.00"), ("1250.00000000", "1250.00"), ("-7", "-7.00"), ("0.0", "0.00")]
    {
        assert_eq!(read("balance", value).unwrap().balance.decimal(), wanted);
    }
    assert_eq!(read("balance", "12.345").unwrap_err(), "balance in EUR: more decimals than the currency has");
    assert_eq!(read("balance", "NaN").unwrap_err(), "balance in EUR: not a decimal number such as 1250.00");
    for (value, wanted) in
        [("100", "100"), ("100.00", "100"), ("-5.0", "-5"), ("123456789012345678901234567890", "123456789012345678901234567890")]
    {
        assert_eq!(read("invoice_id", value).unwrap().id, wanted);
    }
    for value in ["5.5", "NaN", "", "-"] {
        assert_eq!(read("invoice_id", value).unwrap_err(), "invoice_id is a fraction; wanted text or a whole number");
    }
    assert_eq!(read("number", "2026.0").unwrap().number, "2026.0");
}

proptest! {
    #[test]
    fn any_row_is_read_or_refused(cells in prop::collection::vec(cell(), 0..34), country in "\\PC{0,3}") {
        match RawRow::new(&columns(), cells).read(&columns(), &country) {
            Ok(row) => prop_assert!(!row.id.is_empty() && !row.number.is_empty() && !row.customer.id.is_empty()),
            Err(why) => prop_assert!(!why.is_empty()),
        }
    }

    #[test]
    fn a_good_row_with_some_cells_spoilt_is_read_or_refused(spoilt in prop::collection::vec((0usize..30, cell()), 1..5)) {
        let mut cells = good();
        for (place, cell) in spoilt {
            cells[place] = cell;
        }
        let Ok(row) = RawRow::new(&columns(), cells).read(&columns(), "BE") else { return Ok(()) };
        prop_assert!(row.kind == RowKind::Invoice || row.balance.minor <= 0, "a receipt never adds to what is owed");
        let texts = [&row.customer.name, &row.number, &row.customer.id];
        let more = [&row.reference, &row.pay_url, &row.customer.email, &row.customer.phone, &row.for_invoice, &row.cadence, &row.owner];
        for text in texts.into_iter().chain(more.into_iter().flatten()) {
            prop_assert!(is_tame(text) && text.trim() == text, "{text:?}");
        }
        prop_assert!(row.pay_url.is_none_or(|u| u.starts_with("https://")));
    }

    /// The digest tells rows apart that differ in any cell.
    #[test]
    fn the_digest_follows_every_cell(place in 1usize..30, a in cell(), b in cell()) {
        let with = |value: &Cell| {
            let mut cells = good();
            cells[place] = value.clone();
            RawRow::new(&columns(), cells).digest
        };
        let same = format!("{a:?}") == format!("{b:?}");
        prop_assert!(same || with(&a) != with(&b));
    }
}
