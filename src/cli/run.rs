//! `run`: the daemon in the foreground, or one round with --once.

use super::CliError;
use super::check;
use crate::config::exposed;
use crate::config::problem::ConfigError;
use crate::config::{Environment, Setup, environment};
use crate::daemon;
use crate::flow::desk::checked;
use crate::store::sqlite::StoreLock;
use crate::store::{Store, StoreError};
use std::path::Path;
use std::time::Duration;

/// How long a daemon waits between two looks for a database that is away at its start.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Poll, plan, deliver all that may leave now, and end; exit code 1 if anything failed
    #[arg(long)]
    once: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let environment = environment();
    journal(&environment);
    // Memory holds passwords and addresses: no core dump has it, and no other program of this user may look into it.
    if let Err(e) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(error = %e, "a core dump of this program may hold passwords");
    }
    let (setup, letters) = checked(config, environment)?;
    for warning in &letters.warnings {
        tracing::warn!(%warning, "better mended");
    }
    let exposed = exposed::look(config, &setup);
    if !exposed.grave.is_empty() {
        return Err(ConfigError(exposed.grave).into());
    }
    for found in &exposed.slight {
        tracing::warn!(%found, "better mended");
    }
    let (store, lock) = take(&setup, args.once).await?;
    check::steps_are_there(&setup, &store).await?;
    let done = match args.once {
        true => daemon::once(setup, &store).await.map_err(CliError::from),
        false => daemon::run(setup, &store).await.map(|()| true).map_err(CliError::from),
    };
    store.close().await;
    drop(lock);
    match done? {
        true => Ok(()),
        false => Err(CliError::Failed("something did not leave; `relance log` and `relance status` tell more".to_owned())),
    }
}

/// Opens the store. A daemon waits for a database that is away; one round does not.
async fn take(setup: &Setup, once: bool) -> Result<(Store, Option<StoreLock>), StoreError> {
    let mut told = false;
    loop {
        match Store::take(&setup.settings.store, &setup.environment).await {
            Err(e @ StoreError::Away { .. }) if !once => {
                if !told {
                    tracing::error!(error = %e, "waiting for the store");
                }
                told = true;
                tokio::time::sleep(AGAIN).await;
            }
            taken => return taken,
        }
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
