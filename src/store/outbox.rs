//! The outbox: claims, and the sending mark. Both are made only by a session, which claimed messages bear.

use super::db::Store;
use super::error::StoreError;
use super::packed::{json, packed, unpack};
use super::sql::query;
use super::{keys, payloads, statements};
use crate::domain::step::Channel;
use jiff::Timestamp;
use serde::Deserialize;

statements! {
    CLAIM_READ = packed!("m.pk, m.contact_pk, m.debtor_pk, m.address, m.step, m.cadence, m.letter, m.message_id,
            m.tries, m.doubts, m.first_try_at, c.currency, c.invoices, m.copy, m.role"
        sqlite "FROM (SELECT * FROM message WHERE channel = $1 AND state IN ('queued', 'deferred') AND not_before <= $2
            ORDER BY not_before, pk LIMIT $3) m JOIN contact c ON c.pk = m.contact_pk"
        postgres "FROM (SELECT * FROM message WHERE channel = $1 AND state IN ('queued', 'deferred') AND not_before <= $2
            ORDER BY not_before, pk LIMIT $3 FOR UPDATE SKIP LOCKED) m JOIN contact c ON c.pk = m.contact_pk" by "m.not_before, m.pk");
    CLAIM = "UPDATE message SET state = 'leased', session_pk = $2 WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    /// State and session are asked in a CASE here and below: what is in hand has an index, but its numbers are the way to a
    /// message. Of that index a planner thinks too well, because most of what stands in it is over.
    /// With the payload of that very mark: the same session may have claimed and marked the message anew meanwhile.
    CLAIM_UNUSED = "SELECT m.payload_pk FROM message m JOIN (SELECT CAST(value ->> 0 AS BIGINT) AS pk, CAST(value ->> 1 AS BIGINT) AS payload FROM json_each($1)) j
        ON m.pk = j.pk WHERE CASE WHEN m.state = 'sending' AND m.session_pk = $2 AND m.payload_pk = j.payload THEN 1 ELSE 0 END = 1";
    CLAIM_UNMARK = "UPDATE message SET state = 'queued', session_pk = NULL, payload_pk = NULL, tries = tries - 1,
            first_try_at = CASE WHEN tries = 1 AND doubts = 0 THEN NULL ELSE first_try_at END
        FROM (SELECT CAST(value ->> 0 AS BIGINT) AS pk, CAST(value ->> 1 AS BIGINT) AS payload FROM json_each($1)) j
        WHERE message.pk = j.pk AND CASE WHEN message.state = 'sending' AND message.session_pk = $2 AND message.payload_pk = j.payload THEN 1 ELSE 0 END = 1";
    CLAIM_RETURN = "UPDATE message SET state = 'queued', session_pk = NULL WHERE CASE WHEN state = 'leased' AND session_pk = $2 THEN 1 ELSE 0 END = 1
        AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    CLAIM_PUT_OFF = "UPDATE message SET state = 'queued', session_pk = NULL, not_before = $3
        WHERE CASE WHEN state = 'leased' AND session_pk = $2 THEN 1 ELSE 0 END = 1 AND pk = $1";
    CLAIM_FORGET = "UPDATE payload SET address = NULL, body = NULL, erased_at = $2 WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    MARK_SENDING = "UPDATE message SET state = 'sending', payload_pk = j.payload, first_try_at = coalesce(message.first_try_at, $2),
            tries = message.tries + 1
        FROM (SELECT CAST(value ->> 0 AS BIGINT) AS pk, CAST(value ->> 1 AS BIGINT) AS payload FROM json_each($1)) j
        WHERE message.pk = j.pk AND CASE WHEN message.state = 'leased' AND message.session_pk = $3 THEN 1 ELSE 0 END = 1";
    NEXT_READY = "SELECT min(not_before) FROM message WHERE channel = $1 AND state IN ('queued', 'deferred')";
    /// What has left in the last minute or may be about to.
    CLAIM_PACE = "SELECT (SELECT count(*) FROM attempt WHERE channel = $1 AND at >= $2 AND outcome IN ('accepted', 'unknown', 'deferred', 'refused'))
        + (SELECT count(*) FROM message WHERE channel = $1 AND state IN ('leased', 'sending') AND settled_at IS NULL)";
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
    /// A copy for somebody else.
    pub copy: bool,
    /// What the person is for the debtor.
    pub role: Option<String>,
}

impl Store {
    /// Claims messages of a channel whose time has come. A claim is safe to redo. Where only so many may leave in a
    /// minute, all daemons count what all of them have in hand, one after the other.
    pub async fn claim(
        &self,
        channel: Channel,
        now: Timestamp,
        limit: i64,
        per_minute: Option<u32>,
    ) -> Result<Vec<Claimed>, StoreError> {
        let at = now.as_millisecond();
        let session = self.own_session()?;
        let (mut tx, limit) = match per_minute {
            None => (self.begin_apart().await?, limit),
            Some(most) => {
                let mut tx = self.begin().await?;
                let paced: i64 = query(CLAIM_PACE).bind(channel.as_str()).bind(at - 60_000).sure(&mut tx).await?;
                (tx, limit.min(i64::from(most) - paced))
            }
        };
        if limit <= 0 {
            tx.undo().await?;
            return Ok(Vec::new());
        }
        let claim = query(CLAIM_READ).bind(channel.as_str()).bind(at).bind(limit);
        let rows: Vec<ClaimRow> = unpack(claim, &mut tx).await?;
        if !rows.is_empty() {
            query(CLAIM).bind(keys(rows.iter().map(|r| r.pk))).bind(session).execute(&mut tx).await?;
        }
        tx.commit().await?;
        rows.into_iter().map(|row| row.read(channel)).collect()
    }

    /// Gives claims back.
    pub async fn give_back(&self, messages: &[i64]) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_apart().await?;
        query(CLAIM_RETURN).bind(keys(messages.iter().copied())).bind(self.own_session()?).execute(&mut tx).await?;
        tx.commit().await
    }

    /// Gives a claim back until a later instant.
    pub async fn put_off(&self, message: i64, until: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_apart().await?;
        let put_off = query(CLAIM_PUT_OFF).bind(message).bind(self.own_session()?).bind(until.as_millisecond());
        put_off.execute(&mut tx).await?;
        tx.commit().await
    }

    /// Takes sending marks off again, each named by message and payload, whose transmission has not begun: that was no
    /// try, and what was kept for it never left. (Emptied, not deleted: a deletion would look through the whole log for
    /// its number.)
    pub async fn unmark(&self, marks: &[(i64, i64)], now: Timestamp) -> Result<(), StoreError> {
        if marks.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_apart().await?;
        let (list, session) = (json(&marks)?, self.own_session()?);
        let unused: Vec<i64> = query(CLAIM_UNUSED).bind(&list).bind(session).list(&mut tx).await?;
        query(CLAIM_UNMARK).bind(&list).bind(session).execute(&mut tx).await?;
        query(CLAIM_FORGET).bind(keys(unused)).bind(now.as_millisecond()).execute(&mut tx).await?;
        tx.commit().await
    }

    /// Commits the sending mark of some messages, with what is about to leave; gives the payloads' numbers.
    /// From here on they may have left.
    pub async fn mark_sending(&self, items: &[(i64, payloads::Payload)], now: Timestamp) -> Result<Vec<i64>, StoreError> {
        let session = self.own_session()?;
        let mut tx = self.begin_apart().await?;
        let kept = payloads::insert(&mut tx, items.iter().map(|i| &i.1)).await?;
        let pairs: Vec<String> = items.iter().zip(&kept).map(|((message, _), pk)| format!("[{message},{pk}]")).collect();
        let list = format!("[{}]", pairs.join(","));
        let marked = query(MARK_SENDING).bind(list).bind(now.as_millisecond()).bind(session).execute(&mut tx).await?;
        if marked != items.len() as u64 {
            return Err(StoreError::Corrupt(format!("{} messages were claimed, but only {marked} could be marked", items.len())));
        }
        tx.commit().await?;
        Ok(kept)
    }

    /// The earliest time at which a message of a channel may be claimed.
    pub async fn next_ready(&self, channel: Channel) -> Result<Option<i64>, StoreError> {
        query(NEXT_READY).bind(channel.as_str()).sure(&self.reader).await
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
    copy: i64,
    role: Option<String>,
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
            copy: self.copy != 0,
            role: self.role,
        })
    }
}
