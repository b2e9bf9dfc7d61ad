//! The schema and its versions. They only go forward, each in one transaction and with a backup before it; a store of
//! a newer program is refused. The versions mean the same on both databases.

use super::db::Store;
use super::error::{StoreError, in_words};
use super::sql::{Begin, Pool, PoolKind, Query, Sql, Tx, query};
use super::{postgres, sqlite};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};
use std::path::Path;

macro_rules! migrations {
    ($($name:literal)+) => {
        &[$(Sql::each(
            include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        ),)+]
    };
}

const MIGRATIONS: &[Sql] = migrations!["0001_machine" "0002_sessions"];

/// The version that this program wants.
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Two programs that find no store do not make it at the same time.
const MAKING: Sql = Sql::same("SELECT CAST(pg_advisory_xact_lock(7954877706) AS TEXT)");

const VERSION: Sql =
    Sql::each("SELECT user_version FROM pragma_user_version", "SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'version'");

/// Whether there is a store; the file of SQLite always is one.
const IS_THERE: Sql = Sql::each("SELECT 1", "SELECT count(to_regclass('relance.meta'))");

const SCHEMA_IS_THERE: Sql = Sql::same("SELECT count(to_regnamespace('relance'))");

/// The version of a store; 0 when there is none yet.
async fn version(on: &Pool) -> Result<i64, StoreError> {
    let there: i64 = query(IS_THERE).sure(on).await?;
    if there == 0 { Ok(0) } else { query(VERSION).sure(on).await }
}

/// The same within a transaction.
pub(super) async fn version_within(tx: &mut Tx) -> Result<i64, StoreError> {
    let there: i64 = query(IS_THERE).sure(&mut *tx).await?;
    if there == 0 { Ok(0) } else { query(VERSION).sure(tx).await }
}

/// Sees that a store is there and of this version.
pub(super) async fn check(store: &Store) -> Result<(), StoreError> {
    let place = || store.place().to_owned();
    let found = version(&store.reader).await?;
    if found > 0 {
        store.refuse_moved(&store.reader).await?;
    }
    match found {
        KNOWN => Ok(()),
        0 => Err(StoreError::NotYet(place())),
        found if found > KNOWN => Err(StoreError::TooNew { place: place(), found, known: KNOWN }),
        found => Err(StoreError::TooOld { place: place(), found, known: KNOWN }),
    }
}

/// Makes a store, or brings it up to date.
pub(super) async fn upgrade(store: &Store) -> Result<(), StoreError> {
    let place = || store.place().to_owned();
    let found = version(&store.reader).await?;
    if found > KNOWN {
        return Err(StoreError::TooNew { place: place(), found, known: KNOWN });
    }
    if found > 0 {
        store.refuse_moved(&store.reader).await?;
    }
    if found == KNOWN {
        return Ok(());
    }
    if found > 0
        && let PoolKind::Sqlite(pool) = &store.writer.kind
    {
        let copy = sqlite::backup(pool, Path::new(store.place()), found).await?;
        tracing::info!(backup = %copy.display(), from = found, to = KNOWN, "the store is brought up to date");
    }
    let mut tx = store.writer.begin(Begin::Write).await?;
    if tx.is_postgres() {
        wait_turn(&mut tx).await?;
    }
    // Another start may have been first.
    let found = version_within(&mut tx).await?;
    if found >= KNOWN {
        return Ok(());
    }
    if tx.is_postgres() {
        match found {
            0 => make_schema(&mut tx, store.place()).await?,
            _ => keep_tables(&mut tx, store.place(), found).await?,
        }
    }
    steps(&mut tx, found).await?;
    tx.commit().await
}

/// Two programs that would make a store at one place do it one after the other.
pub(super) async fn wait_turn(tx: &mut Tx) -> Result<(), StoreError> {
    query(MAKING).all(tx).await.map(drop)
}

/// Makes an empty store in a database that has none.
pub(super) async fn make(tx: &mut Tx, place: &str) -> Result<(), StoreError> {
    make_schema(tx, place).await?;
    steps(tx, 0).await
}

/// All steps from a version on.
async fn steps(tx: &mut Tx, from: i64) -> Result<(), StoreError> {
    for (i, sql) in MIGRATIONS.iter().enumerate().skip(from.max(0) as usize) {
        step(tx, *sql, i + 1).await?;
    }
    Ok(())
}

async fn step(tx: &mut Tx, sql: Sql, to: usize) -> Result<(), StoreError> {
    if tx.is_postgres() {
        tx.script(sql.postgres.into_sql_str()).await?;
        let version: Query = query(super::db::WRITE_META).bind("version").bind(to.to_string());
        version.execute(tx).await?;
    } else {
        tx.script(sql.sqlite.into_sql_str()).await?;
        tx.script(AssertSqlSafe(format!("PRAGMA user_version = {to}")).into_sql_str()).await?;
    }
    Ok(())
}

/// The schema may have been made by whoever keeps the database, for a role that may not make one.
async fn make_schema(tx: &mut Tx, place: &str) -> Result<(), StoreError> {
    let there: i64 = query(SCHEMA_IS_THERE).sure(&mut *tx).await?;
    if there != 0 {
        return Ok(());
    }
    let made = tx.script(AssertSqlSafe(format!("CREATE SCHEMA {}", postgres::SCHEMA)).into_sql_str()).await;
    made.map_err(|e| match e {
        StoreError::Sql(e) => {
            let hint = format!("make its schema for this role: CREATE SCHEMA {} AUTHORIZATION role", postgres::SCHEMA);
            StoreError::Open { place: place.to_owned(), why: format!("{}; {hint}", in_words(&e)) }
        }
        other => other,
    })
}

/// The backup on PostgreSQL: every table as it was, in a schema beside, in the transaction that changes them.
async fn keep_tables(tx: &mut Tx, place: &str, version: i64) -> Result<(), StoreError> {
    let (from, to) = (postgres::SCHEMA, format!("{}_v{version}", postgres::SCHEMA));
    let script = format!(
        "DO $$ DECLARE t text; BEGIN
            CREATE SCHEMA {to};
            FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = '{from}' LOOP
                EXECUTE format('CREATE TABLE {to}.%I AS TABLE {from}.%I', t, t);
            END LOOP;
        END $$"
    );
    let kept = tx.script(AssertSqlSafe(script).into_sql_str()).await;
    kept.map_err(|e| match e {
        StoreError::Sql(e) => {
            let why = format!(
                "its backup, the schema {to}, could not be made: {}; the role needs CREATE on the database, and no schema of that name may be there",
                in_words(&e)
            );
            StoreError::NotUpgraded { place: place.to_owned(), why }
        }
        other => other,
    })?;
    tracing::info!(backup = to, "the store is brought up to date");
    Ok(())
}
