//! A few connections to the ledger's server, opened when they are needed. All that is read is read in a transaction
//! that cannot write, whatever the query does, and every wait has an end: on the server, and here for a server that is
//! silent.
//!
//! A connection serves again only after its transaction has ended well; any other is closed, and with it what was open.

use super::super::SourceError;
use super::super::look::{self, Relation};
use super::words;
use crate::clock::Stopwatch;
use crate::postgres::{CONNECT_S, Connection, Unavailable};
use sqlx::Executor as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use std::time::Duration;
use tokio::time::timeout;

/// Connections at the most: a poll, and a re-read for each channel.
const MOST: usize = 3;

/// The longest wait for one statement.
pub(super) const STATEMENT_S: u64 = 120;

/// How long a statement waits for another transaction to let go of a table.
pub(super) const LOCK_S: u64 = 10;

/// How long a transaction may lie open between two statements, while a page is taken in; then the server ends it.
const IDLE_S: u64 = 300;

/// The longest wait for one of the connections to come free.
const FREE_S: u64 = 60;

/// A silent server is waited for a little longer than it would need to say that the time is over.
const SILENT: Duration = Duration::from_secs(STATEMENT_S + 10);

/// One moment of the ledger, and no writing: the transaction cannot be made another once it has read anything.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What the role may read. The bound is on rows: a few hundred tables.
const COLUMNS: &str = "SELECT CAST(table_schema AS text), CAST(table_name AS text), CAST(column_name AS text)
    FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
    AND has_column_privilege(CAST(quote_ident(table_schema) || '.' || quote_ident(table_name) AS regclass), CAST(column_name AS text), 'SELECT')
    ORDER BY 1, 2, ordinal_position LIMIT 10000";

/// The connections.
#[derive(Clone, Debug)]
pub struct Connections {
    open: crate::postgres::Connections,
    zone: Option<String>,
    place: String,
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
        let open = crate::postgres::Connections::new(options.options(settings), MOST);
        Connections { open, zone: zone.map(str::to_owned), place: place.to_owned() }
    }

    /// The database, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The tables and views that this role may read, with their columns.
    pub async fn relations(&self) -> Result<Vec<Relation>, SourceError> {
        let mut lease = self.begin().await?;
        let query = sqlx::query_as::<_, (String, String, String)>(COLUMNS);
        let rows = lease.run("list of tables", async |c| query.fetch_all(c).await).await?;
        lease.end().await;
        let named = |(schema, table, column): (String, String, String)| match schema.as_str() {
            "public" => (look::quoted(&table), column),
            _ => (format!("{}.{}", look::quoted(&schema), look::quoted(&table)), column),
        };
        Ok(look::gathered(rows.into_iter().map(named).collect()))
    }

    /// Begins a transaction. A connection whose server went away meanwhile is let go, so that it needs no care when the
    /// server is back.
    pub(super) async fn begin(&self) -> Result<Lease, SourceError> {
        loop {
            let mut connection = self.open.take(Duration::from_secs(FREE_S)).await.map_err(|e| self.unavailable(&e))?;
            let fresh = connection.is_fresh();
            match timeout(Duration::from_secs(CONNECT_S), self.prepare(&mut connection, fresh)).await {
                Ok(Ok(())) => return Ok(Lease { connection, place: self.place.clone() }),
                Ok(Err(e)) if fresh => return Err(words::no_connection(&self.place, &e)),
                Err(_) if fresh => return Err(self.unavailable(&Unavailable::Silent)),
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    /// Begins the transaction of a connection, and sets what is set once for each.
    async fn prepare(&self, connection: &mut PgConnection, fresh: bool) -> Result<(), sqlx::Error> {
        if let Some(zone) = self.zone.as_ref().filter(|_| fresh) {
            sqlx::query("SELECT set_config('TimeZone', $1, false)").bind(zone).execute(&mut *connection).await?;
        }
        connection.execute(BEGIN).await.map(drop)
    }

    fn unavailable(&self, why: &Unavailable) -> SourceError {
        let (why, advice) = match why {
            Unavailable::Refused(e) => return words::no_connection(&self.place, e),
            Unavailable::Busy => {
                (format!("each of the {MOST} connections to it has been in use for {FREE_S} seconds"), "its query may be slow")
            }
            Unavailable::Silent => (format!("it did not answer within {CONNECT_S} seconds"), words::AWAY),
            Unavailable::Closed => ("it is closed".to_owned(), words::AWAY),
        };
        SourceError::Server { place: self.place.clone(), why, advice }
    }
}

/// A connection with its transaction. Dropped, it is closed, and the server ends the transaction.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Connection,
    place: String,
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
            Ok(Err(e)) => Err(words::failed(&self.place, what, &e, watch.elapsed())),
            Err(_) => Err(words::too_long(&self.place)),
        }
    }

    /// Ends the transaction; the connection serves again. If it cannot, it is closed, which ends the transaction too.
    pub(super) async fn end(mut self) {
        if let Ok(Ok(_)) = timeout(Duration::from_secs(CONNECT_S), self.connection.execute("ROLLBACK")).await {
            self.connection.put_back();
        }
    }
}
