//! `demo`: sixty days in the life of a small firm, on an embedded ledger, without network.

use super::CliError;
use crate::demo;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to write; one that demo made before is made anew
    #[arg(default_value = "relance-demo")]
    folder: PathBuf,
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    demo::run(&args.folder).await.map_err(|e| CliError::Failed(e.to_string()))
}
