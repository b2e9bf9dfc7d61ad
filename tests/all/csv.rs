//! An export as a ledger: files of several makings, cut off, being written, old; and a folder of them.

use crate::support::{Config, Smtp, World};
use relance::config::settings::{CsvColumn, CsvEncoding, CsvSettings};
use relance::source::csv::{Read, read};
use relance::store::polls::PollOutcome;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

const HEADER: &str =
    "invoice_id,number,customer_id,customer_name,issued_on,due_on,currency,total,balance,email,country,customer_kind\n";
const ROW: &str = "F-1,F-1,C1,Maison C1,2026-09-26,2026-10-26,EUR,120.00,120.00,c1@client.example,BE,business\n";

fn settings() -> CsvSettings {
    CsvSettings {
        path: PathBuf::from("nowhere"),
        delimiter: b',',
        encoding: CsvEncoding::Utf8,
        decimal: '.',
        date: None,
        last_line_end: true,
        columns: BTreeMap::new(),
    }
}

/// The rows in short: number, name, balance and due date, or why a row cannot be read.
fn brief(read: &Read) -> Vec<String> {
    let row = |r: &relance::source::row::RawRow| match r.read(&read.columns, "BE") {
        Ok(row) => format!("{} {} {} {}", row.number, row.customer.name, row.balance, row.due_on),
        Err(why) => format!("{}: {why}", r.id),
    };
    read.rows.iter().map(row).collect()
}

#[test]
fn an_export_of_this_country_or_that_is_the_same_ledger() {
    let columns: BTreeMap<String, CsvColumn> = [
        ("invoice_id", "Document"),
        ("number", "Document"),
        ("customer_id", "Tiers"),
        ("customer_name", "Nom du client"),
        ("due_on", "Échéance"),
        ("balance", "Solde €"),
    ]
    .map(|(name, header)| (name.to_owned(), CsvColumn::Header(header.to_owned())))
    .into_iter()
    .chain([("currency".to_owned(), CsvColumn::Constant("EUR".to_owned()))])
    .collect();
    let text = "Document;Tiers;Nom du client;Échéance;Solde €\r\nF-2;C2;\"Müller; Söhne\";30/11/2026;1.250,50\r\nF-1;C1;Zoë;01/12/2026;12,00\r\n";
    let wanted = ["F-1 Zoë 12.00 EUR 2026-12-01", "F-2 Müller; Söhne 1250.50 EUR 2026-11-30"];
    let base = CsvSettings { delimiter: b';', decimal: ',', date: Some("%d/%m/%Y".to_owned()), columns, ..settings() };
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: &[u8]| {
        mark.iter().copied().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    for (encoding, bytes) in [
        (CsvEncoding::Utf8, text.as_bytes().to_vec()),
        (CsvEncoding::Utf8, [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        (CsvEncoding::Windows1252, encoding_of(text, 0x80)),
        (CsvEncoding::Latin9, encoding_of(text, 0xa4)),
        (CsvEncoding::Utf16, utf16(u16::to_le_bytes, b"\xff\xfe")),
        (CsvEncoding::Utf16, utf16(u16::to_be_bytes, b"\xfe\xff")),
        (CsvEncoding::Utf16, utf16(u16::to_le_bytes, b"")),
    ] {
        let read = read(&bytes, &CsvSettings { encoding, ..base.clone() }).unwrap();
        assert_eq!(brief(&read), wanted, "{encoding:?}");
    }
    let why = read(&encoding_of(text, 0x80), &base).unwrap_err();
    assert!(why.contains("not written in utf-8") && why.contains("windows-1252"), "{why}");
    let why = read(&utf16(u16::to_le_bytes, b"\xff\xfe"), &base).unwrap_err();
    assert!(why.contains("utf-16"), "{why}");
}

/// A text in a single-byte character set in which the euro sign stands at a place.
fn encoding_of(text: &str, euro: u8) -> Vec<u8> {
    text.chars().map(|c| if c == '€' { euro } else { u8::try_from(u32::from(c)).unwrap() }).collect()
}

#[test]
fn what_was_cut_off_is_no_ledger() {
    let whole = format!("{HEADER}{ROW}");
    assert_eq!(brief(&read(whole.as_bytes(), &settings()).unwrap()), ["F-1 Maison C1 120.00 EUR 2026-10-26"]);
    for cut in 1..ROW.len() {
        let why = read(&whole.as_bytes()[..whole.len() - cut], &settings()).unwrap_err();
        assert!(why.contains("cut off"), "{cut}: {why}");
    }
    let open = CsvSettings { last_line_end: false, ..settings() };
    assert!(read(whole.trim_end().as_bytes(), &open).is_ok());
    let half = whole.trim_end().rsplit_once(',').unwrap().0;
    assert!(read(half.as_bytes(), &open).unwrap_err().contains("fewer fields"));
    assert!(read(format!("{half}\n").as_bytes(), &settings()).unwrap_err().contains("fewer fields"));
    assert!(read(b" \n", &settings()).unwrap_err().contains("empty"));
    assert!(read(HEADER.as_bytes(), &settings()).unwrap().rows.is_empty(), "a ledger in which nothing is open");
}

#[test]
fn a_row_that_cannot_be_read_stops_no_other() {
    let text = format!(
        "{HEADER}{ROW}{}{}{}{}",
        "F-2,F-2,C1,Maison, C1,2026-09-26,2026-10-26,EUR,120.00,120.00,c1@client.example,BE,business\n",
        "F-3,F-3,C1,Maison C1,2026-09-26,26/10/2026,EUR,120.00,120.00,c1@client.example,BE,business\n",
        "F-4,F-4,C1,Maison C1,2026-09-26,2026-10-26,EUR,120.00,\"120,00\",c1@client.example,BE,business\n",
        ROW.replace("F-1,F-1", "F-5,F-5")
    );
    let table = read(text.as_bytes(), &settings()).unwrap();
    let rows = brief(&table);
    assert!(rows[1].contains("another number of fields"), "{rows:?}");
    assert!(rows[2].contains("due_on is \"26/10/2026\"; wanted a date"), "{rows:?}");
    assert!(rows[3].contains("balance in EUR: not a decimal number"), "{rows:?}");
    assert!(rows[0].starts_with("F-1 ") && rows[4].starts_with("F-5 "), "{rows:?}");
    let twice = read(format!("{HEADER}{ROW}{ROW}").as_bytes(), &settings()).unwrap();
    assert_eq!(twice.doubled, ["F-1"]);
}

#[test]
fn columns_are_said_or_found() {
    let why = read(b"Document;Solde\nF-1;1\n", &CsvSettings { delimiter: b';', ..settings() }).unwrap_err();
    assert!(why.contains("no column invoice_id, number") && why.contains("\"Document\", \"Solde\""), "{why}");
    let why = read(format!("balance,{HEADER}1,{ROW}").as_bytes(), &settings()).unwrap_err();
    assert!(why.contains("\"balance\" stands there twice"), "{why}");
    let columns = BTreeMap::from([("reference".to_owned(), CsvColumn::Header("VCS".to_owned()))]);
    let why = read(format!("{HEADER}{ROW}").as_bytes(), &CsvSettings { columns, ..settings() }).unwrap_err();
    assert!(why.contains("no column \"VCS\", which is to be reference"), "{why}");
}

/// A firm whose ledger is an export at a path.
async fn firm(port: u16, path: &str) -> World {
    let mut world = World::new(Config::mail(port).file("books/.keep", "")).await;
    let source = format!("kind = \"csv\"\npath = \"{path}\"\n");
    world
        .reconfigure(|mut config| {
            config.source = source;
            config.ledger = Some("csv".to_owned());
            config
        })
        .await;
    world
}

/// Writes an export that was finished an hour before the clock's now.
fn export(world: &World, name: &str, text: &str, hours_ago: u64) {
    let path = world.path(name);
    std::fs::write(&path, text).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(world.clock.now().as_millisecond().unsigned_abs());
    File::options().write(true).open(&path).unwrap().set_modified(now - Duration::from_secs(3600 * hours_ago)).unwrap();
}

#[tokio::test]
async fn the_newest_finished_file_of_a_folder_is_the_ledger() {
    let server = Smtp::start().await;
    let world = firm(server.port, "books").await;
    assert_eq!(world.poll().await.outcome, PollOutcome::Failed, "there is nothing yet");
    let (one, two) = (ROW, ROW.replace("F-1,F-1", "F-2,F-2"));
    export(&world, "books/monday.csv", &format!("{HEADER}{one}{two}"), 2);
    export(&world, "books/tuesday.csv.part", HEADER, 1);
    assert_eq!(world.poll().await.rows, 2);
    assert_eq!(world.plan().await.messages, 1);
    // A new export, in which one is paid: what is queued is read again there before it leaves.
    export(&world, "books/tuesday.csv", &format!("{HEADER}{one}"), 0);
    world.deliver().await;
    let text = server.only().parsed().text().to_owned();
    assert!(text.contains("F-1") && !text.contains("F-2"), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn an_export_that_was_cut_off_stops_sending_and_closes_nothing() {
    let server = Smtp::start().await;
    let world = firm(server.port, "books.csv").await;
    let whole = format!("{HEADER}{ROW}{}", ROW.replace("F-1,F-1", "F-2,F-2"));
    export(&world, "books.csv", &whole, 1);
    world.poll().await;
    export(&world, "books.csv", &whole[..whole.len() - 30], 0);
    let poll = world.poll().await;
    assert_eq!(poll.outcome, PollOutcome::Failed);
    assert!(poll.text.contains("cut off"), "{}", poll.text);
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.peek("SELECT presence FROM invoice ORDER BY pk").await, ["open", "open"]);
    export(&world, "books.csv", &whole, 0);
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_an_export_lacks_is_paid_when_the_next_one_lacks_it_too() {
    let server = Smtp::start().await;
    let world = firm(server.port, "books").await;
    let row = |n: u32| ROW.replace("F-1,F-1", &format!("F-{n},F-{n}"));
    let all: String = (1..=3).map(row).collect();
    export(&world, "books/1.csv", &format!("{HEADER}{all}"), 5);
    world.poll().await;
    // Cut off at the end of a line, by a writer that was ended: no sign of it in the file.
    export(&world, "books/2.csv", &format!("{HEADER}{}", row(1)), 4);
    world.plan().await;
    for _ in 0..2 {
        assert_eq!(
            (world.poll().await.outcome, world.poll().await.vanished),
            (PollOutcome::Good, 0),
            "the same file proves nothing"
        );
    }
    assert_eq!(world.peek("SELECT presence FROM invoice ORDER BY pk").await, ["open", "missing", "missing"]);
    world.deliver().await;
    let text = server.only().parsed().text().to_owned();
    assert!(text.contains("F-1") && !text.contains("F-2"), "nothing is written about what is not in the file: {text}");
    export(&world, "books/3.csv", &format!("{HEADER}{}{}", row(1), row(2)), 3);
    assert_eq!(world.poll().await.vanished, 1);
    assert_eq!(world.peek("SELECT presence FROM invoice ORDER BY pk").await, ["open", "open", "closed"]);
    world.finish().await;
}

#[tokio::test]
async fn the_file_before_never_counts_again() {
    let server = Smtp::start().await;
    let world = firm(server.port, "books").await;
    export(&world, "books/monday.csv", &format!("{HEADER}{ROW}"), 5);
    world.poll().await;
    export(&world, "books/tuesday.csv", &format!("{HEADER}{}", ROW.replace("F-1,F-1", "F-2,F-2")), 4);
    world.poll().await;
    // Whoever takes the new one away leaves no ledger, rather than yesterday's.
    std::fs::remove_file(world.path("books/tuesday.csv")).unwrap();
    let poll = world.poll().await;
    assert!(poll.outcome == PollOutcome::Failed && poll.text.contains("before the file that was read last"), "{}", poll.text);
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    world.finish().await;
}

#[test]
fn every_column_that_is_a_day_is_read_as_days_are_written() {
    use relance::domain::ledger::{OPTIONAL, REQUIRED};
    let days: Vec<&str> = REQUIRED
        .iter()
        .chain(&OPTIONAL)
        .copied()
        .filter(|c| c.ends_with("_on") || c.ends_with("_since") || c.ends_with("_through"))
        .collect();
    assert!(days.contains(&"promised_on") && days.contains(&"due_on"), "{days:?}");
    let settings = CsvSettings { date: Some("%d/%m/%Y".to_owned()), ..settings() };
    for day in days {
        let header = if HEADER.contains(day) { HEADER.to_owned() } else { HEADER.replace('\n', &format!(",{day}\n")) };
        let dated = ROW.replace("2026-09-26", "26/09/2026").replace("2026-10-26", "26/10/2026");
        let row = if HEADER.contains(day) { dated } else { dated.replace('\n', ",26/10/2026\n") };
        let rows = brief(&read(format!("{header}{row}").as_bytes(), &settings).unwrap());
        assert_eq!(rows, ["F-1 Maison C1 120.00 EUR 2026-10-26"], "{day}");
    }
}

#[tokio::test]
async fn an_old_file_stops_sending_however_often_it_is_read() {
    let server = Smtp::start().await;
    let world = firm(server.port, "books.csv").await;
    export(&world, "books.csv", &format!("{HEADER}{ROW}"), 37);
    assert_eq!(world.poll().await.outcome, PollOutcome::Good);
    world.plan().await;
    world.deliver().await;
    assert_eq!(world.reasons().await, ["stale_data 1"], "36 hours are the limit");
    assert_eq!(server.state().connections, 0);
    let told = world.desk().conditions(world.clock.now()).await.unwrap().brakes;
    assert!(told[0].text.starts_with("the export that is the ledger was written 37 h ago"), "{told:?}");
    world.minutes(10);
    export(&world, "books.csv", &format!("{HEADER}{ROW}"), 1);
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    world.finish().await;
}
