//! From claimed messages to messages about to leave: the invoices are read again, the case is decided once
//! more, the message is made, and the sending mark is committed (R13).

use super::collect;
use super::compose::{self, Composed, Order};
use super::contact::new_contact;
use super::copies::{self, Copies, Fetched, Room, Shelf};
use super::desk::{Conditions, Desk, DeskError};
use super::pulse::Pump;
use super::reread::{self, index};
use super::rest;
use crate::clock::Stopwatch;
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::cadence::Cadence;
use crate::domain::case::{CaseKey, DebtorFile};
use crate::domain::currency::Currency;
use crate::domain::decision::{Line, NoTrace, Plan, Section, To, Verdict, World, decide};
use crate::domain::mail::without_address;
use crate::domain::reason::Reason;
use crate::domain::time::local_date;
use crate::store::StoreError;
use crate::store::attempts::NewAttempt;
use crate::store::outbox::Claimed;
use crate::store::payloads::{Dictionary, Packer, Payload};
use crate::store::plan::NewContact;
use crate::store::polls::PollOutcome;
use crate::store::settle::{After, Settlement};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A message that cannot be made waits so long, in seconds, for somebody to mend its letter.
const BAD_MESSAGE_S: i64 = 3600;

/// A message in doubt that may not leave now is looked at again after this, in seconds.
const DOUBT_WAITS_S: i64 = 600;

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
    /// Whether copies of invoices go with it, and the memory that it takes.
    pub(super) with_copies: bool,
    pub(super) room: Room,
}

impl Ready {
    /// Its sending mark: the message, and the payload that was kept with it.
    pub(super) fn mark(&self) -> (i64, i64) {
        (self.claimed.pk, self.attempt.payload_pk.unwrap_or_default())
    }
}

/// What became of a claim.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) ready: Vec<Ready>,
    /// What turned out not to leave.
    pub(super) cancelled: Vec<Settlement>,
    /// What comes with the next group: with the copies of invoices it was too much for one.
    pub(super) rest: Vec<Claimed>,
    /// Whether the re-read failed: then everything went back and sending stops.
    pub(super) stopped: bool,
}

/// Prepares claimed messages. Every one of them ends ready, cancelled, given back or among the rest.
pub(super) async fn prepare(desk: &Desk, claimed: Vec<Claimed>) -> Result<Prepared, DeskError> {
    let pump = claimed.first().map_or(Pump::Mail, |c| Pump::of(c.channel));
    let (claimed, later) = reread::fitting(desk, claimed).await?;
    let Fetched { claimed, shelf, mut rest, mut room } = desk.pulses.outside(pump, copies::fetch(desk, claimed)).await?;
    rest.extend(later);
    let now = desk.clock.now();
    let debtors: Vec<i64> = claimed.iter().map(|c| c.debtor_pk).collect();
    let mut files = index(desk.files(&debtors, now).await?);
    let mut read_at = Stopwatch::start();
    let read = desk.pulses.outside(pump, reread::of(desk, &files, &claimed, now)).await;
    if desk.reads_slowly() {
        // Of a system that is asked over HTTP the second counts from its answer, which has a short end of its own: from the
        // question on, a group of some customers would always be too old where each of them is a request.
        read_at = Stopwatch::start();
    }
    match read {
        Ok(changed) if changed.is_empty() => {}
        Ok(changed) => {
            let keys: Vec<i64> = changed.into_iter().collect();
            files.extend(index(desk.files(&keys, now).await?));
        }
        Err(DeskError::Store(e)) => return Err(e.into()),
        Err(e) => {
            desk.drop_source().await;
            desk.store.give_back(&claimed.iter().map(|c| c.pk).collect::<Vec<_>>()).await?;
            let failed_at = desk.clock.now();
            let why = rest::heed(desk, &e, failed_at).await?;
            desk.store.record_poll(&collect::failed(now, failed_at, format!("the re-read before sending failed: {why}"))).await?;
            desk.tally.polled(PollOutcome::Failed);
            desk.went_blind().await?;
            tracing::error!(event = "reread_failed", error = %why, "the re-read before sending failed; nothing is sent");
            return Ok(Prepared { stopped: true, rest, ..Prepared::default() });
        }
    }
    // Decided is by the clock as it is now: a system that is asked invoice by invoice may have taken its time.
    let now = desk.clock.now();
    let around =
        Arc::new(Around { conditions: desk.conditions(now).await?, files, dictionary: desk.dictionary().await?, read_at, now });
    let mut prepared = Prepared { rest, ..Prepared::default() };
    let mut marked: Vec<(i64, Payload)> = Vec::with_capacity(claimed.len());
    for made in make_all(desk, &around, claimed, shelf).await? {
        match made {
            Made::Ready(mut ready, payload, marks) => {
                if ready.with_copies {
                    ready.room = copies::part(&mut room, ready.composed.bytes.len());
                }
                if let Some(contact) = marks {
                    desk.store.remark(ready.claimed.contact_pk, &contact, now).await?;
                }
                marked.push((ready.claimed.pk, payload));
                prepared.ready.push(*ready);
            }
            Made::Rest(claimed) => prepared.rest.push(claimed),
            Made::Stays(claimed, reason) => {
                let file = around.file(&claimed)?;
                prepared.cancelled.push(cancelled(desk, file, claimed, reason, None, now).await?);
            }
            Made::Later(claimed, until) => desk.store.put_off(claimed.pk, until).await?,
            Made::Broken(claimed, why) => {
                let file = around.file(&claimed)?;
                prepared.cancelled.push(bad_message(desk, file, claimed, why, now).await?);
            }
        }
    }
    if !prepared.cancelled.is_empty() {
        desk.store.settle(&prepared.cancelled, now).await?;
        desk.tally.attempts(prepared.cancelled.iter().map(|s| &s.attempt));
    }
    if !marked.is_empty() {
        let payloads = desk.store.mark_sending(&marked, now).await?;
        for (ready, payload) in prepared.ready.iter_mut().zip(payloads) {
            ready.attempt.payload_pk = Some(payload);
        }
    }
    Ok(prepared)
}

/// What a group of messages is decided and made from.
struct Around {
    conditions: Conditions,
    files: HashMap<i64, DebtorFile>,
    dictionary: Arc<Dictionary>,
    read_at: Stopwatch,
    now: Timestamp,
}

impl Around {
    fn file(&self, claimed: &Claimed) -> Result<&DebtorFile, StoreError> {
        let file = self.files.get(&claimed.debtor_pk);
        file.ok_or_else(|| StoreError::Corrupt(format!("message {} has no debtor", claimed.pk)))
    }
}

/// What deciding and making a message came to.
enum Made {
    /// It may leave; with the contact to which its marks must follow, where the case has moved since planning.
    Ready(Box<Ready>, Payload, Option<NewContact>),
    /// It comes with the next group.
    Rest(Claimed),
    /// It does not leave now.
    Stays(Claimed, Reason),
    /// A person said yes to it, or let it pass, and only the time is wrong: it waits for its hour as it is.
    Later(Claimed, Timestamp),
    /// It cannot be made.
    Broken(Claimed, String),
}

/// Decides and makes a group's messages. That is all computing, so it has a thread of its own: the connections, which
/// hardly compute, then need not wait for it.
async fn make_all(desk: &Desk, around: &Arc<Around>, claimed: Vec<Claimed>, mut shelf: Shelf) -> Result<Vec<Made>, DeskError> {
    let (desk, around) = (desk.clone(), around.clone());
    let made = tokio::task::spawn_blocking(move || {
        let mut packer = around.dictionary.packer()?;
        let mut one = |message| match shelf.is_full() {
            true => Ok(Made::Rest(message)),
            false => make(&desk, &around, message, &mut packer, &mut shelf),
        };
        claimed.into_iter().map(&mut one).collect::<Result<Vec<Made>, StoreError>>()
    });
    Ok(made.await.map_err(|e| StoreError::Corrupt(format!("preparing ended unexpectedly: {e}")))??)
}

/// What a claimed message is to say.
pub(super) struct Decided {
    pub(super) cadence: Arc<Cadence>,
    pub(super) plan: Plan,
    /// Whom the message goes to.
    to: To,
    case: CaseKey,
    today: Date,
}

/// Why a message does not leave.
pub(super) struct Stays {
    reason: Reason,
    /// A person said yes to it, and only the time is wrong: it waits for its hour as it is.
    later: Option<Timestamp>,
}

/// Decides once more whether a message may leave: with the plan by which it does, or why it does not.
pub(super) fn decided(
    desk: &Desk,
    file: &DebtorFile,
    conditions: &Conditions,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<Decided, Stays> {
    let zone = desk.setup.zone(&file.debtor);
    let (Some(cadence), Some(currency)) = (desk.setup.cadence(&claimed.cadence), Currency::parse(&claimed.currency)) else {
        return Err(Stays { reason: Reason::NoCadence, later: None });
    };
    let case = CaseKey { cadence: cadence.name.clone(), currency };
    let world = World { own: Some(claimed.contact_pk), ..desk.world(conditions, &file.debtor, &zone, cadence, now) };
    let decision = decide(file, &case, &world, &mut NoTrace);
    let Verdict::Send(plan) = decision.verdict else {
        // Decided anew, it would be asked about anew.
        let answered = file.contacts.iter().any(|c| c.pk == claimed.contact_pk && c.word.as_ref().is_some_and(|w| w.given));
        let later = decision.next.filter(|next| answered && decision.reason.is_about_time() && *next > now);
        return Err(Stays { reason: decision.reason, later });
    };
    let same_step = cadence.steps[plan.step].id.as_str() == claimed.step;
    let to = plan.way.to().iter().find(|to| to.channel == claimed.channel && to.address == claimed.address);
    let to = to.filter(|to| same_step && to.copy == claimed.copy && is_as_answered(file, claimed, &plan)).cloned();
    let (cadence, today) = (cadence.clone(), local_date(now, &zone));
    to.map(|to| Decided { cadence, plan, to, case, today }).ok_or(Stays { reason: Reason::Changed, later: None })
}

/// Makes the message if the decision still stands.
fn make(desk: &Desk, around: &Around, claimed: Claimed, packer: &mut Packer<'_>, shelf: &mut Shelf) -> Result<Made, StoreError> {
    let (file, now) = (around.file(&claimed)?, around.now);
    let Decided { cadence, plan, to, case, today } = match decided(desk, file, &around.conditions, &claimed, now) {
        Ok(decided) => decided,
        Err(Stays { later: Some(until), .. }) => return Ok(Made::Later(claimed, until)),
        Err(Stays { reason, .. }) => return Ok(Made::Stays(claimed, reason)),
    };
    let mut copies = copies::choose(desk, file, &cadence, &plan, claimed.channel, shelf, now);
    let compose = |copies: &Copies| {
        compose::compose(
            desk,
            &Order {
                file,
                cadence: &cadence,
                plan: &plan,
                to: &to,
                message_id: &claimed.message_id,
                message: claimed.pk,
                today,
                now,
                booked: around.conditions.booked,
                copies,
            },
        )
    };
    let mut composed = compose(&copies);
    let most = desk.copies.size(now).unwrap_or(u64::MAX);
    if composed.as_ref().is_ok_and(|c| !c.copies.is_empty() && c.bytes.len() as u64 > most) {
        copies = copies.too_large();
        composed = compose(&copies);
    }
    let mut composed = match composed {
        Ok(composed) => composed,
        Err(e) => return Ok(Made::Broken(claimed, e.to_string())),
    };
    copies::tell(desk, file, &copies, now);
    let marks = moved(&plan, &claimed).then(|| new_contact(desk, file, &case, &cadence, &plan, today));
    let documents = std::mem::take(&mut composed.copies);
    let payload = packer.pack(&composed.address, &composed.bytes, &documents)?;
    let sealed = (payload.salt.to_vec(), payload.address.clone(), payload.body_hash.to_vec());
    // The matter of a mail is what it asks for or gives a step; what it merely shows begins no thread.
    let is_matter = |l: &Line| l.mark.is_some() || l.section == Section::Asked;
    let unthreaded =
        compose::rows(file, &plan).iter().filter(|(l, i)| is_matter(l) && i.thread.is_none()).map(|(l, _)| l.pk).collect();
    let attempt = attempt(file, &claimed, compose::invoices_json(file, &plan, &copies), Some(composed.language.clone()), now);
    let ready = Ready {
        claimed,
        composed,
        read_at: around.read_at,
        day: today,
        attempt,
        sealed,
        unthreaded,
        with_copies: !documents.is_empty(),
        room: None,
    };
    Ok(Made::Ready(Box::new(ready), payload, marks))
}

/// Whether the set of invoices has changed since planning, so that the marks must follow. Of a contact on several
/// channels they stay as planned, because another message with them may have left already.
fn moved(plan: &Plan, claimed: &Claimed) -> bool {
    let mut marked: Vec<i64> = plan.lines.iter().filter(|l| l.mark.is_some()).map(|l| l.pk).collect();
    let mut planned = claimed.invoices.clone();
    marked.sort_unstable();
    planned.sort_unstable();
    marked != planned && plan.way.to().len() == 1
}

/// Whether what leaves is what a person said yes to: the same balances, and no other invoice asked for.
fn is_as_answered(file: &DebtorFile, claimed: &Claimed, plan: &Plan) -> bool {
    let contact = file.contacts.iter().find(|c| c.pk == claimed.contact_pk);
    let Some(word) = contact.and_then(|c| c.word.as_ref()) else { return true };
    let balance = |pk: i64| file.rows.iter().find(|r| r.invoice.pk == pk).map(|r| r.invoice.balance.minor);
    let asked = plan.lines.iter().filter(|l| l.section == Section::Asked);
    let now: HashSet<(i64, Option<i64>)> = asked.map(|l| (l.pk, balance(l.pk))).collect();
    word.given && now == word.balances.iter().map(|(pk, balance)| (*pk, Some(*balance))).collect()
}

fn attempt(file: &DebtorFile, claimed: &Claimed, invoices: String, language: Option<String>, now: Timestamp) -> NewAttempt {
    NewAttempt {
        at: now.as_millisecond(),
        debtor_pk: file.debtor.pk,
        debtor: file.debtor.id.clone(),
        person: claimed.role.clone(),
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
        Reason::OutsideWindow
        | Reason::PollFailed
        | Reason::StaleData
        | Reason::LedgerShrunk
        | Reason::IbanChanged
        | Reason::DryRun => After::Retry { at: later_by(now, DOUBT_WAITS_S), ours: true },
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
    now: Timestamp,
) -> Result<Settlement, DeskError> {
    let today = local_date(now, &desk.setup.zone(&file.debtor));
    // What has been paid is no longer in the file, and is what the message was about all the same.
    let rows = desk.store.rows_about(&claimed, today).await?;
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
    Ok(Settlement {
        message_pk: claimed.pk,
        contact_pk: claimed.contact_pk,
        copy: claimed.copy,
        after,
        day: today,
        payload,
        sealed: None,
        threads: vec![],
        dead: None,
        gateway_id: None,
        attempt,
    })
}

/// A message that cannot be made: somebody is told, and it is tried again.
async fn bad_message(
    desk: &Desk,
    file: &DebtorFile,
    claimed: Claimed,
    why: String,
    now: Timestamp,
) -> Result<Settlement, DeskError> {
    let told = without_address(&why, &claimed.address);
    tracing::error!(
        event = "message_failed",
        message = claimed.pk,
        error = told,
        "a message could not be made; it is tried again in an hour"
    );
    let text = format!("The message to {} could not be made: {told}. It is tried again every hour.", file.debtor.id);
    desk.store.raise_alert("bad_message", now, "relance: a message could not be made", &text).await?;
    let mut later = cancelled(desk, file, claimed, Reason::BadMessage, Some(why), now).await?;
    later.attempt.outcome = Outcome::Deferred;
    later.attempt.class = Some(FaultClass::Message.as_str());
    later.after = After::Retry { at: later_by(now, BAD_MESSAGE_S), ours: true };
    Ok(later)
}
