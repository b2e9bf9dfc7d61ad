//! Proposals: what a customer said on the answer page, put on record with all that it holds in one transaction; and a person's
//! yes or no. What a proposal may hold, and how often, is weighed here, inside the transaction: two answers at one moment hold
//! no more than two after each other.

use super::access::Tx;
use super::alerts::ALERT_ONCE;
use super::db::{Store, day, instant};
use super::error::StoreError;
use super::files::pk_list;
use super::holds::HOLD_LOOK;
use super::returns::{Taking, apply, insert};
use super::sql::{Row, query};
use super::tasks::{NewTask, TaskEnd, end, insert as give_out};
use super::{keys, statements};
use crate::domain::answer::{AnswerKind, MOST_ANSWERS};
use crate::domain::case::HoldKind;
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::step::TaskKind;
use jiff::Timestamp;
use jiff::civil::Date;

statements! {
    PROPOSAL_ABOUT = "SELECT c.invoices FROM contact c WHERE c.pk = $1";
    PROPOSAL_COUNT = "SELECT count(*) FROM inbound WHERE debtor_pk = $1 AND message_pk = $2 AND via = 'page'";
    PROPOSAL_NEW = "INSERT INTO proposal (kind, debtor_pk, invoices, inbound_pk, at, on_day, amount, currency, text, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open') RETURNING pk";
    /// One such hold an invoice and kind, ever: whoever says the same again is heard by a person, and holds nothing.
    PROPOSAL_HOLD = "INSERT INTO hold (debtor_pk, invoice_pk, kind, until_day, reason, created_at, proposal_pk)
        SELECT i.debtor_pk, i.pk, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT), CAST($7 AS BIGINT) FROM invoice i
        WHERE i.debtor_pk = $1 AND i.pk = $2 AND i.presence <> 'closed' AND NOT EXISTS (SELECT 1 FROM proposal p JOIN hold h ON h.proposal_pk = p.pk
            WHERE p.debtor_pk = $1 AND p.kind = (SELECT q.kind FROM proposal q WHERE q.pk = CAST($7 AS BIGINT)) AND h.invoice_pk = $2) RETURNING invoice_pk";
    PROPOSAL_PROMISE = "INSERT INTO promise (debtor_pk, at, until_day, known_on, invoices, state, proposal_pk) VALUES ($1, $2, $3, $4, $5, 'open', $6)";
    PROPOSAL_GIVEN = "SELECT p.pk FROM proposal p JOIN inbound b ON b.pk = p.inbound_pk WHERE b.key = $1 AND b.debtor_pk = $2";
    PROPOSALS = "SELECT p.pk, p.kind, p.debtor_pk, p.invoices, p.inbound_pk, p.at, p.on_day, p.amount, p.currency, p.text, p.state, p.decided_at, p.said_by,
            p.reason, p.erased_at, d.source_id, d.name, b.grave,
            (SELECT max(h.until_day) FROM hold h WHERE h.proposal_pk = p.pk AND h.ended_at IS NULL) AS until_day,
            (SELECT string_agg(CAST(h.invoice_pk AS TEXT), ',' ORDER BY h.pk) FROM hold h WHERE h.proposal_pk = p.pk AND h.ended_at IS NULL AND h.invoice_pk IS NOT NULL) AS held,
            (SELECT string_agg(i.number, ', ' ORDER BY i.pk) FROM json_each(p.invoices) v JOIN invoice i ON i.pk = CAST(v.value AS BIGINT)) AS numbers
        FROM proposal p JOIN debtor d ON d.pk = p.debtor_pk LEFT JOIN inbound b ON b.pk = p.inbound_pk
        WHERE p.pk > $1 AND (CAST($2 AS BIGINT) IS NULL OR p.pk = $2) AND (CAST($3 AS BIGINT) IS NULL OR p.debtor_pk = $3) AND (CAST($4 AS BIGINT) = 0 OR p.state = 'open')
        ORDER BY p.pk LIMIT 500";
    PROPOSALS_OPEN = "SELECT count(*) FROM proposal WHERE state = 'open'";
    PROPOSAL_DECIDE = "UPDATE proposal SET state = $2, decided_at = $3, said_by = $4, reason = $5 WHERE pk = $1 AND state = 'open' RETURNING debtor_pk";
    PROPOSAL_HOLDS_END = "UPDATE hold SET ended_at = $2 WHERE proposal_pk = $1 AND ended_at IS NULL";
    PROPOSAL_WORD_HOLDS = "INSERT INTO hold (debtor_pk, invoice_pk, kind, until_day, reason, created_at, part, proposal_pk) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    PROPOSAL_PROMISED = "SELECT count(*) FROM promise WHERE proposal_pk = $1";
    PROPOSAL_PROMISE_ENDS = "UPDATE promise SET state = 'replaced', settled_at = $2 WHERE proposal_pk = $1 AND settled_at IS NULL";
    PROPOSAL_TASK = "SELECT pk FROM task WHERE key = $1 AND settled_at IS NULL";
    PROPOSAL_EVENT = "INSERT INTO event (debtor_pk, invoice_pk, at, kind, text) VALUES ($1, NULL, $2, $3, $4)";
    PROPOSALS_OVER = "SELECT count(*) FROM proposal p WHERE p.state = 'open' AND NOT EXISTS (
            SELECT 1 FROM json_each(p.invoices) v JOIN invoice i ON i.pk = CAST(v.value AS BIGINT) WHERE i.presence <> 'closed')";
    /// Of what is paid or gone nobody need decide any more.
    PROPOSALS_LAPSE = "UPDATE proposal SET state = 'lapsed', decided_at = $1 WHERE state = 'open' AND NOT EXISTS (
            SELECT 1 FROM json_each(proposal.invoices) v JOIN invoice i ON i.pk = CAST(v.value AS BIGINT) WHERE i.presence <> 'closed')";
}

/// An answer to put on record, with what it asks for.
#[derive(Clone, Debug)]
pub struct NewProposal {
    /// What it is.
    pub kind: AnswerKind,
    /// The invoices that it is about, by store key.
    pub invoices: Vec<i64>,
    /// The day that it names.
    pub on: Option<Date>,
    /// How much was paid.
    pub amount: Option<Money>,
    /// What was said, in short and in the customer's own words.
    pub text: String,
    /// What each of its invoices is held by, once: kind, until when, why.
    pub hold: Option<(HoldKind, Date, String)>,
    /// A promise, where something is held: the day, and the one on which it is known.
    pub promise: Option<(Date, Date)>,
    /// What a person has to do about it: the words, and the day.
    pub task: Option<(String, Date)>,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is on record under this number.
    New(i64),
    /// It was before.
    Known,
    /// The link has given all the answers that it may.
    Enough,
}

/// A letter to the creditor: its subject and its text.
pub type Told = (String, String);

/// A proposal on record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of `proposals`, see README")]
pub struct Proposal {
    pub id: i64,
    pub kind: String,
    pub debtor_pk: i64,
    pub debtor: String,
    pub name: String,
    /// The invoices that it is about, by store key, and their numbers.
    pub invoices: Vec<i64>,
    pub numbers: String,
    pub inbound: Option<i64>,
    pub at: Timestamp,
    pub on: Option<Date>,
    pub amount: Option<Money>,
    pub text: String,
    /// What it speaks of that only a person may judge.
    pub grave: Option<String>,
    pub state: String,
    pub decided_at: Option<Timestamp>,
    pub by: Option<String>,
    pub reason: Option<String>,
    /// Nothing is sent about what it holds before this day.
    pub held_until: Option<Date>,
    /// The invoices that it holds, by store key.
    pub held: Vec<i64>,
    pub erased: bool,
}

/// Which proposals to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProposalFilter {
    /// Only those that wait.
    pub open: bool,
    /// One of them.
    pub id: Option<i64>,
    /// One customer, by store key.
    pub debtor_pk: Option<i64>,
}

/// A person's word on a proposal, with what follows.
#[derive(Clone, Debug, Default)]
pub struct Word {
    /// Yes or no.
    pub accepted: bool,
    /// Who says so.
    pub by: Option<String>,
    /// Why, or what came of it.
    pub reason: Option<String>,
    /// What it held is let go.
    pub ends_holds: bool,
    /// Holds in their place: invoice, kind, until when, why, and of a dispute the part.
    pub holds: Vec<(i64, HoldKind, Date, String, Option<i64>)>,
    /// A promise in place of none: the day, and the one on which it is known.
    pub promise: Option<(Date, Date)>,
}

impl Store {
    /// The invoices that a contact gave a mark, by store key.
    pub async fn contact_about(&self, contact: i64) -> Result<Vec<i64>, StoreError> {
        let found: Option<String> = query(PROPOSAL_ABOUT).bind(contact).value(&self.reader).await?;
        Ok(found.as_deref().map(pk_list).unwrap_or_default())
    }

    /// Puts an answer on record with all that follows, all or nothing: the evidence, the proposal, what it holds, a promise, a
    /// task, and the letter to the creditor, which `tell` writes once it is known under which number and what is held.
    pub async fn take_answer(
        &self,
        taking: &Taking,
        proposal: &NewProposal,
        tell: &(dyn Fn(i64, &[i64]) -> Told + Sync),
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let Some((_, debtor, Some(ours))) = &taking.matched else { return Ok(Taken::Known) };
        let mut tx = self.begin().await?;
        let so_far: i64 = query(PROPOSAL_COUNT).bind(*debtor).bind(ours.pk).sure(&mut tx).await?;
        let Some(inbound) = insert(&mut tx, taking, now).await? else {
            tx.undo().await?;
            return Ok(Taken::Known);
        };
        if so_far >= MOST_ANSWERS {
            tx.undo().await?;
            return Ok(Taken::Enough);
        }
        apply(&mut tx, inbound, taking, now).await?;
        let pk = propose(&mut tx, *debtor, Some(inbound), proposal, now).await?;
        let held = hold(&mut tx, *debtor, pk, proposal, now).await?;
        let (subject, text) = tell(pk, &held);
        let alert = query(ALERT_ONCE).bind(format!("inbound:{inbound}")).bind(now.as_millisecond());
        alert.bind(subject).bind(text).execute(&mut tx).await?;
        query(HOLD_LOOK).bind(*debtor).bind(now.as_millisecond()).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(Taken::New(pk))
    }

    /// The proposal that was made of an answer, by the answer's key.
    pub async fn given(&self, key: &str, debtor_pk: i64) -> Result<Option<Proposal>, StoreError> {
        let found: Option<i64> = query(PROPOSAL_GIVEN).bind(key).bind(debtor_pk).value(&self.reader).await?;
        match found {
            Some(id) => self.proposal(id).await,
            None => Ok(None),
        }
    }

    /// A proposal by its number.
    pub async fn proposal(&self, id: i64) -> Result<Option<Proposal>, StoreError> {
        Ok(self.proposals(0, ProposalFilter { id: Some(id), ..ProposalFilter::default() }).await?.into_iter().next())
    }

    /// Proposals above a number, the oldest first; at most 500.
    pub async fn proposals(&self, above: i64, filter: ProposalFilter) -> Result<Vec<Proposal>, StoreError> {
        let list = query(PROPOSALS).bind(above).bind(filter.id).bind(filter.debtor_pk).bind(i64::from(filter.open));
        list.all(&self.reader).await?.iter().map(read).collect()
    }

    /// How many wait.
    pub async fn open_proposals(&self) -> Result<u64, StoreError> {
        Ok(query(PROPOSALS_OPEN).sure::<i64>(&self.reader).await?.unsigned_abs())
    }

    /// A person's word; false when it does not wait (any more).
    pub async fn decide(&self, id: i64, word: &Word, today: Date, now: Timestamp) -> Result<bool, StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        let state = if word.accepted { "accepted" } else { "refused" };
        let decide = query(PROPOSAL_DECIDE).bind(id).bind(state).bind(at).bind(word.by.clone()).bind(word.reason.clone());
        let Some(debtor) = decide.value::<i64>(&mut tx).await? else {
            tx.undo().await?;
            return Ok(false);
        };
        if word.ends_holds {
            query(PROPOSAL_HOLDS_END).bind(id).bind(at).execute(&mut tx).await?;
        }
        if !word.accepted {
            query(PROPOSAL_PROMISE_ENDS).bind(id).bind(at).execute(&mut tx).await?;
        }
        for (invoice, kind, until, why, part) in &word.holds {
            let hold = query(PROPOSAL_WORD_HOLDS).bind(debtor).bind(*invoice).bind(kind.as_str()).bind(until.to_string());
            hold.bind(why).bind(at).bind(*part).bind(id).execute(&mut tx).await?;
        }
        if let Some((until, known_on)) = word.promise {
            let about: Vec<i64> = word.holds.iter().map(|h| h.0).collect();
            promise(&mut tx, debtor, id, (until, known_on), &about, at).await?;
        }
        if let Some(task) = query(PROPOSAL_TASK).bind(task_key(id)).value::<i64>(&mut tx).await? {
            let (how, why) = if word.accepted { (TaskEnd::Done, "accepted") } else { (TaskEnd::Closed, "refused") };
            end(&mut tx, task, how, word.reason.as_deref().unwrap_or(why), today, at).await?;
        }
        let kind = if word.accepted { "proposal_accepted" } else { "proposal_refused" };
        let text = format!("proposal {id}{}", word.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default());
        query(PROPOSAL_EVENT).bind(debtor).bind(at).bind(kind).bind(text).execute(&mut tx).await?;
        query(HOLD_LOOK).bind(debtor).bind(at).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whether a promise was made of a proposal.
    pub async fn is_promised(&self, id: i64) -> Result<bool, StoreError> {
        Ok(query(PROPOSAL_PROMISED).bind(id).sure::<i64>(&self.reader).await? > 0)
    }

    /// Proposals about what is not open any more are over.
    pub async fn lapse_proposals(&self, now: Timestamp) -> Result<(), StoreError> {
        // As a rule there is none, and a look is no commit.
        if query(PROPOSALS_OVER).sure::<i64>(&self.reader).await? == 0 {
            return Ok(());
        }
        self.write(query(PROPOSALS_LAPSE).bind(now.as_millisecond())).await?;
        Ok(())
    }
}

/// The task of a proposal is there once.
fn task_key(proposal: i64) -> String {
    format!("answer:{proposal}")
}

async fn propose(tx: &mut Tx, debtor: i64, inbound: Option<i64>, p: &NewProposal, now: Timestamp) -> Result<i64, StoreError> {
    let at = now.as_millisecond();
    let new = query(PROPOSAL_NEW).bind(p.kind.as_str()).bind(debtor).bind(keys(p.invoices.iter().copied()));
    let new = new.bind(inbound).bind(at).bind(p.on.map(|d| d.to_string())).bind(p.amount.map(|m| m.minor));
    let pk: i64 = new.bind(p.amount.as_ref().map(|m| m.currency.code())).bind(&p.text).sure(&mut *tx).await?;
    if let Some((text, due_on)) = &p.task {
        let task = NewTask {
            debtor_pk: debtor,
            kind: TaskKind::Task,
            from: None,
            text: text.clone(),
            owner: None,
            invoices: p.invoices.clone(),
            redirected: false,
            due_on: *due_on,
            key: Some(task_key(pk)),
            marks: vec![],
            question: None,
        };
        give_out(tx, &[task], at).await?;
    }
    Ok(pk)
}

/// Holds what may still be held; gives the invoices that are.
async fn hold(tx: &mut Tx, debtor: i64, pk: i64, p: &NewProposal, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let at = now.as_millisecond();
    let Some((kind, until, why)) = &p.hold else { return Ok(vec![]) };
    // All of one answer is weighed against the holds of others, not against its own.
    let mut held = Vec::new();
    for invoice in &p.invoices {
        let put = query(PROPOSAL_HOLD).bind(debtor).bind(*invoice).bind(kind.as_str()).bind(until.to_string());
        held.extend(put.bind(format!("{why} (proposal {pk})")).bind(at).bind(pk).value::<i64>(&mut *tx).await?);
    }
    if let Some(days) = p.promise.filter(|_| !held.is_empty()) {
        promise(tx, debtor, pk, days, &held, at).await?;
    }
    Ok(held)
}

async fn promise(tx: &mut Tx, debtor: i64, pk: i64, days: (Date, Date), about: &[i64], at: i64) -> Result<(), StoreError> {
    let (until, known_on) = (days.0.to_string(), days.1.to_string());
    let new = query(PROPOSAL_PROMISE).bind(debtor).bind(at).bind(until).bind(known_on);
    new.bind(keys(about.iter().copied())).bind(pk).execute(tx).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Proposal, StoreError> {
    let until: Option<String> = row.get("until_day")?;
    let on: Option<String> = row.get("on_day")?;
    let (invoices, held): (String, Option<String>) = (row.get("invoices")?, row.get("held")?);
    let numbers: Option<String> = row.get("numbers")?;
    let currency: Option<String> = row.get("currency")?;
    let amount = row.get::<Option<i64>>("amount")?.zip(currency.as_deref().and_then(Currency::parse));
    Ok(Proposal {
        id: row.get("pk")?,
        kind: row.get("kind")?,
        debtor_pk: row.get("debtor_pk")?,
        debtor: row.get("source_id")?,
        name: row.get("name")?,
        invoices: pk_list(&invoices),
        numbers: numbers.unwrap_or_default(),
        inbound: row.get("inbound_pk")?,
        at: instant(row.get("at")?)?,
        on: on.as_deref().map(day).transpose()?,
        amount: amount.map(|(minor, currency)| Money::new(minor, currency)),
        text: row.get("text")?,
        grave: row.get("grave")?,
        state: row.get("state")?,
        decided_at: row.get::<Option<i64>>("decided_at")?.map(instant).transpose()?,
        by: row.get("said_by")?,
        reason: row.get("reason")?,
        held_until: until.as_deref().map(day).transpose()?,
        held: held.map(|list| pk_list(&format!("[{list}]"))).unwrap_or_default(),
        erased: row.get::<Option<i64>>("erased_at")?.is_some(),
    })
}
