//! A store in a PostgreSQL database: a schema of its own in it, shared by as many daemons as there are.

use super::access::{PATIENCE, Pool, PoolKind};
use super::error::{BUSY_S, StoreError, in_words};
use crate::postgres::Connections;
use sqlx::postgres::PgConnectOptions;
use std::time::Duration;

/// Connections of a daemon at the most, besides the one for its signs of life.
const CONNECTIONS: usize = 8;

/// Everything lies in this schema, and nothing else does.
pub(super) const SCHEMA: &str = "relance";

/// Connects; gives the connections for work, and the one for signs of life.
pub(super) async fn connect(options: PgConnectOptions, place: &str, lease: Duration) -> Result<(Pool, Pool), StoreError> {
    let options = options.application_name("relance").statement_cache_capacity(200).options([
        ("search_path", SCHEMA.to_owned()),
        ("client_encoding", "UTF8".to_owned()),
        // The sending mark must be on the disk before the first byte leaves, whatever the database's default is.
        ("synchronous_commit", "on".to_owned()),
        // A program that is stopped in the middle of a transaction keeps nobody else waiting for longer than its lease.
        ("idle_in_transaction_session_timeout", lease.as_millis().to_string()),
        ("lock_timeout", format!("{BUSY_S}s")),
        // This program waits as long as it waits, whatever the role's limit is.
        ("statement_timeout", "0".to_owned()),
        // Our statements are many and small: compiling them costs more than running them.
        ("jit", "off".to_owned()),
        // A plan that was made while a table was small is not kept until it is a large one.
        ("plan_cache_mode", "force_custom_plan".to_owned()),
    ]);
    let pool = |connections: usize, patience: Duration| {
        let open = Connections::new(options.clone(), connections);
        Pool { kind: PoolKind::Postgres(open), place: place.into(), patience }
    };
    let work = pool(CONNECTIONS, PATIENCE);
    // At once, so that whoever opens the store learns what is wrong.
    work.reach().await?;
    // A sign of life that takes half a lease is none.
    Ok((work, pool(1, lease / 2)))
}

/// The server would not have us. What a person must put right is told apart from what passes.
pub(super) fn refused(error: sqlx::Error, place: &str) -> StoreError {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    let hint = match code.get(..2) {
        Some("28") => "see that the role is there and that [store] password and the server's pg_hba.conf fit",
        Some("3D") => "make it: createdb --owner=ROLE NAME",
        Some("42") => "the role must be allowed to connect to it",
        _ => return StoreError::postgres(error, place),
    };
    StoreError::Open { place: place.to_owned(), why: format!("{}; {hint}", in_words(&error)) }
}
