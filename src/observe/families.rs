//! The metrics, family by family. Whatever can be counted is there from the start with a zero, so that the first of its kind is
//! seen as an increase; what is not known (no poll yet) is left out.

use super::Observed;
use super::gather::Figures;
use super::page::{Kind, Page};
use crate::channel::sms::verify::Refusal;
use crate::domain::attempt::{FaultClass, Outcome};
use crate::domain::inbound::Via;
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, TaskKind};
use crate::flow::Desk;
use crate::flow::answers::Called;
use crate::flow::pulse::PUMPS;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What can stop all sending.
const STOPS: [Reason; 6] =
    [Reason::PollFailed, Reason::LedgerShrunk, Reason::StaleData, Reason::IbanChanged, Reason::TooMany, Reason::DryRun];

/// States of messages that are not settled.
const STATES: [&str; 8] = ["planned", "awaiting", "braked", "queued", "deferred", "leased", "sending", "uncertain"];

/// The whole page.
pub(super) fn page(observed: &Observed, desk: &Desk, figures: &Figures) -> String {
    let mut page = Page::default();
    program(&mut page, observed, desk, figures);
    ledger(&mut page, desk, figures);
    outbox(&mut page, desk, figures);
    attempts(&mut page, desk);
    returns(&mut page, desk);
    stops(&mut page, desk, figures);
    people(&mut page, figures);
    pumps(&mut page, desk);
    page.into_text()
}

fn truth(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn since(then: Timestamp, now: Timestamp) -> f64 {
    (now.as_millisecond() - then.as_millisecond()).max(0) as f64 / 1000.0
}

fn program(page: &mut Page, observed: &Observed, desk: &Desk, figures: &Figures) {
    let version = env!("CARGO_PKG_VERSION");
    page.family("relance_build_info", Kind::Gauge, "The program's version; always 1.").sample(&[("version", version)], 1.0);
    let started = observed.0.started.as_millisecond() as f64 / 1000.0;
    page.family("relance_start_time_seconds", Kind::Gauge, "When the program was started, in Unix time.").is(started);
    let family = page.family(
        "relance_daemons",
        Kind::Gauge,
        "Daemons that share the store and have not been given up, this one included.",
    );
    family.is(figures.daemons as f64);
    let family = page.family("relance_resting", Kind::Gauge, "1 while this daemon rests because a newer one has other rules.");
    family.is(truth(desk.heart.rests()));
    let guard = &desk.setup.settings.guard;
    page.family("relance_dry_run", Kind::Gauge, "1 when [guard] dry_run keeps everything back.").is(truth(guard.dry_run));
    let family = page.family("relance_redirected", Kind::Gauge, "1 when [guard] redirect_to takes all messages.");
    family.is(truth(desk.is_redirected()));
    let family = page.family(
        "relance_configuration_refused",
        Kind::Gauge,
        "1 since a reload was refused; the configuration before holds.",
    );
    family.is(truth(figures.refused));
    let family =
        page.family("relance_log_lines_lost_total", Kind::Counter, "Lines that the journal or the error output did not take.");
    family.is(crate::journal::lost() as f64);
}

fn ledger(page: &mut Page, desk: &Desk, figures: &Figures) {
    page.family(
        "relance_ledger_age_seconds",
        Kind::Gauge,
        "Age of the data: since the last good poll began. Left out before the first.",
    );
    if let Some(good) = &figures.good {
        page.is(since(good.started_at, figures.now));
    }
    page.family("relance_ledger_rows", Kind::Gauge, "Rows of the ledger at the last good poll.");
    if let Some(good) = &figures.good {
        page.is(good.rows as f64);
    }
    page.family("relance_ledger_unreadable_rows", Kind::Gauge, "Rows that could not be understood at the last poll.");
    if let Some(last) = &figures.last {
        page.is(last.unreadable as f64);
    }
    page.family("relance_polls_total", Kind::Counter, "Polls that this daemon recorded, by outcome.");
    for (outcome, count) in desk.tally.polls_so_far() {
        page.sample(&[("outcome", outcome.as_str())], count as f64);
    }
}

fn outbox(page: &mut Page, desk: &Desk, figures: &Figures) {
    // A channel that is no longer configured may have messages all the same.
    let own = desk.channels.iter().map(|c| c.as_str().to_owned());
    let channels: BTreeSet<String> = own.chain(figures.outbox.iter().map(|w| w.channel.clone())).collect();
    let found = |channel: &str, state: &str| figures.outbox.iter().find(|w| w.channel == channel && w.state == state);
    let mut each = |name, help, value: &dyn Fn(&str, &str) -> f64| {
        page.family(name, Kind::Gauge, help);
        for channel in &channels {
            for state in STATES {
                page.sample(&[("channel", channel), ("state", state)], value(channel, state));
            }
        }
    };
    each(
        "relance_outbox_messages",
        "Messages that are not settled, by state; awaiting: for a person's yes; uncertain: may have left, a person must say.",
        &|channel, state| found(channel, state).map_or(0.0, |w| w.messages as f64),
    );
    each(
        "relance_outbox_oldest_seconds",
        "How long the oldest message of a state waits: since its first try, or since it should have left.",
        &|channel, state| found(channel, state).map_or(0.0, |w| since(w.oldest, figures.now)),
    );
    let family = page.family("relance_messages_planned_total", Kind::Counter, "Messages that this daemon put into the outbox.");
    family.is(desk.tally.planned_so_far() as f64);
}

fn attempts(page: &mut Page, desk: &Desk) {
    page.family(
        "relance_attempts_total",
        Kind::Counter,
        "Attempts that this daemon recorded, by channel, outcome and class of what was wrong.",
    );
    let mut counts = desk.tally.attempts_so_far();
    for channel in desk.channels.iter().copied().map(Some) {
        for outcome in [Outcome::Accepted, Outcome::Unknown, Outcome::Cancelled] {
            counts.entry((channel, outcome, None)).or_default();
        }
        for class in FaultClass::ALL {
            for outcome in [Outcome::Deferred, Outcome::Refused] {
                counts.entry((channel, outcome, Some(class.as_str()))).or_default();
            }
        }
    }
    counts.entry((None, Outcome::NoAddress, None)).or_default();
    for ((channel, outcome, class), count) in counts {
        let channel = channel.map_or("none", Channel::as_str);
        let labels = [("channel", channel), ("outcome", outcome.as_str()), ("class", class.unwrap_or("none"))];
        page.sample(&labels, count as f64);
    }
}

fn returns(page: &mut Page, desk: &Desk) {
    page.family("relance_returns_total", Kind::Counter, "What came back and was put on record by this daemon, by way and kind.");
    let mut counts = desk.tally.returns_so_far();
    for kind in ["failed", "delayed", "delivered", "automatic", "reply", "stop", "other"] {
        for via in [Via::Mail, Via::Sms] {
            counts.entry((via, kind)).or_default();
        }
    }
    counts.entry((Via::Page, "reply")).or_default();
    for ((via, kind), count) in counts {
        page.sample(&[("via", via.as_str()), ("kind", kind)], count as f64);
    }
    page.family(
        "relance_bank_entries_total",
        Kind::Counter,
        "Entries of the bank's statements put on record by this daemon, by what they were taken for.",
    );
    let counts = desk.tally.banked_so_far();
    for state in ["matched", "proposed", "unmatched", "reversed", "waiting", "done"] {
        page.sample(&[("state", state)], counts.get(state).copied().unwrap_or_default() as f64);
    }
    page.family("relance_hook_requests_refused_total", Kind::Counter, "Requests to [listen] that were not believed, by why.");
    let counts = desk.tally.refusals_so_far();
    for why in Refusal::ALL {
        page.sample(&[("why", why.as_str())], counts.get(&why).copied().unwrap_or_default() as f64);
    }
    page.family("relance_answer_requests_total", Kind::Counter, "Requests to the answer page, by what they came to.");
    let counts = desk.tally.calls_so_far();
    for what in Called::ALL {
        page.sample(&[("what", what.as_str())], counts.get(&what).copied().unwrap_or_default() as f64);
    }
}

fn stops(page: &mut Page, desk: &Desk, figures: &Figures) {
    page.family("relance_stopped", Kind::Gauge, "1 while nothing is sent, by the reason; too_many holds what was planned since.");
    for reason in STOPS {
        let stops = figures.brakes.iter().any(|b| b.channel.is_none() && b.reason == reason);
        page.sample(&[("reason", reason.code())], truth(stops));
    }
    page.family("relance_channel_stopped", Kind::Gauge, "1 while a channel is broken and rests.");
    for channel in &desk.channels {
        let stops = figures.brakes.iter().any(|b| b.channel == Some(*channel));
        page.sample(&[("channel", channel.as_str())], truth(stops));
    }
}

fn people(page: &mut Page, figures: &Figures) {
    let count = |list: &[(String, u64)], kind: &str| list.iter().find(|(k, _)| k == kind).map_or(0.0, |(_, n)| *n as f64);
    page.family(
        "relance_questions",
        Kind::Gauge,
        "Questions that wait: approval for a yes, notice for a day on which silence is one.",
    );
    for kind in ["approval", "notice"] {
        page.sample(&[("kind", kind)], count(&figures.questions, kind));
    }
    page.family("relance_tasks", Kind::Gauge, "Calls and tasks that people have to do.");
    for kind in TaskKind::ALL {
        page.sample(&[("kind", kind.as_str())], count(&figures.tasks, kind.as_str()));
    }
    let family =
        page.family("relance_customers_unreachable", Kind::Gauge, "Customers who cannot be reached; counted once a minute.");
    family.is(figures.unreachable as f64);
}

fn pumps(page: &mut Page, desk: &Desk) {
    let mut each = |name, kind, help, value: &dyn Fn(crate::flow::pulse::Pump) -> f64| {
        page.family(name, kind, help);
        for pump in PUMPS {
            page.sample(&[("pump", pump.as_str())], value(pump));
        }
    };
    let tally = &desk.tally;
    each("relance_pump_seconds_total", Kind::Counter, "Time spent in steps of a pump, waiting for others included.", &|p| {
        tally.pump(p).time().as_secs_f64()
    });
    each("relance_pump_steps_total", Kind::Counter, "Steps of a pump that came to their end.", &|p| tally.pump(p).steps() as f64);
    each("relance_pump_failures_total", Kind::Counter, "Steps of a pump that failed.", &|p| tally.pump(p).failures() as f64);
    each(
        "relance_pump_standstill_seconds",
        Kind::Gauge,
        "Since a pump moved last; 0 while it waits for a ledger or a server.",
        &|p| desk.pulses.stood(p).as_secs_f64(),
    );
}
