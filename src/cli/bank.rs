//! `bank`: what the bank's statements show, and a person's word on what it pays.

use super::hold::debtor;
use super::{CliError, open, out};
use crate::clock::Clock;
use crate::domain::bank::{EntryKind, Near};
use crate::flow::Desk;
use crate::flow::bank::{self, Said};
use crate::store::Store;
use crate::store::bank::{BankRow, MatchRow};
use crate::store::holds::Found;
use jiff::tz::TimeZone;
use serde_json::json;
use std::path::Path;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Only what concerns this customer
    debtor: Option<String>,
    /// All that was read, not only what waits for your word
    #[arg(long)]
    all: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show one entry with all that the bank says of it, and what it pays or may pay
    Show {
        /// Its number
        id: i64,
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Say that it pays an invoice: nothing is sent about that until the ledger has the payment
    Take {
        /// Its number
        id: i64,
        /// The invoice, by id or number, where several may be meant or none is known
        invoice: Option<String>,
        /// Who says so
        #[arg(long)]
        by: Option<String>,
    },
    /// Say that it pays nothing of this ledger: what it held goes on
    Refuse {
        /// Its number
        id: i64,
        /// Why
        #[arg(long)]
        reason: String,
        /// Who says so
        #[arg(long)]
        by: Option<String>,
    },
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let (setup, store) = open(config).await?;
    let zone = setup.settings.creditor.timezone.clone();
    match args.what {
        Some(What::Show { id, json }) => show(&store, id, json, &zone).await,
        Some(What::Take { id, ref invoice, ref by }) => {
            let invoice = match invoice {
                None => None,
                Some(name) => Some(named(&store, name).await?),
            };
            let desk = Desk::new(setup, store, Clock::System).await?;
            said(bank::take(&desk, id, invoice, by.as_deref(), desk.clock.now()).await?)
        }
        Some(What::Refuse { id, ref reason, ref by }) => {
            if reason.trim().is_empty() {
                return Err(CliError::Usage("--reason is empty; wanted why it pays nothing of this ledger".to_owned()));
            }
            let desk = Desk::new(setup, store, Clock::System).await?;
            said(bank::refuse(&desk, id, reason, by.as_deref(), desk.clock.now()).await?)
        }
        None => list(&store, &args, &zone).await,
    }
}

/// Prints what became of a word.
fn said(said: Said) -> Result<(), CliError> {
    match said {
        Said::Done(text) => say!("{text}"),
        Said::Not(text) => return Err(CliError::Failed(text)),
    }
    Ok(())
}

/// The invoice of a name.
async fn named(store: &Store, name: &str) -> Result<i64, CliError> {
    match store.find(name).await? {
        Found::One(named) => named
            .invoice_pk
            .ok_or_else(|| CliError::Failed(format!("{name} is a customer; wanted the id or number of an invoice"))),
        Found::Nothing => Err(CliError::Failed(format!("there is no invoice {name}; wanted its id or number in your ledger"))),
        Found::Several(all) => {
            let ids: Vec<&str> = all.iter().map(|(id, _)| id.as_str()).collect();
            Err(CliError::Failed(format!("{name} is the number of several invoices; wanted one of the ids {}", ids.join(", "))))
        }
    }
}

async fn list(store: &Store, args: &Args, zone: &TimeZone) -> Result<(), CliError> {
    let debtor_pk = match &args.debtor {
        Some(id) => Some(debtor(store, id).await?),
        None => None,
    };
    let (mut above, mut rows) = (0, Vec::new());
    loop {
        let page = store.bank_rows(above, !args.all, debtor_pk).await?;
        let Some(last) = page.last() else { break };
        above = last.id;
        for entry in &page {
            let matches = store.bank_matches(entry.id).await?;
            if args.json {
                if !out::json(&fields(entry, &matches, zone)) {
                    return Ok(()); // Nobody reads any more.
                }
            } else {
                rows.push(row(entry, &matches));
            }
        }
    }
    if args.json {
        return Ok(());
    }
    match (rows.is_empty(), args.all) {
        (true, true) => say!("no statement has shown anything yet"),
        (true, false) => say!("nothing of the bank waits for your word"),
        (false, all) => {
            out::table(&["id", "booked", "amount", "from", "invoices", "what"], rows);
            if !all {
                say!(
                    "\nrelance bank take ID [INVOICE] says what it pays; relance bank refuse ID --reason … says that it pays nothing"
                );
            }
        }
    }
    for file in store.bank_files_failed().await? {
        say!("cannot be read: {}: {}", file.name, file.problem);
    }
    Ok(())
}

fn row(e: &BankRow, matches: &[MatchRow]) -> Vec<String> {
    let numbers: Vec<String> = matches.iter().map(|m| format!("{} ({})", m.number, m.debtor)).collect();
    let sign = if e.kind == EntryKind::Credit { "" } else { "-" };
    let name = e.name.clone().unwrap_or_default();
    vec![e.id.to_string(), e.booked_on.to_string(), format!("{sign}{}", e.amount), name, numbers.join(", "), what(e, matches)]
}

/// What it is, in words.
fn what(e: &BankRow, matches: &[MatchRow]) -> String {
    let near = e.why.as_deref().and_then(Near::parse).map(Near::text);
    match e.state.as_str() {
        "proposed" => near.unwrap_or("may be meant").to_owned(),
        "matched" if matches.iter().any(|m| m.state == "live" && m.asked) => "paid, and not in the ledger in time".to_owned(),
        "matched" => "paid, not in the ledger yet".to_owned(),
        "booked" => "paid, and in the ledger".to_owned(),
        "unmatched" => "pays nothing that is known".to_owned(),
        "refused" => "refused by a person".to_owned(),
        "reversed" => "taken back by the bank".to_owned(),
        "waiting" => "takes back what has not come".to_owned(),
        _ => "took a payment back".to_owned(),
    }
}

fn fields(e: &BankRow, matches: &[MatchRow], zone: &TimeZone) -> serde_json::Value {
    let pays: Vec<_> = matches
        .iter()
        .map(|m| {
            json!({ "invoice": m.number, "debtor": m.debtor, "state": m.state, "until": m.until.map(|d| d.to_string()), "asked": m.asked,
                "amount": crate::domain::money::Money::new(m.amount, e.amount.currency).decimal() })
        })
        .collect();
    json!({ "id": e.id, "at": out::rfc3339(e.at, zone), "kind": e.kind.as_str(), "state": e.state, "why": e.why,
        "account": e.account, "statement": e.statement, "booked_on": e.booked_on.to_string(), "amount": e.amount.decimal(),
        "currency": e.amount.currency.code(), "references": e.references, "text": e.text, "end_to_end": e.end_to_end, "name": e.name,
        "iban": e.iban, "takes_back": e.undoes, "pays": pays, "said_at": e.said_at.map(|at| out::rfc3339(at, zone)), "by": e.said_by,
        "remark": e.remark })
}

async fn show(store: &Store, id: i64, json: bool, zone: &TimeZone) -> Result<(), CliError> {
    let Some(e) = store.bank_row(id).await? else {
        return Err(CliError::Failed(format!("there is no entry {id}; `relance bank --all` lists them")));
    };
    let matches = store.bank_matches(id).await?;
    if json {
        out::json(&fields(&e, &matches, zone));
        return Ok(());
    }
    out::field("what", Some(&what(&e, &matches)));
    out::field("booked", Some(&e.booked_on.to_string()));
    out::field("amount", Some(&e.amount.to_string()));
    out::field("account", Some(&e.account));
    out::field("statement", Some(&e.statement));
    out::field("read", Some(&out::short(e.at, zone)));
    out::field("from", e.name.as_deref());
    out::field("of account", e.iban.as_deref());
    out::field("reference", Some(&e.references.join(", ")));
    out::field("end to end", e.end_to_end.as_deref());
    out::field("text", Some(&e.text.replace('\n', " / ")));
    out::field("takes back", e.undoes.map(|u| u.to_string()).as_deref());
    out::field("said", e.said_at.map(|at| out::short(at, zone)).as_deref());
    out::field("by", e.said_by.as_deref());
    out::field("remark", e.remark.as_deref());
    for m in &matches {
        let until = m.until.map(|d| format!(", until {d}")).unwrap_or_default();
        say!("invoice      {} of {} {}: {}{until}", m.number, m.debtor, m.name, m.state);
    }
    if e.erased {
        say!("\n(erased)");
    }
    Ok(())
}
