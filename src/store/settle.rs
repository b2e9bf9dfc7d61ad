//! Settling what came of messages: attempts, message states, contacts, marks and addresses, in one transaction
//! for many outcomes.

use super::access::Tx;
use super::attempts::{self, NewAttempt};
use super::db::Store;
use super::error::StoreError;
use super::packed::json;
use super::payloads::{self, Payload};
use super::plan::{MarkOf, NewMark, write_marks};
use super::sql::query;
use super::statements;
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::step::Channel;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

statements! {
    /// `+` and CASE keep the planner from the index of what is not settled: the number is the way to a message.
    SETTLE_MESSAGES = "UPDATE message SET state = j.state, not_before = coalesce(j.next, message.not_before),
            settled_at = j.settled, doubts = message.doubts + j.doubt, tries = CASE WHEN message.tries > j.ours THEN message.tries - j.ours ELSE 0 END, session_pk = NULL,
            payload_pk = coalesce(j.payload, message.payload_pk)
        FROM (SELECT CAST(value ->> 'pk' AS BIGINT) AS pk, value ->> 'state' AS state, CAST(value ->> 'next' AS BIGINT) AS next, CAST(value ->> 'settled' AS BIGINT) AS settled,
                     CAST(value ->> 'doubt' AS BIGINT) AS doubt, CAST(value ->> 'ours' AS BIGINT) AS ours, CAST(value ->> 'payload' AS BIGINT) AS payload FROM json_each($1)) j
        WHERE message.pk = j.pk AND +message.settled_at IS NULL";
    /// By far the most, and alike: they need no table of values.
    SETTLE_ACCEPTED = "UPDATE message SET state = 'accepted', settled_at = $2, session_pk = NULL
        WHERE +settled_at IS NULL AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    SETTLE_GATEWAY_IDS = "UPDATE message SET gateway_id = j.id
        FROM (SELECT CAST(value ->> 0 AS BIGINT) AS pk, value ->> 1 AS id FROM json_each($1)) j WHERE message.pk = j.pk";
    SETTLE_HAVE_ARRIVED = "SELECT pk FROM message WHERE delivered_at IS NOT NULL AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    SETTLE_LEFT = "UPDATE contact SET state = 'left', at = $2 WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    SETTLE_LEFT_MARKS = "UPDATE mark SET kind = 'left', on_day = $2
        WHERE kind IN ('in_hand', 'maybe') AND contact_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    SETTLE_THREADS = "UPDATE invoice SET thread = j.thread
        FROM (SELECT CAST(value ->> 0 AS BIGINT) AS pk, value ->> 1 AS thread FROM json_each($1)) j
        WHERE invoice.pk = j.pk AND invoice.thread IS NULL";
    SETTLE_MAYBE = "UPDATE contact SET state = 'maybe', at = $2 WHERE state = 'in_hand' AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    SETTLE_MAYBE_MARKS = "UPDATE mark SET kind = 'maybe' WHERE kind = 'in_hand' AND contact_pk IN (
            SELECT pk FROM contact WHERE state = 'maybe' AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)))";
    SETTLE_ENDED = "UPDATE contact SET state = CASE
            WHEN EXISTS (SELECT 1 FROM message m WHERE m.contact_pk = contact.pk AND m.copy = 0 AND m.state = 'dropped') THEN 'dropped'
            WHEN EXISTS (SELECT 1 FROM message m WHERE m.contact_pk = contact.pk AND m.copy = 0 AND m.state IN ('refused', 'expired')) THEN 'failed'
            ELSE 'cancelled' END
        WHERE state IN ('in_hand', 'maybe') AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND NOT EXISTS (
            SELECT 1 FROM message m WHERE m.contact_pk = contact.pk AND m.copy = 0
              AND m.state IN ('planned', 'braked', 'queued', 'deferred', 'leased', 'sending', 'uncertain', 'accepted'))";
    SETTLE_ENDED_MARKS = "DELETE FROM mark WHERE kind IN ('in_hand', 'maybe', 'skipped') AND contact_pk IN (
            SELECT pk FROM contact WHERE state IN ('failed', 'cancelled') AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)))";
    SETTLE_DROPPED_MARKS = "UPDATE mark SET kind = 'skipped', why = 'dropped' WHERE kind IN ('in_hand', 'maybe') AND contact_pk IN (
            SELECT pk FROM contact WHERE state = 'dropped' AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)))";
    /// A person has spoken and no message of the contact is in doubt any more: what is left of it is in hand again.
    SETTLE_IN_HAND = "UPDATE contact SET state = 'in_hand' WHERE pk = $1 AND state = 'maybe' AND NOT EXISTS (
            SELECT 1 FROM message m WHERE m.contact_pk = contact.pk AND m.copy = 0 AND m.state = 'uncertain')";
    SETTLE_IN_HAND_MARKS = "UPDATE mark SET kind = 'in_hand' WHERE contact_pk = $1 AND kind = 'maybe'
        AND EXISTS (SELECT 1 FROM contact c WHERE c.pk = $1 AND c.state = 'in_hand')";
    SETTLE_LOOK = "UPDATE debtor SET next_at = CAST($2 AS BIGINT) - CASE WHEN next_at = $2 THEN 1 ELSE 0 END WHERE pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    SETTLE_DEAD = "INSERT INTO point (debtor_pk, channel, address, since, evidence, state) VALUES ($1, $2, $3, $4, $5, 'dead')
        ON CONFLICT (debtor_pk, channel, address) DO UPDATE SET since = excluded.since, evidence = excluded.evidence, state = 'dead' WHERE point.state = 'suspect'";
    NO_ADDRESS_KNOWN = "SELECT count(*) FROM mark WHERE invoice_pk = $1 AND term = $2 AND step = $3 AND kind = 'undelivered'";
    SETTLE_HELD = "SELECT pk, payload_pk FROM message WHERE +settled_at IS NULL AND pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        AND CASE WHEN CAST($2 AS BIGINT) IS NULL AND state = 'uncertain' THEN 1 WHEN session_pk = $2 THEN 1 ELSE 0 END = 1";
}

/// What becomes of a message after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It was accepted: settled.
    Accepted,
    /// Tried again at this time. `ours`: the try does not count.
    Retry {
        /// When.
        at: Timestamp,
        /// The fault was ours.
        ours: bool,
    },
    /// In doubt, sent again at this time.
    Resend(Timestamp),
    /// In doubt, waits for the operator.
    Uncertain,
    /// Refused for good.
    Refused,
    /// Its time for retries is over.
    Expired,
    /// It does not leave.
    Cancelled,
    /// A person says that it shall not leave (again): unless another channel carries its step, that is passed over for
    /// good, else it would be planned anew.
    Dropped,
}

/// An outcome to settle.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The message.
    pub message_pk: i64,
    /// Its contact.
    pub contact_pk: i64,
    /// It is a copy for somebody else: what becomes of it moves its contact in nothing.
    pub copy: bool,
    /// What becomes of it.
    pub after: After,
    /// The day in the debtor's zone.
    pub day: Date,
    /// The attempt to append.
    pub attempt: NewAttempt,
    /// The payload of a message that never got the sending mark.
    pub payload: Option<Payload>,
    /// For the digest: salt, address and hash of the payload that left.
    pub sealed: Option<(Vec<u8>, String, Vec<u8>)>,
    /// Invoices that gain this thread, by store key.
    pub threads: Vec<(i64, String)>,
    /// The address turned out not to exist.
    pub dead: Option<(String, String)>,
    /// What the gateway calls the message.
    pub gateway_id: Option<String>,
}

/// A step for which there is no address, to be recorded once.
#[derive(Clone, Debug)]
pub struct NoAddress {
    /// The marks, of kind undelivered.
    pub marks: Vec<NewMark>,
    /// The cadence.
    pub cadence: String,
    /// Everything goes to `redirect_to`.
    pub redirected: bool,
    /// The attempt to append.
    pub attempt: NewAttempt,
}

#[derive(Serialize)]
struct MessageRow {
    pk: i64,
    state: &'static str,
    next: Option<i64>,
    settled: Option<i64>,
    doubt: u8,
    ours: u8,
    payload: Option<i64>,
}

impl Settlement {
    fn message_row(&self, payload: Option<i64>) -> MessageRow {
        let at = self.attempt.at;
        let (state, next, settled) = match self.after {
            After::Accepted => ("accepted", None, Some(at)),
            After::Retry { at, .. } | After::Resend(at) => ("deferred", Some(at.as_millisecond()), None),
            After::Uncertain => ("uncertain", None, None),
            After::Refused => ("refused", None, Some(at)),
            After::Expired => ("expired", None, Some(at)),
            After::Cancelled => ("cancelled", None, Some(at)),
            After::Dropped => ("dropped", None, Some(at)),
        };
        let doubt = u8::from(self.attempt.outcome == Outcome::Unknown);
        let ours = u8::from(matches!(self.after, After::Retry { ours: true, .. }));
        MessageRow { pk: self.message_pk, state, next, settled, doubt, ours, payload }
    }

    fn ends(&self) -> bool {
        matches!(self.after, After::Refused | After::Expired | After::Cancelled | After::Dropped)
    }
}

/// In whose hands the messages are that are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hands {
    /// A session has claimed them, or is sending them.
    Session(i64),
    /// They wait for the operator's word.
    Operator,
}

impl Store {
    /// Settles outcomes and appends their attempts, all or none; gives the chain's new head. What is no longer in this
    /// session's hands is left out: others have it, or it was settled just before the answer to that was lost.
    pub async fn settle(&self, list: &[Settlement], now: Timestamp) -> Result<[u8; 32], StoreError> {
        let hands = Hands::Session(self.own_session()?);
        let mut tx = self.begin().await?;
        let head = match by_receipt(&mut tx, list).await? {
            Some(list) => settle(&mut tx, &list, hands, now).await?,
            None => settle(&mut tx, list, hands, now).await?,
        };
        tx.commit().await?;
        Ok(head)
    }

    /// The operator's word on an uncertain message; refused when it is not uncertain (any more).
    pub async fn resolve_uncertain(&self, settlement: &Settlement, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if still_in(&mut tx, std::slice::from_ref(settlement), Hands::Operator).await?.is_empty() {
            tx.undo().await?;
            return Ok(false);
        }
        settle(&mut tx, std::slice::from_ref(settlement), Hands::Operator, now).await?;
        query(SETTLE_IN_HAND).bind(settlement.contact_pk).execute(&mut tx).await?;
        query(SETTLE_IN_HAND_MARKS).bind(settlement.contact_pk).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// An SMS whose receipt came before the gateway's answer has arrived, whatever became of that answer: the same outcomes
/// without these doubts, where there are any.
pub(super) async fn by_receipt(tx: &mut Tx, list: &[Settlement]) -> Result<Option<Vec<Settlement>>, StoreError> {
    let in_doubt = |s: &&Settlement| {
        matches!(s.after, After::Uncertain | After::Resend(_)) && s.attempt.channel.as_deref() == Some(Channel::Sms.as_str())
    };
    let doubtful: Vec<i64> = list.iter().filter(in_doubt).map(|s| s.message_pk).collect();
    if doubtful.is_empty() {
        return Ok(None);
    }
    let arrived: Vec<i64> = query(SETTLE_HAVE_ARRIVED).bind(super::keys(doubtful)).list(tx).await?;
    let believed = |s: &Settlement| {
        let mut s = s.clone();
        if arrived.contains(&s.message_pk) {
            s.after = After::Accepted;
            (s.attempt.outcome, s.attempt.class) = (Outcome::Accepted, None);
            s.attempt.answer = Some(format!("{}; its receipt says that it arrived", s.attempt.answer.unwrap_or_default()));
        }
        s
    };
    Ok((!arrived.is_empty()).then(|| list.iter().map(believed).collect()))
}

/// Which of the messages are still in these hands, with the payload that they are being sent with.
async fn still_in(tx: &mut Tx, list: &[Settlement], hands: Hands) -> Result<HashMap<i64, Option<i64>>, StoreError> {
    let session = match hands {
        Hands::Session(session) => Some(session),
        Hands::Operator => None,
    };
    let held = query(SETTLE_HELD).bind(super::keys(list.iter().map(|s| s.message_pk))).bind(session);
    held.all(tx).await?.iter().map(|row| Ok((row.get("pk")?, row.get("payload_pk")?))).collect()
}

/// Whether an outcome is that of what a session has in hand now. It may have marked the message anew since, when the
/// answer to a commit was lost and the outcome is brought once more.
fn is_of(settlement: &Settlement, held: &HashMap<i64, Option<i64>>, hands: Hands) -> bool {
    let Some(payload) = held.get(&settlement.message_pk) else { return false };
    let marked = settlement.attempt.payload_pk.filter(|_| settlement.payload.is_none());
    hands == Hands::Operator || marked.is_none() || marked == *payload
}

pub(super) async fn settle(tx: &mut Tx, list: &[Settlement], hands: Hands, now: Timestamp) -> Result<[u8; 32], StoreError> {
    let held = still_in(tx, list, hands).await?;
    let all = list.len();
    let list: Vec<&Settlement> = list.iter().filter(|s| is_of(s, &held, hands)).collect();
    if list.len() < all {
        tracing::warn!(
            event = "outcomes_left_out",
            messages = all - list.len(),
            "outcomes of messages that are no longer in hand are left out"
        );
    }
    let mut attempts = Vec::with_capacity(list.len());
    let mut messages = Vec::with_capacity(list.len());
    let fresh: Vec<&Payload> = list.iter().filter_map(|s| s.payload.as_ref()).collect();
    let mut numbers = match fresh.is_empty() {
        true => Vec::new(),
        false => payloads::insert(tx, fresh).await?,
    }
    .into_iter();
    for s in &list {
        let mut attempt = s.attempt.clone();
        if let Some(payload) = &s.payload {
            attempt.payload_pk = numbers.next();
            attempt.digest = Some(payloads::digest(&payload.salt, &payload.address, &payload.body_hash));
        } else if let Some((salt, address, hash)) = &s.sealed {
            attempt.digest = Some(payloads::digest(salt, address, hash));
        }
        if s.after != After::Accepted {
            messages.push(s.message_row(s.payload.as_ref().and(attempt.payload_pk)));
        }
        attempts.push(attempt);
    }
    let head = attempts::append(tx, &attempts).await?;
    if !messages.is_empty() {
        query(SETTLE_MESSAGES).bind(json(&messages)?).execute(&mut *tx).await?;
    }
    settle_accepted(tx, &list).await?;
    settle_contacts(tx, &list, now).await?;
    Ok(head)
}

/// What was accepted: message, contact, marks. Of a group nearly all have one time and one day.
async fn settle_accepted(tx: &mut Tx, list: &[&Settlement]) -> Result<(), StoreError> {
    let mut alike: BTreeMap<(i64, Date), Vec<&Settlement>> = BTreeMap::new();
    for s in list.iter().filter(|s| s.after == After::Accepted) {
        alike.entry((s.attempt.at, s.day)).or_default().push(s);
    }
    for ((at, day), group) in alike {
        let contacts = super::keys(group.iter().filter(|s| !s.copy).map(|s| s.contact_pk));
        let messages = super::keys(group.iter().map(|s| s.message_pk));
        query(SETTLE_ACCEPTED).bind(messages).bind(at).execute(&mut *tx).await?;
        query(SETTLE_LEFT).bind(&contacts).bind(at).execute(&mut *tx).await?;
        query(SETTLE_LEFT_MARKS).bind(&contacts).bind(day.to_string()).execute(&mut *tx).await?;
    }
    // Mails have none: for them this costs nothing.
    let ids: Vec<(i64, &String)> = list.iter().filter_map(|s| Some((s.message_pk, s.gateway_id.as_ref()?))).collect();
    if !ids.is_empty() {
        query(SETTLE_GATEWAY_IDS).bind(json(&ids)?).execute(&mut *tx).await?;
    }
    Ok(())
}

async fn settle_contacts(tx: &mut Tx, list: &[&Settlement], now: Timestamp) -> Result<(), StoreError> {
    let at = now.as_millisecond();
    let threads: Vec<&(i64, String)> = list.iter().flat_map(|s| &s.threads).collect();
    if !threads.is_empty() {
        query(SETTLE_THREADS).bind(json(&threads)?).execute(&mut *tx).await?;
    }
    let contacts =
        |pick: &dyn Fn(&Settlement) -> bool| super::keys(list.iter().filter(|s| !s.copy && pick(s)).map(|s| s.contact_pk));
    if list.iter().any(|s| s.after == After::Uncertain) {
        let uncertain = contacts(&|s| s.after == After::Uncertain);
        query(SETTLE_MAYBE).bind(&uncertain).bind(at).execute(&mut *tx).await?;
        query(SETTLE_MAYBE_MARKS).bind(&uncertain).execute(&mut *tx).await?;
    }
    if list.iter().any(|s| s.ends()) {
        let ended = contacts(&|s| s.ends());
        query(SETTLE_ENDED).bind(&ended).execute(&mut *tx).await?;
        query(SETTLE_DROPPED_MARKS).bind(&ended).execute(&mut *tx).await?;
        query(SETTLE_ENDED_MARKS).bind(&ended).execute(&mut *tx).await?;
    }
    for s in list {
        if let (Some((address, evidence)), Some(channel)) = (&s.dead, &s.attempt.channel) {
            let query = query(SETTLE_DEAD).bind(s.attempt.debtor_pk).bind(channel).bind(address).bind(at).bind(evidence);
            query.execute(&mut *tx).await?;
        }
    }
    let looked = list.iter().filter(|s| s.ends() || matches!(s.after, After::Accepted | After::Uncertain));
    let looked = super::keys(looked.map(|s| s.attempt.debtor_pk));
    query(SETTLE_LOOK).bind(looked).bind(at).execute(&mut *tx).await?;
    Ok(())
}

/// Records steps without an address: marks, and one attempt each unless it is known already.
pub(super) async fn record_no_address(tx: &mut Tx, list: &[NoAddress], at: i64) -> Result<(), StoreError> {
    for item in list {
        let mut fresh = Vec::new();
        for mark in &item.marks {
            let query = query(NO_ADDRESS_KNOWN).bind(mark.invoice_pk).bind(mark.term).bind(&mark.step);
            let known: i64 = query.sure(&mut *tx).await?;
            if known == 0 {
                fresh.push(MarkOf { mark, cadence: &item.cadence, contact: None, redirected: item.redirected });
            }
        }
        if write_marks(tx, &fresh).await? > 0 {
            let attempt = NewAttempt { at, ..item.attempt.clone() };
            attempts::append(tx, &[attempt]).await?;
        }
    }
    Ok(())
}

/// The class of a fault for the log.
pub fn class_word(class: Option<FaultClass>) -> Option<&'static str> {
    class.map(FaultClass::as_str)
}
