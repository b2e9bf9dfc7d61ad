//! `demo`: sixty days in the life of a small firm, or a year of a larger one, on an embedded ledger, without network.

use super::CliError;
use crate::clock::Clock;
use crate::demo::{self, DAYS, Progress, YEAR};
use std::io::IsTerminal as _;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to write; one that demo made before is made anew
    #[arg(default_value = "relance-demo")]
    folder: PathBuf,
    /// A year of a firm with three hundred customers, under the cadences that are shipped
    #[arg(long)]
    firm: bool,
    /// Another year: customers and what they do follow from this number
    #[arg(long, default_value_t = 1, requires = "firm")]
    seed: u64,
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    let bar = std::io::stderr().is_terminal();
    let days = if args.firm { YEAR } else { DAYS };
    let show = |progress: Progress| if bar { draw(&progress, days) } else { note(&progress, days) };
    let lived = match args.firm {
        true => demo::live_a_year(&args.folder, &Clock::System, args.seed, show).await,
        false => demo::live(&args.folder, &Clock::System, show).await,
    };
    let summary = lived.map_err(|e| CliError::Failed(format!("{e:#}")))?;
    say!("{summary}");
    Ok(())
}

/// The progress bar, on one line of a terminal; the last day ends the line.
fn draw(progress: &Progress, days: i64) {
    let Progress { day, date, sent } = progress;
    let filled = (30 * day / days) as usize;
    let bar = format!("{}{}", "█".repeat(filled), "░".repeat(30 - filled));
    let end = if *day == days { "\n" } else { "" };
    super::out::aside(&format!("\r{bar} day {day:>3} of {days} · {date} · {sent} messages {end}"));
}

/// Without a terminal, a line now and then.
fn note(progress: &Progress, days: i64) {
    let Progress { day, date, sent } = progress;
    if day % (days / 3) == 0 {
        complain!("day {day} of {days} ({date}): {sent} messages so far");
    }
}
