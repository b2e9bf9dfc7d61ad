//! Who is there: the daemons on one store give signs of life, watch each other, and settle what one of them left half
//! done when it was not heard of for longer than the lease. What only one may do at a time is done on duty.

use super::desk::{Desk, DeskError};
use super::outcome::after_crash;
use crate::clock::Stopwatch;
use crate::domain::step::Channel;
use crate::domain::time::local_date;
use crate::store::recovery::{Heir, Recovered};
use crate::store::sessions::{Duty, Session};
use crate::store::settle::After;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Whether this program can still be sure of what it has in hand.
#[derive(Debug)]
pub struct Heart {
    lease: Duration,
    /// When the last sign of life that arrived was given; `None` before the first, and for a store that is not shared.
    last: Mutex<Option<Stopwatch>>,
    rests: AtomicBool,
}

impl Heart {
    pub(super) fn new(lease: Duration) -> Heart {
        Heart { lease, last: Mutex::new(None), rests: AtomicBool::new(false) }
    }

    /// Between two signs of life.
    pub fn pause(&self) -> Duration {
        self.lease / 4
    }

    /// Gives a sign of life; false when others have taken this program for dead.
    pub async fn beat(&self, store: &Store) -> Result<bool, StoreError> {
        // Counted from before it left: it may have arrived at once.
        let given = Stopwatch::start();
        let alive = store.beat().await?;
        if alive {
            self.begin_from(given);
        }
        Ok(alive)
    }

    /// A session on a shared store begins: it is sure of itself for as long as the first sign of life lets it wait.
    pub fn begin(&self) {
        self.begin_from(Stopwatch::start());
    }

    fn begin_from(&self, given: Stopwatch) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(given);
    }

    /// Whether this program does nothing, because a daemon that began later has another configuration. Two that decide
    /// by different rules would undo each other's plans, and the firm means the newer ones.
    pub fn rests(&self) -> bool {
        self.rests.load(Ordering::SeqCst)
    }

    /// Whether nobody can have taken over yet what is in hand. Nothing leaves when not.
    pub fn is_sure(&self) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_none_or(|given| given.elapsed() < self.lease * 2 / 3)
    }
}

/// What has been seen of another session.
#[derive(Debug)]
struct Seen {
    name: String,
    beat: i64,
    /// Since when the beat has been the same.
    since: Timestamp,
    /// Whether it has changed before our eyes.
    lives: bool,
}

/// What has been seen of the other sessions.
#[derive(Debug, Default)]
pub struct Watch {
    seen: HashMap<i64, Seen>,
    last: Option<Timestamp>,
}

impl Watch {
    /// Looks at the other sessions, and ends those that have been silent for the lease. Only what was seen counts: after
    /// a gap in looking (the database was away, this program stood still) everybody has a whole lease again.
    pub async fn look(&mut self, desk: &Desk) -> Result<Recovered, StoreError> {
        let now = desk.clock.now();
        let lease = i64::try_from(desk.heart.lease.as_millis()).unwrap_or(i64::MAX);
        let since = |then: Timestamp| now.as_millisecond() - then.as_millisecond();
        if self.last.is_none_or(|last| !(0..=lease / 2).contains(&since(last))) {
            self.seen.clear();
        }
        self.last = Some(now);
        let mut settled = Recovered::default();
        let sessions = desk.store.sessions().await?;
        agree(desk, &sessions);
        self.seen.retain(|pk, _| sessions.iter().any(|s| s.pk == *pk));
        for session in sessions.iter().filter(|s| Some(s.pk) != desk.store.session()) {
            let first = |lives| Seen { name: session.name.clone(), beat: session.beat, since: now, lives };
            let seen = self.seen.entry(session.pk).or_insert_with(|| first(false));
            if seen.beat != session.beat {
                *seen = first(true);
            }
            if since(seen.since) < lease {
                continue;
            }
            match end(desk, session.pk, Some(session.beat), &session.name).await {
                Ok(Some(left)) => {
                    self.seen.remove(&session.pk);
                    settled.leased += left.leased;
                    settled.doubtful += left.doubtful;
                }
                Ok(None) => {}
                Err(e) if e.may_pass() || matches!(e, StoreError::Fenced) => return Err(e),
                // One that cannot be settled keeps none of the others.
                Err(e) => {
                    tracing::error!(event = "session_unsettled", daemon = session.name, error = %e, "what a daemon left in hand cannot be settled")
                }
            }
        }
        Ok(settled)
    }

    /// The other sessions that were there at the last look and have not been seen to live.
    pub fn strangers(&self) -> Vec<&str> {
        self.seen.values().filter(|seen| !seen.lives).map(|seen| seen.name.as_str()).collect()
    }
}

/// The session that began last, which says what the firm means. One that was taken for dead and joined again began when
/// its program did: its number says nothing.
pub fn newest(sessions: &[Session]) -> Option<&Session> {
    sessions.iter().max_by_key(|s| (s.started_at, s.pk))
}

/// Rests as long as the newest has another agreement.
fn agree(desk: &Desk, sessions: &[Session]) {
    let other = newest(sessions).filter(|s| s.agreement != desk.setup.agreement);
    let rested = desk.heart.rests.swap(other.is_some(), Ordering::SeqCst);
    match other {
        Some(other) if !rested => tracing::warn!(
            event = "rests",
            newer = other.name,
            "a daemon that began later has another configuration; this one rests until it has the same"
        ),
        None if rested => tracing::info!(event = "agreed", "all daemons have one configuration again"),
        _ => {}
    }
}

/// Ends a session and settles what it had in hand.
async fn end(desk: &Desk, session: i64, beat: Option<i64>, name: &str) -> Result<Option<Recovered>, StoreError> {
    let now = desk.clock.now();
    let heir = Successor::of(desk, now);
    let left = desk.store.end_session(session, beat, now, &heir).await?;
    heir.count(left.is_some());
    if let Some(left) = left {
        let own = Some(session) == desk.store.session();
        if !own || left.leased + left.doubtful > 0 {
            tracing::warn!(
                event = "session_settled",
                daemon = name,
                leased = left.leased,
                doubtful = left.doubtful,
                "settled what a daemon left in hand"
            );
        }
    }
    Ok(left)
}

/// Ends this program's own session: nothing of it is under way any more.
pub async fn leave(desk: &Desk) -> Result<(), StoreError> {
    let Some(own) = desk.store.session() else { return Ok(()) };
    end(desk, own, None, "this one").await.map(drop)
}

/// Ends every session but this one. Only for who knows that no other program is at work on the store: the holder of its
/// lock.
pub async fn settle_all(desk: &Desk) -> Result<(), DeskError> {
    for session in desk.store.sessions().await? {
        if Some(session.pk) != desk.store.session() {
            end(desk, session.pk, None, &session.name).await?;
        }
    }
    Ok(())
}

/// Decides what becomes of messages whose sender is gone, by this firm's settings.
pub(super) struct Successor<'d> {
    desk: &'d Desk,
    now: Timestamp,
    /// The channels of messages that may have left, one each.
    doubtful: Mutex<Vec<Channel>>,
}

impl Successor<'_> {
    pub(super) fn of(desk: &Desk, now: Timestamp) -> Successor<'_> {
        Successor { desk, now, doubtful: Mutex::default() }
    }

    /// What was settled counts, if it was.
    pub(super) fn count(self, settled: bool) {
        let channels = self.doubtful.into_inner().unwrap_or_else(PoisonError::into_inner);
        channels.into_iter().filter(|_| settled).for_each(|channel| self.desk.tally.doubtful(channel));
    }
}

impl Heir for Successor<'_> {
    fn after(&self, channel: &str, doubts: u32) -> After {
        if let Some(channel) = Channel::parse(channel) {
            self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
        }
        after_crash(self.desk, channel, doubts, self.now)
    }

    fn language(&self, wanted: Option<&str>, letter: &str, channel: &str) -> Option<String> {
        self.desk.language(wanted, letter, channel)
    }

    fn today(&self) -> Date {
        local_date(self.now, &self.desk.setup.settings.creditor.timezone)
    }
}

/// Does what only one may do at a time; `None` when another is at it.
pub(super) async fn on_duty<T>(
    desk: &Desk,
    duty: Duty,
    work: impl Future<Output = Result<T, DeskError>>,
) -> Result<Option<T>, DeskError> {
    if !desk.store.take_duty(duty).await? {
        return Ok(None);
    }
    let done = work.await;
    match desk.store.leave_duty(duty).await {
        Err(e) if done.is_ok() => Err(e.into()),
        _ => done.map(Some),
    }
}
