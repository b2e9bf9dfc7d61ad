//! The daemon: a scheduler that rings four bells every second, and four pumps that answer. What is due is
//! never decided here.

use crate::config::problem::{ConfigError, Problem};
use crate::flow::{Desk, DeskError, brake, collect, deliver, plan, review};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// A pump that failed rests for so many seconds before its next try.
const REST_S: u64 = 10;

/// How long what is in hand may take when the program is asked to end.
const GRACE: Duration = Duration::from_secs(9);

/// Who has become unreachable is looked at every so many rings: it reads all contacts.
const REVIEW_EVERY: u64 = 120;

#[derive(Clone, Copy, Debug)]
enum Pump {
    Collect,
    Plan,
    Deliver,
    Review,
}

/// One round: poll, plan, deliver all that may leave now. False when anything failed.
pub async fn once(desk: &Desk) -> Result<bool, DeskError> {
    deliver::recover(desk).await?;
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
    Ok(good)
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(desk: Arc<Desk>) -> Result<(), DeskError> {
    deliver::recover(&desk).await?;
    let bells: [Arc<Notify>; 4] = std::array::from_fn(|_| Arc::new(Notify::new()));
    let scheduler = scheduler(&bells).await.map_err(|e| scheduler_failed(&e))?;
    let mut pumps = tokio::task::JoinSet::new();
    let looked = Arc::new(Notify::new());
    for (bell, pump) in bells.iter().zip([Pump::Collect, Pump::Plan, Pump::Deliver, Pump::Review]) {
        pumps.spawn(work(desk.clone(), bell.clone(), pump, looked.clone()));
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), store = %desk.store.path().display(), "relance runs");
    stop_asked().await;
    tracing::info!("asked to end: finishing what is in hand");
    desk.stopping.store(true, Ordering::SeqCst);
    bells.iter().chain([&looked]).for_each(|b| b.notify_one());
    let drained = tokio::time::timeout(GRACE, async { while pumps.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("something was still in hand; it is settled at the next start");
        pumps.abort_all();
    }
    drop(scheduler);
    Ok(())
}

/// Four jobs, one a bell. Their times are of no consequence: a bell that rings late only makes a pump look late.
async fn scheduler(bells: &[Arc<Notify>; 4]) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for bell in bells {
        let bell = bell.clone();
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

async fn work(desk: Arc<Desk>, bell: Arc<Notify>, pump: Pump, looked: Arc<Notify>) {
    let mut rounds: u64 = 0;
    if matches!(pump, Pump::Review) {
        // Data that is old only because nobody was there to read it is no reason to alarm anybody.
        looked.notified().await;
    }
    while !desk.stopping.load(Ordering::SeqCst) {
        rounds += 1;
        let done = match pump {
            Pump::Collect => collect::step(&desk).await.map(drop),
            Pump::Plan => plan::step(&desk).await.map(drop),
            Pump::Deliver => deliver::step(&desk).await.map(drop),
            Pump::Review if rounds % REVIEW_EVERY == 1 => review::step(&desk).await,
            Pump::Review => review::watch(&desk).await,
        };
        if let Err(e) = done {
            tracing::error!(pump = ?pump, error = %e, "a pump failed; it tries again");
            rest(&desk).await;
        }
        if matches!(pump, Pump::Collect) && rounds == 1 {
            looked.notify_one();
        }
        bell.notified().await;
    }
}

/// Rests, but not when the program is asked to end.
async fn rest(desk: &Desk) {
    for _ in 0..REST_S {
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
