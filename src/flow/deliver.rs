//! The third pump: claims messages, prepares and marks them, hands them to the workers, and commits what came
//! of them in groups. No transaction is open while anything is on the wire.

use super::brake::{brake_kind, unready, worked};
use super::desk::{Desk, DeskError};
use super::prepare::{Ready, prepare};
use super::presence::Successor;
use super::pulse::Pump;
use super::record::{Round, record};
use super::rest;
use super::workers::{self, Pace};
use crate::clock::Stopwatch;
use crate::domain::step::Channel;
use crate::store::StoreError;
use crate::store::outbox::Claimed;
use crate::store::polls::PollOutcome;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// The smallest and the largest group that is marked at once.
pub(super) const GROUP: std::ops::RangeInclusive<usize> = 8..=192;

/// A group should be on the wire within this: well inside the second that R13 allows.
const GROUP_TIME: f64 = 0.2;

/// A claim is safe to redo, so it takes several groups at once: a claim less is a commit less.
const GROUPS_A_CLAIM: usize = 4;

/// A group is no larger where its invoices may have to be asked for one by one.
const SLOW_GROUP: usize = 12;

/// Groups that are being prepared at the same time.
const FEEDERS: usize = 2;

/// While messages are on the wire and no other is ready, one that becomes ready is found within this.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What delivering did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Taken by the other side.
    pub accepted: u64,
    /// To be tried again.
    pub deferred: u64,
    /// Refused or expired.
    pub refused: u64,
    /// In doubt.
    pub unknown: u64,
    /// Did not leave after all.
    pub cancelled: u64,
    /// Broke the channel.
    pub broken: u64,
}

impl Delivered {
    /// Adds another count.
    pub fn add(&mut self, other: Delivered) {
        self.accepted += other.accepted;
        self.deferred += other.deferred;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.cancelled += other.cancelled;
        self.broken += other.broken;
    }

    /// Whether anything happened.
    pub fn any(&self) -> bool {
        *self != Delivered::default()
    }

    /// Whether anything failed that `run --once` should tell by its exit code.
    pub fn failed(&self) -> bool {
        self.deferred + self.refused + self.unknown + self.broken > 0
    }
}

/// Delivers on every channel all that may leave now.
pub async fn step(desk: &Desk) -> Result<Delivered, DeskError> {
    let (email, sms) = tokio::join!(on(desk, Channel::Email), on(desk, Channel::Sms));
    let mut total = email?;
    total.add(sms?);
    Ok(total)
}

/// Delivers on one channel all that may leave now. What an earlier step left half done (the store failed under it) is
/// settled first: nothing of the channel is under way between two steps.
pub async fn on(desk: &Desk, channel: Channel) -> Result<Delivered, DeskError> {
    if !desk.channels.contains(&channel) {
        return Ok(Delivered::default());
    }
    recover(desk, channel).await?;
    deliver(desk, channel).await
}

/// Delivers all messages of a channel that may leave now. What lost its mark because it had to wait too long
/// behind others goes into another round.
async fn deliver(desk: &Desk, channel: Channel) -> Result<Delivered, DeskError> {
    let now = desk.clock.now();
    let waits = desk.store.brakes().await?.iter().any(|b| b.kind == brake_kind(channel) && b.until.is_some_and(|t| t > now));
    let (mut total, mut answered) = (Delivered::default(), false);
    // A ledger that could not be read is asked again by the next poll, and not by each second's messages.
    let unread = desk.store.last_poll().await?.is_some_and(|poll| poll.outcome == PollOutcome::Failed);
    if waits || unread || rest::until(&desk.setup, &desk.store, now).await?.is_some() {
        return Ok(total);
    }
    while may_begin(desk) && desk.store.next_ready(channel).await?.is_some_and(|at| at <= desk.clock.now().as_millisecond()) {
        let round = match round(desk, channel).await {
            // Nothing goes over the wire for that, so no rest is needed: it leaves as soon as it can be read.
            Err(e @ (DeskError::Secret(_) | DeskError::Channel(_))) => {
                unready(desk, channel, &e.to_string()).await?;
                total.broken += 1;
                break;
            }
            round => round?,
        };
        total.add(round.delivered);
        answered |= round.answered;
        if !round.smaller && (round.lost == 0 || !round.delivered.any()) {
            break;
        }
    }
    if answered && total.broken == 0 {
        worked(desk, channel).await?;
    }
    Ok(total)
}

/// Whether anything new may be begun.
fn may_begin(desk: &Desk) -> bool {
    !desk.stopping.load(Ordering::SeqCst) && !desk.heart.rests() && desk.heart.is_sure() && !desk.is_blind()
}

/// What a part of a round came to; one that ended unexpectedly leaves its messages to the next recovery.
async fn ended<T>(part: tokio::task::JoinHandle<Result<T, DeskError>>) -> Result<T, DeskError> {
    part.await.unwrap_or_else(|e| Err(StoreError::Corrupt(format!("a part of delivery ended unexpectedly: {e}")).into()))
}

/// Feeds the workers of a channel until nothing more is ready, or sending has to stop.
async fn round(desk: &Desk, channel: Channel) -> Result<Round, DeskError> {
    let pace = Arc::new(Pace::new(desk, channel));
    let (to_workers, work) = mpsc::channel(*GROUP.end());
    let (done, results) = mpsc::channel(2 * GROUP.end());
    let mut workers = workers::start(desk, channel, &pace, work, &done)?;
    drop(done);
    let recorder = tokio::spawn(record(desk.clone(), channel, pace.clone(), results));
    let recorded = recorder.abort_handle();
    let feeder = || tokio::spawn(feed(desk.clone(), channel, recorded.clone(), pace.clone(), to_workers.clone()));
    // While one feeder waits for the disk the other decides and composes.
    let feeders: Vec<_> = (0..FEEDERS).map(|_| feeder()).collect();
    drop(to_workers);
    let mut fed: Result<u64, DeskError> = Ok(0);
    for feeder in feeders {
        let cancelled = ended(feeder).await;
        fed = fed.and_then(|sum| cancelled.map(|c| sum + c));
    }
    let recorded = ended(recorder).await;
    while let Some(end) = workers.join_next().await {
        if let Err(e) = end {
            tracing::error!(event = "worker_ended", error = %e, "a worker ended unexpectedly");
        }
    }
    let mut round = recorded?;
    round.delivered.cancelled += fed?;
    if pace.stop.load(Ordering::SeqCst) {
        (round.lost, round.smaller) = (0, false);
    }
    Ok(round)
}

/// Claims and prepares group after group; gives how many turned out not to leave.
async fn feed(
    desk: Desk,
    channel: Channel,
    recorder: AbortHandle,
    pace: Arc<Pace>,
    out: mpsc::Sender<Ready>,
) -> Result<u64, DeskError> {
    let mut cancelled = 0;
    let mut meter = Meter::start(workers::connections(&desk, channel));
    let mut claimed: VecDeque<Claimed> = VecDeque::new();
    loop {
        if pace.stop.load(Ordering::SeqCst) || !may_begin(&desk) {
            break;
        }
        if claimed.is_empty() {
            let bulk = meter.group * GROUPS_A_CLAIM;
            claimed.extend(desk.store.claim(channel, desk.clock.now(), bulk as i64, limit(&desk, channel)).await?);
        }
        let most = if desk.reads_slowly() { SLOW_GROUP } else { meter.group };
        let group: Vec<Claimed> = claimed.drain(..meter.group.min(most).min(claimed.len())).collect();
        if group.is_empty() {
            // What is set free while the last ones are on the wire need not wait for a slow server's word on them.
            if pace.under_way.load(Ordering::SeqCst) == 0 || out.is_closed() || recorder.is_finished() {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        }
        let prepared = prepare(&desk, group).await?;
        desk.pulses.moved(Pump::of(channel));
        cancelled += prepared.cancelled.len() as u64;
        prepared.rest.into_iter().rev().for_each(|c| claimed.push_front(c));
        if prepared.stopped {
            break;
        }
        let starved = out.capacity() == out.max_capacity();
        for ready in prepared.ready {
            let mark = ready.mark();
            pace.under_way.fetch_add(1, Ordering::SeqCst);
            if out.send(ready).await.is_err() {
                desk.store.unmark(&[mark], desk.clock.now()).await?;
            }
        }
        meter.learn(pace.begun.load(Ordering::SeqCst), starved);
        // The next group is prepared while this one is on the wire; more than that would only grow stale.
        drop(out.reserve_many(out.max_capacity() - meter.most_waiting().min(out.max_capacity())).await.ok());
    }
    desk.store.give_back(&claimed.iter().map(|c| c.pk).collect::<Vec<_>>()).await?;
    Ok(cancelled)
}

/// Learns how fast the workers begin, and sizes the groups by it.
struct Meter {
    connections: usize,
    group: usize,
    rate: f64,
    begun: usize,
    watch: Stopwatch,
}

impl Meter {
    fn start(connections: usize) -> Meter {
        Meter {
            connections,
            group: (2 * connections).clamp(*GROUP.start(), *GROUP.end()),
            rate: 0.0,
            begun: 0,
            watch: Stopwatch::start(),
        }
    }

    /// The next group is as large as the workers begin within [`GROUP_TIME`]; while they starve it doubles.
    fn learn(&mut self, begun: usize, starved: bool) {
        let seconds = self.watch.elapsed().as_secs_f64();
        if begun > self.begun && seconds > 0.01 {
            self.rate = (begun - self.begun) as f64 / seconds;
            (self.begun, self.watch) = (begun, Stopwatch::start());
        }
        let target = if starved { 2 * self.group } else { (self.rate * GROUP_TIME) as usize };
        self.group = target.clamp(self.connections.max(*GROUP.start()), *GROUP.end());
    }

    /// How many may wait for a worker when the next group is begun.
    fn most_waiting(&self) -> usize {
        ((self.rate * GROUP_TIME) as usize).max(self.connections / 2)
    }
}

/// The limit a minute of a channel.
fn limit(desk: &Desk, channel: Channel) -> Option<u32> {
    let settings = &desk.setup.settings;
    match channel {
        Channel::Email => settings.email.as_ref().and_then(|e| e.max_per_minute),
        Channel::Sms => settings.sms.as_ref().and_then(|s| s.max_per_minute),
    }
}

/// Frees claims and settles what was being sent on a channel: what an earlier step of this program left half done.
pub async fn recover(desk: &Desk, channel: Channel) -> Result<(), DeskError> {
    let now = desk.clock.now();
    let heir = Successor::of(desk, now);
    let found = desk.store.recover(channel, now, &heir).await?;
    heir.count(true);
    if found.leased + found.doubtful > 0 {
        tracing::warn!(
            event = "round_settled",
            leased = found.leased,
            doubtful = found.doubtful,
            "settled what an earlier round left in hand"
        );
    }
    Ok(())
}
