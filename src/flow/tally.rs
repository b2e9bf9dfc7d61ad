//! What the pumps of this program have done since it began: counted as it is recorded, so that whoever asks reads nothing but
//! numbers. It outlives a desk; another configuration does not set it back.

use super::answers::Called;
use super::pulse::{PUMPS, Pump};
use crate::channel::sms::verify::Refusal;
use crate::domain::attempt::Outcome;
use crate::domain::inbound::{Came, Via};
use crate::domain::step::Channel;
use crate::store::attempts::NewAttempt;
use crate::store::polls::PollOutcome;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What an attempt is counted by: channel (none of those that had no address), outcome, and class of what went wrong.
pub type Kind = (Option<Channel>, Outcome, Option<&'static str>);

/// What one pump has done.
#[derive(Debug, Default)]
pub struct PumpTally {
    steps: AtomicU64,
    failures: AtomicU64,
    micros: AtomicU64,
}

impl PumpTally {
    /// Steps that came to their end, well or not.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Those that failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// The time that all of them took.
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

/// What was done since the program began.
#[derive(Debug, Default)]
pub struct Tally {
    attempts: Mutex<BTreeMap<Kind, u64>>,
    polls: [AtomicU64; 3],
    planned: AtomicU64,
    pumps: [PumpTally; PUMPS.len()],
    returns: Mutex<BTreeMap<(Via, &'static str), u64>>,
    refused: Mutex<BTreeMap<Refusal, u64>>,
    called: Mutex<BTreeMap<Called, u64>>,
    banked: Mutex<BTreeMap<&'static str, u64>>,
}

/// How polls end, in the order in which they are counted.
const POLLS: [PollOutcome; 3] = [PollOutcome::Good, PollOutcome::Shrunk, PollOutcome::Failed];

impl Tally {
    /// Attempts were recorded.
    pub(super) fn attempts<'a>(&self, list: impl IntoIterator<Item = &'a NewAttempt>) {
        let mut counts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        for a in list {
            let channel = a.channel.as_deref().and_then(Channel::parse);
            *counts.entry((channel, a.outcome, a.class)).or_default() += 1;
        }
    }

    /// A message whose sender is gone was recorded as unknown.
    pub(super) fn doubtful(&self, channel: Channel) {
        let mut counts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((Some(channel), Outcome::Unknown, None)).or_default() += 1;
    }

    /// Something came back.
    pub(super) fn came(&self, via: Via, came: &Came) {
        *self.returns.lock().unwrap_or_else(PoisonError::into_inner).entry((via, came.as_str())).or_default() += 1;
    }

    /// Somebody spoke to the listener and was not believed.
    pub fn refused(&self, why: Refusal) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(why).or_default() += 1;
    }

    /// Somebody asked for the answer page.
    pub fn called(&self, what: Called) {
        *self.called.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// What requests to the answer page came to so far.
    pub fn calls_so_far(&self) -> BTreeMap<Called, u64> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An entry of a statement was put on record, in this state.
    pub(super) fn banked(&self, state: &'static str) {
        *self.banked.lock().unwrap_or_else(PoisonError::into_inner).entry(state).or_default() += 1;
    }

    /// Entries of statements so far, by the state in which they were put on record.
    pub fn banked_so_far(&self) -> BTreeMap<&'static str, u64> {
        self.banked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What came back so far, by way and kind.
    pub fn returns_so_far(&self) -> BTreeMap<(Via, &'static str), u64> {
        self.returns.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often somebody was not believed so far, by why.
    pub fn refusals_so_far(&self) -> BTreeMap<Refusal, u64> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A poll was recorded.
    pub(super) fn polled(&self, outcome: PollOutcome) {
        if let Some(count) = POLLS.iter().position(|o| *o == outcome).and_then(|at| self.polls.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Messages were planned.
    pub(super) fn planned(&self, messages: u64) {
        self.planned.fetch_add(messages, Ordering::Relaxed);
    }

    /// A step of a pump came to its end.
    pub fn stepped(&self, pump: Pump, took: Duration, well: bool) {
        let tally = self.pump(pump);
        tally.steps.fetch_add(1, Ordering::Relaxed);
        tally.failures.fetch_add(u64::from(!well), Ordering::Relaxed);
        tally.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Attempts so far, by kind.
    pub fn attempts_so_far(&self) -> BTreeMap<Kind, u64> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Polls so far, by outcome.
    pub fn polls_so_far(&self) -> impl Iterator<Item = (PollOutcome, u64)> {
        POLLS.into_iter().zip(self.polls.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// Messages planned so far.
    pub fn planned_so_far(&self) -> u64 {
        self.planned.load(Ordering::Relaxed)
    }

    /// What a pump has done.
    pub fn pump(&self, pump: Pump) -> &PumpTally {
        &self.pumps[pump as usize]
    }
}
