//! Opening the store: one writer, readers apart, durable to the disk.

use super::statements;
use jiff::Timestamp;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, Transaction};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

const MIGRATIONS: &[&str] = &[include_str!("../../migrations/sqlite/0001_machine.sql")];

/// How long a statement waits for another program to let go of the store.
const BUSY_S: u64 = 30;

/// How long the program waits for its own writer.
const WAIT_S: u64 = 60;

statements! {
    READ_VERSION = "SELECT user_version FROM pragma_user_version";
    READ_WRITTEN = "SELECT data_version FROM pragma_data_version";
    READ_META = "SELECT value FROM meta WHERE key = $1";
    WRITE_META = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    KEEP_META = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    DROP_META = "DELETE FROM meta WHERE key = $1";
}

/// Something went wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open the store {path}: {why}; see that its folder exists and that this user may write to it")]
    Open {
        /// The file.
        path: String,
        /// What the system said.
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
        "the store {path} was written by a newer relance (version {found}, this one knows {known}); install the newer program"
    )]
    TooNew {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// There is none yet.
    #[error("there is no store at {0} yet; `relance run` makes it at its first start")]
    NotYet(String),
    /// Another `run` holds it.
    #[error("another `relance run` holds the store {0}; stop it first (only one may send)")]
    Held(String),
    /// Another program does not let go of it.
    #[error(
        "another program has kept the store {0} locked for {BUSY_S} seconds; end it or wait for it (`fuser {0}` names it), then try again: nothing is lost"
    )]
    Locked(String),
    /// Its one writer was busy for too long.
    #[error(
        "nobody could write to the store {0} for {WAIT_S} seconds; does another program keep it locked (`fuser {0}` names it)? Nothing is lost"
    )]
    Busy(String),
    /// A statement failed.
    #[error("the store failed: {}", in_words(.0))]
    Sql(#[from] sqlx::Error),
    /// What was read makes no sense.
    #[error("the store holds something that cannot be: {0}")]
    Corrupt(String),
}

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) writer: SqlitePool,
    pub(super) reader: SqlitePool,
    path: PathBuf,
}

/// Held while a `run` is at work; ends with the process, however it ends.
#[derive(Debug)]
pub struct StoreLock(#[allow(dead_code, reason = "held for its lock")] File);

impl StoreLock {
    /// Takes the store at a path, which need not be open.
    pub fn take(store: &Path) -> Result<StoreLock, StoreError> {
        let path = store.with_extension("lock");
        let open = File::options().create(true).append(true).open(&path);
        let file = open.map_err(|e| StoreError::Open { path: path.display().to_string(), why: e.to_string() })?;
        match file.try_lock() {
            Ok(()) => Ok(StoreLock(file)),
            Err(_) => Err(StoreError::Held(store.display().to_string())),
        }
    }
}

impl Store {
    /// Opens the store, making or upgrading it when needed.
    pub async fn open(path: &Path) -> Result<Store, StoreError> {
        let store = Store::connect(path, true).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Opens a store that must exist already.
    pub async fn open_existing(path: &Path) -> Result<Store, StoreError> {
        if !is_there(path)? {
            return Err(StoreError::NotYet(path.display().to_string()));
        }
        Store::open(path).await
    }

    async fn connect(path: &Path, create: bool) -> Result<Store, StoreError> {
        restrict(path)?;
        let options = SqliteConnectOptions::new()
            .disable_statement_logging()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(BUSY_S))
            .statement_cache_capacity(200)
            .row_buffer_size(1024)
            .pragma("cache_size", "-4000")
            .pragma("wal_autocheckpoint", "4000");
        let failed = |e: sqlx::Error| match is_locked(&e) {
            true => StoreError::Locked(path.display().to_string()),
            false => StoreError::Open { path: path.display().to_string(), why: in_words(&e) },
        };
        // SQLite ends a transaction by itself when the disk is full. The driver then still counts it as open and
        // refuses to begin another on that connection, for ever: such a connection is thrown away.
        let pool = |n| {
            let options =
                SqlitePoolOptions::new().max_connections(n).acquire_timeout(Duration::from_secs(WAIT_S)).idle_timeout(None);
            options.before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        // Each connection has a cache of its own; behind the readers' stands the system's.
        let reader = options.read_only(true).pragma("cache_size", "-1000");
        let reader = pool(3).connect_with(reader).await.map_err(failed)?;
        Ok(Store { writer, reader, path: path.to_path_buf() })
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let known = MIGRATIONS.len() as i64;
        // As a rule there is nothing to do, and verbs that only read need not wait for whoever is writing.
        if sqlx::query_scalar::<_, i64>(READ_VERSION).fetch_one(&self.reader).await? == known {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let found: i64 = sqlx::query_scalar(READ_VERSION).fetch_one(&mut *tx).await?;
        if found > known {
            return Err(StoreError::TooNew { path: self.path.display().to_string(), found, known });
        }
        for (i, sql) in MIGRATIONS.iter().enumerate().skip(found.max(0) as usize) {
            sqlx::raw_sql(*sql).execute(&mut *tx).await?;
            let version = format!("PRAGMA user_version = {}", i + 1);
            sqlx::raw_sql(sqlx::AssertSqlSafe(version)).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Takes the store for sending; fails at once when another process has it.
    pub fn lock(&self) -> Result<StoreLock, StoreError> {
        StoreLock::take(&self.path)
    }

    /// Begins a transaction that may write; it waits its turn.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.failed(e))
    }

    /// Runs one statement that may write, as a transaction of its own; gives the rows affected.
    pub(super) async fn write(&self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<u64, StoreError> {
        Ok(query.execute(&self.writer).await.map_err(|e| self.failed(e))?.rows_affected())
    }

    /// The error with the place, where that matters.
    fn failed(&self, error: sqlx::Error) -> StoreError {
        let place = || self.path.display().to_string();
        match error {
            sqlx::Error::PoolTimedOut => StoreError::Busy(place()),
            e if is_locked(&e) => StoreError::Locked(place()),
            e => e.into(),
        }
    }

    /// A number that changes when anybody but this program has written into the store. (SQLite counts for each
    /// connection what others have committed; all that this program writes goes by the one writer.)
    pub async fn written_by_others(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(READ_WRITTEN).fetch_one(&self.writer).await?)
    }

    /// A value kept under a name.
    pub async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar(READ_META).bind(key).fetch_optional(&self.reader).await?)
    }

    /// Keeps a value under a name.
    pub async fn set_meta(&self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        let query = match value {
            Some(value) => sqlx::query(WRITE_META).bind(key).bind(value.to_owned()),
            None => sqlx::query(DROP_META).bind(key),
        };
        self.write(query).await?;
        Ok(())
    }

    /// The key for Message-IDs and tokens, made at the first start.
    pub async fn secret_key(&self) -> Result<[u8; 32], StoreError> {
        let text = match self.meta("key").await? {
            Some(text) => text,
            None => {
                let fresh = crate::domain::hex::hex(&random()?);
                self.write(sqlx::query(KEEP_META).bind("key").bind(fresh)).await?;
                // Another start may have been first.
                sqlx::query_scalar(READ_META).bind("key").fetch_one(&self.writer).await?
            }
        };
        let bytes: Option<Vec<u8>> =
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect();
        bytes.and_then(|b| b.try_into().ok()).ok_or_else(|| StoreError::Corrupt("the key is not 32 bytes".to_owned()))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Prepares a statement; used by the test that prepares them all.
    pub async fn prepare(&self, sql: &'static str) -> Result<(), StoreError> {
        use sqlx::Executor as _;
        use sqlx::SqlSafeStr as _;
        (&self.reader).prepare(sql.into_sql_str()).await?;
        Ok(())
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// The result code of SQLite; its low byte is the primary one (https://sqlite.org/rescode.html).
fn code(error: &sqlx::Error) -> i64 {
    let code = error.as_database_error().and_then(|e| e.code());
    code.and_then(|c| c.parse().ok()).unwrap_or_default()
}

/// Whether another program was in the way, longer than one waits.
fn is_locked(error: &sqlx::Error) -> bool {
    matches!(code(error) & 0xff, 5 | 6)
}

/// What the database said, and what to do where that is known.
fn in_words(error: &sqlx::Error) -> String {
    let Some(database) = error.as_database_error() else {
        return match error {
            sqlx::Error::PoolTimedOut => {
                format!("its writer was busy for {WAIT_S} seconds; does another program keep it locked?")
            }
            other => other.to_string(),
        };
    };
    let code = code(error);
    let hint = match code & 0xff {
        10 => "; see that its disk has room and is sound",
        13 => "; make room on its disk",
        _ => "",
    };
    format!("{} (SQLite {code}){hint}", database.message())
}

/// 32 bytes from the system's generator.
pub(crate) fn random() -> Result<[u8; 32], StoreError> {
    let mut bytes = [0u8; 32];
    let rng = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&rng, &mut bytes).map_err(|_| StoreError::Corrupt("no randomness to be had".to_owned()))?;
    Ok(bytes)
}

/// Whether there is a store. A folder that may not be entered is no answer.
pub fn is_there(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|e| unopened(path, &e))
}

fn unopened(path: &Path, error: &std::io::Error) -> StoreError {
    let path = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => StoreError::Shut { path },
        _ => StoreError::Open { path, why: error.to_string() },
    }
}

/// The store holds addresses: it is made readable by its owner only.
fn restrict(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    if is_there(path)? {
        return Ok(());
    }
    let made = File::options().create(true).append(true).mode(0o600).open(path);
    made.map(drop).map_err(|e| unopened(path, &e))
}

/// An instant from the store.
pub(super) fn instant(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|_| StoreError::Corrupt(format!("{millis} is no instant")))
}

/// A day from the store.
pub(super) fn day(text: &str) -> Result<jiff::civil::Date, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("\"{text}\" is no date")))
}

/// A word from the store that must be one of a list.
pub(super) fn word<T>(found: Option<T>, text: &str) -> Result<T, StoreError> {
    found.ok_or_else(|| StoreError::Corrupt(format!("\"{text}\" is not a word it may hold")))
}
