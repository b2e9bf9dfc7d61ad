//! Loading all that is known of debtors, many in a handful of statements.

use super::db::{Store, StoreError, day, instant, word};
use super::{keys, statements};
use crate::domain::case::*;
use crate::domain::currency::Currency;
use crate::domain::invoice::*;
use crate::domain::money::Money;
use crate::domain::step::{Channel, Rank, StepId};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use std::collections::HashMap;

statements! {
    FILE_DEBTORS = "SELECT pk, source_id, name, language, country, kind, timezone, state, email, phone, entry_released
        FROM debtor WHERE pk IN (SELECT value FROM json_each($1)) ORDER BY pk";
    FILE_INVOICES = "SELECT pk, source_id, debtor_pk, number, kind, status, presence, issued_on, due_on, currency, total, balance,
            disputed, reference, pay_url, for_invoice, booked_through, cadence, term, first_seen, reopened, paused_until, thread, digest
        FROM invoice WHERE debtor_pk IN (SELECT value FROM json_each($1)) AND presence <> 'closed' ORDER BY debtor_pk, pk";
    FILE_MARKS = "SELECT m.invoice_pk, m.step, m.rank, m.kind, m.on_day, m.contact_pk FROM mark m
        JOIN invoice i ON i.pk = m.invoice_pk AND i.term = m.term
        WHERE i.debtor_pk IN (SELECT value FROM json_each($1)) AND i.presence <> 'closed' AND m.redirected <= $2";
    FILE_HOLDS = "SELECT pk, debtor_pk, invoice_pk, kind, until_day, reason FROM hold
        WHERE debtor_pk IN (SELECT value FROM json_each($1)) AND ended_at IS NULL";
    FILE_CONTACTS = "SELECT pk, debtor_pk, cadence, currency, step, state, at, invoices FROM contact
        WHERE debtor_pk IN (SELECT value FROM json_each($1)) AND redirected <= $2
          AND ((state IN ('left', 'dropped') AND at >= $3) OR state IN ('in_hand', 'maybe'))";
    FILE_REFUSALS = "SELECT m.debtor_pk, m.step, m.channel, m.address, c.invoices FROM message m JOIN contact c ON c.pk = m.contact_pk
        WHERE m.debtor_pk IN (SELECT value FROM json_each($1)) AND m.state IN ('refused', 'expired') AND c.redirected <= $2";
    FILE_POINTS = "SELECT debtor_pk, channel, address, evidence FROM point WHERE debtor_pk IN (SELECT value FROM json_each($1))";
}

/// What shapes a file besides the debtor.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    /// Messages go to `redirect_to`: then what was redirected counts, else it does not.
    pub redirected: bool,
    /// Contacts before this no longer matter for ceilings and spacing.
    pub contacts_since: Timestamp,
}

impl Store {
    /// The files of some debtors, in the order of their keys. Addresses come checked by `points`.
    pub async fn debtor_files(
        &self,
        debtors: &[i64],
        options: FileOptions,
        points: impl Fn(&Debtor) -> Vec<ContactPoint>,
    ) -> Result<Vec<DebtorFile>, StoreError> {
        load(&self.reader, debtors, options, points).await
    }
}

async fn load(
    pool: &SqlitePool,
    debtors: &[i64],
    options: FileOptions,
    points: impl Fn(&Debtor) -> Vec<ContactPoint>,
) -> Result<Vec<DebtorFile>, StoreError> {
    let list = keys(debtors.iter().copied());
    let redirected = i64::from(options.redirected);
    let mut tx = pool.begin().await?;
    let rows = sqlx::query(FILE_DEBTORS).bind(&list).fetch_all(&mut *tx).await?;
    let mut files: Vec<DebtorFile> = Vec::with_capacity(rows.len());
    for row in &rows {
        let debtor = debtor(row)?;
        let points = points(&debtor);
        let entry_released = row.get::<i64, _>("entry_released") != 0;
        let (rows, holds, contacts, refusals) = (vec![], vec![], vec![], vec![]);
        files.push(DebtorFile { debtor, rows, holds, contacts, points, refusals, entry_released });
    }
    let place: HashMap<i64, usize> = files.iter().enumerate().map(|(i, f)| (f.debtor.pk, i)).collect();
    let mut invoices: HashMap<i64, (usize, usize)> = HashMap::new();
    for row in sqlx::query(FILE_INVOICES).bind(&list).fetch_all(&mut *tx).await? {
        let Some(at) = place.get(&row.get::<i64, _>("debtor_pk")) else { continue };
        let invoice = invoice(&row)?;
        invoices.insert(invoice.pk, (*at, files[*at].rows.len()));
        files[*at].rows.push(CaseInvoice { invoice, marks: vec![], holds: vec![], digest: row.get("digest") });
    }
    for row in sqlx::query(FILE_MARKS).bind(&list).bind(redirected).fetch_all(&mut *tx).await? {
        let Some((file, at)) = invoices.get(&row.get::<i64, _>("invoice_pk")) else { continue };
        files[*file].rows[*at].marks.push(mark(&row)?);
    }
    for row in sqlx::query(FILE_HOLDS).bind(&list).fetch_all(&mut *tx).await? {
        let Some(file) = place.get(&row.get::<i64, _>("debtor_pk")) else { continue };
        let hold = hold(&row)?;
        match row.get::<Option<i64>, _>("invoice_pk") {
            None => files[*file].holds.push(hold),
            Some(pk) => {
                if let Some((file, at)) = invoices.get(&pk) {
                    files[*file].rows[*at].holds.push(hold);
                }
            }
        }
    }
    let since = options.contacts_since.as_millisecond();
    for row in sqlx::query(FILE_CONTACTS).bind(&list).bind(redirected).bind(since).fetch_all(&mut *tx).await? {
        let Some(file) = place.get(&row.get::<i64, _>("debtor_pk")) else { continue };
        files[*file].contacts.push(contact(&row)?);
    }
    for row in sqlx::query(FILE_REFUSALS).bind(&list).bind(redirected).fetch_all(&mut *tx).await? {
        let Some(file) = place.get(&row.get::<i64, _>("debtor_pk")) else { continue };
        files[*file].refusals.push(refusal(&row)?);
    }
    for row in sqlx::query(FILE_POINTS).bind(&list).fetch_all(&mut *tx).await? {
        let Some(file) = place.get(&row.get::<i64, _>("debtor_pk")) else { continue };
        let (channel, address): (String, String) = (row.get("channel"), row.get("address"));
        for point in &mut files[*file].points {
            if point.channel.as_str() == channel && point.address == address && point.state == PointState::Usable {
                point.state = PointState::Dead(row.get("evidence"));
            }
        }
    }
    tx.commit().await?;
    Ok(files)
}

pub(super) fn debtor(row: &SqliteRow) -> Result<Debtor, StoreError> {
    let kind: Option<String> = row.get("kind");
    Ok(Debtor {
        pk: row.get("pk"),
        id: row.get("source_id"),
        name: row.get("name"),
        language: row.get("language"),
        country: row.get("country"),
        kind: kind.as_deref().and_then(CustomerKind::parse),
        timezone: row.get("timezone"),
        state: row.get("state"),
        email: row.get("email"),
        phone: row.get("phone"),
    })
}

pub(super) fn invoice(row: &SqliteRow) -> Result<Invoice, StoreError> {
    let text = |name: &str| -> String { row.get(name) };
    let code = text("currency");
    let currency = word(Currency::parse(&code), &code)?;
    let money = |minor: i64| Money::new(minor, currency);
    let date = |name: &str| row.get::<Option<String>, _>(name).map(|d| day(&d)).transpose();
    Ok(Invoice {
        pk: row.get("pk"),
        id: row.get("source_id"),
        number: row.get("number"),
        kind: word(RowKind::parse(&text("kind")), &text("kind"))?,
        status: word(RowStatus::parse(&text("status")), &text("status"))?,
        presence: word(Presence::parse(&text("presence")), &text("presence"))?,
        issued_on: date("issued_on")?,
        due_on: day(&text("due_on"))?,
        balance: money(row.get("balance")),
        total: row.get::<Option<i64>, _>("total").map(money),
        disputed: row.get::<Option<i64>, _>("disputed").map(money),
        reference: row.get("reference"),
        pay_url: row.get("pay_url"),
        for_invoice: row.get("for_invoice"),
        booked_through: date("booked_through")?,
        cadence: row.get("cadence"),
        term: row.get::<i64, _>("term") as u32,
        first_seen: day(&text("first_seen"))?,
        reopened: row.get::<i64, _>("reopened") != 0,
        paused_until: date("paused_until")?,
        thread: row.get("thread"),
    })
}

fn step(row: &SqliteRow) -> Result<StepId, StoreError> {
    let name: String = row.get("step");
    word(StepId::parse(&name), &name)
}

fn mark(row: &SqliteRow) -> Result<Mark, StoreError> {
    let (kind, rank): (String, Option<String>) = (row.get("kind"), row.get("rank"));
    Ok(Mark {
        step: step(row)?,
        rank: rank.as_deref().and_then(Rank::parse),
        kind: word(MarkKind::parse(&kind), &kind)?,
        on: day(row.get("on_day"))?,
        contact: row.get("contact_pk"),
    })
}

pub(super) fn hold(row: &SqliteRow) -> Result<Hold, StoreError> {
    Ok(Hold { id: row.get("pk"), kind: HoldKind::Operator, until: day(row.get("until_day"))?, reason: row.get("reason") })
}

fn contact(row: &SqliteRow) -> Result<Contact, StoreError> {
    let (state, code): (String, String) = (row.get("state"), row.get("currency"));
    let state = match state.as_str() {
        "left" => ContactState::Left,
        "maybe" => ContactState::Maybe,
        "dropped" => ContactState::Dropped,
        _ => ContactState::InHand,
    };
    Ok(Contact {
        pk: row.get("pk"),
        at: instant(row.get("at"))?,
        state,
        case: CaseKey { cadence: row.get("cadence"), currency: word(Currency::parse(&code), &code)? },
        step: step(row)?,
        invoices: pk_list(row.get("invoices")),
    })
}

fn refusal(row: &SqliteRow) -> Result<Refusal, StoreError> {
    let channel: String = row.get("channel");
    Ok(Refusal {
        step: step(row)?,
        channel: word(Channel::parse(&channel), &channel)?,
        address: row.get("address"),
        invoices: pk_list(row.get("invoices")),
    })
}

fn pk_list(json: &str) -> Vec<i64> {
    serde_json::from_str(json).unwrap_or_default()
}
