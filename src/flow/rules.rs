//! Whether a configuration fits the store that it is to work on: what `run` asks at its start, a daemon before it takes over
//! another one, and `check`.

use crate::config::Setup;
use crate::config::problem::{At, ConfigError, Problems};
use crate::store::Store;

/// Refuses a configuration in which a step is gone that an open invoice has had (R8).
pub async fn steps_are_there(setup: &Setup, store: &Store) -> Result<(), ConfigError> {
    let problems = Problems::default();
    match store.steps_in_use().await {
        Ok(used) => vanished(setup, &used, &problems),
        Err(e) => problems.add(&At::start(store.place()), e.to_string()),
    }
    if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems.into_sorted())) }
}

fn vanished(setup: &Setup, used: &[(String, String)], problems: &Problems) {
    for (cadence, step) in used {
        let Some(file) = setup.cadences.iter().find(|c| c.cadence.name == *cadence) else { continue };
        let known = file.cadence.steps.iter().any(|s| s.id.as_str() == step || s.was.iter().any(|w| w.as_str() == step));
        if !known && !file.gone.contains(step) {
            let text = format!(
                "the step \"{step}\" is gone, but open invoices have had it; if it was renamed, say was = \"{step}\" at the new step, if it is gone on purpose, gone = [\"{step}\"]"
            );
            problems.add(&file.at, text);
        }
    }
}
