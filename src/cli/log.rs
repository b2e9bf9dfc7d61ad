//! `log`: every attempt, with what came of it; `log show`: the message as it left; `log verify`: the chain.

use super::out;
use super::{CliError, hold, open};
use crate::domain::attempt::Outcome;
use crate::store::Store;
use crate::store::attempts::{AttemptRow, LogFilter};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Option<LogVerb>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Subcommand)]
enum LogVerb {
    /// Print a message exactly as it left
    Show {
        /// The attempt's number
        #[arg(value_parser = super::number)]
        id: i64,
        /// One JSON object: the attempt and the message
        #[arg(long)]
        json: bool,
    },
    /// Check that no attempt was changed, added or removed
    Verify {
        /// Also unpack and check every message
        #[arg(long)]
        deep: bool,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct List {
    /// Of this debtor
    #[arg(long, value_name = "ID")]
    debtor: Option<String>,
    /// About this invoice (id or number)
    #[arg(long, value_name = "INVOICE")]
    invoice: Option<String>,
    /// By this channel
    #[arg(long, value_parser = ["email", "sms"])]
    channel: Option<String>,
    /// With this outcome
    #[arg(long, value_parser = Outcome::ALL.map(Outcome::as_str))]
    outcome: Option<String>,
    /// Of this step
    #[arg(long)]
    step: Option<String>,
    /// From this day
    #[arg(long, value_parser = super::day)]
    since: Option<Date>,
    /// Through this day
    #[arg(long, value_parser = super::day)]
    until: Option<Date>,
    /// Only the last so many
    #[arg(long, value_parser = super::how_many)]
    limit: Option<usize>,
    /// Go on printing what comes
    #[arg(long)]
    follow: bool,
    /// One JSON object a line, with whole addresses
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let (setup, store) = open(config).await?;
    match args.verb {
        Some(LogVerb::Show { id, json }) => show(&store, &setup.settings.creditor.timezone, id, json).await,
        Some(LogVerb::Verify { deep, json }) => verify(&store, deep, json).await,
        None => list(&store, &setup.settings.creditor.timezone, args.list).await,
    }
}

async fn list(store: &Store, zone: &TimeZone, args: List) -> Result<(), CliError> {
    let (filter, invoice) = filter(store, zone, &args).await?;
    let about = |row: &AttemptRow| invoice.as_ref().is_none_or(|name| is_about(row, name));
    let mut last = 0;
    let mut header = true;
    if let Some(limit) = args.limit {
        let rows = newest(store, &filter, limit, &about).await?;
        last = rows.last().map_or(0, |r| r.id);
        if !print(&rows, zone, args.json, &mut header) || !args.follow {
            return Ok(());
        }
    }
    loop {
        let page = store.log_page(last, &filter).await?;
        let Some(end) = page.last().map(|r| r.id) else {
            if !args.follow {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            continue;
        };
        last = end;
        let rows: Vec<AttemptRow> = page.into_iter().filter(&about).collect();
        if !print(&rows, zone, args.json, &mut header) {
            return Ok(());
        }
    }
    if header && !args.json {
        say!("no attempts");
    }
    Ok(())
}

async fn filter(store: &Store, zone: &TimeZone, args: &List) -> Result<(LogFilter, Option<String>), CliError> {
    let begin = |day: Date| crate::domain::time::instant(day, Time::midnight(), zone).map(|t| t.as_millisecond());
    let mut filter = LogFilter {
        channel: args.channel.clone(),
        outcome: args.outcome.clone(),
        step: args.step.clone(),
        since: args.since.and_then(begin),
        until: args.until.and_then(|d| begin(crate::domain::time::plus_days(d, 1))),
        ..LogFilter::default()
    };
    if let Some(name) = &args.debtor {
        filter.debtor_pk = Some(hold::debtor(store, name).await?);
    }
    if let Some(name) = &args.invoice {
        filter.debtor_pk = Some(hold::debtor_of_invoice(store, name).await?);
    }
    Ok((filter, args.invoice.clone()))
}

async fn newest(
    store: &Store,
    filter: &LogFilter,
    limit: usize,
    about: &impl Fn(&AttemptRow) -> bool,
) -> Result<Vec<AttemptRow>, CliError> {
    let mut found: Vec<AttemptRow> = Vec::new();
    let mut before = i64::MAX;
    while found.len() < limit {
        let page = store.log_page_before(before, filter).await?;
        let Some(end) = page.last() else { break };
        before = end.id;
        found.extend(page.into_iter().filter(about));
    }
    found.truncate(limit);
    found.reverse();
    Ok(found)
}

pub(super) fn invoices(row: &AttemptRow) -> Vec<Value> {
    serde_json::from_str(&row.invoices).unwrap_or_default()
}

pub(super) fn is_about(row: &AttemptRow, name: &str) -> bool {
    invoices(row).iter().any(|i| i["id"] == name || i["number"] == name)
}

/// Prints rows; false when nobody reads any more.
fn print(rows: &[AttemptRow], zone: &TimeZone, as_json: bool, header: &mut bool) -> bool {
    if as_json {
        return rows.iter().all(|row| out::json(&object(row, zone)));
    }
    if rows.is_empty() {
        return true;
    }
    let names: &[&str] = &["id", "at", "debtor", "channel", "address", "step", "invoices", "outcome", "answer"];
    *header = false;
    out::table(names, rows.iter().map(|r| cells(r, zone)).collect())
}

/// An attempt as JSON: the documented, stable fields.
pub(super) fn object(row: &AttemptRow, zone: &TimeZone) -> Value {
    json!({
        "id": row.id, "at": out::rfc3339(row.at, zone), "debtor": row.debtor, "person": row.person, "channel": row.channel,
        "address": row.address, "cadence": row.cadence, "step": row.step, "letter": row.letter, "language": row.language,
        "invoices": invoices(row), "outcome": row.outcome.as_str(), "class": row.class, "why": row.why, "answer": row.answer,
        "message_id": row.message_id, "erased_at": row.erased_at.map(|at| out::rfc3339(at, zone)),
    })
}

/// So much of the other side's words a table shows at the most.
const WORDS: usize = 80;

fn cells(row: &AttemptRow, zone: &TimeZone) -> Vec<String> {
    let numbers: Vec<String> = invoices(row).iter().filter_map(|i| i["number"].as_str().map(str::to_owned)).collect();
    // What a failure is about goes with the other side's words: the outcome is a code of its own.
    let words = row.why.as_deref().or(row.answer.as_deref()).unwrap_or_default();
    let words = match &row.class {
        Some(class) => format!("{class}: {words}"),
        None => words.to_owned(),
    };
    vec![
        row.id.to_string(),
        out::short(row.at, zone),
        row.debtor.clone(),
        row.channel.clone().unwrap_or_default(),
        match (&row.address, row.erased_at) {
            (Some(address), _) => mask(address),
            (None, Some(_)) => "erased".to_owned(),
            (None, None) => String::new(),
        },
        row.step.clone(),
        numbers.join(" "),
        row.outcome.to_string(),
        words.chars().take(WORDS).collect(),
    ]
}

/// An address that can be recognised but not copied from a screen.
pub(super) fn mask(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => format!("{}…@{domain}", local.chars().take(2).collect::<String>()),
        None => {
            let tail: String = address.chars().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect();
            format!("{}…{tail}", address.chars().take(4).collect::<String>())
        }
    }
}

async fn show(store: &Store, zone: &TimeZone, id: i64, as_json: bool) -> Result<(), CliError> {
    let row = store
        .attempt(id)
        .await?
        .ok_or_else(|| CliError::Failed(format!("there is no attempt {id}; `relance log` lists them")))?;
    let kept = match row.payload_pk {
        Some(pk) => store.payload(pk).await?,
        None => None,
    };
    let message = kept.as_ref().and_then(|k| k.message.as_ref());
    if as_json {
        let mut whole = object(&row, zone);
        whole["message"] = message.map_or(Value::Null, |bytes| Value::from(String::from_utf8_lossy(bytes)));
        out::json(&whole);
        return Ok(());
    }
    let Some(message) = message else {
        if let Some(at) = row.erased_at.filter(|_| kept.as_ref().is_some_and(|k| k.erased)) {
            let (outcome, day) = (row.outcome, out::short(at, zone));
            return Err(CliError::Failed(format!(
                "the message of attempt {id} ({outcome}) was erased on {day}; its facts stay in the log"
            )));
        }
        let why = row.why.or(row.answer).unwrap_or_else(|| "no message was made".to_owned());
        return Err(CliError::Failed(format!("attempt {id} ({}) has no message: {why}", row.outcome)));
    };
    use std::io::Write as _;
    let mut stdout = std::io::stdout().lock();
    let written =
        stdout.write_all(message).and_then(|()| if message.ends_with(b"\n") { Ok(()) } else { stdout.write_all(b"\n") });
    match written {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::Failed(format!("cannot print the message: {e}"))),
        _ => Ok(()),
    }
}

async fn verify(store: &Store, deep: bool, as_json: bool) -> Result<(), CliError> {
    let found = store.verify_log(deep).await?;
    if as_json {
        out::json(
            &json!({ "rows": found.rows, "payloads": found.payloads, "erased": found.erased, "head": found.head, "broken": found.broken }),
        );
    } else {
        for line in &found.broken {
            say!("{line}");
        }
        let payloads = if deep { format!(", {} messages unpacked", found.payloads) } else { String::new() };
        let payloads = if deep || found.erased > 0 { format!("{payloads}, {} erased", found.erased) } else { payloads };
        say!("{} attempts{payloads}; head of the chain {}", found.rows, found.head);
        say!("{}", if found.broken.is_empty() { "the log is whole" } else { "the log is NOT whole" });
    }
    if found.broken.is_empty() { Ok(()) } else { Err(CliError::Told) }
}
