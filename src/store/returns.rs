//! What came back, and what it changes: each thing once, with its consequences in the same transaction. Reports turn an
//! accepted message into one that was refused, so that everything that follows from a refusal follows from them as well.

use super::access::Tx;
use super::alerts::ALERT_ONCE;
use super::attempts::{self, AttemptRow, LogFilter, NewAttempt};
use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::packed::json;
use super::receipts::{has_arrived, settle_doubt};
use super::settle::{SETTLE_DEAD, SETTLE_ENDED_MARKS, SETTLE_IN_HAND, SETTLE_IN_HAND_MARKS, SETTLE_LOOK};
use super::sql::{Row, query};
use super::stopped::STOPPED_NEW;
use super::{keys, statements};
use crate::domain::case::HoldKind;
pub use crate::domain::inbound::MatchedBy;
use crate::domain::inbound::Via;
use jiff::Timestamp;
use jiff::civil::Date;

statements! {
    RETURN_MESSAGE = "SELECT m.pk, m.contact_pk, m.debtor_pk, d.source_id, d.name, m.channel, m.address, m.step, m.message_id, m.state,
            m.settled_at, m.first_try_at, m.copy, m.delivered_at, c.redirected
        FROM message m JOIN contact c ON c.pk = m.contact_pk JOIN debtor d ON d.pk = m.debtor_pk WHERE m.pk = $1";
    /// No index: there are few such questions a day, and an index over keyed ids would cost each message that is planned.
    RETURN_BY_ID = "SELECT m.pk FROM message m WHERE m.message_id IN (SELECT value ->> 0 FROM json_each($1)) ORDER BY m.pk DESC LIMIT 20";
    RETURN_BY_ENVELOPE = "SELECT m.pk FROM message m WHERE substr(m.message_id, 1, 33) = $1 || '@' ORDER BY m.pk DESC LIMIT 20";
    RETURN_BY_GATEWAY = "SELECT m.pk FROM message m WHERE m.gateway_id = $1 ORDER BY m.pk DESC LIMIT 1";
    /// Who may be meant by an address, to be looked at closely.
    RETURN_BY_ADDRESS = "SELECT d.pk FROM debtor d WHERE (lower(d.email) = $1 OR d.phone = $1
            OR replace(lower(d.contacts), $1, '') <> lower(d.contacts)
            OR EXISTS (SELECT 1 FROM standing s WHERE s.debtor_pk = d.pk AND s.matter = 'contacts' AND s.ended_at IS NULL
                AND replace(lower(s.value), $1, '') <> lower(s.value)))
        AND EXISTS (SELECT 1 FROM invoice i WHERE i.debtor_pk = d.pk AND i.presence <> 'closed') ORDER BY d.pk LIMIT 50";
    RETURN_NEW = "INSERT INTO inbound (key, at, via, kind, matched_by, message_pk, debtor_pk, sender, subject, text, class, grave, back_on, dated, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING RETURNING pk";
    /// Only what is listed and changed nothing.
    RETURN_TOO_MANY = "DELETE FROM inbound WHERE debtor_pk IS NULL AND pk <= (SELECT max(pk) FROM inbound WHERE debtor_pk IS NULL AND pk NOT IN (
            SELECT pk FROM inbound WHERE debtor_pk IS NULL ORDER BY pk DESC LIMIT 1000))";
    RETURN_REFUSED = "UPDATE message SET state = $2, settled_at = coalesce(settled_at, $3) WHERE pk = $1 AND state IN ('accepted', 'uncertain') RETURNING pk";
    RETURN_CONTACT = "UPDATE contact SET state = 'failed' WHERE pk = $1 AND state IN ('left', 'maybe') AND NOT EXISTS (
            SELECT 1 FROM message m WHERE m.contact_pk = contact.pk AND m.copy = 0
              AND m.state IN ('planned', 'braked', 'queued', 'deferred', 'leased', 'sending', 'uncertain', 'accepted'))";
    RETURN_MARKS = "UPDATE mark SET kind = 'maybe' WHERE kind = 'left' AND contact_pk = $1 AND EXISTS (SELECT 1 FROM contact c WHERE c.pk = $1 AND c.state = 'failed')";
    RETURN_ARRIVED = "UPDATE message SET delivered_at = $2 WHERE pk = $1 AND delivered_at IS NULL";
    RETURN_EVENT = "INSERT INTO event (debtor_pk, invoice_pk, at, kind, text) VALUES ($1, NULL, $2, $3, $4)";
    RETURN_SIGN = "UPDATE debtor SET last_sign_at = $2, unreachable_since = NULL, unreachable_why = NULL WHERE pk = $1";
    RETURN_HOLD = "INSERT INTO hold (debtor_pk, invoice_pk, kind, until_day, reason, created_at, inbound_pk) VALUES ($1, NULL, $2, $3, $4, $5, $6)";
    RETURN_UNREAD = "SELECT count(*) FROM inbound WHERE state = 'unread' AND debtor_pk = $1 AND ($2 = 0 OR grave IS NOT NULL)";
    RETURN_HELD = "SELECT count(*) FROM hold WHERE kind = 'reply' AND debtor_pk = $1 AND ended_at IS NULL AND until_day > $2";
    RETURN_FIRST = "SELECT at FROM attempt ORDER BY pk LIMIT 1";
    RETURN_UNREAD_ALL = "SELECT count(*) FROM inbound WHERE state = 'unread'";
    RETURN_LIST = "SELECT b.pk, b.at, b.via, b.kind, b.matched_by, b.message_pk, b.sender, b.subject, b.text, b.class, b.grave, b.back_on, b.state, b.read_at,
            b.said_by, b.remark, b.erased_at, d.source_id, d.name,
            (SELECT max(h.until_day) FROM hold h WHERE h.inbound_pk = b.pk AND h.ended_at IS NULL) AS until_day
        FROM inbound b LEFT JOIN debtor d ON d.pk = b.debtor_pk
        WHERE b.pk > $1 AND (CAST($2 AS TEXT) IS NULL OR b.state = $2) AND (CAST($3 AS BIGINT) IS NULL OR b.debtor_pk = $3)
          AND ($4 = 0 OR b.debtor_pk IS NULL) ORDER BY b.pk LIMIT 500";
    RETURN_READ = "UPDATE inbound SET state = 'read', read_at = $2, said_by = $3, remark = $4 WHERE pk = $1 AND state = 'unread' RETURNING debtor_pk";
    /// Of the same customer, the oldest that waits to be read, with whether any of those holds by itself.
    RETURN_NEXT = "SELECT b.pk, b.sender, (SELECT count(*) FROM hold h JOIN inbound o ON o.pk = h.inbound_pk WHERE h.debtor_pk = $1 AND h.ended_at IS NULL AND o.state = 'unread') AS held
        FROM inbound b WHERE b.state = 'unread' AND b.debtor_pk = $1 ORDER BY b.pk LIMIT 1";
    RETURN_HOLD_MOVES = "UPDATE hold SET inbound_pk = $2, reason = $3 WHERE inbound_pk = $1 AND ended_at IS NULL";
    RETURN_ADDRESS_HOLDS = "SELECT count(*) FROM hold h JOIN inbound b ON b.pk = h.inbound_pk WHERE h.debtor_pk = $1 AND b.matched_by = 'address' AND h.created_at > $2";
    RETURN_HOLD_ENDS = "UPDATE hold SET ended_at = $2 WHERE inbound_pk = $1 AND ended_at IS NULL";
    BOOKMARK = "SELECT value FROM bookmark WHERE name = $1";
    BOOKMARK_SET = "INSERT INTO bookmark (name, value, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at";
}

/// A message that something came back for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// Its number.
    pub pk: i64,
    /// Its contact.
    pub contact_pk: i64,
    /// The customer, by store key.
    pub debtor_pk: i64,
    /// The customer's id in the source.
    pub debtor: String,
    /// The customer's name.
    pub name: String,
    /// Channel.
    pub channel: String,
    /// Where it was meant to go.
    pub address: String,
    /// The step.
    pub step: String,
    /// Its Message-ID.
    pub message_id: String,
    /// Its state, as the schema has it.
    pub state: String,
    /// When it left, or was tried first.
    pub left_at: Option<Timestamp>,
    /// It is a copy for somebody else.
    pub copy: bool,
    /// It went to `redirect_to`.
    pub redirected: bool,
    /// It is known to have arrived.
    pub delivered: bool,
}

impl Ours {
    /// It is known what became of it: it arrived, or will not.
    pub fn is_over(&self) -> bool {
        self.delivered || matches!(self.state.as_str(), "refused" | "expired")
    }
}

/// What follows from what came.
#[derive(Clone, Debug)]
pub enum Effect {
    /// It is put on record.
    Listed,
    /// The message did not arrive.
    Refused {
        /// Given up after its time, and not refused.
        expired: bool,
        /// What is put into the log: built on the message's last attempt.
        attempt: Box<NewAttempt>,
        /// The address does not exist: the evidence.
        dead: Option<String>,
    },
    /// The message arrived. What was in doubt about it is settled.
    Arrived {
        /// What the other side says, for the log.
        words: String,
        /// The day in the creditor's zone.
        today: Date,
    },
    /// Somebody wrote: it is unread, and as the case may be the customer is held.
    Wrote {
        /// Until when, and why.
        hold: Option<(Date, String)>,
        /// It shows that somebody is there.
        sign_of_life: bool,
    },
    /// Somebody answered on the page: what follows is the proposal's.
    Answered,
    /// The number wants no more SMS.
    Stopped,
}

impl Effect {
    /// The same of a machine, which shows nobody.
    pub fn without_sign(self) -> Effect {
        match self {
            Effect::Wrote { hold, .. } => Effect::Wrote { hold, sign_of_life: false },
            other => other,
        }
    }
}

/// Something that came back, matched, with what follows from it.
#[derive(Clone, Debug)]
pub struct Taking {
    /// The same for the same thing whenever it comes again.
    pub key: String,
    /// The way.
    pub via: Via,
    /// The word for what it is.
    pub kind: &'static str,
    /// What it belongs to, if anything.
    pub matched: Option<(MatchedBy, i64, Option<Ours>)>,
    /// Who sent it.
    pub sender: Option<String>,
    /// Its subject.
    pub subject: String,
    /// What was written; nothing where it belongs to nobody.
    pub text: String,
    /// What a failure is about.
    pub class: Option<&'static str>,
    /// What it speaks of that only a person may judge.
    pub grave: Option<&'static str>,
    /// When somebody is back, by an automatic answer.
    pub back_on: Option<Date>,
    /// By its own account.
    pub dated: Option<Timestamp>,
    /// What follows.
    pub effect: Effect,
    /// What `explain` tells of it: a word for the kind, and words.
    pub event: Option<(&'static str, String)>,
    /// What the creditor is told of it.
    pub letter: Option<Letter>,
}

/// A letter to the creditor about something that came back, which names it by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its subject.
    pub subject: String,
    /// What stands before the number.
    pub before: String,
    /// What stands behind it.
    pub after: String,
}

/// Something that came back, from the record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of `inbox`, see README")]
pub struct Inbound {
    pub id: i64,
    pub at: Timestamp,
    pub via: Via,
    pub kind: String,
    pub matched_by: Option<String>,
    pub message_pk: Option<i64>,
    pub debtor: Option<String>,
    pub name: Option<String>,
    pub sender: Option<String>,
    pub subject: String,
    pub text: String,
    pub class: Option<String>,
    pub grave: Option<String>,
    pub back_on: Option<String>,
    pub state: String,
    pub read_at: Option<Timestamp>,
    pub said_by: Option<String>,
    pub remark: Option<String>,
    pub held_until: Option<Date>,
    pub erased: bool,
}

/// Which of what came back to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct InboundFilter {
    /// Only what waits for a person.
    pub unread: bool,
    /// One customer, by store key.
    pub debtor_pk: Option<i64>,
    /// Only what belongs to nobody.
    pub unmatched: bool,
}

impl Store {
    /// A message by its number.
    pub async fn ours(&self, message: i64) -> Result<Option<Ours>, StoreError> {
        query(RETURN_MESSAGE).bind(message).optional(&self.reader).await?.as_ref().map(ours).transpose()
    }

    /// Messages with one of some Message-IDs, the newest first: a mail and its copies to others have one.
    pub async fn messages_with_id(&self, ids: &[String]) -> Result<Vec<i64>, StoreError> {
        let ids: Vec<[&String; 1]> = ids.iter().map(|id| [id]).collect();
        query(RETURN_BY_ID).bind(json(&ids)?).list(&self.reader).await
    }

    /// Messages whose Message-ID begins so, up to the @, the newest first.
    pub async fn messages_in_envelope(&self, id: &str) -> Result<Vec<i64>, StoreError> {
        query(RETURN_BY_ENVELOPE).bind(id).list(&self.reader).await
    }

    /// The newest message that a gateway calls so.
    pub async fn message_at_gateway(&self, id: &str) -> Result<Option<i64>, StoreError> {
        query(RETURN_BY_GATEWAY).bind(id).value(&self.reader).await
    }

    /// Customers with something open who may be meant by an address or a number in lower case, at most 50. Whether they
    /// are is for the caller to see.
    pub async fn perhaps_at(&self, address: &str) -> Result<Vec<i64>, StoreError> {
        query(RETURN_BY_ADDRESS).bind(address).list(&self.reader).await
    }

    /// The last attempt of a message, for what is put into the log about it.
    pub async fn last_attempt_of(&self, ours: &Ours) -> Result<Option<AttemptRow>, StoreError> {
        let filter = LogFilter { debtor_pk: Some(ours.debtor_pk), ..LogFilter::default() };
        let mut before = i64::MAX;
        loop {
            let page = self.log_page_before(before, &filter).await?;
            if let Some(found) = page.iter().find(|a| a.message_pk == Some(ours.pk)) {
                return Ok(Some(found.clone()));
            }
            match page.last() {
                Some(last) => before = last.id,
                None => return Ok(None),
            }
        }
    }

    /// How much of a customer's waits to be read; of that, where so asked, what only a person may judge.
    pub async fn unread_of(&self, debtor_pk: i64, grave: bool) -> Result<i64, StoreError> {
        query(RETURN_UNREAD).bind(debtor_pk).bind(i64::from(grave)).sure(&self.reader).await
    }

    /// Whether an answer of a customer's holds their case on a day.
    pub async fn is_held_by_reply(&self, debtor_pk: i64, day: Date) -> Result<bool, StoreError> {
        let held: i64 = query(RETURN_HELD).bind(debtor_pk).bind(day.to_string()).sure(&self.reader).await?;
        Ok(held > 0)
    }

    /// When the first attempt was put on record.
    pub async fn first_attempt(&self) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> = query(RETURN_FIRST).value(&self.reader).await?;
        at.map(instant).transpose()
    }

    /// How much waits to be read.
    pub async fn unread(&self) -> Result<u64, StoreError> {
        Ok(query(RETURN_UNREAD_ALL).sure::<i64>(&self.reader).await?.unsigned_abs())
    }

    /// Puts on record what came, with all that follows, all or nothing; `None` when it has come before.
    pub async fn take_return(&self, taking: &Taking, now: Timestamp) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        let Some(pk) = insert(&mut tx, taking, now).await? else {
            tx.undo().await?;
            return Ok(None);
        };
        apply(&mut tx, pk, taking, now).await?;
        tx.commit().await?;
        Ok(Some(pk))
    }

    /// What came back, the oldest first, above a number; at most 500.
    pub async fn inbound(&self, above: i64, filter: InboundFilter) -> Result<Vec<Inbound>, StoreError> {
        let state = filter.unread.then_some("unread");
        let list = query(RETURN_LIST).bind(above).bind(state).bind(filter.debtor_pk);
        list.bind(i64::from(filter.unmatched)).all(&self.reader).await?.iter().map(inbound).collect()
    }

    /// Whether an answer that only bore a customer's address has held their case since an instant.
    pub async fn has_held_by_address(&self, debtor_pk: i64, since: Timestamp) -> Result<bool, StoreError> {
        let held: i64 = query(RETURN_ADDRESS_HOLDS).bind(debtor_pk).bind(since.as_millisecond()).sure(&self.reader).await?;
        Ok(held > 0)
    }

    /// A person has read it: what it held is let go, unless another of the customer's is unread, which then holds in its place, for
    /// no longer. False when it does not wait (any more).
    pub async fn mark_read(&self, id: i64, by: Option<&str>, remark: Option<&str>, now: Timestamp) -> Result<bool, StoreError> {
        let at = now.as_millisecond();
        let mut tx = self.begin().await?;
        let read = query(RETURN_READ).bind(id).bind(at).bind(by).bind(remark);
        let Some(debtor) = read.value::<i64>(&mut tx).await? else {
            tx.undo().await?;
            return Ok(false);
        };
        match query(RETURN_NEXT).bind(debtor).optional(&mut tx).await? {
            Some(next) if next.get::<i64>("held")? == 0 => {
                let sender: Option<String> = next.get("sender")?;
                let why = format!("unread answer from {}", sender.as_deref().unwrap_or("an unknown sender"));
                query(RETURN_HOLD_MOVES).bind(id).bind(next.get::<i64>("pk")?).bind(why).execute(&mut tx).await?;
            }
            _ => drop(query(RETURN_HOLD_ENDS).bind(id).bind(at).execute(&mut tx).await?),
        }
        query(SETTLE_LOOK).bind(keys([debtor])).bind(at).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// How far a mailbox has been read.
    pub async fn bookmark(&self, name: &str) -> Result<Option<String>, StoreError> {
        query(BOOKMARK).bind(name).value(&self.reader).await
    }

    /// A mailbox has been read so far.
    pub async fn set_bookmark(&self, name: &str, value: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(query(BOOKMARK_SET).bind(name).bind(value).bind(now.as_millisecond())).await?;
        Ok(())
    }
}

pub(super) async fn insert(tx: &mut Tx, t: &Taking, now: Timestamp) -> Result<Option<i64>, StoreError> {
    let (by, debtor, message) = match &t.matched {
        Some((by, debtor, ours)) => (Some(by.as_str()), Some(*debtor), ours.as_ref().map(|o| o.pk)),
        None => (None, None, None),
    };
    let state = if matches!(t.effect, Effect::Wrote { .. }) { "unread" } else { "none" };
    let new = query(RETURN_NEW).bind(&t.key).bind(now.as_millisecond()).bind(t.via.as_str()).bind(t.kind).bind(by).bind(message);
    let new = new.bind(debtor).bind(&t.sender).bind(&t.subject).bind(&t.text).bind(t.class).bind(t.grave);
    let new = new.bind(t.back_on.map(|d| d.to_string())).bind(t.dated.map(|d| d.as_millisecond())).bind(state);
    let pk = new.value(&mut *tx).await?;
    if pk.is_some() && debtor.is_none() {
        query(RETURN_TOO_MANY).execute(tx).await?;
    }
    Ok(pk)
}

pub(super) async fn apply(tx: &mut Tx, pk: i64, t: &Taking, now: Timestamp) -> Result<(), StoreError> {
    let at = now.as_millisecond();
    if let Effect::Stopped = t.effect {
        query(STOPPED_NEW).bind(t.sender.as_deref().unwrap_or_default()).bind(at).execute(&mut *tx).await?;
    }
    if let Some(letter) = &t.letter {
        let text = format!("{}{pk}{}", letter.before, letter.after);
        query(ALERT_ONCE).bind(format!("inbound:{pk}")).bind(at).bind(&letter.subject).bind(text).execute(&mut *tx).await?;
    }
    let Some((_, debtor, ours)) = &t.matched else { return Ok(()) };
    if let Some((kind, text)) = &t.event {
        query(RETURN_EVENT).bind(*debtor).bind(at).bind(*kind).bind(text).execute(&mut *tx).await?;
    }
    match (&t.effect, ours) {
        (Effect::Refused { expired, attempt, dead }, Some(ours)) => {
            refused(tx, ours, *expired, attempt, dead.as_deref(), at).await?
        }
        (Effect::Arrived { words, today }, Some(ours)) => {
            settle_doubt(tx, ours, words, *today, now).await?;
            query(RETURN_ARRIVED).bind(ours.pk).bind(at).execute(&mut *tx).await?;
        }
        (Effect::Wrote { hold, sign_of_life }, _) => {
            if let Some((until, why)) = hold {
                let hold = query(RETURN_HOLD).bind(*debtor).bind(HoldKind::Reply.as_str()).bind(until.to_string());
                hold.bind(why).bind(at).bind(pk).execute(&mut *tx).await?;
            }
            if *sign_of_life {
                query(RETURN_SIGN).bind(*debtor).bind(at).execute(&mut *tx).await?;
            }
        }
        (Effect::Answered, _) => drop(query(RETURN_SIGN).bind(*debtor).bind(at).execute(&mut *tx).await?),
        _ => {}
    }
    query(SETTLE_LOOK).bind(keys([*debtor])).bind(at).execute(tx).await?;
    Ok(())
}

/// What was accepted, or in doubt, did not arrive: from now on it counts as refused. What of it is under way once more goes on.
async fn refused(
    tx: &mut Tx,
    ours: &Ours,
    expired: bool,
    attempt: &NewAttempt,
    dead: Option<&str>,
    at: i64,
) -> Result<(), StoreError> {
    if has_arrived(tx, ours).await? {
        return Ok(());
    }
    if let Some(evidence) = dead {
        let dead = query(SETTLE_DEAD).bind(ours.debtor_pk).bind(&ours.channel).bind(&ours.address).bind(at).bind(evidence);
        dead.execute(&mut *tx).await?;
    }
    let state = if expired { "expired" } else { "refused" };
    let settled: Option<i64> = query(RETURN_REFUSED).bind(ours.pk).bind(state).bind(at).value(&mut *tx).await?;
    if settled.is_none() {
        return Ok(());
    }
    attempts::append(tx, std::slice::from_ref(attempt)).await?;
    if !ours.copy {
        let contact = keys([ours.contact_pk]);
        query(RETURN_CONTACT).bind(ours.contact_pk).execute(&mut *tx).await?;
        query(RETURN_MARKS).bind(ours.contact_pk).execute(&mut *tx).await?;
        query(SETTLE_ENDED_MARKS).bind(contact).execute(&mut *tx).await?;
        query(SETTLE_IN_HAND).bind(ours.contact_pk).execute(&mut *tx).await?;
        query(SETTLE_IN_HAND_MARKS).bind(ours.contact_pk).execute(tx).await?;
    }
    Ok(())
}

fn ours(row: &Row) -> Result<Ours, StoreError> {
    let left: [Option<i64>; 2] = [row.get("settled_at")?, row.get("first_try_at")?];
    Ok(Ours {
        pk: row.get("pk")?,
        contact_pk: row.get("contact_pk")?,
        debtor_pk: row.get("debtor_pk")?,
        debtor: row.get("source_id")?,
        name: row.get("name")?,
        channel: row.get("channel")?,
        address: row.get("address")?,
        step: row.get("step")?,
        message_id: row.get("message_id")?,
        state: row.get("state")?,
        left_at: left.into_iter().flatten().next().map(instant).transpose()?,
        copy: row.get::<i64>("copy")? != 0,
        redirected: row.get::<i64>("redirected")? != 0,
        delivered: row.get::<Option<i64>>("delivered_at")?.is_some(),
    })
}

fn inbound(row: &Row) -> Result<Inbound, StoreError> {
    let until: Option<String> = row.get("until_day")?;
    let via: String = row.get("via")?;
    Ok(Inbound {
        id: row.get("pk")?,
        at: instant(row.get("at")?)?,
        via: word(Via::parse(&via), &via)?,
        kind: row.get("kind")?,
        matched_by: row.get("matched_by")?,
        message_pk: row.get("message_pk")?,
        debtor: row.get("source_id")?,
        name: row.get("name")?,
        sender: row.get("sender")?,
        subject: row.get("subject")?,
        text: row.get("text")?,
        class: row.get("class")?,
        grave: row.get("grave")?,
        back_on: row.get("back_on")?,
        state: row.get("state")?,
        read_at: row.get::<Option<i64>>("read_at")?.map(instant).transpose()?,
        said_by: row.get("said_by")?,
        remark: row.get("remark")?,
        held_until: until.as_deref().map(day).transpose()?,
        erased: row.get::<Option<i64>>("erased_at")?.is_some(),
    })
}
