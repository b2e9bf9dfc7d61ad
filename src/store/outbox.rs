//! The outbox: what is planned, in the transaction that decides it; claims; the sending mark.

use super::db::{Store, StoreError};
use super::packed::{json, packed, unpack};
use super::{keys, payloads, statements};
use crate::domain::case::MarkKind;
use crate::domain::step::{Channel, Rank};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use sqlx::{Row, Sqlite, Transaction};

statements! {
    PLAN_DUE = "SELECT pk, next_at FROM debtor WHERE next_at <= $1 ORDER BY next_at, pk LIMIT $2";
    PLAN_CONTACT = "INSERT INTO contact (debtor_pk, cadence, currency, step, state, at, redirected, invoices)
        VALUES ($1, $2, $3, $4, 'in_hand', $5, $6, $7) RETURNING pk";
    PLAN_MARK = "INSERT INTO mark (invoice_pk, term, step, cadence, rank, overdue, kind, on_day, contact_pk, redirected, why)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (invoice_pk, term, step) DO UPDATE SET cadence = excluded.cadence, rank = excluded.rank, kind = excluded.kind,
            on_day = excluded.on_day, contact_pk = excluded.contact_pk, redirected = excluded.redirected, why = excluded.why
        WHERE mark.kind = 'undelivered' OR (mark.redirected = 1 AND excluded.redirected = 0)
           OR (mark.kind = 'skipped' AND excluded.kind = 'skipped') OR mark.contact_pk = excluded.contact_pk";
    /// A contact that was released and did not come about (refused, changed) is still released when it is planned
    /// again: the same step, for none but the same invoices.
    PLAN_MESSAGE = "INSERT INTO message (contact_pk, debtor_pk, channel, address, step, cadence, letter, message_id, state, not_before, released)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN r.released = 1 THEN 'queued' ELSE $9 END, $10, r.released
        FROM (SELECT EXISTS (
            SELECT 1 FROM contact c JOIN message m ON m.contact_pk = c.pk AND m.released = 1
            WHERE c.debtor_pk = $2 AND c.step = $5 AND c.state IN ('failed', 'cancelled') AND NOT EXISTS (
                SELECT 1 FROM json_each($11) n WHERE n.value NOT IN (SELECT o.value FROM json_each(c.invoices) o))) AS released) r";
    PLAN_LOOKED = "UPDATE debtor SET next_at = j.next, reason = j.reason
        FROM (SELECT value ->> 0 AS pk, value ->> 1 AS next, value ->> 2 AS reason, value ->> 3 AS was FROM json_each($1)) j
        WHERE debtor.pk = j.pk AND +debtor.next_at = j.was";
    BRAKE_COUNT = "SELECT (SELECT count(*) FROM message WHERE state = 'planned' AND settled_at IS NULL) AS planned,
        (SELECT count(*) FROM message WHERE state IN ('queued', 'deferred', 'leased', 'sending', 'uncertain') AND settled_at IS NULL AND released = 0) AS waiting,
        (SELECT count(*) FROM message m JOIN contact c ON c.pk = m.contact_pk AND c.redirected = $2
            WHERE m.settled_at >= $1 AND m.state IN ('accepted', 'refused', 'expired') AND m.released = 0) AS left";
    BRAKE_MOVE = "UPDATE message SET state = $1 WHERE state = 'planned' AND settled_at IS NULL";
    BRAKE_RELEASE = "UPDATE message SET state = 'queued', released = 1, not_before = $1 WHERE state = 'braked' AND settled_at IS NULL";
    BRAKED_BY_STEP = "SELECT m.step, m.channel, count(*) AS messages FROM message m WHERE m.state = 'braked' AND m.settled_at IS NULL GROUP BY m.step, m.channel ORDER BY 1, 2";
    CLAIM_READ = packed!("m.pk, m.contact_pk, m.debtor_pk, m.address, m.step, m.cadence, m.letter, m.message_id,
            m.tries, m.doubts, m.first_try_at, c.currency, c.invoices"
        "FROM (SELECT * FROM message WHERE channel = $1 AND state IN ('queued', 'deferred') AND not_before <= $2
            ORDER BY not_before, pk LIMIT $3) m JOIN contact c ON c.pk = m.contact_pk" by "m.not_before, m.pk");
    CLAIM = "UPDATE message SET state = 'leased', lease_until = $2 WHERE pk IN (SELECT value FROM json_each($1))";
    CLAIM_UNUSED = "SELECT payload_pk FROM message WHERE state = 'sending' AND pk IN (SELECT value FROM json_each($1))";
    CLAIM_UNMARK = "UPDATE message SET state = 'queued', lease_until = NULL, payload_pk = NULL, tries = tries - 1,
            first_try_at = CASE WHEN tries = 1 AND doubts = 0 THEN NULL ELSE first_try_at END
        WHERE state = 'sending' AND pk IN (SELECT value FROM json_each($1))";
    CLAIM_RETURN = "UPDATE message SET state = 'queued', lease_until = NULL WHERE state = 'leased'
        AND pk IN (SELECT value FROM json_each($1))";
    CLAIM_FORGET = "UPDATE payload SET address = NULL, body = NULL, erased_at = $2 WHERE pk IN (SELECT value FROM json_each($1))";
    MARK_SENDING = "UPDATE message SET state = 'sending', payload_pk = j.payload, first_try_at = coalesce(message.first_try_at, $2),
            tries = message.tries + 1
        FROM (SELECT value ->> 0 AS pk, value ->> 1 AS payload FROM json_each($1)) j
        WHERE message.pk = j.pk AND (message.state || '') = 'leased'";
    REMARK_CLEAR = "DELETE FROM mark WHERE contact_pk = $1 AND kind IN ('in_hand', 'maybe', 'skipped')";
    REMARK_CONTACT = "UPDATE contact SET invoices = $2 WHERE pk = $1";
    NEXT_READY = "SELECT min(not_before) FROM message WHERE channel = $1 AND state IN ('queued', 'deferred')";
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

/// A claimed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its number.
    pub pk: i64,
    /// Its contact.
    pub contact_pk: i64,
    /// Its debtor.
    pub debtor_pk: i64,
    /// Channel.
    pub channel: Channel,
    /// Address.
    pub address: String,
    /// Step.
    pub step: String,
    /// Cadence.
    pub cadence: String,
    /// Letter.
    pub letter: String,
    /// Message-ID.
    pub message_id: String,
    /// Tries so far.
    pub tries: u32,
    /// How often it was uncertain whether it had left.
    pub doubts: u32,
    /// The first try, in milliseconds.
    pub first_try_at: Option<i64>,
    /// Currency of its case.
    pub currency: String,
    /// The invoices that it gives a mark, by store key.
    pub invoices: Vec<i64>,
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
        let rows = sqlx::query(PLAN_DUE).bind(now.as_millisecond()).bind(limit).fetch_all(&self.reader).await?;
        Ok(rows.iter().map(|r| (r.get("pk"), r.get("next_at"))).collect())
    }

    /// Writes a batch of decisions: contacts with marks and messages, attempts without an address, next looks.
    /// `held` puts the messages under the volume brake's count first.
    pub async fn commit_plan(
        &self,
        contacts: &[NewContact],
        undelivered: &[super::settle::NoAddress],
        looks: &[Looked],
        held: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        for contact in contacts {
            insert_contact(&mut tx, contact, held, at).await?;
        }
        super::settle::record_no_address(&mut tx, undelivered, at).await?;
        let looks: Vec<_> = looks.iter().map(|l| (l.debtor_pk, l.next.map(|t| t.as_millisecond()), l.reason, l.was)).collect();
        sqlx::query(PLAN_LOOKED).bind(json(&looks)?).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Counts for the volume brake: what went to `redirect_to` only counts while everything does.
    pub async fn volume(&self, since: Timestamp, redirected: bool) -> Result<Volume, StoreError> {
        let row =
            sqlx::query(BRAKE_COUNT).bind(since.as_millisecond()).bind(i64::from(redirected)).fetch_one(&self.writer).await?;
        let count = |name: &str| row.get::<i64, _>(name) as u64;
        Ok(Volume { planned: count("planned"), waiting: count("waiting"), left: count("left") })
    }

    /// Lets what is planned pass, or holds it.
    pub async fn move_planned(&self, hold: bool) -> Result<u64, StoreError> {
        let state = if hold { "braked" } else { "queued" };
        self.write(sqlx::query(BRAKE_MOVE).bind(state)).await
    }

    /// Lets everything pass that the volume brake holds now.
    pub async fn release_braked(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let released = sqlx::query(BRAKE_RELEASE).bind(now.as_millisecond()).execute(&mut *tx).await?.rows_affected();
        sqlx::query(super::polls::BRAKE_END).bind("too_many").execute(&mut *tx).await?;
        // The next time is another one, of which a letter tells.
        sqlx::query(super::alerts::ALERT_END).bind("too_many").bind(now.as_millisecond()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(released)
    }

    /// What the volume brake holds: step, channel and how many.
    pub async fn braked(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        let rows = sqlx::query(BRAKED_BY_STEP).fetch_all(&self.reader).await?;
        Ok(rows.iter().map(|r| (r.get("step"), r.get("channel"), r.get::<i64, _>("messages") as u64)).collect())
    }

    /// Claims messages of a channel whose time has come. A claim is safe to redo.
    pub async fn claim(&self, channel: Channel, now: Timestamp, limit: i64) -> Result<Vec<Claimed>, StoreError> {
        let lease = now.as_millisecond() + 600_000;
        let mut tx = self.begin().await?;
        let query = sqlx::query(CLAIM_READ).bind(channel.as_str()).bind(now.as_millisecond()).bind(limit);
        let rows: Vec<ClaimRow> = unpack(query, &mut tx).await?;
        if !rows.is_empty() {
            sqlx::query(CLAIM).bind(keys(rows.iter().map(|r| r.pk))).bind(lease).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        rows.into_iter().map(|row| row.read(channel)).collect()
    }

    /// Gives claims back; also a sending mark whose transmission has not begun: that was no try, and what
    /// was kept for it never left. (Emptied, not deleted: a deletion would look through the whole log for its number.)
    pub async fn give_back(&self, messages: &[i64], now: Timestamp) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let list = keys(messages.iter().copied());
        let mut tx = self.begin().await?;
        let unused: Vec<i64> = sqlx::query_scalar(CLAIM_UNUSED).bind(&list).fetch_all(&mut *tx).await?;
        sqlx::query(CLAIM_UNMARK).bind(&list).execute(&mut *tx).await?;
        sqlx::query(CLAIM_RETURN).bind(&list).execute(&mut *tx).await?;
        sqlx::query(CLAIM_FORGET).bind(keys(unused)).bind(now.as_millisecond()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Commits the sending mark of some messages, with what is about to leave; gives the payloads' numbers.
    /// From here on they may have left.
    pub async fn mark_sending(&self, items: &[(i64, payloads::Payload)], now: Timestamp) -> Result<Vec<i64>, StoreError> {
        let mut tx = self.begin().await?;
        let kept = payloads::insert(&mut tx, items.iter().map(|i| &i.1)).await?;
        let pairs: Vec<String> = items.iter().zip(&kept).map(|((message, _), pk)| format!("[{message},{pk}]")).collect();
        let list = format!("[{}]", pairs.join(","));
        let marked = sqlx::query(MARK_SENDING).bind(list).bind(now.as_millisecond()).execute(&mut *tx).await?.rows_affected();
        if marked != items.len() as u64 {
            return Err(StoreError::Corrupt(format!("{} messages were claimed, but only {marked} could be marked", items.len())));
        }
        tx.commit().await?;
        Ok(kept)
    }

    /// The case has moved a little since the contact was planned (one more invoice, one less): its marks follow.
    pub async fn remark(&self, contact_pk: i64, contact: &NewContact, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(REMARK_CLEAR).bind(contact_pk).execute(&mut *tx).await?;
        insert_marks(&mut tx, contact_pk, contact).await?;
        sqlx::query(REMARK_CONTACT).bind(contact_pk).bind(keys(contact.invoices.iter().copied())).execute(&mut *tx).await?;
        tx.commit().await?;
        tracing::debug!(contact = contact_pk, at = now.as_millisecond(), "marks follow the case");
        Ok(())
    }

    /// The earliest time at which a message of a channel may be claimed.
    pub async fn next_ready(&self, channel: Channel) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(NEXT_READY).bind(channel.as_str()).fetch_one(&self.reader).await?)
    }
}

#[derive(Deserialize)]
struct ClaimRow {
    pk: i64,
    contact_pk: i64,
    debtor_pk: i64,
    address: String,
    step: String,
    cadence: String,
    letter: String,
    message_id: String,
    tries: u32,
    doubts: u32,
    first_try_at: Option<i64>,
    currency: String,
    invoices: String,
}

impl ClaimRow {
    fn read(self, channel: Channel) -> Result<Claimed, StoreError> {
        let unreadable = |e| StoreError::Corrupt(format!("the invoices of contact {}: {e}", self.contact_pk));
        Ok(Claimed {
            pk: self.pk,
            contact_pk: self.contact_pk,
            debtor_pk: self.debtor_pk,
            channel,
            address: self.address,
            step: self.step,
            cadence: self.cadence,
            letter: self.letter,
            message_id: self.message_id,
            tries: self.tries,
            doubts: self.doubts,
            first_try_at: self.first_try_at,
            currency: self.currency,
            invoices: serde_json::from_str(&self.invoices).map_err(unreadable)?,
        })
    }
}

async fn insert_contact(tx: &mut Transaction<'_, Sqlite>, contact: &NewContact, held: bool, at: i64) -> Result<(), StoreError> {
    let pk: i64 = sqlx::query_scalar(PLAN_CONTACT)
        .bind(contact.debtor_pk)
        .bind(&contact.cadence)
        .bind(&contact.currency)
        .bind(&contact.step)
        .bind(at)
        .bind(i64::from(contact.redirected))
        .bind(keys(contact.invoices.iter().copied()))
        .fetch_one(&mut **tx)
        .await?;
    insert_marks(tx, pk, contact).await?;
    let invoices = keys(contact.invoices.iter().copied());
    for message in &contact.messages {
        sqlx::query(PLAN_MESSAGE)
            .bind(pk)
            .bind(contact.debtor_pk)
            .bind(message.channel.as_str())
            .bind(&message.address)
            .bind(&contact.step)
            .bind(&contact.cadence)
            .bind(&contact.letter)
            .bind(&message.message_id)
            .bind(if held { "planned" } else { "queued" })
            .bind(at)
            .bind(&invoices)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn insert_marks(tx: &mut Transaction<'_, Sqlite>, contact_pk: i64, contact: &NewContact) -> Result<(), StoreError> {
    for mark in &contact.marks {
        let written = insert_mark(tx, mark, &contact.cadence, Some(contact_pk), contact.redirected).await?;
        if !written && mark.kind == MarkKind::InHand {
            let text = format!("invoice {} has had step {} in term {} already", mark.invoice_pk, mark.step, mark.term);
            return Err(StoreError::Corrupt(text));
        }
    }
    Ok(())
}

/// Writes a mark; false when the invoice has had the step already and it stays as it is.
pub(super) async fn insert_mark(
    tx: &mut Transaction<'_, Sqlite>,
    mark: &NewMark,
    cadence: &str,
    contact: Option<i64>,
    redirected: bool,
) -> Result<bool, StoreError> {
    let done = sqlx::query(PLAN_MARK)
        .bind(mark.invoice_pk)
        .bind(i64::from(mark.term))
        .bind(&mark.step)
        .bind(cadence)
        .bind(mark.rank.map(Rank::as_str))
        .bind(i64::from(mark.overdue))
        .bind(mark.kind.as_str())
        .bind(mark.on.to_string())
        .bind(contact)
        .bind(i64::from(redirected))
        .bind(mark.why)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() > 0)
}
