//! `release`: lets pass exactly what is held now.

use super::{CliError, hold, open};
use crate::clock::Clock;
use crate::config::settings::Creditor;
use crate::flow::account::{Account, confirm as confirm_account, grouped};
use crate::flow::collect::LEDGER_RELEASED;
use crate::flow::rest;
use crate::store::Store;
use jiff::Timestamp;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Accept that the ledger shrank: the next polls close what is gone. Or ask a system again that asked to be left alone
    #[arg(long, conflicts_with = "debtor")]
    ledger: bool,
    /// Accept the changed account in letters, named by its last four characters; without them, show old and new
    #[arg(long, value_name = "LAST_FOUR", num_args = 0..=1, conflicts_with_all = ["ledger", "debtor", "yes"])]
    iban: Option<Option<String>>,
    /// Let the old debts of this debtor enter the cadence
    #[arg(value_name = "DEBTOR")]
    debtor: Option<String>,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let (setup, store) = open(config).await?;
    let now = Clock::System.now();
    if let Some(word) = &args.iban {
        return account(&setup.settings.creditor, &store, word.as_deref(), now).await;
    }
    if let Some(name) = &args.debtor {
        let debtor = hold::debtor(&store, name).await?;
        confirm(args.yes, &format!("Let the old debts of {name} enter the cadence at its first step after the due date?"))?;
        store.release_entry(debtor, now).await?;
        say!("released {name}: its old debts that are known now enter at the first step after the due date");
        return Ok(());
    }
    if args.ledger {
        if let Some(until) = rest::until(&setup, &store, now).await? {
            say!("{}", rest::told(&setup, until));
            confirm(args.yes, "May it be asked again all the same?")?;
            rest::over(&setup, &store).await?;
            say!("released: the next poll, soon with a running daemon, asks it");
            return Ok(());
        }
        let shrunk = store.last_poll().await?.filter(|p| p.outcome == crate::store::polls::PollOutcome::Shrunk);
        let Some(poll) = shrunk else {
            return Err(CliError::Failed("the ledger is not held back; `relance status` shows what is".to_owned()));
        };
        say!("{}", poll.text);
        confirm(args.yes, "Is that right, and may these rows be closed?")?;
        store.set_meta(LEDGER_RELEASED, Some("1")).await?;
        say!("released: the next poll, at once with a running daemon, closes what is gone; of very much, some at each poll");
        return Ok(());
    }
    let held = store.braked().await?;
    if held.is_empty() {
        return Err(CliError::Failed("no message is held; `relance status` shows what stops sending".to_owned()));
    }
    for (step, channel, count) in &held {
        say!("{count:>7}  {step} by {channel}");
    }
    let total: u64 = held.iter().map(|h| h.2).sum();
    confirm(args.yes, &format!("Let these {total} messages pass? Each invoice is read again before its message leaves."))?;
    let released = store.release_braked(now).await?;
    say!("released {released} {}", if released == 1 { "message" } else { "messages" });
    Ok(())
}

/// Shows both accounts, and lets the new one stand where its last characters are given.
async fn account(creditor: &Creditor, store: &Store, word: Option<&str>, now: Timestamp) -> Result<(), CliError> {
    let account = Account::of(store, creditor).await?;
    let Some((old, new)) = account.changed() else {
        return Err(CliError::Failed("the account in letters is the confirmed one, or there is none; nothing waits".to_owned()));
    };
    say!("confirmed   {}", grouped(old));
    say!("configured  {}", grouped(new));
    let word = match word {
        Some(word) => word.to_owned(),
        None if std::io::stdin().is_terminal() => {
            say!("If the configured account is yours, type its last four characters:");
            answer()
        }
        None => {
            let text = "if the configured account is yours, say `relance release --iban` with its last four characters";
            return Err(CliError::Usage(text.to_owned()));
        }
    };
    match confirm_account(store, creditor, &word, now).await? {
        true => say!("confirmed: letters print this account from now on, and {} is told so", creditor.contact),
        false => {
            let text = "these are not the last four characters of the configured account; nothing was released";
            return Err(CliError::Failed(text.to_owned()));
        }
    }
    Ok(())
}

/// Asks on a terminal; without one, --yes is needed.
fn confirm(yes: bool, question: &str) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage(format!("{question} Say --yes to confirm without a terminal.")));
    }
    say!("{question} [y/N]");
    match answer().as_str() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(CliError::Failed("nothing was released".to_owned())),
    }
}

/// A line from the terminal; an empty one where it cannot be read.
fn answer() -> String {
    let mut answer = String::new();
    match std::io::stdin().lock().read_line(&mut answer) {
        Ok(_) => answer.trim().to_owned(),
        Err(_) => String::new(),
    }
}
