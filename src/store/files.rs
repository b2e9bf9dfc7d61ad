//! Loading all that is known of debtors, many in a handful of statements.

use super::access::{Begin, Pool};
use super::calls::{PROMISES_OF, PromiseRow};
use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::packed::{packed, unpack};
use super::questions::{QUESTIONS_OF, QuestionRow};
use super::sql::query;
use super::standings::{WORDS_OF, WordRow};
use super::tasks::{STATE_TASKS_OF, StateTaskRow, TASKS_OF, TaskRow};
use super::{keys, statements};
use crate::domain::case::*;
use crate::domain::currency::Currency;
use crate::domain::debtor::{CustomerKind, Debtor, Past, State, Word, parse_pay_runs, parse_people};
use crate::domain::invoice::*;
use crate::domain::money::Money;
use crate::domain::standing::Tagged;
use crate::domain::step::{Channel, Rank, StepId};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::HashMap;

statements! {
    FILE_DEBTORS = packed!("pk, source_id, name, language, country, kind, timezone, state, email, phone, entry_released, enterprise_no,
            contacts, pay_runs, invoices_seen, invoices_paid, invoices_late,
            CASE WHEN known_since > (SELECT coalesce(min(p.finished_at), known_since) FROM poll p WHERE p.outcome = 'good') THEN 1 ELSE 0 END,
            customer_since, (SELECT count(*) FROM promise b WHERE b.debtor_pk = debtor.pk AND b.state = 'broken')"
        "FROM debtor WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))" by "pk");
    FILE_INVOICES = packed!("pk, source_id, debtor_pk, number, kind, status, presence, issued_on, due_on, currency, total, balance,
            disputed, reference, pay_url, document, po_number, owner, tags, for_invoice, booked_through, cadence, term, first_seen, reopened, paused_until, thread, digest,
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
    FILE_POINTS = packed!("debtor_pk, channel, address, evidence" "FROM point WHERE debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))");
}

/// Works out what the columns alone do not say.
pub trait Shape {
    /// Of a debtor: state, kind, people, pay days.
    fn debtor(&self, debtor: &mut Debtor, tags: &[Tagged], words: &[Word]);
    /// Its addresses, checked for their form.
    fn points(&self, debtor: &Debtor) -> Vec<ContactPoint>;
    /// Of an invoice: the cadence that takes it, where so far there is the one that the ledger names.
    fn invoice(&self, debtor: &Debtor, invoice: &mut Invoice);
    /// Whether what a cadence of that name wrote was written to a customer of this kind.
    fn wrote_to(&self, cadence: &str, debtor: &Debtor) -> bool;
    /// The first day that makes a customer one of lately.
    fn lately(&self) -> Date;
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
    /// The files of some debtors, in the order of their keys.
    pub async fn debtor_files(
        &self,
        debtors: &[i64],
        options: FileOptions,
        shape: &(impl Shape + Sync),
    ) -> Result<Vec<DebtorFile>, StoreError> {
        load(&self.reader, debtors, options, shape).await
    }
}

async fn load(
    pool: &Pool,
    debtors: &[i64],
    options: FileOptions,
    shape: &(impl Shape + Sync),
) -> Result<Vec<DebtorFile>, StoreError> {
    let list = keys(debtors.iter().copied());
    let redirected = i64::from(options.redirected);
    let since = options.contacts_since.as_millisecond();
    let mut tx = pool.begin(Begin::Read).await?;
    let mut files = Files::default();
    for row in unpack(query(FILE_DEBTORS).bind(&list), &mut tx).await? {
        files.debtor(row, shape.lately())?;
    }
    for row in unpack(query(FILE_INVOICES).bind(&list), &mut tx).await? {
        files.invoice(row)?;
    }
    for row in unpack(query(WORDS_OF).bind(&list), &mut tx).await? {
        files.word(row)?;
    }
    for row in unpack(query(FILE_CLOSED_TAGS).bind(&list), &mut tx).await? {
        files.closed_tags(row);
    }
    files.shape(shape);
    for row in unpack(query(FILE_MARKS).bind(&list).bind(redirected), &mut tx).await? {
        files.mark(row, shape)?;
    }
    for row in unpack(query(FILE_HOLDS).bind(&list), &mut tx).await? {
        files.hold(row)?;
    }
    for row in unpack(query(FILE_CONTACTS).bind(&list).bind(redirected).bind(since), &mut tx).await? {
        files.contact(row)?;
    }
    for row in unpack(query(TASKS_OF).bind(&list).bind(redirected), &mut tx).await? {
        let (debtor, task) = TaskRow::read(row)?;
        files.file(debtor).into_iter().for_each(|f| f.tasks.push(task.clone()));
    }
    for row in unpack(query(STATE_TASKS_OF).bind(&list).bind(redirected), &mut tx).await? {
        let (debtor, task) = StateTaskRow::read(row)?;
        files.file(debtor).into_iter().for_each(|f| f.state_tasks.push(task.clone()));
    }
    for row in unpack(query(PROMISES_OF).bind(&list), &mut tx).await? {
        let (debtor, promise) = PromiseRow::read(row)?;
        files.file(debtor).into_iter().for_each(|f| f.promises.push(promise.clone()));
    }
    for row in unpack(query(QUESTIONS_OF).bind(&list), &mut tx).await? {
        files.question(row)?;
    }
    for row in unpack(query(FILE_REFUSALS).bind(&list).bind(redirected), &mut tx).await? {
        files.refusal(row)?;
    }
    for row in unpack(query(FILE_POINTS).bind(&list), &mut tx).await? {
        files.point(&row);
    }
    super::returns::stop(&mut tx, &mut files.list).await?;
    tx.commit().await?;
    Ok(files.list)
}

/// Files being put together.
#[derive(Default)]
struct Files {
    list: Vec<DebtorFile>,
    /// Where a debtor stands in the list, by store key.
    debtors: HashMap<i64, usize>,
    /// Where an invoice stands: debtor and row, by store key.
    invoices: HashMap<i64, (usize, usize)>,
    /// What people said, by debtor.
    words: HashMap<i64, Vec<Word>>,
    /// Tags of closed invoices with a number of one, by debtor.
    closed_tags: HashMap<i64, Vec<(String, String)>>,
}

impl Files {
    fn file(&mut self, debtor: i64) -> Option<&mut DebtorFile> {
        self.list.get_mut(*self.debtors.get(&debtor)?)
    }

    fn row(&mut self, invoice: i64) -> Option<&mut CaseInvoice> {
        let (file, row) = *self.invoices.get(&invoice)?;
        self.list.get_mut(file)?.rows.get_mut(row)
    }

    fn debtor(&mut self, row: DebtorRow, lately: Date) -> Result<(), StoreError> {
        let since = row.customer_since.as_deref().map(day).transpose()?;
        let past = Past {
            invoices: row.invoices_seen,
            paid: row.invoices_paid,
            late: row.invoices_late,
            broken: row.broken,
            came_lately: since.map_or(row.came_later != 0, |since| since >= lately),
        };
        let debtor = Debtor {
            pk: row.pk,
            id: row.source_id,
            name: row.name,
            language: row.language,
            country: row.country,
            kind: row.kind.as_deref().and_then(CustomerKind::parse),
            timezone: row.timezone,
            state: row.state.as_deref().and_then(State::parse),
            enterprise_no: row.enterprise_no,
            email: row.email,
            phone: row.phone,
            people: row.contacts.as_deref().and_then(|text| parse_people(text).ok()).unwrap_or_default(),
            pay_runs: row.pay_runs.as_deref().and_then(parse_pay_runs).unwrap_or_default(),
            past,
            ..Debtor::default()
        };
        self.debtors.insert(debtor.pk, self.list.len());
        self.list.push(DebtorFile { debtor, entry_released: row.entry_released, ..DebtorFile::default() });
        Ok(())
    }

    fn word(&mut self, row: WordRow) -> Result<(), StoreError> {
        let debtor = row.debtor_pk;
        self.words.entry(debtor).or_default().push(row.read()?);
        Ok(())
    }

    fn closed_tags(&mut self, row: ClosedTagsRow) {
        let tags: Vec<String> = serde_json::from_str(&row.tags).unwrap_or_default();
        let of = self.closed_tags.entry(row.debtor_pk).or_default();
        of.extend(tags.into_iter().map(|tag| (tag, row.number.clone())));
    }

    /// With all rows and words there, works out what they come to.
    fn shape(&mut self, shape: &impl Shape) {
        for file in &mut self.list {
            let open = file.rows.iter().filter(|r| r.invoice.is_open());
            let mut of_open: Vec<&str> = open.flat_map(|r| r.invoice.tags.iter().map(String::as_str)).collect();
            of_open.sort_unstable();
            of_open.dedup();
            let of_closed = self.closed_tags.get(&file.debtor.pk).map(Vec::as_slice).unwrap_or_default();
            let of_open = of_open.into_iter().map(|tag| Tagged { tag, closed: None });
            let of_closed = of_closed.iter().map(|(tag, number)| Tagged { tag, closed: Some(number) });
            let tags: Vec<Tagged> = of_open.chain(of_closed).collect();
            let words = self.words.get(&file.debtor.pk).map(Vec::as_slice).unwrap_or_default();
            shape.debtor(&mut file.debtor, &tags, words);
            for row in &mut file.rows {
                shape.invoice(&file.debtor, &mut row.invoice);
            }
            file.points = shape.points(&file.debtor);
        }
    }

    /// What a contact or a task waits for, or waited for.
    fn question(&mut self, row: QuestionRow) -> Result<(), StoreError> {
        let Some(file) = self.file(row.debtor_pk) else { return Ok(()) };
        let (contact, task) = (row.contact_pk, row.task_pk);
        let asked = row.read()?;
        for of in file.contacts.iter_mut().filter(|c| Some(c.pk) == contact) {
            of.word = Some(asked.clone());
        }
        for of in file.tasks.iter_mut().filter(|t| Some(t.pk) == task) {
            of.word = Some(asked.clone());
        }
        Ok(())
    }

    fn invoice(&mut self, row: InvoiceRow) -> Result<(), StoreError> {
        let Some(at) = self.debtors.get(&row.debtor_pk).copied() else { return Ok(()) };
        let digest = row.digest;
        let invoice = row.read()?;
        let rows = &mut self.list[at].rows;
        self.invoices.insert(invoice.pk, (at, rows.len()));
        rows.push(CaseInvoice { invoice, marks: vec![], holds: vec![], digest });
        Ok(())
    }

    fn mark(&mut self, row: MarkRow, shape: &impl Shape) -> Result<(), StoreError> {
        let Some(file) = self.invoices.get(&row.invoice_pk).and_then(|at| self.list.get_mut(at.0)) else { return Ok(()) };
        let other_kind = !shape.wrote_to(&row.cadence, &file.debtor);
        let Some(of) = self.row(row.invoice_pk) else { return Ok(()) };
        of.marks.push(Mark {
            step: step(&row.step)?,
            rank: row.rank.as_deref().and_then(Rank::parse),
            kind: word(MarkKind::parse(&row.kind), &row.kind)?,
            on: day(&row.on_day)?,
            contact: row.contact_pk,
            other_kind,
        });
        Ok(())
    }

    fn hold(&mut self, row: HoldRow) -> Result<(), StoreError> {
        let kind = word(HoldKind::parse(&row.kind), &row.kind)?;
        let hold = Hold { id: row.pk, kind, until: day(&row.until_day)?, reason: row.reason, part: row.part };
        let holds = match row.invoice_pk {
            None => self.file(row.debtor_pk).map(|f| &mut f.holds),
            Some(invoice) => self.row(invoice).map(|r| &mut r.holds),
        };
        if let Some(holds) = holds {
            holds.push(hold);
        }
        Ok(())
    }

    fn contact(&mut self, row: ContactRow) -> Result<(), StoreError> {
        let Some(file) = self.file(row.debtor_pk) else { return Ok(()) };
        let state = match row.state.as_str() {
            "left" => ContactState::Left,
            "maybe" => ContactState::Maybe,
            "dropped" => ContactState::Dropped,
            _ => ContactState::InHand,
        };
        file.contacts.push(Contact {
            pk: row.pk,
            at: instant(row.at)?,
            state,
            case: CaseKey { cadence: row.cadence, currency: word(Currency::parse(&row.currency), &row.currency)? },
            step: step(&row.step)?,
            invoices: pk_list(&row.invoices),
            word: None,
        });
        Ok(())
    }

    fn refusal(&mut self, row: RefusalRow) -> Result<(), StoreError> {
        let Some(file) = self.file(row.debtor_pk) else { return Ok(()) };
        file.refusals.push(Refusal {
            step: step(&row.step)?,
            channel: word(Channel::parse(&row.channel), &row.channel)?,
            address: row.address,
            invoices: pk_list(&row.invoices),
        });
        Ok(())
    }

    fn point(&mut self, row: &PointRow) {
        let Some(file) = self.file(row.debtor_pk) else { return };
        for point in &mut file.points {
            if point.channel.as_str() == row.channel && point.address == row.address && point.state == PointState::Usable {
                point.state = PointState::Dead(row.evidence.clone());
            }
        }
    }
}

#[derive(Deserialize)]
struct DebtorRow {
    pk: i64,
    source_id: String,
    name: String,
    language: Option<String>,
    country: Option<String>,
    kind: Option<String>,
    timezone: Option<String>,
    state: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    entry_released: i64,
    enterprise_no: Option<String>,
    contacts: Option<String>,
    pay_runs: Option<String>,
    invoices_seen: u32,
    invoices_paid: u32,
    invoices_late: u32,
    came_later: i64,
    customer_since: Option<String>,
    broken: u32,
}

#[derive(Deserialize)]
struct InvoiceRow {
    pk: i64,
    source_id: String,
    debtor_pk: i64,
    number: String,
    kind: String,
    status: String,
    presence: String,
    issued_on: Option<String>,
    due_on: String,
    currency: String,
    total: Option<i64>,
    balance: i64,
    disputed: Option<i64>,
    reference: Option<String>,
    pay_url: Option<String>,
    document: Option<String>,
    po_number: Option<String>,
    owner: Option<String>,
    tags: String,
    for_invoice: Option<String>,
    booked_through: Option<String>,
    cadence: Option<String>,
    term: u32,
    first_seen: String,
    reopened: i64,
    paused_until: Option<String>,
    thread: Option<String>,
    digest: i64,
    for_another: i64,
    paid_by_others: i64,
}

#[derive(Deserialize)]
struct ClosedTagsRow {
    debtor_pk: i64,
    tags: String,
    number: String,
}

#[derive(Deserialize)]
struct MarkRow {
    invoice_pk: i64,
    step: String,
    rank: Option<String>,
    kind: String,
    on_day: String,
    contact_pk: Option<i64>,
    cadence: String,
}

#[derive(Deserialize)]
struct HoldRow {
    pk: i64,
    debtor_pk: i64,
    invoice_pk: Option<i64>,
    kind: String,
    until_day: String,
    reason: String,
    part: Option<i64>,
}

#[derive(Deserialize)]
struct ContactRow {
    pk: i64,
    debtor_pk: i64,
    cadence: String,
    currency: String,
    step: String,
    state: String,
    at: i64,
    invoices: String,
}

#[derive(Deserialize)]
struct RefusalRow {
    debtor_pk: i64,
    step: String,
    channel: String,
    address: String,
    invoices: String,
}

#[derive(Deserialize)]
struct PointRow {
    debtor_pk: i64,
    channel: String,
    address: String,
    evidence: String,
}

impl InvoiceRow {
    fn read(self) -> Result<Invoice, StoreError> {
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
            thread: self.thread,
        })
    }
}

pub(super) fn step(name: &str) -> Result<StepId, StoreError> {
    word(StepId::parse(name), name)
}

pub(super) fn pk_list(json: &str) -> Vec<i64> {
    serde_json::from_str(json).unwrap_or_default()
}
