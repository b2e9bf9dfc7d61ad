//! What a PostgreSQL server says, as an error that tells what to do. Codes are those of PostgreSQL's appendix A.

use super::super::SourceError;
use super::connections::{LOCK_S, STATEMENT_S};
use crate::domain::tame::tamed_to;
use sqlx::postgres::PgDatabaseError;
use std::io::ErrorKind;
use std::time::Duration;

/// The most characters of a server's words that are passed on.
const LONGEST: usize = 1000;

/// What to do about a server that does not answer.
pub(super) const AWAY: &str =
    "see that the server runs and that this machine may reach it. It is tried again by itself, and nothing leaves before";

const TLS: &str =
    "let the server speak TLS with a certificate that this machine trusts, or see sslmode and sslrootcert in [source] url";

/// A connection that could not be had.
pub(super) fn no_connection(place: &str, error: &sqlx::Error) -> SourceError {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default();
    let advice = match (code.as_ref(), error) {
        ("28P01", _) => "see that [source] password is the one that the server knows for this user",
        ("28000", _) => "see the user in [source] url, and on the server the lines of pg_hba.conf that let users in",
        ("3D000", _) => "see the name of the database in [source] url",
        ("42501", _) => "let the user in: GRANT CONNECT ON DATABASE … TO …",
        ("53300", _) => "relance needs up to three connections; see max_connections and who else is connected",
        ("22023", _) => "see the time zone in [creditor] timezone: the server has to know it too",
        (_, sqlx::Error::Protocol(_)) => "see host and port in [source] url: what answers there speaks otherwise",
        (_, sqlx::Error::Tls(_)) => TLS,
        (_, sqlx::Error::Io(e)) if e.kind() == ErrorKind::InvalidData => TLS,
        (_, sqlx::Error::Io(e)) if e.kind() == ErrorKind::NotFound => "see the files that [source] url leads to",
        _ => AWAY,
    };
    SourceError::Server { place: place.to_owned(), why: said(error), advice }
}

/// A statement that failed after some time.
pub(super) fn failed(place: &str, what: &'static str, error: &sqlx::Error, after: Duration) -> SourceError {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default();
    let advice = match code.as_ref() {
        "55P03" => return SourceError::Kept { place: place.to_owned(), seconds: LOCK_S },
        // Anybody may cancel a statement; only one that took its time has used it up.
        "57014" if after >= Duration::from_secs(STATEMENT_S - 1) => return too_long(place),
        "42501" => "let the user read what the query names: GRANT SELECT ON … TO …",
        "25006" => "the ledger is only read; wanted a query that writes nothing",
        "42702" => "wanted each column once, under a name of its own",
        code if code.starts_with("57P") || code.starts_with("08") => return no_connection(place, error),
        "" if matches!(error, sqlx::Error::Io(_)) => return no_connection(place, error),
        _ => return SourceError::Query { what, why: said(error) },
    };
    SourceError::Query { what, why: format!("{}; {advice}", said(error)) }
}

/// A statement that was not answered.
pub(super) fn too_long(place: &str) -> SourceError {
    SourceError::TimedOut { place: place.to_owned(), seconds: STATEMENT_S }
}

/// The server's own words with its hint, without the wrapping.
fn said(error: &sqlx::Error) -> String {
    let words = match error {
        sqlx::Error::Database(e) => match e.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::hint) {
            Some(hint) => format!("{} ({hint})", e.message()),
            None => e.message().to_owned(),
        },
        sqlx::Error::Io(e) => e.to_string(),
        sqlx::Error::Tls(e) => e.to_string(),
        other => other.to_string(),
    };
    tamed_to(&words, LONGEST)
}
