//! What somebody from outside can see of a running daemon: metrics, whether it lives, whether it is ready to send. Answers
//! hold codes and numbers, nobody's name and nobody's words. Whoever asks disturbs no pump: one look at the store at a time,
//! and whoever waits for it longer than a few seconds is told so.

mod families;
mod gather;
mod health;
mod page;
mod serve;

pub use serve::listen;

use crate::config::settings::ObserveSettings;
use crate::daemon::Vitals;
use crate::flow::Desk;
use crate::flow::tally::Tally;
use jiff::Timestamp;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as Turn;

/// So long somebody waits for the store before being told that it is silent.
const PATIENCE: Duration = Duration::from_secs(3);

/// An answer: whether it is a good one, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200, or 503.
    pub good: bool,
    /// What is said: one line of codes, or the metrics.
    pub text: String,
}

/// The daemon as it is seen from outside; costs nothing to clone.
#[derive(Clone, Debug)]
pub struct Observed(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    listen: Option<SocketAddr>,
    started: Timestamp,
    tally: Arc<Tally>,
    seen: Mutex<Seen>,
    /// One look at the store at a time, with what of the last looks still holds.
    turn: Arc<Turn<gather::Kept>>,
}

#[derive(Debug)]
enum Seen {
    /// The desk that is at work, and the judgement on it.
    Desk(Box<Desk>, Arc<Vitals>),
    /// None is, and why.
    Nothing(&'static str),
}

impl Observed {
    /// A daemon that starts.
    pub fn new(settings: &ObserveSettings, started: Timestamp) -> Observed {
        Observed(Arc::new(Parts {
            listen: settings.listen,
            started,
            tally: Arc::default(),
            seen: Mutex::new(Seen::Nothing("starting")),
            turn: Arc::default(),
        }))
    }

    /// Whether anybody may ask.
    pub fn is_asked(&self) -> bool {
        self.0.listen.is_some()
    }

    /// What the program has done so far; each of its desks counts on.
    pub fn tally(&self) -> Arc<Tally> {
        self.0.tally.clone()
    }

    /// A desk is at work.
    pub fn sees(&self, desk: &Desk, vitals: &Arc<Vitals>) {
        self.set(Seen::Desk(Box::new(desk.clone()), vitals.clone()));
    }

    /// None is, by a code that says why.
    pub fn loses(&self, why: &'static str) {
        self.set(Seen::Nothing(why));
    }

    fn set(&self, seen: Seen) {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// The desk at work, or why there is none.
    fn desk(&self) -> Result<(Desk, Arc<Vitals>), &'static str> {
        match &*self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            Seen::Desk(desk, vitals) => Ok((desk.as_ref().clone(), vitals.clone())),
            Seen::Nothing(why) => Err(why),
        }
    }

    /// The metrics in Prometheus' text format.
    pub async fn metrics(&self) -> Answer {
        let desk = match self.desk() {
            Ok((desk, _)) => desk,
            Err(why) => return Answer::bad(why),
        };
        match gather::figures(self, &desk).await {
            Ok(figures) => Answer { good: true, text: families::page(self, &desk, &figures) },
            Err(why) => Answer::bad(why),
        }
    }

    /// Whether the daemon itself is well: by the watchdog's own judgement, and without asking anybody.
    pub fn alive(&self) -> Answer {
        match self.desk().ok().and_then(|(_, vitals)| vitals.ailment()) {
            None => Answer::good("alive"),
            Some(ailment) => Answer::bad(&ailment.code()),
        }
    }

    /// Whether it can send.
    pub async fn ready(&self) -> Answer {
        let stops = match self.desk() {
            Ok((desk, vitals)) => health::stops(self, &desk, &vitals).await,
            Err(why) => vec![why.to_owned()],
        };
        if stops.is_empty() { Answer::good("ready") } else { Answer::bad(&stops.join(" ")) }
    }
}

impl Answer {
    fn good(text: &str) -> Answer {
        Answer { good: true, text: format!("{text}\n") }
    }

    fn bad(text: &str) -> Answer {
        Answer { good: false, text: format!("{text}\n") }
    }
}
