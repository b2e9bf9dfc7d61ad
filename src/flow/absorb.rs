//! Taking rows of the source into our ledger: what is new, what changed, and what that means (R7, R12).

use super::desk::{Desk, DeskError};
use crate::domain::calendar::plus_working_days;
use crate::domain::debtor::Debtor;
use crate::domain::invoice::{Presence, RowKind, RowStatus};
use crate::domain::ledger::{Customer, LedgerRow};
use crate::domain::money::Money;
use crate::domain::time::{days_between, local_date};
use crate::source::row::{Columns, RawRow};
use crate::store::ledger::{DebtorRow, InvoiceRow, Known, LedgerEvent, LedgerPromise, PageChange, PromisedDay};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{BTreeMap, HashSet};

/// Working days that the next step waits after a part payment (R12).
const PART_PAYMENT_PAUSE: i32 = 3;

/// What came of a page.
#[derive(Debug, Default)]
pub struct Absorbed {
    /// Store keys of rows seen again, changed or not.
    pub seen: Vec<i64>,
    /// What to write.
    pub change: PageChange,
}

/// Mixes the configuration into a row's digest: when the configuration changes, every row is weighed anew.
pub fn digest(desk: &Desk, row: &RawRow) -> i64 {
    let salt = i64::from_str_radix(desk.setup.fingerprint.get(..15).unwrap_or("0"), 16).unwrap_or(0);
    row.digest ^ salt
}

/// Compares rows with what is known and works out the change.
pub async fn absorb(
    desk: &Desk,
    columns: &Columns,
    rows: &[RawRow],
    doubled: &[String],
    now: Timestamp,
) -> Result<Absorbed, DeskError> {
    let ids: Vec<String> = rows.iter().map(|r| r.id.clone()).collect();
    let known = desk.store.known(&ids).await?;
    let mut absorbed = Absorbed::default();
    // In the order of their ids, so that the same ledger always comes out in the same order.
    let mut debtors: BTreeMap<String, DebtorRow> = BTreeMap::new();
    let doubled: HashSet<&String> = doubled.iter().collect();
    let country = &desk.setup.settings.creditor.country;
    let mut written: HashSet<&str> = HashSet::new();
    for raw in rows {
        let before = known.get(&raw.id);
        absorbed.seen.extend(before.map(|k| k.pk));
        if doubled.contains(&raw.id) {
            if written.insert(&raw.id) {
                let text = "the id stands more than once; the query must give one row for each invoice";
                absorbed.change.unreadable.push((raw.id.clone(), text.to_owned()));
            }
            continue;
        }
        let digest = digest(desk, raw);
        if before.is_some_and(|k| k.digest == digest && matches!(k.presence, Presence::Open | Presence::Closed)) {
            continue;
        }
        match raw.read(columns, country) {
            Err(why) => absorbed.change.unreadable.push((raw.shown_id(), why)),
            Ok(row) if before.is_none() && !row.is_open() => {}
            // Of a customer who was erased nothing comes back but what is claimed anew.
            Ok(row) if before.is_some_and(|k| k.erased) && !row.is_open() => {}
            Ok(mut row) => {
                row.balance = under_way(&row, before);
                debtors.insert(row.customer.id.clone(), debtor_row(&row.customer));
                change(desk, &row, before, digest, now, &mut absorbed.change);
            }
        }
    }
    absorbed.change.debtors = debtors.into_values().collect();
    Ok(absorbed)
}

/// What fell due before this day and is paid now was paid late: later than its due date, the days that a bank takes and
/// those until receipts are booked.
pub(super) fn late_before(desk: &Desk, now: Timestamp) -> Date {
    let settings = &desk.setup.settings;
    let bank = settings.creditor.calendar.as_deref();
    let today = local_date(now, &settings.creditor.timezone);
    settings.policy.grace.before(settings.source.booking_lag.before(today, bank), bank)
}

fn debtor_row(c: &Customer) -> DebtorRow {
    DebtorRow {
        id: c.id.clone(),
        name: c.name.clone(),
        language: c.language.clone(),
        country: c.country.clone(),
        kind: c.kind.map(|k| k.as_str()),
        timezone: c.timezone.clone(),
        state: c.state.map(|s| s.as_str().to_owned()),
        email: c.email.clone(),
        phone: c.phone.clone(),
        enterprise_no: c.enterprise_no.clone(),
        contacts: c.contacts.clone(),
        pay_runs: c.pay_runs.clone(),
        since: c.since.map(|d| d.to_string()),
    }
}

fn change(desk: &Desk, row: &LedgerRow, before: Option<&Known>, digest: i64, now: Timestamp, out: &mut PageChange) {
    let customer = &row.customer;
    let debtor = Debtor { country: customer.country.clone(), timezone: customer.timezone.clone(), ..Debtor::default() };
    let today = local_date(now, &desk.setup.zone(&debtor));
    if before.is_none() && row.kind == RowKind::Invoice {
        out.born.push(customer.id.clone());
    }
    let open = row.is_open();
    let mut term = before.map_or(1, |k| k.term);
    let mut reopened = false;
    let mut paused_until = None;
    let mut event = |kind, text: String, amount: i64, sign_of_life| {
        out.events.push(LedgerEvent { invoice: row.id.clone(), kind, text, amount: Some(amount), sign_of_life });
    };
    if let Some(k) = before {
        let was_open = k.presence != Presence::Closed;
        let old = Money::new(k.balance, k.currency);
        if was_open && !open {
            event("paid", format!("closed in the ledger (paid or cancelled); {old} was open"), old.minor, true);
        } else if !was_open && open {
            term += 1;
            reopened = true;
            event("reopened", format!("open again after it was paid: {}", row.balance), row.balance.minor, false);
        } else if open && row.due_on > k.due_on {
            term += 1;
            out.carried.push(k.pk);
            event("due_moved", format!("due date moved from {} to {}", k.due_on, row.due_on), row.balance.minor, false);
        }
        let same = was_open && open && row.kind == RowKind::Invoice && row.balance.currency == k.currency;
        if same && row.balance.minor < k.balance && k.balance > 0 {
            // Working days are those of both countries, as for every step.
            let country = row.customer.country.as_deref();
            paused_until = Some(plus_working_days(today, PART_PAYMENT_PAUSE, desk.setup.calendar_of(country)));
            event("part_paid", format!("balance went from {old} to {}", row.balance), k.balance - row.balance.minor, true);
        }
    }
    let promised = row.promised_on.filter(|_| open);
    if before.map_or(promised.is_some(), |k| k.promised_on != promised) {
        out.promises.push(LedgerPromise { invoice: row.id.clone(), day: promised.and_then(|day| promise(desk, day, today)) });
    }
    out.invoices.push(InvoiceRow {
        id: row.id.clone(),
        debtor: row.customer.id.clone(),
        number: row.number.clone(),
        kind: row.kind.as_str(),
        // That it is under way is kept by the day on which that was first seen.
        status: if row.status == RowStatus::Pending { RowStatus::Open } else { row.status }.as_str(),
        presence: if open { Presence::Open.as_str() } else { Presence::Closed.as_str() },
        issued_on: row.issued_on.map(|d| d.to_string()),
        due_on: row.due_on.to_string(),
        currency: row.balance.currency.code().to_owned(),
        total: row.total.map(|m| m.minor),
        balance: row.balance.minor,
        disputed: row.disputed.map(|m| m.minor),
        reference: row.reference.clone(),
        pay_url: row.pay_url.clone(),
        document: row.document.clone(),
        po_number: row.po_number.clone(),
        owner: row.owner.clone(),
        for_invoice: row.for_invoice.clone(),
        booked_through: row.booked_through.map(|d| d.to_string()),
        tags: serde_json::Value::from(row.tags.clone()).to_string(),
        cadence: row.cadence.clone(),
        term,
        first_seen: today.to_string(),
        reopened: u8::from(reopened),
        paused_until: paused_until.map(|d| d.to_string()),
        pending_since: (row.status == RowStatus::Pending).then(|| today.to_string()),
        promised_on: promised.map(|d| d.to_string()),
        digest,
    });
    out.looked.extend(before.map(|k| k.debtor_pk));
}

/// A payment that is under way is not there yet, whatever the system already takes off: what was open stays open, for the
/// day on which it turns out that nothing came.
fn under_way(row: &LedgerRow, before: Option<&Known>) -> Money {
    let was = before.filter(|k| k.presence != Presence::Closed && k.balance > 0 && k.currency == row.balance.currency);
    match was {
        Some(known) if row.status == RowStatus::Pending && row.balance.minor == 0 => Money::new(known.balance, known.currency),
        _ => row.balance,
    }
}

/// A promise lies at most so many days ahead, as by phone: a mistyped year would silence the customer without a word.
const LONGEST_PROMISE: i64 = 92;

/// What follows from a day for which the ledger has payment promised.
fn promise(desk: &Desk, day: Date, today: Date) -> Option<PromisedDay> {
    if day < today || days_between(today, day) > LONGEST_PROMISE {
        return None;
    }
    let bank = desk.setup.settings.creditor.calendar.as_deref();
    let known_on = plus_working_days(desk.setup.settings.policy.grace.after(day, bank), 1, bank);
    let reason = format!("payment is expected on {day}, says the ledger");
    Some(PromisedDay { until: day.to_string(), known_on: known_on.to_string(), reason })
}
