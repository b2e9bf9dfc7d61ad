//! What the bank's statements show: files, entries, and what each pays or may pay. An entry is known by its key, whichever file
//! it stands in, and is put on record with all that follows in one transaction.

pub mod files;
pub mod hold;
pub mod take;

pub use files::{FileRow, Lies};
pub use take::{Matched, Taking};

use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::packed::names;
use super::sql::{Row, query};
use super::statements;
use crate::domain::bank::reference::Reference;
use crate::domain::bank::{Candidate, Entry, EntryKind, Live, Past};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::HashSet;

statements! {
    BANK_KNOWN = "SELECT key FROM bank_entry WHERE key IN (SELECT value ->> 0 FROM json_each($1))";
    BANK_OPEN = "SELECT i.pk, i.debtor_pk, d.name, i.number, i.reference, i.currency, i.balance, i.issued_on,
            (SELECT CAST(coalesce(sum(m.amount), 0) AS BIGINT) FROM bank_match m WHERE m.invoice_pk = i.pk AND m.state = 'live') AS covered
        FROM invoice i JOIN debtor d ON d.pk = i.debtor_pk
        WHERE i.pk > $1 AND i.presence <> 'closed' AND i.kind = 'invoice' AND i.balance > 0 ORDER BY i.pk LIMIT 5000";
    /// Credits that money that went out may take back, the newest first.
    BANK_PAST = "SELECT pk, booked_on, reference, text, bank_ref, end_to_end, iban FROM bank_entry
        WHERE amount = $1 AND currency = $2 AND account = $3 AND kind = 'credit' AND state IN ('unmatched', 'matched', 'booked', 'proposed')
          AND booked_on >= $4 ORDER BY booked_on DESC, pk DESC LIMIT 200";
    BANK_ENTRIES_IN = "SELECT pk, account, statement, bank_ref, kind, booked_on, currency, amount, reference, text, end_to_end, name, iban, why FROM bank_entry
        WHERE state = $1 AND booked_on >= $2 AND pk > $3 ORDER BY pk LIMIT 1000";
    BANK_LIVE = "SELECT m.pk, m.invoice_pk, m.amount, m.balance, i.presence, i.balance AS open FROM bank_match m JOIN invoice i ON i.pk = m.invoice_pk
        WHERE m.state = 'live' ORDER BY m.invoice_pk, m.pk";
    BANK_DUE = "SELECT m.pk, m.entry_pk, m.amount, m.debtor_pk, e.currency, e.booked_on, i.number, d.source_id, d.name FROM bank_match m
        JOIN bank_entry e ON e.pk = m.entry_pk JOIN invoice i ON i.pk = m.invoice_pk JOIN debtor d ON d.pk = m.debtor_pk
        WHERE m.state = 'live' AND m.until_day <= $1 ORDER BY m.pk LIMIT 1000";
    BANK_LIST = "SELECT e.pk, e.at, e.account, e.statement, e.kind, e.booked_on, e.currency, e.amount, e.reference, e.text, e.end_to_end, e.name, e.iban,
            e.state, e.why, e.undoes_pk, e.said_at, e.said_by, e.remark, e.erased_at FROM bank_entry e
        WHERE e.pk > $1 AND ($2 = 0 OR e.state = 'proposed' OR EXISTS (SELECT 1 FROM bank_match m WHERE m.entry_pk = e.pk AND m.state = 'live' AND m.asked_at IS NOT NULL))
          AND (CAST($3 AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM bank_match m WHERE m.entry_pk = e.pk AND m.debtor_pk = $3))
        ORDER BY e.pk LIMIT 500";
    BANK_ONE = "SELECT e.pk, e.at, e.account, e.statement, e.kind, e.booked_on, e.currency, e.amount, e.reference, e.text, e.end_to_end, e.name, e.iban,
            e.state, e.why, e.undoes_pk, e.said_at, e.said_by, e.remark, e.erased_at FROM bank_entry e WHERE e.pk = $1";
    BANK_MATCHES = "SELECT m.pk, m.entry_pk, m.invoice_pk, m.debtor_pk, m.state, m.amount, m.until_day, m.asked_at, i.number, i.balance, i.presence, d.source_id, d.name
        FROM bank_match m JOIN invoice i ON i.pk = m.invoice_pk JOIN debtor d ON d.pk = m.debtor_pk WHERE m.entry_pk = $1 ORDER BY m.pk";
    BANK_TO_DECIDE = "SELECT count(*) FROM bank_entry e WHERE e.state = 'proposed'
        OR EXISTS (SELECT 1 FROM bank_match m WHERE m.entry_pk = e.pk AND m.state = 'live' AND m.asked_at IS NOT NULL)";
    BANK_INVOICE = "SELECT i.pk, i.debtor_pk, d.name, i.number, i.reference, i.currency, i.balance, i.issued_on,
            (SELECT CAST(coalesce(sum(m.amount), 0) AS BIGINT) FROM bank_match m WHERE m.invoice_pk = i.pk AND m.state = 'live' AND m.entry_pk <> $2) AS covered
        FROM invoice i JOIN debtor d ON d.pk = i.debtor_pk WHERE i.pk = $1";
}

/// An entry with its key in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub pk: i64,
    /// What it shows.
    pub entry: Entry,
}

/// A payment whose time is over, and which the ledger has not booked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "what a letter tells")]
pub struct Overdue {
    pub pk: i64,
    pub entry_pk: i64,
    pub debtor_pk: i64,
    pub amount: Money,
    pub booked_on: Date,
    pub number: String,
    pub debtor: String,
    pub name: String,
}

/// An entry, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of `bank`, see README")]
pub struct BankRow {
    pub id: i64,
    pub at: Timestamp,
    pub account: String,
    pub statement: String,
    pub kind: EntryKind,
    pub booked_on: Date,
    pub amount: Money,
    pub references: Vec<String>,
    pub text: String,
    pub end_to_end: Option<String>,
    pub name: Option<String>,
    pub iban: Option<String>,
    pub state: String,
    pub why: Option<String>,
    pub undoes: Option<i64>,
    pub said_at: Option<Timestamp>,
    pub said_by: Option<String>,
    pub remark: Option<String>,
    pub erased: bool,
}

/// An invoice that an entry pays or may pay, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of `bank`, see README")]
pub struct MatchRow {
    pub pk: i64,
    pub invoice_pk: i64,
    pub debtor_pk: i64,
    pub state: String,
    pub amount: i64,
    pub until: Option<Date>,
    pub asked: bool,
    pub number: String,
    pub open: bool,
    pub balance: i64,
    pub debtor: String,
    pub name: String,
}

impl Store {
    /// Which of some entries are on record, by key.
    pub async fn bank_known(&self, keys: &[String]) -> Result<HashSet<String>, StoreError> {
        let mut known = HashSet::new();
        for chunk in keys.chunks(5000) {
            known.extend(query(BANK_KNOWN).bind(names(chunk)?).list::<String>(&self.reader).await?);
        }
        Ok(known)
    }

    /// Open invoices above a key, in order; at most 5,000.
    pub async fn bank_open(&self, above: i64) -> Result<Vec<Candidate>, StoreError> {
        query(BANK_OPEN).bind(above).all(&self.reader).await?.iter().map(candidate).collect()
    }

    /// One invoice; what an entry itself covers of it is not counted.
    pub async fn bank_invoice(&self, pk: i64, entry_pk: i64) -> Result<Option<Candidate>, StoreError> {
        query(BANK_INVOICE).bind(pk).bind(entry_pk).optional(&self.reader).await?.as_ref().map(candidate).transpose()
    }

    /// Credits of an account and amount, the newest first, not older than a day.
    pub async fn bank_past(&self, of: &Entry, since: Date) -> Result<Vec<Past>, StoreError> {
        let rows = query(BANK_PAST).bind(of.amount.minor).bind(of.amount.currency.code()).bind(&of.account);
        let rows = rows.bind(since.to_string()).all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                let mut as_entry = of.clone();
                as_entry.references = list(&row.get::<String>("reference")?)?;
                as_entry.text = row.get("text")?;
                as_entry.end_to_end = row.get("end_to_end")?;
                Ok(Past {
                    pk: row.get("pk")?,
                    booked_on: day(&row.get::<String>("booked_on")?)?,
                    references: crate::domain::bank::references(&as_entry),
                    bank_ref: row.get("bank_ref")?,
                    end_to_end: as_entry.end_to_end,
                    iban: row.get("iban")?,
                })
            })
            .collect()
    }

    /// Entries in a state, not older than a day, above a number; at most 1,000.
    pub async fn bank_in(&self, state: &str, since: Date, above: i64) -> Result<Vec<Kept>, StoreError> {
        let rows = query(BANK_ENTRIES_IN).bind(state).bind(since.to_string()).bind(above).all(&self.reader).await?;
        rows.iter().map(kept).collect()
    }

    /// Payments that are held, by invoice, with what the ledger has open of it now (`None`: the invoice is closed).
    pub async fn bank_live(&self) -> Result<Vec<(i64, Live, Option<i64>)>, StoreError> {
        let rows = query(BANK_LIVE).all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                let closed = row.get::<String>("presence")? == "closed";
                let live = Live { pk: row.get("pk")?, amount: row.get("amount")?, balance: row.get("balance")? };
                let open: i64 = row.get("open")?;
                Ok((row.get("invoice_pk")?, live, (!closed).then_some(open)))
            })
            .collect()
    }

    /// Payments whose time is over on a day.
    pub async fn bank_overdue(&self, today: Date) -> Result<Vec<Overdue>, StoreError> {
        let rows = query(BANK_DUE).bind(today.to_string()).all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                Ok(Overdue {
                    pk: row.get("pk")?,
                    entry_pk: row.get("entry_pk")?,
                    debtor_pk: row.get("debtor_pk")?,
                    amount: money(row, "amount")?,
                    booked_on: day(&row.get::<String>("booked_on")?)?,
                    number: row.get("number")?,
                    debtor: row.get("source_id")?,
                    name: row.get("name")?,
                })
            })
            .collect()
    }

    /// Entries above a number, in order, at most 500: all, or those that wait for a person; of one customer, or of all.
    pub async fn bank_rows(&self, above: i64, to_decide: bool, debtor_pk: Option<i64>) -> Result<Vec<BankRow>, StoreError> {
        let rows = query(BANK_LIST).bind(above).bind(i64::from(to_decide)).bind(debtor_pk).all(&self.reader).await?;
        rows.iter().map(bank_row).collect()
    }

    /// One entry, by its number.
    pub async fn bank_row(&self, id: i64) -> Result<Option<BankRow>, StoreError> {
        query(BANK_ONE).bind(id).optional(&self.reader).await?.as_ref().map(bank_row).transpose()
    }

    /// What an entry pays or may pay.
    pub async fn bank_matches(&self, entry_pk: i64) -> Result<Vec<MatchRow>, StoreError> {
        let rows = query(BANK_MATCHES).bind(entry_pk).all(&self.reader).await?;
        rows.iter().map(match_row).collect()
    }

    /// How many entries wait for a person.
    pub async fn bank_to_decide(&self) -> Result<u64, StoreError> {
        Ok(query(BANK_TO_DECIDE).sure::<i64>(&self.reader).await?.unsigned_abs())
    }
}

fn money(row: &Row, name: &str) -> Result<Money, StoreError> {
    let code: String = row.get("currency")?;
    Ok(Money::new(row.get(name)?, word(Currency::parse(&code), &code)?))
}

fn list(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Corrupt(format!("references of an entry: {e}")))
}

fn candidate(row: &Row) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        pk: row.get("pk")?,
        debtor_pk: row.get("debtor_pk")?,
        name: row.get("name")?,
        number: row.get("number")?,
        reference: row.get::<Option<String>>("reference")?.as_deref().and_then(Reference::read),
        balance: money(row, "balance")?,
        covered: row.get("covered")?,
        issued_on: row.get::<Option<String>>("issued_on")?.as_deref().map(day).transpose()?,
    })
}

fn kept(row: &Row) -> Result<Kept, StoreError> {
    let kind: String = row.get("kind")?;
    let entry = Entry {
        account: row.get("account")?,
        statement: row.get("statement")?,
        bank_ref: row.get("bank_ref")?,
        place: 0,
        kind: word(EntryKind::parse(&kind), &kind)?,
        booked_on: day(&row.get::<String>("booked_on")?)?,
        amount: money(row, "amount")?,
        references: list(&row.get::<String>("reference")?)?,
        text: row.get("text")?,
        end_to_end: row.get("end_to_end")?,
        name: row.get("name")?,
        iban: row.get("iban")?,
        why: row.get("why")?,
    };
    Ok(Kept { pk: row.get("pk")?, entry })
}

fn bank_row(row: &Row) -> Result<BankRow, StoreError> {
    let kind: String = row.get("kind")?;
    Ok(BankRow {
        id: row.get("pk")?,
        at: instant(row.get("at")?)?,
        account: row.get("account")?,
        statement: row.get("statement")?,
        kind: word(EntryKind::parse(&kind), &kind)?,
        booked_on: day(&row.get::<String>("booked_on")?)?,
        amount: money(row, "amount")?,
        references: list(&row.get::<String>("reference")?)?,
        text: row.get("text")?,
        end_to_end: row.get("end_to_end")?,
        name: row.get("name")?,
        iban: row.get("iban")?,
        state: row.get("state")?,
        why: row.get("why")?,
        undoes: row.get("undoes_pk")?,
        said_at: row.get::<Option<i64>>("said_at")?.map(instant).transpose()?,
        said_by: row.get("said_by")?,
        remark: row.get("remark")?,
        erased: row.get::<Option<i64>>("erased_at")?.is_some(),
    })
}

fn match_row(row: &Row) -> Result<MatchRow, StoreError> {
    Ok(MatchRow {
        pk: row.get("pk")?,
        invoice_pk: row.get("invoice_pk")?,
        debtor_pk: row.get("debtor_pk")?,
        state: row.get("state")?,
        amount: row.get("amount")?,
        until: row.get::<Option<String>>("until_day")?.as_deref().map(day).transpose()?,
        asked: row.get::<Option<i64>>("asked_at")?.is_some(),
        number: row.get("number")?,
        open: row.get::<String>("presence")? != "closed",
        balance: row.get("balance")?,
        debtor: row.get("source_id")?,
        name: row.get("name")?,
    })
}
