//! `schema`: the JSON Schemas of the files that people write, for their editors.

use super::CliError;
use crate::config::bundled::SCHEMAS;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The kind of file: relance (relance.toml), cadence, gateway, source, calendar, law or reach (reach.toml)
    #[arg(default_value = "relance", value_name = "KIND")]
    kind: String,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let Some(schema) = SCHEMAS.iter().find(|s| s.name() == args.kind) else {
        let known: Vec<&str> = SCHEMAS.iter().map(|s| s.name()).collect();
        return Err(CliError::Usage(format!("there is no schema of \"{}\"; wanted one of: {}", args.kind, known.join(", "))));
    };
    say!("{}", schema.text.trim_end());
    Ok(())
}
