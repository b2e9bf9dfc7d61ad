//! `release`: lets pass exactly what is held now.

use super::{CliError, hold, open};
use crate::clock::Clock;
use crate::flow::collect::LEDGER_RELEASED;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Accept that the ledger shrank: the next poll closes what is gone
    #[arg(long, conflicts_with = "debtor")]
    ledger: bool,
    /// Let the old debts of this debtor enter the cadence
    #[arg(value_name = "DEBTOR")]
    debtor: Option<String>,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let (_, store) = open(config).await?;
    let now = Clock::System.now();
    if let Some(name) = &args.debtor {
        let debtor = hold::debtor(&store, name).await?;
        confirm(args.yes, &format!("Let the old debts of {name} enter the cadence at its first step after the due date?"))?;
        store.release_entry(debtor, now).await?;
        say!("released {name}: its old debts that are known now enter at the first step after the due date");
        return Ok(());
    }
    if args.ledger {
        let shrunk = store.last_poll().await?.filter(|p| p.outcome == crate::store::polls::PollOutcome::Shrunk);
        let Some(poll) = shrunk else {
            return Err(CliError::Failed("the ledger is not held back; `relance status` shows what is".to_owned()));
        };
        say!("{}", poll.text);
        confirm(args.yes, "Is that right, and may these rows be closed?")?;
        store.set_meta(LEDGER_RELEASED, Some("1")).await?;
        say!("released: the next poll, at once with a running daemon, closes what is gone");
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

/// Asks on a terminal; without one, --yes is needed.
fn confirm(yes: bool, question: &str) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage(format!("{question} Say --yes to confirm without a terminal.")));
    }
    say!("{question} [y/N]");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match read {
        Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Ok(()),
        _ => Err(CliError::Failed("nothing was released".to_owned())),
    }
}
