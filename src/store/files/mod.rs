//! Loading all that is known of debtors, many in a handful of statements.

pub mod rows;

use crate::domain::case::*;
use crate::domain::currency::Currency;
use crate::domain::debtor::{CustomerKind, Debtor, Past, State, Word, parse_pay_runs, parse_people};
use crate::domain::invoice::*;
use crate::domain::standing::Tagged;
use crate::domain::step::{Channel, Rank, StepId};
use crate::store::access::{Begin, Pool};
use crate::store::bank::hold::{BANK_HOLDS, BankHoldRow};
use crate::store::calls::{PROMISES_OF, PromiseRow};
use crate::store::db::{Store, day, instant, word};
use crate::store::error::StoreError;
use crate::store::keys;
use crate::store::packed::unpack;
use crate::store::questions::{QUESTIONS_OF, QuestionRow};
use crate::store::sql::query;
use crate::store::standings::{WORDS_OF, WordRow};
use crate::store::tasks::{STATE_TASKS_OF, StateTaskRow, TASKS_OF, TaskRow};
use jiff::Timestamp;
use jiff::civil::Date;
use rows::*;
use std::collections::HashMap;

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
    for row in unpack(query(BANK_HOLDS).bind(&list), &mut tx).await? {
        files.bank(row)?;
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
    super::stopped::stop(&mut tx, &mut files.list).await?;
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
        match row.invoice_pk {
            None => self.file(row.debtor_pk).into_iter().for_each(|f| f.holds.push(hold.clone())),
            Some(invoice) => self.row(invoice).into_iter().for_each(|r| r.holds.push(hold.clone())),
        }
        Ok(())
    }

    fn bank(&mut self, row: BankHoldRow) -> Result<(), StoreError> {
        let file = self.invoices.get(&row.invoice_pk).and_then(|at| Some((self.list.get_mut(at.0)?, at.1)));
        file.map_or(Ok(()), |(file, at)| row.weigh_on(file, at))
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
                point.state = match row.state.as_str() {
                    "suspect" => PointState::Suspect(row.evidence.clone()),
                    _ => PointState::Dead(row.evidence.clone()),
                };
            }
        }
    }
}

pub(in crate::store) fn step(name: &str) -> Result<StepId, StoreError> {
    word(StepId::parse(name), name)
}

pub(in crate::store) fn pk_list(json: &str) -> Vec<i64> {
    serde_json::from_str(json).unwrap_or_default()
}
