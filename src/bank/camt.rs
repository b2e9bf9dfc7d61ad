//! camt.053, the statement of ISO 20022, in all its versions: elements go by their local names, and what moved from one version
//! to the next is looked for in both places.

use super::xml::{Element, Piece, Walker};
use super::{ENTRIES, Kind, Statements, TEXT, Unread, account, field};
use crate::domain::bank::{Entry, EntryKind};
use crate::domain::currency::Currency;
use crate::domain::money::{Money, parse_minor};
use crate::domain::tame::tame;
use encoding_rs::{Encoding, UTF_8};
use jiff::civil::Date;

/// The element in which a statement stands, beside those that are no statement.
const STATEMENT: &str = "BkToCstmrStmt";
const OTHERS: [(&str, &str); 2] = [
    (
        "BkToCstmrAcctRpt",
        "it is a report within the day (camt.052), whose entries may still change; wanted statements (camt.053)",
    ),
    (
        "BkToCstmrDbtCdtNtfctn",
        "it is a notice (camt.054), whose entries stand in the statement as well; wanted statements (camt.053)",
    ),
];

/// A statement as far as it has been read.
#[derive(Default)]
struct Statement {
    id: String,
    account: Option<String>,
    entries: u32,
}

/// Reads a file of statements.
pub fn read(bytes: &[u8]) -> Result<Statements, Unread> {
    let text = decoded(bytes)?;
    let mut walker = Walker::new(&text, &["Ntry"]);
    let mut entries = Vec::new();
    let mut statement = Statement::default();
    let mut found = false;
    loop {
        match walker.next()? {
            Piece::Begins => {
                let name = walker.path.last().map(String::as_str).unwrap_or_default();
                if let Some((_, why)) = OTHERS.iter().find(|(other, _)| *other == name) {
                    return Err(Unread::new(walker.line(), *why));
                }
                found |= name == STATEMENT;
                if name == "Stmt" {
                    statement = Statement::default();
                }
            }
            Piece::Ended(name, text) => {
                let path: Vec<&str> = walker.path.iter().map(String::as_str).rev().collect();
                match (name.as_str(), path.as_slice()) {
                    ("Id", ["Stmt", ..]) => statement.id = field(&text).unwrap_or_default(),
                    ("IBAN", ["Id", "Acct", "Stmt", ..]) => statement.account = account(&text),
                    ("Id", ["Othr", "Id", "Acct", "Stmt", ..]) if statement.account.is_none() => {
                        statement.account = account(&text)
                    }
                    _ => {}
                }
            }
            Piece::Whole(entry) => {
                let line = walker.line();
                let wrong = |what: String| Unread::new(format!("the entry that ends at {line}"), what);
                if !found || entries.len() >= ENTRIES {
                    return Err(wrong(if found { format!("it has more than {ENTRIES} entries") } else { no_statement() }));
                }
                read_entry(&entry, &mut statement, &mut entries).map_err(wrong)?;
            }
            Piece::Over if found => return Ok(Statements { kind: Kind::Camt053, entries }),
            Piece::Over => return Err(Unread::new("its beginning", no_statement())),
        }
    }
}

fn no_statement() -> String {
    format!("it has no element {STATEMENT}; wanted a statement in camt.053")
}

/// The text, by the encoding that its first line names: UTF-8 unless that says otherwise.
fn decoded(bytes: &[u8]) -> Result<String, Unread> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let named = head.split_once("encoding=").map(|(_, rest)| rest.trim_start_matches(['"', '\'']));
    let label = named.and_then(|rest| rest.split(['"', '\'', '?']).next()).unwrap_or("utf-8");
    let encoding = Encoding::for_bom(bytes).map(|(e, _)| e).or(Encoding::for_label(label.as_bytes())).unwrap_or(UTF_8);
    let (text, _, broken) = encoding.decode(bytes);
    if broken {
        return Err(Unread::new("its characters", format!("it is not written in {}, as it says", encoding.name())));
    }
    Ok(text.into_owned())
}

/// One entry, or the payments that it is the sum of.
fn read_entry(ntry: &Element, statement: &mut Statement, into: &mut Vec<Entry>) -> Result<(), String> {
    let status = ntry.text(&["Sts", "Cd"]).or(ntry.text(&["Sts"]));
    if status != Some("BOOK") {
        return match status {
            Some("PDNG" | "INFO" | "FUTR") => Ok(()),
            _ => Err("its Sts is none of BOOK, PDNG, INFO and FUTR".to_owned()),
        };
    }
    let own = statement.account.clone().ok_or("the statement names no account before its entries")?;
    let booked_on = day(ntry, "BookgDt").or(day(ntry, "ValDt")).ok_or("it has neither BookgDt nor ValDt with a date")?;
    let whole = amount(ntry.at(&["Amt"]).ok_or("it has no Amt")?)?;
    let credit = is_credit(ntry).ok_or("its CdtDbtInd is neither CRDT nor DBIT")?;
    let reversal = ntry.text(&["RvslInd"]).is_some_and(|t| t == "true" || t == "1");
    let bank_ref = ntry.text(&["AcctSvcrRef"]).and_then(field);
    let details = ntry.all(&["NtryDtls", "TxDtls"]);
    let parts = split(&details, whole, credit);
    let mut new = |of: &[&Element], money: Money, credit: bool, alone: bool| {
        statement.entries += 1;
        let own_ref = of.first().and_then(|tx| tx.text(&["Refs", "AcctSvcrRef"])).and_then(field);
        into.push(Entry {
            account: own.clone(),
            statement: statement.id.clone(),
            bank_ref: own_ref.or_else(|| bank_ref.clone()),
            place: statement.entries,
            kind: kind(credit, reversal, of),
            booked_on,
            amount: money,
            references: of.iter().flat_map(|tx| references(tx)).collect(),
            text: text(ntry, of, alone),
            end_to_end: of.iter().find_map(|tx| tx.text(&["Refs", "EndToEndId"])).filter(|t| *t != "NOTPROVIDED").and_then(field),
            name: of.iter().find_map(|tx| other_name(tx, credit)),
            iban: of.iter().find_map(|tx| other_account(tx, credit)),
            why: of.iter().find_map(|tx| tx.text(&["RtrInf", "Rsn", "Cd"])).and_then(field),
        });
    };
    match parts {
        Some(parts) => parts.into_iter().for_each(|(tx, money, credit)| new(&[tx], money, credit, details.len() == 1)),
        None => new(&details, whole, credit, true),
    }
    Ok(())
}

/// The payments of which an entry is the sum, each with its amount and direction; `None` where they do not say or do not add up:
/// then it is taken as a whole.
fn split<'e>(details: &[&'e Element], whole: Money, credit: bool) -> Option<Vec<(&'e Element, Money, bool)>> {
    if let [one] = details {
        return Some(vec![(one, whole, credit)]);
    }
    let mut sum = 0i64;
    let mut parts = Vec::with_capacity(details.len());
    for tx in details {
        let own = tx.at(&["Amt"]).or(tx.at(&["AmtDtls", "TxAmt", "Amt"]))?;
        let money = amount(own).ok().filter(|m| m.currency == whole.currency)?;
        let direction = is_credit(tx).unwrap_or(credit);
        sum = sum.checked_add(if direction == credit { money.minor } else { money.minor.checked_neg()? })?;
        parts.push((*tx, money, direction));
    }
    (!parts.is_empty() && sum == whole.minor).then_some(parts)
}

/// Money that went out is a reversal only where the bank says so. Money that came because our own payment was taken back, or
/// could not be made, is no customer's payment.
fn kind(credit: bool, reversal: bool, of: &[&Element]) -> EntryKind {
    let returned = reversal || of.iter().any(|tx| tx.at(&["RtrInf"]).is_some());
    match (credit, returned) {
        (true, false) => EntryKind::Credit,
        (false, true) => EntryKind::Reversal,
        _ => EntryKind::Debit,
    }
}

fn is_credit(of: &Element) -> Option<bool> {
    match of.text(&["CdtDbtInd"])? {
        "CRDT" => Some(true),
        "DBIT" => Some(false),
        _ => None,
    }
}

fn day(of: &Element, name: &str) -> Option<Date> {
    let text = of.text(&[name, "Dt"]).or(of.text(&[name, "DtTm"]))?;
    text.get(..10)?.parse().ok()
}

/// An amount with its currency. Zeros behind the currency's own decimals mean nothing; anything else there is no amount.
fn amount(of: &Element) -> Result<Money, String> {
    let code = of.currency.as_deref().unwrap_or_default();
    let currency =
        Currency::parse(code).ok_or_else(|| format!("the currency of its amount is \"{code}\"; wanted an ISO 4217 code"))?;
    let text = of.text.trim();
    let decimals = currency.decimals() as usize;
    let cut = match text.split_once('.') {
        Some((whole, part)) if part.len() > decimals && part[decimals..].bytes().all(|b| b == b'0') && part.is_ascii() => {
            if decimals == 0 {
                whole.to_owned()
            } else {
                format!("{whole}.{}", &part[..decimals])
            }
        }
        _ => text.to_owned(),
    };
    match parse_minor(&cut, currency.decimals()) {
        Ok(minor) if minor >= 0 => Ok(Money::new(minor, currency)),
        Ok(_) => Err("its amount is below zero; CdtDbtInd says which way it went".to_owned()),
        Err(e) => Err(format!("its amount \"{text}\" is {e}")),
    }
}

fn references(tx: &Element) -> Vec<String> {
    tx.all(&["RmtInf", "Strd", "CdtrRefInf", "Ref"])
        .iter()
        .chain(&tx.all(&["RmtInf", "Strd", "CdtrRefInf", "CdtrRef"]))
        .filter_map(|e| field(&e.text))
        .take(50)
        .collect()
}

/// What the payer wrote; of an entry that is one payment also what the bank put beside it. Lines are kept apart: whoever reads
/// them tries both, since some banks break them anywhere.
fn text(ntry: &Element, of: &[&Element], alone: bool) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for tx in of {
        lines.extend(tx.all(&["RmtInf", "Ustrd"]).iter().map(|e| e.text.as_str()));
        lines.extend(tx.all(&["RmtInf", "Strd", "AddtlRmtInf"]).iter().map(|e| e.text.as_str()));
        lines.extend(tx.all(&["RmtInf", "Strd", "RfrdDocInf", "Nb"]).iter().map(|e| e.text.as_str()));
        lines.extend(tx.text(&["AddtlTxInf"]));
    }
    if alone {
        lines.extend(ntry.text(&["AddtlNtryInf"]));
    }
    let line = |l: &&str| l.chars().filter_map(tame).collect::<String>().trim().to_owned();
    lines.iter().map(line).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n").chars().take(TEXT).collect()
}

/// The other side: the debtor of what came, the creditor of what went.
fn other_name(tx: &Element, credit: bool) -> Option<String> {
    let side = if credit { "Dbtr" } else { "Cdtr" };
    let parties = tx.at(&["RltdPties"])?;
    let found = parties.text(&[side, "Nm"]).or(parties.text(&[side, "Pty", "Nm"]));
    found.or(parties.text(&[if credit { "UltmtDbtr" } else { "UltmtCdtr" }, "Nm"])).and_then(field)
}

fn other_account(tx: &Element, credit: bool) -> Option<String> {
    let side = if credit { "DbtrAcct" } else { "CdtrAcct" };
    let parties = tx.at(&["RltdPties", side, "Id"])?;
    parties.text(&["IBAN"]).or(parties.text(&["Othr", "Id"])).and_then(account)
}
