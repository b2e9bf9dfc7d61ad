//! What happens in a test: what the firm books, what people do, what goes wrong.

use super::script::{Days, cadences};
use crate::config::problem::{At, Problems};
use crate::config::section::Section;
use crate::config::{CadenceFile, Setup};
use crate::flow::calls::{Excuse, Reached};
use jiff::civil::{Date, Time};

/// Something that happens on a day.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Where it stands.
    pub(super) at: At,
    /// The day.
    pub(super) on: Date,
    /// The hour, in the creditor's zone.
    pub(super) time: Time,
    /// What.
    pub(super) what: What,
    /// The word in the test.
    pub(super) word: String,
}

/// What happens.
#[derive(Clone, Debug)]
pub(super) enum What {
    Paid(String),
    PartPaid(String, String),
    Reopened(String),
    DueMoved(String, Date),
    Credited(String, Option<String>),
    Disputed(String, Option<String>),
    Settled(String),
    Column(&'static str, String),
    Gone(usize),
    PollFails,
    PollWorks,
    LedgerReleased,
    Released,
    Held(Option<String>, Date, String),
    Resumed(Option<String>),
    Bounced(String),
    Called(Reached, Option<Date>, Option<Excuse>, Option<Date>),
    Approved(Option<String>),
    Refused(Option<String>),
    Done(Option<String>),
    Dropped(Option<String>),
    Edited(Vec<CadenceFile>),
}

/// What the firm's own program books is there in the morning; what people do they do later.
const MORNING: Time = Time::constant(7, 0, 0, 0);
const LATER: Time = Time::constant(11, 0, 0, 0);

/// The words for what happens.
const WORDS: &str = "paid, part_paid, reopened, due_moved, credited, disputed, settled, state, kind, gone, poll_fails, \
    poll_works, ledger_released, released, held, resumed, bounced, called, answered, promised, approved, refused, done, dropped, edited";

/// Reads the events of a test, in the order of time.
pub(super) fn events(test: &Section, days: &Days, first: &str, setup: &Setup, problems: &Problems) -> Vec<Event> {
    let read = |s: Section| {
        let event = event(&s, days, first, setup, problems);
        s.finish();
        event
    };
    let mut events: Vec<Event> = test.tables("events").into_iter().filter_map(read).collect();
    events.sort_by_key(|e| (e.on, e.time));
    events
}

fn event(s: &Section, days: &Days, first: &str, setup: &Setup, problems: &Problems) -> Option<Event> {
    if !s.has("on") {
        s.missing("on", Days::WANTED);
    }
    let on = s.parse("on", Days::WANTED, |t| days.read(t));
    let word = s.required("what", &format!("one of: {WORDS}"))?;
    let time = s.parse("at", "an hour such as \"14:30\"", |t| format!("{t}:00").parse().ok());
    let what = what(s, &word, days, first, setup, problems)?;
    let usual = match what {
        What::Called(..) | What::Approved(_) | What::Refused(_) | What::Done(_) | What::Dropped(_) => LATER,
        _ => MORNING,
    };
    Some(Event { at: s.at().clone(), on: on?, time: time.unwrap_or(usual), what, word })
}

fn what(s: &Section, word: &str, days: &Days, first: &str, setup: &Setup, problems: &Problems) -> Option<What> {
    let named = || s.text("invoice", "the id of an invoice");
    let invoice = || named().unwrap_or_else(|| first.to_owned());
    let amount = |key: &str| s.text(key, "an amount such as \"100.00\"");
    let needed = |key: &str| s.required(key, "text");
    let step = || s.text("step", "a step");
    let day = |key: &str| s.parse(key, Days::WANTED, |t| days.read(t));
    Some(match word {
        "paid" => What::Paid(invoice()),
        "part_paid" => What::PartPaid(invoice(), needed("amount")?),
        "reopened" => What::Reopened(invoice()),
        "due_moved" => {
            needed("to")?;
            What::DueMoved(invoice(), day("to")?)
        }
        "credited" => What::Credited(needed("amount")?, named()),
        "disputed" => What::Disputed(invoice(), amount("amount")),
        "settled" => What::Settled(invoice()),
        "state" => What::Column("state", needed("state")?),
        "kind" => What::Column("customer_kind", needed("kind")?),
        "gone" => What::Gone(s.integer("count", 1..=500).unwrap_or(1) as usize),
        "poll_fails" => What::PollFails,
        "poll_works" => What::PollWorks,
        "ledger_released" => What::LedgerReleased,
        "released" => What::Released,
        "held" => {
            needed("until")?;
            What::Held(named(), day("until")?, s.text("reason", "text").unwrap_or_else(|| "asked to wait".to_owned()))
        }
        "resumed" => What::Resumed(named()),
        "bounced" => What::Bounced(s.text("address", "an address").unwrap_or_default()),
        "called" | "answered" | "promised" => called(s, word, days)?,
        "approved" => What::Approved(step()),
        "refused" => What::Refused(step()),
        "done" => What::Done(step()),
        "dropped" => What::Dropped(step()),
        "edited" => What::Edited(cadences(s, setup, problems)),
        _ => {
            s.problem("what", format!("\"what\" is \"{word}\"; wanted one of: {WORDS}"));
            return None;
        }
    })
}

fn called(s: &Section, word: &str, days: &Days) -> Option<What> {
    let day = |key: &str| s.parse(key, Days::WANTED, |t| days.read(t));
    let outcomes = Reached::ALL.map(Reached::as_str).join(", ");
    let reached = s.parse("outcome", &format!("one of: {outcomes}"), |t| Reached::ALL.into_iter().find(|r| r.as_str() == t));
    let excuses = Excuse::ALL.map(Excuse::as_str).join(", ");
    let excuse = s.parse("excuse", &format!("one of: {excuses}"), |t| Excuse::ALL.into_iter().find(|e| e.as_str() == t));
    let (promise, next) = (day("promise"), day("next"));
    if word == "promised" && promise.is_none() {
        s.missing("promise", Days::WANTED);
        return None;
    }
    if promise.is_none() && next.is_none() {
        s.missing("next", "the day on which it goes on, or promise, the day by which it is paid");
        return None;
    }
    Some(What::Called(reached.unwrap_or(Reached::Reached), promise, excuse, next))
}
