//! `check`: everything that is wrong, at once; with --connect, whether source, mail server, gateway and mailbox answer.

use super::{CliError, copies, takers};
use crate::clock::Clock;
use crate::config::exposed;
use crate::config::problem::{At, ConfigError, Problems};
use crate::config::settings::{InboxPlace, InboxSettings};
use crate::config::{Setup, environment};
use crate::flow::Desk;
use crate::flow::account::Account;
use crate::flow::desk::checked;
use crate::flow::rules::steps_are_there;
use crate::inbox::Inbox;
use crate::source::Source;
use crate::store::{Store, StoreError};
use std::path::Path;

/// Of so many open invoices it is told whether they have copies.
const NEWEST: i64 = 1000;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also reach the source, the mail server (TLS, login), the SMS gateway and the mailbox of [inbox]
    #[arg(long)]
    connect: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let setup = files(config).await?;
    if args.connect { connect(&setup).await } else { Ok(()) }
}

/// Checks the files, and what the store knows of them.
pub(super) async fn files(config: &Path) -> Result<Setup, CliError> {
    let (setup, warned) = match checked(config, environment()) {
        Ok((setup, letters)) => (setup, letters.warnings),
        Err(e) => return Err(tell(e)),
    };
    let (notes, store) = match complete(&setup).await {
        Ok(found) => found,
        Err(e) => return Err(tell(e)),
    };
    let exposed = exposed::look(config, &setup);
    if !exposed.grave.is_empty() {
        return Err(tell(ConfigError(exposed.grave)));
    }
    exposed.slight.iter().for_each(|found| say!("{}: warning: {}", found.at.file, found.text));
    let letters = setup.letters.iter().filter(|l| !l.name.ends_with(".toml")).count();
    warned.iter().for_each(|w| say!("{}: warning: {}", w.at, w.text));
    let warnings = if warned.is_empty() { String::new() } else { format!("; warnings: {}", warned.len()) };
    say!("{}: good (cadences: {}; letters: {letters}{warnings})", config.display(), setup.cadences.len());
    notes.iter().for_each(|note| say!("{note}"));
    if let Some(store) = store {
        let desk = Desk::new(setup.clone(), store, Clock::System).await?;
        takers::table(&desk).await?;
    }
    Ok(setup)
}

/// Problems are the answer to `check`, so they go to standard output as well as ending it.
fn tell(error: ConfigError) -> CliError {
    for problem in &error.0 {
        say!("{problem}");
    }
    complain!(
        "relance: {} to mend",
        if error.0.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", error.0.len()) }
    );
    CliError::Config(ConfigError(vec![]))
}

/// The check that needs the store: steps that vanished under open invoices (R8). Gives what is no fault of the
/// configuration, and worth knowing all the same; and the store, where there is one.
async fn complete(setup: &Setup) -> Result<(Vec<String>, Option<Store>), ConfigError> {
    let problems = Problems::default();
    let place = At::start(&setup.settings.store.place.name());
    let (mut notes, mut found) = (Vec::new(), None);
    match Store::existing(&setup.settings.store, &setup.environment).await {
        // None before there is a store; an older one is brought up to date by `run`, which asks again then.
        Err(StoreError::NotYet(_) | StoreError::TooOld { .. }) => {}
        Err(e) => problems.add(&place, e.to_string()),
        Ok(store) => {
            steps_are_there(setup, &store).await?;
            match Account::of(&store, &setup.settings.creditor).await {
                Ok(account) => notes.extend(account.told().map(|text| format!("CAUTION: nothing is sent: {text}"))),
                Err(e) => problems.add(&place, e.to_string()),
            }
            match store.documents_named(NEWEST).await {
                Ok(named) => {
                    let told = copies::told(setup.settings.documents.as_ref(), &named);
                    notes.extend(told.map(|text| format!("documents: {text}")));
                }
                Err(e) => problems.add(&place, e.to_string()),
            }
            found = Some(store);
        }
    }
    if problems.is_empty() { Ok((notes, found)) } else { Err(ConfigError(problems.into_sorted())) }
}

async fn connect(setup: &Setup) -> Result<(), CliError> {
    if tries(setup).await.is_empty() { Ok(()) } else { Err(CliError::Told) }
}

/// Tries source, mail server, gateway and mailbox, and prints what came of it; gives those that failed.
pub(super) async fn tries(setup: &Setup) -> Vec<&'static str> {
    let mut failed = Vec::new();
    let mut tell = |what: &'static str, outcome: Result<String, String>| match outcome {
        Ok(text) => say!("{what}: {text}"),
        Err(text) => {
            failed.push(what);
            say!("{what}: FAILED: {text}");
        }
    };
    tell("source", source(setup).await.map_err(|e| e.to_string()));
    if let Some(email) = &setup.settings.email {
        tell("email", email_probe(setup, email).await);
    }
    if let Some(sms) = &setup.settings.sms {
        tell("sms", sms_probe(setup, sms).await);
    }
    if let Some(inbox) = &setup.settings.inbox {
        tell("inbox", inbox_probe(setup, inbox).await);
    }
    if let Some(bank) = &setup.settings.bank {
        tell("bank", bank_probe(bank).await);
    }
    failed
}

/// Opens the ledger, reads a page and times the re-read of its rows (R13).
async fn source(setup: &Setup) -> Result<String, crate::source::SourceError> {
    let source = Source::open(setup).await?;
    let columns = source.columns().await?;
    let mut reading = source.read(&columns, 64).await?;
    let rows = reading.next_page().await?.map(|page| page.rows).unwrap_or_default();
    reading.end().await;
    let country = &setup.settings.creditor.country;
    let bad: Vec<String> =
        rows.iter().filter_map(|r| r.read(&columns, country).err().map(|why| format!("{}: {why}", r.id))).take(5).collect();
    let read = rows.iter().filter_map(|r| r.read(&columns, country).ok()).filter(|r| r.is_open());
    let named: Vec<(String, Option<String>)> = read.map(|r| (r.id, r.document)).collect();
    let ids: Vec<String> = rows.iter().filter(|r| r.has_id()).map(|r| r.id.clone()).collect();
    let watch = crate::clock::Stopwatch::start();
    let again = source.reread(&columns, &ids).await?;
    let millis = watch.elapsed().as_secs_f64() * 1000.0;
    let booked = source.booked_through().await?.map(|d| format!(", booked through {d}")).unwrap_or_default();
    let mut text = format!("{} answers; {} rows read again in {millis:.1} ms{booked}", source.place(), again.len());
    if again.len() != ids.len() {
        text.push_str(&format!("; CAUTION: of {} rows only {} came back at the re-read", ids.len(), again.len()));
    }
    if millis > 500.0 {
        text.push_str("; CAUTION: that is slow, an index on the invoice's id (or [source] reread) would help");
    }
    let unknown = columns.unknown();
    if !unknown.is_empty() {
        text.push_str(&format!("; columns that relance does not use: {}", unknown.join(", ")));
    }
    if let Some(told) = copies::told(setup.settings.documents.as_ref(), &named) {
        text.push_str(&format!("; documents: {told}"));
    }
    if !bad.is_empty() {
        text.push_str(&format!("; rows that cannot be read: {}", bad.join("; ")));
    }
    Ok(text)
}

async fn email_probe(setup: &Setup, email: &crate::config::settings::EmailSettings) -> Result<String, String> {
    let password = email.password.as_ref().map(|p| p.load(&setup.environment)).transpose().map_err(|e| e.to_string())?;
    crate::channel::email::Mailer::new(email, password).probe().await.map_err(|e| e.to_string())
}

async fn sms_probe(setup: &Setup, sms: &crate::config::settings::SmsSettings) -> Result<String, String> {
    let password = sms.password.as_ref().map(|p| p.load(&setup.environment)).transpose().map_err(|e| e.to_string())?;
    let texter = crate::channel::sms::Texter::new(sms, password, None).map_err(|e| e.to_string())?;
    texter.probe().await.map_err(|e| e.to_string())
}

/// Looks into the folder of statements, and reads the newest without taking anything in.
async fn bank_probe(bank: &crate::config::settings::BankSettings) -> Result<String, String> {
    let folder = bank.folder.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let list = crate::bank::folder::list(&folder)?;
        let Some(newest) = list.last() else { return Ok("the folder can be read and is empty".to_owned()) };
        let bytes = crate::bank::folder::bytes(&folder, &newest.name)?;
        let read = crate::bank::read(&bytes).map_err(|e| format!("{}: {e}", newest.name))?;
        Ok(format!("{} files; {}: {}, {} booked entries", list.len(), newest.name, read.kind.as_str(), read.entries.len()))
    });
    looked.await.unwrap_or_else(|_| Err("reading it failed; see for yourself what it is".to_owned()))
}

/// Logs in, opens the folder for reading only, and changes nothing.
async fn inbox_probe(setup: &Setup, inbox: &InboxSettings) -> Result<String, String> {
    let password = match &inbox.place {
        InboxPlace::Imap(imap) => Some(imap.password.load(&setup.environment).map_err(|e| e.to_string())?),
        InboxPlace::Maildir(_) => None,
    };
    Inbox::new(inbox, password).probe().await.map_err(|e| e.to_string())
}
