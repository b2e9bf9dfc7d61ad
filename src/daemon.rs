//! The daemon: six pumps, and the bells that wake them. A scheduler rings every second; whoever writes into the
//! store beside the daemon is heard within a fraction of one; a pump that has made work for the next rings it. What is
//! due is never decided here.

mod life;

use crate::clock::Clock;
use crate::config::Setup;
use crate::config::problem::{ConfigError, Problem};
use crate::domain::step::Channel;
use crate::flow::{Desk, DeskError, brake, collect, deliver, plan, presence, report, retain, review};
use crate::store::sessions::Duty;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use life::{Life, meet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// A pump that failed rests for so many seconds before its next try.
const REST_S: u64 = 10;

/// How long what is in hand may take when the program is asked to end.
const GRACE: Duration = Duration::from_secs(9);

/// How long ending the session may take after that.
const LEAVE: Duration = Duration::from_secs(3);

/// Who has become unreachable is looked at every so many rings: it reads all contacts.
const REVIEW_EVERY: u64 = 120;

/// Whether anything has been kept long enough is asked every so many rings: once a day it has.
const RETAIN_EVERY: u64 = 30;

/// Whether the hour of the report has come is asked every so many rings.
const REPORT_EVERY: u64 = 10;

/// How often the daemon listens for the operator, whose verbs write into the store: well within the second in which
/// they are to be heeded, a plan and a delivery included.
const LISTEN: Duration = Duration::from_millis(200);

/// How long a listener that heard nothing because the store failed leaves it alone.
const DEAF: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pump {
    Collect,
    Plan,
    /// One for each channel: where one waits for a slow server, the other goes on.
    Mail,
    Text,
    Review,
    /// By itself, so that nothing else waits for it.
    Retain,
    /// By itself as well: once a day it reads every customer.
    Report,
}

const PUMPS: [Pump; 7] = [Pump::Collect, Pump::Plan, Pump::Mail, Pump::Text, Pump::Review, Pump::Retain, Pump::Report];

/// A bell for each pump. One that rings while its pump is at work is heard when that is done.
#[derive(Clone, Debug, Default)]
pub struct Bells([Arc<Notify>; PUMPS.len()]);

impl Bells {
    fn of(&self, pump: Pump) -> &Arc<Notify> {
        &self.0[pump as usize]
    }

    fn ring(&self, pump: Pump) {
        self.of(pump).notify_one();
    }

    fn ring_all(&self) {
        PUMPS.into_iter().for_each(|pump| self.ring(pump));
    }
}

/// One round: poll, plan, deliver all that may leave now. False when anything failed.
pub async fn once(setup: Setup, store: &Store) -> Result<bool, DeskError> {
    let desk = join(setup, store, Clock::System.now()).await?;
    let life = Life::begin(&desk);
    let done = match meet(&desk).await {
        Ok(()) => round(&desk).await,
        Err(e) => Err(e),
    };
    drop(life);
    let left = presence::leave(&desk).await;
    let good = done?;
    left?;
    Ok(good)
}

async fn round(desk: &Desk) -> Result<bool, DeskError> {
    let poll = collect::poll(desk).await?;
    let mut good = poll.outcome == crate::store::polls::PollOutcome::Good;
    // A refusal may free another channel at once: a few rounds, not endless ones.
    for _ in 0..5 {
        let planned = plan::step(desk).await?;
        let delivered = deliver::step(desk).await?;
        good &= !delivered.failed() && planned.braked == 0;
        if !delivered.any() {
            break;
        }
    }
    good &= !brake::held_up(desk).await?;
    review::step(desk).await?;
    retain::step(desk).await?;
    report::step(desk).await?;
    Ok(good)
}

/// Runs until SIGTERM or SIGINT. A daemon that others took for dead begins anew: what it had in hand is theirs.
pub async fn run(setup: Setup, store: &Store) -> Result<(), DeskError> {
    let bells = Bells::default();
    let scheduler = scheduler(&bells).await.map_err(|e| scheduler_failed(&e))?;
    let stop = Arc::new(Notify::new());
    let asked = stop.clone();
    let listening = tokio::spawn(async move {
        stop_asked().await;
        asked.notify_one();
    });
    let began = Clock::System.now();
    let done = loop {
        let desk = tokio::select! {
            () = stop.notified() => break Ok(()),
            joined = join_patiently(&setup, store, began) => match joined {
                Ok(desk) => desk,
                Err(e) => break Err(e),
            },
        };
        match serve(&desk, &bells, stop.notified()).await {
            Err(DeskError::Store(StoreError::Fenced)) => tracing::error!("{}", StoreError::Fenced),
            done => break done,
        }
    };
    listening.abort();
    drop(scheduler);
    done
}

/// A desk with a session of its own, for a program that began then.
async fn join(setup: Setup, store: &Store, began: Timestamp) -> Result<Desk, DeskError> {
    let session = store.join(&crate::config::machine(), &setup.agreement, began).await?;
    Desk::new(setup, session, Clock::System).await
}

/// The same, however long a shared database is away.
async fn join_patiently(setup: &Setup, store: &Store, began: Timestamp) -> Result<Desk, DeskError> {
    let mut told = false;
    loop {
        match join(setup.clone(), store, began).await {
            Err(DeskError::Store(e)) if store.is_shared() && e.may_pass() => {
                if !told {
                    tracing::error!(error = %e, "waiting for the store");
                }
                told = true;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            joined => return joined,
        }
    }
}

/// Pumps whenever a bell rings, until told to stop; then finishes what is in hand.
pub async fn serve(desk: &Desk, bells: &Bells, stop: impl Future<Output = ()>) -> Result<(), DeskError> {
    if !desk.store.is_shared() {
        presence::settle_all(desk).await?;
    }
    let mut life = Life::begin(desk);
    let mut pumps = JoinSet::new();
    let looked = Arc::new(watch::Sender::new(false));
    for pump in PUMPS {
        pumps.spawn(work(desk.clone(), bells.clone(), pump, looked.clone(), life.over.clone()));
    }
    let listener = tokio::spawn(listen(desk.clone(), bells.clone()));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), store = desk.store.place(), "relance runs");
    let end = tokio::select! {
        () = stop => Ok(()),
        why = life.end() => Err(why),
        // No pump ends of itself. A daemon that only seems to run would be worse than one that its supervisor restarts.
        ended = pumps.join_next() => {
            Err(DeskError::Ended(ended.and_then(Result::err).map_or_else(String::new, |e| e.to_string())))
        }
    };
    listener.abort();
    match &end {
        Ok(()) => tracing::info!("asked to end: finishing what is in hand"),
        Err(e) => tracing::error!(error = %e, "finishing what is in hand"),
    }
    desk.stopping.store(true, Ordering::SeqCst);
    bells.ring_all();
    looked.send_replace(true);
    let drained = tokio::time::timeout(GRACE, async { while pumps.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("something was still in hand; it is settled at the next start, or by another daemon");
        pumps.shutdown().await;
    }
    drop(life);
    if end.is_ok() && !matches!(tokio::time::timeout(LEAVE, presence::leave(desk)).await, Ok(Ok(()))) {
        tracing::warn!("the session could not be ended; others do that after the lease, or the next start");
    }
    end
}

/// Listens for others who write into the store: the operator's verbs. Which of them it was is of no consequence,
/// each pump sees for itself.
async fn listen(desk: Desk, bells: Bells) {
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
                tracing::debug!(error = %e, "the store cannot be listened to; the pumps will say so if it lasts");
                DEAF
            }
        };
        tokio::time::sleep(rest).await;
    }
}

/// One job a bell. Their times are of no consequence: a bell that rings late only makes a pump look late.
async fn scheduler(bells: &Bells) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for pump in PUMPS {
        let bell = bells.of(pump).clone();
        let job = Job::new("* * * * * *", move |_, _| bell.notify_one())?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}

fn scheduler_failed(error: &JobSchedulerError) -> DeskError {
    let at = crate::config::problem::At::start("relance");
    DeskError::Config(ConfigError(vec![Problem { at, text: format!("the scheduler cannot start: {error}") }]))
}

async fn work(desk: Desk, bells: Bells, pump: Pump, looked: Arc<watch::Sender<bool>>, over: Arc<Notify>) {
    let mut rounds: u64 = 0;
    if matches!(pump, Pump::Review | Pump::Report) {
        // Data that is old only because nobody was there to read it is no reason to alarm anybody. The sender is ours as
        // well, so it cannot be gone.
        if looked.subscribe().wait_for(|looked| *looked).await.is_err() {
            return;
        }
    }
    while !desk.stopping.load(Ordering::SeqCst) {
        rounds += 1;
        match step(&desk, pump, rounds).await {
            Ok(next) => next.iter().for_each(|pump| bells.ring(*pump)),
            Err(DeskError::Store(StoreError::Fenced)) => {
                over.notify_one();
                return rest(&desk, u64::MAX).await;
            }
            // The heart has said so already.
            Err(DeskError::Store(e @ StoreError::Away { .. })) if !desk.heart.is_sure() => {
                tracing::debug!(pump = ?pump, error = %e, "the store is away");
                rest(&desk, 1).await;
            }
            Err(e) => {
                tracing::error!(pump = ?pump, error = %e, "a pump failed; it tries again");
                rest(&desk, REST_S).await;
            }
        }
        if pump == Pump::Collect && rounds == 1 {
            looked.send_replace(true);
        }
        bells.of(pump).notified().await;
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
        Pump::Mail => deliver::recover(desk, Channel::Email).await?,
        Pump::Text => deliver::recover(desk, Channel::Sms).await?,
    }
    Ok(&[])
}

/// Rests, but not when the program is asked to end.
async fn rest(desk: &Desk, seconds: u64) {
    for _ in 0..seconds {
        if desk.stopping.load(Ordering::SeqCst) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn stop_asked() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be heard");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
