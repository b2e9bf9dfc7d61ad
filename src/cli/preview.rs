//! `preview`: who would get what, when, by which channel and letter; who gets nothing, and why.

use super::{CliError, desk, out};
use crate::domain::case::{CaseKey, DebtorFile};
use crate::domain::decision::{Booked, Brake, Line, Plan, Section, To, Verdict, Way};
use crate::domain::gsm::{Alphabet, segments};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::step::Channel;
use crate::domain::time::{instant, local_date, plus_days};
use crate::flow::Desk;
use crate::flow::compose::{Order, rows, sms_text};
use crate::flow::copies::Copies;
use crate::flow::desk::Conditions;
use crate::flow::guard;
use crate::flow::simulate::{Foreseen, Horizon, foresee, outlook};
use crate::store::views::UnderWay;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde_json::json;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// From this day (today, when left out)
    #[arg(long, value_parser = super::day)]
    from: Option<Date>,
    /// So many days
    #[arg(long, default_value_t = 14, value_parser = days)]
    days: u16,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// A line of the preview.
struct Entry {
    on: Date,
    at: Timestamp,
    debtor: String,
    name: String,
    /// `email`, `sms`; `call` or `task` for what people do.
    channel: &'static str,
    step: String,
    letter: String,
    address: String,
    invoices: Vec<String>,
    asked: Money,
    note: String,
}

/// Somebody, or a row, for whom nothing leaves.
struct Silent {
    on: Date,
    /// Unknown for a row that was never read.
    debtor: Option<String>,
    name: String,
    reason: Reason,
    text: String,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    show(&desk(config).await?, &args).await
}

/// The first week, on a desk whose ledger has been read.
pub(super) async fn week(desk: &Desk) -> Result<(), CliError> {
    show(desk, &Args { from: None, days: 7, json: false }).await
}

async fn show(desk: &Desk, args: &Args) -> Result<(), CliError> {
    let now = desk.clock.now();
    let zone = &desk.setup.settings.creditor.timezone;
    let today = local_date(now, zone);
    let first = args.from.unwrap_or(today);
    if first < today {
        return Err(CliError::Usage(format!("--from {first} is in the past; `relance log` shows what left")));
    }
    let begin = |day| instant(day, Time::midnight(), zone).unwrap_or(now);
    let horizon = Horizon { from: begin(first).max(now), until: begin(plus_days(first, i64::from(args.days))) };
    let (conditions, _) = guard::told(desk, now).await?;
    let mut entries = Vec::new();
    let mut silent = Vec::new();
    let mut after = 0;
    loop {
        let keys = desk.store.open_debtors_after(after).await?;
        let Some(last) = keys.last() else { break };
        after = *last;
        let under_way = desk.store.under_way(&keys).await?;
        for file in desk.files(&keys, now).await? {
            let messages: Vec<&UnderWay> = under_way.iter().filter(|m| m.debtor_pk == file.debtor.pk).collect();
            let mut told: Vec<CaseKey> = Vec::new();
            for message in messages {
                match in_hand(desk, &file, message, conditions.booked, now) {
                    Ok(entry) if entry.at >= horizon.until => {}
                    Ok(entry) => {
                        told.push(message.case.clone());
                        entries.extend(Some(entry).filter(|e| e.at >= horizon.from));
                    }
                    Err(reason) => {
                        silent.push(nothing(first, &file, reason, &format!("step {} is under way, but: ", message.step)))
                    }
                }
            }
            for foreseen in foresee(desk, conditions.booked, &file, horizon) {
                match foreseen {
                    Foreseen::Contact { at, on, case, plan } => {
                        entries.extend(contact(desk, &file, &case, &plan, at, on, conditions.booked));
                    }
                    Foreseen::Nothing { reason: Reason::Paid, .. } => {}
                    Foreseen::Nothing { case: Some(case), .. } if told.contains(&case) => {}
                    Foreseen::Nothing { reason, case } => {
                        let rows = if case.is_none() { without_cadence(&file) } else { String::new() };
                        silent.push(nothing(first, &file, reason, &rows));
                    }
                }
            }
        }
    }
    for (id, text) in desk.store.unreadable_rows().await? {
        let name = format!("row {id}");
        silent.push(Silent { on: first, debtor: None, text: format!("{name}: {text}"), name, reason: Reason::Unreadable });
    }
    entries.sort_by(|a, b| (a.on, a.at, &a.debtor).cmp(&(b.on, b.at, &b.debtor)));
    if args.json {
        print_json(&entries, &silent);
    } else {
        print_tables(desk, entries, silent, &conditions.brakes, args.days);
    }
    Ok(())
}

fn nothing(on: Date, file: &DebtorFile, reason: Reason, what: &str) -> Silent {
    let (debtor, name) = (Some(file.debtor.id.clone()), file.debtor.name.clone());
    Silent { on, debtor, name, reason, text: format!("{what}{}", reason.text()) }
}

/// The rows that no cadence takes, by number.
fn without_cadence(file: &DebtorFile) -> String {
    let rows = file.rows.iter().map(|r| &r.invoice).filter(|i| i.is_open() && i.cadence.is_none() && !i.is_credit());
    format!("{}: ", rows.map(|i| i.number.as_str()).collect::<Vec<_>>().join(" "))
}

/// A message that is planned already: when it leaves, were nothing to stop it; or why it will not.
fn in_hand(desk: &Desk, file: &DebtorFile, message: &UnderWay, booked: Booked, now: Timestamp) -> Result<Entry, Reason> {
    let free = Conditions { brakes: vec![], booked, read_on: None };
    let found = outlook(desk, &free, file, message, now).ok_or(Reason::NoCadence)?;
    let (Verdict::Send(plan), Some(at)) = (&found.decision.verdict, found.at) else { return Err(found.decision.reason) };
    let on = local_date(at, &desk.setup.zone(&file.debtor));
    let mut same = contact(desk, file, &message.case, plan, at, on, booked).into_iter();
    let mut entry =
        same.find(|e| e.channel == message.channel.as_str() && e.address == message.address).ok_or(Reason::Changed)?;
    let word = file.contacts.iter().find(|c| c.pk == message.contact_pk).and_then(|c| c.word.as_ref());
    let untold = word.is_some_and(|w| w.silence_is_yes && !w.given && w.told_at.is_none());
    let state = match message.state.as_str() {
        "braked" => "planned, held until `relance release`".to_owned(),
        "deferred" => format!("planned, tried {} times", message.tries),
        _ if untold => "planned; the owner has not been told yet, before that it does not leave".to_owned(),
        _ => "planned".to_owned(),
    };
    entry.note = [state, entry.note].into_iter().filter(|n| !n.is_empty()).collect::<Vec<_>>().join("; ");
    Ok(entry)
}

fn contact(desk: &Desk, file: &DebtorFile, case: &CaseKey, plan: &Plan, at: Timestamp, on: Date, booked: Booked) -> Vec<Entry> {
    let Some(cadence) = desk.setup.cadence(&case.cadence) else { return Vec::new() };
    let step = &cadence.steps[plan.step];
    let told = |l: &Line| l.mark.is_some() || l.section == Section::Asked;
    let numbers: Vec<String> = rows(file, plan).iter().filter(|(l, _)| told(l)).map(|(_, i)| i.number.clone()).collect();
    let wait = match (step.approval, step.notify_owner) {
        (true, _) => Some("waits for a yes".to_owned()),
        (false, Some(notice)) => Some(format!("the owner is told {notice} before")),
        (false, None) => None,
    };
    let entry = |channel: &'static str, address: &str, notes: Vec<String>| Entry {
        on,
        at,
        debtor: file.debtor.id.clone(),
        name: file.debtor.name.clone(),
        channel,
        step: step.id.to_string(),
        letter: step.letter.clone(),
        address: address.to_owned(),
        invoices: numbers.clone(),
        asked: plan.asked,
        note: notes.join("; "),
    };
    let message = |to: &To| {
        // Only of a text is anything made here, which has none.
        let copies = &Copies::default();
        let order = Order { file, cadence, plan, to, message_id: "", message: 0, today: on, now: at, booked, copies };
        let form = match to.channel {
            Channel::Email => to.copy.then(|| "copy".to_owned()),
            Channel::Sms => Some(sms_text(desk, &order).map_or_else(|e| e.to_string(), |text| size(&text))),
        };
        entry(to.channel.as_str(), &to.address, form.into_iter().chain(wait.clone()).collect())
    };
    match &plan.way {
        Way::Messages(to) => to.iter().map(message).collect(),
        Way::Task(kind) => vec![entry(kind.as_str(), "", wait.into_iter().collect())],
    }
}

/// So many days of a year.
fn days(text: &str) -> Result<u16, String> {
    let days = text.parse().ok().filter(|days| (1..=366).contains(days));
    days.ok_or_else(|| "wanted a whole number of days from 1 to 366".to_owned())
}

/// How an SMS travels: alphabet and segments.
fn size(text: &str) -> String {
    let s = segments(text);
    let alphabet = if s.alphabet == Alphabet::Gsm7 { "GSM-7" } else { "UCS-2" };
    format!("{} {}, {alphabet}", s.count, if s.count == 1 { "segment" } else { "segments" })
}

fn print_json(entries: &[Entry], silent: &[Silent]) {
    for e in entries {
        out::json(&json!({ "on": e.on.to_string(), "debtor": e.debtor, "channel": e.channel, "step": e.step,
            "letter": e.letter, "address": e.address, "invoices": e.invoices, "asked": e.asked.decimal(), "currency": e.asked.currency.code(), "note": e.note }));
    }
    for s in silent {
        out::json(&json!({ "on": s.on.to_string(), "debtor": s.debtor, "reason": s.reason.code(), "text": s.text }));
    }
}

fn print_tables(desk: &Desk, entries: Vec<Entry>, silent: Vec<Silent>, brakes: &[Brake], days: u16) {
    for brake in brakes {
        say!("Sending is stopped now ({}): {}\n", brake.reason, brake.text);
    }
    if let Some(to) = &desk.setup.settings.guard.redirect_to {
        say!("All messages go to {to} ([guard] redirect_to).\n");
    }
    let (messages, quiet) = (entries.len(), silent.len());
    let row = |e: Entry| {
        let letter = if e.note.is_empty() { e.letter } else { format!("{} ({})", e.letter, e.note) };
        vec![
            format!("{} {}", e.on, e.on.strftime("%a")),
            format!("{} {}", e.debtor, e.name),
            e.step,
            e.channel.to_owned(),
            letter,
            super::log::mask(&e.address),
            e.invoices.join(" "),
            e.asked.to_string(),
        ]
    };
    if messages > 0 {
        let header = ["on", "debtor", "step", "channel", "letter", "address", "invoices", "asked"];
        out::table(&header, entries.into_iter().map(row).collect());
        say!();
    }
    if quiet > 0 {
        say!("Nothing leaves for:");
        let row = |s: Silent| {
            let who = s.debtor.map_or(s.name.clone(), |id| format!("{id} {}", s.name));
            vec![who, s.reason.code().to_owned(), s.text]
        };
        out::table(&["debtor", "reason", "why"], silent.into_iter().map(row).collect());
        say!();
    }
    let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
    let rest = if quiet > 0 { format!("; nothing for the {quiet} above that are named so") } else { String::new() };
    say!("{messages} messages and tasks in {days}, if nobody pays or answers{rest}. Nothing was sent or written.");
}
