//! A few connections to the ledger's server, opened when they are needed. All that is read is read in a transaction
//! that cannot write, whatever the query does, and every wait has an end: on the server, and here for a server that is
//! silent.
//!
//! A connection serves again only after its transaction has ended well; any other is closed, and with it what was open.

use super::super::SourceError;
use super::words;
use crate::clock::Stopwatch;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Connections at the most: a poll, and a re-read for each channel.
const MOST: usize = 3;

/// The longest wait for one statement.
pub(super) const STATEMENT_S: u64 = 120;

/// How long a statement waits for another transaction to let go of a table.
pub(super) const LOCK_S: u64 = 10;

/// How long a transaction may lie open between two statements, while a page is taken in; then the server ends it.
const IDLE_S: u64 = 300;

/// The longest wait for a connection, and for a sign of life of one.
pub(super) const CONNECT_S: u64 = 10;

/// The longest wait for one of the connections to come free.
const FREE_S: u64 = 60;

/// A silent server is waited for a little longer than it would need to say that the time is over.
const SILENT: Duration = Duration::from_secs(STATEMENT_S + 10);

/// One moment of the ledger, and no writing: the transaction cannot be made another once it has read anything.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The connections.
#[derive(Clone)]
pub struct Connections(Arc<Parts>);

struct Parts {
    options: PgConnectOptions,
    zone: Option<String>,
    place: String,
    idle: Mutex<Vec<PgConnection>>,
    free: Arc<Semaphore>,
}

/// Without the options: they hold the password.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connections").field(&self.0.place).finish()
    }
}

impl Connections {
    /// Names the server; nothing is opened yet. Times are shown in `zone`, so that a moment becomes the day that the
    /// firm's calendar shows.
    pub fn new(options: PgConnectOptions, place: &str, zone: Option<&str>) -> Connections {
        let settings = [
            ("default_transaction_read_only", "on".to_owned()),
            ("statement_timeout", format!("{STATEMENT_S}s")),
            ("lock_timeout", format!("{LOCK_S}s")),
            ("idle_in_transaction_session_timeout", format!("{IDLE_S}s")),
            // A cursor is planned for its first tenth unless one says that it is read to its end.
            ("cursor_tuple_fraction", "1".to_owned()),
            // What a firm's functions have to remark is not for our journal.
            ("client_min_messages", "error".to_owned()),
        ];
        let named = options.get_application_name().is_some();
        let options = if named { options } else { options.application_name("relance") };
        Connections(Arc::new(Parts {
            options: options.options(settings),
            zone: zone.map(str::to_owned),
            place: place.to_owned(),
            idle: Mutex::new(Vec::new()),
            free: Arc::new(Semaphore::new(MOST)),
        }))
    }

    /// The database, for messages.
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// Begins a transaction. A connection whose server went away meanwhile is let go, so that it needs no care when the
    /// server is back.
    pub(super) async fn begin(&self) -> Result<Lease, SourceError> {
        let waited = timeout(Duration::from_secs(FREE_S), self.0.free.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = waited else {
            let why = format!("each of the {MOST} connections to it has been in use for {FREE_S} seconds");
            return Err(self.unreachable(why, "its query may be slow"));
        };
        while let Some(mut connection) = self.idle() {
            if let Ok(Ok(_)) = timeout(Duration::from_secs(CONNECT_S), connection.execute(BEGIN)).await {
                return Ok(Lease { connection, server: self.clone(), _permit: permit });
            }
        }
        let connection = match timeout(Duration::from_secs(CONNECT_S), self.connect()).await {
            Ok(connected) => connected.map_err(|e| words::no_connection(&self.0.place, &e))?,
            Err(_) => {
                return Err(self.unreachable(format!("it did not answer within {CONNECT_S} seconds"), words::AWAY));
            }
        };
        Ok(Lease { connection, server: self.clone(), _permit: permit })
    }

    fn idle(&self) -> Option<PgConnection> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// A connection with its transaction begun.
    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.0.options).await?;
        if let Some(zone) = &self.0.zone {
            sqlx::query("SELECT set_config('TimeZone', $1, false)").bind(zone).execute(&mut connection).await?;
        }
        connection.execute(BEGIN).await?;
        Ok(connection)
    }

    fn unreachable(&self, why: String, advice: &'static str) -> SourceError {
        SourceError::Server { place: self.0.place.clone(), why, advice }
    }
}

/// A connection with its transaction. Dropped, it is closed, and the server ends the transaction.
pub(super) struct Lease {
    connection: PgConnection,
    server: Connections,
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

impl Lease {
    /// Waits for work on the connection, but not for ever. After an error the transaction is of no more use.
    pub(super) async fn run<T>(
        &mut self,
        what: &'static str,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, SourceError> {
        let watch = Stopwatch::start();
        match timeout(SILENT, work(&mut self.connection)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(e)) => Err(words::failed(&self.server.0.place, what, &e, watch.elapsed())),
            Err(_) => Err(words::too_long(&self.server.0.place)),
        }
    }

    /// Ends the transaction; the connection serves again. If it cannot, it is closed, which ends the transaction too.
    pub(super) async fn end(mut self) {
        if let Ok(Ok(_)) = timeout(Duration::from_secs(CONNECT_S), self.connection.execute("ROLLBACK")).await {
            self.server.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
        }
    }
}
