//! The third pump: claims messages, prepares and marks them, hands them to the workers, and commits what came
//! of them in groups. No transaction is open while anything is on the wire.

use super::brake::{brake_kind, broken, still_waiting, unready, worked};
use super::desk::{Desk, DeskError};
use super::outcome::{interrupted, retry_later, settlement, too_long};
use super::prepare::{Ready, prepare};
use super::presence::Successor;
use super::workers::{self, Done, Pace};
use crate::clock::Stopwatch;
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::hex::hex;
use crate::domain::step::Channel;
use crate::store::StoreError;
use crate::store::outbox::Claimed;
use crate::store::settle::Settlement;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// The smallest and the largest group that is marked at once.
const GROUP: std::ops::RangeInclusive<usize> = 8..=192;

/// A group should be on the wire within this: well inside the second that R13 allows.
const GROUP_TIME: f64 = 0.2;

/// A claim is safe to redo, so it takes several groups at once: a claim less is a commit less.
const GROUPS_A_CLAIM: usize = 4;

/// Groups that are being prepared at the same time.
const FEEDERS: usize = 2;

/// A group of outcomes smaller than this waits a moment for more.
const LINGER_BELOW: usize = *GROUP.end();

/// How long it waits.
const LINGER: Duration = Duration::from_millis(25);

/// What cannot be recorded is tried again after this.
const INSIST: Duration = Duration::from_millis(500);

/// When the program is asked to end, it goes on trying for so long: nearly all the time that it has.
const INSIST_LAST: Duration = Duration::from_secs(7);

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
    if waits {
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

/// What a round did.
#[derive(Debug, Default)]
struct Round {
    delivered: Delivered,
    /// Messages that lost their mark: too late after their re-read.
    lost: u64,
    /// The other side said yes or no to a message: the channel works.
    answered: bool,
    /// It is known now how large a message it takes, and some are to be made anew by that.
    smaller: bool,
}

/// Feeds the workers of a channel until nothing more is ready, or sending has to stop.
async fn round(desk: &Desk, channel: Channel) -> Result<Round, DeskError> {
    let connections = workers::connections(desk, channel);
    let pace = Arc::new(Pace::new(connections, desk.heart.clone(), desk.clock.clone()));
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
            tracing::error!(error = %e, "a worker ended unexpectedly");
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
        let group: Vec<Claimed> = claimed.drain(..meter.group.min(claimed.len())).collect();
        if group.is_empty() {
            // What is set free while the last ones are on the wire need not wait for a slow server's word on them.
            if pace.under_way.load(Ordering::SeqCst) == 0 || out.is_closed() || recorder.is_finished() {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        }
        let prepared = prepare(&desk, group).await?;
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

/// Commits results in groups: whatever has come in while the last group was being written.
async fn record(desk: Desk, channel: Channel, pace: Arc<Pace>, mut results: mpsc::Receiver<Done>) -> Result<Round, DeskError> {
    let mut round = Round::default();
    let mut group = Vec::with_capacity(*GROUP.end());
    loop {
        if results.recv_many(&mut group, *GROUP.end()).await == 0 {
            return Ok(round);
        }
        // A moment's patience saves a commit for many; whoever waits for the last one hardly notices.
        if group.len() < LINGER_BELOW && !results.is_closed() {
            tokio::time::sleep(LINGER).await;
            while group.len() < *GROUP.end()
                && let Ok(done) = results.try_recv()
            {
                group.push(done);
            }
        }
        let taken = group.len();
        let now = desk.clock.now();
        let mut settlements = Vec::with_capacity(taken);
        let mut back = Vec::new();
        let total = &mut round.delivered;
        for done in group.drain(..) {
            match done {
                Done::NotBegun(message) => {
                    round.lost += 1;
                    back.push(message);
                }
                Done::TooLarge(message, most) => {
                    round.smaller |= desk.copies.learn(most, now);
                    back.push(message);
                }
                Done::Sent(ready, answer) => {
                    let patience = answer.class == Some(FaultClass::Throttled);
                    if patience && too_long(&desk, &ready, now) {
                        insist(&desk, &pace, || still_waiting(&desk, channel, "throttled", &answer.text, now)).await?;
                    }
                    round.answered |= answer.outcome != Outcome::Unknown && !patience;
                    let settlement = settlement(&desk, *ready, answer, now);
                    count(total, &settlement);
                    settlements.push(settlement);
                }
                Done::Interrupted { ready, fault, many } => {
                    if many && total.broken == 0 {
                        total.broken += 1;
                        insist(&desk, &pace, || broken(&desk, channel, &fault, round.answered, now)).await?;
                    }
                    let its_own = !many && insist(&desk, &pace, || others_left(&desk, &ready)).await?;
                    if !its_own && too_long(&desk, &ready, now) {
                        insist(&desk, &pace, || still_waiting(&desk, channel, "interrupted", &fault.text, now)).await?;
                    }
                    let settlement = interrupted(&desk, *ready, &fault, its_own, now);
                    count(total, &settlement);
                    settlements.push(settlement);
                }
                Done::Broken(ready, fault) if total.broken == 0 => {
                    total.broken += 1;
                    let rested = insist(&desk, &pace, || broken(&desk, channel, &fault, round.answered, now)).await?;
                    settlements.push(retry_later(*ready, &fault, rested, now));
                }
                Done::Broken(ready, _) => back.push(ready.mark()),
            }
        }
        insist(&desk, &pace, || desk.store.unmark(&back, now)).await?;
        if !settlements.is_empty() {
            let head = insist(&desk, &pace, || desk.store.settle(&settlements, now)).await?;
            tracing::info!(channel = %channel, settled = settlements.len(), chain = %hex(&head), "attempts recorded");
        }
        pace.under_way.fetch_sub(taken, Ordering::SeqCst);
    }
}

/// Records what is known to have happened, however long another program keeps the store locked or the database is away:
/// given up, it would be in doubt, and sent again. Meanwhile nothing new is begun.
async fn insist<T, F>(desk: &Desk, pace: &Pace, record: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut asked: Option<Stopwatch> = None;
    loop {
        match record().await {
            Err(e) if e.may_pass() && !too_late(desk, &mut asked) => {
                if !pace.stop.swap(true, Ordering::SeqCst) {
                    tracing::error!(error = %e, "what has left cannot be recorded yet; nothing else leaves before");
                }
                tokio::time::sleep(INSIST).await;
            }
            other => return other,
        }
    }
}

/// Whether the program was asked to end so long ago that its time is nearly over.
fn too_late(desk: &Desk, asked: &mut Option<Stopwatch>) -> bool {
    desk.stopping.load(Ordering::SeqCst) && asked.get_or_insert_with(Stopwatch::start).elapsed() > INSIST_LAST
}

fn count(total: &mut Delivered, settlement: &Settlement) {
    match settlement.attempt.outcome {
        Outcome::Accepted => total.accepted += 1,
        Outcome::Deferred => total.deferred += 1,
        Outcome::Refused | Outcome::NoAddress => total.refused += 1,
        Outcome::Unknown => total.unknown += 1,
        Outcome::Cancelled => total.cancelled += 1,
    }
}

/// Whether others have been accepted on the channel since a message was tried first.
async fn others_left(desk: &Desk, ready: &Ready) -> Result<bool, StoreError> {
    let Some(first) = ready.claimed.first_try_at else { return Ok(false) };
    desk.store.accepted_since(ready.claimed.channel.as_str(), first).await
}

/// Frees claims and settles what was being sent on a channel: what an earlier step of this program left half done.
pub async fn recover(desk: &Desk, channel: Channel) -> Result<(), DeskError> {
    let now = desk.clock.now();
    let found = desk.store.recover(channel, now, &Successor::of(desk, now)).await?;
    if found.leased + found.doubtful > 0 {
        tracing::warn!(leased = found.leased, doubtful = found.doubtful, "settled what an earlier round left in hand");
    }
    Ok(())
}
