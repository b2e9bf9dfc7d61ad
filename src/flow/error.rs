//! What stops a pump, in one type, so that each room below keeps its own errors.

use crate::channel::Fault;
use crate::config::problem::ConfigError;
use crate::source::SourceError;
use crate::store::StoreError;

/// Something that stops a pump.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A channel cannot be set up.
    #[error(transparent)]
    Channel(#[from] Fault),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] crate::config::secret::SecretError),
    /// A letter cannot be made.
    #[error(transparent)]
    Letter(#[from] crate::letter::LetterError),
    /// The answer page cannot be made.
    #[error("the answer page cannot be made: {0}")]
    Page(String),
    /// A part of the program is gone that should not be.
    #[error("a part of the program ended unexpectedly ({0}); start it again, what was in hand is settled then")]
    Ended(String),
    /// Daemons that give no sign of life, and what they left in hand stays there.
    #[error(
        "what other daemons left in hand could not be settled within {seconds} seconds ({daemons}), and nothing was polled or sent. The lines above say why; where they do not, somebody keeps a row of the table session locked (the view pg_locks names them), or daemons start and end all the time. `relance status` shows them; then try again"
    )]
    Unsettled {
        /// Their names.
        daemons: String,
        /// How long they were watched.
        seconds: u64,
    },
}
