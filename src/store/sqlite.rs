//! A store in an SQLite file: one writer, readers apart, durable to the disk, and one `run` at a time.

use super::access::{PATIENCE, Pool, PoolKind};
use super::db::is_there;
use super::error::{BUSY_S, StoreError, WAIT_S, cannot_open, in_words, is_locked, unopened};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Held while a `run` is at work; ends with the process, however it ends.
#[derive(Debug)]
pub struct StoreLock(#[allow(dead_code, reason = "held for its lock")] File);

impl StoreLock {
    /// Takes the store at a path, which need not be open.
    pub fn take(store: &Path) -> Result<StoreLock, StoreError> {
        let path = store.with_extension("lock");
        let file = File::options().create(true).append(true).open(&path).map_err(|e| cannot_open(&path, &e.to_string()))?;
        match file.try_lock() {
            Ok(()) => Ok(StoreLock(file)),
            Err(_) => Err(StoreError::Held(store.display().to_string())),
        }
    }
}

/// Opens the file: the one writer, and readers.
pub(super) async fn connect(path: &Path) -> Result<(Pool, Pool), StoreError> {
    restrict(path)?;
    let options = SqliteConnectOptions::new()
        .disable_statement_logging()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(BUSY_S))
        .statement_cache_capacity(200)
        .row_buffer_size(1024)
        .pragma("cache_size", "-4000")
        .pragma("wal_autocheckpoint", "4000")
        // What is erased is overwritten, wherever it has lain in a page.
        .pragma("secure_delete", "ON");
    let failed = |e: sqlx::Error| match is_locked(&e) {
        true => StoreError::Locked(path.display().to_string()),
        false => cannot_open(path, &in_words(&e)),
    };
    let writer = pool(1).connect_with(options.clone()).await.map_err(failed)?;
    // Each connection has a cache of its own; behind the readers' stands the system's.
    let reader = options.read_only(true).pragma("cache_size", "-1000");
    let reader = pool(3).connect_with(reader).await.map_err(failed)?;
    let place = path.display().to_string();
    let named = |pool| Pool { kind: PoolKind::Sqlite(pool), place: place.as_str().into(), patience: PATIENCE };
    Ok((named(writer), named(reader)))
}

/// SQLite ends a transaction by itself when the disk is full. The driver then still counts it as open and refuses to
/// begin another on that connection, for ever: such a connection is thrown away.
fn pool(connections: u32) -> SqlitePoolOptions {
    let options =
        SqlitePoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(WAIT_S)).idle_timeout(None);
    options.before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// Writes a whole copy of the store beside it, before it is changed; gives its path.
pub(super) async fn backup(pool: &SqlitePool, store: &Path, version: i64) -> Result<PathBuf, StoreError> {
    let failed = |why: String| StoreError::NotUpgraded { place: store.display().to_string(), why };
    let whole = store.with_extension(format!("v{version}.db"));
    if is_there(&whole)? {
        return Err(failed(format!("its backup {} is there already; move it away", whole.display())));
    }
    let draft = store.with_extension(format!("v{version}.draft"));
    drop(std::fs::remove_file(&draft));
    let unwritten = |why: String| failed(format!("its backup {} could not be written: {why}", whole.display()));
    let made = File::options().create_new(true).write(true).mode(0o600).open(&draft);
    made.map_err(|e| unwritten(format!("{e}; see that this user may write to its folder")))?;
    let copy = AssertSqlSafe(format!("VACUUM INTO '{}'", draft.display().to_string().replace('\'', "''")));
    let made = sqlx::query(copy).execute(pool).await.map_err(|e| in_words(&e));
    let kept = made.and_then(|_| keep(&draft, &whole).map_err(|e| e.to_string()));
    match kept {
        Ok(()) => Ok(whole),
        Err(why) => {
            drop(std::fs::remove_file(&draft));
            Err(unwritten(why))
        }
    }
}

/// Gives a file that is complete its name, durably.
fn keep(draft: &Path, whole: &Path) -> std::io::Result<()> {
    File::open(draft)?.sync_all()?;
    std::fs::rename(draft, whole)?;
    let folder = whole.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// The store holds addresses: it is made readable by its owner only.
fn restrict(path: &Path) -> Result<(), StoreError> {
    if is_there(path)? {
        return Ok(());
    }
    let made = File::options().create(true).append(true).mode(0o600).open(path);
    made.map(drop).map_err(|e| unopened(path, &e))
}
