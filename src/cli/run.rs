//! `run`: the daemon in the foreground, or one round with --once.

use super::CliError;
use crate::clock::Clock;
use crate::config::exposed;
use crate::config::{Setup, environment};
use crate::daemon::{self, Ears, Supervisor};
use crate::flow::desk::checked;
use crate::flow::rules::steps_are_there;
use crate::observe::{self, Observed};
use crate::store::sqlite::StoreLock;
use crate::store::{Store, StoreError};
use crate::web::doors::Doors;
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
    crate::journal::begin(&environment);
    let (setup, letters) = checked(config, environment)?;
    for warning in &letters.warnings {
        tracing::warn!(event = "letter_warning", %warning, "better mended");
    }
    exposed::refused(config, &setup)?;
    if args.once {
        return once(setup).await;
    }
    let supervisor = Supervisor::of(&setup.environment);
    let ears = Ears::open().map_err(|e| CliError::Failed(format!("signals cannot be heard: {e}")))?;
    // Before the store, which may be away for long: then somebody should be able to ask why nothing is sent.
    let observed = Observed::new(&setup.settings.observe, Clock::System.now());
    let listener = observe::listen(&observed).await.map_err(CliError::Failed)?;
    let doors = Doors::new(&setup.settings, &observed.tally());
    let heard = doors.open().await.map_err(CliError::Failed)?;
    supervisor.status("Opening the store");
    let (store, lock) = take(&setup, Some((&supervisor, &observed))).await?;
    steps_are_there(&setup, &store).await?;
    let done = daemon::run(config, setup, &store, &ears, &supervisor, &observed, &doors).await;
    drop((listener, heard));
    if tokio::time::timeout(CLOSING, store.close()).await.is_err() {
        tracing::warn!(event = "store_unclosed", "the store took too long to be closed; the next start sees to what is left");
    }
    drop(lock);
    done?;
    tracing::info!(event = "stopped", "relance has ended in good order");
    Ok(())
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
async fn take(setup: &Setup, daemon: Option<(&Supervisor, &Observed)>) -> Result<(Store, Option<StoreLock>), StoreError> {
    let mut told = false;
    loop {
        let opening = Store::take(&setup.settings.store, &setup.environment);
        match patiently(opening, daemon.map(|d| d.0)).await {
            Err(e @ StoreError::Away { .. }) if let Some((supervisor, observed)) = daemon => {
                if !told {
                    tracing::error!(event = "store_waits", error = %e, "waiting for the store");
                    supervisor.status("Waiting for the store; nothing is sent meanwhile");
                }
                told = true;
                observed.loses("store_away");
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
