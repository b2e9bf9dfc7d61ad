//! `inbox`: what came back, and a person's word that it has been read.

use super::hold::debtor;
use super::{CliError, open, out};
use crate::clock::Clock;
use crate::config::Setup;
use crate::flow::Desk;
use crate::flow::listen::{Taken, mailbox};
use crate::inbox::handed_in;
use crate::store::Store;
use crate::store::returns::{Inbound, InboundFilter};
use jiff::tz::TimeZone;
use serde_json::json;
use std::path::Path;

/// Of a mail larger than so many bytes only the beginning is read, where [inbox] says nothing else.
const MOST: u64 = 10_000_000;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Only this customer's
    debtor: Option<String>,
    /// All that came, not only what waits to be read
    #[arg(long)]
    all: bool,
    /// What belongs to no customer
    #[arg(long, conflicts_with = "debtor")]
    unmatched: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show one of them with all that was written
    Show {
        /// Its number
        id: i64,
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Read one mail from standard input, as a mail server hands it over; exit code 75 asks the server to try again
    Take,
    /// Say that it has been read and seen to: the customer's case goes on
    Read {
        /// Its number
        id: i64,
        /// What came of it
        #[arg(long)]
        remark: Option<String>,
        /// Who says so
        #[arg(long)]
        by: Option<String>,
    },
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    match args.what {
        Some(What::Take) => take(config).await,
        Some(What::Show { id, json }) => show(&open(config).await?, id, json).await,
        Some(What::Read { id, remark, by }) => read(&open(config).await?.1, id, by.as_deref(), remark.as_deref()).await,
        None => list(&open(config).await?, &args).await,
    }
}

async fn list((setup, store): &(Setup, Store), args: &Args) -> Result<(), CliError> {
    let zone = &setup.settings.creditor.timezone;
    let debtor_pk = match &args.debtor {
        Some(id) => Some(debtor(store, id).await?),
        None => None,
    };
    let filter = InboundFilter { unread: !args.all && !args.unmatched, debtor_pk, unmatched: args.unmatched };
    let (mut above, mut rows) = (0, Vec::new());
    loop {
        let page = store.inbound(above, filter).await?;
        let Some(last) = page.last() else { break };
        above = last.id;
        if args.json {
            if !page.iter().all(|b| out::json(&fields(b, zone))) {
                break; // Nobody reads any more.
            }
        } else {
            rows.extend(page.iter().map(|b| row(b, zone)));
        }
    }
    match (args.json, rows.is_empty()) {
        (true, _) => {}
        (false, true) if filter.unread => say!("nothing waits to be read"),
        (false, true) => say!("nothing has come"),
        (false, false) => {
            out::table(&["id", "came", "debtor", "what", "from", "subject", "held until"], rows);
            if filter.unread {
                say!("\nrelance inbox show ID tells what was written; relance inbox read ID lets the case go on");
            }
        }
    }
    Ok(())
}

fn row(b: &Inbound, zone: &TimeZone) -> Vec<String> {
    let debtor = match (&b.debtor, &b.name) {
        (Some(id), Some(name)) => format!("{id} {name}"),
        _ => "nobody's".to_owned(),
    };
    let held = b.held_until.map(|d| d.to_string()).unwrap_or_default();
    let from = b.sender.clone().unwrap_or_default();
    vec![b.id.to_string(), out::short(b.at, zone), debtor, what(b).to_owned(), from, b.subject.clone(), held]
}

/// What it is, in words.
fn what(b: &Inbound) -> &str {
    match b.kind.as_str() {
        "failed" => "did not arrive",
        "delayed" => "delayed",
        "delivered" => "arrived",
        "automatic" => "automatic answer",
        "reply" if b.state == "unread" => "answer, unread",
        "reply" => "answer",
        "stop" => "no more SMS",
        _ => "other",
    }
}

fn fields(b: &Inbound, zone: &TimeZone) -> serde_json::Value {
    json!({ "id": b.id, "at": out::rfc3339(b.at, zone), "debtor": b.debtor, "via": b.via.as_str(), "kind": b.kind, "state": b.state,
        "matched_by": b.matched_by, "message": b.message_pk, "from": b.sender, "subject": b.subject, "text": b.text,
        "class": b.class, "speaks_of": b.grave, "back_on": b.back_on, "held_until": b.held_until.map(|d| d.to_string()),
        "read_at": b.read_at.map(|at| out::rfc3339(at, zone)), "by": b.said_by, "remark": b.remark })
}

async fn show((setup, store): &(Setup, Store), id: i64, json: bool) -> Result<(), CliError> {
    let zone = &setup.settings.creditor.timezone;
    let all = InboundFilter::default();
    let Some(b) = store.inbound(id - 1, all).await?.into_iter().next().filter(|b| b.id == id) else {
        return Err(CliError::Failed(format!("there is nothing {id} in the inbox; `relance inbox --all` lists what came")));
    };
    if json {
        out::json(&fields(&b, zone));
        return Ok(());
    }
    out::field("came", Some(&out::short(b.at, zone)));
    out::field("debtor", b.debtor.as_ref().zip(b.name.as_ref()).map(|(id, name)| format!("{id} {name}")).as_deref());
    out::field("what", Some(what(&b)));
    out::field("known by", Some(b.matched_by.as_deref().unwrap_or("nothing: it belongs to no customer")));
    out::field("from", b.sender.as_deref());
    out::field("subject", Some(&b.subject));
    out::field("about", b.class.as_deref());
    out::field("speaks of", b.grave.as_deref());
    out::field("back on", b.back_on.as_deref());
    out::field("held until", b.held_until.map(|d| d.to_string()).as_deref());
    out::field("read", b.read_at.map(|at| out::short(at, zone)).as_deref());
    out::field("by", b.said_by.as_deref());
    out::field("remark", b.remark.as_deref());
    match (b.erased, b.text.is_empty()) {
        (true, _) => say!("\n(erased)"),
        (false, false) => say!("\n{}", b.text),
        (false, true) => {}
    }
    Ok(())
}

/// Whatever stands in the way is told as something that may pass: a mail server that is told otherwise sends a report on our
/// own mailbox to whoever wrote.
async fn take(config: &Path) -> Result<(), CliError> {
    let later = |e: String| CliError::Later(format!("the mail is not on record, and is to be handed over again: {e}"));
    let (setup, store) = open(config).await.map_err(|e| later(e.to_string()))?;
    let largest = setup.settings.inbox.as_ref().map_or(MOST, |inbox| inbox.max_size);
    let bytes = tokio::task::spawn_blocking(move || handed_in(std::io::stdin().lock(), largest)).await;
    let bytes = bytes.map_err(|e| later(e.to_string()))?.map_err(|e| later(format!("standard input: {e}")))?;
    if bytes.is_empty() {
        return Err(CliError::Usage(
            "there is no mail on standard input; wanted one as it came: relance inbox take < message".to_owned(),
        ));
    }
    let desk = Desk::new(setup, store, Clock::System).await.map_err(|e| later(e.to_string()))?;
    match mailbox::take_mail(&desk, bytes).await.map_err(|e| later(e.to_string()))? {
        Some(Taken::Matched(debtors)) => say!("it belongs to {}", debtors.join(", ")),
        Some(Taken::Early) => return Err(later("it is about a message that is still on its way".to_owned())),
        Some(Taken::Known) => say!("it has come before"),
        Some(Taken::Own) => say!("it is one of our own"),
        Some(Taken::Unmatched) => say!("it belongs to nobody: see relance inbox --unmatched"),
        None => return Err(CliError::Failed("the mail cannot be read: see for yourself what it is".to_owned())),
    }
    Ok(())
}

async fn read(store: &Store, id: i64, by: Option<&str>, remark: Option<&str>) -> Result<(), CliError> {
    match store.mark_read(id, by, remark, Clock::System.now()).await? {
        true => say!("{id} is read: the case goes on"),
        false => {
            let text = format!("{id} does not wait to be read; `relance inbox` lists what does");
            return Err(CliError::Failed(text));
        }
    }
    Ok(())
}
