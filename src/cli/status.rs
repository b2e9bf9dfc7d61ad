//! `status`: may relance send, what is under way, and where every open amount stands (R27).

use super::{CliError, desk, out};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::time::local_date;
use crate::flow::Desk;
use crate::flow::guard::span;
use crate::flow::presence;
use crate::flow::tie::{Tie, ties};
use crate::flow::told::{self, Refusal};
use crate::store::bank::FileRow;
use crate::store::person::retention::Run;
use crate::store::polls::PollKind;
use crate::store::reports::Copy;
use crate::store::sessions::Session;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let now = desk.clock.now();
    let zone = &desk.setup.settings.creditor.timezone;
    let conditions = desk.conditions(now).await?;
    let good = desk.store.last_good_poll().await?;
    // A clock that was set back makes no data from the future.
    let age = good.as_ref().map(|g| (now.as_second() - g.started_at.as_second()).max(0));
    let today = local_date(now, zone);
    let booked = conditions.booked_through(today, &desk.setup.settings);
    let mut brakes: Vec<(String, String)> =
        conditions.brakes.iter().map(|b| (b.reason.code().to_owned(), b.text.clone())).collect();
    brakes.extend(desk.store.brakes().await?.into_iter().map(|b| (b.kind, b.text)));
    // Of a file the one daemon is known by its lock, and a session in it may be of one that is no more.
    let sessions = desk.store.sessions().await?;
    let other = presence::newest(&sessions).filter(|d| d.agreement != desk.setup.agreement).map(|d| d.started_at);
    let newest = presence::newest(&sessions).map(|d| d.agreement.clone());
    let daemons = if desk.store.is_shared() { sessions } else { Vec::new() };
    let refusal = told::refusal(&desk.store).await?;
    let queue = desk.store.queue().await?;
    let uncertain = desk.store.uncertain().await?.len();
    let unreachable = desk.store.unreachable().await?;
    let unreadable = desk.store.unreadable_rows().await?;
    let (unread, unknown) = desk.store.unreadable_count().await?;
    let ties = ties(&desk).await?.0;
    let retention = desk.store.last_retention().await?;
    let report = desk.store.newest_report().await?;
    let bank = bank(&desk).await?;
    if args.json {
        let queue: serde_json::Map<String, Value> = queue.iter().map(|(s, n)| (s.clone(), json!(n))).collect();
        let brakes: Vec<Value> = brakes.iter().map(|(reason, text)| json!({ "reason": reason, "text": text })).collect();
        let lost: Vec<Value> = unreachable
            .iter()
            .map(|u| json!({ "debtor": u.debtor, "since": out::rfc3339(u.since, zone), "why": u.why }))
            .collect();
        let list: Vec<Value> = unreadable.iter().map(|(id, text)| json!({ "id": id, "text": text })).collect();
        out::json(&json!({
            "polled_at": good.as_ref().map(|g| out::rfc3339(g.started_at, zone)), "data_age_s": age, "poll_kind": good.as_ref().map(|g| g.kind.as_str()),
            "booked_through": booked.to_string(), "queue": queue, "brakes": brakes, "uncertain": uncertain,
            "unreachable": lost, "unreadable": list, "never_read": unknown, "retention": retention.as_ref().map(|run| retention_json(run, zone)), "report": report.as_ref().map(|copy| report_json(copy, zone)), "bank": bank.as_ref().map(|b| b.json(zone)), "configuration": { "other_rules": other.is_some(), "refused": refusal.as_ref().map(|r| refusal_json(r, zone)) }, "daemons": daemons.iter().map(|d| daemon_json(d, zone)).collect::<Vec<_>>(), "tie_out": ties.iter().map(tie_json).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    match (&good, age) {
        (Some(good), Some(age)) => say!(
            "ledger       read {} ({}), {} rows{}; payments booked through {booked}",
            out::short(good.started_at, zone),
            seen(good.started_at, now, age),
            good.rows,
            if good.kind == PollKind::Changes { " that changed" } else { "" }
        ),
        _ => say!("ledger       never read"),
    }
    for d in &daemons {
        let rests = if Some(&d.agreement) == newest.as_ref() { "" } else { "; RESTS: a later one has another configuration" };
        say!("daemon       {} since {}, {}{rests}", d.name, out::short(d.started_at, zone), heard(d.silent));
    }
    if let Some(refusal) = &refusal {
        say!("configuration  {}", refusal_text(refusal, zone));
    }
    if let Some(since) = other {
        let since = out::short(since, zone);
        say!("configuration  other rules than the daemon of {since} goes by; `systemctl reload relance` puts them in force");
    }
    match brakes.as_slice() {
        [] => say!("sending      free"),
        list => list.iter().for_each(|(reason, text)| match reason.as_str() {
            // What was let pass before goes on.
            "too_many" => say!("sending      HELD {reason}: {text}"),
            _ => say!("sending      STOPPED {reason}: {text}"),
        }),
    }
    if let Some(to) = &desk.setup.settings.guard.redirect_to {
        say!("redirected   all messages go to {to} ([guard] redirect_to)");
    }
    let queued: Vec<String> = queue.iter().map(|(s, n)| format!("{n} {s}")).collect();
    say!("outbox       {}", if queued.is_empty() { "empty".to_owned() } else { queued.join(", ") });
    say!("uncertain    {uncertain}{}", if uncertain > 0 { " (see `relance uncertain`)" } else { "" });
    say!("retention    {}", retention.as_ref().map_or_else(|| "has not run yet".to_owned(), |run| retention_text(run, zone)));
    say!("report       {}", report_text(report.as_ref(), &desk, zone));
    if let Some(bank) = &bank {
        bank.tell(zone);
    }
    for (id, text) in &unreadable {
        say!("unreadable   row {id}: {text}");
    }
    for u in &unreachable {
        say!("unreachable  {} {} since {}: {}", u.debtor, u.name, local_date(u.since, zone), u.why);
    }
    ties.iter().for_each(tie_text);
    if unknown > 0 {
        say!("\nin no sum     {unknown} of {unread} unreadable rows were never read: their money is unknown");
    }
    Ok(())
}

fn refusal_json(refusal: &Refusal, zone: &TimeZone) -> Value {
    let at = Timestamp::from_millisecond(refusal.at).ok().map(|at| out::rfc3339(at, zone));
    json!({ "at": at, "problems": refusal.problems, "text": refusal.text })
}

fn refusal_text(refusal: &Refusal, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(refusal.at).map(|at| out::short(at, zone)).unwrap_or_default();
    let more = if refusal.problems > 1 { format!(" (and {} more)", refusal.problems - 1) } else { String::new() };
    format!("REFUSED {at}, the daemon goes on with the one before: {}{more}", refusal.text)
}

fn report_json(copy: &Copy, zone: &TimeZone) -> Value {
    json!({ "day": copy.day.to_string(), "state": copy.state, "at": out::rfc3339(copy.at, zone) })
}

fn report_text(copy: Option<&Copy>, desk: &Desk, zone: &TimeZone) -> String {
    let next = match desk.setup.settings.report.morning {
        Some(hour) => format!("on working days at {}", hour.strftime("%H:%M")),
        None => "off ([report] morning)".to_owned(),
    };
    let Some(copy) = copy else { return format!("{next}; none sent yet") };
    let at = out::short(copy.at, zone);
    match copy.state.as_str() {
        "sent" => format!("{next}; that of {} was sent {at}", copy.day),
        "doubtful" => format!("{next}; that of {} may have been sent {at}", copy.day),
        "refused" => format!("{next}; that of {} WAS REFUSED by the mail server {at}", copy.day),
        _ => format!("{next}; that of {} HAS NOT LEFT (tried {} times, last {at})", copy.day, copy.tries),
    }
}

fn retention_json(run: &Run, zone: &TimeZone) -> Value {
    let at = Timestamp::from_millisecond(run.at).ok().map(|at| out::rfc3339(at, zone));
    json!({ "at": at, "messages": run.messages, "notes": run.notes, "customers": run.customers })
}

fn retention_text(run: &Run, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(run.at).map_or_else(|_| run.day.clone(), |at| out::short(at, zone));
    match (run.messages, run.notes, run.customers) {
        (0, 0, 0) => format!("last run {at}: nothing had been kept long enough"),
        (messages, notes, customers) => {
            format!("last run {at}: erased messages {messages}, notes {notes}, customers {customers}")
        }
    }
}

/// What came of the bank's statements.
struct Bank {
    last: Option<Timestamp>,
    to_decide: u64,
    unread: Vec<FileRow>,
}

/// `None` where no folder is looked into.
async fn bank(desk: &Desk) -> Result<Option<Bank>, CliError> {
    if desk.setup.settings.bank.is_none() {
        return Ok(None);
    }
    let store = &desk.store;
    let (last, to_decide) = (store.bank_last_read().await?, store.bank_to_decide().await?);
    Ok(Some(Bank { last, to_decide, unread: store.bank_files_failed().await? }))
}

impl Bank {
    fn json(&self, zone: &TimeZone) -> Value {
        let unread: Vec<Value> = self.unread.iter().map(|f| json!({ "file": f.name, "problem": f.problem })).collect();
        json!({ "read_at": self.last.map(|at| out::rfc3339(at, zone)), "to_decide": self.to_decide, "unread": unread })
    }

    fn tell(&self, zone: &TimeZone) {
        let last = self
            .last
            .map_or_else(|| "no statement read yet".to_owned(), |at| format!("last statement read {}", out::short(at, zone)));
        let waits =
            if self.to_decide > 0 { format!("; {} for your word (see `relance bank`)", self.to_decide) } else { String::new() };
        say!("bank         {last}{waits}");
        self.unread.iter().for_each(|f| say!("bank         CANNOT BE READ {}: {}", f.name, f.problem));
    }
}

/// When a daemon was heard of last. One that died stands there until the others have noticed.
fn heard(silent: Option<Duration>) -> String {
    match silent {
        Some(silent) => format!("heard of {} s ago", silent.as_secs()),
        None => "never heard of".to_owned(),
    }
}

fn daemon_json(d: &Session, zone: &TimeZone) -> Value {
    json!({ "name": d.name, "since": out::rfc3339(d.started_at, zone), "silent_s": d.silent.map(|s| s.as_secs()) })
}

fn seen(at: Timestamp, now: Timestamp, age: i64) -> String {
    match at > now {
        true => "later than this computer's clock shows: please set it".to_owned(),
        false => format!("{} ago", span(age)),
    }
}

fn tie_json((currency, tie): (&Currency, &Tie)) -> Value {
    let states: serde_json::Map<String, Value> =
        tie.states.iter().map(|(s, (minor, _))| (s.clone(), json!(Money::new(*minor, *currency).decimal()))).collect();
    json!({ "currency": currency.code(), "ledger": Money::new(tie.ledger, *currency).decimal(), "states": states })
}

fn tie_text((currency, tie): (&Currency, &Tie)) {
    say!();
    let mut rows: Vec<Vec<String>> = tie
        .states
        .iter()
        .map(|(state, (minor, count))| vec![state.clone(), count.to_string(), Money::new(*minor, *currency).decimal()])
        .collect();
    let verdict = if tie.holds() { "ties out" } else { "DOES NOT TIE OUT" };
    rows.push(vec![format!("sum, {verdict}"), tie.rows().to_string(), Money::new(tie.sum(), *currency).decimal()]);
    rows.push(vec!["ledger".to_owned(), String::new(), Money::new(tie.ledger, *currency).decimal()]);
    out::table(&["where it stands", "rows", currency.code()], rows);
}
