//! Another configuration for a daemon that runs. It is read and checked beside the work: what `run` would refuse changes
//! nothing, and is told. What is good takes the place of the old one between two sessions, as by a start anew, so that no
//! decision ever mixes the two; only the store and the listener stay as they are.

use crate::config::exposed;
use crate::config::problem::{At, ConfigError, Problem};
use crate::config::{Settings, Setup};
use crate::flow::Desk;
use crate::flow::desk::checked;
use crate::flow::rules::steps_are_there;
use crate::flow::told::{self, Refusal};
use crate::store::StoreError;
use std::path::{Path, PathBuf};

/// A configuration that passed, and what of it has to wait for a start.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) setup: Setup,
    pub(super) store_differs: bool,
    pub(super) listen_differs: bool,
}

/// Reads and checks everything that `run` reads at its start.
pub(super) async fn read(config: PathBuf, desk: Desk) -> Result<Read, ConfigError> {
    let environment = desk.setup.environment.clone();
    let file = config.clone();
    // Hundreds of letters are made from samples: nothing else shall wait for that.
    let read = tokio::task::spawn_blocking(move || checked(&file, environment)).await;
    let (mut setup, letters) = read.map_err(|e| unexpected(&config, &e.to_string()))??;
    for warning in &letters.warnings {
        tracing::warn!(event = "letter_warning", %warning, "better mended");
    }
    exposed::refused(&config, &setup)?;
    // Asked last, and of the store: without its answer nothing is taken over, or what is in hand would have to be given up.
    steps_are_there(&setup, &desk.store).await?;
    let open = &desk.setup.settings.store;
    let store_differs = setup.settings.store != *open;
    setup.settings.store = open.clone();
    let before = &desk.setup.settings;
    let address = |s: &Settings| s.answers.as_ref().map(|a| a.address);
    let listen_differs = setup.settings.observe != before.observe
        || setup.settings.listen != before.listen
        || address(&setup.settings) != address(before);
    setup.settings.observe = before.observe.clone();
    setup.settings.listen = before.listen.clone();
    // A page that nobody can reach is linked to by no letter; what else is said of one that is there counts at once.
    match (&mut setup.settings.answers, &before.answers) {
        (Some(now), Some(then)) => now.address = then.address,
        (now, then) => *now = then.clone(),
    }
    Ok(Read { setup, store_differs, listen_differs })
}

fn unexpected(config: &Path, why: &str) -> ConfigError {
    let text = format!("reading the configuration ended unexpectedly ({why})");
    ConfigError(vec![Problem { at: At::start(&config.display().to_string()), text }])
}

/// Says that a configuration was refused: in the journal with every problem, in the store with the first, for `status`.
pub(super) async fn refuse(desk: &Desk, error: &ConfigError) -> Result<(), StoreError> {
    for problem in &error.0 {
        tracing::warn!(event = "configuration_problem", %problem, "the new configuration is refused");
    }
    tracing::error!(
        event = "configuration_refused",
        problems = error.0.len(),
        "the configuration stays as it was; mend this and reload again"
    );
    let text = error.0.first().map(Problem::to_string).unwrap_or_default();
    let refusal = Refusal { at: desk.clock.now().as_millisecond(), problems: error.0.len(), text };
    told::keep(&desk.store, Some(&refusal)).await
}
