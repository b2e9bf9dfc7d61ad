//! Whether the daemon is well: the scheduler ticks, the store answers, no pump hangs. Only then systemd is told that it lives;
//! else it is ended in good order and started again. A slow ledger, mail server or gateway is nothing of that.

use super::Bells;
use super::notify::Supervisor;
use crate::clock::Stopwatch;
use crate::flow::Desk;
use crate::flow::pulse::{PUMPS, Pump};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a sign of life is given, unless it is wanted more often.
const PAUSE: Duration = Duration::from_secs(5);

/// While something has left that could not be recorded, a store that is away is waited for so many times as long: a daemon
/// that is ended then has to send it again.
const WORTH_WAITING: u32 = 12;

/// What is known of the daemon at a moment.
#[derive(Clone, Debug)]
struct Signs {
    /// Since the scheduler ticked.
    ticked: Duration,
    /// Since the store answered.
    answered: Duration,
    /// Whether outcomes wait for the store.
    unrecorded: bool,
    /// The pump that has stood still longest, and how long.
    stood: (Pump, Duration),
}

/// What is wrong, if anything has been for longer than `patience`.
fn ailment(signs: &Signs, patience: Duration) -> Option<String> {
    let for_store = if signs.unrecorded { patience * WORTH_WAITING } else { patience };
    let (pump, stood) = signs.stood;
    if signs.ticked > patience {
        Some(format!("the scheduler has not ticked for {} s", signs.ticked.as_secs()))
    } else if signs.answered > for_store {
        Some(format!("the store has not answered for {} s", signs.answered.as_secs()))
    } else if stood > patience && signs.answered <= patience {
        Some(format!("the pump {pump:?} has hung for {} s", stood.as_secs()))
    } else {
        None
    }
}

/// Feeds the watchdog as long as all is well; for the time of one desk.
pub(super) async fn feed(desk: Desk, bells: Bells, supervisor: Supervisor) {
    let Some(patience) = supervisor.watchdog() else { return };
    let answers = Arc::new(AtomicBool::new(false));
    let asking = ask(desk.clone(), answers.clone());
    tokio::select! {
        () = asking => {}
        () = watch(desk, bells, supervisor, answers, patience) => {}
    }
}

/// Asks the store for a sign of life, again and again.
async fn ask(desk: Desk, answers: Arc<AtomicBool>) {
    loop {
        match desk.store.sessions().await {
            Ok(_) => answers.store(true, Ordering::SeqCst),
            Err(e) => tracing::debug!(error = %e, "the store does not answer"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn watch(desk: Desk, bells: Bells, supervisor: Supervisor, answers: Arc<AtomicBool>, patience: Duration) {
    let (mut ticked, mut answered) = (Stopwatch::start(), Stopwatch::start());
    let (mut ticks, mut told) = (bells.ticks(), false);
    loop {
        let now = bells.ticks();
        if now != ticks {
            (ticks, ticked) = (now, Stopwatch::start());
        }
        if answers.swap(false, Ordering::SeqCst) {
            answered = Stopwatch::start();
        }
        let stood = PUMPS.map(|pump| (pump, desk.pulses.stood(pump)));
        let longest = stood.into_iter().max_by_key(|(_, stood)| *stood).unwrap_or((Pump::Collect, Duration::ZERO));
        let unrecorded = desk.pulses.is_unrecorded();
        let signs = Signs { ticked: ticked.elapsed(), answered: answered.elapsed(), unrecorded, stood: longest };
        let ails = ailment(&signs, patience);
        match &ails {
            None => supervisor.alive(),
            Some(what) if !told => {
                tracing::error!("systemd is told no more that this program is well, and will end it: {what}");
                supervisor.status(&format!("Not well, to be started again by the watchdog: {what}"));
            }
            Some(_) => {}
        }
        if told && ails.is_none() {
            tracing::info!("all is well again");
        }
        told = ails.is_some();
        tokio::time::sleep(PAUSE.min(patience / 4)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(300);

    fn well() -> Signs {
        let short = Duration::from_secs(1);
        Signs { ticked: short, answered: short, unrecorded: false, stood: (Pump::Plan, short) }
    }

    #[test]
    fn each_of_three_ends_the_signs_of_life() {
        let long = PATIENCE + Duration::from_secs(1);
        assert_eq!(ailment(&well(), PATIENCE), None);
        let says = |signs: Signs| ailment(&signs, PATIENCE).unwrap();
        assert_eq!(says(Signs { ticked: long, ..well() }), "the scheduler has not ticked for 301 s");
        assert_eq!(says(Signs { answered: long, ..well() }), "the store has not answered for 301 s");
        assert_eq!(says(Signs { stood: (Pump::Mail, long), ..well() }), "the pump Mail has hung for 301 s");
    }

    #[test]
    fn what_has_left_is_worth_a_longer_wait_that_ends_too() {
        let long = PATIENCE + Duration::from_secs(1);
        let away = Signs { answered: long, unrecorded: true, stood: (Pump::Mail, long), ..well() };
        assert_eq!(ailment(&away, PATIENCE), None, "a pump that waits for the store does not hang");
        let too_long = Signs { answered: PATIENCE * WORTH_WAITING + Duration::from_secs(1), ..away };
        assert!(ailment(&too_long, PATIENCE).unwrap().starts_with("the store has not answered"));
    }
}
