//! `proposals`: what customers said on the answer page and a person has yet to decide on, and that decision.

use super::{CliError, desk, out};
use crate::flow::Desk;
use crate::flow::answers::{DecideError, Ruling, decide};
use crate::store::proposals::{Proposal, ProposalFilter};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;
use std::path::Path;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Only this customer's
    debtor: Option<String>,
    /// Also those that are decided
    #[arg(long)]
    all: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show one of them with all that was said
    Show {
        /// Its number
        #[arg(value_parser = super::number)]
        id: i64,
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take it up: a payment is waited for, a promise kept in mind, a dispute opened, a task done
    Accept {
        /// Its number
        #[arg(value_parser = super::number)]
        id: i64,
        /// Nothing is sent before this day; an arrangement needs it
        #[arg(long, value_parser = super::day)]
        until: Option<Date>,
        /// Of an invoice that is wrong in part: how much is in dispute
        #[arg(long)]
        amount: Option<String>,
        /// What was agreed, or found
        #[arg(long, value_parser = super::words)]
        reason: Option<String>,
        /// Who says so
        #[arg(long, value_parser = super::words)]
        by: Option<String>,
    },
    /// Refuse it: what it held is let go, and the case goes on
    Refuse {
        /// Its number
        #[arg(value_parser = super::number)]
        id: i64,
        /// Why, for those who come after you
        #[arg(long, value_parser = super::words)]
        reason: String,
        /// Who says so
        #[arg(long, value_parser = super::words)]
        by: Option<String>,
    },
}

impl From<DecideError> for CliError {
    fn from(e: DecideError) -> CliError {
        match e {
            DecideError::Desk(e) => CliError::Desk(e),
            DecideError::Wrong(text) => CliError::Failed(text),
        }
    }
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let zone = &desk.setup.settings.creditor.timezone;
    let (id, ruling) = match args.what {
        None => return list(&desk, args.debtor.as_deref(), args.all, args.json).await,
        Some(What::Show { id, json }) => return show(&desk, id, json, zone).await,
        Some(What::Accept { id, until, amount, reason, by }) => (id, Ruling { accept: true, by, reason, until, amount }),
        Some(What::Refuse { id, reason, by }) => (id, Ruling { by, reason: Some(reason), ..Ruling::default() }),
    };
    let decided = decide(&desk, id, &ruling, desk.clock.now()).await?;
    say!("proposal {id}: {}", decided.text);
    Ok(())
}

async fn list(desk: &Desk, debtor: Option<&str>, all: bool, json: bool) -> Result<(), CliError> {
    let zone = &desk.setup.settings.creditor.timezone;
    let debtor_pk = match debtor {
        Some(id) => Some(super::hold::debtor(&desk.store, id).await?),
        None => None,
    };
    let filter = ProposalFilter { open: !all, debtor_pk, id: None };
    let (mut above, mut rows) = (0, Vec::new());
    loop {
        let page = desk.store.proposals(above, filter).await?;
        let Some(last) = page.last() else { break };
        above = last.id;
        if json {
            if !page.iter().all(|p| out::json(&fields(p, zone))) {
                break; // Nobody reads any more.
            }
        } else {
            rows.extend(page.iter().map(|p| row(p, zone)));
        }
    }
    match (json, rows.is_empty()) {
        (true, _) => {}
        (false, true) if all => say!("nobody has answered on the page"),
        (false, true) => say!("no proposal waits for your word"),
        (false, false) => {
            out::table(&["no.", "came", "debtor", "invoices", "says", "held until", "state"], rows);
            say!(
                "\nAll that was said: relance proposals show NO. Your word: relance proposals accept NO, or relance proposals refuse NO --reason TEXT."
            );
        }
    }
    Ok(())
}

fn row(p: &Proposal, zone: &TimeZone) -> Vec<String> {
    let held = p.held_until.map(|d| d.to_string()).unwrap_or_default();
    let debtor = format!("{} {}", p.debtor, p.name);
    vec![p.id.to_string(), out::short(p.at, zone), debtor, p.numbers.clone(), says(p), held, p.state.clone()]
}

/// What was said, in short.
fn says(p: &Proposal) -> String {
    let day = p.on.map(|d| format!(" {d}")).unwrap_or_default();
    let amount = p.amount.map(|m| format!(" {m},")).unwrap_or_default();
    match p.kind.as_str() {
        "paid" => format!("already paid,{amount} on{day}"),
        "promise" => format!("will pay on{day}"),
        "arrangement" => "wants an arrangement".to_owned(),
        "wrong" => "the invoice is wrong".to_owned(),
        "person" => "somebody else is the right person".to_owned(),
        "missing" => "never got the invoice".to_owned(),
        "papers" => "wants papers".to_owned(),
        other => other.to_owned(),
    }
}

fn fields(p: &Proposal, zone: &TimeZone) -> serde_json::Value {
    json!({ "id": p.id, "at": out::rfc3339(p.at, zone), "kind": p.kind, "debtor": p.debtor, "name": p.name,
        "invoices": p.numbers.split(", ").filter(|n| !n.is_empty()).collect::<Vec<_>>(), "inbox": p.inbound,
        "on": p.on.map(|d| d.to_string()), "amount": p.amount.map(|m| m.decimal()), "currency": p.amount.as_ref().map(|m| m.currency.code()),
        "text": p.text, "speaks_of": p.grave, "held_until": p.held_until.map(|d| d.to_string()), "state": p.state,
        "decided_at": p.decided_at.map(|at| out::rfc3339(at, zone)), "by": p.by, "reason": p.reason })
}

async fn show(desk: &Desk, id: i64, json: bool, zone: &TimeZone) -> Result<(), CliError> {
    let Some(p) = desk.store.proposal(id).await? else {
        return Err(CliError::Failed(format!("there is no proposal {id}; `relance proposals --all` lists them")));
    };
    if json {
        out::json(&fields(&p, zone));
        return Ok(());
    }
    out::field("came", Some(&out::short(p.at, zone)));
    out::field("debtor", Some(&format!("{} {}", p.debtor, p.name)));
    out::field("invoices", Some(&p.numbers));
    out::field("says", Some(&says(&p)));
    out::field("speaks of", p.grave.as_deref());
    out::field("held until", p.held_until.map(|d| d.to_string()).as_deref());
    out::field("state", Some(&p.state));
    out::field("decided", p.decided_at.map(|at| out::short(at, zone)).as_deref());
    out::field("by", p.by.as_deref());
    out::field("reason", p.reason.as_deref());
    match (p.erased, p.text.is_empty()) {
        (true, _) => say!("\n(erased)"),
        (false, false) => say!("\n{}", p.text),
        (false, true) => {}
    }
    Ok(())
}
