//! What came of messages, committed in groups while others are on the wire. What is known to have left is recorded
//! whatever happens: given up, it would be in doubt.

use super::brake::{broken, still_waiting};
use super::deliver::{Delivered, GROUP};
use super::desk::{Desk, DeskError};
use super::outcome::{interrupted, retry_later, settlement, too_long};
use super::prepare::Ready;
use super::pulse::Pump;
use super::workers::{Done, Pace};
use crate::clock::Stopwatch;
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::hex::hex;
use crate::domain::mail::without_address;
use crate::domain::step::Channel;
use crate::store::StoreError;
use crate::store::settle::Settlement;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;

/// A group of outcomes smaller than this waits a moment for more.
const LINGER_BELOW: usize = *GROUP.end();

/// How long it waits.
const LINGER: Duration = Duration::from_millis(25);

/// What cannot be recorded is tried again after this.
const INSIST: Duration = Duration::from_millis(500);

/// When the program is asked to end, it goes on trying for so long: nearly all the time that it has.
const INSIST_LAST: Duration = Duration::from_secs(7);

/// What a round did.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) delivered: Delivered,
    /// Messages that lost their mark: too late after their re-read.
    pub(super) lost: u64,
    /// The other side said yes or no to a message: the channel works.
    pub(super) answered: bool,
    /// It is known now how large a message it takes, and some are to be made anew by that.
    pub(super) smaller: bool,
}

/// Commits results in groups: whatever has come in while the last group was being written.
pub(super) async fn record(
    desk: Desk,
    channel: Channel,
    pace: Arc<Pace>,
    mut results: mpsc::Receiver<Done>,
) -> Result<Round, DeskError> {
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
                        let said = without_address(&answer.text, &ready.composed.address);
                        insist(&desk, &pace, || still_waiting(&desk, channel, "throttled", &said, now)).await?;
                    }
                    round.answered |= answer.outcome != Outcome::Unknown && !patience;
                    let settlement = settlement(&desk, *ready, answer, now);
                    count(total, &settlement);
                    settlements.push(settlement);
                }
                Done::Interrupted { ready, fault, many } => {
                    let told = fault.without_address(&ready.composed.address);
                    if many && total.broken == 0 {
                        total.broken += 1;
                        insist(&desk, &pace, || broken(&desk, channel, &told, round.answered, now)).await?;
                    }
                    let its_own = !many && insist(&desk, &pace, || others_left(&desk, &ready)).await?;
                    if !its_own && too_long(&desk, &ready, now) {
                        insist(&desk, &pace, || still_waiting(&desk, channel, "interrupted", &told.text, now)).await?;
                    }
                    let settlement = interrupted(&desk, *ready, &fault, its_own, now);
                    count(total, &settlement);
                    settlements.push(settlement);
                }
                Done::Broken(ready, fault) if total.broken == 0 => {
                    total.broken += 1;
                    let told = fault.without_address(&ready.composed.address);
                    let rested = insist(&desk, &pace, || broken(&desk, channel, &told, round.answered, now)).await?;
                    settlements.push(retry_later(*ready, &fault, rested, now));
                }
                Done::Broken(ready, _) => back.push(ready.mark()),
            }
        }
        insist(&desk, &pace, || desk.store.unmark(&back, now)).await?;
        if !settlements.is_empty() {
            let head = insist(&desk, &pace, || desk.store.settle(&settlements, now)).await?;
            desk.tally.attempts(settlements.iter().map(|s| &s.attempt));
            journal(channel, &settlements, &head);
        }
        pace.under_way.fetch_sub(taken, Ordering::SeqCst);
        desk.pulses.moved(Pump::of(channel));
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
                    tracing::error!(event = "outcomes_unrecorded", error = %e, "what has left cannot be recorded yet; nothing else leaves before");
                }
                desk.pulses.insists(pace.pump, true);
                tokio::time::sleep(INSIST).await;
            }
            other => {
                desk.pulses.insists(pace.pump, false);
                return other;
            }
        }
    }
}

/// Whether the program was asked to end so long ago that its time is nearly over.
fn too_late(desk: &Desk, asked: &mut Option<Stopwatch>) -> bool {
    desk.ending.load(Ordering::SeqCst) && asked.get_or_insert_with(Stopwatch::start).elapsed() > INSIST_LAST
}

/// One line for a group, whose figures tell by outcome what came of its messages. It is worth a look where one did not arrive
/// or may not have.
fn journal(channel: Channel, group: &[Settlement], head: &[u8]) {
    let mut sums = Delivered::default();
    group.iter().for_each(|s| count(&mut sums, s));
    let Delivered { accepted, deferred, refused, unknown, .. } = sums;
    let (settled, chain) = (group.len(), hex(head));
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(event = "messages_sent", %channel, settled, accepted, deferred, refused, unknown, chain, "attempts recorded")
        };
    }
    if refused + unknown > 0 { line!(warn) } else { line!(info) }
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
