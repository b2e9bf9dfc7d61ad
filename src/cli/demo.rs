//! `demo`: sixty days in the life of a small firm, on an embedded ledger, without network.

use super::CliError;
use crate::clock::Clock;
use crate::demo::{self, DAYS, Progress};
use std::io::IsTerminal as _;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to write; one that demo made before is made anew
    #[arg(default_value = "relance-demo")]
    folder: PathBuf,
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    let bar = std::io::stderr().is_terminal();
    let show = |progress: Progress| if bar { draw(&progress) } else { note(&progress) };
    let summary = demo::live(&args.folder, &Clock::System, show).await.map_err(|e| CliError::Failed(e.to_string()))?;
    say!("{summary}");
    Ok(())
}

/// The progress bar, on one line of a terminal; the last day ends the line.
fn draw(progress: &Progress) {
    let Progress { day, date, sent } = progress;
    let filled = (30 * day / DAYS) as usize;
    let bar = format!("{}{}", "█".repeat(filled), "░".repeat(30 - filled));
    let end = if *day == DAYS { "\n" } else { "" };
    super::out::aside(&format!("\r{bar} day {day:>2} of {DAYS} · {date} · {sent} messages {end}"));
}

/// Without a terminal, a line now and then.
fn note(progress: &Progress) {
    let Progress { day, date, sent } = progress;
    if day % 20 == 0 {
        complain!("day {day} of {DAYS} ({date}): {sent} messages so far");
    }
}
