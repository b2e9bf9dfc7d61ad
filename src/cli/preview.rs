//! `preview`: who would get what, when, by which channel and letter; who gets nothing, and why.

use super::{CliError, desk, out};
use crate::domain::case::{CaseKey, DebtorFile};
use crate::domain::decision::{Booked, Line, Plan, Section};
use crate::domain::gsm::{Alphabet, segments};
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::step::Channel;
use crate::domain::time::{instant, local_date, plus_days};
use crate::flow::Desk;
use crate::flow::compose::{Order, rows, sms_text};
use crate::flow::simulate::{Foreseen, Horizon, foresee};
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
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=366))]
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
    channel: Channel,
    step: String,
    letter: String,
    address: String,
    invoices: Vec<String>,
    asked: Money,
    note: String,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let now = desk.clock.now();
    let zone = &desk.setup.settings.creditor.timezone;
    let today = local_date(now, zone);
    let first = args.from.unwrap_or(today);
    if first < today {
        return Err(CliError::Usage(format!("--from {first} is in the past; `relance log` shows what left")));
    }
    let begin = |day| instant(day, Time::midnight(), zone).unwrap_or(now);
    let horizon = Horizon { from: begin(first).max(now), until: begin(plus_days(first, i64::from(args.days))) };
    let conditions = desk.conditions(now).await?;
    let mut entries = Vec::new();
    let mut silent = Vec::new();
    let mut after = 0;
    loop {
        let keys = desk.store.open_debtors_after(after).await?;
        let Some(last) = keys.last() else { break };
        after = *last;
        for file in desk.files(&keys, now).await? {
            for foreseen in foresee(&desk, conditions.booked, &file, horizon) {
                match foreseen {
                    Foreseen::Contact { at, on, case, plan } => {
                        entries.extend(contact(&desk, &file, &case, &plan, at, on, conditions.booked));
                    }
                    Foreseen::Nothing { reason: Reason::Paid, .. } => {}
                    Foreseen::Nothing { reason, .. } => {
                        silent.push((first, file.debtor.id.clone(), file.debtor.name.clone(), reason))
                    }
                }
            }
        }
    }
    entries.sort_by(|a, b| (a.on, a.at, &a.debtor).cmp(&(b.on, b.at, &b.debtor)));
    if args.json {
        print_json(&entries, &silent);
    } else {
        print_tables(&desk, entries, silent, &conditions.brakes, args.days);
    }
    Ok(())
}

fn contact(desk: &Desk, file: &DebtorFile, case: &CaseKey, plan: &Plan, at: Timestamp, on: Date, booked: Booked) -> Vec<Entry> {
    let Some(cadence) = desk.setup.cadence(&case.cadence) else { return Vec::new() };
    let step = &cadence.steps[plan.step];
    let told = |l: &Line| l.mark.is_some() || l.section == Section::Asked;
    let numbers: Vec<String> = rows(file, plan).iter().filter(|(l, _)| told(l)).map(|(_, i)| i.number.clone()).collect();
    let entry = |(channel, address): &(Channel, String)| {
        let order =
            Order { file, cadence, plan, channel: *channel, address, message_id: "", message: 0, today: on, now: at, booked };
        let note = match channel {
            Channel::Email => String::new(),
            Channel::Sms => sms_text(desk, &order).map_or_else(|e| e.to_string(), |text| size(&text)),
        };
        Entry {
            on,
            at,
            debtor: file.debtor.id.clone(),
            name: file.debtor.name.clone(),
            channel: *channel,
            step: step.id.to_string(),
            letter: step.letter.clone(),
            address: address.clone(),
            invoices: numbers.clone(),
            asked: plan.asked,
            note,
        }
    };
    plan.to.iter().map(entry).collect()
}

/// How an SMS travels: alphabet and segments.
fn size(text: &str) -> String {
    let s = segments(text);
    let alphabet = if s.alphabet == Alphabet::Gsm7 { "GSM-7" } else { "UCS-2" };
    format!("{} {}, {alphabet}", s.count, if s.count == 1 { "segment" } else { "segments" })
}

fn print_json(entries: &[Entry], silent: &[(Date, String, String, Reason)]) {
    for e in entries {
        out::json(&json!({ "on": e.on.to_string(), "debtor": e.debtor, "channel": e.channel.as_str(), "step": e.step,
            "letter": e.letter, "address": e.address, "invoices": e.invoices, "asked": e.asked.decimal(), "currency": e.asked.currency.code(), "note": e.note }));
    }
    for (on, debtor, _, reason) in silent {
        out::json(&json!({ "on": on.to_string(), "debtor": debtor, "reason": reason.code(), "text": reason.text() }));
    }
}

fn print_tables(
    desk: &Desk,
    entries: Vec<Entry>,
    silent: Vec<(Date, String, String, Reason)>,
    brakes: &[crate::domain::decision::Brake],
    days: u16,
) {
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
            e.channel.to_string(),
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
        let row = |(_, id, name, reason): (Date, String, String, Reason)| {
            vec![format!("{id} {name}"), reason.code().to_owned(), reason.text().to_owned()]
        };
        out::table(&["debtor", "reason", "why"], silent.into_iter().map(row).collect());
        say!();
    }
    say!(
        "{messages} messages in {days} days, if nobody pays or answers; nothing for {quiet} cases. Nothing was sent or written."
    );
}
