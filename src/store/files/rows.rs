//! What is read of a debtor's file: the statements, and below them their rows, field by field in the order of the columns.

use crate::domain::currency::Currency;
use crate::domain::invoice::*;
use crate::domain::money::Money;
use crate::store::db::{day, word};
use crate::store::error::StoreError;
use crate::store::packed::packed;
use crate::store::statements;
use serde::Deserialize;

statements! {
    FILE_DEBTORS = packed!("pk, source_id, name, language, country, kind, timezone, state, email, phone, entry_released, enterprise_no,
            contacts, pay_runs, invoices_seen, invoices_paid, invoices_late,
            CASE WHEN known_since > (SELECT coalesce(min(p.finished_at), known_since) FROM poll p WHERE p.outcome = 'good') THEN 1 ELSE 0 END,
            customer_since, (SELECT count(*) FROM promise b WHERE b.debtor_pk = debtor.pk AND b.state = 'broken')"
        "FROM debtor WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))" by "pk");
    FILE_INVOICES = packed!("pk, source_id, debtor_pk, number, kind, status, presence, issued_on, due_on, currency, total, balance,
            disputed, reference, pay_url, document, po_number, owner, tags, for_invoice, booked_through, cadence, term, first_seen, reopened, paused_until, pending_since, thread, digest,
            CASE WHEN for_invoice IS NOT NULL AND EXISTS (SELECT 1 FROM invoice_paid_for p WHERE p.credit_pk = invoice.pk) THEN 1 ELSE 0 END,
            (SELECT CAST(coalesce(sum(p.amount), 0) AS BIGINT) FROM invoice_paid_for p WHERE p.pk = invoice.pk)"
        "FROM invoice WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND presence <> 'closed'" by "debtor_pk, pk");
    /// What invoices were tagged with when they were closed, each set of tags once, with the number of one that had it.
    FILE_CLOSED_TAGS = packed!("t.debtor_pk, t.tags, t.number"
        "FROM (SELECT debtor_pk, tags, max(number) AS number FROM invoice
            WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND presence = 'closed' AND tags <> '[]'
            GROUP BY debtor_pk, tags) t" by "t.debtor_pk, t.tags");
    FILE_MARKS = packed!("m.invoice_pk, m.step, m.rank, m.kind, m.on_day, m.contact_pk, m.cadence"
        "FROM mark m JOIN invoice i ON i.pk = m.invoice_pk AND i.term = m.term
        WHERE i.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND i.presence <> 'closed' AND m.redirected <= $2");
    FILE_HOLDS = packed!("pk, debtor_pk, invoice_pk, kind, until_day, reason, part"
        "FROM hold WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND ended_at IS NULL" by "pk");
    FILE_CONTACTS = packed!("pk, debtor_pk, cadence, currency, step, state, at, invoices"
        "FROM contact WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND redirected <= $2
          AND ((state IN ('left', 'dropped') AND at >= $3) OR state IN ('in_hand', 'maybe'))
          AND NOT (state = 'dropped' AND EXISTS (SELECT 1 FROM question q WHERE q.contact_pk = contact.pk AND q.state = 'no'))" by "pk");
    FILE_REFUSALS = packed!("m.debtor_pk, m.step, m.channel, m.address, c.invoices"
        "FROM message m JOIN contact c ON c.pk = m.contact_pk
        WHERE m.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND m.state IN ('refused', 'expired') AND c.redirected <= $2");
    FILE_POINTS = packed!("debtor_pk, channel, address, evidence, state" "FROM point WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))");
}

#[derive(Deserialize)]
pub(super) struct DebtorRow {
    pub(super) pk: i64,
    pub(super) source_id: String,
    pub(super) name: String,
    pub(super) language: Option<String>,
    pub(super) country: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) state: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) entry_released: i64,
    pub(super) enterprise_no: Option<String>,
    pub(super) contacts: Option<String>,
    pub(super) pay_runs: Option<String>,
    pub(super) invoices_seen: u32,
    pub(super) invoices_paid: u32,
    pub(super) invoices_late: u32,
    pub(super) came_later: i64,
    pub(super) customer_since: Option<String>,
    pub(super) broken: u32,
}

#[derive(Deserialize)]
pub(super) struct InvoiceRow {
    pub(super) pk: i64,
    pub(super) source_id: String,
    pub(super) debtor_pk: i64,
    pub(super) number: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) presence: String,
    pub(super) issued_on: Option<String>,
    pub(super) due_on: String,
    pub(super) currency: String,
    pub(super) total: Option<i64>,
    pub(super) balance: i64,
    pub(super) disputed: Option<i64>,
    pub(super) reference: Option<String>,
    pub(super) pay_url: Option<String>,
    pub(super) document: Option<String>,
    pub(super) po_number: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) tags: String,
    pub(super) for_invoice: Option<String>,
    pub(super) booked_through: Option<String>,
    pub(super) cadence: Option<String>,
    pub(super) term: u32,
    pub(super) first_seen: String,
    pub(super) reopened: i64,
    pub(super) paused_until: Option<String>,
    pub(super) pending_since: Option<String>,
    pub(super) thread: Option<String>,
    pub(super) digest: i64,
    pub(super) for_another: i64,
    pub(super) paid_by_others: i64,
}

#[derive(Deserialize)]
pub(super) struct ClosedTagsRow {
    pub(super) debtor_pk: i64,
    pub(super) tags: String,
    pub(super) number: String,
}

#[derive(Deserialize)]
pub(super) struct MarkRow {
    pub(super) invoice_pk: i64,
    pub(super) step: String,
    pub(super) rank: Option<String>,
    pub(super) kind: String,
    pub(super) on_day: String,
    pub(super) contact_pk: Option<i64>,
    pub(super) cadence: String,
}

#[derive(Deserialize)]
pub(super) struct HoldRow {
    pub(super) pk: i64,
    pub(super) debtor_pk: i64,
    pub(super) invoice_pk: Option<i64>,
    pub(super) kind: String,
    pub(super) until_day: String,
    pub(super) reason: String,
    pub(super) part: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct ContactRow {
    pub(super) pk: i64,
    pub(super) debtor_pk: i64,
    pub(super) cadence: String,
    pub(super) currency: String,
    pub(super) step: String,
    pub(super) state: String,
    pub(super) at: i64,
    pub(super) invoices: String,
}

#[derive(Deserialize)]
pub(super) struct RefusalRow {
    pub(super) debtor_pk: i64,
    pub(super) step: String,
    pub(super) channel: String,
    pub(super) address: String,
    pub(super) invoices: String,
}

#[derive(Deserialize)]
pub(super) struct PointRow {
    pub(super) debtor_pk: i64,
    pub(super) channel: String,
    pub(super) address: String,
    pub(super) evidence: String,
    pub(super) state: String,
}

impl InvoiceRow {
    pub(super) fn read(self) -> Result<Invoice, StoreError> {
        let currency = word(Currency::parse(&self.currency), &self.currency)?;
        let money = |minor: i64| Money::new(minor, currency);
        let date = |text: Option<String>| text.map(|d| day(&d)).transpose();
        Ok(Invoice {
            pk: self.pk,
            id: self.source_id,
            number: self.number,
            kind: word(RowKind::parse(&self.kind), &self.kind)?,
            status: word(RowStatus::parse(&self.status), &self.status)?,
            presence: word(Presence::parse(&self.presence), &self.presence)?,
            issued_on: date(self.issued_on)?,
            due_on: day(&self.due_on)?,
            balance: money(self.balance),
            total: self.total.map(money),
            disputed: self.disputed.map(money),
            reference: self.reference,
            pay_url: self.pay_url,
            document: self.document,
            po_number: self.po_number,
            owner: self.owner,
            tags: serde_json::from_str(&self.tags).unwrap_or_default(),
            dispute_tag: None,
            for_invoice: self.for_invoice,
            for_another: self.for_another != 0,
            paid_by_others: self.paid_by_others,
            booked_through: date(self.booked_through)?,
            cadence: self.cadence,
            term: self.term,
            first_seen: day(&self.first_seen)?,
            reopened: self.reopened != 0,
            paused_until: date(self.paused_until)?,
            pending_since: date(self.pending_since)?,
            thread: self.thread,
        })
    }
}
