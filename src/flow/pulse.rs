//! Whether the pumps move: each leaves a mark whenever something is done, so that a watchdog can tell one that hangs from one
//! that has much to do. Who waits for a ledger, a mail server or a gateway hangs by no fault of its own: those waits have
//! ends of their own, and do not count.

use crate::clock::Stopwatch;
use crate::domain::step::Channel;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A pump of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pump {
    /// Reads the ledger.
    Collect,
    /// Decides, and fills the outbox.
    Plan,
    /// Sends e-mail: one pump a channel, so that where one waits for a slow server the other goes on.
    Mail,
    /// Sends SMS.
    Text,
    /// Writes to the creditor about what stops.
    Review,
    /// Erases; by itself, so that nothing else waits for it.
    Retain,
    /// Sends the morning report; by itself as well, because it reads every customer.
    Report,
    /// Reads the mailbox, and waits for news there.
    Inbox,
    /// Reads the bank's statements.
    Bank,
}

/// All of them.
pub const PUMPS: [Pump; 9] =
    [Pump::Collect, Pump::Plan, Pump::Mail, Pump::Text, Pump::Review, Pump::Retain, Pump::Report, Pump::Inbox, Pump::Bank];

impl Pump {
    /// The word in the journal and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Pump::Collect => "collect",
            Pump::Plan => "plan",
            Pump::Mail => "email",
            Pump::Text => "sms",
            Pump::Review => "review",
            Pump::Retain => "retain",
            Pump::Report => "report",
            Pump::Inbox => "inbox",
            Pump::Bank => "bank",
        }
    }

    /// The pump of a channel.
    pub fn of(channel: Channel) -> Pump {
        match channel {
            Channel::Email => Pump::Mail,
            Channel::Sms => Pump::Text,
        }
    }
}

/// When each pump moved last.
#[derive(Debug)]
pub struct Pulses {
    watch: Stopwatch,
    pulses: [Pulse; PUMPS.len()],
}

#[derive(Debug, Default)]
struct Pulse {
    /// When it moved last, in milliseconds since the watch was started.
    moved: AtomicU64,
    /// How many of its parts wait for somebody else.
    outside: AtomicUsize,
    /// Whether it holds outcomes that could not be recorded yet.
    insists: AtomicBool,
    /// Whether its last step failed.
    fails: AtomicBool,
}

/// A wait for somebody else; its end is a movement, however it comes.
struct Outside<'p> {
    pulses: &'p Pulses,
    pump: Pump,
}

impl Drop for Outside<'_> {
    fn drop(&mut self) {
        self.pulses.moved(self.pump);
        self.pulses.of(self.pump).outside.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Default for Pulses {
    fn default() -> Pulses {
        Pulses { watch: Stopwatch::start(), pulses: Default::default() }
    }
}

impl Pulses {
    fn of(&self, pump: Pump) -> &Pulse {
        &self.pulses[pump as usize]
    }

    fn now(&self) -> u64 {
        u64::try_from(self.watch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A pump has done something, or found nothing to do.
    pub fn moved(&self, pump: Pump) {
        self.of(pump).moved.fetch_max(self.now(), Ordering::SeqCst);
    }

    /// A pump waits for somebody else, whose time is limited elsewhere.
    pub async fn outside<T>(&self, pump: Pump, wait: impl Future<Output = T>) -> T {
        self.of(pump).outside.fetch_add(1, Ordering::SeqCst);
        let _outside = Outside { pulses: self, pump };
        wait.await
    }

    /// A pump has come to its end, and is expected to move no more.
    pub fn ended(&self, pump: Pump) {
        self.of(pump).outside.fetch_add(1, Ordering::SeqCst);
    }

    /// A pump tries to record what has left, or has recorded it.
    pub fn insists(&self, pump: Pump, insists: bool) {
        self.of(pump).insists.store(insists, Ordering::SeqCst);
        self.moved(pump);
    }

    /// A step of a pump came to its end, well or not.
    pub fn stepped(&self, pump: Pump, well: bool) {
        self.of(pump).fails.store(!well, Ordering::SeqCst);
        self.moved(pump);
    }

    /// Whether the last step of any pump failed: a full disk, a store kept locked.
    pub fn is_failing(&self) -> bool {
        self.pulses.iter().any(|p| p.fails.load(Ordering::SeqCst))
    }

    /// Whether something has left that could not be recorded yet.
    pub fn is_unrecorded(&self) -> bool {
        self.pulses.iter().any(|p| p.insists.load(Ordering::SeqCst))
    }

    /// How long a pump has stood still; nothing while it waits for somebody else.
    pub fn stood(&self, pump: Pump) -> Duration {
        let pulse = self.of(pump);
        // In this order: whoever comes back moves before it is no longer outside.
        if pulse.outside.load(Ordering::SeqCst) > 0 {
            return Duration::ZERO;
        }
        Duration::from_millis(self.now().saturating_sub(pulse.moved.load(Ordering::SeqCst)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(pulses: &Pulses, pump: Pump) -> u64 {
        pulses.of(pump).moved.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn who_waits_for_others_does_not_stand_still() {
        let pulses = Pulses::default();
        let waiting = pulses.outside(Pump::Mail, std::future::pending::<()>());
        let polled = tokio::time::timeout(Duration::from_millis(5), waiting);
        let seen = async { pulses.stood(Pump::Mail) };
        let (ended, stood) = tokio::join!(polled, seen);
        assert!(ended.is_err() && stood == Duration::ZERO);
        assert!(at(&pulses, Pump::Mail) >= 5, "the end of the wait is a movement");
        assert_eq!(pulses.of(Pump::Mail).outside.load(Ordering::SeqCst), 0, "given up as well");
        assert_eq!(at(&pulses, Pump::Plan), 0, "of nobody else");
    }

    #[test]
    fn who_has_ended_is_not_waited_for() {
        let pulses = Pulses::default();
        pulses.ended(Pump::Plan);
        assert_eq!(pulses.stood(Pump::Plan), Duration::ZERO);
        assert!(!pulses.is_unrecorded());
        pulses.insists(Pump::Text, true);
        assert!(pulses.is_unrecorded());
        pulses.insists(Pump::Text, false);
        assert!(!pulses.is_unrecorded());
        pulses.stepped(Pump::Text, false);
        pulses.stepped(Pump::Mail, true);
        assert!(pulses.is_failing());
        pulses.stepped(Pump::Text, true);
        assert!(!pulses.is_failing());
    }
}
