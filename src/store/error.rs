//! What can go wrong with a store, in words for the operator.

use std::path::Path;

/// How long a statement waits for another program to let go of the store, in seconds.
pub(super) const BUSY_S: u64 = 30;

/// How long the program waits for its own writer, or for a connection, in seconds.
pub(super) const WAIT_S: u64 = 60;

/// Something went wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open the store {place}: {why}")]
    Open {
        /// The file or database.
        place: String,
        /// What the system said, and what to do.
        why: String,
    },
    /// This user may not go there.
    #[error("this user may not open the store {path}; use relance as the service's user: sudo -u relance relance …")]
    Shut {
        /// The file.
        path: String,
    },
    /// It was written by a newer relance.
    #[error(
        "the store {place} was written by a newer relance (version {found}, this one knows {known}); install the newer program"
    )]
    TooNew {
        /// The file or database.
        place: String,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// It was written by an older relance, and only `run` brings it up to date.
    #[error(
        "the store {place} was written by an older relance (version {found}, this one wants {known}); `relance run` makes a backup and brings it up to date at its start"
    )]
    TooOld {
        /// The file or database.
        place: String,
        /// Its version.
        found: i64,
        /// The version that this program wants.
        known: i64,
    },
    /// It cannot be brought up to date.
    #[error("the store {place} cannot be brought up to date: {why}; it is as it was")]
    NotUpgraded {
        /// The file or database.
        place: String,
        /// Why, and what to do.
        why: String,
    },
    /// There is none yet.
    #[error("there is no store at {0} yet; `relance run` makes it at its first start")]
    NotYet(String),
    /// It was copied to another place, where it lives on.
    #[error(
        "the store {place} was copied to {to} and lives on there; set [store] url to that, or everything would be sent twice"
    )]
    Moved {
        /// The file.
        place: String,
        /// Where it lives on.
        to: String,
    },
    /// Another `run` holds it.
    #[error("another `relance run` holds the store {0}; stop it first (only one may send)")]
    Held(String),
    /// Another program does not let go of it.
    #[error("{}", locked(.0))]
    Locked(String),
    /// Its one writer was busy for too long.
    #[error(
        "nobody could write to the store {0} for {WAIT_S} seconds; does another program keep it locked (`fuser {0}` names it)? Nothing is lost"
    )]
    Busy(String),
    /// The database does not answer.
    #[error("the store {place} cannot be reached: {why}; nothing leaves until it is back, and nothing is lost")]
    Away {
        /// The database.
        place: String,
        /// What the system or the database said.
        why: String,
    },
    /// Others took this program for dead, and what it had in hand.
    #[error(
        "this relance was not heard of for longer than [store] lease, and others have taken over what it had in hand; it begins anew"
    )]
    Fenced,
    /// A statement failed.
    #[error("the store failed: {}", in_words(.0))]
    Sql(#[from] sqlx::Error),
    /// What was read makes no sense.
    #[error("the store holds something that cannot be: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// An error of an SQLite store, with the place where that matters.
    pub(super) fn sqlite(error: sqlx::Error, place: &str) -> StoreError {
        match error {
            sqlx::Error::PoolTimedOut => StoreError::Busy(place.to_owned()),
            e if is_locked(&e) => StoreError::Locked(place.to_owned()),
            e => e.into(),
        }
    }

    /// An error of a PostgreSQL store: what ends by waiting is told apart from what is wrong.
    pub(super) fn postgres(error: sqlx::Error, place: &str) -> StoreError {
        let away = |why: String| StoreError::Away { place: place.to_owned(), why };
        match &error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => away(error.to_string()),
            sqlx::Error::Database(said) => match said.code().as_deref().unwrap_or_default() {
                // In the way of each other: lock time-out, deadlock, serialization.
                "55P03" | "40P01" | "40001" => StoreError::Locked(place.to_owned()),
                // Connection lost, no room or no disk, shut down, only for reading (a standby), ended while idle
                // or by a time-out (https://www.postgresql.org/docs/current/errcodes-appendix.html).
                code if matches!(code.get(..2), Some("08" | "53" | "57" | "58")) || matches!(code, "25006" | "25P03") => {
                    away(in_words(&error))
                }
                _ => error.into(),
            },
            _ => error.into(),
        }
    }

    /// Whether waiting helps: the database is away or somebody is in the way.
    pub fn may_pass(&self) -> bool {
        matches!(self, StoreError::Away { .. } | StoreError::Locked(_) | StoreError::Busy(_))
    }
}

fn locked(place: &str) -> String {
    match place.contains("://") {
        true => format!(
            "others have kept the store {place} locked for {BUSY_S} seconds (the view pg_locks names them); try again: nothing is lost"
        ),
        false => format!(
            "another program has kept the store {place} locked for {BUSY_S} seconds; end it or wait for it (`fuser {place}` names it), then try again: nothing is lost"
        ),
    }
}

/// The result code of SQLite; its low byte is the primary one (https://sqlite.org/rescode.html).
fn code(error: &sqlx::Error) -> i64 {
    let code = error.as_database_error().and_then(|e| e.code());
    code.and_then(|c| c.parse().ok()).unwrap_or_default()
}

/// Whether another program was in the way, longer than one waits.
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    matches!(code(error) & 0xff, 5 | 6)
}

/// What the database said, and what to do where that is known.
pub(super) fn in_words(error: &sqlx::Error) -> String {
    let Some(database) = error.as_database_error() else {
        return match error {
            sqlx::Error::PoolTimedOut => {
                format!("its writer was busy for {WAIT_S} seconds; does another program keep it locked?")
            }
            other => other.to_string(),
        };
    };
    if let Some(postgres) = database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        return format!("{} (SQLSTATE {})", postgres.message(), postgres.code());
    }
    let code = code(error);
    let hint = match code & 0xff {
        10 => "; see that its disk has room and is sound",
        13 => "; make room on its disk",
        _ => "",
    };
    format!("{} (SQLite {code}){hint}", database.message())
}

/// A file that cannot be reached or made.
pub(super) fn unopened(path: &Path, error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => StoreError::Shut { path: path.display().to_string() },
        _ => cannot_open(path, &error.to_string()),
    }
}

/// A file that the system or SQLite will not open.
pub(super) fn cannot_open(path: &Path, why: &str) -> StoreError {
    let why = format!("{why}; see that its folder exists and that this user may write to it");
    StoreError::Open { place: path.display().to_string(), why }
}
