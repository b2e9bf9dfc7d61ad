//! The pumps at work: one task each, woken by its bell; and the ear for whoever else writes into the store.

use super::Bells;
use crate::clock::Stopwatch;
use crate::domain::step::Channel;
use crate::flow::bank;
use crate::flow::listen::mailbox;
use crate::flow::pulse::{PUMPS, Pump};
use crate::flow::{Desk, DeskError, collect, deliver, plan, report, retain, review};
use crate::store::StoreError;
use crate::store::sessions::Duty;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// A pump that failed rests for so many seconds before its next try.
const REST_S: u64 = 10;

/// Who has become unreachable is looked at every so many rings: it reads all contacts.
const REVIEW_EVERY: u64 = 120;

/// Whether anything has been kept long enough is asked every so many rings: once a day it has.
const RETAIN_EVERY: u64 = 30;

/// Whether the hour of the report has come is asked every so many rings.
const REPORT_EVERY: u64 = 10;

/// The folder of the bank's statements is looked into every so many rings.
const BANK_EVERY: u64 = 60;

/// How often the daemon listens for the operator, whose verbs write into the store: well within the second in which
/// they are to be heeded, a plan and a delivery included.
const LISTEN: Duration = Duration::from_millis(200);

/// How long a listener that heard nothing because the store failed leaves it alone.
const DEAF: Duration = Duration::from_secs(5);

/// Listens for others who write into the store: the operator's verbs. Which of them it was is of no consequence,
/// each pump sees for itself.
pub(super) async fn listen(desk: Desk, bells: Bells) {
    let mut heard = None;
    loop {
        let rest = match desk.store.written_by_others().await {
            Ok(count) => {
                if heard.replace(count) != Some(count) {
                    bells.ring_all();
                }
                LISTEN
            }
            Err(e) => {
                tracing::debug!(event = "store_unheard", error = %e, "the store cannot be listened to; the pumps will say so if it lasts");
                DEAF
            }
        };
        tokio::time::sleep(rest).await;
    }
}

/// One job a bell. Their times are of no consequence: a bell that rings late only makes a pump look late.
pub(super) async fn scheduler(bells: &Bells) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for pump in PUMPS {
        let bells = bells.clone();
        let job = Job::new("* * * * * *", move |_, _| bells.tick(pump))?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}

/// A pump's life: a step whenever its bell rings, until the desk is cleared or the session is over.
pub(super) async fn work(desk: Desk, bells: Bells, pump: Pump, looked: Arc<watch::Sender<bool>>, over: Arc<Notify>) {
    at_work(&desk, &bells, pump, &looked, &over).await;
    desk.pulses.ended(pump);
}

async fn at_work(desk: &Desk, bells: &Bells, pump: Pump, looked: &watch::Sender<bool>, over: &Notify) {
    let mut rounds: u64 = 0;
    if matches!(pump, Pump::Review | Pump::Report) {
        // Data that is old only because nobody was there to read it is no reason to alarm anybody. The sender is ours as
        // well, so it cannot be gone.
        let mut first_look = looked.subscribe();
        if desk.pulses.outside(pump, first_look.wait_for(|looked| *looked)).await.is_err() {
            return;
        }
    }
    while !desk.stopping.load(Ordering::SeqCst) {
        rounds += 1;
        desk.pulses.moved(pump);
        let watch = Stopwatch::start();
        let stepped = step(desk, pump, rounds).await;
        desk.tally.stepped(pump, watch.elapsed(), stepped.is_ok());
        desk.pulses.stepped(pump, stepped.is_ok());
        match stepped {
            Ok(next) => next.iter().for_each(|pump| bells.ring(*pump)),
            Err(DeskError::Store(StoreError::Fenced)) => {
                over.notify_one();
                return;
            }
            // The heart has said so already.
            Err(DeskError::Store(e @ StoreError::Away { .. })) if !desk.heart.is_sure() => {
                tracing::debug!(event = "store_away", pump = pump.as_str(), error = %e, "the store is away");
                rest(desk, 1).await;
            }
            Err(e) => {
                tracing::error!(event = "pump_failed", pump = pump.as_str(), error = %e, "a pump failed; it tries again");
                rest(desk, REST_S).await;
            }
        }
        desk.pulses.moved(pump);
        if pump == Pump::Collect && rounds == 1 {
            looked.send_replace(true);
        }
        match pump {
            Pump::Inbox => mailbox::rest(desk).await,
            _ => bells.of(pump).notified().await,
        }
    }
}

/// One step of a pump; gives those downstream that have work by it. Never one upstream: what delivery finds waits for
/// the next second, or two pumps that disagree would keep each other awake.
async fn step(desk: &Desk, pump: Pump, round: u64) -> Result<&'static [Pump], DeskError> {
    if desk.heart.rests() {
        return leave_to_others(desk, pump).await;
    }
    match pump {
        Pump::Collect if collect::step(desk).await?.is_some() => return Ok(&[Pump::Plan]),
        Pump::Plan if plan::step(desk).await?.messages > 0 => return Ok(&[Pump::Mail, Pump::Text]),
        Pump::Collect | Pump::Plan => {}
        Pump::Mail => drop(deliver::on(desk, Channel::Email).await?),
        Pump::Text => drop(deliver::on(desk, Channel::Sms).await?),
        Pump::Review if round % REVIEW_EVERY == 1 => review::step(desk).await?,
        Pump::Review => review::watch(desk).await?,
        Pump::Retain if round % RETAIN_EVERY == 1 => drop(retain::step(desk).await?),
        Pump::Retain => {}
        Pump::Report if round % REPORT_EVERY == 1 => report::step(desk).await?,
        Pump::Report => {}
        Pump::Inbox if mailbox::step(desk).await?.is_some_and(|round| round.matched > 0) => return Ok(&[Pump::Plan]),
        Pump::Inbox => {}
        Pump::Bank if round % BANK_EVERY == 1 && bank::step(desk).await?.is_some_and(|round| round.matched > 0) => {
            return Ok(&[Pump::Plan]);
        }
        Pump::Bank => {}
    }
    Ok(&[])
}

/// Who rests keeps nothing that others may wait for: no duty, and no message from before.
async fn leave_to_others(desk: &Desk, pump: Pump) -> Result<&'static [Pump], DeskError> {
    match pump {
        Pump::Collect => desk.store.leave_duty(Duty::Collect).await?,
        Pump::Plan => desk.store.leave_duty(Duty::Plan).await?,
        Pump::Review => desk.store.leave_duty(Duty::Tell).await?,
        Pump::Retain => desk.store.leave_duty(Duty::Retain).await?,
        Pump::Report => desk.store.leave_duty(Duty::Report).await?,
        Pump::Inbox => desk.store.leave_duty(Duty::Inbox).await?,
        Pump::Bank => desk.store.leave_duty(Duty::Bank).await?,
        Pump::Mail => deliver::recover(desk, Channel::Email).await?,
        Pump::Text => deliver::recover(desk, Channel::Sms).await?,
    }
    Ok(&[])
}

/// Rests, but not when the desk is cleared.
async fn rest(desk: &Desk, seconds: u64) {
    for _ in 0..seconds {
        if desk.stopping.load(Ordering::SeqCst) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
