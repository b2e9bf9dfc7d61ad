//! `run`: the daemon in the foreground, or one round with --once.

use super::CliError;
use crate::config::exposed;
use crate::config::{Environment, Setup, environment};
use crate::daemon::{self, Ears, Supervisor};
use crate::flow::desk::checked;
use crate::flow::rules::steps_are_there;
use crate::store::sqlite::StoreLock;
use crate::store::{Store, StoreError};
use std::path::Path;
use std::time::Duration;

/// How long a daemon waits between two looks for a database that is away at its start.
const AGAIN: Duration = Duration::from_secs(1);

/// How long opening a store may take before the supervisor is asked for more time, and how much: bringing a large one up to
/// date takes minutes, and must not be broken off and begun again for ever.
const OPENING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(90));

/// How long closing the store may take: nothing of ours waits for that, and the next start mends what is open.
const CLOSING: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Poll, plan, deliver all that may leave now, and end; exit code 1 if anything failed
    #[arg(long)]
    once: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let environment = environment();
    journal(&environment);
    let (setup, letters) = checked(config, environment)?;
    for warning in &letters.warnings {
        tracing::warn!(%warning, "better mended");
    }
    exposed::refused(config, &setup)?;
    if args.once {
        return once(setup).await;
    }
    let supervisor = Supervisor::of(&setup.environment);
    let ears = Ears::open().map_err(|e| CliError::Failed(format!("signals cannot be heard: {e}")))?;
    supervisor.status("Opening the store");
    let (store, lock) = take(&setup, Some(&supervisor)).await?;
    steps_are_there(&setup, &store).await?;
    let done = daemon::run(config, setup, &store, &ears, &supervisor).await;
    if tokio::time::timeout(CLOSING, store.close()).await.is_err() {
        tracing::warn!("the store took too long to be closed; the next start sees to what is left");
    }
    drop(lock);
    Ok(done?)
}

/// One round, for timers and for trying out.
async fn once(setup: Setup) -> Result<(), CliError> {
    let (store, lock) = take(&setup, None).await?;
    steps_are_there(&setup, &store).await?;
    let done = daemon::once(setup, &store).await;
    store.close().await;
    drop(lock);
    match done? {
        true => Ok(()),
        false => Err(CliError::Failed("something did not leave; `relance log` and `relance status` tell more".to_owned())),
    }
}

/// Opens the store. A daemon waits for a database that is away; one round, which has no supervisor, does not.
async fn take(setup: &Setup, daemon: Option<&Supervisor>) -> Result<(Store, Option<StoreLock>), StoreError> {
    let mut told = false;
    loop {
        let opening = Store::take(&setup.settings.store, &setup.environment);
        match patiently(opening, daemon).await {
            Err(e @ StoreError::Away { .. }) if let Some(supervisor) = daemon => {
                if !told {
                    tracing::error!(error = %e, "waiting for the store");
                    supervisor.status("Waiting for the store; nothing is sent meanwhile");
                }
                told = true;
                tokio::time::sleep(AGAIN).await;
            }
            taken => return taken,
        }
    }
}

/// Waits for the store to be opened, and asks for more time where that takes long.
async fn patiently<T>(opening: impl Future<Output = T>, daemon: Option<&Supervisor>) -> T {
    let mut opening = std::pin::pin!(opening);
    loop {
        match tokio::time::timeout(OPENING.0, &mut opening).await {
            Ok(opened) => return opened,
            Err(_) => {
                if let Some(supervisor) = daemon {
                    supervisor.wait(OPENING.1);
                    supervisor.status("Opening the store takes long: it is being read or brought up to date");
                }
            }
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
