//! `run`: the daemon in the foreground, or one round with --once.

use super::CliError;
use super::check;
use crate::clock::Clock;
use crate::config::{Environment, environment};
use crate::daemon;
use crate::flow::Desk;
use crate::flow::desk::checked;
use crate::store::Store;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Poll, plan, deliver all that may leave now, and end; exit code 1 if anything failed
    #[arg(long)]
    once: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let environment = environment();
    journal(&environment);
    let (setup, _) = checked(config, environment)?;
    check::complete(&setup).await?;
    let store = Store::open(&setup.settings.store.path).await?;
    let lock = store.lock()?;
    let desk = Desk::new(setup, store, Clock::System).await?;
    let done = match args.once {
        true => daemon::once(&desk).await.map_err(CliError::from),
        false => daemon::run(&desk).await.map(|()| true).map_err(CliError::from),
    };
    desk.store.close().await;
    drop(lock);
    match done? {
        true => Ok(()),
        false => Err(CliError::Failed("something did not leave; `relance log` and `relance status` tell more".to_owned())),
    }
}

/// The journal: one line an event, to standard error. RELANCE_LOG sets the level, RELANCE_LOG_FORMAT=json the form.
fn journal(environment: &Environment) {
    let level = environment.get("RELANCE_LOG").map_or("info", String::as_str);
    let filter =
        tracing_subscriber::EnvFilter::try_new(format!("relance={level},warn")).unwrap_or_else(|_| "relance=info,warn".into());
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).with_ansi(false);
    // A journal that cannot be written must not end the pump that writes to it: by default that would panic.
    let builder = builder.log_internal_errors(false);
    let set = match environment.get("RELANCE_LOG_FORMAT").map(String::as_str) {
        Some("json") => builder.json().try_init(),
        _ => builder.try_init(),
    };
    if let Err(e) = set {
        complain!("relance: the journal could not be set up: {e}");
    }
}
