//! `person export`: all that is held about a customer; `person erase`: takes it away, once nothing is claimed any more.

use super::out;
use super::{CliError, hold, log, open};
use crate::channel::email::read::subject_and_text;
use crate::clock::Clock;
use crate::config::Environment;
use crate::domain::step::Channel;
use crate::domain::time::local_date;
use crate::store::Store;
use crate::store::attempts::{AttemptRow, LogFilter};
use crate::store::person::erase::{Erasure, Open, Word};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: PersonVerb,
}

#[derive(Debug, clap::Subcommand)]
enum PersonVerb {
    /// Print all that relance holds about a customer, as one JSON document
    Export {
        /// A debtor's id
        #[arg(value_name = "DEBTOR")]
        debtor: String,
        /// Write it to this file, readable by you alone, which must not be there yet
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// On one line
        #[arg(long)]
        json: bool,
    },
    /// Erase what relance holds about a customer of whom nothing is claimed; this cannot be undone
    Erase {
        /// A debtor's id
        #[arg(value_name = "DEBTOR")]
        debtor: String,
        /// Why; stays on record, so name nobody
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let (setup, store) = open(config).await?;
    let zone = &setup.settings.creditor.timezone;
    match args.verb {
        PersonVerb::Export { debtor, out, json } => export(&store, zone, &debtor, out.as_deref(), json).await,
        PersonVerb::Erase { debtor, reason, json } => {
            let author = author(&setup.environment);
            erase(&store, zone, &debtor, reason.trim(), author.as_deref(), json).await
        }
    }
}

/// A debtor's id, also with the word before it that tells it from an invoice's.
async fn debtor<'n>(store: &Store, name: &'n str) -> Result<(i64, &'n str), CliError> {
    let id = name.strip_prefix("debtor:").unwrap_or(name);
    Ok((hold::debtor(store, id).await?, id))
}

/// Who asks, as far as the system tells: whoever called sudo, else the user.
fn author(environment: &Environment) -> Option<String> {
    let names = ["SUDO_USER", "LOGNAME", "USER"].into_iter().filter_map(|name| environment.get(name));
    names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty())
}

async fn export(store: &Store, zone: &TimeZone, name: &str, file: Option<&Path>, one_line: bool) -> Result<(), CliError> {
    let (pk, _) = debtor(store, name).await?;
    let mut whole = Map::from_iter([("exported_at".to_owned(), Value::from(out::rfc3339(Clock::System.now(), zone)))]);
    whole.extend(store.person(pk, |at| out::rfc3339(at, zone)).await?);
    let filter = LogFilter { debtor_pk: Some(pk), ..LogFilter::default() };
    let (mut attempts, mut after) = (Vec::new(), 0);
    loop {
        let page = store.log_page(after, &filter).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for row in &page {
            attempts.push(attempt(store, row, zone).await?);
        }
    }
    whole.insert("attempts".to_owned(), Value::Array(attempts));
    let whole = Value::Object(whole);
    let text = if one_line { whole.to_string() } else { format!("{whole:#}") };
    let Some(path) = file else {
        out::line(&text);
        return Ok(());
    };
    // It is made for nobody but who asked, and takes nobody's place.
    let made = std::fs::File::options().create_new(true).write(true).mode(0o600).open(path);
    let written = made.and_then(|mut file| writeln!(file, "{text}").and_then(|()| file.sync_all()));
    written
        .map_err(|e| CliError::Failed(format!("cannot write {}: {e}; wanted a file that is not there yet", path.display())))?;
    say!("all about {name} is in {}", path.display());
    Ok(())
}

/// An attempt with its message as it left.
async fn attempt(store: &Store, row: &AttemptRow, zone: &TimeZone) -> Result<Value, CliError> {
    let mut object = log::object(row, zone);
    let kept = match row.payload_pk {
        Some(pk) => store.payload(pk).await?,
        None => None,
    };
    let message = kept.and_then(|kept| kept.message);
    let (subject, text) = match &message {
        None => (None, None),
        Some(bytes) if row.channel.as_deref() == Some(Channel::Email.as_str()) => {
            let (subject, text) = subject_and_text(bytes);
            (subject, Some(text))
        }
        Some(bytes) => (None, Some(String::from_utf8_lossy(bytes).into_owned())),
    };
    object["subject"] = Value::from(subject);
    object["text"] = Value::from(text);
    object["message"] = message.map_or(Value::Null, |bytes| Value::from(String::from_utf8_lossy(&bytes)));
    Ok(object)
}

async fn erase(
    store: &Store,
    zone: &TimeZone,
    name: &str,
    reason: &str,
    author: Option<&str>,
    as_json: bool,
) -> Result<(), CliError> {
    if reason.is_empty() {
        return Err(CliError::Usage(
            "--reason is empty; wanted a few words, such as \"asked for it by letter of 3 May\"".to_owned(),
        ));
    }
    let (pk, id) = debtor(store, name).await?;
    let now = Clock::System.now();
    let word = Word { cause: "person", reason, author };
    let counts = match store.erase_person(pk, word, local_date(now, zone), now).await? {
        Erasure::Refused(open) => return Err(CliError::Failed(refusal(id, &open))),
        Erasure::Nothing(_) => BTreeMap::new(),
        Erasure::Done(counts) => counts,
    };
    // Also when nothing was left: the last time somebody may have been reading.
    let forgotten = store.forget_erased().await?;
    let in_log = store.words_in_log(pk).await?;
    if as_json {
        out::json(&json!({ "debtor": id, "at": out::rfc3339(now, zone), "reason": reason, "by": author, "counts": counts,
            "words_in_log": in_log, "file_clean": forgotten }));
        return Ok(());
    }
    if counts.is_empty() {
        say!("nothing was left to erase of {id}");
    } else {
        let counts: Vec<String> = counts.iter().map(|(table, count)| format!("{count} of {table}")).collect();
        say!("erased {id}: {}", counts.join(", "));
    }
    say!(
        "Its id, its invoices' numbers and amounts, and the log's facts stay; `relance log verify --deep` tells them as erased."
    );
    if id.contains('@') {
        say!("Its id in your ledger looks like an address, and stays: relance knows the ledger's rows by it.");
    }
    if in_log > 0 {
        say!("{in_log} attempts are from an older relance, which wrote the servers' answers into the log itself: those stay.");
    }
    if !forgotten {
        say!("Somebody is reading the store: its file beside, -wal, still holds pages from before. Say the same again later.");
    }
    Ok(())
}

/// Why nothing was erased, and what to do.
fn refusal(id: &str, open: &Open) -> String {
    let mut text = format!("{id} is not erased: something is open. Nothing was changed.");
    let mut tell = |line: String| {
        // Writing into a text cannot fail.
        write!(text, "\n  {line}").unwrap_or_default();
    };
    let (count, numbers) = &open.rows;
    if *count > 0 {
        let more =
            if *count > numbers.len() as i64 { format!(" and {} more", count - numbers.len() as i64) } else { String::new() };
        let them = if *count == 1 { "row of the ledger is" } else { "rows of the ledger are" };
        tell(format!(
            "{count} {them} not settled: {}{more}; it must be paid, void or gone there, and polled",
            numbers.join(", ")
        ));
    }
    for (number, state) in &open.messages {
        tell(match state.as_str() {
            "uncertain" => {
                format!("message {number} may or may not have left; say what became of it: relance uncertain {number} sent|drop")
            }
            "braked" => format!("message {number} waits for `relance release`; it is cancelled then if nothing is owed any more"),
            state => format!("message {number} is in hand ({state}); the running service settles it"),
        });
    }
    for (number, until, invoice) in &open.holds {
        let (about, name) = match invoice {
            Some(number) => (format!(" on {number}"), format!("invoice:{number}")),
            None => (String::new(), format!("debtor:{id}")),
        };
        tell(format!("hold {number}{about} runs until {until}; end it: relance resume {name}"));
    }
    text
}
