//! `calls`, `called`: who is to be called today, with the facts at hand; and what came of a call.

use super::{CliError, desk, out};
use crate::domain::decision::Standing;
use crate::domain::time::local_date;
use crate::flow::Desk;
use crate::flow::called::{Report, ReportError, record};
use crate::flow::calls::{CallToMake, Excuse, Reached, due, resting};
use crate::flow::work;
use crate::store::tasks::OpenTask;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct CallsArgs {
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = super::how_many)]
    limit: usize,
    /// One line for each, without the facts
    #[arg(long)]
    short: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct CalledArgs {
    /// The call's number, as `relance calls` shows it
    #[arg(value_parser = super::number)]
    id: i64,
    /// What came of it
    #[arg(value_enum)]
    reached: ReachedWord,
    /// The day by which payment was promised: holds the case until that is known
    #[arg(long, value_parser = super::day, value_name = "DATE")]
    promise: Option<Date>,
    /// Why it was not paid, as the customer says
    #[arg(long, value_enum)]
    excuse: Option<ExcuseWord>,
    /// What was said: facts, no judgement
    #[arg(long, value_parser = super::words)]
    note: Option<String>,
    /// The day on which it goes on; with a promise, left out, the day by which that is known
    #[arg(long, value_parser = super::day, value_name = "DATE")]
    next: Option<Date>,
    /// The number that was called, where there are several
    #[arg(long)]
    number: Option<String>,
    /// Who called
    #[arg(long, value_parser = super::words)]
    by: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ReachedWord {
    Reached,
    Voicemail,
    NoAnswer,
    WrongNumber,
    Refused,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ExcuseWord {
    AwaitingApproval,
    NotReceived,
    Dispute,
    UnderWay,
    CashTrouble,
    Absence,
    Other,
}

impl From<ReachedWord> for Reached {
    fn from(word: ReachedWord) -> Reached {
        match word {
            ReachedWord::Reached => Reached::Reached,
            ReachedWord::Voicemail => Reached::Voicemail,
            ReachedWord::NoAnswer => Reached::NoAnswer,
            ReachedWord::WrongNumber => Reached::WrongNumber,
            ReachedWord::Refused => Reached::Refused,
        }
    }
}

impl From<ExcuseWord> for Excuse {
    fn from(word: ExcuseWord) -> Excuse {
        match word {
            ExcuseWord::AwaitingApproval => Excuse::AwaitingApproval,
            ExcuseWord::NotReceived => Excuse::NotReceived,
            ExcuseWord::Dispute => Excuse::Dispute,
            ExcuseWord::UnderWay => Excuse::UnderWay,
            ExcuseWord::CashTrouble => Excuse::CashTrouble,
            ExcuseWord::Absence => Excuse::Absence,
            ExcuseWord::Other => Excuse::Other,
        }
    }
}

pub(super) async fn calls(config: &Path, args: CallsArgs) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let now = desk.clock.now();
    let calls = due(&desk, now).await?;
    let more = calls.len().saturating_sub(args.limit);
    let shown = calls.iter().take(args.limit);
    if args.json {
        shown.for_each(|call| {
            out::json(&as_json(&desk, call));
        });
        return Ok(());
    }
    let resting = resting(&desk, now).await?;
    if calls.is_empty() {
        say!("nobody is to be called now");
        return told_resting(&resting);
    }
    if args.short {
        let row = |c: &CallToMake| {
            let number = c.numbers.first().map(|n| n.number.clone()).unwrap_or_default();
            vec![c.task.id.to_string(), format!("{} {}", c.task.debtor, c.task.name), number, c.sum.to_string(), c.why.clone()]
        };
        out::table(&["call", "debtor", "number", "owed", "why"], shown.map(row).collect());
    } else {
        shown.for_each(|call| print(&desk, call, now));
    }
    if more > 0 {
        say!("… and {more} more: relance calls --limit {}", calls.len());
    }
    say!("What came of one: relance called CALL reached|voicemail|no-answer|wrong-number|refused --next DATE");
    told_resting(&resting)
}

/// So many resting calls are named.
const MOST_RESTING: usize = 20;

/// Nothing that was given out goes unmentioned.
fn told_resting(resting: &[(OpenTask, Standing)]) -> Result<(), CliError> {
    if !resting.is_empty() {
        say!("\nNot now:");
    }
    for (task, standing) in resting.iter().take(MOST_RESTING) {
        say!("    {}  {} {}: {}", task.id, task.debtor, task.name, work::told(standing));
    }
    if resting.len() > MOST_RESTING {
        say!("    … and {} more", resting.len() - MOST_RESTING);
    }
    Ok(())
}

fn print(desk: &Desk, call: &CallToMake, now: Timestamp) {
    let zone = &desk.setup.settings.creditor.timezone;
    say!("{}  {} {}", call.task.id, call.task.debtor, call.task.name);
    say!("    why now   {}", call.why);
    let cadence = call.task.case.as_ref().map(|case| case.cadence.as_str()).unwrap_or_default();
    let purpose = desk.setup.task_text(&call.task.case, call.task.step.as_deref(), &call.task.text);
    match call.task.step.as_deref() {
        Some(step) => say!("    purpose   {} ({})", purpose, desk.setup.step_called(cadence, step)),
        None => say!("    purpose   {purpose}"),
    }
    for n in &call.numbers {
        let who = [n.name.clone(), Some(n.role.as_str().to_owned()), n.language.clone()];
        let who = who.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let wrong = n.wrong.as_ref().map(|w| format!(" - do not use: {w}")).unwrap_or_default();
        say!("    call      {} ({who}){wrong}", n.number);
    }
    if call.numbers.is_empty() {
        say!("    call      no number is known; the ledger's column phone, or `relance debtor {} --contact`", call.task.debtor);
    }
    match call.opens {
        Some(at) if at <= now => say!("    hours     open now"),
        Some(at) => say!("    hours     from {}", out::short(at, zone)),
        None => say!("    hours     never, by [people] call_days and call_hours"),
    }
    for o in &call.owed {
        say!("    owed      {} {}, due {}, {} days late", o.number, o.net, o.due_on, o.days_late);
    }
    for c in &call.contacts {
        say!(
            "    written   {} {} {}",
            out::short(c.at, zone),
            c.channel.as_deref().unwrap_or_default(),
            desk.setup.step_called(cadence, &c.step)
        );
    }
    for p in call.promises.iter().take(3) {
        say!("    promised  {}: {}", p.until, p.state);
    }
    for c in call.calls.iter().take(3) {
        let excuse = c.excuse.as_ref().map(|e| format!(", {}", e.replace('_', " "))).unwrap_or_default();
        let note = c.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
        say!("    called    {} {}{excuse}{note}", out::short(c.at, zone), c.outcome.replace('_', " "));
    }
    say!();
}

/// A dispute that was heard of by phone stands nowhere yet but in the record of the call: how to set it.
fn dispute(numbers: &[String]) -> Vec<String> {
    let hold = |number: &str| format!("    relance hold {number} --disputed --until DATE --reason TEXT");
    let head = "the dispute itself is not set yet, and after that day the whole is asked for again; to set an invoice aside:";
    let mut lines = vec![head.to_owned()];
    match numbers {
        [] => lines.push(hold("INVOICE")),
        _ => lines.extend(numbers.iter().take(3).map(|number| hold(number))),
    }
    if numbers.len() > 3 {
        lines.push(format!("    … and so for {}", numbers[3..].join(", ")));
    }
    lines.push("of a part of it, --disputed AMOUNT: the rest is chased".to_owned());
    lines
}

fn as_json(desk: &Desk, call: &CallToMake) -> serde_json::Value {
    let zone = &desk.setup.settings.creditor.timezone;
    let numbers: Vec<_> = call
        .numbers
        .iter()
        .map(|n| json!({ "number": n.number, "name": n.name, "role": n.role.as_str(), "language": n.language, "wrong": n.wrong }))
        .collect();
    let owed: Vec<_> = call
        .owed
        .iter()
        .map(|o| json!({ "number": o.number, "owed": o.net.decimal(), "due_on": o.due_on.to_string(), "days_late": o.days_late }))
        .collect();
    let contacts: Vec<_> =
        call.contacts.iter().map(|c| json!({ "at": out::rfc3339(c.at, zone), "channel": c.channel, "step": c.step })).collect();
    let promises: Vec<_> = call.promises.iter().map(|p| json!({ "until": p.until.to_string(), "state": p.state })).collect();
    let calls: Vec<_> = call
        .calls
        .iter()
        .map(|c| json!({ "at": out::rfc3339(c.at, zone), "outcome": c.outcome, "excuse": c.excuse, "note": c.note, "next": c.next_on, "by": c.by }))
        .collect();
    json!({ "id": call.task.id, "debtor": call.task.debtor, "name": call.task.name, "why": call.why, "purpose": call.task.text,
        "step": call.task.step, "owner": call.task.owner, "due_on": call.task.due_on.to_string(), "owed": call.sum.decimal(),
        "currency": call.sum.currency.code(), "numbers": numbers, "opens_at": call.opens.map(|at| out::rfc3339(at, zone)),
        "invoices": owed, "contacts": contacts, "promises": promises, "calls": calls })
}

pub(super) async fn called(config: &Path, args: CalledArgs) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let now = desk.clock.now();
    let report = Report {
        reached: args.reached.into(),
        promise: args.promise,
        excuse: args.excuse.map(Excuse::from),
        note: args.note,
        next: args.next,
        number: args.number,
        by: args.by,
    };
    let recorded = record(&desk, args.id, &report, now).await.map_err(|e| match e {
        ReportError::Wrong(text) => CliError::Usage(text),
        ReportError::Desk(e) => e.into(),
    })?;
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    match (report.promise, recorded.held_until) {
        (Some(day), Some(until)) => {
            say!("promised by {day}; nothing is sent before {until}, when it is known whether it was kept")
        }
        (None, Some(until)) => say!("recorded; nothing is sent before {until}"),
        _ => say!("recorded on {today}; letters go on as planned"),
    }
    say!("on the call list again on {}, unless it is paid before", recorded.next);
    if matches!(report.excuse, Some(Excuse::Dispute)) {
        dispute(&recorded.numbers).iter().for_each(|line| say!("{line}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::dispute;

    #[test]
    fn how_to_set_a_dispute_is_told_for_the_invoices_of_the_call() {
        let told = |numbers: &[&str]| dispute(&numbers.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert_eq!(told(&["F-1"])[1], "    relance hold F-1 --disputed --until DATE --reason TEXT");
        assert_eq!(told(&["F-1", "F-2", "F-3", "F-4", "F-5"])[4], "    … and so for F-4, F-5");
        assert!(told(&[])[1].contains("hold INVOICE --disputed"));
    }
}
