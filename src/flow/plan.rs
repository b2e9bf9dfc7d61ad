//! The second pump: looks at every debtor whose time has come and puts what may leave into the outbox, in the
//! transaction that decides it.

use super::desk::{Desk, DeskError};
use super::look::look;
use super::presence::on_duty;
use super::pulse::Pump;
use crate::store::plan::{Looked, Looks};
use crate::store::sessions::Duty;
use jiff::Timestamp;
use std::collections::HashMap;

/// Debtors in a batch.
const BATCH: i64 = 256;

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
        desk.pulses.moved(Pump::Plan);
        if batch.looked == 0 {
            break;
        }
        planned.looked += batch.looked;
        planned.messages += batch.messages;
    }
    planned.braked = brake(desk).await?;
    if planned.messages > 0 {
        tracing::info!(
            event = "planned",
            debtors = planned.looked,
            messages = planned.messages,
            held = planned.braked,
            "planned"
        );
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
    let mut looks = Looks::default();
    let was: HashMap<i64, i64> = due.iter().copied().collect();
    for file in &mut files {
        let Some(was) = was.get(&file.debtor.pk) else { continue };
        let (next, reason) = look(desk, &conditions, file, now, &mut looks);
        looks.looked.push(Looked { debtor_pk: file.debtor.pk, was: *was, next, reason: reason.code() });
    }
    let held = desk.setup.settings.guard.max_messages_per_cycle.is_some();
    // A poll that came meanwhile is decided under at the next look, which is at once.
    let written = desk.store.commit_plan(poll, &looks, held, now).await?;
    if written {
        desk.tally.attempts(looks.undelivered.iter().map(|n| &n.attempt));
    }
    let messages: u64 = looks.contacts.iter().filter(|_| written).map(|c| c.messages.len() as u64).sum();
    desk.tally.planned(messages);
    Ok(Planned { looked: due.len() as u64, messages, braked: 0 })
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
    tracing::error!(event = "volume_brake", held, most, "too many messages: held until released");
    Ok(held)
}
