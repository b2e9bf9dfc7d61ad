//! Connections and transactions of either database. On PostgreSQL every wait has an end, and a transaction that is not
//! ended in good order is ended by closing its connection.

use super::error::{StoreError, WAIT_S};
use super::postgres::refused;
use super::sql::{Query, Row, Sql, Target};
use crate::postgres::{CONNECT_S, Connection, Connections, Unavailable};
use sqlx::sqlite::SqlitePool;
use sqlx::{Executor as _, SqlSafeStr as _, SqlStr, Sqlite, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// No statement takes longer; a server that no longer answers is given up after this.
pub(super) const PATIENCE: Duration = Duration::from_secs(2 * WAIT_S);

/// What is done to a whole store at once, such as bringing a large one up to date, may take so long.
const LONG: Duration = Duration::from_secs(12 * 3600);

/// Connections to one database.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) kind: PoolKind,
    /// For errors.
    pub(super) place: Arc<str>,
    /// How long a server may take over a statement.
    pub(super) patience: Duration,
}

#[derive(Clone, Debug)]
pub(super) enum PoolKind {
    Sqlite(SqlitePool),
    Postgres(Connections),
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// To write.
    Write,
    /// To read several things as they were at one moment.
    Read,
}

impl Pool {
    /// Begins a transaction.
    pub(super) async fn begin(&self, how: Begin) -> Result<Tx, StoreError> {
        let kind = match &self.kind {
            PoolKind::Sqlite(pool) => {
                let begun = match how {
                    Begin::Write => pool.begin_with("BEGIN IMMEDIATE").await,
                    Begin::Read => pool.begin().await,
                };
                TxKind::Sqlite(begun.map_err(|e| StoreError::sqlite(e, &self.place))?)
            }
            PoolKind::Postgres(pool) => {
                let words = match how {
                    Begin::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                    Begin::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                };
                TxKind::Postgres(self.begun(pool, words).await?)
            }
        };
        Ok(Tx { kind, place: self.place.clone(), patience: self.patience })
    }

    /// Sees that there is a connection to be had.
    pub(super) async fn reach(&self) -> Result<(), StoreError> {
        if let PoolKind::Postgres(pool) = &self.kind {
            self.taken(pool).await?.put_back();
        }
        Ok(())
    }

    /// A connection with its transaction begun; those that died while nobody used them are let go.
    async fn begun(&self, pool: &Connections, words: &'static str) -> Result<Connection, StoreError> {
        loop {
            let mut connection = self.taken(pool).await?;
            match answered(&self.place, self.patience, connection.execute(words)).await {
                Ok(_) => return Ok(connection),
                Err(StoreError::Away { .. }) if !connection.is_fresh() => pool.forget_idle(),
                Err(e) => return Err(e),
            }
        }
    }

    async fn taken(&self, pool: &Connections) -> Result<Connection, StoreError> {
        let away = |why: String| StoreError::Away { place: self.place.to_string(), why };
        pool.take(self.patience.min(Duration::from_secs(WAIT_S))).await.map_err(|e| match e {
            Unavailable::Refused(e) => refused(e, &self.place),
            Unavailable::Silent => away(format!("it gave no answer within {CONNECT_S} seconds")),
            Unavailable::Busy => away(format!("each of the {} connections to it is in use", pool.most())),
            Unavailable::Closed => away("it is closed".to_owned()),
        })
    }

    /// Prepares a statement and does not run it.
    pub(super) async fn prepare(&self, sql: Sql) -> Result<(), StoreError> {
        match &self.kind {
            PoolKind::Sqlite(pool) => {
                pool.prepare(sql.sqlite.into_sql_str()).await.map(drop).map_err(|e| StoreError::sqlite(e, &self.place))
            }
            PoolKind::Postgres(pool) => {
                let mut on = self.taken(pool).await?;
                answered(&self.place, self.patience, on.prepare(sql.postgres.into_sql_str())).await?;
                on.put_back();
                Ok(())
            }
        }
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        match &self.kind {
            PoolKind::Sqlite(pool) => pool.close().await,
            PoolKind::Postgres(pool) => pool.close(),
        }
    }
}

/// By themselves only statements are run that may be run twice: of a connection that had died nobody knows how far it came.
impl Target for &Pool {
    async fn execute(self, query: Query) -> Result<u64, StoreError> {
        let pool = match &self.kind {
            PoolKind::Sqlite(pool) => {
                let done = query.for_sqlite().execute(pool).await;
                return Ok(done.map_err(|e| StoreError::sqlite(e, &self.place))?.rows_affected());
            }
            PoolKind::Postgres(pool) => pool,
        };
        loop {
            let mut on = self.taken(pool).await?;
            match answered(&self.place, self.patience, query.clone().for_postgres().execute(&mut *on)).await {
                Ok(done) => {
                    on.put_back();
                    return Ok(done.rows_affected());
                }
                Err(StoreError::Away { .. }) if !on.is_fresh() => pool.forget_idle(),
                Err(e) => return Err(e),
            }
        }
    }

    async fn rows(self, query: Query) -> Result<Vec<Row>, StoreError> {
        let pool = match &self.kind {
            PoolKind::Sqlite(pool) => {
                let rows = query.for_sqlite().fetch_all(pool).await.map_err(|e| StoreError::sqlite(e, &self.place))?;
                return Ok(rows.into_iter().map(Row::Sqlite).collect());
            }
            PoolKind::Postgres(pool) => pool,
        };
        loop {
            let mut on = self.taken(pool).await?;
            match answered(&self.place, self.patience, query.clone().for_postgres().fetch_all(&mut *on)).await {
                Ok(rows) => {
                    on.put_back();
                    return Ok(rows.into_iter().map(Row::Postgres).collect());
                }
                Err(StoreError::Away { .. }) if !on.is_fresh() => pool.forget_idle(),
                Err(e) => return Err(e),
            }
        }
    }
}

/// A transaction; dropped without a commit, it never was.
#[derive(Debug)]
pub(super) struct Tx {
    kind: TxKind,
    place: Arc<str>,
    patience: Duration,
}

#[derive(Debug)]
enum TxKind {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Connection),
}

impl Tx {
    /// Commits it.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.end("COMMIT").await
    }

    /// Ends it without having changed anything; its connection serves again.
    pub(super) async fn undo(self) -> Result<(), StoreError> {
        self.end("ROLLBACK").await
    }

    async fn end(self, words: &'static str) -> Result<(), StoreError> {
        match self.kind {
            TxKind::Sqlite(tx) if words == "COMMIT" => tx.commit().await.map_err(|e| StoreError::sqlite(e, &self.place)),
            TxKind::Sqlite(tx) => tx.rollback().await.map_err(|e| StoreError::sqlite(e, &self.place)),
            TxKind::Postgres(mut on) => {
                answered(&self.place, self.patience, on.execute(words)).await?;
                on.put_back();
                Ok(())
            }
        }
    }

    /// Whether it is one of PostgreSQL.
    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.kind, TxKind::Postgres(_))
    }

    /// Gives rows to a COPY of PostgreSQL, as one statement; gives how many it took.
    pub(super) async fn copy_in(&mut self, statement: &str, rows: &[u8]) -> Result<u64, StoreError> {
        let TxKind::Postgres(on) = &mut self.kind else {
            return Err(StoreError::Corrupt("only PostgreSQL has COPY".to_owned()));
        };
        let copying = async {
            let mut copy = on.copy_in_raw(statement).await?;
            copy.send(rows).await?;
            copy.finish().await
        };
        answered(&self.place, self.patience, copying).await
    }

    /// Runs several statements without values: a migration, which takes its time.
    pub(super) async fn script(&mut self, text: SqlStr) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(text);
        match &mut self.kind {
            TxKind::Sqlite(tx) => script.execute(&mut **tx).await.map(drop).map_err(|e| StoreError::sqlite(e, &self.place)),
            TxKind::Postgres(on) => answered(&self.place, LONG, script.execute(&mut **on)).await.map(drop),
        }
    }
}

impl Target for &mut Tx {
    async fn execute(self, query: Query) -> Result<u64, StoreError> {
        match &mut self.kind {
            TxKind::Sqlite(tx) => {
                let done = query.for_sqlite().execute(&mut **tx).await;
                Ok(done.map_err(|e| StoreError::sqlite(e, &self.place))?.rows_affected())
            }
            TxKind::Postgres(on) => {
                Ok(answered(&self.place, self.patience, query.for_postgres().execute(&mut **on)).await?.rows_affected())
            }
        }
    }

    async fn rows(self, query: Query) -> Result<Vec<Row>, StoreError> {
        match &mut self.kind {
            TxKind::Sqlite(tx) => {
                let rows = query.for_sqlite().fetch_all(&mut **tx).await.map_err(|e| StoreError::sqlite(e, &self.place))?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            TxKind::Postgres(on) => {
                let rows = answered(&self.place, self.patience, query.for_postgres().fetch_all(&mut **on)).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

/// Waits for a server's answer, but not for ever: a connection that was cut without a word gives none.
pub(super) async fn answered<T>(
    place: &str,
    patience: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(patience, work).await {
        Ok(done) => done.map_err(|e| StoreError::postgres(e, place)),
        Err(_) => {
            let why = format!("it gave no answer within {} seconds", patience.as_secs_f32());
            Err(StoreError::Away { place: place.to_owned(), why })
        }
    }
}
