//! What a daemon leaves in the store for `status`, which is another program: that it was asked to take over a configuration
//! and could not.

use crate::store::{Store, StoreError};
use serde::{Deserialize, Serialize};

/// The name under which it is kept.
const REFUSED: &str = "reload_refused";

/// The longest text that is kept of a problem, in characters.
const LONGEST: usize = 500;

/// A configuration that a running daemon refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// When, in milliseconds.
    pub at: i64,
    /// How many problems it has.
    pub problems: usize,
    /// The first of them, with its place.
    pub text: String,
}

/// Keeps a refusal, or forgets the last one.
pub async fn keep(store: &Store, refusal: Option<&Refusal>) -> Result<(), StoreError> {
    let text = match refusal {
        None if store.meta(REFUSED).await?.is_none() => return Ok(()),
        None => None,
        Some(refusal) => {
            let short = Refusal { text: refusal.text.chars().take(LONGEST).collect(), ..refusal.clone() };
            Some(serde_json::to_string(&short).map_err(|e| StoreError::Corrupt(format!("{REFUSED}: {e}")))?)
        }
    };
    store.set_meta(REFUSED, text.as_deref()).await
}

/// The last refusal, if no configuration was taken over since.
pub async fn refusal(store: &Store) -> Result<Option<Refusal>, StoreError> {
    let Some(text) = store.meta(REFUSED).await? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|e| StoreError::Corrupt(format!("{REFUSED}: {e}")))
}
