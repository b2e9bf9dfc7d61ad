//! Keeping to what a system bears: so many requests a minute.

use crate::clock::Stopwatch;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// So many requests may follow at once before the pace counts.
const BURST: u64 = 8;

/// Lets requests through at a pace.
#[derive(Debug)]
pub(super) struct Gate {
    watch: Stopwatch,
    /// Between two requests, in microseconds; 0 is no limit.
    interval: u64,
    /// When the next one may go, in microseconds since the watch was started.
    next: AtomicU64,
}

impl Gate {
    pub(super) fn new(a_minute: Option<u32>) -> Gate {
        let interval = a_minute.map_or(0, |n| 60_000_000 / u64::from(n.max(1)));
        Gate { watch: Stopwatch::start(), interval, next: AtomicU64::new(0) }
    }

    /// How long the next request has to wait; it counts as gone.
    fn turn(&self, now: u64, burst: u64) -> Duration {
        if self.interval == 0 {
            return Duration::ZERO;
        }
        // Whoever was quiet for a while may begin with several.
        let earliest = now.saturating_sub(burst * self.interval);
        let after = |next: u64| Some(next.max(earliest) + self.interval);
        let mine = self.next.fetch_update(Ordering::SeqCst, Ordering::SeqCst, after).unwrap_or_default().max(earliest);
        Duration::from_micros(mine.saturating_sub(now))
    }

    /// Waits for the turn. Whoever cannot wait may take what a whole minute has room for at once: that is what a system counts.
    pub(super) async fn pass(&self, now: bool) {
        let burst = if now { 60_000_000u64.checked_div(self.interval).unwrap_or(BURST) } else { BURST };
        let wait = self.turn(u64::try_from(self.watch.elapsed().as_micros()).unwrap_or(u64::MAX), burst);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_pace() {
        let gate = Gate::new(Some(60));
        let second = 1_000_000;
        let start = 100 * second;
        let waits: Vec<u64> = (0..11).map(|_| gate.turn(start, BURST).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(gate.turn(start + 3 * second, BURST).as_secs(), 0);
        // The pace of two hours has been saved up; at once no more than a minute's.
        let hurried = Gate::new(Some(60));
        let waits: Vec<u64> = (0..62).map(|_| hurried.turn(7200 * second, 60).as_secs()).collect();
        assert_eq!((waits[..61].iter().sum::<u64>(), waits[61]), (0, 1));
        assert!(Gate::new(None).turn(5, BURST).is_zero());
    }
}
