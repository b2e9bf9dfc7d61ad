//! `store copy`: moves the store from its file to PostgreSQL.

use super::{CliError, out};
use crate::config::database::DatabaseSettings;
use crate::config::{Setup, environment};
use crate::store::copy::{self, Copied};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: StoreVerb,
}

#[derive(Debug, clap::Subcommand)]
enum StoreVerb {
    /// Copy the store from its file to a PostgreSQL database, where it lives on
    Copy {
        /// The database: postgres://user@host/database, without a password
        #[arg(long, value_name = "URL")]
        to: String,
        /// A file whose first line is the password
        #[arg(long, value_name = "PATH")]
        password_file: Option<PathBuf>,
    },
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let StoreVerb::Copy { to, password_file } = args.verb;
    let setup = Setup::load(config, environment())?;
    let to = DatabaseSettings::at(to.trim()).map_err(|why| CliError::Usage(format!("--to: {why}")))?;
    let to = to.with_password_file(password_file.clone());
    let copied = copy::copy(&setup.settings.store, &to, &setup.environment).await;
    tell(&copied.map_err(|e| CliError::Failed(e.to_string()))?, to.url(), password_file.as_deref());
    Ok(())
}

/// What was copied, and what is to be done now.
fn tell(copied: &Copied, url: &str, password: Option<&Path>) {
    let rows = copied.tables.iter().map(|(name, rows)| vec![(*name).to_owned(), rows.to_string()]);
    out::table(&["table", "rows"], rows.collect());
    say!(
        "\nEvery value was read back and is the same; the log has {} attempts and the head {}.",
        copied.log.rows,
        copied.log.head
    );
    if !copied.log.broken.is_empty() {
        say!("The log is NOT whole, and was not before it was copied; `relance log verify --deep` tells more.");
    }
    say!("Now say in relance.toml, and start relance again:\n\n[store]\nurl = {}", quoted(url));
    if let Some(path) = password {
        // As relance.toml would read it, whose own folder is another.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        say!("password = {{ file = {} }}", quoted(&path.display().to_string()));
    }
    say!("\nThe file {} is kept as it was and is not used any more: relance refuses it from now on.", copied.from);
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    // Escapes of JSON are escapes of TOML as well.
    serde_json::Value::from(text).to_string()
}
