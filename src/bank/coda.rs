//! CODA, the coded statement of Belgian banks: records of 128 characters. Both balances and the trailer are counted again, so
//! that a file of which a part is missing is not read at all.

use super::{ENTRIES, Kind, Statements, TEXT, Unread, account, field};
use crate::domain::bank::{Entry, EntryKind};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::tame::tamed;
use encoding_rs::WINDOWS_1252;
use jiff::civil::{Date, date};

/// The length of a record.
const LENGTH: usize = 128;

/// A record, by the places that its description counts from 1.
struct Record {
    chars: Vec<char>,
    line: usize,
}

impl Record {
    /// The characters from one place to another, both among them.
    fn part(&self, from: usize, to: usize) -> String {
        self.chars.get(from - 1..to.min(self.chars.len())).unwrap_or_default().iter().collect()
    }

    fn wrong(&self, what: impl Into<String>) -> Unread {
        Unread::new(format!("record {} ({})", self.line, self.part(1, 2).trim()), what)
    }

    fn number(&self, from: usize, to: usize) -> Result<i64, Unread> {
        let text = self.part(from, to);
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|_| digits)
            .ok_or_else(|| self.wrong(format!("places {from} to {to} are \"{text}\"; wanted digits")))
    }

    /// DDMMYY.
    fn day(&self, from: usize) -> Result<Option<Date>, Unread> {
        let text = self.part(from, from + 5);
        if text.trim().is_empty() || text == "000000" {
            return Ok(None);
        }
        let two = |at: usize| text.get(at..at + 2).and_then(|t| t.parse::<i16>().ok());
        let read = two(0).zip(two(2)).zip(two(4)).and_then(|((d, m), y)| Date::new(2000 + y, m as i8, d as i8).ok());
        read.map(Some).ok_or_else(|| self.wrong(format!("\"{text}\" is no day; wanted DDMMYY")))
    }

    /// Thousandths, with the sign in front: 0 is a credit.
    fn signed(&self, sign: usize, from: usize) -> Result<i64, Unread> {
        let amount = self.number(from, from + 14)?;
        match self.part(sign, sign).as_str() {
            "0" => Ok(amount),
            "1" => Ok(-amount),
            other => Err(self.wrong(format!("the sign is \"{other}\"; wanted 0 or 1"))),
        }
    }
}

/// A movement, or a part of one.
#[derive(Clone)]
struct Movement {
    line: usize,
    sequence: String,
    detail: i64,
    bank_ref: String,
    /// Thousandths; below zero of a debit.
    amount: i64,
    code: String,
    structured: bool,
    communication: String,
    booked_on: Option<Date>,
    end_to_end: String,
    returned: bool,
    why: String,
    iban: String,
    name: String,
}

/// A statement as far as it has been read.
struct Statement {
    account: String,
    currency: Currency,
    id: String,
    opened: Date,
    balance: i64,
    sums: (i64, i64),
    records: i64,
    movements: Vec<Movement>,
    closed: bool,
}

/// Reads a file of statements.
pub fn read(bytes: &[u8]) -> Result<Statements, Unread> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    };
    let mut entries = Vec::new();
    let mut statement: Option<Statement> = None;
    let mut made = date(2000, 1, 1);
    let mut over = false;
    for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim_matches(['\u{1a}', ' ']).is_empty()) {
        let record = record(line, n + 1)?;
        match record.part(1, 1).as_str() {
            "0" => {
                if statement.is_some() {
                    return Err(record.wrong("a statement begins before the one before has ended: a part of the file is missing"));
                }
                made = record.day(6)?.unwrap_or(made);
                over = false;
            }
            "9" => {
                let done = statement.take();
                trailer(&record, done.as_ref())?;
                if let Some(done) = done {
                    movements(&done, &mut entries)?;
                }
                over = true;
            }
            kind => within(kind, &record, &mut statement, made)?,
        }
    }
    match over {
        true => Ok(Statements { kind: Kind::Coda, entries }),
        false => Err(Unread::new("its end", "there is no record 9: it was cut off, or is still being written")),
    }
}

fn record(line: &str, n: usize) -> Result<Record, Unread> {
    let mut chars: Vec<char> = line.trim_end_matches('\r').chars().take(LENGTH + 1).collect();
    if chars.len() > LENGTH {
        return Err(Unread::new(format!("record {n}"), "it is longer than 128 characters; wanted CODA as the bank delivers it"));
    }
    // Programs that pass files on take blanks from the ends of lines.
    chars.resize(LENGTH, ' ');
    Ok(Record { chars, line: n })
}

/// A record between the first and the last.
fn within(kind: &str, record: &Record, statement: &mut Option<Statement>, made: Date) -> Result<(), Unread> {
    if kind == "1" && statement.is_none() {
        *statement = Some(opening(record, made)?);
        return Ok(());
    }
    let Some(statement) = statement.as_mut() else {
        return Err(record.wrong("it stands outside of a statement; wanted records 0 and 1 before it"));
    };
    if kind != "4" {
        statement.records += 1;
    }
    match (kind, record.part(2, 2).as_str()) {
        ("2", "1") => movement(record, statement),
        ("2", "2") => second(record, statement),
        ("2", "3") => third(record, statement),
        // Information and free messages say nothing of amounts.
        ("3" | "4", _) => Ok(()),
        ("8", _) => closing(record, statement),
        _ => Err(record.wrong("wanted one of the records 0, 1, 21, 22, 23, 3, 4, 8 and 9")),
    }
}

/// Record 1: the account and the balance before.
fn opening(record: &Record, made: Date) -> Result<Statement, Unread> {
    let (number, currency) = match record.part(2, 2).as_str() {
        "0" => (record.part(6, 17), record.part(19, 21)),
        "1" => (record.part(6, 39), record.part(40, 42)),
        "2" => (record.part(6, 21), record.part(40, 42)),
        "3" => (record.part(6, 39), record.part(40, 42)),
        other => return Err(record.wrong(format!("the form of the account is \"{other}\"; wanted 0 to 3"))),
    };
    let account = account(&number).ok_or_else(|| record.wrong("there is no account in it"))?;
    let currency = Currency::parse(currency.trim())
        .ok_or_else(|| record.wrong(format!("the currency is \"{currency}\"; wanted an ISO 4217 code such as EUR")))?;
    let balance = record.signed(43, 44)?;
    let id = format!("{}/{}", made.year(), record.part(126, 128).trim());
    Ok(Statement { account, currency, id, opened: made, balance, sums: (0, 0), records: 1, movements: vec![], closed: false })
}

/// Record 21.
fn movement(record: &Record, statement: &mut Statement) -> Result<(), Unread> {
    if statement.movements.len() >= ENTRIES {
        return Err(record.wrong(format!("it has more than {ENTRIES} movements")));
    }
    let amount = record.signed(32, 33)?;
    let detail = record.number(7, 10)?;
    if detail == 0 {
        let sum = if amount < 0 { &mut statement.sums.0 } else { &mut statement.sums.1 };
        *sum = sum.saturating_add(amount.saturating_abs());
    }
    statement.movements.push(Movement {
        line: record.line,
        sequence: record.part(3, 6),
        detail,
        bank_ref: record.part(11, 31).trim().to_owned(),
        amount,
        code: record.part(54, 61),
        structured: record.part(62, 62) == "1",
        communication: record.part(63, 115),
        booked_on: record.day(116)?,
        end_to_end: String::new(),
        returned: false,
        why: String::new(),
        iban: String::new(),
        name: String::new(),
    });
    Ok(())
}

/// The movement that a further record belongs to.
fn last<'s>(record: &Record, statement: &'s mut Statement) -> Result<&'s mut Movement, Unread> {
    let (sequence, detail) = (record.part(3, 6), record.number(7, 10)?);
    let found = statement.movements.last_mut().filter(|m| m.sequence == sequence && m.detail == detail);
    found.ok_or_else(|| record.wrong("it belongs to no record 21 before it: a part of the file is missing"))
}

/// Record 22.
fn second(record: &Record, statement: &mut Statement) -> Result<(), Unread> {
    let movement = last(record, statement)?;
    movement.communication.push_str(&record.part(11, 63));
    movement.end_to_end = record.part(64, 98).trim().to_owned();
    movement.returned = matches!(record.part(113, 113).as_str(), "1" | "2" | "3" | "4" | "5");
    movement.why = record.part(114, 117).trim().to_owned();
    Ok(())
}

/// Record 23.
fn third(record: &Record, statement: &mut Statement) -> Result<(), Unread> {
    let movement = last(record, statement)?;
    // The account, and behind it its currency.
    movement.iban = record.part(11, 44).split_whitespace().next().unwrap_or_default().to_owned();
    movement.name = record.part(48, 82).trim().to_owned();
    movement.communication.push_str(&record.part(83, 125));
    Ok(())
}

/// Record 8: the balance after, which the movements must come to.
fn closing(record: &Record, statement: &mut Statement) -> Result<(), Unread> {
    let balance = record.signed(42, 43)?;
    let wanted = statement.balance.saturating_sub(statement.sums.0).saturating_add(statement.sums.1);
    if balance != wanted {
        return Err(record.wrong("the movements do not lead from the old balance to the new one: a part of the file is missing"));
    }
    statement.closed = true;
    Ok(())
}

/// Record 9: how many records there are, and both sums.
fn trailer(record: &Record, statement: Option<&Statement>) -> Result<(), Unread> {
    let Some(statement) = statement else { return Ok(()) };
    let (records, debits, credits) = (record.number(17, 22)?, record.number(23, 37)?, record.number(38, 52)?);
    if !statement.closed && !statement.movements.is_empty() {
        return Err(record.wrong("there is no record 8 before it: a part of the file is missing"));
    }
    if (debits, credits) != statement.sums || records != statement.records {
        let text = format!("it counts {records} records, and there are {}; or its sums are others", statement.records);
        return Err(record.wrong(format!("{text}: a part of the file is missing")));
    }
    Ok(())
}

/// Of movements that the bank booked as one sum the parts count, where they come to it.
fn movements(statement: &Statement, into: &mut Vec<Entry>) -> Result<(), Unread> {
    let mut from = 0;
    while let Some(first) = statement.movements.get(from) {
        let same = statement.movements[from..].iter().take_while(|m| m.sequence == first.sequence).count().max(1);
        let group = &statement.movements[from..from + same];
        from += same;
        let details: Vec<&Movement> = group.iter().filter(|m| m.detail > 0).collect();
        let sum = details.iter().fold(0i64, |sum, m| sum.saturating_add(m.amount));
        // Types 1 and 2 are sums; parts of others (costs, for one) explain an amount and are none of their own.
        let parts = first.detail == 0 && matches!(first.code.as_bytes().first(), Some(b'1' | b'2')) && sum == first.amount;
        let counted: Vec<&Movement> =
            if parts && !details.is_empty() { details } else { group.iter().filter(|m| m.detail == 0).collect() };
        for movement in counted {
            into.push(entry(statement, movement, into.len())?);
        }
    }
    Ok(())
}

fn entry(statement: &Statement, m: &Movement, n: usize) -> Result<Entry, Unread> {
    let wrong = |what: String| Unread::new(format!("record {} (21)", m.line), what);
    let step = 10i64.pow(3u32.saturating_sub(statement.currency.decimals()));
    let thousandths = m.amount.saturating_abs();
    if thousandths % step != 0 {
        return Err(wrong(format!("the amount has more decimals than {} has", statement.currency)));
    }
    // "Cancellation or correction", in whatever family.
    let corrected = m.code.get(3..5) == Some("99");
    let kind = match (m.amount >= 0, m.returned || corrected) {
        (true, false) => EntryKind::Credit,
        (false, true) => EntryKind::Reversal,
        _ => EntryKind::Debit,
    };
    let (references, text) = communication(m);
    let bank_ref = field(&m.bank_ref).filter(|r| r.chars().any(|c| c != '0'));
    Ok(Entry {
        account: statement.account.clone(),
        statement: statement.id.clone(),
        // The parts of a sum may bear its name.
        bank_ref: bank_ref.map(|r| if m.detail > 0 { format!("{r}.{}", m.detail) } else { r }),
        place: u32::try_from(n).unwrap_or(u32::MAX),
        kind,
        booked_on: m.booked_on.unwrap_or(statement.opened),
        amount: Money::new(thousandths / step, statement.currency),
        references,
        text,
        end_to_end: field(&m.end_to_end).filter(|e| e != "NOTPROVIDED"),
        name: field(&m.name),
        iban: account(&m.iban),
        why: field(&m.why),
    })
}

/// What stands in the communication: a reference in its place, or text.
fn communication(m: &Movement) -> (Vec<String>, String) {
    let kind: String = m.communication.chars().take(3).collect();
    let rest: String = m.communication.chars().skip(3).collect();
    let text = |t: &str| tamed(t).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TEXT).collect::<String>();
    match (m.structured, kind.as_str()) {
        (true, "101" | "102") => (vec![rest.chars().take(12).collect()], text(&rest.chars().skip(12).collect::<String>())),
        (true, _) => (vec![], text(&rest)),
        (false, _) => (vec![], text(&m.communication)),
    }
}
