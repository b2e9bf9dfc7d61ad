//! Whether the daemon is well: the scheduler ticks, the store answers, no pump hangs. Only then systemd is told that it lives;
//! else it is ended in good order and started again. A slow ledger, mail server or gateway is nothing of that.

use super::Bells;
use super::notify::Supervisor;
use crate::clock::Stopwatch;
use crate::flow::Desk;
use crate::flow::pulse::{PUMPS, Pump};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a sign of life is given, unless it is wanted more often.
const PAUSE: Duration = Duration::from_secs(5);

/// While something has left that could not be recorded, a store that is away is waited for so many times as long: a daemon
/// that is ended then has to send it again.
const WORTH_WAITING: u32 = 12;

/// How long something may stand still where nobody says so: as systemd by our unit.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is wrong with the daemon itself, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// The scheduler does not tick.
    Scheduler(Duration),
    /// The store does not answer.
    Store(Duration),
    /// A pump hangs.
    Pump(Pump, Duration),
}

impl Ailment {
    /// A code for it, without figures.
    pub fn code(self) -> String {
        match self {
            Ailment::Scheduler(_) => "scheduler_stands".to_owned(),
            Ailment::Store(_) => "store_silent".to_owned(),
            Ailment::Pump(pump, _) => format!("pump_hangs:{}", pump.as_str()),
        }
    }
}

impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ailment::Scheduler(time) => write!(f, "the scheduler has not ticked for {} s", time.as_secs()),
            Ailment::Store(time) => write!(f, "the store has not answered for {} s", time.as_secs()),
            Ailment::Pump(pump, time) => write!(f, "the pump {} has hung for {} s", pump.as_str(), time.as_secs()),
        }
    }
}

/// The last judgement on a daemon, for whoever asks.
#[derive(Debug, Default)]
pub struct Vitals(Mutex<Option<Ailment>>);

impl Vitals {
    /// What is wrong, if anything is.
    pub fn ailment(&self) -> Option<Ailment> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The judgement now.
    pub fn judge(&self, ailment: Option<Ailment>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ailment;
    }
}

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
fn ailment(signs: &Signs, patience: Duration) -> Option<Ailment> {
    let for_store = if signs.unrecorded { patience * WORTH_WAITING } else { patience };
    let (pump, stood) = signs.stood;
    if signs.ticked > patience {
        Some(Ailment::Scheduler(signs.ticked))
    } else if signs.answered > for_store {
        Some(Ailment::Store(signs.answered))
    } else if stood > patience && signs.answered <= patience {
        Some(Ailment::Pump(pump, stood))
    } else {
        None
    }
}

/// Feeds the watchdog as long as all is well, and keeps the judgement for whoever asks; for the time of one desk. `asked`:
/// somebody may, though systemd does not watch.
pub(super) async fn feed(desk: Desk, bells: Bells, supervisor: Supervisor, vitals: Arc<Vitals>, asked: bool) {
    if supervisor.watchdog().is_none() && !asked {
        return;
    }
    let answers = Arc::new(AtomicBool::new(false));
    let asking = ask(desk.clone(), answers.clone());
    tokio::select! {
        () = asking => {}
        () = watch(desk, bells, supervisor, answers, vitals) => {}
    }
}

/// Asks the store for a sign of life, again and again.
async fn ask(desk: Desk, answers: Arc<AtomicBool>) {
    loop {
        match desk.store.sessions().await {
            Ok(_) => answers.store(true, Ordering::SeqCst),
            Err(e) => tracing::debug!(event = "store_silent", error = %e, "the store does not answer"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn watch(desk: Desk, bells: Bells, supervisor: Supervisor, answers: Arc<AtomicBool>, vitals: Arc<Vitals>) {
    let patience = supervisor.watchdog().unwrap_or(PATIENCE);
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
        vitals.judge(ails);
        match &ails {
            None => supervisor.alive(),
            Some(what) if !told => {
                let code = what.code();
                match supervisor.watchdog() {
                    Some(_) => tracing::error!(
                        event = "unwell",
                        code,
                        "systemd is told no more that this program is well, and will end it: {what}"
                    ),
                    None => tracing::error!(event = "unwell", code, "this program is not well: {what}"),
                }
                supervisor.status(&format!("Not well, to be started again by the watchdog: {what}"));
            }
            Some(_) => {}
        }
        if told && ails.is_none() {
            tracing::info!(event = "well", "all is well again");
        }
        told = ails.is_some();
        tokio::time::sleep(PAUSE.min(patience / 4)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Signs {
        let short = Duration::from_secs(1);
        Signs { ticked: short, answered: short, unrecorded: false, stood: (Pump::Plan, short) }
    }

    #[test]
    fn each_of_three_ends_the_signs_of_life() {
        let long = PATIENCE + Duration::from_secs(1);
        assert_eq!(ailment(&well(), PATIENCE), None);
        let says = |signs: Signs| ailment(&signs, PATIENCE).unwrap().to_string();
        assert_eq!(says(Signs { ticked: long, ..well() }), "the scheduler has not ticked for 301 s");
        assert_eq!(says(Signs { answered: long, ..well() }), "the store has not answered for 301 s");
        assert_eq!(says(Signs { stood: (Pump::Mail, long), ..well() }), "the pump email has hung for 301 s");
    }

    #[test]
    fn what_has_left_is_worth_a_longer_wait_that_ends_too() {
        let long = PATIENCE + Duration::from_secs(1);
        let away = Signs { answered: long, unrecorded: true, stood: (Pump::Mail, long), ..well() };
        assert_eq!(ailment(&away, PATIENCE), None, "a pump that waits for the store does not hang");
        let too_long = Signs { answered: PATIENCE * WORTH_WAITING + Duration::from_secs(1), ..away };
        assert!(ailment(&too_long, PATIENCE).unwrap().to_string().starts_with("the store has not answered"));
    }
}
