//! What is planned goes into the outbox in the transaction that decides it; and the volume brake, which counts it there.

use super::access::Tx;
use super::db::Store;
use super::error::StoreError;
use super::packed::json;
use super::questions::{Answer, NewQuestion};
use super::sql::{Value, insert_many, query};
use super::tasks::{NewTask, TaskEnd};
use super::{keys, statements};
use crate::domain::case::MarkKind;
use crate::domain::debtor::Role;
use crate::domain::decision::Promised;
use crate::domain::step::{Channel, Rank};
use jiff::Timestamp;
use jiff::civil::Date;

statements! {
    PLAN_POLL = "SELECT coalesce(max(pk), 0) FROM poll";
    PLAN_DUE = "SELECT pk, next_at FROM debtor WHERE next_at <= $1 ORDER BY next_at, pk LIMIT $2";
    /// Numbers for so many new contacts. SQLite has one writer; a number of PostgreSQL's sequence is nobody else's.
    CONTACT_NUMBERS = each!(sqlite "WITH RECURSIVE n (i) AS (SELECT 1 WHERE $1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
            SELECT i + (SELECT coalesce(max(pk), 0) FROM contact) FROM n",
        postgres "SELECT nextval(pg_get_serial_sequence('contact', 'pk')) FROM generate_series(1, $1)");
    PLAN_CONTACT = "INSERT INTO contact (pk, debtor_pk, cadence, currency, step, state, at, redirected, invoices)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    PLAN_MARK = "INSERT INTO mark (invoice_pk, term, step, cadence, rank, overdue, kind, on_day, contact_pk, redirected, why)
        SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, value ->> 3, value ->> 4,
            CAST(value ->> 5 AS BIGINT), value ->> 6, value ->> 7, CAST(value ->> 8 AS BIGINT), CAST(value ->> 9 AS BIGINT), value ->> 10
        FROM json_each($1) WHERE true
        ON CONFLICT (invoice_pk, term, step) DO UPDATE SET cadence = excluded.cadence, rank = excluded.rank, kind = excluded.kind,
            on_day = excluded.on_day, contact_pk = excluded.contact_pk, redirected = excluded.redirected, why = excluded.why
        WHERE mark.kind = 'undelivered' OR (mark.redirected = 1 AND excluded.redirected = 0)
           OR (mark.kind = 'skipped' AND excluded.kind = 'skipped') OR mark.contact_pk = excluded.contact_pk
           OR mark.cadence <> excluded.cadence";
    /// A contact that was released and did not come about (refused, changed) is still released when it is planned
    /// again: the same step, for none but the same invoices.
    PLAN_MESSAGES = "INSERT INTO message (contact_pk, debtor_pk, channel, address, step, cadence, letter, message_id, state, not_before, released, copy, role, awaits)
        SELECT p.contact, p.debtor, p.channel, p.address, p.step, p.cadence, p.letter, p.message_id,
            CASE WHEN p.awaits = 1 THEN 'planned' WHEN p.released = 1 THEN 'queued' ELSE $2 END, $3, CASE WHEN p.awaits = 1 THEN 0 ELSE p.released END, p.copy, p.role, p.awaits
        FROM (SELECT CAST(j.value ->> 0 AS BIGINT) AS contact, CAST(j.value ->> 1 AS BIGINT) AS debtor, j.value ->> 2 AS channel,
                j.value ->> 3 AS address, j.value ->> 4 AS step, j.value ->> 5 AS cadence, j.value ->> 6 AS letter, j.value ->> 7 AS message_id,
                CAST(j.value ->> 9 AS BIGINT) AS copy, j.value ->> 10 AS role, CAST(j.value ->> 11 AS BIGINT) AS awaits,
                CASE WHEN EXISTS (
                    SELECT 1 FROM contact c JOIN message m ON m.contact_pk = c.pk AND m.released = 1
                    WHERE c.debtor_pk = CAST(j.value ->> 1 AS BIGINT) AND c.step = j.value ->> 4 AND c.state IN ('failed', 'cancelled') AND NOT EXISTS (
                        SELECT 1 FROM json_each(j.value ->> 8) n WHERE n.value NOT IN (SELECT o.value FROM json_each(c.invoices) o))) THEN 1 ELSE 0 END AS released
            FROM json_each($1) j) p";
    PLAN_LOOKED = "UPDATE debtor SET next_at = j.next, reason = j.reason
        FROM (SELECT CAST(value ->> 0 AS BIGINT) AS pk, CAST(value ->> 1 AS BIGINT) AS next, value ->> 2 AS reason, CAST(value ->> 3 AS BIGINT) AS was FROM json_each($1)) j
        WHERE debtor.pk = j.pk AND +debtor.next_at = j.was";
    REMARK_CLEAR = "DELETE FROM mark WHERE contact_pk = $1 AND kind IN ('in_hand', 'maybe', 'skipped')";
    REMARK_CONTACT = "UPDATE contact SET invoices = $2 WHERE pk = $1";
    PLAN_WAITS = "SELECT EXISTS (SELECT 1 FROM message WHERE state = 'planned' AND awaits = 0 AND settled_at IS NULL)";
    BRAKE_COUNT = "SELECT (SELECT count(*) FROM message WHERE state = 'planned' AND awaits = 0 AND settled_at IS NULL) AS planned,
        (SELECT count(*) FROM message WHERE state IN ('queued', 'deferred', 'leased', 'sending', 'uncertain') AND settled_at IS NULL AND released = 0) AS waiting,
        (SELECT count(*) FROM message m JOIN contact c ON c.pk = m.contact_pk AND c.redirected = $2
            WHERE m.settled_at >= $1 AND m.state IN ('accepted', 'refused', 'expired') AND m.released = 0) AS left";
    BRAKE_MOVE = "UPDATE message SET state = $1 WHERE state = 'planned' AND awaits = 0 AND settled_at IS NULL";
    BRAKE_RELEASE = "UPDATE message SET state = 'queued', released = 1, not_before = $1 WHERE state = 'braked' AND settled_at IS NULL";
    BRAKED_BY_STEP = "SELECT m.step, m.channel, count(*) AS messages FROM message m WHERE m.state = 'braked' AND m.settled_at IS NULL GROUP BY m.step, m.channel ORDER BY 1, 2";
}

/// A mark to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMark {
    /// The invoice, by store key.
    pub invoice_pk: i64,
    /// Its term.
    pub term: u32,
    /// The step.
    pub step: String,
    /// Its rank.
    pub rank: Option<Rank>,
    /// Whether it lies after the due date.
    pub overdue: bool,
    /// What becomes of it.
    pub kind: MarkKind,
    /// The day, in the debtor's zone.
    pub on: Date,
    /// Why it was passed over.
    pub why: Option<&'static str>,
}

/// A message to put into the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Channel.
    pub channel: Channel,
    /// Address.
    pub address: String,
    /// Message-ID of an e-mail, reference of an SMS: the same whenever this contact is planned again.
    pub message_id: String,
    /// A copy for somebody else.
    pub copy: bool,
    /// What the person is for the debtor.
    pub role: Role,
}

/// A contact to put into the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContact {
    /// The debtor, by store key.
    pub debtor_pk: i64,
    /// The cadence.
    pub cadence: String,
    /// The currency.
    pub currency: String,
    /// The step.
    pub step: String,
    /// The letter.
    pub letter: String,
    /// Everything goes to `redirect_to`.
    pub redirected: bool,
    /// The invoices that get a mark, by store key.
    pub invoices: Vec<i64>,
    /// Their marks.
    pub marks: Vec<NewMark>,
    /// The messages.
    pub messages: Vec<NewMessage>,
    /// What they wait for.
    pub question: Option<NewQuestion>,
}

/// What a batch of looks comes to.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// What each look came to.
    pub looked: Vec<Looked>,
    /// Contacts that are planned.
    pub contacts: Vec<NewContact>,
    /// Steps without an address.
    pub undelivered: Vec<super::settle::NoAddress>,
    /// Tasks for people.
    pub tasks: Vec<NewTask>,
    /// Tasks for which there is nothing to do any more: number, why, and the day in the debtor's zone.
    pub closed: Vec<(i64, &'static str, Date)>,
    /// Tasks about a state that is no longer in force: open ones close, and the state may make another one day.
    pub lifted: Vec<(i64, Date)>,
    /// Promises of which it is known now what became of them.
    pub promises: Vec<(i64, Promised)>,
    /// Questions that time or a change answers: number, answer, why, and the day in the debtor's zone.
    pub answered: Vec<(i64, Answer, &'static str, Date)>,
}

/// What a look at a debtor came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The debtor, by store key.
    pub debtor_pk: i64,
    /// What `next_at` was when the look began; if an event has changed it since, it stays.
    pub was: i64,
    /// When to look next.
    pub next: Option<Timestamp>,
    /// The reason code.
    pub reason: &'static str,
}

/// How many messages are counted by the volume brake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Planned and not yet let pass.
    pub planned: u64,
    /// On their way.
    pub waiting: u64,
    /// Left over the rolling day.
    pub left: u64,
}

impl Store {
    /// Debtors whose time to be looked at has come, with that time.
    pub async fn due_debtors(&self, now: Timestamp, limit: i64) -> Result<Vec<(i64, i64)>, StoreError> {
        let rows = query(PLAN_DUE).bind(now.as_millisecond()).bind(limit).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("pk")?, r.get("next_at")?))).collect()
    }

    /// The newest poll, by its number: what is decided is decided under what it showed.
    pub async fn newest_poll(&self) -> Result<i64, StoreError> {
        query(PLAN_POLL).sure(&self.reader).await
    }

    /// Writes a batch of decisions: contacts with marks and messages, attempts without an address, tasks, next looks.
    /// `held` puts the messages under the volume brake's count first. False, and nothing is written, when there has been
    /// another poll than the `decided_after` meanwhile: what waited for it would else wait on.
    pub async fn commit_plan(&self, decided_after: i64, looks: &Looks, held: bool, now: Timestamp) -> Result<bool, StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        if query(PLAN_POLL).sure::<i64>(&mut tx).await? != decided_after {
            tx.undo().await?;
            return Ok(false);
        }
        for (question, answer, why, today) in &looks.answered {
            super::questions::settle(&mut tx, *question, *answer, None, Some(why), *today, at).await?;
        }
        for (promise, became) in &looks.promises {
            super::calls::settle_promise(&mut tx, *promise, *became, at).await?;
        }
        for (task, why, today) in &looks.closed {
            super::tasks::end(&mut tx, *task, TaskEnd::Closed, why, *today, at).await?;
        }
        for (task, today) in &looks.lifted {
            super::tasks::lift(&mut tx, *task, *today, at).await?;
        }
        insert_contacts(&mut tx, &looks.contacts, held, at).await?;
        super::settle::record_no_address(&mut tx, &looks.undelivered, at).await?;
        super::tasks::insert(&mut tx, &looks.tasks, at).await?;
        let next = |t: Option<Timestamp>| t.map(|t| t.as_millisecond());
        let rows: Vec<_> = looks.looked.iter().map(|l| (l.debtor_pk, next(l.next), l.reason, l.was)).collect();
        query(PLAN_LOOKED).bind(json(&rows)?).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The case has moved a little since the contact was planned (one more invoice, one less): its marks follow.
    pub async fn remark(&self, contact_pk: i64, contact: &NewContact, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        query(REMARK_CLEAR).bind(contact_pk).execute(&mut tx).await?;
        insert_marks(&mut tx, &[(contact_pk, contact)]).await?;
        query(REMARK_CONTACT).bind(contact_pk).bind(keys(contact.invoices.iter().copied())).execute(&mut tx).await?;
        tx.commit().await?;
        tracing::debug!(event = "marks_moved", contact = contact_pk, at = now.as_millisecond(), "marks follow the case");
        Ok(())
    }

    /// Whether anything is planned and not counted yet.
    pub async fn has_planned(&self) -> Result<bool, StoreError> {
        query(PLAN_WAITS).sure(&self.reader).await
    }

    /// Counts for the volume brake: what went to `redirect_to` only counts while everything does.
    pub async fn volume(&self, since: Timestamp, redirected: bool) -> Result<Volume, StoreError> {
        let row = query(BRAKE_COUNT).bind(since.as_millisecond()).bind(i64::from(redirected)).one(&self.writer).await?;
        Ok(Volume { planned: row.count("planned")?, waiting: row.count("waiting")?, left: row.count("left")? })
    }

    /// Lets what is planned pass, or holds it.
    pub async fn move_planned(&self, hold: bool) -> Result<u64, StoreError> {
        let state = if hold { "braked" } else { "queued" };
        self.write(query(BRAKE_MOVE).bind(state)).await
    }

    /// Lets everything pass that the volume brake holds now.
    pub async fn release_braked(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let released = query(BRAKE_RELEASE).bind(now.as_millisecond()).execute(&mut tx).await?;
        query(super::polls::BRAKE_END).bind("too_many").execute(&mut tx).await?;
        // The next time is another one, of which a letter tells.
        query(super::alerts::ALERT_END).bind("too_many").bind(now.as_millisecond()).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(released)
    }

    /// What the volume brake holds: step, channel and how many.
    pub async fn braked(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        let rows = query(BRAKED_BY_STEP).all(&self.reader).await?;
        rows.iter().map(|r| Ok((r.get("step")?, r.get("channel")?, r.count("messages")?))).collect()
    }
}

async fn insert_contacts(tx: &mut Tx, contacts: &[NewContact], held: bool, at: i64) -> Result<(), StoreError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = query(CONTACT_NUMBERS).bind(contacts.len() as i64).list(&mut *tx).await?;
    let numbered: Vec<(i64, &NewContact)> = numbers.into_iter().zip(contacts).collect();
    for chunk in super::chunks(&numbered) {
        insert_many(PLAN_CONTACT, chunk.iter().map(|(pk, contact)| contact.values(*pk, at))).execute(&mut *tx).await?;
    }
    insert_marks(tx, &numbered).await?;
    let mut messages = Vec::new();
    for (pk, contact) in &numbered {
        let invoices = keys(contact.invoices.iter().copied());
        for m in &contact.messages {
            messages.push(serde_json::json!([
                pk,
                contact.debtor_pk,
                m.channel.as_str(),
                m.address,
                contact.step,
                contact.cadence,
                contact.letter,
                m.message_id,
                invoices,
                i64::from(m.copy),
                m.role.as_str(),
                i64::from(contact.question.is_some())
            ]));
        }
        if let Some(question) = &contact.question {
            super::questions::ask(tx, contact.debtor_pk, Some(*pk), None, question, at).await?;
        }
    }
    let state = if held { "planned" } else { "queued" };
    query(PLAN_MESSAGES).bind(json(&messages)?).bind(state).bind(at).execute(tx).await?;
    Ok(())
}

/// Writes the marks of contacts. An invoice that has had a step already cannot have it again: then nothing is written.
async fn insert_marks(tx: &mut Tx, contacts: &[(i64, &NewContact)]) -> Result<(), StoreError> {
    let of_kind = |in_hand: bool| {
        contacts.iter().flat_map(move |(pk, c)| {
            let marks = c.marks.iter().filter(move |m| (m.kind == MarkKind::InHand) == in_hand);
            marks.map(move |m| MarkOf { mark: m, cadence: &c.cadence, contact: Some(*pk), redirected: c.redirected })
        })
    };
    let in_hand: Vec<MarkOf<'_>> = of_kind(true).collect();
    let written = write_marks(tx, &in_hand).await?;
    if written != in_hand.len() as u64 {
        let names: Vec<String> =
            in_hand.iter().take(10).map(|m| format!("{} of invoice {}", m.mark.step, m.mark.invoice_pk)).collect();
        let text = format!("one of these steps was had already: {}", names.join(", "));
        return Err(StoreError::Corrupt(text));
    }
    write_marks(tx, &of_kind(false).collect::<Vec<_>>()).await?;
    Ok(())
}

/// A mark, with what it belongs to.
pub(super) struct MarkOf<'m> {
    pub(super) mark: &'m NewMark,
    pub(super) cadence: &'m str,
    pub(super) contact: Option<i64>,
    pub(super) redirected: bool,
}

/// Writes marks; gives how many were: an invoice that has had the step already keeps the mark it has.
pub(super) async fn write_marks(tx: &mut Tx, marks: &[MarkOf<'_>]) -> Result<u64, StoreError> {
    if marks.is_empty() {
        return Ok(0);
    }
    let row = |of: &MarkOf<'_>| {
        let m = of.mark;
        serde_json::json!([
            m.invoice_pk,
            m.term,
            m.step,
            of.cadence,
            m.rank.map(Rank::as_str),
            i64::from(m.overdue),
            m.kind.as_str(),
            m.on.to_string(),
            of.contact,
            i64::from(of.redirected),
            m.why
        ])
    };
    let rows: Vec<serde_json::Value> = marks.iter().map(row).collect();
    query(PLAN_MARK).bind(json(&rows)?).execute(tx).await
}

impl NewContact {
    fn values(&self, pk: i64, at: i64) -> Vec<Value> {
        vec![
            pk.into(),
            self.debtor_pk.into(),
            (&self.cadence).into(),
            (&self.currency).into(),
            (&self.step).into(),
            "in_hand".into(),
            at.into(),
            self.redirected.into(),
            keys(self.invoices.iter().copied()).into(),
        ]
    }
}
