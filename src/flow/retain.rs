//! Erasing what has been kept long enough: once a day, in batches, and what a standstill has left over at once.

use super::desk::{Desk, DeskError};
use super::presence::on_duty;
use super::pulse::Pump;
use crate::domain::keep::Keep;
use crate::domain::time::local_date;
use crate::store::StoreError;
use crate::store::person::retention::{Kind, Run, Since};
use crate::store::polls::PollOutcome;
use crate::store::sessions::Duty;
use jiff::Timestamp;
use std::sync::atomic::Ordering;

/// Erases if that has not been done today; gives what was, once it came to its end.
pub async fn step(desk: &Desk) -> Result<Option<Run>, DeskError> {
    if !is_due(desk, desk.clock.now()).await? {
        return Ok(None);
    }
    let still = async {
        let now = desk.clock.now();
        if is_due(desk, now).await? { run(desk, now).await } else { Ok(None) }
    };
    Ok(on_duty(desk, Duty::Retain, still).await?.flatten())
}

/// Whether it has not been done today, by a ledger that was read just now: what it says is claimed must not be of
/// yesterday, and a clock that is wrong by years should not be the only one to say what is old.
async fn is_due(desk: &Desk, now: Timestamp) -> Result<bool, StoreError> {
    let today = local_date(now, &desk.setup.settings.creditor.timezone).to_string();
    if desk.store.last_retention().await?.is_some_and(|run| run.day == today) {
        return Ok(false);
    }
    let fresh = |at: Timestamp| now.as_second() - at.as_second() <= desk.setup.settings.guard.max_data_age;
    Ok(desk.store.last_poll().await?.is_some_and(|poll| poll.outcome == PollOutcome::Good && fresh(poll.started_at)))
}

/// `None` when the program is asked to end: the rest is for the next start.
async fn run(desk: &Desk, now: Timestamp) -> Result<Option<Run>, DeskError> {
    let keep = &desk.setup.settings.retention;
    let zone = &desk.setup.settings.creditor.timezone;
    let mut run = Run { day: local_date(now, zone).to_string(), ..Run::default() };
    for (kind, keep) in [
        (Kind::Contacts, keep.messages),
        (Kind::Alone, keep.messages),
        (Kind::Inbound, keep.messages),
        (Kind::Bank, keep.notes),
        (Kind::Events, keep.notes),
        (Kind::Proposals, keep.notes),
        (Kind::Holds, keep.notes),
        (Kind::Calls, keep.notes),
        (Kind::Tasks, keep.notes),
        (Kind::Standings, keep.notes),
        (Kind::Alerts, keep.notes),
        (Kind::Customers, keep.customers),
    ] {
        let Some(erased) = all(desk, kind, keep, now).await? else { return Ok(None) };
        match kind {
            Kind::Contacts | Kind::Alone | Kind::Inbound => run.messages += erased,
            Kind::Bank
            | Kind::Events
            | Kind::Proposals
            | Kind::Holds
            | Kind::Calls
            | Kind::Tasks
            | Kind::Standings
            | Kind::Alerts => run.notes += erased,
            Kind::Customers => run.customers += erased,
        }
    }
    let Some(copies) = sweep(desk).await? else { return Ok(None) };
    run.at = desk.clock.now().as_millisecond();
    desk.store.record_retention(&run).await?;
    if run.messages + run.notes + run.customers + copies > 0 && !desk.store.forget_erased().await? {
        tracing::info!(
            event = "pages_kept",
            "the store's file beside, -wal, still holds pages from before the erasure: somebody is reading them"
        );
    }
    tracing::info!(
        event = "retention_done",
        messages = run.messages,
        notes = run.notes,
        customers = run.customers,
        copies,
        "retention: erased what was kept long enough"
    );
    Ok(Some(run))
}

/// Lets go of copies of invoices that no message has any more, batch by batch as well.
async fn sweep(desk: &Desk) -> Result<Option<u64>, DeskError> {
    let mut swept = 0;
    loop {
        if desk.stopping.load(Ordering::SeqCst) || desk.heart.rests() {
            return Ok(None);
        }
        match desk.store.sweep_documents().await? {
            0 => return Ok(Some(swept)),
            gone => swept += gone,
        }
        desk.pulses.moved(Pump::Retain);
    }
}

/// Erases all of a kind, batch by batch, so that nobody waits long who has something to record.
async fn all(desk: &Desk, kind: Kind, keep: Keep, now: Timestamp) -> Result<Option<u64>, DeskError> {
    let zone = &desk.setup.settings.creditor.timezone;
    let Some(until) = keep.until(now, zone) else { return Ok(Some(0)) };
    let until = (until, local_date(until, zone));
    let (mut erased, mut from) = (0, Since::START);
    loop {
        if desk.stopping.load(Ordering::SeqCst) || desk.heart.rests() {
            return Ok(None);
        }
        let batch = desk.store.retain(kind, until, from, desk.clock.now()).await?;
        erased += batch.erased;
        desk.pulses.moved(Pump::Retain);
        let Some(next) = batch.next else { return Ok(Some(erased)) };
        from = next;
    }
}
