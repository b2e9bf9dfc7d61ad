//! `source try`: the first page of the ledger, and how each column of each row was read, for setting a source up. What is
//! shown here goes to the terminal alone: it holds names and addresses, and what the other side said.

use super::{CliError, out};
use crate::clock::Clock;
use crate::config::{Setup, environment};
use crate::source::row::{Cell, Columns, RawRow};
use crate::source::{Source, SourceError};
use serde_json::{Value, json};
use std::path::Path;

/// So many rows of an SQL ledger are a page.
const ROWS: usize = 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Read one page, and show how each column of each row was read; writes nothing
    Try(TryArgs),
}

#[derive(Debug, clap::Args)]
struct TryArgs {
    /// One JSON object a row
    #[arg(long)]
    json: bool,
    /// Show so many rows at the most
    #[arg(long, default_value_t = 5, value_name = "ROWS")]
    most: usize,
}

/// A column of a row.
struct Shown {
    column: &'static str,
    /// Where it was taken from.
    from: Option<String>,
    raw: Option<String>,
    cell: Cell,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let Verb::Try(args) = args.verb;
    let setup = Setup::load(config, environment())?;
    let source = Source::open(&setup).await.map_err(failed)?;
    let columns = source.columns().await.map_err(failed)?;
    if let (Source::Http(http), false) = (&source, args.json) {
        say!("{} at {}", http.system().title, http.place());
        http.system().docs.trim().lines().for_each(|line| say!("  {line}"));
        say!();
    }
    let rows = page(&source, &columns).await.map_err(failed)?;
    let country = &setup.settings.creditor.country;
    let read = |row: &RawRow| row.read(&columns, country).err();
    let bad = rows.iter().filter(|(row, _)| read(row).is_some()).count();
    for (at, (row, shown)) in rows.iter().take(args.most).enumerate() {
        let why = read(row);
        match args.json {
            true => {
                out::json(&row_json(row, shown, why.as_deref()));
            }
            false => tell(at + 1, row, shown, why.as_deref()),
        }
    }
    if !args.json {
        let today = out::short(Clock::System.now(), &setup.settings.creditor.timezone);
        say!("{} rows on the first page ({today}); {bad} of them cannot be read", rows.len());
    }
    Ok(())
}

/// What went wrong, with what the other side said.
fn failed(error: SourceError) -> CliError {
    let (mut text, said, wait) = match &error {
        SourceError::Http { said, wait, .. } => (error.to_string(), said.as_deref(), *wait),
        _ => (error.to_string(), None, None),
    };
    let wait = wait.map(|wait| format!("\nit asks to be left alone for {} s", wait.as_secs()));
    text.extend(said.map(|said| format!("\nit said: {said}")).into_iter().chain(wait));
    CliError::Failed(text)
}

async fn page(source: &Source, columns: &Columns) -> Result<Vec<(RawRow, Vec<Shown>)>, SourceError> {
    if let Source::Http(http) = source {
        let traced = http.traced(columns).await?;
        let shown = |t: crate::source::http::Trace| Shown { column: t.column, from: t.from, raw: t.raw, cell: t.cell };
        return Ok(traced.into_iter().map(|(row, traces)| (row, traces.into_iter().map(shown).collect())).collect());
    }
    let mut reading = source.read(columns, ROWS).await?;
    let rows = reading.next_page().await?.map(|page| page.rows).unwrap_or_default();
    reading.end().await;
    let shown = |row: &RawRow| {
        let cells = columns.names().iter().zip(row.cells());
        let one = |(name, cell): (&&'static str, &Cell)| Shown { column: name, from: None, raw: None, cell: cell.clone() };
        cells.map(one).collect()
    };
    Ok(rows.into_iter().map(|row| (row.clone(), shown(&row))).collect())
}

fn tell(number: usize, row: &RawRow, shown: &[Shown], why: Option<&str>) {
    match why {
        None => say!("row {number}: {}: good", row.shown_id()),
        Some(why) => say!("row {number}: {}: CANNOT BE READ: {why}", row.shown_id()),
    }
    for s in shown {
        let value = s.cell.shown();
        let from = match (&s.from, &s.raw) {
            (Some(from), Some(raw)) if *raw != value => format!("   from {from}, where {raw} stands"),
            (Some(from), _) => format!("   from {from}"),
            (None, _) => String::new(),
        };
        say!("  {:<16} {value}{from}", s.column);
    }
    say!();
}

fn row_json(row: &RawRow, shown: &[Shown], why: Option<&str>) -> Value {
    let one = |s: &Shown| json!({ "column": s.column, "from": s.from, "raw": s.raw, "value": s.cell.word() });
    json!({ "id": row.shown_id(), "good": why.is_none(), "why": why, "columns": shown.iter().map(one).collect::<Vec<_>>() })
}
