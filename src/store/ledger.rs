//! Our copy of the ledger: what the last polls showed.

use super::access::Tx;
use super::db::{Store, day, word};
use super::error::StoreError;
use super::packed::{json, names};
use super::sql::{Query, Sql, query};
use super::{keys, statements};
use crate::domain::currency::Currency;
use crate::domain::invoice::Presence;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{HashMap, HashSet};

statements! {
    LEDGER_KNOWN = "SELECT pk, source_id, debtor_pk, digest, presence, term, due_on, currency, balance, kind, promised_on, erased_at IS NOT NULL AS erased
        FROM invoice WHERE source_id IN (SELECT value ->> 0 FROM json_each($1))";
    LEDGER_DEBTORS = "INSERT INTO debtor (source_id, name, language, country, kind, timezone, state, email, phone, enterprise_no, contacts, pay_runs, customer_since, known_since, next_at)
        SELECT j.value ->> 'id', j.value ->> 'name', j.value ->> 'language', j.value ->> 'country', j.value ->> 'kind',
               j.value ->> 'timezone', j.value ->> 'state', j.value ->> 'email', j.value ->> 'phone', j.value ->> 'enterprise_no', j.value ->> 'contacts', j.value ->> 'pay_runs', j.value ->> 'since', $2, $2
        FROM json_each($1) j WHERE true
        ON CONFLICT (source_id) DO UPDATE SET name = excluded.name, language = excluded.language, country = excluded.country,
            kind = excluded.kind, timezone = excluded.timezone, state = excluded.state, email = excluded.email,
            phone = excluded.phone, enterprise_no = excluded.enterprise_no, contacts = excluded.contacts, pay_runs = excluded.pay_runs,
            customer_since = excluded.customer_since, next_at = excluded.next_at, erased_at = NULL";
    /// Addresses that the ledger has since then: nobody has been silent there yet.
    LEDGER_ADDRESSES = "INSERT INTO event (debtor_pk, invoice_pk, at, kind, text)
        SELECT d.pk, NULL, $2, 'address', a.address FROM (SELECT j.value ->> 'id' AS id, j.value ->> 'email' AS address, 'email' AS what FROM json_each($1) j
            UNION ALL SELECT j.value ->> 'id', j.value ->> 'phone', 'phone' FROM json_each($1) j) a JOIN debtor d ON d.source_id = a.id
        WHERE d.erased_at IS NULL AND a.address <> '' AND a.address <> coalesce(CASE a.what WHEN 'email' THEN d.email ELSE d.phone END, '')";
    LEDGER_SEEN = "UPDATE debtor SET invoices_seen = invoices_seen + p.n
        FROM (SELECT j.value ->> 0 AS id, count(*) AS n FROM json_each($1) j GROUP BY j.value ->> 0) p WHERE debtor.source_id = p.id";
    LEDGER_PAST = "UPDATE debtor SET invoices_paid = invoices_paid + p.paid, invoices_late = invoices_late + p.late
        FROM (SELECT i.debtor_pk AS pk, count(*) AS paid, CAST(sum(CASE WHEN i.due_on < $2 THEN 1 ELSE 0 END) AS BIGINT) AS late
              FROM json_each($1) j JOIN invoice i ON i.source_id = j.value ->> 0 WHERE i.kind = 'invoice' GROUP BY i.debtor_pk) p
        WHERE debtor.pk = p.pk";
    LEDGER_INVOICES = "INSERT INTO invoice (source_id, debtor_pk, number, kind, status, presence, issued_on, due_on, currency, total,
            balance, disputed, reference, pay_url, document, po_number, owner, for_invoice, booked_through, tags, cadence,
            term, first_seen, reopened, paused_until, pending_since, promised_on, digest, closed_at)
        SELECT j.value ->> 'id', d.pk, j.value ->> 'number', j.value ->> 'kind', j.value ->> 'status', j.value ->> 'presence',
               j.value ->> 'issued_on', j.value ->> 'due_on', j.value ->> 'currency', CAST(j.value ->> 'total' AS BIGINT), CAST(j.value ->> 'balance' AS BIGINT),
               CAST(j.value ->> 'disputed' AS BIGINT), j.value ->> 'reference', j.value ->> 'pay_url', j.value ->> 'document', j.value ->> 'po_number',
               j.value ->> 'owner', j.value ->> 'for_invoice', j.value ->> 'booked_through', j.value ->> 'tags', j.value ->> 'cadence',
               CAST(j.value ->> 'term' AS BIGINT), j.value ->> 'first_seen', CAST(j.value ->> 'reopened' AS BIGINT), j.value ->> 'paused_until', j.value ->> 'pending_since', j.value ->> 'promised_on', CAST(j.value ->> 'digest' AS BIGINT),
               CASE WHEN j.value ->> 'presence' = 'closed' THEN CAST($2 AS BIGINT) END
        FROM json_each($1) j JOIN debtor d ON d.source_id = j.value ->> 'debtor' WHERE true
        ON CONFLICT (source_id) DO UPDATE SET debtor_pk = excluded.debtor_pk, number = excluded.number, kind = excluded.kind,
            status = excluded.status, presence = excluded.presence, issued_on = excluded.issued_on, due_on = excluded.due_on,
            currency = excluded.currency, total = excluded.total, balance = excluded.balance, disputed = excluded.disputed,
            reference = excluded.reference, pay_url = excluded.pay_url, document = excluded.document, po_number = excluded.po_number,
            owner = excluded.owner, for_invoice = excluded.for_invoice, booked_through = excluded.booked_through, tags = excluded.tags,
            cadence = excluded.cadence,
            reopened = CASE WHEN excluded.term > invoice.term THEN excluded.reopened ELSE invoice.reopened END,
            term = excluded.term,
            paused_until = coalesce(excluded.paused_until, invoice.paused_until),
            pending_since = CASE WHEN excluded.pending_since IS NOT NULL THEN coalesce(invoice.pending_since, excluded.pending_since) END,
            promised_on = excluded.promised_on, digest = excluded.digest,
            closed_at = CASE WHEN excluded.presence = 'closed' THEN coalesce(invoice.closed_at, excluded.closed_at) END, erased_at = NULL";
    /// Of a page that was read before its customer was erased: what is closed as before.
    LEDGER_ERASED = "SELECT source_id FROM invoice WHERE erased_at IS NOT NULL AND source_id IN (SELECT value ->> 0 FROM json_each($1))";
    LEDGER_CARRY_MARKS = "INSERT INTO mark (invoice_pk, term, step, cadence, rank, overdue, kind, on_day, contact_pk, redirected, why)
        SELECT m.invoice_pk, i.term, m.step, m.cadence, m.rank, m.overdue, m.kind, m.on_day, m.contact_pk, m.redirected, m.why
        FROM mark m JOIN invoice i ON i.pk = m.invoice_pk
        WHERE m.invoice_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND m.term = i.term - 1 AND m.overdue = 0
          AND m.kind IN ('in_hand', 'left', 'maybe')
        ON CONFLICT (invoice_pk, term, step) DO NOTHING";
    /// A promise that the ledger has withdrawn, or put in the place of another.
    LEDGER_PROMISE_OVER = "UPDATE promise SET state = 'replaced', settled_at = $2 WHERE settled_at IS NULL AND hold_pk IN
        (SELECT h.pk FROM hold h JOIN invoice i ON i.pk = h.invoice_pk WHERE h.kind = 'promise' AND i.source_id IN (SELECT value ->> 0 FROM json_each($1)))";
    LEDGER_PROMISE_FREE = "UPDATE hold SET ended_at = $2 WHERE ended_at IS NULL AND kind = 'promise'
        AND invoice_pk IN (SELECT pk FROM invoice WHERE source_id IN (SELECT value ->> 0 FROM json_each($1)))";
    LEDGER_PROMISE_HOLD = "INSERT INTO hold (debtor_pk, invoice_pk, kind, until_day, reason, created_at)
        SELECT i.debtor_pk, i.pk, 'promise', j.value ->> 'known_on', j.value ->> 'reason', $2
        FROM json_each($1) j JOIN invoice i ON i.source_id = j.value ->> 'invoice'";
    LEDGER_PROMISE_NEW = "INSERT INTO promise (debtor_pk, hold_pk, at, until_day, known_on, invoices, state)
        SELECT i.debtor_pk, h.pk, $2, j.value ->> 'until', j.value ->> 'known_on', '[' || i.pk || ']', 'open'
        FROM json_each($1) j JOIN invoice i ON i.source_id = j.value ->> 'invoice'
        JOIN hold h ON h.invoice_pk = i.pk AND h.kind = 'promise' AND h.ended_at IS NULL";
    LEDGER_MISSING = "SELECT pk FROM invoice WHERE presence = 'missing' AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    LEDGER_EVENTS = "INSERT INTO event (debtor_pk, invoice_pk, at, kind, text, amount)
        SELECT i.debtor_pk, i.pk, $2, j.value ->> 'kind', j.value ->> 'text', coalesce(CAST(j.value ->> 'amount' AS BIGINT), i.balance)
        FROM json_each($1) j JOIN invoice i ON i.source_id = j.value ->> 'invoice'";
    LEDGER_SIGNS = "UPDATE debtor SET last_sign_at = $2, unreachable_since = NULL, unreachable_why = NULL
        WHERE pk IN (SELECT i.debtor_pk FROM json_each($1) j JOIN invoice i ON i.source_id = j.value ->> 0)";
    LEDGER_PRESENCE = "UPDATE invoice SET presence = $2, closed_at = CASE WHEN $2 = 'closed' THEN CAST($3 AS BIGINT) END, digest = CASE WHEN $2 = 'closed' THEN 0 ELSE digest END WHERE source_id IN (SELECT value ->> 0 FROM json_each($1)) AND presence <> 'closed'";
    LEDGER_LOOK_BY_INVOICE = "UPDATE debtor SET next_at = $2
        WHERE pk IN (SELECT i.debtor_pk FROM json_each($1) j JOIN invoice i ON i.source_id = j.value ->> 0)";
    LEDGER_LOOK_NAMED = "UPDATE debtor SET next_at = $2
        WHERE pk IN (SELECT o.debtor_pk FROM json_each($1) j JOIN invoice c ON c.source_id = j.value ->> 0
                     JOIN invoice o ON o.source_id = c.for_invoice OR o.number = c.for_invoice WHERE c.for_invoice IS NOT NULL)";
    LEDGER_LOOK = "UPDATE debtor SET next_at = $2 WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    LEDGER_LOOK_ALL = "UPDATE debtor SET next_at = $3 WHERE pk > $1 AND pk <= $2
        AND (SELECT 1 FROM invoice i WHERE i.debtor_pk = debtor.pk AND i.presence <> 'closed' LIMIT 1) = 1";
    LEDGER_LOOK_REASON = "UPDATE debtor SET next_at = $3 WHERE pk > $1 AND pk <= $2 AND reason = $4";
    LEDGER_NEWEST_DEBTOR = "SELECT coalesce(max(pk), 0) FROM debtor";
    LEDGER_OPEN = "SELECT pk FROM invoice WHERE presence <> 'closed' AND pk > $1 ORDER BY pk LIMIT 10000";
    LEDGER_COUNT = "SELECT count(*) AS open_rows, (SELECT coalesce(max(pk), 0) FROM invoice) AS newest FROM invoice WHERE presence <> 'closed'";
    LEDGER_NAMED = "SELECT i.source_id, i.number, d.source_id AS customer FROM invoice i JOIN debtor d ON d.pk = i.debtor_pk
        WHERE i.pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    LEDGER_IDS = "SELECT source_id FROM invoice WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    LEDGER_BAD_ROW = "INSERT INTO unreadable (source_id, text, seen_at) VALUES ($1, $2, $3)
        ON CONFLICT (source_id) DO UPDATE SET text = excluded.text, seen_at = excluded.seen_at";
    LEDGER_GOOD_AGAIN = "DELETE FROM unreadable WHERE seen_at < $1";
    LEDGER_BAD_ROWS = "SELECT source_id, text FROM unreadable ORDER BY source_id LIMIT 1000";
}

/// So many debtors are asked to be looked at again at once: nobody who has something to record waits long for that, and
/// of however many there are no statement takes too long.
const LOOK_STEP: usize = 20_000;

/// What we know of a row before it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Key in the store.
    pub pk: i64,
    /// Its debtor's key.
    pub debtor_pk: i64,
    /// A digest of the row and of the configuration it was read under.
    pub digest: i64,
    /// Where it stands.
    pub presence: Presence,
    /// Its term.
    pub term: u32,
    /// Its due date.
    pub due_on: Date,
    /// Its currency.
    pub currency: Currency,
    /// Its balance in minor units; credits are negative.
    pub balance: i64,
    /// The day for which the ledger had payment promised.
    pub promised_on: Option<Date>,
    /// It is closed, and its customer was erased.
    pub erased: bool,
}

/// A debtor to write.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns of the source, see README")]
pub struct DebtorRow {
    pub id: String,
    pub name: String,
    pub language: Option<String>,
    pub country: Option<String>,
    pub kind: Option<&'static str>,
    pub timezone: Option<String>,
    pub state: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub enterprise_no: Option<String>,
    pub contacts: Option<String>,
    pub pay_runs: Option<String>,
    pub since: Option<String>,
}

/// A row to write.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns of the source, see README")]
pub struct InvoiceRow {
    pub id: String,
    pub debtor: String,
    pub number: String,
    pub kind: &'static str,
    pub status: &'static str,
    pub presence: &'static str,
    pub issued_on: Option<String>,
    pub due_on: String,
    pub currency: String,
    pub total: Option<i64>,
    pub balance: i64,
    pub disputed: Option<i64>,
    pub reference: Option<String>,
    pub pay_url: Option<String>,
    pub document: Option<String>,
    pub po_number: Option<String>,
    pub owner: Option<String>,
    pub for_invoice: Option<String>,
    pub booked_through: Option<String>,
    pub tags: String,
    pub cadence: Option<String>,
    pub term: u32,
    pub first_seen: String,
    pub reopened: u8,
    pub paused_until: Option<String>,
    pub pending_since: Option<String>,
    pub promised_on: Option<String>,
    pub digest: i64,
}

/// A promise that the ledger itself tells of.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct LedgerPromise {
    /// The invoice's id in the source.
    pub invoice: String,
    /// The day, and the day by which it is known whether it was kept; `None`: there is none any more.
    #[serde(flatten)]
    pub day: Option<PromisedDay>,
}

/// The days of a promise.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct PromisedDay {
    /// The day on which it is to be paid.
    pub until: String,
    /// The day by which the money is in the ledger.
    pub known_on: String,
    /// In words, for the hold.
    pub reason: String,
}

/// Something seen to happen to an invoice.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct LedgerEvent {
    /// The invoice's id in the source.
    pub invoice: String,
    /// `paid`, `part_paid`, `reopened`, `due_moved`.
    pub kind: &'static str,
    /// In words.
    pub text: String,
    /// How much it is about, in minor units; left out, what the row has open.
    pub amount: Option<i64>,
    /// Whether it shows that somebody is there: a payment does.
    #[serde(skip)]
    pub sign_of_life: bool,
}

/// What a page of the source changes.
#[derive(Clone, Debug, Default)]
pub struct PageChange {
    /// Debtors of the rows below.
    pub debtors: Vec<DebtorRow>,
    /// New and changed rows.
    pub invoices: Vec<InvoiceRow>,
    /// Events of rows that we know.
    pub events: Vec<LedgerEvent>,
    /// Store keys of rows whose due date moved later: steps before due are carried into the new term (R7).
    pub carried: Vec<i64>,
    /// Debtors that lost a row to another.
    pub looked: Vec<i64>,
    /// Promises that the ledger tells of, has changed or withdrawn.
    pub promises: Vec<LedgerPromise>,
    /// Rows that could not be read: id and why.
    pub unreadable: Vec<(String, String)>,
    /// The debtors of invoices that were never seen before, one for each invoice, by their ids in the source.
    pub born: Vec<String>,
}

impl PageChange {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.invoices.is_empty() && self.unreadable.is_empty()
    }
}

impl Store {
    /// What is known of rows by their ids in the source.
    pub async fn known(&self, ids: &[String]) -> Result<HashMap<String, Known>, StoreError> {
        let rows = query(LEDGER_KNOWN).bind(names(ids)?).all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                let (presence, code, due): (String, String, String) =
                    (row.get("presence")?, row.get("currency")?, row.get("due_on")?);
                let known = Known {
                    pk: row.get("pk")?,
                    debtor_pk: row.get("debtor_pk")?,
                    digest: row.get("digest")?,
                    presence: word(Presence::parse(&presence), &presence)?,
                    term: row.count("term")? as u32,
                    due_on: day(&due)?,
                    currency: word(Currency::parse(&code), &code)?,
                    balance: row.get("balance")?,
                    promised_on: row.get::<Option<String>>("promised_on")?.map(|d| day(&d)).transpose()?,
                    erased: row.get("erased")?,
                };
                Ok((row.get("source_id")?, known))
            })
            .collect()
    }

    /// Writes what a page changed, in one transaction.
    /// What is paid and fell due before `late_before` was paid late.
    pub async fn apply_page(&self, page: &PageChange, late_before: Date, now: Timestamp) -> Result<(), StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        let (debtors, invoices) = without_erased(&mut tx, page).await?;
        if !invoices.is_empty() {
            query(LEDGER_ADDRESSES).bind(json(&debtors)?).bind(at).execute(&mut tx).await?;
            query(LEDGER_DEBTORS).bind(json(&debtors)?).bind(at).execute(&mut tx).await?;
            query(LEDGER_INVOICES).bind(json(&invoices)?).bind(at).execute(&mut tx).await?;
            let naming: Vec<&String> = invoices.iter().filter(|i| i.for_invoice.is_some()).map(|i| &i.id).collect();
            if !naming.is_empty() {
                // Whoever is paid for by another customer is looked at as well.
                query(LEDGER_LOOK_NAMED).bind(names(&naming)?).bind(at).execute(&mut tx).await?;
            }
        }
        if !page.carried.is_empty() {
            query(LEDGER_CARRY_MARKS).bind(keys(page.carried.iter().copied())).execute(&mut tx).await?;
        }
        if !page.looked.is_empty() {
            query(LEDGER_LOOK).bind(keys(page.looked.iter().copied())).bind(at).execute(&mut tx).await?;
        }
        if !page.born.is_empty() {
            query(LEDGER_SEEN).bind(names(&page.born)?).execute(&mut tx).await?;
        }
        if !page.promises.is_empty() {
            promises(&mut tx, &page.promises, at).await?;
        }
        events(&mut tx, &page.events, late_before, at).await?;
        for (id, text) in &page.unreadable {
            query(LEDGER_BAD_ROW).bind(id).bind(text).bind(at).execute(&mut tx).await?;
        }
        if !page.unreadable.is_empty() {
            let ids: Vec<&String> = page.unreadable.iter().map(|(id, _)| id).collect();
            set_presence(&mut tx, &names(&ids)?, Presence::Unreadable, at).await?;
        }
        tx.commit().await
    }

    /// How many rows are not closed, and the newest key of all.
    pub async fn open_rows(&self) -> Result<(i64, i64), StoreError> {
        let row = query(LEDGER_COUNT).one(&self.reader).await?;
        Ok((row.get("open_rows")?, row.get("newest")?))
    }

    /// Keys of the rows that are not closed, above a key, in order; at most 10,000.
    pub async fn open_rows_after(&self, pk: i64) -> Result<Vec<i64>, StoreError> {
        query(LEDGER_OPEN).bind(pk).list(&self.reader).await
    }

    /// The ids that rows have in the source, by their keys in the store.
    pub async fn source_ids(&self, rows: &[i64]) -> Result<Vec<String>, StoreError> {
        query(LEDGER_IDS).bind(keys(rows.iter().copied())).list(&self.reader).await
    }

    /// The number and the customer of rows, by the ids that they have in the source.
    pub async fn named(&self, rows: &[i64]) -> Result<HashMap<String, (String, String)>, StoreError> {
        let found = query(LEDGER_NAMED).bind(keys(rows.iter().copied())).all(&self.reader).await?;
        found.iter().map(|row| Ok((row.get("source_id")?, (row.get("number")?, row.get("customer")?)))).collect()
    }

    /// Those of some rows that were missing already when they were looked for last.
    pub async fn missing_among(&self, rows: &[i64]) -> Result<Vec<i64>, StoreError> {
        query(LEDGER_MISSING).bind(keys(rows.iter().copied())).list(&self.reader).await
    }

    /// Closes rows that a complete poll no longer showed: they are paid or void (a sign of life).
    pub async fn close_rows(&self, rows: &[i64], late_before: Date, now: Timestamp) -> Result<(), StoreError> {
        let at = now.as_millisecond();
        for chunk in rows.chunks(5000) {
            let mut tx = self.begin().await?;
            let ids: Vec<String> = query(LEDGER_IDS).bind(keys(chunk.iter().copied())).list(&mut tx).await?;
            let event = |id: &String| LedgerEvent {
                invoice: id.clone(),
                kind: "paid",
                text: "no longer open in the ledger".to_owned(),
                amount: None,
                sign_of_life: true,
            };
            let list: Vec<LedgerEvent> = ids.iter().map(event).collect();
            events(&mut tx, &list, late_before, at).await?;
            set_presence(&mut tx, &names(&ids)?, Presence::Closed, at).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Marks rows that were not there when they were read again (R13); the next poll decides.
    pub async fn mark_missing(&self, ids: &[String], now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        set_presence(&mut tx, &names(ids)?, Presence::Missing, now.as_millisecond()).await?;
        tx.commit().await
    }

    /// Forgets unreadable rows that the poll begun at `since` did not report again.
    pub async fn forget_readable(&self, since: Timestamp) -> Result<(), StoreError> {
        self.write(query(LEDGER_GOOD_AGAIN).bind(since.as_millisecond())).await?;
        Ok(())
    }

    /// Rows that cannot be read: id and why; at most 1,000.
    pub async fn unreadable_rows(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = query(LEDGER_BAD_ROWS).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("source_id")?, r.get("text")?))).collect()
    }

    /// Every debtor with something open is looked at again.
    pub async fn look_at_all(&self, now: Timestamp) -> Result<(), StoreError> {
        self.look_in_steps(LEDGER_LOOK_ALL, now, None).await
    }

    /// Debtors whose last look ended for a reason are looked at again.
    pub async fn look_at_reason(&self, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        self.look_in_steps(LEDGER_LOOK_REASON, now, Some(reason)).await
    }

    async fn look_in_steps(&self, sql: Sql, now: Timestamp, reason: Option<&str>) -> Result<(), StoreError> {
        let newest: i64 = query(LEDGER_NEWEST_DEBTOR).sure(&self.reader).await?;
        for from in (0..newest).step_by(LOOK_STEP) {
            let step = query(sql).bind(from).bind(from + LOOK_STEP as i64).bind(now.as_millisecond());
            self.write(reason.into_iter().fold(step, Query::bind)).await?;
        }
        Ok(())
    }
}

/// What of a page may be written. Between the look at what is known and this a customer may have been erased: whose rows
/// are closed as before does not come back by them.
async fn without_erased<'p>(tx: &mut Tx, page: &'p PageChange) -> Result<(Vec<&'p DebtorRow>, Vec<&'p InvoiceRow>), StoreError> {
    let is_closed = |row: &InvoiceRow| row.presence == Presence::Closed.as_str();
    let closed: Vec<&String> = page.invoices.iter().filter(|row| is_closed(row)).map(|row| &row.id).collect();
    let erased: HashSet<String> = match closed.is_empty() {
        true => HashSet::new(),
        false => query(LEDGER_ERASED).bind(names(&closed)?).list(tx).await?.into_iter().collect(),
    };
    let invoices: Vec<&InvoiceRow> = page.invoices.iter().filter(|row| !(is_closed(row) && erased.contains(&row.id))).collect();
    if erased.is_empty() {
        return Ok((page.debtors.iter().collect(), invoices));
    }
    let wanted: HashSet<&str> = invoices.iter().map(|row| row.debtor.as_str()).collect();
    Ok((page.debtors.iter().filter(|debtor| wanted.contains(debtor.id.as_str())).collect(), invoices))
}

/// A promise of the ledger's holds its invoice until it is known what became of it.
async fn promises(tx: &mut Tx, list: &[LedgerPromise], at: i64) -> Result<(), StoreError> {
    let ids: Vec<&String> = list.iter().map(|p| &p.invoice).collect();
    for over in [LEDGER_PROMISE_OVER, LEDGER_PROMISE_FREE] {
        query(over).bind(names(&ids)?).bind(at).execute(&mut *tx).await?;
    }
    let new: Vec<&LedgerPromise> = list.iter().filter(|p| p.day.is_some()).collect();
    if !new.is_empty() {
        for made in [LEDGER_PROMISE_HOLD, LEDGER_PROMISE_NEW] {
            query(made).bind(json(&new)?).bind(at).execute(&mut *tx).await?;
        }
    }
    Ok(())
}

async fn set_presence(tx: &mut Tx, ids: &str, presence: Presence, at: i64) -> Result<(), StoreError> {
    query(LEDGER_PRESENCE).bind(ids).bind(presence.as_str()).bind(at).execute(&mut *tx).await?;
    for look in [LEDGER_LOOK_BY_INVOICE, LEDGER_LOOK_NAMED] {
        query(look).bind(ids).bind(at).execute(&mut *tx).await?;
    }
    Ok(())
}

async fn events(tx: &mut Tx, list: &[LedgerEvent], late_before: Date, at: i64) -> Result<(), StoreError> {
    if list.is_empty() {
        return Ok(());
    }
    query(LEDGER_EVENTS).bind(json(&list)?).bind(at).execute(&mut *tx).await?;
    let paid: Vec<&String> = list.iter().filter(|e| e.kind == "paid").map(|e| &e.invoice).collect();
    if !paid.is_empty() {
        query(LEDGER_PAST).bind(names(&paid)?).bind(late_before.to_string()).execute(&mut *tx).await?;
    }
    let signs: Vec<&String> = list.iter().filter(|e| e.sign_of_life).map(|e| &e.invoice).collect();
    if !signs.is_empty() {
        query(LEDGER_SIGNS).bind(names(&signs)?).bind(at).execute(&mut *tx).await?;
    }
    Ok(())
}
