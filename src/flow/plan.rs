//! The second pump: looks at every debtor whose time has come and puts what may leave into the outbox, in the
//! transaction that decides it.

use super::desk::{Conditions, Desk, DeskError};
use super::prepare::later_by;
use super::presence::on_duty;
use crate::domain::attempt::{Outcome, about};
use crate::domain::cadence::Cadence;
use crate::domain::case::{CaseKey, Contact, ContactState, DebtorFile, MarkKind};
use crate::domain::decision::{Decision, NoTrace, Plan, Undeliverable, Verdict, decide};
use crate::domain::reason::Reason;
use crate::domain::step::Channel;
use crate::domain::time::{days_between, local_date};
use crate::store::attempts::NewAttempt;
use crate::store::plan::{Looked, NewContact, NewMark, NewMessage};
use crate::store::sessions::Duty;
use crate::store::settle::NoAddress;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::HashMap;

/// Debtors in a batch.
const BATCH: i64 = 256;

/// While sending is stopped, due cases are looked at again after this, in seconds.
const BRAKED_S: i64 = 600;

/// What a planning cycle did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// Debtors looked at.
    pub looked: u64,
    /// Messages put into the outbox.
    pub messages: u64,
    /// Messages that the volume brake holds.
    pub braked: u64,
}

/// Plans all that is due, and lets it pass or holds it by the volume brake.
pub async fn step(desk: &Desk) -> Result<Planned, DeskError> {
    let now = desk.clock.now();
    if desk.store.due_debtors(now, 1).await?.is_empty() && !desk.store.has_planned().await? {
        return Ok(Planned::default());
    }
    Ok(on_duty(desk, Duty::Plan, all(desk)).await?.unwrap_or_default())
}

async fn all(desk: &Desk) -> Result<Planned, DeskError> {
    let mut planned = Planned::default();
    loop {
        let batch = batch(desk).await?;
        if batch.looked == 0 {
            break;
        }
        planned.looked += batch.looked;
        planned.messages += batch.messages;
    }
    planned.braked = brake(desk).await?;
    if planned.messages > 0 {
        tracing::info!(debtors = planned.looked, messages = planned.messages, held = planned.braked, "planned");
    }
    Ok(planned)
}

/// Looks at one batch of debtors.
pub async fn batch(desk: &Desk) -> Result<Planned, DeskError> {
    let now = desk.clock.now();
    let due = desk.store.due_debtors(now, BATCH).await?;
    if due.is_empty() {
        return Ok(Planned::default());
    }
    let keys: Vec<i64> = due.iter().map(|d| d.0).collect();
    let poll = desk.store.newest_poll().await?;
    let conditions = desk.conditions(now).await?;
    let mut files = desk.files(&keys, now).await?;
    let (mut contacts, mut undelivered, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    let was: HashMap<i64, i64> = due.iter().copied().collect();
    for file in &mut files {
        let Some(was) = was.get(&file.debtor.pk) else { continue };
        let look = look(desk, &conditions, file, now, &mut contacts, &mut undelivered);
        looks.push(Looked { debtor_pk: file.debtor.pk, was: *was, next: look.0, reason: look.1.code() });
    }
    let held = desk.setup.settings.guard.max_messages_per_cycle.is_some();
    // A poll that came meanwhile is decided under at the next look, which is at once.
    let written = desk.store.commit_plan(poll, &contacts, &undelivered, &looks, held, now).await?;
    let messages = contacts.iter().filter(|_| written).map(|c: &NewContact| c.messages.len() as u64).sum();
    Ok(Planned { looked: due.len() as u64, messages, braked: 0 })
}

/// Decides every case of a debtor; gives the next look and the reason that says most.
fn look(
    desk: &Desk,
    conditions: &Conditions,
    file: &mut DebtorFile,
    now: Timestamp,
    contacts: &mut Vec<NewContact>,
    undelivered: &mut Vec<NoAddress>,
) -> (Option<Timestamp>, Reason) {
    let zone = desk.setup.zone(&file.debtor);
    let today = local_date(now, &zone);
    let mut next: Option<Timestamp> = None;
    let mut telling = if file.rows.is_empty() { Reason::Paid } else { Reason::NoCadence };
    for case in file.cases() {
        let Some(cadence) = desk.setup.cadence(&case.cadence).cloned() else { continue };
        let decision = decide(file, &case, &desk.world(conditions, &zone, &cadence, now), &mut NoTrace);
        undelivered.extend(decision.undeliverable.iter().map(|u| no_address(desk, file, &cadence, u, today)));
        if let Verdict::Send(plan) = &decision.verdict {
            contacts.push(new_contact(desk, file, &case, &cadence, plan, today));
            // The next case of the same debtor sees this contact: ceilings hold over all of them.
            file.contacts.push(in_hand(&case, plan, &cadence, now));
        }
        let again = next_look(&decision, now);
        next = [next, again].into_iter().flatten().min();
        if rank(decision.reason) > rank(telling) {
            telling = decision.reason;
        }
    }
    (next, telling)
}

/// When to look again. A message in hand settles the next look itself.
fn next_look(decision: &Decision, now: Timestamp) -> Option<Timestamp> {
    let braked = matches!(
        decision.reason,
        Reason::PollFailed | Reason::StaleData | Reason::LedgerShrunk | Reason::IbanChanged | Reason::DryRun
    );
    match &decision.verdict {
        Verdict::Send(_) => None,
        _ if braked => Some(later_by(now, BRAKED_S)),
        // A next look that is not later would be looked at for ever.
        _ => decision.next.map(|next| next.max(later_by(now, 1))),
    }
}

/// Of several cases, the one that needs a person says most, then the one that sends.
fn rank(reason: Reason) -> u8 {
    match reason {
        Reason::NoAddress | Reason::CannotReach => 5,
        Reason::Uncertain | Reason::UnallocatedCovers | Reason::OldDebt => 4,
        Reason::Due => 3,
        Reason::Paid | Reason::NoCadence => 0,
        Reason::Rounding => 1,
        _ => 2,
    }
}

fn in_hand(case: &CaseKey, plan: &Plan, cadence: &Cadence, now: Timestamp) -> Contact {
    let invoices = plan.lines.iter().filter(|l| l.mark.is_some()).map(|l| l.pk).collect();
    Contact {
        pk: 0,
        at: now,
        state: ContactState::InHand,
        case: case.clone(),
        step: cadence.steps[plan.step].id.clone(),
        invoices,
    }
}

/// The contact for a plan, with marks for every invoice that gets a step by it.
pub(super) fn new_contact(
    desk: &Desk,
    file: &DebtorFile,
    case: &CaseKey,
    cadence: &Cadence,
    plan: &Plan,
    today: Date,
) -> NewContact {
    let step = &cadence.steps[plan.step];
    let term = |pk: i64| file.rows.iter().find(|r| r.invoice.pk == pk).map_or(1, |r| r.invoice.term);
    let mut marks = Vec::new();
    for line in &plan.lines {
        let Some(given) = line.mark.map(|m| &cadence.steps[m]) else { continue };
        marks.push(NewMark {
            invoice_pk: line.pk,
            term: term(line.pk),
            step: given.id.to_string(),
            rank: given.rank,
            overdue: given.overdue,
            kind: MarkKind::InHand,
            on: today,
            why: None,
        });
    }
    for (pk, passed, why) in &plan.skipped {
        let Some(at) = cadence.position(passed) else { continue };
        marks.push(NewMark {
            invoice_pk: *pk,
            term: term(*pk),
            step: passed.to_string(),
            rank: cadence.steps[at].rank,
            overdue: cadence.steps[at].overdue,
            kind: MarkKind::Skipped,
            on: today,
            why: Some(why),
        });
    }
    let invoices: Vec<i64> = plan.lines.iter().filter(|l| l.mark.is_some()).map(|l| l.pk).collect();
    let messages = plan.to.iter().map(|(channel, address)| NewMessage {
        channel: *channel,
        address: address.clone(),
        message_id: message_id(desk, file, case, step.id.as_str(), *channel, &invoices),
    });
    NewContact {
        debtor_pk: file.debtor.pk,
        cadence: cadence.name.clone(),
        currency: case.currency.code().to_owned(),
        step: step.id.to_string(),
        letter: step.letter.clone(),
        redirected: desk.is_redirected(),
        messages: messages.collect(),
        invoices,
        marks,
    }
}

/// The same contact has the same Message-ID, however often it is planned.
fn message_id(desk: &Desk, file: &DebtorFile, case: &CaseKey, step: &str, channel: Channel, invoices: &[i64]) -> String {
    let rows = file.rows.iter().filter(|r| invoices.contains(&r.invoice.pk));
    let what: Vec<String> = rows.map(|r| format!("{}:{}", r.invoice.id, r.invoice.term)).collect();
    let mut parts = vec![file.debtor.id.as_str(), &case.cadence, case.currency.code(), step, channel.as_str()];
    parts.extend(what.iter().map(String::as_str));
    if desk.is_redirected() {
        // A trial is another mail than the real one that may follow it: mailboxes drop what they know already.
        parts.push("redirected");
    }
    let id = desk.keys.message_id(&parts);
    match (channel, &desk.setup.settings.email) {
        (Channel::Email, Some(email)) => format!("{id}@{}", email.from.email.domain()),
        _ => id,
    }
}

fn no_address(desk: &Desk, file: &DebtorFile, cadence: &Cadence, lost: &Undeliverable, today: Date) -> NoAddress {
    let step = &cadence.steps[lost.step];
    let rows: Vec<_> = file.rows.iter().filter(|r| lost.invoices.contains(&r.invoice.pk)).collect();
    let marks = rows.iter().map(|r| NewMark {
        invoice_pk: r.invoice.pk,
        term: r.invoice.term,
        step: step.id.to_string(),
        rank: step.rank,
        overdue: step.overdue,
        kind: MarkKind::Undelivered,
        on: today,
        why: Some("no_address"),
    });
    let invoices: Vec<serde_json::Value> = rows
        .iter()
        .map(|r| {
            about(
                &r.invoice.id,
                &r.invoice.number,
                r.invoice.balance,
                Some(step.id.as_str()),
                days_between(r.invoice.due_on, today),
            )
        })
        .collect();
    NoAddress {
        marks: marks.collect(),
        cadence: cadence.name.clone(),
        redirected: desk.is_redirected(),
        attempt: NewAttempt {
            at: 0,
            debtor_pk: file.debtor.pk,
            debtor: file.debtor.id.clone(),
            person: None,
            channel: None,
            cadence: cadence.name.clone(),
            step: step.id.to_string(),
            letter: step.letter.clone(),
            language: None,
            invoices: serde_json::Value::from(invoices).to_string(),
            outcome: Outcome::NoAddress,
            class: None,
            why: Some(lost.text.clone()),
            answer: None,
            message_id: None,
            message_pk: None,
            payload_pk: None,
            digest: None,
        },
    }
}

/// Counts what is planned against the limit, over the cycle and over the rolling day; above it everything is held.
async fn brake(desk: &Desk) -> Result<u64, DeskError> {
    let Some(most) = desk.setup.settings.guard.max_messages_per_cycle else {
        desk.store.move_planned(false).await?;
        return Ok(0);
    };
    let now = desk.clock.now();
    let since = Timestamp::from_second(now.as_second() - 86_400).unwrap_or(now);
    let volume = desk.store.volume(since, desk.is_redirected()).await?;
    if volume.planned == 0 {
        return Ok(0);
    }
    let already = desk.store.brakes().await?.iter().any(|b| b.kind == "too_many");
    let count = volume.planned + volume.waiting + volume.left;
    if !already && count <= most {
        desk.store.move_planned(false).await?;
        return Ok(0);
    }
    let held = desk.store.move_planned(true).await?;
    let text = format!(
        "{count} messages in a day were more than [guard] max_messages_per_cycle, which was {most}; they wait: look at `relance preview`, then say `relance release`"
    );
    desk.store.set_brake("too_many", now, None, &text).await?;
    tracing::warn!(held, most, "too many messages: held until released");
    Ok(held)
}
