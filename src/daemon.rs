//! The daemon: four pumps, and the bells that wake them. A scheduler rings every second; whoever writes into the
//! store beside the daemon is heard within a fraction of one; a pump that has made work for the next rings it. What is
//! due is never decided here.

use crate::config::problem::{ConfigError, Problem};
use crate::domain::step::Channel;
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
}

const PUMPS: [Pump; 5] = [Pump::Collect, Pump::Plan, Pump::Mail, Pump::Text, Pump::Review];

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
pub async fn once(desk: &Desk) -> Result<bool, DeskError> {
    deliver::recover(desk, None).await?;
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
pub async fn run(desk: &Desk) -> Result<(), DeskError> {
    let bells = Bells::default();
    let scheduler = scheduler(&bells).await.map_err(|e| scheduler_failed(&e))?;
    let done = serve(desk, &bells, stop_asked()).await;
    drop(scheduler);
    done
}

/// Pumps whenever a bell rings, until told to stop; then finishes what is in hand.
pub async fn serve(desk: &Desk, bells: &Bells, stop: impl Future<Output = ()>) -> Result<(), DeskError> {
    deliver::recover(desk, None).await?;
    let mut pumps = tokio::task::JoinSet::new();
    let looked = Arc::new(Notify::new());
    for pump in PUMPS {
        pumps.spawn(work(desk.clone(), bells.clone(), pump, looked.clone()));
    }
    let listener = tokio::spawn(listen(desk.clone(), bells.clone()));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), store = %desk.store.path().display(), "relance runs");
    let broken = tokio::select! {
        () = stop => None,
        // No pump ends of itself. A daemon that only seems to run would be worse than one that its supervisor restarts.
        ended = pumps.join_next() => Some(ended.and_then(Result::err).map_or_else(String::new, |e| e.to_string())),
    };
    listener.abort();
    match &broken {
        None => tracing::info!("asked to end: finishing what is in hand"),
        Some(why) => tracing::error!(why, "a pump ended unexpectedly: finishing what is in hand"),
    }
    desk.stopping.store(true, Ordering::SeqCst);
    bells.ring_all();
    looked.notify_one();
    let drained = tokio::time::timeout(GRACE, async { while pumps.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("something was still in hand; it is settled at the next start");
        pumps.abort_all();
    }
    broken.map_or(Ok(()), |why| Err(DeskError::Ended(why)))
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

/// Four jobs, one a bell. Their times are of no consequence: a bell that rings late only makes a pump look late.
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

async fn work(desk: Desk, bells: Bells, pump: Pump, looked: Arc<Notify>) {
    let mut rounds: u64 = 0;
    if pump == Pump::Review {
        // Data that is old only because nobody was there to read it is no reason to alarm anybody.
        looked.notified().await;
    }
    while !desk.stopping.load(Ordering::SeqCst) {
        rounds += 1;
        match step(&desk, pump, rounds).await {
            Ok(next) => next.iter().for_each(|pump| bells.ring(*pump)),
            Err(e) => {
                tracing::error!(pump = ?pump, error = %e, "a pump failed; it tries again");
                rest(&desk).await;
            }
        }
        if pump == Pump::Collect && rounds == 1 {
            looked.notify_one();
        }
        bells.of(pump).notified().await;
    }
}

/// One step of a pump; gives those downstream that have work by it. Never one upstream: what delivery finds waits for
/// the next second, or two pumps that disagree would keep each other awake.
async fn step(desk: &Desk, pump: Pump, round: u64) -> Result<&'static [Pump], DeskError> {
    match pump {
        Pump::Collect if collect::step(desk).await?.is_some() => return Ok(&[Pump::Plan]),
        Pump::Plan if plan::step(desk).await?.messages > 0 => return Ok(&[Pump::Mail, Pump::Text]),
        Pump::Collect | Pump::Plan => {}
        Pump::Mail => drop(deliver::on(desk, Channel::Email).await?),
        Pump::Text => drop(deliver::on(desk, Channel::Sms).await?),
        Pump::Review if round % REVIEW_EVERY == 1 => review::step(desk).await?,
        Pump::Review => review::watch(desk).await?,
    }
    Ok(&[])
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
