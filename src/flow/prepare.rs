//! From claimed messages to messages about to leave: the invoices are read again, the case is decided once
//! more, the message is made, and the sending mark is committed (R13).

use super::absorb::{absorb, digest};
use super::collect;
use super::compose::{self, Composed, Order};
use super::desk::{Conditions, Desk, DeskError};
use super::plan::new_contact;
use crate::clock::Stopwatch;
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::case::{CaseKey, DebtorFile};
use crate::domain::currency::Currency;
use crate::domain::decision::{Line, NoTrace, Plan, Section, Verdict, decide};
use crate::domain::reason::Reason;
use crate::domain::time::local_date;
use crate::store::StoreError;
use crate::store::attempts::NewAttempt;
use crate::store::outbox::Claimed;
use crate::store::payloads::{Packer, Payload};
use crate::store::settle::{After, Settlement};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A message that cannot be made waits so long, in seconds, for somebody to mend its letter.
const BAD_MESSAGE_S: i64 = 3600;

/// A message in doubt that may not leave now is looked at again after this, in seconds.
const DOUBT_WAITS_S: i64 = 600;

/// Messages that one task decides and composes.
const PART: usize = 64;

/// An instant some seconds later.
pub(super) fn later_by(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(now.as_second().saturating_add(seconds)).unwrap_or(now)
}

/// A message with its sending mark committed.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) claimed: Claimed,
    pub(super) composed: Composed,
    /// When its invoices were read again.
    pub(super) read_at: Stopwatch,
    /// The day in the debtor's zone.
    pub(super) day: Date,
    /// The attempt, but for its outcome.
    pub(super) attempt: NewAttempt,
    /// Salt, address and hash of what leaves.
    pub(super) sealed: (Vec<u8>, String, Vec<u8>),
    /// Invoices that have no thread yet.
    pub(super) unthreaded: Vec<i64>,
}

/// What became of a claim.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) ready: Vec<Ready>,
    /// What turned out not to leave.
    pub(super) cancelled: Vec<Settlement>,
    /// Whether the re-read failed: then everything went back and sending stops.
    pub(super) stopped: bool,
}

/// Prepares claimed messages. Every one of them ends ready, cancelled or given back.
pub(super) async fn prepare(desk: &Desk, claimed: Vec<Claimed>) -> Result<Prepared, DeskError> {
    let now = desk.clock.now();
    let debtors: Vec<i64> = claimed.iter().map(|c| c.debtor_pk).collect();
    let mut files = index(desk.files(&debtors, now).await?);
    let read_at = Stopwatch::start();
    match reread(desk, &files, &claimed, now).await {
        Ok(changed) if changed.is_empty() => {}
        Ok(changed) => {
            let keys: Vec<i64> = changed.into_iter().collect();
            files.extend(index(desk.files(&keys, now).await?));
        }
        Err(DeskError::Store(e)) => return Err(e.into()),
        Err(e) => {
            desk.drop_source().await;
            desk.store.give_back(&claimed.iter().map(|c| c.pk).collect::<Vec<_>>(), now).await?;
            desk.store
                .record_poll(&collect::failed(now, desk.clock.now(), format!("the re-read before sending failed: {e}")))
                .await?;
            tracing::error!(error = %e, "the re-read before sending failed; nothing is sent");
            return Ok(Prepared { stopped: true, ..Prepared::default() });
        }
    }
    let around = Arc::new((desk.conditions(now).await?, files));
    let mut prepared = Prepared::default();
    let mut marked: Vec<(i64, Payload)> = Vec::with_capacity(claimed.len());
    // Deciding and composing is all that costs time here: a task for each core that is likely there.
    let mut parts = Vec::new();
    let mut rest = claimed;
    while !rest.is_empty() {
        let part: Vec<Claimed> = rest.drain(..rest.len().min(PART)).collect();
        parts.push(tokio::spawn(prepare_part(desk.clone(), around.clone(), part, read_at, now)));
    }
    for part in parts {
        let outcomes = part.await.map_err(|e| StoreError::Corrupt(format!("preparing ended unexpectedly: {e}")))??;
        for outcome in outcomes {
            match outcome {
                Ok((ready, payload)) => {
                    marked.push((ready.claimed.pk, payload));
                    prepared.ready.push(ready);
                }
                Err(settlement) => prepared.cancelled.push(*settlement),
            }
        }
    }
    if !prepared.cancelled.is_empty() {
        desk.store.settle(&prepared.cancelled, now).await?;
    }
    if !marked.is_empty() {
        let payloads = desk.store.mark_sending(&marked, now).await?;
        for (ready, payload) in prepared.ready.iter_mut().zip(payloads) {
            ready.attempt.payload_pk = Some(payload);
        }
    }
    Ok(prepared)
}

/// Prepares some of a group's messages.
async fn prepare_part(
    desk: Desk,
    around: Arc<(Conditions, HashMap<i64, DebtorFile>)>,
    claimed: Vec<Claimed>,
    read_at: Stopwatch,
    now: Timestamp,
) -> Result<Vec<Outcomes>, DeskError> {
    let (conditions, files) = &*around;
    let mut outcomes = Vec::with_capacity(claimed.len());
    let mut packer = desk.dictionary().await?.packer()?;
    for message in claimed {
        let file = files.get(&message.debtor_pk);
        let file = file.ok_or_else(|| StoreError::Corrupt(format!("message {} has no debtor", message.pk)))?;
        outcomes.push(ready(&desk, conditions, file, message, &mut packer, read_at, now).await?);
    }
    Ok(outcomes)
}

fn index(files: Vec<DebtorFile>) -> HashMap<i64, DebtorFile> {
    files.into_iter().map(|f| (f.debtor.pk, f)).collect()
}

/// Reads the invoices of the messages again, in one statement; gives the debtors for whom something changed.
async fn reread(
    desk: &Desk,
    files: &HashMap<i64, DebtorFile>,
    claimed: &[Claimed],
    now: Timestamp,
) -> Result<HashSet<i64>, DeskError> {
    let currencies: HashSet<(i64, &str)> = claimed.iter().map(|c| (c.debtor_pk, c.currency.as_str())).collect();
    let mut asked: HashMap<String, (i64, i64)> = HashMap::new();
    for (debtor, currency) in &currencies {
        let rows = files.get(debtor).map(|f| f.rows.as_slice()).unwrap_or_default();
        for row in rows.iter().filter(|r| r.invoice.balance.currency.code() == *currency) {
            asked.insert(row.invoice.id.clone(), (*debtor, row.digest));
        }
    }
    let (source, columns) = desk.source().await?;
    let ids: Vec<String> = asked.keys().cloned().collect();
    let rows = source.reread(&columns, &ids).await?;
    let mut changed = HashSet::new();
    let mut fresh = Vec::new();
    let mut found: HashSet<String> = HashSet::with_capacity(rows.len());
    let mut doubled = Vec::new();
    for row in rows {
        let Some((debtor, before)) = asked.get(&row.id) else { continue };
        if !found.insert(row.id.clone()) {
            doubled.push(row.id.clone());
        }
        if digest(desk, &row) != *before {
            changed.insert(*debtor);
            fresh.push(row);
        }
    }
    let missing: Vec<String> = ids.into_iter().filter(|id| !found.contains(id)).collect();
    if !missing.is_empty() {
        changed.extend(missing.iter().filter_map(|id| asked.get(id)).map(|(debtor, _)| *debtor));
        desk.store.mark_missing(&missing, now).await?;
    }
    if !fresh.is_empty() {
        let absorbed = absorb(desk, &columns, &fresh, &doubled, now).await?;
        desk.store.apply_page(&absorbed.change, now).await?;
    }
    Ok(changed)
}

type Outcomes = Result<(Ready, Payload), Box<Settlement>>;

/// Decides once more, and makes the message if the decision still stands.
async fn ready(
    desk: &Desk,
    conditions: &Conditions,
    file: &DebtorFile,
    claimed: Claimed,
    packer: &mut Packer<'_>,
    read_at: Stopwatch,
    now: Timestamp,
) -> Result<Outcomes, DeskError> {
    let zone = desk.setup.zone(&file.debtor);
    let today = local_date(now, &zone);
    let cadence = desk.setup.cadence(&claimed.cadence).cloned();
    let (Some(cadence), Some(currency)) = (cadence, Currency::parse(&claimed.currency)) else {
        return Ok(Err(cancelled(desk, file, claimed, Reason::NoCadence, None, today, now).await?));
    };
    let case = CaseKey { cadence: cadence.name.clone(), currency };
    let world = crate::domain::decision::World { own: Some(claimed.contact_pk), ..desk.world(conditions, &zone, &cadence, now) };
    let decision = decide(file, &case, &world, &mut NoTrace);
    let plan = match decision.verdict {
        Verdict::Send(plan) => plan,
        _ => return Ok(Err(cancelled(desk, file, claimed, decision.reason, None, today, now).await?)),
    };
    let same_step = cadence.steps[plan.step].id.as_str() == claimed.step;
    let same_address = plan.to.iter().any(|(c, a)| *c == claimed.channel && *a == claimed.address);
    if !same_step || !same_address {
        return Ok(Err(cancelled(desk, file, claimed, Reason::Changed, None, today, now).await?));
    }
    let order = Order {
        file,
        cadence: &cadence,
        plan: &plan,
        channel: claimed.channel,
        address: &claimed.address,
        message_id: &claimed.message_id,
        message: claimed.pk,
        today,
        now,
        booked: conditions.booked,
    };
    let composed = match compose::compose(desk, &order) {
        Ok(composed) => composed,
        Err(e) => {
            tracing::error!(message = claimed.pk, error = %e, "a message could not be made; it is tried again in an hour");
            let text = format!("The message to {} could not be made: {e}. It is tried again every hour.", file.debtor.id);
            desk.store.raise_alert("bad_message", now, "relance: a message could not be made", &text).await?;
            let mut later = cancelled(desk, file, claimed, Reason::BadMessage, Some(e.to_string()), today, now).await?;
            later.attempt.outcome = Outcome::Deferred;
            later.attempt.class = Some(FaultClass::Message.as_str());
            later.after = After::Retry { at: later_by(now, BAD_MESSAGE_S), ours: true };
            return Ok(Err(later));
        }
    };
    follow(desk, file, &case, &cadence, &plan, &claimed, today, now).await?;
    let payload = packer.pack(&composed.address, &composed.bytes)?;
    let sealed = (payload.salt.to_vec(), payload.address.clone(), payload.body_hash.to_vec());
    // The matter of a mail is what it asks for or gives a step; what it merely shows begins no thread.
    let is_matter = |l: &Line| l.mark.is_some() || l.section == Section::Asked;
    let unthreaded =
        compose::rows(file, &plan).iter().filter(|(l, i)| is_matter(l) && i.thread.is_none()).map(|(l, _)| l.pk).collect();
    let attempt = attempt(file, &claimed, compose::invoices_json(file, &plan), Some(composed.language.clone()), now);
    Ok(Ok((Ready { claimed, composed, read_at, day: today, attempt, sealed, unthreaded }, payload)))
}

/// When the set of invoices has changed since planning, the marks follow; of a contact on several channels the
/// marks stay as planned, because another message with them may have left already.
#[allow(clippy::too_many_arguments, reason = "all of it is the one contact being prepared")]
async fn follow(
    desk: &Desk,
    file: &DebtorFile,
    case: &CaseKey,
    cadence: &crate::domain::cadence::Cadence,
    plan: &Plan,
    claimed: &Claimed,
    today: Date,
    now: Timestamp,
) -> Result<(), DeskError> {
    let mut marked: Vec<i64> = plan.lines.iter().filter(|l| l.mark.is_some()).map(|l| l.pk).collect();
    let mut planned = claimed.invoices.clone();
    marked.sort_unstable();
    planned.sort_unstable();
    if marked != planned && plan.to.len() == 1 {
        let contact = new_contact(desk, file, case, cadence, plan, today);
        desk.store.remark(claimed.contact_pk, &contact, now).await?;
    }
    Ok(())
}

fn attempt(file: &DebtorFile, claimed: &Claimed, invoices: String, language: Option<String>, now: Timestamp) -> NewAttempt {
    NewAttempt {
        at: now.as_millisecond(),
        debtor_pk: file.debtor.pk,
        debtor: file.debtor.id.clone(),
        person: None,
        channel: Some(claimed.channel.as_str().to_owned()),
        cadence: claimed.cadence.clone(),
        step: claimed.step.clone(),
        letter: claimed.letter.clone(),
        language,
        invoices,
        outcome: Outcome::Cancelled,
        class: None,
        why: None,
        answer: None,
        message_id: Some(claimed.message_id.clone()),
        message_pk: Some(claimed.pk),
        payload_pk: None,
        digest: None,
    }
}

/// What becomes of a message that is not to leave now. One that may have left already is not simply forgotten:
/// it waits where only time or a stop stands against it, is settled when nothing is open any more, and else a
/// person says what became of it.
fn instead(claimed: &Claimed, reason: Reason, now: Timestamp) -> After {
    match reason {
        _ if claimed.doubts == 0 => After::Cancelled,
        Reason::Paid | Reason::Rounding => After::Cancelled,
        Reason::OutsideWindow | Reason::PollFailed | Reason::StaleData | Reason::LedgerShrunk | Reason::DryRun => {
            After::Retry { at: later_by(now, DOUBT_WAITS_S), ours: true }
        }
        _ => After::Uncertain,
    }
}

/// A message that does not leave, with the reason.
async fn cancelled(
    desk: &Desk,
    file: &DebtorFile,
    claimed: Claimed,
    reason: Reason,
    detail: Option<String>,
    today: Date,
    now: Timestamp,
) -> Result<Box<Settlement>, DeskError> {
    // What has been paid is no longer in the file, and is what the message was about all the same.
    let rows = desk.store.rows_about(&claimed.invoices, &claimed.step, today).await?;
    let language = desk.language(file.debtor.language.as_deref(), &claimed.letter, claimed.channel.as_str());
    let mut attempt = attempt(file, &claimed, serde_json::Value::from(rows).to_string(), language, now);
    attempt.why = Some(match detail {
        Some(detail) => format!("{}: {detail}", reason.code()),
        None => reason.code().to_owned(),
    });
    let after = instead(&claimed, reason, now);
    attempt.outcome = match after {
        After::Uncertain => Outcome::Unknown,
        After::Retry { .. } => Outcome::Deferred,
        _ => Outcome::Cancelled,
    };
    // What may have left earlier stays with the message until somebody has decided about it.
    let payload = if after == After::Cancelled { Some(Payload::new(&claimed.address, &[])?) } else { None };
    Ok(Box::new(Settlement {
        message_pk: claimed.pk,
        contact_pk: claimed.contact_pk,
        after,
        day: today,
        payload,
        sealed: None,
        threads: vec![],
        dead: None,
        attempt,
    }))
}
