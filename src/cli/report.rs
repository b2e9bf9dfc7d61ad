//! `report morning`: may I send, what must I decide, whom do I call (R28); what the daemon also sends as a mail.

use super::{CliError, desk, out};
use crate::flow::report::{Form, build, json, page, spoken};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    which: Which,
}

#[derive(Debug, clap::Subcommand)]
enum Which {
    /// The report of this morning: the mail of 07:30, as it would be now
    Morning(Morning),
}

#[derive(Debug, clap::Args)]
struct Morning {
    /// One JSON object
    #[arg(long, conflicts_with_all = ["html", "language"])]
    json: bool,
    /// Write it as HTML into this file, readable by its owner alone; one that is there is replaced
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// In this language, in place of the creditor's
    #[arg(long)]
    language: Option<String>,
}

/// The columns where there is no terminal.
const WIDTH: usize = 80;

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let Which::Morning(args) = args.which;
    let desk = desk(config).await?;
    let zone = &desk.setup.settings.creditor.timezone;
    let language = args.language.as_deref().unwrap_or(&desk.setup.settings.creditor.language);
    if args.language.is_some() && !spoken(&desk, language) {
        return Err(CliError::Usage(format!(
            "there are no words for a report in \"{language}\"; wanted a file report/{language}.toml"
        )));
    }
    let report = build(&desk).await?;
    if args.json {
        out::json(&json(&desk, &report, |at| out::rfc3339(at, zone)));
        return Ok(());
    }
    let form = if args.html.is_some() { Form::Mail } else { Form::Table };
    let page = page(&desk, &report, language, form)
        .ok_or_else(|| CliError::Failed("the report has no words: report/en.toml is missing".to_owned()))?;
    match args.html {
        Some(path) => {
            let html = page.html().map_err(|e| CliError::Failed(format!("the report cannot be made: {e}")))?;
            write(&path, &html).map_err(|e| CliError::Failed(format!("cannot write {}: {e}", path.display())))?;
        }
        None => {
            let width = out::width().unwrap_or(WIDTH).clamp(40, 100);
            say!("{}", page.text(width).trim_end());
        }
    }
    Ok(())
}

/// It names customers: nobody else may read it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
