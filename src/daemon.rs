//! The daemon: the pumps, and the bells that wake them. A scheduler rings every second; whoever writes into the store
//! beside the daemon is heard within a fraction of one; a pump that has made work for the next rings it. What is due is
//! never decided here. It ends, and takes over another configuration, between two messages and never amid one.

mod ears;
mod life;
mod line;
mod notify;
mod pumps;
mod reload;
mod watchdog;

pub use ears::Ears;
pub use notify::Supervisor;
pub use watchdog::{Ailment, Vitals};

use crate::clock::{Clock, Stopwatch};
use crate::config::Setup;
use crate::config::problem::{ConfigError, Problem};
use crate::flow::bank;
use crate::flow::listen::mailbox;
use crate::flow::pulse::{PUMPS, Pump};
use crate::flow::tally::Tally;
use crate::flow::{Desk, DeskError, brake, collect, deliver, plan, presence, report, retain, review, told};
use crate::observe::Observed;
use crate::store::{Store, StoreError};
use crate::web::doors::Doors;
use ears::Asked;
use jiff::Timestamp;
use life::{Life, meet};
use reload::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio_cron_scheduler::JobSchedulerError;

/// How long what is in hand may take when the program is asked to end: with [`LEAVE`], less than ten seconds.
const GRACE: Duration = Duration::from_secs(8);

/// How long ending the session may take after that.
const LEAVE: Duration = Duration::from_millis(1200);

/// How long messages on the wire may take to their end when another configuration is taken over: each has deadlines of its
/// own, which a slow server may use up one after the other.
const LONGEST: Duration = Duration::from_secs(900);

/// A bell for each pump. One that rings while its pump is at work is heard when that is done.
#[derive(Clone, Debug, Default)]
pub struct Bells {
    bells: [Arc<Notify>; PUMPS.len()],
    /// How often the scheduler has rung any of them.
    ticks: Arc<AtomicU64>,
}

impl Bells {
    fn of(&self, pump: Pump) -> &Arc<Notify> {
        &self.bells[pump as usize]
    }

    fn ring(&self, pump: Pump) {
        self.of(pump).notify_one();
    }

    fn ring_all(&self) {
        PUMPS.into_iter().for_each(|pump| self.ring(pump));
    }

    /// The scheduler's ring.
    fn tick(&self, pump: Pump) {
        self.ticks.fetch_add(1, Ordering::SeqCst);
        self.ring(pump);
    }

    fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::SeqCst)
    }
}

/// One round: poll, plan, deliver all that may leave now. False when anything failed.
pub async fn once(setup: Setup, store: &Store) -> Result<bool, DeskError> {
    let desk = join(setup, store, Clock::System.now(), Arc::default()).await?;
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
    // Who has answered is not written to.
    good &= !mailbox::step(desk).await?.is_some_and(|round| round.failed);
    good &= !bank::step(desk).await?.is_some_and(|round| round.failed);
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

/// Runs until it is asked to end. A daemon that others took for dead begins anew, what it had in hand is theirs; and so does
/// one that was given another configuration by the file, with nothing in hand.
pub async fn run(
    config: &Path,
    mut setup: Setup,
    store: &Store,
    ears: &Ears,
    supervisor: &Supervisor,
    observed: &Observed,
    doors: &Doors,
) -> Result<(), DeskError> {
    let bells = Bells::default();
    let scheduler = pumps::scheduler(&bells).await.map_err(|e| scheduler_failed(&e))?;
    let asked = ears.asked();
    let (mut began, mut anew) = (Clock::System.now(), true);
    let done = loop {
        let desk = tokio::select! {
            () = asked.to_end() => break Ok(()),
            joined = join_patiently(&setup, store, began, supervisor, observed) => match joined {
                Ok(desk) => desk,
                Err(e) => break Err(e),
            },
        };
        // Whatever was refused before, this is the one that was read last.
        if anew && let Err(e) = told::keep(&desk.store, None).await {
            tracing::warn!(event = "refusal_kept", error = %e, "status may tell of a refusal that is over");
        }
        anew = false;
        let first = line::of(&desk).await;
        supervisor.ready(&first);
        let vitals = Arc::<Vitals>::default();
        observed.sees(&desk, &vitals);
        doors.sees(&desk);
        let watchers = [
            tokio::spawn(watchdog::feed(desk.clone(), bells.clone(), supervisor.clone(), vitals, observed.is_asked())),
            tokio::spawn(line::keep(desk.clone(), supervisor.clone(), first)),
        ];
        let end = tend(&desk, &bells, asked.to_end(), Some((config, &asked, supervisor))).await;
        watchers.iter().for_each(JoinHandle::abort);
        observed.loses("between_sessions");
        doors.loses();
        match end {
            Ok(End::Asked) => break Ok(()),
            Ok(End::Reload(read)) => {
                // To the others one with other rules is a later one; one with the same is who it was.
                if read.setup.agreement != setup.agreement {
                    began = Clock::System.now();
                }
                (setup, anew) = (read.setup, true);
            }
            Err(DeskError::Store(StoreError::Fenced)) => tracing::warn!(event = "session_lost", "{}", StoreError::Fenced),
            Err(e) => break Err(e),
        }
    };
    drop(scheduler);
    done
}

/// A desk with a session of its own, for a program that began then.
async fn join(setup: Setup, store: &Store, began: Timestamp, tally: Arc<Tally>) -> Result<Desk, DeskError> {
    let session = store.join(&crate::config::machine(), &setup.agreement, began).await?;
    Desk::after(setup, session, Clock::System, tally).await
}

/// The same, however long a shared database is away.
async fn join_patiently(
    setup: &Setup,
    store: &Store,
    began: Timestamp,
    supervisor: &Supervisor,
    observed: &Observed,
) -> Result<Desk, DeskError> {
    let mut told = false;
    loop {
        match join(setup.clone(), store, began, observed.tally()).await {
            Err(DeskError::Store(e)) if store.is_shared() && e.may_pass() => {
                if !told {
                    tracing::error!(event = "store_waits", error = %e, "waiting for the store");
                    supervisor.status("Waiting for the store; nothing is sent meanwhile");
                }
                told = true;
                observed.loses("store_away");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            joined => return joined,
        }
    }
}

/// Why the pumps were stopped.
enum End {
    /// The program is to end.
    Asked,
    /// Another configuration takes the place of the old.
    Reload(Box<Read>),
}

/// Pumps whenever a bell rings, until told to stop; then finishes what is in hand.
pub async fn serve(desk: &Desk, bells: &Bells, stop: impl Future<Output = ()>) -> Result<(), DeskError> {
    tend(desk, bells, stop, None).await.map(drop)
}

/// The same; and where there is a file to read, a signal to do so and somebody to tell, until there is another configuration.
async fn tend(
    desk: &Desk,
    bells: &Bells,
    stop: impl Future<Output = ()>,
    reload: Option<(&Path, &Asked, &Supervisor)>,
) -> Result<End, DeskError> {
    if !desk.store.is_shared() {
        presence::settle_all(desk).await?;
    }
    let mut life = Life::begin(desk);
    let mut pumps = Pumps::start(desk, bells, &life);
    let listener = tokio::spawn(pumps::listen(desk.clone(), bells.clone()));
    tracing::info!(event = "started", version = env!("CARGO_PKG_VERSION"), store = desk.store.place(), "relance runs");
    let mut stop = std::pin::pin!(stop);
    let end = tokio::select! {
        () = &mut stop => Ok(End::Asked),
        why = life.end() => Err(why),
        why = pumps.end() => Err(why),
        read = another(desk, reload) => Ok(End::Reload(Box::new(read))),
    };
    listener.abort();
    pumps.stop(desk, bells);
    let end = match end {
        Ok(End::Reload(read)) => tokio::select! {
            () = pumps.finish() => Ok(End::Reload(read)),
            () = &mut stop => Ok(End::Asked),
        },
        end => end,
    };
    if !matches!(end, Ok(End::Reload(_))) {
        match &end {
            Err(e) => tracing::error!(event = "ending", error = %e, "finishing what is in hand"),
            Ok(_) => tracing::info!(event = "ending", "asked to end: finishing what is in hand"),
        }
        if let Some((_, _, supervisor)) = reload {
            supervisor.stopping("Finishing what is in hand");
        }
        desk.ending.store(true, Ordering::SeqCst);
        pumps.hurry().await;
    }
    drop(life);
    if end.is_ok() && !matches!(tokio::time::timeout(LEAVE, presence::leave(desk)).await, Ok(Ok(()))) {
        tracing::warn!(
            event = "session_left",
            "the session could not be ended; others do that after the lease, or the next start"
        );
    }
    end
}

/// Waits for a configuration that passes; those that do not are told of, and change nothing.
async fn another(desk: &Desk, reload: Option<(&Path, &Asked, &Supervisor)>) -> Read {
    let Some((config, asked, supervisor)) = reload else { return std::future::pending().await };
    loop {
        asked.to_reload().await;
        tracing::info!(event = "reload_asked", file = %config.display(), "asked to read the configuration again");
        supervisor.reloading("Reading the configuration again");
        let watch = Stopwatch::start();
        match reload::read(PathBuf::from(config), desk.clone()).await {
            Ok(read) => {
                if read.store_differs {
                    tracing::warn!(
                        event = "store_change_waits",
                        "[store] has changed too: that takes effect at the next start, until then the old one is used"
                    );
                }
                if read.listen_differs {
                    tracing::warn!(
                        event = "listener_change_waits",
                        "[observe], [listen] or [answers] has changed too: that takes effect at the next start, until then it listens as before"
                    );
                }
                tracing::info!(
                    event = "reload_done",
                    ms = watch.elapsed().as_millis() as u64,
                    "the new configuration is good; it holds once what is in hand is finished"
                );
                supervisor.wait(LONGEST * 2);
                supervisor.status("Finishing what is in hand; then the new configuration holds");
                return read;
            }
            Err(error) => {
                if let Err(e) = reload::refuse(desk, &error).await {
                    tracing::warn!(event = "refusal_untold", error = %e, "status cannot tell of it");
                }
                supervisor.ready(&line::of(desk).await);
            }
        }
    }
}

/// The pumps of a desk.
struct Pumps {
    tasks: JoinSet<()>,
    handles: Vec<(Pump, AbortHandle)>,
    looked: Arc<watch::Sender<bool>>,
}

impl Pumps {
    fn start(desk: &Desk, bells: &Bells, life: &Life) -> Pumps {
        let mut tasks = JoinSet::new();
        let looked = Arc::new(watch::Sender::new(false));
        let mut start = |pump| tasks.spawn(pumps::work(desk.clone(), bells.clone(), pump, looked.clone(), life.over.clone()));
        let handles = PUMPS.map(|pump| (pump, start(pump))).to_vec();
        Pumps { tasks, handles, looked }
    }

    /// No pump ends of itself but one whose session is over, which says so beside. A daemon that only seems to run would be
    /// worse than one that its supervisor restarts.
    async fn end(&mut self) -> DeskError {
        match self.tasks.join_next().await {
            Some(Err(e)) => DeskError::Ended(e.to_string()),
            Some(Ok(())) => DeskError::Store(StoreError::Fenced),
            None => DeskError::Ended(String::new()),
        }
    }

    /// Asks all of them to finish.
    fn stop(&mut self, desk: &Desk, bells: &Bells) {
        desk.stopping.store(true, Ordering::SeqCst);
        bells.ring_all();
        self.looked.send_replace(true);
    }

    async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Waits for what they have in hand, while the program is to go on: reading and planning can be given up, what is on
    /// the wire cannot.
    async fn finish(&mut self) {
        if tokio::time::timeout(GRACE, self.ended()).await.is_ok() {
            return;
        }
        for (_, handle) in self.handles.iter().filter(|(pump, _)| !matches!(pump, Pump::Mail | Pump::Text)) {
            handle.abort();
        }
        tracing::info!(event = "reload_waits", "the new configuration waits for what is still on the wire");
        if tokio::time::timeout(LONGEST, self.ended()).await.is_err() {
            self.give_up().await;
        }
    }

    /// The same, while the program is to end.
    async fn hurry(&mut self) {
        if tokio::time::timeout(GRACE, self.ended()).await.is_err() {
            self.give_up().await;
        }
    }

    async fn give_up(&mut self) {
        tracing::warn!(event = "given_up", "something was still in hand; it is settled at the next start, or by another daemon");
        self.tasks.shutdown().await;
    }
}

fn scheduler_failed(error: &JobSchedulerError) -> DeskError {
    let at = crate::config::problem::At::start("relance");
    DeskError::Config(ConfigError(vec![Problem { at, text: format!("the scheduler cannot start: {error}") }]))
}
