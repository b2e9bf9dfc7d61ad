//! The schema and its versions. They only go forward, each in one transaction and with a backup before it; a store of
//! a newer program is refused. The versions mean the same on both databases.

use super::access::{Begin, Pool, PoolKind, Tx};
use super::db::Store;
use super::error::{StoreError, in_words};
use super::sql::{Query, Sql, query};
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

const MIGRATIONS: &[Sql] = migrations!["0001_machine" "0002_sessions" "0003_privacy" "0004_controller" "0005_documents" "0006_report" "0007_standing" "0008_returns" "0009_reach" "0010_answers" "0011_bank" "0012_sources"];

/// The version that this program wants.
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Two programs that find no store do not make it at the same time.
const MAKING: Sql = Sql::same("SELECT CAST(pg_advisory_xact_lock(7954877706) AS TEXT)");

/// What is done to a whole store takes as long as it takes, whatever the role's limits are.
const PATIENCE: &str =
    "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";

const VERSION: Sql =
    Sql::each("SELECT user_version FROM pragma_user_version", "SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'version'");

/// Whether there is a store; the file of SQLite always is one.
const IS_THERE: Sql = Sql::each("SELECT 1", "SELECT count(to_regclass('relance.meta'))");

/// The version of a store; 0 when there is none yet.
async fn version(on: &Pool) -> Result<i64, StoreError> {
    let there: i64 = query(IS_THERE).sure(on).await.map_err(|e| explained(e, &on.place, 0))?;
    if there == 0 { Ok(0) } else { told(query(VERSION).value(on).await?) }
}

/// The same within a transaction.
pub(super) async fn version_within(tx: &mut Tx) -> Result<i64, StoreError> {
    let there: i64 = query(IS_THERE).sure(&mut *tx).await?;
    if there == 0 { Ok(0) } else { told(query(VERSION).value(tx).await?) }
}

fn told(version: Option<i64>) -> Result<i64, StoreError> {
    version.ok_or_else(|| StoreError::Corrupt("its table meta does not tell its version".to_owned()))
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
    let backup = match &store.writer.kind {
        PoolKind::Sqlite(pool) if found > 0 => Some(sqlite::backup(pool, Path::new(store.place()), found).await?),
        _ => None,
    };
    match change(store).await {
        Ok(Some((from, schema))) => {
            let kept = backup.map_or(schema, |path| path.display().to_string());
            tracing::info!(event = "store_upgraded", backup = kept, from, to = KNOWN, "the store was brought up to date");
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(e) => {
            // The copy of a store that is as it was is of no use, and would be in the way of the next try.
            if let Some(path) = &backup
                && version(&store.reader).await.is_ok_and(|now| now == found)
            {
                drop(std::fs::remove_file(path));
            }
            Err(explained(e, store.place(), found))
        }
    }
}

/// Makes the tables, or brings them up to date, in one transaction. Gives the version before, and where PostgreSQL keeps
/// it; `None` when there was nothing to bring up to date.
async fn change(store: &Store) -> Result<Option<(i64, String)>, StoreError> {
    let mut tx = store.writer.begin(Begin::Write).await?;
    if tx.is_postgres() {
        wait_turn(&mut tx).await?;
    }
    // Another start may have been first.
    let found = version_within(&mut tx).await?;
    if found >= KNOWN {
        tx.undo().await?;
        return Ok(None);
    }
    let mut kept = String::new();
    if tx.is_postgres() {
        match found {
            0 => make_schema(&mut tx, store.place()).await?,
            _ => kept = keep_tables(&mut tx, store.place(), found).await?,
        }
    }
    steps(&mut tx, found).await?;
    tx.commit().await?;
    Ok((found > 0).then_some((found, kept)))
}

/// Two programs that would make a store at one place do it one after the other.
pub(super) async fn wait_turn(tx: &mut Tx) -> Result<(), StoreError> {
    tx.script(PATIENCE.into_sql_str()).await?;
    query(MAKING).all(tx).await.map(drop)
}

/// Makes an empty store in a database that has none.
pub(super) async fn make(tx: &mut Tx, place: &str) -> Result<(), StoreError> {
    make_schema(tx, place).await?;
    steps(tx, 0).await.map_err(|e| explained(e, place, 0))
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
    let there: i64 = query(SCHEMAS).bind(postgres::SCHEMA).sure(&mut *tx).await?;
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

/// What is in a schema: tables and the like.
const THINGS: Sql = Sql::same("SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1)");

const SCHEMAS: Sql = Sql::same("SELECT count(to_regnamespace($1))");

/// The backup on PostgreSQL: every table as it was, in a schema beside, in the transaction that changes them. Nobody
/// writes meanwhile, so that it is the store of one moment.
async fn keep_tables(tx: &mut Tx, place: &str, version: i64) -> Result<String, StoreError> {
    let (from, to) = (postgres::SCHEMA, format!("{}_v{version}", postgres::SCHEMA));
    let failed = |why: String| StoreError::NotUpgraded { place: place.to_owned(), why };
    if query(THINGS).bind(&to).sure::<i64>(&mut *tx).await? > 0 {
        let other = format!("rename it (ALTER SCHEMA {to} RENAME TO …) or drop it");
        return Err(failed(format!("its backup, the schema {to}, is there already; {other}")));
    }
    let there: i64 = query(SCHEMAS).bind(&to).sure(&mut *tx).await?;
    let make = if there == 0 { format!("CREATE SCHEMA {to};") } else { String::new() };
    let script = format!(
        "DO $$ DECLARE t text; BEGIN
            {make}
            FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = '{from}' ORDER BY tablename LOOP
                EXECUTE format('LOCK TABLE {from}.%I IN ACCESS EXCLUSIVE MODE', t);
            END LOOP;
            FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = '{from}' ORDER BY tablename LOOP
                EXECUTE format('CREATE TABLE {to}.%I AS TABLE {from}.%I', t, t);
            END LOOP;
        END $$"
    );
    let kept = tx.script(AssertSqlSafe(script).into_sql_str()).await;
    kept.map(|()| to.clone()).map_err(|e| match e {
        StoreError::Sql(e) => {
            let hint = match denied(&e) {
                true => format!("; make it for this role: CREATE SCHEMA {to} AUTHORIZATION role"),
                false => String::new(),
            };
            failed(format!("its backup, the schema {to}, could not be made: {}{hint}", in_words(&e)))
        }
        other => other,
    })
}

/// Whether the role may not do what it tried.
fn denied(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "42501")
}

/// What the database said when a store could not be made or changed, with its place and what to do.
fn explained(error: StoreError, place: &str, found: i64) -> StoreError {
    let StoreError::Sql(error) = error else { return error };
    let hint = match denied(&error) {
        true => format!(
            "; the schema {0} must belong to this role: ALTER SCHEMA {0} OWNER TO role, and the same for what is in it",
            postgres::SCHEMA
        ),
        false => String::new(),
    };
    let (place, why) = (place.to_owned(), format!("{}{hint}", in_words(&error)));
    match found {
        0 => StoreError::Open { place, why },
        _ => StoreError::NotUpgraded { place, why },
    }
}
